"""Who we are, and whom we believe: subjects and their wallets; use cases, certificates, other people's keys."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from credentials.did.did_web import web_did
from credentials.did.identifier import DID, did_method
from credentials.errors import CredentialError
from node import health
from node.config.model import Config
from node.health import Check
from node.identity import routes as identity_routes
from node.identity import vdr_routes
from node.identity.errors import UnknownSubjectError
from node.identity.key_changes import KeyChanges
from node.identity.resolver import DidResolver
from node.identity.services import Services
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.issuing.own_lists import OwnListsFirst
from node.issuing.status_lists import IssuedLists
from node.oauth.refusals import RefusalCounter
from node.parts.errors import NodeError
from node.parts.kept import Kept
from node.pki.checks import check_deny_list, check_revocation_lists
from node.pki.opening import open_revocation
from node.pki.revocation import Revocation
from node.ports import World
from node.registries.definitions import load_definitions
from node.usecases.book import UseCaseBook
from node.usecases.load import load_chosen, usecase_id
from node.usecases.policies import load_policies
from node.usecases.vocabulary import SIGNERS
from node.verification.checks import check_status_lists
from node.verification.lane import Lane
from node.verification.signature_memory import SignatureMemory
from node.verification.verifier import Verifier
from registry.service import ServiceDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Our identity and our judgement.

    Attributes:
        holder: the DID of the organisation in the configuration.
        services: discovery services by name, as defined.
        lists: the status lists that we publish.
        refusals: counts callers who proved nothing.
    """

    config: Config
    world: World
    subjects: Subjects
    holder: DID
    wallet: Wallet
    resolver: DidResolver
    usecases: UseCaseBook
    services: dict[str, ServiceDefinition]
    revocation: Revocation
    lists: IssuedLists
    verifier: Verifier
    refusals: RefusalCounter
    key_changes: KeyChanges
    published: Services

    @property
    def checks(self) -> dict[str, Check]:
        """Whether our key signs, and what we know of other people's lists is fresh."""
        revocation = self.revocation
        return {
            "key": health.check_key(self.subjects, self.config.organisation.subject),
            "status lists": check_status_lists(self.verifier.status_lists, self.world.clock),
            "revocation lists": check_revocation_lists(revocation.lists, self.world.clock),
            **({} if revocation.deny_list is None else {"deny list": check_deny_list(revocation.deny_list)}),
        }

    def install(self, app: web.Application) -> None:
        """Give the services to an application."""
        app[identity_routes.SUBJECTS] = self.subjects
        app[identity_routes.WALLET] = self.wallet
        app[identity_routes.RESOLVER] = self.resolver
        app[identity_routes.PUBLIC_URL] = self.config.url
        app[identity_routes.CLOCK] = self.world.clock
        app[vdr_routes.SERVICES] = self.published
        app[vdr_routes.KEY_CHANGES] = self.key_changes
        app[vdr_routes.OWN_SUBJECT] = self.config.organisation.subject


async def open_trust(config: Config, world: World, kept: Kept, stack: AsyncExitStack) -> Trust:
    """Find ourselves in the database, and load what says whom we believe.

    Raises:
        NodeError: the organisation is not there, or a setting names what does not exist.
        DefinitionError, UseCaseError, PkiError: a file or key that the configuration names is wrong.
    """
    clock, entropy, database = world.clock, world.entropy, kept.database
    subjects = Subjects(database, kept.vault, clock, entropy, config.url, methods=config.did_methods)
    holder = await _holder(subjects, config)
    lane = Lane(world.peers)  # whose papers are fetched is said by strangers
    resolver = DidResolver(subjects, lane, clock, config.url)
    signatures = SignatureMemory()
    usecases = _usecases(config)
    services = load_definitions(config.discovery.definitions)
    _check_services(config, services)
    revocation = open_revocation(config, world, usecases.all, services.values(), signatures=signatures)
    lists = IssuedLists(database, subjects, clock, entropy, config.url)
    verifier = Verifier(
        resolver=resolver,
        peers=OwnListsFirst(lane, lists, config.url),
        clock=clock,
        revocation=revocation,
        signatures=signatures,
    )
    stack.callback(verifier.close)
    return Trust(
        config=config,
        world=world,
        subjects=subjects,
        holder=holder,
        wallet=Wallet(database, subjects, clock, kept.wallet_seal),
        resolver=resolver,
        usecases=usecases,
        services=services,
        revocation=revocation,
        lists=lists,
        verifier=verifier,
        refusals=RefusalCounter(clock),
        key_changes=KeyChanges(database, subjects, kept.vault, clock, entropy),
        published=Services(database, subjects, clock),
    )


async def _holder(subjects: Subjects, config: Config) -> DID:
    """Return the DID of the organisation in the configuration, which has to be made of the configured address."""
    name = config.organisation.subject
    try:
        holder = next(did for did in (await subjects.get(name)).dids if did_method(did) == "web")
    except UnknownSubjectError as error:
        raise NodeError(
            f"there is no organisation called {name} in the database of this node",
            "restore data/hazel.db from the backup, mend organisation.subject, or make a node with: hazel init",
        ) from error
    try:
        prefix = web_did(config.url, "x").removesuffix("x")
    except CredentialError:
        prefix = ""
    if not prefix or not holder.startswith(prefix):
        raise NodeError(
            f"{config.url} is not the address that {holder} is made of",
            "set url back: identifiers are made of the address, and others know us by them",
        )
    return holder


def _usecases(config: Config) -> UseCaseBook:
    directory = config.usecase_directory
    chosen = [usecase_id(each) for each in config.usecases]
    for name in config.trust.usecases:
        if name not in chosen:
            raise NodeError(
                f"trust.usecases names {name}, which is not a use case of this node",
                "mend the name: roots that were meant for one use case would be passed over",
            )
    try:
        return UseCaseBook(
            load_chosen(config.usecases, directory, config.trust.anchors.get(SIGNERS, ())),
            {"uzi": config.trust.uzi, **config.trust.anchors},
            config.trust.usecases,
            () if directory is None else load_policies(directory),
        )
    except (ValueError, CredentialError) as error:
        raise NodeError(f"use cases: {error}", "check them with: hazel usecase check FILE") from error


def _check_services(config: Config, services: Mapping[str, object]) -> None:
    for name in (*config.discovery.join, *config.discovery.host):
        if name not in services:
            raise NodeError(
                f"there is no definition of discovery service {name}",
                f"put its definition file in {config.discovery.definitions}",
            )
