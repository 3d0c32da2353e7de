"""AuthZEN over the same engine: what is permitted here is what the enforcement point would let through, and is recorded."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.audit.routes import as_request_error
from node.exchange.explaining import Explainer
from node.exchange.pdp import routes
from node.exchange.pdp.point import DecisionPoint
from node.web.boundary import boundary
from node.web.internal_auth import CALLER, ApiCaller
from tests.node.exchange.cases import BSN
from tests.node.exchange.setting import MATCH, OBJECTION, OEVER, SCOPE, Holder, a_holder, book_with
from tests.node.exchange.test_writes import OTHERS, a_report, with_writes

Client = TestClient[web.Request, web.Application]
URL = "/internal/pdp/v1/evaluation"


def question(path: str = "Flag", query: str = "patient=p1", **more: Any) -> dict[str, Any]:
    return {
        "subject": {
            "type": "organization",
            "id": OEVER,
            "properties": {"scope": SCOPE, "user": {"identifier": "U-1", "role": "30.000"}},
        },
        "action": {"name": "GET"},
        "resource": {
            "type": "fhir",
            "id": path,
            "properties": {"holder": "gouwe", "fhir_version": "r4", "query": query},
        },
        "context": {"purpose": "TREAT"},
        **more,
    }


@pytest.fixture
def holder() -> Holder:
    return a_holder()


@pytest.fixture
def subjects() -> list[str]:
    return ["gouwe"]


@pytest.fixture
async def client(holder: Holder, subjects: list[str]) -> AsyncIterator[Client]:
    @web.middleware
    async def known(request: web.Request, handler: Any) -> Any:
        request[CALLER] = ApiCaller(name="proxy", subjects=tuple(subjects), operations=("pdp",))
        return await handler(request)

    app = web.Application(middlewares=[boundary([], (as_request_error,)), known])
    app.add_routes(routes.internal_routes())
    explainer = Explainer({"gouwe": holder.point}, None, holder.clock)  # type: ignore[arg-type]  # no record is looked up
    app[routes.DECISIONS] = DecisionPoint(explainer, holder.audit, holder.clock)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_a_yes_says_why_and_is_recorded(client: Client, holder: Holder) -> None:
    answer = await client.post(URL, json=question(), headers={"X-Request-ID": "r-1"})
    body = await answer.json()
    assert (body["decision"], body["context"]["code"], answer.headers["X-Request-ID"]) == (True, "care_team", "r-1")
    assert [rule["rule"] for rule in body["context"]["rules"]][-1] == "legal_basis"
    record = holder.audit.records[-1]
    assert (record.kind, record.peer_ura, record.user_evidence) == ("disclosure", OEVER, "stated by proxy")
    assert record.patient is not None
    assert holder.forwarded == []


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("Flag", "patient=p2", "no_legal_basis"),
        ("Flag", "patient=p1&_revinclude=Observation:subject", "parameters_not_listed"),
        ("Practitioner/d1", "", "not_named"),
        ("../Flag", "", "path_not_plain"),
        ("Observation", "", "parameters_not_listed"),
    ],
)
async def test_a_no_is_what_the_enforcement_point_would_say(
    client: Client, holder: Holder, path: str, query: str, code: str
) -> None:
    body = await (await client.post(URL, json=question(path, query))).json()
    assert (body["decision"], body["context"]["code"]) == (False, code)
    assert holder.audit.records[-1].kind == "refusal"


async def test_a_match_is_decided_too_and_the_number_is_not_repeated(client: Client, holder: Holder) -> None:
    asked = question("Patient/_search", "", action={"name": "POST"})
    asked["resource"]["properties"]["body"] = MATCH
    body = await (await client.post(URL, json=asked)).json()
    assert body["decision"] is True
    assert BSN not in json.dumps(body)


async def test_no_emergency_is_opened_here(client: Client) -> None:
    for change in ({"purpose": "BTG"}, {"purpose": "BTG", "break_glass": "unconscious"}):
        answer = await client.post(URL, json=question(query="patient=p2", context=change))
        assert answer.status == 400 or (await answer.json())["decision"] is False


async def test_several_questions_take_over_what_they_do_not_say(client: Client) -> None:
    whole = question()
    properties = whole["resource"]["properties"]
    other = {"resource": {**whole["resource"], "properties": {**properties, "query": "patient=p2"}}}
    asked = {**whole, "evaluations": [{}, other, {}]}
    url = f"{URL}s"
    assert [each["decision"] for each in (await (await client.post(url, json=asked)).json())["evaluations"]] == [
        True,
        False,
        True,
    ]
    for semantic, count in (("deny_on_first_deny", 2), ("permit_on_first_permit", 1)):
        stopping = asked | {"options": {"evaluations_semantic": semantic}}
        assert len((await (await client.post(url, json=stopping)).json())["evaluations"]) == count
    assert (await client.post(url, json={"evaluations": [{}]})).status == 400
    assert (await client.post(url, json=asked | {"evaluations": [{}] * 51})).status == 400


async def test_who_may_not_act_for_the_organisation_gets_no_decision(
    client: Client, subjects: list[str], holder: Holder
) -> None:
    asked = question()
    asked["resource"]["properties"]["holder"] = "oever"
    assert (await client.post(URL, json=asked)).status == 403
    assert (await client.post(f"{URL}s", json={**asked, "evaluations": [{}]})).status == 403
    assert holder.audit.records == []


@pytest.mark.parametrize("change", [{"subject": {"type": "user", "id": "x"}}, {"more": 1}, {"context": {"x": 1}}])
async def test_what_would_go_unused_is_refused(client: Client, change: dict[str, Any]) -> None:
    assert (await client.post(URL, json=question(**change))).status == 400


async def test_without_a_record_there_is_no_yes(client: Client, holder: Holder) -> None:
    holder.audit.available = False
    assert (await client.post(URL, json=question())).status == 503


async def test_an_objection_is_a_no(client: Client, holder: Holder) -> None:
    holder.consents.fact = lambda: OBJECTION
    assert (await (await client.post(URL, json=question())).json())["context"]["code"] == "objection_recorded"


class TestWrites:
    @pytest.fixture
    def holder(self) -> Holder:
        return a_holder(usecases=book_with(with_writes))

    @pytest.mark.parametrize("name", [None, *OTHERS])
    async def test_what_the_enforcement_point_would_not_write_is_a_no_here_too(
        self, client: Client, holder: Holder, name: str | None
    ) -> None:
        resource, code = (a_report(), "care_team") if name is None else OTHERS[name]
        asked = question("Observation", "", action={"name": "POST"})
        body = resource if isinstance(resource, str) else json.dumps(resource)
        asked["resource"]["properties"] |= {"content_type": "application/fhir+json", "body": body}
        answer = await client.post(URL, json=asked)
        if name == "too long":
            assert answer.status == 400
            return
        context = (await answer.json())["context"]
        assert ((await answer.json())["decision"], context["code"]) == (name is None, code)
        assert holder.audit.records[-1].kind == ("disclosure" if name is None else "refusal")
        assert "clinical" not in json.dumps(context)
