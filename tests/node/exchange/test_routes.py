"""Both ways over HTTP: what a peer sends arrives whole or is refused, and a vendor's system gets the shape it asked for."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientError, ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from node.exchange import routes
from node.exchange.events import as_ndjson
from node.exchange.outcome import as_operation_outcome
from node.oauth.dpop import make_proof
from node.ports import HttpRequest, HttpResponse
from node.usecases.identifiers import BSN_SYSTEM
from node.web.boundary import boundary
from tests.node.exchange.cases import BSN, OTHER_BSN
from tests.node.exchange.setting import (
    GOUWE,
    LINDE,
    MATCH,
    NURSE,
    OBJECTION,
    OEVER,
    PUBLIC,
    UNKNOWN_BSN,
    Asker,
    Holder,
    Peer,
    a_flag,
    a_holder,
    an_asker,
)
from tests.support.fhir_server import searchset
from tests.support.world import serve

Client = TestClient[web.Request, web.Application]

FORM = "application/x-www-form-urlencoded"
FHIR = "application/fhir+json; charset=utf-8"


def public_app(holder: Holder, base_path: str = "") -> web.Application:
    app = web.Application(middlewares=[boundary([(f"{base_path}/fhir/", as_operation_outcome)])])
    app.add_routes(routes.public_routes(base_path))
    app[routes.ENFORCEMENT] = {"gouwe": holder.point}
    app[routes.USECASES] = holder.point._usecases
    app[routes.WORLD] = holder.world
    app[routes.PUBLIC_ORIGIN] = PUBLIC
    return app


def internal_app(asker: Asker) -> web.Application:
    app = web.Application(middlewares=[boundary([])])
    app.add_routes(routes.internal_routes())
    app[routes.BROKERS] = {"oever": asker.broker}
    app[routes.USECASES] = asker.usecases
    app[routes.WORLD] = asker.world
    return app


@dataclass(slots=True, kw_only=True)
class Outside:
    """A peer at the other end of the wire."""

    holder: Holder
    client: Client
    peer: Peer
    prefix: str = ""
    number: int = 0

    def login(self, method: str, target: str) -> list[tuple[str, str]]:
        """Headers of the login for one request."""
        self.number += 1
        proof = make_proof(
            self.peer.key,
            method=method,
            url=f"{PUBLIC}{target.partition('?')[0]}",
            access_token=self.peer.token,
            jti=f"wire {self.number}",
            now=self.holder.clock.now(),
        )
        return [("Authorization", f"DPoP {self.peer.token}"), ("DPoP", proof)]

    async def send_as_written(self, target: str) -> str:
        """Send a GET whose target no client has tidied up; return the whole answer."""
        target = f"/fhir/gouwe/r4/{target}"
        lines = [f"GET {target} HTTP/1.1", "Host: gouwe.example", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.login("GET", target)]
        reader, writer = await asyncio.open_connection(self.client.host, self.client.port)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer.decode()

    async def send(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        *,
        headers: list[tuple[str, str]] | None = None,
        base: str = "/fhir/gouwe/r4",
        login: bool = True,
    ) -> ClientResponse:
        """Send a request with a proof for its address."""
        sent = self.login(method, f"{self.prefix}{base}/{target}") if login else []
        if body is not None and not any(name == "Content-Type" for name, _ in headers or []):
            sent.append(("Content-Type", FORM))
        data = body.encode() if isinstance(body, str) else body
        url = URL(f"{self.prefix}{base}/{target}", encoded=True)
        return await self.client.request(
            method, url, data=data, headers=[*sent, *(headers or [])], allow_redirects=False
        )


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    holder = a_holder()
    async with TestClient(TestServer(public_app(holder))) as client:
        yield Outside(holder=holder, client=client, peer=await holder.peer())


async def outcome_of(answer: ClientResponse) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/fhir+json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = json.loads(await answer.read())
    assert body["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = body["issue"][0]
    return issue


class TestPublic:
    async def test_a_listed_request_gets_its_page(self, outside: Outside) -> None:
        answer = await outside.send("GET", "Flag?patient=p1")
        assert (answer.status, answer.headers["Content-Type"]) == (200, FHIR)
        assert answer.headers["Cache-Control"] == "no-store"
        assert [each["resource"]["id"] for each in (await answer.json(content_type=None))["entry"]] == ["f1"]

    async def test_no_match_is_one_answer_with_everything_that_goes_with_it(self, outside: Outside) -> None:
        seen = []
        for bsn in (UNKNOWN_BSN, OTHER_BSN, BSN):
            if bsn == BSN:
                outside.holder.consents.fact = lambda: OBJECTION
            answer = await outside.send("POST", "Patient/_search", MATCH.replace(BSN, bsn))
            headers = {name: value for name, value in answer.headers.items() if name != "Date"}
            seen.append((answer.status, answer.reason, headers, await answer.read()))
        assert seen[0] == seen[1] == seen[2]
        assert seen[0][3] == b'{"resourceType":"Bundle","type":"searchset","total":0}'

    async def test_a_refusal_shows_a_reference_number_and_nothing_else(self, outside: Outside) -> None:
        answer = await outside.send("GET", "Patient/p1/$everything")
        issue = await outcome_of(answer)
        assert answer.status == 403
        reference = outside.holder.audit.records[-1].reference
        assert issue == {"severity": "error", "code": "forbidden", "diagnostics": f"reference {reference}"}
        assert "X-Reference" not in answer.headers

    async def test_a_stranger_is_told_to_log_in(self, outside: Outside) -> None:
        answer = await outside.send("GET", "Flag?patient=p1", login=False)
        assert (answer.status, (await outcome_of(answer))["code"]) == (401, "login")
        assert answer.headers["WWW-Authenticate"].startswith("DPoP ")

    @pytest.mark.parametrize("header", ["Authorization", "DPoP"])
    async def test_a_header_of_the_login_that_is_there_twice(self, outside: Outside, header: str) -> None:
        answer = await outside.send("GET", "Flag?patient=p1", headers=[(header, "DPoP x")])
        assert (answer.status, (await outcome_of(answer))["code"]) == (401, "login")
        assert sum(outside.holder.counter.totals().values()) == 1
        assert outside.holder.server.calls == []

    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ([("Purpose-Of-Use", "TREAT"), ("Purpose-Of-Use", "TREAT")], "purpose_malformed"),
            ([("Purpose-Of-Use", "TREAT; x")], "purpose_malformed"),
            ([("Break-The-Glass", "???")], "break_glass_malformed"),
            ([("Purpose-Of-Use", "BTG"), ("Break-The-Glass", "dW5jb25zY2lvdXM")], "break_glass_not_offered"),
        ],
    )
    async def test_what_is_stated_wrongly_is_refused_and_recorded(
        self, outside: Outside, headers: list[tuple[str, str]], code: str
    ) -> None:
        answer = await outside.send("GET", "Flag?patient=p1", headers=headers)
        assert answer.status == 403
        assert outside.holder.audit.records[-1].code == code

    @pytest.mark.parametrize(
        ("target", "status"),
        [
            ("Flag/../Patient/p2", 400),
            ("Flag/%2e%2e/Patient/p2", 400),
            ("Flag%2f..%2fPatient", 400),
            ("Flag%5c..%5cPatient", 400),
            ("Flag//f1", 400),
            ("Flag%00?patient=p1", 400),
            ("%46lag?patient=p1", 403),
            ("Flag;x=1?patient=p1", 403),
            ("Flag/?patient=p1", 403),
            ("Flag?patient=p1&", 403),
            ("Flag?patient=p1", 200),
            ("Flag?patient=p2", 403),
            ("Flag?patient=p1;patient=p2", 403),
            ("Flag?patient=p1%00", 403),
            ("Flag?PATIENT=p1", 403),
            ("?_getpages=0&offset=0", 403),
            ("metadata/", 403),
            ("metadata/../Flag?patient=p1", 400),
            (f"Patient?identifier={quote(BSN_SYSTEM + '|' + BSN)}", 403),
            (f"Patient/{BSN}", 403),
        ],
    )
    async def test_path_tricks_do_not_reach_our_server(self, outside: Outside, target: str, status: int) -> None:
        answer = await outside.send_as_written(target)
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert "f2" not in answer
        if status != 200:
            assert "OperationOutcome" in answer
            assert outside.holder.forwarded == []

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"])
    async def test_other_methods(self, outside: Outside, method: str) -> None:
        answer = await outside.send(method, "Flag?patient=p1")
        assert answer.status in (400, 403)  # a method that HTTP itself doesn't know doesn't get as far
        assert outside.holder.forwarded == []

    async def test_a_batch(self, outside: Outside) -> None:
        bundle = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"url": "Patient/p2"}}]})
        for target in ("", "?_format=json"):
            answer = await outside.send("POST", target, bundle, headers=[("Content-Type", "application/fhir+json")])
            assert answer.status == 403
        assert outside.holder.server.calls == []

    async def test_parameters_in_both_places(self, outside: Outside) -> None:
        for target, body in (
            (f"Patient/_search?identifier={quote(BSN_SYSTEM + '|' + OTHER_BSN)}", MATCH),
            ("Flag/_search?patient=p2", "patient=p1"),
            ("Flag/_search?patient=p2", ""),
        ):
            answer = await outside.send("POST", target, body)
            assert answer.status == 403
        assert outside.holder.forwarded == []

    async def test_a_body_that_can_not_be_read_is_refused_once_we_know_who_asks(self, outside: Outside) -> None:
        large = "x=" + "a" * 20_000
        squeezed = gzip.compress(MATCH.encode())
        for body, headers, code in (
            (large, [], "too_large"),
            (squeezed, [("Content-Encoding", "gzip")], "content_encoding"),
        ):
            answer = await outside.send("POST", "Patient/_search", body, headers=headers)
            assert (answer.status, outside.holder.audit.records[-1].code) == (403, code)
            answer = await outside.send("POST", "Patient/_search", body, headers=headers, login=False)
            assert answer.status == 401
        assert outside.holder.server.calls == []

    async def test_a_proof_counts_for_the_address_as_it_was_sent(self, outside: Outside) -> None:
        incoming = outside.peer.incoming("GET", "Flag", "patient=p1")
        headers = {"Authorization": incoming.authorization[0], "DPoP": incoming.proof[0]}
        answer = await outside.client.get("/fhir/gouwe/r4/Condition?patient=p1", headers=headers)
        assert answer.status == 401
        answer = await outside.client.get("/fhir/gouwe/r4/Flag?patient=p1", headers=headers)
        assert answer.status == 200

    @pytest.mark.parametrize("base", ["/fhir/linde/r4", "/fhir/gouwe/r5", "/fhir/gouwe/stu3", "/fhir/gouwe/R4"])
    async def test_what_is_not_here_is_not_found(self, outside: Outside, base: str) -> None:
        answer = await outside.send("GET", "Flag?patient=p1", base=base)
        assert (answer.status, (await outcome_of(answer))["code"]) == (404, "not-found")

    async def test_metadata_is_for_everybody_and_shows_nothing_of_the_server_behind(self, outside: Outside) -> None:
        answer = await outside.send("GET", "metadata", login=False)
        statement = await answer.json(content_type=None)
        assert (answer.status, answer.headers["Content-Type"]) == (200, FHIR)
        assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
        listed = {each["type"]: each for each in statement["rest"][0]["resource"]}
        assert {each["code"] for each in listed["Practitioner"]["interaction"]} == {"read"}
        assert listed["Flag"]["searchParam"] == [{"name": "patient", "type": "reference"}]
        assert "DocumentReference" not in listed
        assert "ehr.internal" not in json.dumps(statement)
        assert outside.holder.server.calls == []
        for method in ("POST", "HEAD", "DELETE"):
            assert (await outside.send(method, "metadata", login=False)).status == 405

    async def test_it_also_works_below_a_path_of_the_public_address(self) -> None:
        holder = a_holder()
        async with TestClient(TestServer(public_app(holder, "/node/fhir"))) as client:
            outside = Outside(holder=holder, client=client, peer=await holder.peer(), prefix="/node/fhir")
            answer = await outside.send("GET", "Flag?patient=p1")
            assert answer.status == 200
            assert holder.forwarded == ["GET Flag?patient=p1"]

    async def test_use_cases_can_be_listed(self, outside: Outside) -> None:
        answer = await outside.client.get("/.well-known/use-cases")
        assert {each["id"] for each in (await answer.json())["use_cases"]} == {"ha-vvt", "medication"}


@dataclass(slots=True)
class Inside:
    """A vendor's system."""

    asker: Asker
    client: Client

    async def ask(
        self, *, accept: str | None = None, subject: str = "oever", usecase: str = "ha-vvt", **members: Any
    ) -> ClientResponse:
        question = {
            "patient": {"system": BSN_SYSTEM, "value": BSN},
            "user": {"identifier": "U-1001", "name": "J. Jansen", "role": NURSE},
            "purpose": "TREAT",
            **members,
        }
        question = {name: value for name, value in question.items() if value is not None}
        headers = {"Accept": accept} if accept is not None else {}
        return await self.client.post(f"/internal/exchange/v1/{subject}/{usecase}", json=question, headers=headers)

    async def lines(self, **members: Any) -> list[dict[str, Any]]:
        answer = await self.ask(**members)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/x-ndjson")
        return [json.loads(line) for line in (await answer.read()).splitlines()]


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    asker = an_asker(in_care=(OEVER, GOUWE))
    asker.add(GOUWE)
    async with TestClient(TestServer(internal_app(asker))) as client:
        yield Inside(asker, client)


