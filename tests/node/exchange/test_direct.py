"""One query to one peer over HTTP: listed or refused, about a patient who was found, checked and recorded as in a question."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from credentials.encoding import b64url_encode
from node.exchange import direct_routes, routes
from node.exchange.session import KEEP_SECONDS
from node.usecases.conditions import OnRequest
from node.usecases.model import Step, UseCase
from node.web.boundary import boundary
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.setting import GOUWE, MATCH, NURSE, SCOPE, Asker, a_flag, an_asker, book_with, match_of
from tests.support.fhir_server import fhir, searchset

FORM = "application/x-www-form-urlencoded"
HEADERS = {"X-Use-Case": "ha-vvt", "X-User-Id": "U-1001", "X-User-Name": "Zo%C3%AB Jansen", "X-User-Role": NURSE}


@dataclass(slots=True, kw_only=True)
class Vendor:
    """A vendor's system that chains its queries itself."""

    asker: Asker
    client: TestClient[web.Request, web.Application]

    async def send(
        self, method: str, path: str, form: str | None = None, *, ura: str = GOUWE, **headers: Any
    ) -> ClientResponse:
        """Send a request; headers are written ``x_use_case=…``, and None takes one away."""
        sent = dict(HEADERS)
        for name, value in headers.items():
            title = "-".join(part.capitalize() for part in name.split("_"))
            if value is None:
                sent.pop(title)
            else:
                sent[title] = value
        if form is not None:
            sent["Content-Type"] = FORM
        return await self.client.request(method, f"/internal/fhir/v1/oever/{ura}/{path}", data=form, headers=sent)

    async def match(self, form: str = MATCH, **headers: Any) -> ClientResponse:
        """Find the patient."""
        return await self.send("POST", "Patient/_search", form, **headers)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    asker = an_asker()
    asker.add(GOUWE)
    async with opened(asker) as found:
        yield found


def opened(asker: Asker) -> Any:
    """A vendor's system at this asker's node."""
    app = web.Application(middlewares=[boundary([])])
    app.add_routes(direct_routes.internal_routes())
    app[routes.BROKERS] = {"oever": asker.broker}
    app[routes.USECASES] = asker.usecases
    app[routes.WORLD] = asker.world

    class _Opened:
        async def __aenter__(self) -> Vendor:
            self.client = await TestClient(TestServer(app)).__aenter__()
            return Vendor(asker=asker, client=self.client)

        async def __aexit__(self, *_: object) -> None:
            await self.client.close()

    return _Opened()


async def problem(answer: ClientResponse, status: int, code: str) -> str:
    body = json.loads(await answer.read())
    assert (answer.status, body["code"]) == (status, code), body
    assert BSN not in json.dumps(body)
    return str(body["detail"])


async def test_a_chain_of_queries(vendor: Vendor) -> None:
    found = await vendor.match()
    assert (found.status, found.headers["Content-Type"]) == (200, "application/fhir+json; charset=utf-8")
    bundle = json.loads(await found.read())
    assert [each["resource"]["id"] for each in bundle["entry"]] == ["p1"]
    flags = json.loads(await (await vendor.send("GET", "Flag?patient=p1")).read())
    assert flags["entry"][0]["resource"] == a_flag()
    assert flags["entry"][0]["fullUrl"] == "https://gouwe.example/fhir/gouwe/r4/Flag/f1"
    gp = await vendor.send("GET", "Practitioner/d1")
    assert json.loads(await gp.read())["id"] == "d1"
    assert vendor.asker.peers[GOUWE].calls == [
        "POST Patient/_search",
        "GET Flag?patient=p1",
        "GET Practitioner/d1",
    ]
    assert [scope for _, scope, _ in vendor.asker.tokens.given] == [SCOPE] * 3


async def test_each_is_recorded_with_who_asked_why_and_about_whom(vendor: Vendor) -> None:
    await vendor.match()
    answer = await vendor.send("GET", "Flag?patient=p1")
    records = vendor.asker.audit.records
    assert answer.headers["X-Audit-Record"] == "2"
    assert [(each.step, each.user_name, each.purpose, each.peer_ura) for each in records] == [
        ("patient", "Zoë Jansen", "TREAT", GOUWE),
        ("attention-flags", "Zoë Jansen", "TREAT", GOUWE),
    ]
    assert len({each.patient for each in records}) == 1
    assert [each.state for each in vendor.asker.audit.outcomes.values()] == ["ok", "ok"]


