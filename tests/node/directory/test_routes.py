"""The replica over HTTP, as our own systems ask it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from node.directory.boundary import as_directory_outcome, as_request_error
from node.directory.keys import FHIR, FINDER, REPLICA, ROUNDS
from node.directory.opening import internal_routes
from node.identity.routes import CLOCK
from node.web.boundary import boundary
from tests.node.directory.setting import Setting
from tests.support.directory import an_endpoint, an_organization

Http = TestClient[web.Request, web.Application]
STATUS = "/internal/directory/v1/status"


async def _client(setting: Setting, url: str | None) -> Http:
    app = web.Application(middlewares=[boundary([(f"{FHIR}/", as_directory_outcome)], [as_request_error])])
    app.router.add_routes(internal_routes())
    app[FINDER], app[REPLICA], app[CLOCK] = setting.finder, setting.replica, setting.clock
    app[ROUNDS] = await (setting.rounds() if url else setting.rounds(None))
    return TestClient(TestServer(app))


@pytest_asyncio.fixture
async def http(setting: Setting) -> AsyncIterator[Http]:
    setting.directory().put(
        an_organization("linde", ura="90000102", endpoint=[{"reference": "Endpoint/e"}]),
        an_organization("gouwe", ura="90000101", name="Gouwe é"),
        an_endpoint("e", "linde"),
    )
    async with await _client(setting, "https://lrza.example/fhir") as client:
        yield client


async def _json(http: Http, path: str, status: int = 200) -> Any:
    answer = await http.get(URL(path, encoded=True))
    assert (answer.status, answer.content_type) == (status, "application/fhir+json"), await answer.text()
    return json.loads(await answer.read())


async def test_before_everything_is_there_there_is_no_answer(http: Http) -> None:
    outcome = await _json(http, f"{FHIR}/Organization", 503)
    assert outcome["issue"][0]["code"] == "transient"
    await _json(http, f"{FHIR}/Organization/linde", 503)
    answer = await http.post("/internal/directory/v1/sync")
    assert answer.status == 200
    assert (await _json(http, f"{FHIR}/Organization"))["total"] == 2


async def test_a_search_is_a_searchset_with_pages_and_what_comes_along(http: Http) -> None:
    await http.post("/internal/directory/v1/sync")
    base = f"http://{http.host}:{http.port}{FHIR}"
    page = await _json(http, f"{FHIR}/Organization?_count=1&_include=Organization:endpoint")
    assert page["type"] == "searchset"
    assert [(each["fullUrl"], each["search"]["mode"]) for each in page["entry"]] == [
        (f"{base}/Organization/linde", "match"), (f"{base}/Endpoint/e", "include"),
    ]  # fmt: skip
    (following,) = [each["url"] for each in page["link"] if each["relation"] == "next"]
    assert following.startswith(base)
    page = await _json(http, following.removeprefix(f"http://{http.host}:{http.port}"))
    assert [each["resource"]["name"] for each in page["entry"]] == ["Gouwe é"]
    assert [each["relation"] for each in page["link"]] == ["self"]
    empty = await _json(http, f"{FHIR}/Organization?name=nobody")
    assert (empty["total"], "entry" in empty) == (0, False)


async def test_a_search_may_stand_in_a_form_and_one_resource_is_read(http: Http) -> None:
    await http.post("/internal/directory/v1/sync")
    answer = await http.post(f"{FHIR}/Organization/_search", data={"identifier": "90000102"})
    assert [each["resource"]["id"] for each in (await answer.json(content_type=None))["entry"]] == ["linde"]
    assert (await _json(http, f"{FHIR}/Organization/linde"))["id"] == "linde"
    assert (await _json(http, f"{FHIR}/Organization/nobody", 404))["issue"][0]["code"] == "not-found"
    await _json(http, f"{FHIR}/Organization/{'x' * 65}", 404)


@pytest.mark.parametrize(
    "query",
    [
        "colour=red", "name:sounds=x", "active:exact=true", "identifier=", "identifier=|", "name=a,,b", "name=",
        "_count=-1", "_count=many", "_cursor=1;drop", "_id=../x", "_include=Patient:name", "_include=Organization:colour",
        "_revinclude=Organization:name", "_lastUpdated=yesterday", "_lastUpdated=ap2026", "_total=perhaps", "_format=xml",
        "_count=1&_count=2", "partof=Location/1", "partof=Organization/../1", "partof.partof.name=x", "name.x=y",
        "partof:Location.name=x", "partof.colour=x", "_sort=name", "name%00=x", "name=%00", "identifier:missing=maybe",
        "&".join(["name=x"] * 33), "name=" + ",".join(["x"] * 51),
    ],
)  # fmt: skip
async def test_what_can_not_be_asked_is_refused_with_what_can(http: Http, query: str) -> None:
    await http.post("/internal/directory/v1/sync")
    outcome = await _json(http, f"{FHIR}/Organization?{query}", 400)
    text = outcome["issue"][0]["diagnostics"]
    assert outcome["issue"][0]["code"] == "invalid"
    assert "known" in text or "more than" in text or "_format" in text
    assert "colour" not in text


async def test_a_type_that_is_not_there_is_refused_with_those_that_are(http: Http) -> None:
    for name in ("Patient", "Practitioner", "organization", "Provenance"):
        outcome = await _json(http, f"{FHIR}/{name}", 404)
        assert "HealthcareService" in outcome["issue"][0]["diagnostics"]


async def test_how_the_replica_is_can_be_seen(http: Http) -> None:
    before = await (await http.get(STATUS)).json()
    assert before["directories"][0]["ready_at"] is None
    await http.post("/internal/directory/v1/sync")
    after = await (await http.get(STATUS)).json()
    assert after["dialect"] == "vws"
    assert after["resources"] == {
        "Organization": 2, "Location": 0, "HealthcareService": 0, "Endpoint": 1, "OrganizationAffiliation": 0,
    }  # fmt: skip
    assert after["directories"][0]["error"] is None
    assert (await http.get(f"{STATUS}?x=y")).status == 400
    statement = await _json(http, f"{FHIR}/metadata")
    assert {each["type"] for each in statement["rest"][0]["resource"]} == set(after["resources"])


async def test_without_a_directory_nobody_is_said_not_to_exist(setting: Setting) -> None:
    async with await _client(setting, None) as client:
        assert "directory.url" in (await _json(client, f"{FHIR}/Organization", 404))["issue"][0]["diagnostics"]
        assert (await client.post("/internal/directory/v1/sync")).status == 404