async def problem_of(answer: ClientResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(await answer.read())
    assert (answer.status, problem["code"]) == (status, code)
    return problem


class TestShapes:
    async def test_ndjson(self, inside: Inside) -> None:
        lines = await inside.lines(steps=["attention-flags"])
        assert [each["type"] for each in lines] == ["plan", "resource", "source", "end"]
        assert lines[0]["holders"] == [{"ura": GOUWE, "name": "Gouwe", "fhir_version": "r4", "found_by": "care_team"}]
        assert lines[0]["not_asked"] == [{"ura": OEVER, "name": "oever", "reason": "own_organisation"}]
        assert lines[1]["resource"] == a_flag()
        assert lines[2] == {
            "type": "source", "holder": GOUWE, "step": "attention-flags", "state": "ok", "count": 1, "ms": 0
        }  # fmt: skip
        assert lines[3] == {
            "type": "end",
            "exchange_id": lines[0]["exchange_id"],
            "complete": True,
            "missing": [],
            "ms": 0,
            "audit": [1, 2],
            "same": [],
            "conflicts": [],
        }

    async def test_what_is_missing_is_said_on_the_last_line(self, inside: Inside) -> None:
        inside.asker.peers[GOUWE].instead["Flag"] = "timeout"
        lines = await inside.lines(steps=["attention-flags"])
        assert lines[-2]["detail"] == "no answer in time"
        assert (lines[-1]["complete"], lines[-1]["missing"]) == (
            False,
            [{"holder": GOUWE, "step": "attention-flags", "state": "timeout"}],
        )

    async def test_server_sent_events(self, inside: Inside) -> None:
        answer = await inside.ask(accept="text/event-stream", steps=["attention-flags"])
        assert answer.headers["Content-Type"] == "text/event-stream"
        events = (await answer.read()).decode().strip().split("\n\n")
        assert [each.split("\n")[0] for each in events] == [
            "event: plan",
            "event: resource",
            "event: source",
            "event: end",
        ]
        for each in events:
            name, data = each.split("\n")
            assert json.loads(data.removeprefix("data: "))["type"] == name.removeprefix("event: ")

    async def test_a_resource_on_several_lines_is_one_line(self, inside: Inside) -> None:
        pretty = json.dumps(
            {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": a_flag()}]}, indent=2
        )
        inside.asker.peers[GOUWE].instead["Flag"] = HttpResponse(
            status=200, headers={}, body=pretty.replace("\n", "\r\n").encode()
        )
        assert (await inside.lines(steps=["attention-flags"]))[1]["resource"] == a_flag()

    async def test_one_bundle_with_lineage(self, inside: Inside) -> None:
        inside.asker.peers[GOUWE].instead["Encounter"] = "timeout"
        answer = await inside.ask(accept="application/fhir+json", steps=["attention-flags", "contacts"])
        assert (answer.status, answer.headers["Content-Type"]) == (200, FHIR)
        bundle = await answer.json(content_type=None)
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
        kinds = [each["resource"]["resourceType"] for each in bundle["entry"]]
        assert kinds == ["Flag", "Provenance", "OperationOutcome"]
        assert "contacts: not available (timeout)" in json.dumps(bundle["entry"][2])

    async def test_two_fhir_versions_fit_no_bundle_but_a_stream(self) -> None:
        asker = an_asker(in_care=(GOUWE, LINDE))
        asker.add(GOUWE)
        asker.add(LINDE, version="stu3")
        async with TestClient(TestServer(internal_app(asker))) as client:
            inside = Inside(asker, client)
            problem = await problem_of(await inside.ask(accept="application/fhir+json"), 406, "mixed_versions")
            assert "stream" in problem["remedy"]
            lines = await inside.lines()
            assert {each["fhir_version"] for each in lines if each["type"] == "resource"} == {"r4", "stu3"}

    @pytest.mark.parametrize(
        ("accept", "given"),
        [
            (None, "application/x-ndjson"),
            ("*/*", "application/x-ndjson"),
            ("application/json, */*;q=0.1", "application/x-ndjson"),
            ("application/x-ndjson, text/event-stream", "application/x-ndjson"),
            ("text/event-stream, application/x-ndjson", "text/event-stream"),
            ("APPLICATION/FHIR+JSON;charset=utf-8", FHIR),
            ("application/x-ndjson;q=0, text/event-stream", "text/event-stream"),
        ],
    )
    async def test_the_first_acceptable_shape_is_given(self, inside: Inside, accept: str | None, given: str) -> None:
        answer = await inside.ask(accept=accept, steps=["attention-flags"])
        assert answer.headers["Content-Type"] == given

    async def test_no_acceptable_shape(self, inside: Inside) -> None:
        problem = await problem_of(await inside.ask(accept="application/json"), 406, "not_acceptable")
        assert "application/x-ndjson" in problem["remedy"]
        assert inside.asker.own.calls == []

    @pytest.mark.parametrize("accept", ["application/x-ndjson", "application/fhir+json"])
    async def test_when_our_own_record_can_not_be_written(self, inside: Inside, accept: str) -> None:
        inside.asker.audit.available = False
        answer = await inside.ask(accept=accept)
        if accept == "application/fhir+json":
            await problem_of(answer, 503, "audit_unavailable")
        else:
            end = json.loads((await answer.read()).splitlines()[-1])
            assert (end["type"], end["complete"], end["error"]["code"]) == ("end", False, "audit_unavailable")
        assert inside.asker.internet.calls == []


WRONG = [
    ("patient", {"patient": None}),
    ("patient", {"patient": {"system": BSN_SYSTEM, "value": "999990136"}}),
    ("patient", {"patient": {"system": "http://example.org", "value": BSN}}),
    ("patient", {"patient": {"system": BSN_SYSTEM, "value": BSN, "name": "x"}}),
    ("user", {"user": None}),
    ("user.role", {"user": {"identifier": "U", "name": "J", "role": "nurse"}}),
    ("user.name", {"user": {"identifier": "U", "role": NURSE}}),
    ("user.identifier", {"user": {"identifier": "", "name": "J", "role": NURSE}}),
    ("user.name", {"user": {"identifier": "U", "name": "J\u0000", "role": NURSE}}),
    ("purpose", {"purpose": None}),
    ("purpose", {"purpose": "CURIOSITY"}),
    ("not known", {"holder": [GOUWE]}),
    ("holders", {"holders": []}),
    ("holders.0", {"holders": ["1"]}),
    ("holders", {"holders": [GOUWE] * 101}),
    ("steps.1", {"steps": ["attention-flags", "../x"]}),
    ("steps", {"steps": []}),
    ("deadline_ms", {"deadline_ms": 499}),
    ("deadline_ms", {"deadline_ms": 60_001}),
    ("deadline_ms", {"deadline_ms": "1000"}),
    ("break_glass", {"break_glass": {"reason": "x"}}),
    ("break_glass", {"purpose": "BTG"}),
    ("break_glass.reason", {"purpose": "BTG", "break_glass": {}}),
    ("break_glass", {"purpose": "BTG", "break_glass": {"reason": "é" * 251}}),
]


@pytest.mark.parametrize(("member", "changes"), [pytest.param(*row, id=f"{n} {row[0]}") for n, row in enumerate(WRONG)])
async def test_a_wrong_question_is_a_400_that_names_the_member(
    inside: Inside, member: str, changes: dict[str, Any]
) -> None:
    problem = await problem_of(await inside.ask(**changes), 400, "invalid_member")
    assert member in problem["detail"]
    assert BSN not in json.dumps(problem)
    assert inside.asker.own.calls == []
    assert inside.asker.internet.calls == []


async def test_questions_that_may_not_be_asked(inside: Inside) -> None:
    await problem_of(await inside.ask(subject="gouwe"), 404, "unknown_subject")
    await problem_of(await inside.ask(usecase="horoscope"), 404, "unknown_usecase")
    await problem_of(await inside.ask(purpose="COC"), 403, "purpose_not_allowed")
    await problem_of(await inside.ask(usecase="medication"), 403, "organisation_not_allowed")
    await problem_of(await inside.ask(steps=["x"]), 400, "unknown_step")
    user = {"identifier": "U", "name": "J", "role": "01.015"}
    for accept in (None, "application/fhir+json", "text/event-stream"):
        problem = await problem_of(await inside.ask(user=user, accept=accept), 403, "role_not_allowed")
        assert "user.role" in problem["detail"]
    inside.asker.own.instead["Patient"] = "unreachable"
    await problem_of(await inside.ask(), 502, "localisation_unavailable")
    assert inside.asker.internet.calls == []


async def test_what_is_no_json(inside: Inside) -> None:
    url = "/internal/exchange/v1/oever/ha-vvt"
    answer = await inside.client.post(url, data=b"{", headers={"Content-Type": "application/json"})
    await problem_of(answer, 400, "malformed_json")
    answer = await inside.client.post(
        url, data=b'{"purpose":"TREAT","purpose":"BTG"}', headers={"Content-Type": "application/json"}
    )
    await problem_of(answer, 400, "malformed_json")
    answer = await inside.client.post(url, data=b"{}", headers={"Content-Type": "text/plain"})
    await problem_of(answer, 415, "content_type")


async def test_a_vendor_that_hangs_up_ends_everything(inside: Inside) -> None:
    asker = inside.asker

    async def never(_: HttpRequest) -> HttpResponse:
        await asyncio.Event().wait()
        raise AssertionError

    asker.peers[GOUWE].instead["Flag"] = never
    answer = await inside.ask()
    assert json.loads(await answer.content.readline())["type"] == "plan"
    answer.close()
    for _ in range(1_000):
        await asyncio.sleep(0)
        if len(asker.audit.outcomes) == len(asker.audit.records) > 1:
            break
    states = {record.step: asker.audit.outcomes[number].state for number, record in enumerate(asker.audit.records, 1)}
    assert states["attention-flags"] == "cut_off"


async def test_a_vendor_that_hangs_up_while_a_line_is_written_ends_everything(inside: Inside) -> None:
    """Then it is the writing that fails, and the asking has to hear of it."""
    asker = inside.asker

    async def write(response: Any, line: bytes) -> None:
        for _ in range(100):
            await asyncio.sleep(0)  # until the asking is under way
        response._req.transport.close()
        raise ConnectionResetError

    async def never(_: HttpRequest) -> HttpResponse:
        await asyncio.Event().wait()
        raise AssertionError

    asker.peers[GOUWE].instead["Encounter"] = never
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web.StreamResponse, "write", write)
        with pytest.raises(ClientError):
            await (await inside.ask()).read()
    for _ in range(1_000):
        await asyncio.sleep(0)
    states = {record.step: asker.audit.outcomes[number].state for number, record in enumerate(asker.audit.records, 1)}
    assert states["contacts"] == "cut_off"


class TestBothHalves:
    """Oever's broker opposite gouwe's enforcement point: neither has to believe the other."""

    @pytest.fixture
    async def both(self) -> AsyncIterator[tuple[Asker, Holder]]:
        asker, holder = an_asker(), a_holder()
        asker.neighbours.register(GOUWE)
        asker.tokens.known = (await holder.peer()).token
        async with serve(asker.internet, "https://gouwe.example", public_app(holder)):
            yield asker, holder

    async def test_what_one_asks_the_other_has_listed(self, both: tuple[Asker, Holder]) -> None:
        asker, holder = both
        lines = [each async for each in asker.start()]
        end = json.loads(as_ndjson(lines[-1]))
        assert (end["complete"], end["missing"]) == (True, [])
        assert [each.kind for each in holder.audit.records] == ["disclosure"] * len(asker.audit.records)
        assert {each.patient for each in holder.audit.records} == {each.patient for each in asker.audit.records}

    async def test_pages_go_on_from_one_to_the_other(self, both: tuple[Asker, Holder]) -> None:
        asker, holder = both
        holder.server.resources = [*holder.server.resources, a_flag("f3"), a_flag("f4")]
        holder.server.page_size = 1
        lines = [json.loads(as_ndjson(each)) async for each in asker.start(steps=["attention-flags"])]
        assert [each["resource"]["id"] for each in lines if each["type"] == "resource"] == ["f1", "f3", "f4"]

    async def test_a_refusal_there_is_a_state_here(self, both: tuple[Asker, Holder]) -> None:
        asker, holder = both
        holder.consents.fact = lambda: OBJECTION
        lines = [json.loads(as_ndjson(each)) async for each in asker.start()]
        assert [(each["state"], each["reason"]) for each in lines if each["type"] == "source"] == [
            ("not_available", "no_match")
        ]

    async def test_a_withheld_page_there_is_a_failure_here(self, both: tuple[Asker, Holder]) -> None:
        asker, holder = both
        holder.server.instead["Flag"] = searchset(a_flag("f1"), a_flag("f2", "p2"))
        lines = [json.loads(as_ndjson(each)) async for each in asker.start(steps=["attention-flags"])]
        assert [(each["state"], each["reason"]) for each in lines if each["type"] == "source"] == [
            ("failed", "status_502")
        ]
        assert "f2" not in json.dumps(lines)

    async def test_a_step_that_the_server_behind_does_not_know_is_not_offered(self, both: tuple[Asker, Holder]) -> None:
        asker, holder = both
        holder.server.instead["Flag"] = HttpResponse(status=400, headers={}, body=b"{}")
        lines = [json.loads(as_ndjson(each)) async for each in asker.start(steps=["attention-flags"])]
        assert [each["state"] for each in lines if each["type"] == "source"] == ["not_offered"]