async def test_what_is_sent_is_written_by_us(vendor: Vendor) -> None:
    await vendor.match(match_of(BSN).replace("&_include=Patient:general-practitioner", ""))
    await vendor.send("GET", "Flag?_format=json&patient=p1")
    assert vendor.asker.peers[GOUWE].calls == ["POST Patient/_search", "GET Flag?patient=p1"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "Flag?patient=p1&_revinclude=Provenance:target", "parameters_not_listed"),
        ("GET", "Flag", "parameters_not_listed"),
        ("GET", "Condition?patient=p1", "type_not_listed"),
        ("GET", "Patient/p1/$everything", "operation_not_allowed"),
        ("GET", f"Patient?identifier={BSN}", "bsn_in_url"),
        ("DELETE", "Flag/f1", None),
        ("PUT", "Flag/f1", None),
        ("GET", "metadata", None),
        ("GET", "../../oauth2/gouwe/token", None),
        ("GET", "", None),
    ],
)
async def test_what_is_not_listed_is_not_sent(vendor: Vendor, method: str, path: str, code: str | None) -> None:
    await vendor.match()
    answer = await vendor.send(method, path)
    assert 400 <= answer.status < 500
    if code is not None:
        await problem(answer, 403, code)
    assert vendor.asker.peers[GOUWE].calls == ["POST Patient/_search"]


class TestPatientFirst:
    """Who was not found, or not by this person, is not asked about."""

    async def test_without_a_match(self, vendor: Vendor) -> None:
        await problem(await vendor.send("GET", "Flag?patient=p1"), 409, "patient_not_matched")
        assert vendor.asker.peers[GOUWE].calls == []

    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("Flag?patient=p9", {}),
            ("Practitioner/d9", {}),
            ("Organization/d1", {}),
            ("Flag?patient=p1", {"x_user_id": "U-2002"}),
        ],
    )
    async def test_after_one(self, vendor: Vendor, path: str, headers: dict[str, str]) -> None:
        await vendor.match()
        await problem(await vendor.send("GET", path, **headers), 409, "patient_not_matched")
        assert vendor.asker.peers[GOUWE].calls == ["POST Patient/_search"]

    async def test_after_a_quarter_of_an_hour(self, vendor: Vendor) -> None:
        await vendor.match()
        vendor.asker.clock.jump(KEEP_SECONDS)
        await problem(await vendor.send("GET", "Flag?patient=p1"), 409, "patient_not_matched")

    async def test_nobody_there_is_an_empty_searchset(self, vendor: Vendor) -> None:
        answer = await vendor.match(match_of(OTHER_BSN))
        assert (answer.status, json.loads(await answer.read())["total"]) == (200, 0)


async def test_pages_lead_back_through_here(vendor: Vendor) -> None:
    server = vendor.asker.peers[GOUWE]
    server.resources = [a_patient("p1"), a_flag("f1"), a_flag("f2")]
    server.page_size = 1
    await vendor.match()
    first = json.loads(await (await vendor.send("GET", "Flag?patient=p1")).read())
    url = first["link"][0]["url"]
    assert "gouwe.example" not in url
    path = url.partition(f"/{GOUWE}/")[2]
    stranger = await vendor.send("GET", path, x_user_id="U-2002")
    await problem(stranger, 410, "unknown_link")
    second = json.loads(await (await vendor.send("GET", path)).read())
    assert [each["resource"]["id"] for each in second["entry"]] == ["f2"]
    assert "link" not in second


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (fhir({}, 403), 403, "not_available"),
        (fhir({}, 404), 501, "not_offered"),
        ("timeout", 504, "timeout"),
        ("unreachable", 502, "unreachable"),
        (fhir("<html>clinical</html>"), 502, "not_json"),
        (fhir({}, 429), 502, "throttled"),
        (searchset(a_flag("f9", "p9")), 502, "mismatch"),
    ],
)
async def test_what_goes_wrong_there(vendor: Vendor, answer: Any, status: int, code: str) -> None:
    vendor.asker.peers[GOUWE].instead["Flag"] = answer
    await vendor.match()
    detail = await problem(await vendor.send("GET", "Flag?patient=p1"), status, code)
    assert "clinical" not in detail


