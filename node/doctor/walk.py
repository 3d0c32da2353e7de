"""The steps of an examination, in their order; what can be looked at side by side is."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from node.doctor.asking import look_at_scope
from node.doctor.differences import differences
from node.doctor.documents import read_did_document, read_kind, read_metadata, unknown_did
from node.doctor.fhir import look_at_fhir
from node.doctor.finding import Finding, failed, ok, skipped, warning, worst
from node.doctor.kind import Kind
from node.doctor.ports import Probe
from node.doctor.reaching import reach
from node.doctor.whom import Whom
from node.exchange.deadline import deadline
from node.exchange.ports import Registered
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.oauth.definitions import Definitions
from node.oauth.errors import origin_of
from node.oauth.explaining import UserAsked, WalletExplainer
from node.oauth.peer_metadata import ServerMetadata
from node.oauth.peer_servers import PeerServers
from node.oauth.requester import TokenRequester
from node.ports import World
from node.usecases.model import UseCase

LIMIT: Final = 50.0
"""Seconds for a whole examination; what was found until then is told."""

FHIR_SECONDS: Final = 8.0
MAX_SCOPES: Final = 16
MAX_SERVERS: Final = 8
"""FHIR servers, and addresses, of one organisation that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an examination needs of the node.

    Attributes:
        own_ura: number of our organisation.
        own_type: its Vektis code.
        usecases: those that are active here.
        services: discovery services that we follow or host.
    """

    world: World
    probe: Probe
    subjects: Subjects
    wallet: Wallet
    definitions: Definitions
    registered: Registered
    usecases: Sequence[UseCase]
    services: Sequence[str]
    public_url: str
    own_ura: str
    own_type: str


@dataclass(slots=True, kw_only=True)
class Examination:
    """One examination, as it goes.

    Attributes:
        subject: our organisation that would ask.
        usecases: what it would ask for; scopes without one may be beside them.
        user: on whose behalf.
        with_token: whether a token is asked for too: the other side records that.
        findings: each with its milliseconds.
    """

    means: Means
    subject: str
    whom: Whom
    usecases: Sequence[UseCase]
    scopes: Sequence[str]
    user: UserAsked | None
    with_token: bool
    findings: list[tuple[Finding, int]] = field(default_factory=list)
    kind: Kind = field(default_factory=lambda: Kind(software="other"))

    async def run(self) -> None:
        """Go all the way, or as far as it goes."""
        try:
            async with deadline(self.means.world.clock, LIMIT):
                await self._run()
        except TimeoutError:
            self.findings.append(
                (failed("time", "timeout", f"this took over {LIMIT:.0f} s", "try again; look at the slow steps"), 0)
            )

    def to_json(self) -> dict[str, Any]:
        """Return what was found."""
        named = next((one for _, one in self.whom.registered), None)
        return {
            "peer": self.whom.issuer,
            "organisation": None if named is None else {"ura": named.ura, "name": named.name, "city": named.city},
            "others": list(self.whom.others),
            "kind": {"software": self.kind.software, "version": self.kind.version, "dialect": self.kind.dialect},
            "outcome": worst([each for each, _ in self.findings]),
            "steps": [each.to_json(ms) for each, ms in self.findings],
            "differences": [{"topic": each.topic, "effect": each.effect} for each in differences(self.kind)],
        }

    async def _run(self) -> None:
        means, issuer = self.means, self.whom.issuer
        clock = means.world.clock
        self._note([self._discovery(), *self._ourselves()], 0)
        # (1) can it be reached at all
        if await self._timed(reach(means.probe, issuer, clock.now())) == "failed":
            self._note([skipped("metadata", "unreachable", "it can not be reached")], 0)
            return
        # (2) what it publishes
        began = clock.monotonic()
        metadata, algorithms, found = await read_metadata(means.world.peers, issuer, clock.now())
        self._note(found, self._since(began))
        dids = sorted({one.holder for _, one in self.whom.registered})
        if dids:
            await asyncio.gather(*(self._timed(self._one(read_did_document(means.world.peers, did))) for did in dids))
        else:
            self._note([unknown_did()], 0)
        if metadata is not None:
            self.kind, finding = await read_kind(means.world.peers, issuer, algorithms)
            self._note([finding], 0)
        # (3) what it is behind
        await self._reach_others(metadata)
        # (4) what it asks, and whether it gives it; and who answers then
        tasks: list[Awaitable[str]] = [self._timed(self._one(each)) for each in self._fhir()]
        if metadata is not None:
            tasks += [self._timed(each) for each in self._each_scope()]
        await asyncio.gather(*tasks)

    def _discovery(self) -> Finding:
        services = sorted({service for service, _ in self.whom.registered})
        if services:
            one = self.whom.registered[0][1]
            return ok(
                "discovery",
                f"{one.name or 'it'} ({one.ura}) is registered in {', '.join(services)}",
                services=services,
                ura=one.ura,
            )
        wanted = sorted({each.discovery_service for each in self.usecases})
        return warning(
            "discovery",
            "not_registered",
            "it is registered in none of the services that this node follows, so no use case finds it",
            f"the other side has to register in {' or '.join(wanted) or 'a service'}; a registration shows within a few minutes",
        )

    def _ourselves(self) -> list[Finding]:
        missing = sorted(
            service
            for service in {each.discovery_service for each in self.usecases}
            if self.means.registered.directory.find(self.means.own_ura, service) is None
        )
        return [
            warning(
                "registered",
                "not_registered",
                f"we are not registered in {service} ourselves: others refuse who is not",
                f"hazel discovery join {service}",
                about=service,
            )
            for service in missing
        ]

    async def _reach_others(self, metadata: ServerMetadata | None) -> None:
        """Look at addresses that are elsewhere than the issuer: token endpoint and FHIR servers."""
        urls = [] if metadata is None else [metadata.token_endpoint]
        urls += [base for _, one in self.whom.registered for base in one.fhir_bases.values()]
        known = {origin_of(self.whom.issuer)}
        for url in urls:
            if origin_of(url) not in known and len(known) <= MAX_SERVERS:
                known.add(origin_of(url))
                await self._timed(reach(self.means.probe, url, self.means.world.clock.now()))

    def _fhir(self) -> Iterable[Awaitable[Finding]]:
        bases = {base: version for _, one in self.whom.registered for version, base in one.fhir_bases.items()}
        theirs = {one.facility_type for _, one in self.whom.registered}
        for base, version in list(bases.items())[:MAX_SERVERS]:
            needed = {
                step.resource_type
                for usecase in self.usecases
                for table in usecase.tables
                if table.fhir_version == version
                and self.means.own_type in table.asker_types
                and theirs & set(table.holder_types)
                for step in table.steps
            }
            yield look_at_fhir(self.means.world.peers, base, version, needed, timeout=FHIR_SECONDS)

    def _each_scope(self) -> Iterable[Awaitable[list[Finding]]]:
        means, world = self.means, self.means.world
        # Made for this examination: nothing that is remembered helps, and nothing is left behind.
        explainer = WalletExplainer(
            definitions=means.definitions,
            servers=PeerServers(world.peers, world.clock),
            subjects=means.subjects,
            wallet=means.wallet,
            clock=world.clock,
            entropy=world.entropy,
        )
        requester = TokenRequester(
            subjects=means.subjects,
            wallet=means.wallet,
            definitions=means.definitions,
            peers=world.peers,
            clock=world.clock,
            entropy=world.entropy,
            public_url=means.public_url,
        )
        for scope in self.scopes[:MAX_SCOPES]:
            yield look_at_scope(
                explainer,
                requester,
                subject=self.subject,
                issuer=self.whom.issuer,
                scope=scope,
                user=self.user,
                with_token=self.with_token,
            )

    async def _one(self, looking: Awaitable[Finding]) -> list[Finding]:
        return [await looking]

    async def _timed(self, looking: Awaitable[Sequence[Finding]]) -> str:
        """Note what was found, and how long it took; return how it is."""
        began = self.means.world.clock.monotonic()
        found = await looking
        self._note(found, self._since(began))
        return worst(found)

    def _since(self, began: float) -> int:
        return int((self.means.world.clock.monotonic() - began) * 1000)

    def _note(self, found: Sequence[Finding], ms: int) -> None:
        self.findings += [(each, ms) for each in found]
