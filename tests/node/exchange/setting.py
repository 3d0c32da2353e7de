"""The two halves of the exchange with everything around them scripted: a GP practice that answers, a home care organisation that asks.

``a_holder()`` is gouwe (Z3) behind an enforcement point, with a FHIR server of its own; ``holder.peer()`` is somebody with a token.
``an_asker()`` is oever (T2) with a broker; holders are ScriptedFhirServers that it finds in its directory. Nothing waits for real.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from credentials.encoding import b64url_encode
from credentials.keys import SoftwareKey
from node.audit.log import AuditLog, Receipt, SingleUse
from node.audit.record import AuditRecord, Outcome
from node.exchange.asking import Limits, Means
from node.exchange.decide.question import ConsentFact
from node.exchange.events import End, Event, Plan, Resource, Source
from node.exchange.facts import OwnRecords, OwnServer
from node.exchange.holder_ports import Emergencies
from node.exchange.inbound import EnforcementPoint
from node.exchange.incoming import Incoming, Reply
from node.exchange.named import NamedStore
from node.exchange.outbound import Broker
from node.exchange.peer_health import PeerHealth
from node.exchange.question import Question
from node.exchange.rooms import PageBudget
from node.exchange.session import SessionMemory
from node.oauth.dpop import make_proof
from node.oauth.errors import RefusalCode, TokenRefusedError
from node.oauth.grants import Grant, TokenType
from node.oauth.peer_token import PeerToken
from node.oauth.refusals import RefusalCounter
from node.oauth.resource import ResourceGuard
from node.oauth.store import MemoryTokenStore, Stored
from node.oauth.user import User
from node.ports import HttpRequest, HttpResponse, World
from node.usecases.book import UseCaseBook
from node.usecases.identifiers import BSN_SYSTEM
from node.usecases.load import load_chosen
from node.usecases.model import FhirVersion, UseCase
from registry.directory import Directory
from registry.entry import Registered as Registration
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.holder_books import MemoryAgreements, MemoryEmergencies, MemoryNamed
from tests.support.fhir_server import ScriptedFhirServer
from tests.support.keys import a_did, a_key
from tests.support.status_lists import ScriptedStanding
from tests.support.world import FixedEntropy, ManualClock, MemoryVault, RecordingAuditLog, SimulatedInternet

GOUWE, OEVER, LINDE, WENDING, HOFSTEDE = "90000101", "90000102", "90000103", "90000104", "90000105"
KINDS = {GOUWE: "Z3", OEVER: "T2", LINDE: "Z3", WENDING: "Z3", HOFSTEDE: "J8"}
NAMES = {GOUWE: "gouwe", OEVER: "oever", LINDE: "linde", WENDING: "wending", HOFSTEDE: "hofstede"}

UNKNOWN_BSN = "999990160"
SCOPE = "HuisartsVVTInzage"
PUBLIC = "https://gouwe.example"
PUBLIC_BASE = f"{PUBLIC}/fhir/gouwe/r4"
INNER = "http://ehr.internal:8080/fhir"
NURSE = "30.000"

MATCH = urlencode({"identifier": f"{BSN_SYSTEM}|{BSN}", "_include": "Patient:general-practitioner"}, safe=":/")


def match_of(bsn: str) -> str:
    """The form of a patient match."""
    return MATCH.replace(BSN, bsn)


@cache
def shipped() -> UseCaseBook:
    """The use cases that come with the package, with an anchor nobody has; read once."""
    return UseCaseBook(load_chosen(["ha-vvt", "medication"], None), {"uzi": ["A" * 43]})


def book_with(change: Callable[[UseCase], UseCase], usecase_id: str = "ha-vvt") -> UseCaseBook:
    """The shipped use cases, one of them changed."""
    loaded = [
        replace(each, usecase=change(each.usecase)) if each.usecase.id == usecase_id else each
        for each in shipped().loaded
    ]
    return UseCaseBook(loaded, {"uzi": ["A" * 43]})


@dataclass(slots=True)
class Neighbours:
    """Who is registered where (``Registered``); a list that tests change.

    Attributes:
        registrations: by service and URA.
    """

    registrations: dict[tuple[str, str], Registration] = field(default_factory=dict)

    @property
    def directory(self) -> Directory:
        return Directory(self.registrations.values())

    def register(
        self, ura: str, *, service: str = SCOPE, kind: str | None = None, versions: Sequence[str] = ("r4",)
    ) -> None:
        name = NAMES[ura]
        now = datetime.fromisoformat("2026-11-22T11:00:00+00:00")
        parameters: dict[str, str] = {
            f"fhir_base_url_{version}": f"https://{name}.example/fhir/{name}/{version}" for version in versions
        }
        parameters |= {
            "authServerURL": f"https://{name}.example/oauth2/{name}",
            "organization_facility_type": kind or KINDS[ura],
        }
        self.registrations[service, ura] = Registration(
            service=service,
            timestamp=len(self.registrations) + 1,
            holder=a_did(name),
            presentation_id=f"{a_did(name)}#{service}",
            compact="",
            issued_at=now,
            expires_at=now + timedelta(days=1),
            claims={"organization_ura": ura, "organization_name": name.title(), "organization_city": "Gouda"},
            proven=frozenset({"organization_ura", "organization_name", "organization_city"}),
            parameters=parameters,
        )


@dataclass(slots=True)
class ScriptedConsents:
    """What citizens recorded (``Consents``): the same for everybody, unless a function says otherwise.

    Attributes:
        fact: what is answered; asked for each time, so that it may change in between.
        asked: URA, kind and category of every question.
    """

    fact: Callable[[], ConsentFact] = lambda: ConsentFact(verdict="none")
    asked: list[tuple[str, str | None, str]] = field(default_factory=list)

    async def verdict(
        self, *, subject: str, patient: str, ura: str, facility_type: str | None, category: str, now: datetime
    ) -> ConsentFact:
        self.asked.append((ura, facility_type, category))
        return self.fact()


OBJECTION = ConsentFact(verdict="deny", code="consent_denies", message="The citizen objects.")
PERMISSION = ConsentFact(verdict="permit", code="consent_permits", message="The citizen allows.")


class Journal(RecordingAuditLog):
    """A RecordingAuditLog that also notes when it was written to, between what others note.

    Attributes:
        steps: what happened, in order.
        before_promise: called once, just before the next promise is written.
    """

    def __init__(self, steps: list[str]) -> None:
        super().__init__()
        self.steps = steps
        self.before_promise: Callable[[], Coroutine[Any, Any, object]] | None = None

    async def promise(
        self, record: AuditRecord, *, once: Sequence[SingleUse] = (), epoch: int | None = None
    ) -> Receipt:
        if self.before_promise is not None:
            happens, self.before_promise = self.before_promise, None
            await happens()
        receipt = await super().promise(record, once=once, epoch=epoch)
        self.steps.append(f"audit {record.kind}")
        return receipt

    def outcome(self, receipt: Receipt, outcome: Outcome) -> None:
        self.steps.append(f"audit outcome {outcome.state}")
        super().outcome(receipt, outcome)


class NotedTokens(MemoryTokenStore):
    """A token store that notes when it is asked."""

    def __init__(self, audit: AuditLog, steps: list[str]) -> None:
        super().__init__(audit)
        self._steps = steps

    async def find(self, token: str) -> Stored | None:
        self._steps.append("token")
        return await super().find(token)


@dataclass(slots=True, kw_only=True)
class Holder:
    """Gouwe, with everything around it."""

    world: World
    clock: ManualClock
    steps: list[str]
    audit: Journal
    tokens: NotedTokens
    neighbours: Neighbours
    consents: ScriptedConsents
    emergencies: Emergencies
    agreements: MemoryAgreements
    counter: RefusalCounter
    server: ScriptedFhirServer
    records: OwnRecords
    standing: ScriptedStanding
    point: EnforcementPoint

    async def peer(
        self, name: str = "oever", *, ura: str | None = OEVER, role: str | None = NURSE, **grant: Any
    ) -> "Peer":
        """Somebody with a token of ours, bound to their key; ``grant`` replaces what it says."""
        key = a_key(name)
        number = len(tokens_given(self.tokens)) + 1
        token = b64url_encode(f"token {number:>2} of {name:<20}".encode())
        bound = grant.get("token_type", "DPoP") == "DPoP"
        fields: dict[str, Any] = {
            "grant_id": f"grant-{number}",
            "subject": "gouwe",
            "scope": SCOPE,
            "client_id": f"https://{name}.example/oauth2/{name}",
            "holder": a_did(name),
            "jkt": key.public.thumbprint() if bound else None,
            "token_type": "DPoP",
            "claims": {},
            "organization_ura": ura,
            "organization_name": name.title(),
            "organization_city": "Gouda",
            "user_identifier": "U-1001" if role is not None else None,
            "user_name": "J. Jansen",
            "user_role": role,
            "user_evidence": "self_attested",
            "issued_at": self.clock.now(),
            "expires_at": self.clock.now() + timedelta(seconds=900),
        }
        kept = Grant(**(fields | grant))
        await self.tokens.keep(token, kept)
        return Peer(holder=self, key=key, token=token, grant=kept)

    @property
    def forwarded(self) -> list[str]:
        """What was asked of our FHIR server for a peer; looking up facts is not."""
        return [call for call in self.server.calls if not _is_fact(call)]


def tokens_given(tokens: MemoryTokenStore) -> Sequence[bytes]:
    """The tokens given out so far."""
    return list(tokens._stored)


def _is_fact(call: str) -> bool:
    referrals = call.startswith(("GET ServiceRequest?", "GET ReferralRequest?")) and call.endswith("&status=active")
    looked_up = call.startswith(("GET CareTeam?", "GET Organization/", "GET Patient/"))
    return call == "POST Patient/_search" or referrals or looked_up


@dataclass(slots=True, kw_only=True)
class Peer:
    """Somebody with a token.

    Attributes:
        number: of the next proof; each is signed anew.
    """

    holder: Holder
    key: SoftwareKey
    token: str
    grant: Grant
    number: int = 0

    def incoming(
        self,
        method: str = "GET",
        path: str = "Flag",
        query: str = "",
        body: str | None = None,
        *,
        version: FhirVersion = "r4",
        jti: str | None = None,
        key: SoftwareKey | None = None,
        scheme: TokenType | str = "DPoP",
        **changes: Any,
    ) -> Incoming:
        """A request with a proof of its own."""
        self.number += 1
        clock = self.holder.clock
        url = f"{PUBLIC}/fhir/gouwe/{version}/{path}"
        proof = make_proof(
            key or self.key,
            method=method,
            url=url,
            access_token=self.token,
            jti=jti or f"{self.grant.grant_id} {self.number}",
            now=clock.now(),
        )
        fields: dict[str, Any] = {
            "version": version,
            "method": method,
            "path": path,
            "query": query,
            "content_type": "application/x-www-form-urlencoded" if body is not None else None,
            "body": (body or "").encode(),
            "url": url,
            "authorization": (f"{scheme} {self.token}",),
            "proof": (proof,),
            "address": "192.0.2.7",
            "received": clock.monotonic(),
        }
        return Incoming(**(fields | changes))

    async def ask(
        self, method: str = "GET", path: str = "Flag", query: str = "", body: str | None = None, **more: Any
    ) -> Reply:
        """Ask, and wait as long as the holder keeps us waiting."""
        return await paced(
            self.holder.clock, self.holder.point.answer(self.incoming(method, path, query, body, **more))
        )

    async def match(self, bsn: str = BSN, **more: Any) -> Reply:
        """Look for a patient."""
        return await self.ask("POST", "Patient/_search", "", match_of(bsn), **more)


async def paced(clock: ManualClock, work: Coroutine[Any, Any, Reply]) -> Reply:
    """Let ``work`` run, moving the clock on as long as somebody sleeps on it."""
    task = asyncio.ensure_future(work)
    for _ in range(200):
        await asyncio.sleep(0)
        if task.done():
            break
        if clock._sleeping:
            await clock.advance(min(when for when, _ in clock._sleeping) - clock.monotonic())
    return await asyncio.wait_for(task, timeout=5)


def a_care_team(patient: str, *uras: str, **more: Any) -> dict[str, Any]:
    """A care team of organisations, by number."""
    return {
        "resourceType": "CareTeam",
        "id": f"team-{patient}",
        "status": "active",
        "subject": {"reference": f"Patient/{patient}"},
        "participant": [
            {
                "member": {
                    "identifier": {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": ura},
                    "display": NAMES.get(ura, ""),
                }
            }
            for ura in uras
        ],
        **more,
    }


def a_flag(flag_id: str = "f1", patient: str = "p1", **more: Any) -> dict[str, Any]:
    """Something about a patient that is easily told from other things."""
    return {
        "resourceType": "Flag",
        "id": flag_id,
        "status": "active",
        "code": {"text": f"clinical text of {flag_id}"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def a_practitioner(practitioner_id: str = "d1") -> dict[str, Any]:
    """A GP."""
    return {"resourceType": "Practitioner", "id": practitioner_id, "name": [{"family": "De Wit"}]}


def the_record() -> list[dict[str, Any]]:
    """What gouwe knows: one patient in whose care oever takes part, and one in whose care it does not."""
    return [
        a_patient("p1", BSN, generalPractitioner=[{"reference": "Practitioner/d1"}]),
        a_patient("p2", OTHER_BSN, generalPractitioner=[{"reference": "Practitioner/d2"}]),
        a_care_team("p1", GOUWE, OEVER),
        a_care_team("p2", GOUWE, LINDE),
        a_practitioner("d1"),
        a_practitioner("d2"),
        a_flag("f1", "p1"),
        a_flag("f2", "p2"),
    ]


def a_holder(
    *,
    usecases: UseCaseBook | None = None,
    audit: Callable[[list[str]], Journal] = Journal,
    keep: float = 60.0,
    emergencies_of: Callable[[ManualClock, AuditLog], Emergencies] = lambda clock, _: MemoryEmergencies(clock),
    named: NamedStore | None = None,
    kind: str = "Z3",
    version: FhirVersion = "r4",
) -> Holder:
    """Gouwe, with one patient whom oever may know, and one whom it may not."""
    clock, steps, internet = ManualClock(), list[str](), SimulatedInternet()
    server = ScriptedFhirServer(INNER, the_record(), clock=clock)

    async def noted(request: HttpRequest) -> HttpResponse:
        target = request.url.removeprefix(INNER).removeprefix("/")
        is_match = b"_include" in (request.body or b"")
        steps.append(f"fhir {request.method} {target}{' for a peer' if is_match else ''}")
        answer = await server.answer(request)
        if is_match:
            server.calls[-1] += " for a peer"
        return answer

    internet.sites["http://ehr.internal:8080"] = noted
    log = audit(steps)
    tokens, counter = NotedTokens(log, steps), RefusalCounter(clock)
    neighbours, consents = Neighbours(), ScriptedConsents()
    emergencies, agreements = emergencies_of(clock, log), MemoryAgreements()
    neighbours.register(OEVER)
    own: dict[FhirVersion, OwnServer] = {version: OwnServer(version=version, url=INNER)}
    records = OwnRecords(internet, own, clock, keep=keep, timeout=4.0)
    standing = ScriptedStanding()
    world = World(clock=clock, entropy=FixedEntropy("gouwe"), peers=SimulatedInternet(), own=internet)
    point = EnforcementPoint(
        world=world,
        vault=MemoryVault(),
        subject="gouwe",
        holder_type=kind,
        public_url=PUBLIC,
        own=own,
        guard=ResourceGuard(tokens, clock, standing),
        usecases=usecases or shipped(),
        registered=neighbours,
        records=records,
        consents=consents,
        emergencies=emergencies,
        agreements=agreements,
        named=named or MemoryNamed(),
        audit=log,
        counter=counter,
        timeout=4.0,
        page_bytes=8_388_608,
        pages=PageBudget(),
    )
    return Holder(
        world=world,
        clock=clock,
        steps=steps,
        audit=log,
        tokens=tokens,
        neighbours=neighbours,
        consents=consents,
        emergencies=emergencies,
        agreements=agreements,
        counter=counter,
        server=server,
        records=records,
        standing=standing,
        point=point,
    )


@dataclass(slots=True)
class ScriptedTokens:
    """Where tokens come from (``Tokens``).

    Attributes:
        refused: by authorization server, what goes wrong there.
        given: scope, user and freshness of every token.
        known: the token that is given; made up when there is none.
        gate: when set, nothing is given before it.
    """

    clock: ManualClock
    refused: dict[str, RefusalCode] = field(default_factory=dict)
    given: list[tuple[str, str, bool]] = field(default_factory=list)
    known: str | None = None
    gate: asyncio.Event | None = None

    async def token(
        self, subject: str, *, authorization_server: str, scope: str, user: User | None = None, fresh: bool = False
    ) -> PeerToken:
        if self.gate is not None:
            await self.gate.wait()
        if authorization_server in self.refused:
            raise TokenRefusedError(self.refused[authorization_server], authorization_server, "token")
        self.given.append((authorization_server, scope, fresh))
        return PeerToken(
            access_token=self.known or f"token-{len(self.given)}",
            token_type="DPoP",
            scope=scope,
            expires_at=self.clock.now() + timedelta(seconds=900),
            key=a_key(subject),
        )


@dataclass(slots=True, kw_only=True)
class Asker:
    """Oever, with everything around it.

    Attributes:
        own: its own FHIR server, whose care team says whom to ask.
        peers: the holders' FHIR servers, by URA.
    """

    world: World
    clock: ManualClock
    steps: list[str]
    audit: Journal
    tokens: ScriptedTokens
    neighbours: Neighbours
    own: ScriptedFhirServer
    own_internet: SimulatedInternet
    internet: SimulatedInternet
    peers: dict[str, ScriptedFhirServer]
    broker: Broker
    usecases: UseCaseBook

    def add(self, ura: str, *resources: dict[str, Any], version: FhirVersion = "r4") -> ScriptedFhirServer:
        """Register a holder with a FHIR server that knows our patient."""
        name = NAMES[ura]
        self.neighbours.register(ura, versions=(version,))
        patient = a_patient("p1", BSN, generalPractitioner=[{"reference": "Practitioner/d1"}])
        server = ScriptedFhirServer(
            f"https://{name}.example/fhir/{name}/{version}", resources or (patient, a_practitioner("d1"), a_flag("f1"))
        )
        server.attach(self.internet)
        self.peers[ura] = server
        return server

    async def ask(self, usecase: str = "ha-vvt", **members: Any) -> list[Event]:
        """Ask to the end."""
        return [event async for event in self.start(usecase, **members)]

    def start(self, usecase: str = "ha-vvt", **members: Any) -> Any:
        """Start asking; the caller reads."""
        found = self.usecases.by_id(usecase)
        assert found is not None
        return self.broker.ask("oever", found, a_question(**members))


def a_question(**members: Any) -> Question:
    """A question of a nurse about our patient."""
    return Question.model_validate(
        {
            "patient": {"system": BSN_SYSTEM, "value": BSN},
            "user": {"identifier": "U-1001", "name": "J. Jansen", "role": NURSE},
            "purpose": "TREAT",
            **members,
        }
    )


def an_asker(
    *, in_care: Iterable[str] = (OEVER, GOUWE), limits: Limits | None = None, usecases: UseCaseBook | None = None
) -> Asker:
    """Oever, in whose care team gouwe is."""
    clock, steps = ManualClock(), list[str]()
    own_internet, internet = SimulatedInternet(), SimulatedInternet()
    own = ScriptedFhirServer(
        "http://ecd.internal/fhir", [a_patient("c7", BSN), a_care_team("c7", *in_care)], clock=clock
    )
    own.attach(own_internet)
    audit, tokens, neighbours = Journal(steps), ScriptedTokens(clock), Neighbours()
    neighbours.register(OEVER)
    servers: dict[FhirVersion, OwnServer] = {"r4": OwnServer(version="r4", url=own.base)}
    book = usecases or shipped()
    world = World(clock=clock, entropy=FixedEntropy("oever"), peers=internet, own=own_internet)
    broker = Broker(
        means=Means(
            world=world,
            vault=MemoryVault(),
            tokens=tokens,
            audit=audit,
            limits=limits or Limits(step=4.0, question=30.0, queries_per_peer=8, page_bytes=8_388_608),
            health=PeerHealth(clock),
            memory=SessionMemory(clock),
        ),
        own_ura=OEVER,
        own_type="T2",
        registered=neighbours,
        records=OwnRecords(own_internet, servers, clock, keep=60.0, timeout=4.0),
    )
    return Asker(
        world=world,
        clock=clock,
        steps=steps,
        audit=audit,
        tokens=tokens,
        neighbours=neighbours,
        own=own,
        own_internet=own_internet,
        internet=internet,
        peers={},
        broker=broker,
        usecases=book,
    )


def the_plan(events: Sequence[Event]) -> Plan:
    """The first line."""
    assert isinstance(events[0], Plan)
    return events[0]


def the_end(events: Sequence[Event]) -> End:
    """The last line; there is one, and nothing behind it."""
    assert isinstance(events[-1], End)
    assert sum(isinstance(each, End) for each in events) == 1
    return events[-1]


def sources(events: Sequence[Event]) -> dict[tuple[str, str | None], Source]:
    """Source lines by holder and step; each part has one."""
    found = [each for each in events if isinstance(each, Source)]
    by_part = {(each.holder, each.step): each for each in found}
    assert len(by_part) == len(found), "a part has two source lines"
    return by_part


def resources(events: Sequence[Event], step: str | None = None) -> list[str]:
    """What came, as ``holder Type/id``."""
    return [
        f"{each.fetched.lineage.holder_ura} {each.fetched.resource.type}/{each.fetched.resource.id}"
        for each in events
        if isinstance(each, Resource) and step in (None, each.fetched.step)
    ]


def parameters_of(call: str) -> dict[str, str]:
    """Parameters in the URL of a call."""
    return dict(parse_qsl(call.partition("?")[2]))