async def test_a_resource_that_is_gone(vendor: Vendor) -> None:
    await vendor.match()
    vendor.asker.peers[GOUWE].instead["Practitioner"] = fhir({}, 410)
    await problem(await vendor.send("GET", "Practitioner/d1"), 404, "not_found")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x_use_case": None}, 400, "unknown_usecase"),
        ({"x_use_case": "nothing"}, 400, "unknown_usecase"),
        ({"x_user_id": None}, 400, "header_missing"),
        ({"x_user_name": "%FF"}, 400, "invalid_header"),
        ({"x_user_id": BSN}, 400, "invalid_header"),
        ({"x_user_role": "nurse"}, 400, "invalid_header"),
        ({"x_user_role": "01.015"}, 403, "role_not_allowed"),
        ({"purpose_of_use": "MARKETING"}, 400, "purpose_malformed"),
        ({"purpose_of_use": "COC"}, 403, "purpose_not_allowed"),
        ({"break_the_glass": "eA"}, 400, "glass_and_purpose"),
        ({"purpose_of_use": "BTG", "break_the_glass": "§"}, 400, "glass_malformed"),
        ({"purpose_of_use": "BTG", "break_the_glass": "eA"}, 403, "purpose_not_allowed"),
    ],
)
async def test_wrong_calls_name_the_header(vendor: Vendor, headers: dict[str, Any], status: int, code: str) -> None:
    detail = await problem(await vendor.match(**headers), status, code)
    assert vendor.asker.internet.calls == []
    if status == 400:
        assert any(name in detail for name in ("X-Use-Case", "X-User", "Purpose-Of-Use", "Break-The-Glass")), (
            "the header is named"
        )


async def test_a_header_that_is_there_twice(vendor: Vendor) -> None:
    headers = [*HEADERS.items(), ("X-User-Role", "01.015")]
    answer = await vendor.client.get(f"/internal/fhir/v1/oever/{GOUWE}/Flag?patient=p1", headers=headers)
    await problem(answer, 400, "header_twice")


async def test_whom_nobody_knows(vendor: Vendor) -> None:
    await problem(await vendor.send("POST", "Patient/_search", MATCH, ura="90000199"), 404, "not_registered")
    answer = await vendor.client.get(f"/internal/fhir/v1/nobody/{GOUWE}/Flag", headers=HEADERS)
    await problem(answer, 404, "unknown_subject")


async def test_without_a_record_nothing_is_sent(vendor: Vendor) -> None:
    vendor.asker.audit.available = False
    await problem(await vendor.match(), 503, "audit_unavailable")
    assert vendor.asker.internet.calls == []


async def test_an_emergency_gives_its_reason() -> None:
    asker = an_asker(
        usecases=book_with(
            lambda each: each.model_copy(update={"purposes": ("TREAT", "BTG"), "break_the_glass": "offered"})
        )
    )
    asker.add(GOUWE)
    async with opened(asker) as vendor:
        answer = await vendor.match(purpose_of_use="BTG", break_the_glass=b64url_encode(b"unconscious"))
        assert answer.status == 200
    assert asker.internet.calls[0].headers["Break-The-Glass"] == b64url_encode(b"unconscious")
    assert asker.audit.records[0].reason == "unconscious"


async def test_more_on_request_has_to_be_asked_for_a_purpose_that_suffices() -> None:
    def change(usecase: UseCase) -> UseCase:
        def more(step: Step) -> Step:
            return step.model_copy(update={"tier": "on_request"}) if step.id == "attention-flags" else step

        tables = tuple(
            table.model_copy(update={"steps": tuple(more(step) for step in table.steps)}) for table in usecase.tables
        )
        told = {"on_request": OnRequest(purposes=("COC",)), "purposes": ("TREAT", "COC")}
        return usecase.model_copy(update={"tables": tables, **told})

    asker = an_asker(usecases=book_with(change))
    asker.add(GOUWE)
    async with opened(asker) as vendor:
        await vendor.match()
        said = await problem(await vendor.send("GET", "Flag?patient=p1"), 403, "purpose_not_allowed")
        assert said.startswith("Purpose-Of-Use")
        assert asker.peers[GOUWE].calls == ["POST Patient/_search"]
        await vendor.match(purpose_of_use="COC")
        assert (await vendor.send("GET", "Flag?patient=p1", purpose_of_use="COC")).status == 200
