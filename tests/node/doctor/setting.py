"""An examination in one process: a scripted probe, a directory, and an internet that misbehaves when told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from credentials.did.identifier import DID
from credentials.query.definition import PresentationDefinition
from node.doctor.ports import Addresses, Handshake, TlsError
from node.doctor.routes import examine
from node.doctor.walk import Means
from node.oauth.boundary import as_request_error
from node.oauth.definitions import Definitions
from node.ports import HttpRequest, HttpResponse, PeerError, World
from node.usecases.book import UseCaseBook
from node.usecases.load import load_shipped
from node.web.boundary import boundary
from registry.directory import Directory
from registry.entry import Registered
from tests.node.oauth.setting import HOLDER, SCOPE, NodeUnderTest, organization_definition
from tests.support.world import NOON, FixedEntropy, ManualClock, SimulatedInternet, reply

FHIR = "https://fhir.wending.example/r4"
USER = {"identifier": "U-1001", "name": "J. Jansen", "role": "01.015"}
OWN_URA, URA = "00001111", "00002222"


class ScriptedProbe:
    """Names and handshakes as told; all is well otherwise.

    Attributes:
        names: host to addresses, or what goes wrong.
        hands: host to a handshake, or what goes wrong.
    """

    def __init__(self) -> None:
        self.names: dict[str, Addresses | PeerError] = {}
        self.hands: dict[str, Handshake | TlsError | PeerError] = {}
        self.asked: list[str] = []

    async def addresses(self, host: str) -> Addresses:
        self.asked.append(host)
        found = self.names.get(host, Addresses(allowed=("192.0.43.8",), refused=()))
        if isinstance(found, PeerError):
            raise found
        return found

    async def handshake(self, host: str, port: int, address: str) -> Handshake:
        made = self.hands.get(host) or Handshake(
            version="TLSv1.3", issuer="Some CA", expires_at=NOON + timedelta(days=90)
        )
        if isinstance(made, Handshake):
            return made
        raise made


@dataclass(slots=True)
class Neighbours:
    """Who is registered where."""

    entries: list[Registered] = field(default_factory=list)

    @property
    def directory(self) -> Directory:
        return Directory(self.entries)

    def register(self, ura: str, holder: DID, server: str, *, service: str, kind: str, fhir: str | None) -> None:
        claims = {"organization_ura": ura, "organization_name": f"Zorg {ura}", "organization_city": "Gouda"}
        parameters = {"authServerURL": server, "organization_facility_type": kind}
        if fhir is not None:
            parameters["fhir_base_url_r4"] = fhir
        self.entries.append(
            Registered(
                service=service,
                timestamp=len(self.entries) + 1,
                holder=holder,
                presentation_id=f"{holder}#{len(self.entries)}",
                compact="",
                issued_at=NOON,
                expires_at=NOON + timedelta(days=1),
                claims=claims,
                proven=frozenset(claims),
                parameters=parameters,
            )
        )


@dataclass(slots=True, kw_only=True)
class Practice:
    """Everything around one examination."""

    asker: NodeUnderTest
    holder: NodeUnderTest
    internet: SimulatedInternet
    clock: ManualClock
    probe: ScriptedProbe
    neighbours: Neighbours

    async def examine(self, *, status: int = 200, **question: Any) -> Any:
        """Ask as ``hazel doctor`` does."""
        means = self.means()

        async def handler(request: web.Request) -> web.Response:
            return await examine(request, means)

        app = web.Application(middlewares=[boundary([], (as_request_error,))])
        app.router.add_post("/internal/doctor/v1/{subject}", handler)
        async with (
            TestClient(TestServer(app)) as client,
            client.post("/internal/doctor/v1/oever", json=question) as got,
        ):
            body = await got.json()
            assert got.status == status, body
            return body

    def means(self) -> Means:
        world = World(clock=self.clock, entropy=FixedEntropy("doctor"), peers=self.internet, own=SimulatedInternet())
        return Means(
            world=world,
            probe=self.probe,
            subjects=self.asker.subjects,
            wallet=self.asker.wallet,
            definitions=Definitions({SCOPE: {"organization": PresentationDefinition.parse(organization_definition())}}),
            registered=self.neighbours,
            usecases=[
                each for each in UseCaseBook(load_shipped(), {"uzi": ["A" * 43]}).all if each.wire_scope == SCOPE
            ],
            services=(SCOPE,),
            public_url=self.asker.url,
            own_ura=OWN_URA,
            own_type="T2",
        )


async def a_practice(asker: NodeUnderTest, holder: NodeUnderTest, internet: SimulatedInternet) -> Practice:
    """All is well: both are registered, and the holder's FHIR server has what is asked."""
    neighbours = Neighbours()
    for ura, node, server, kind, fhir in (
        (OWN_URA, asker, asker.issuer("oever"), "T2", None),
        (URA, holder, HOLDER, "Z3", FHIR),
    ):
        did = (await node.subjects.get(server.rpartition("/")[2])).dids[0]
        neighbours.register(ura, did, server, service=SCOPE, kind=kind, fhir=fhir)
    practice = Practice(
        asker=asker,
        holder=holder,
        internet=internet,
        clock=asker.clock,
        probe=ScriptedProbe(),
        neighbours=neighbours,
    )
    serve_fhir(practice)
    same_time(practice)
    return practice


def same_time(practice: Practice, *, behind: int = 0) -> None:
    """Let the holder's answers say the time of the tests, or ``behind`` seconds less."""
    origin = HOLDER.rpartition("/oauth2/")[0]
    inner = practice.internet.sites[origin]

    async def site(request: HttpRequest) -> HttpResponse:
        answer = await inner(request)
        date = (practice.clock.now() - timedelta(seconds=behind)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return HttpResponse(status=answer.status, headers={**answer.headers, "date": date}, body=answer.body)

    practice.internet.sites[origin] = site


def serve_fhir(
    practice: Practice, version: str = "4.0.1", *, types: tuple[str, ...] | None = None, **answer: Any
) -> None:
    """Let the holder's FHIR server say this of itself."""
    needed = {
        step.resource_type for usecase in practice.means().usecases for table in usecase.tables for step in table.steps
    }
    statement = {
        "resourceType": "CapabilityStatement",
        "fhirVersion": version,
        "rest": [{"mode": "server", "resource": [{"type": name} for name in (types if types is not None else needed)]}],
    }

    async def site(_request: object) -> Any:
        return reply(answer.pop("body", statement), content_type="application/fhir+json", **answer)

    practice.internet.sites["https://fhir.wending.example"] = site


def steps(report: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Step to outcome and code, of several the one that is not well."""
    well_last = sorted(report["steps"], key=lambda each: each["outcome"] != "ok")
    return {each["step"]: (each["outcome"], each["code"]) for each in well_last}
