"""The composition root: the one module that knows all others, and reads as a parts list.

:func:`open_node` opens everything in order and closes it in reverse. Nothing here decides anything.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware
from sqlalchemy.exc import SQLAlchemyError

from credentials.did.did_web import web_did
from credentials.did.identifier import DID, did_method
from credentials.errors import CredentialError, MalformedError
from credentials.keys import KeyId, PublicKey
from node import health
from node.audit import routes as audit_routes
from node.audit.fhir import Site
from node.audit.head import HeadKeeper
from node.audit.log import AuditUnavailableError
from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.routes import AUDIT
from node.audit.seal import Sealer
from node.audit.service import AuditService
from node.audit.writer_sqlite import SqliteAuditLog
from node.config.model import Config
from node.consent import routes as consent_routes
from node.consent.book import ConsentBook
from node.consent.routes import CONSENTS
from node.consent.service import ConsentService
from node.consent.store import ConsentStore
from node.exchange import routes as exchange_routes
from node.exchange.asking import Limits, Means
from node.exchange.consent_fact import LocalConsents
from node.exchange.explaining import Explainer
from node.exchange.facts import OwnRecords, OwnServer
from node.exchange.inbound import EnforcementPoint
from node.exchange.outbound import Broker
from node.exchange.outcome import as_operation_outcome
from node.health import HEALTH, Health
from node.identity import boundary as identity_boundary
from node.identity import routes as identity_routes
from node.identity import vdr_routes
from node.identity.credential_seal import CredentialSeal
from node.identity.errors import UnknownSubjectError
from node.identity.key_changes import KeyChanges
from node.identity.known_subject import known_subject
from node.identity.resolver import DidResolver
from node.identity.services import Services
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.issuing import boundary as issuing_boundary
from node.issuing import routes as issuing_routes
from node.issuing.own_lists import OwnListsFirst
from node.issuing.status_lists import IssuedLists
from node.issuing.type_files import TypeFileError, load_types
from node.keys.choosing import open_vault
from node.keys.errors import VaultError
from node.oauth import boundary as oauth_boundary
from node.oauth import routes as oauth_routes
from node.oauth.definitions import Definitions
from node.oauth.exchange import TokenService
from node.oauth.explaining import WalletExplainer
from node.oauth.introspect import Introspection
from node.oauth.metadata import WELL_KNOWN
from node.oauth.refusals import RefusalCounter
from node.oauth.requester import TokenRequester
from node.oauth.resource import ResourceGuard
from node.oauth.store import SqlTokenStore
from node.pki.checks import check_deny_list, check_revocation_lists
from node.pki.opening import PkiError, open_revocation
from node.ports import World
from node.registries import routes as registry_routes
from node.registries.adapters import OwnRegistrants, RegistryPeers
from node.registries.definitions import DefinitionError, load_definitions
from node.registries.participation import Participation
from node.registries.renewal import Renewal
from node.storage.database import open_database
from node.storage.migrate import SchemaError, bring_up_to_date
from node.storage.registry_store import SqlRegistryStore
from node.usecases.book import UseCaseBook
from node.usecases.load import UseCaseError, load_chosen
from node.vendor.opening import internal_routes as vendor_routes
from node.vendor.opening import open_vendor_api
from node.verification.checks import check_status_lists
from node.verification.signature_memory import SignatureMemory
from node.verification.verifier import Verifier
from node.web.boundary import boundary
from node.web.client import open_own_client, open_peer_client
from node.web.internal_auth import ApiKeys, internal_auth
from node.web.replies import RequestError
from node.world import SystemClock, SystemEntropy
from registry.client import RegistryClient
from registry.host import RegistryHost

PRUNE_SECONDS = 60.0

Loop = Callable[[], Awaitable[None]]


logger = logging.getLogger(__name__)


class NodeError(Exception):
    """The node can not be opened.

    Attributes:
        remedy: what to do.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An open node: two applications and what runs beside them."""

    config: Config
    world: World
    public: web.Application
    internal: web.Application
    loops: Mapping[str, Loop]


@asynccontextmanager
async def open_node(config: Config, world: World | None = None) -> AsyncIterator[Node]:
    """Wire a node and keep it open; leaving the block closes everything in reverse.

    Args:
        config: as loaded, with absolute paths.
        world: time, chance and network; the real ones by default.

    Raises:
        NodeError: something is missing or wrong, with what to do.
    """
    async with AsyncExitStack() as stack:
        try:
            node = await _open(config, world or await _real_world(config, stack), stack)
        except (VaultError, SchemaError, DefinitionError, PkiError, TypeFileError, UseCaseError) as error:
            raise NodeError(str(error), getattr(error, "remedy", None) or _REMEDIES[type(error)]) from error
        except AuditUnavailableError as error:
            raise NodeError(str(error), "is another process running this node? is the disk writable?") from error
        except SQLAlchemyError as error:
            raise NodeError("the database of this node can not be opened", "restore it from the backup") from error
        yield node


async def _open(config: Config, world: World, stack: AsyncExitStack) -> Node:  # noqa: PLR0915  # a parts list
    subject = config.organisation.subject
    clock, entropy = world.clock, world.entropy

    # What survives a restart.
    audit_file = _audit_file(config)
    vault = open_vault(config, entropy)
    stack.callback(vault.close)
    sealing = vault.secret("seal")
    database = await stack.enter_async_context(open_database(config.database_url))
    wallet_seal = CredentialSeal.of(vault, "wallet", entropy)
    issued_seal = CredentialSeal.of(vault, "issued", entropy)
    await bring_up_to_date(database, {"wallet": wallet_seal, "issued": issued_seal})
    sealer = Sealer(sealing, purpose="audit", entropy=entropy)
    audit = SqliteAuditLog(audit_file, sealer=sealer, clock=clock)
    await audit.open()
    stack.push_async_callback(audit.aclose)

    # Who we are, and whom we believe.
    subjects = Subjects(database, vault, clock, entropy, config.url, methods=config.did_methods)
    holder = await _holder(subjects, config)
    wallet = Wallet(database, subjects, clock, wallet_seal)
    resolver = DidResolver(subjects, world.peers, clock, config.url)
    signatures = SignatureMemory()
    usecases = _usecases(config)
    services = load_definitions(config.discovery.definitions)
    _check_services(config, services)
    revocation = open_revocation(config, world, usecases.all, services.values(), signatures=signatures)
    lists = IssuedLists(database, subjects, clock, entropy, config.url)
    verifier = Verifier(
        resolver=resolver,
        peers=OwnListsFirst(world.peers, lists, config.url),
        clock=clock,
        revocation=revocation,
        signatures=signatures,
    )
    stack.callback(verifier.close)
    refusals = RefusalCounter(clock)

    # Who is out there.
    store = SqlRegistryStore(database)
    host = RegistryHost(
        {name: services[name] for name in config.discovery.host},
        store=store,
        verifier=verifier,
        clock=clock,
        entropy=entropy,
    )
    client = RegistryClient(
        services,
        store=store,
        peers=RegistryPeers(world.peers),
        verifier=verifier,
        registrants=OwnRegistrants(subjects, wallet, config.url),
        clock=clock,
        entropy=entropy,
        host=host,
    )
    participation = Participation(
        client=client,
        store=store,
        clock=clock,
        standing=verifier,
        holder=holder,
        join=config.discovery.join,
        hosted=config.discovery.host,
        parameters=registry_routes.own_parameters(
            config.url, subject, tuple(config.fhir), config.organisation.facility_type
        ),
        pause=timedelta(milliseconds=config.discovery.refresh_ms),
    )
    await participation.start()
    renewal = Renewal(client, store)
    key_changes = KeyChanges(database, subjects, vault, clock, entropy)
    vendor = open_vendor_api(
        database=database,
        subjects=subjects,
        wallet=wallet,
        vault=vault,
        issued_seal=issued_seal,
        lists=lists,
        verifier=verifier,
        audit=audit,
        types=load_types(config.credential_types),
        world=world,
    )
    key_changes.on_compromise.append(vendor.renewal.after_compromise)  # before what shows the wallet to others
    key_changes.on_compromise.append(renewal.register_anew)

    # Tokens, given and got.
    token_store = SqlTokenStore(database, audit)
    definitions = Definitions(usecases.definitions)
    tokens = TokenService(
        subjects=subjects,
        verifier=verifier,
        definitions=definitions,
        store=token_store,
        audit=audit,
        refusals=refusals,
        clock=clock,
        entropy=entropy,
        public_url=config.url,
    )
    requester = TokenRequester(
        subjects=subjects, wallet=wallet, peers=world.peers, clock=clock, entropy=entropy, public_url=config.url
    )
    key_changes.on_compromise.append(requester.forget_key)

    # What citizens allow, and what was recorded.
    consent_store = ConsentStore(
        database, sealer=Sealer(vault.secret("seal"), purpose="consent", entropy=entropy), log=audit
    )
    book = ConsentBook(consent_store, audit, clock=clock)

    async def site(name: str) -> Site:
        await subjects.get(name)
        return Site(subject=name, ura=config.organisation.ura, name=config.organisation.name)

    async def askers(_subject: str) -> list[tuple[str, str | None, str | None]]:
        found = {
            each.ura: (each.ura, each.name, each.facility_type)
            for usecase in usecases.all
            for each in participation.directory.organisations(usecase.discovery_service)
        }
        return [found[ura] for ura in sorted(found) if ura != config.organisation.ura]

    consents = ConsentService(
        store=consent_store,
        book=book,
        log=audit,
        sites=site,
        organisations=askers,
        pseudonym_secret=vault.secret("pseudonym"),
        clock=clock,
        entropy=entropy,
    )
    reader = SqliteAuditReader(audit.path)

    async def audit_keys() -> Mapping[KeyId, PublicKey]:
        return await subjects.keys_ever(holder)

    heads = HeadKeeper(audit, lambda: subjects.signing_key(holder), clock=clock)
    audit_service = AuditService(
        log=audit,
        reader=reader,
        heads=heads,
        keys=audit_keys,
        sites=site,
        sealer=sealer,
        pseudonym_secret=vault.secret("pseudonym"),
        clock=clock,
    )

    # The two ways through the house.
    own = {
        version: OwnServer(version=version, url=server.url, known_as=server.known_as)
        for version, server in config.fhir.items()
    }
    records = OwnRecords(
        world.own, own, clock, keep=config.limits.facts_ms / 1000, timeout=config.limits.step_ms / 1000
    )
    point = EnforcementPoint(
        world=world,
        vault=vault,
        subject=subject,
        holder_type=config.organisation.facility_type,
        public_url=config.url,
        own=own,
        guard=ResourceGuard(token_store, clock, verifier),
        usecases=usecases,
        registered=participation,
        records=records,
        consents=LocalConsents(book),
        audit=audit,
        counter=refusals,
        timeout=config.limits.step_ms / 1000,
        page_bytes=config.limits.page_bytes,
    )
    broker = Broker(
        means=Means(
            world=world,
            vault=vault,
            tokens=requester,
            audit=audit,
            limits=Limits(
                step=config.limits.step_ms / 1000,
                question=config.limits.question_ms / 1000,
                queries_per_peer=config.limits.queries_per_peer,
                page_bytes=config.limits.page_bytes,
            ),
        ),
        own_ura=config.organisation.ura,
        own_type=config.organisation.facility_type,
        registered=participation,
        records=records,
    )

    # The doors.
    base_path = urlsplit(config.url).path
    public = _application(
        boundary(
            [
                (f"{base_path}/oauth2/", oauth_boundary.as_oauth_reply),
                (f"{WELL_KNOWN}/", oauth_boundary.as_oauth_reply),  # the path comes behind it (RFC 8414 §3.1)
                (f"{base_path}/fhir/", as_operation_outcome),
            ],
            _TRANSLATIONS,
        ),
        [
            *identity_routes.public_routes(base_path),
            *issuing_routes.public_routes(base_path),
            *oauth_routes.public_routes(base_path),
            *registry_routes.public_routes(base_path),
            *exchange_routes.public_routes(base_path),
            web.get("/status", health.get_alive),
        ],
    )
    internal = _application(
        boundary([], _TRANSLATIONS),
        [
            *identity_routes.internal_routes(),
            *vendor_routes(),
            *oauth_routes.internal_routes(),
            *registry_routes.internal_routes(),
            *exchange_routes.internal_routes(),
            *audit_routes.ROUTES,
            *consent_routes.ROUTES,
            web.get("/internal/status/v1", health.get_status),
            web.get("/status", health.get_alive),
            web.get("/health", health.get_health),
        ],
        internal_auth(ApiKeys(database), open_to_all=config.unsafe_open_internal_api),
        known_subject(subjects),
    )
    checks = {
        "audit": health.check_audit(audit),
        "database": health.check_database(database),
        "key": health.check_key(subjects, subject),
        "status lists": check_status_lists(verifier.status_lists, clock),
        "revocation lists": check_revocation_lists(revocation.lists, clock),
        **({} if revocation.deny_list is None else {"deny list": check_deny_list(revocation.deny_list)}),
        **{f"fhir {version}": health.check_own_server(world, server) for version, server in own.items()},
        **{
            f"discovery {name}": health.check_discovery(
                participation, world, name, hosted=name in config.discovery.host
            )
            for name in services
        },
    }
    for app in (public, internal):
        app[identity_routes.SUBJECTS] = subjects
        app[identity_routes.WALLET] = wallet
        app[identity_routes.RESOLVER] = resolver
        app[vdr_routes.SERVICES] = Services(database, subjects, clock)
        app[vdr_routes.KEY_CHANGES] = key_changes
        app[vdr_routes.OWN_SUBJECT] = subject
        app[vdr_routes.WITHDRAWS] = renewal
        app[identity_routes.PUBLIC_URL] = config.url
        app[identity_routes.CLOCK] = clock
        app[oauth_routes.TOKENS] = tokens
        app[oauth_routes.DEFINITIONS] = definitions
        app[oauth_routes.INTROSPECTION] = Introspection(
            store=token_store,
            standing=verifier,
            definitions=definitions,
            subjects=subjects,
            vault=vault,
            audit=audit,
            clock=clock,
            entropy=entropy,
            public_url=config.url,
        )
        app[oauth_routes.REQUESTER] = requester
        app[oauth_routes.WALLET_EXPLAINER] = WalletExplainer(
            definitions=definitions,
            servers=requester.servers,
            subjects=subjects,
            wallet=wallet,
            clock=clock,
            entropy=entropy,
        )
        app[registry_routes.HOST] = host
        app[registry_routes.CLIENT] = client
        app[registry_routes.STORE] = store
        app[registry_routes.PARTICIPATION] = participation
        app[exchange_routes.ENFORCEMENT] = {subject: point}
        app[exchange_routes.BROKERS] = {subject: broker}
        app[exchange_routes.EXPLAINER] = Explainer({subject: point}, reader, clock)
        app[exchange_routes.USECASES] = usecases
        app[exchange_routes.WORLD] = world
        app[exchange_routes.PUBLIC_ORIGIN] = config.url.removesuffix(base_path) if base_path else config.url
        vendor.install(app)
        app[AUDIT] = audit_service
        app[CONSENTS] = consents
        app[HEALTH] = Health(world, checks, config.unsafe)

    async def prune() -> None:
        while True:
            await clock.sleep(PRUNE_SECONDS)
            records.forget_expired()
            await token_store.prune(clock.now())

    stack.push_async_callback(_sign_last_head, heads)
    return Node(
        config=config,
        world=world,
        public=public,
        internal=internal,
        loops={
            "discovery": participation.run,
            "members": participation.watch,
            "status lists": verifier.status_lists.run,
            "credential renewal": vendor.renewal.run,
            **revocation.loops,
            "audit head": heads.run,
            "prune": prune,
        },
    )


async def _real_world(config: Config, stack: AsyncExitStack) -> World:
    ca_file = str(config.trust.ca_file) if config.trust.ca_file is not None else None
    headers: dict[str, Mapping[str, str]] = {}
    for server in config.fhir.values():
        if server.authorization_file is not None:
            headers[server.url] = {"Authorization": _secret(server.authorization_file)}
    try:
        peers = await stack.enter_async_context(
            open_peer_client(loopback=config.unsafe_loopback_peers, ca_file=ca_file)
        )
        own = await stack.enter_async_context(
            open_own_client([server.url for server in config.fhir.values()], headers=headers, ca_file=ca_file)
        )
    except OSError as error:  # ssl.SSLError is one too
        raise NodeError(
            f"{ca_file} holds no certificates that can be read", "it is trust.ca_file in hazel.yaml"
        ) from error
    return World(clock=SystemClock(), entropy=SystemEntropy(), peers=peers, own=own)


def _secret(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NodeError(f"{file} can not be read", "it is named by authorization_file in hazel.yaml") from error


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


def _audit_file(config: Config) -> Path:
    if config.database is not None:
        raise NodeError(
            "PostgreSQL is not supported for a running node yet", "leave `database` out of hazel.yaml to use SQLite"
        )
    return config.data / "audit.db"


def _usecases(config: Config) -> UseCaseBook:
    for name in config.trust.usecases:
        if name not in config.usecases:
            raise NodeError(
                f"trust.usecases names {name}, which is not a use case of this node",
                "mend the name: roots that were meant for one use case would be passed over",
            )
    try:
        return UseCaseBook(
            load_chosen(config.usecases, config.usecase_directory),
            {"uzi": config.trust.uzi, **config.trust.anchors},
            config.trust.usecases,
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


def _application(around: Middleware, routes: Iterable[web.AbstractRouteDef], *inner: Middleware) -> web.Application:
    app = web.Application(middlewares=[around, *inner])
    app.router.add_routes(routes)
    return app


async def _sign_last_head(heads: HeadKeeper) -> None:
    """Leave a signed head behind, so that what was written until now can not be cut off unseen."""
    try:
        await heads.sign()
    except VaultError as error:
        logger.warning("last audit head not signed", extra={"error": type(error).__name__})


def _credential_errors(error: Exception) -> RequestError | None:
    match error:
        case MalformedError():
            return RequestError(400, "malformed", str(error))
        case CredentialError():
            return RequestError(400, "refused", str(error))
        case _:
            return None


_REMEDIES: Mapping[type[Exception], str] = {
    VaultError: "restore the vault key, and the keys in the data directory, from the backup",
    SchemaError: "run the newer version of hazel-node that wrote it",
    DefinitionError: "mend or remove that file",
    PkiError: "copy it from the PEM file of its publisher, in one line",
    UseCaseError: "check it with: hazel usecase check FILE",
}

_TRANSLATIONS = (
    identity_boundary.as_request_error,
    issuing_boundary.as_request_error,
    oauth_boundary.as_request_error,
    audit_routes.as_request_error,
    registry_routes.as_request_error,
    _credential_errors,
)
