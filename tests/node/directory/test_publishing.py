"""Our own entries: validated, versioned, followed by others, and sent to a directory elsewhere."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient

from node.directory import keys
from node.directory.boundary import as_directory_outcome
from node.directory.opening import internal_routes, public_routes
from node.directory.own import ChangedError, OwnEntries
from node.directory.publishing import Publisher
from node.directory.validation import InvalidEntryError, check_entry
from node.identity.routes import CLOCK, PUBLIC_URL
from node.parts.doors import _TRANSLATIONS
from node.ports import HttpRequest, HttpResponse
from node.web.boundary import boundary
from registry.mcsd.entries import OwnOrganisation, own_entries
from registry.mcsd.resource import LOAD_ORDER
from tests.node.directory.setting import Setting
from tests.support.directory import a_service
from tests.support.world import reply, serve

Http = TestClient[web.Request, web.Application]
NODE = "https://gouwe.example"
ELSEWHERE = "https://lrza.example/fhir"
GOUWE = OwnOrganisation(
    ura="90000101", name="Huisartsen De Gouwe", city="Gouda", facility_type="Z3", directory=f"{NODE}/directory/fhir",
    authorization_server=f"{NODE}/oauth2/gouwe",
    fhir_bases={"r4": f"{NODE}/fhir/gouwe/r4", "stu3": f"{NODE}/fhir/gouwe/stu3"},
)  # fmt: skip


class Elsewhere:
    """A directory that takes updates, and holds each to the version that it changes."""

    def __init__(self, *, stale: int = 412) -> None:
        self.held: dict[str, tuple[int, dict[str, Any]]] = {}
        self.stale = stale
        self.refuses: HttpResponse | None = None
        self.calls: list[str] = []

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        path = urlsplit(request.url).path.removeprefix("/fhir/")
        self.calls.append(f"{request.method} {path}")
        version, content = self.held.get(path, (0, {}))
        if request.method == "GET":
            return reply(content, etag=f'W/"{version}"') if version else reply({}, status=404)
        if self.refuses is not None:
            return self.refuses
        wanted = request.headers.get("If-Match")
        if (wanted or 'W/"0"') != f'W/"{version}"':
            return reply({}, status=self.stale)
        assert request.body is not None
        self.held[path] = version + 1, json.loads(request.body)
        return reply({}, status=200 if version else 201, etag=f'W/"{version + 1}"')


@pytest.fixture
def entries(setting: Setting) -> OwnEntries:
    return OwnEntries(setting.database, setting.clock)


def _publisher(
    setting: Setting, entries: OwnEntries, own: OwnOrganisation = GOUWE, *, to: str | None = None
) -> Publisher:
    return Publisher(entries, setting.internet, own, send_to=to)


@pytest_asyncio.fixture
async def http(setting: Setting, entries: OwnEntries) -> AsyncIterator[Http]:
    prefixes = [(f"{each}/", as_directory_outcome) for each in (keys.PUBLIC, keys.OWN_PATH)]
    app = web.Application(middlewares=[boundary(prefixes, _TRANSLATIONS)])
    own_only = [
        each
        for each in internal_routes()
        if each.path.startswith(("/internal/directory/v1/own", "/internal/directory/v1/publish"))
    ]
    app.router.add_routes([*public_routes(""), *own_only])
    app[keys.OWN], app[CLOCK], app[PUBLIC_URL] = entries, setting.clock, NODE
    app[keys.PUBLISHER] = _publisher(setting, entries)
    async with serve(setting.internet, NODE, app) as client:
        yield client


def test_what_a_node_publishes_of_itself_is_valid_fhir_without_a_name_to_guess_from() -> None:
    made = own_entries(GOUWE)
    for content in made:
        check_entry(content["resourceType"], content)
    assert [each["resourceType"] for each in made] == ["Organization", "Location", *["Endpoint"] * 4]
    r4 = next(each for each in made if each["id"].endswith("fhir-r4"))
    assert r4["payloadMimeType"] == ["application/fhir+json; fhirVersion=4.0"]
    assert {each["connectionType"]["code"] for each in made[2:]} == {"hl7-fhir-rest", "oauth-nuts"}


async def test_publishing_again_changes_nothing_and_what_is_gone_is_withdrawn(
    setting: Setting, entries: OwnEntries
) -> None:
    first = await _publisher(setting, entries).publish()
    assert {each.here for each in first} == {"published"}
    again = await _publisher(setting, entries).publish()
    assert {(each.here, each.version) for each in again} == {("unchanged", 1)}
    without = OwnOrganisation(**{**{name: getattr(GOUWE, name) for name in GOUWE.__slots__}, "fhir_bases": {}})
    third = await _publisher(setting, entries, without).publish()
    changed = {each.id for each in third if each.here == "published"}
    assert changed == {"org-90000101", "ep-90000101-fhir-r4", "ep-90000101-fhir-stu3"}
    gone = await entries.read("Endpoint", "ep-90000101-fhir-r4")
    assert gone is not None
    assert gone.resource.is_withdrawn


async def test_others_follow_our_directory_as_any_other(setting: Setting, entries: OwnEntries, http: Http) -> None:
    await _publisher(setting, entries).publish()
    rounds = await setting.rounds(f"{NODE}{keys.PUBLIC}")
    made = await rounds.follow_now()
    assert [each.error for each in made.values()] == [None]
    assert await setting.ids("Organization", ("identifier", "90000101")) == ["org-90000101"]
    assert len(await setting.ids("Endpoint", ("organization.identifier", "90000101"), ("status", "active"))) == 4
    setting.clock.jump(60)
    moved = OwnOrganisation(**{**{name: getattr(GOUWE, name) for name in GOUWE.__slots__}, "city": "Woerden"})
    await _publisher(setting, entries, moved).publish()
    await rounds.follow_now()
    (shown,) = await setting.shown("Organization")
    assert (shown["address"][0]["city"], shown["meta"]["versionId"]) == ("Woerden", "2")


async def test_a_version_that_was_being_written_is_not_overlooked(
    setting: Setting, entries: OwnEntries, http: Http
) -> None:
    answer = await http.get(f"{keys.PUBLIC}/Organization/_history")
    stamp = (await answer.json(content_type=None))["meta"]["lastUpdated"]
    await _publisher(setting, entries).publish()  # in the same moment
    answer = await http.get(f"{keys.PUBLIC}/Organization/_history", params={"_since": stamp})
    page = await answer.json(content_type=None)
    assert [each["resource"]["id"] for each in page["entry"]] == ["org-90000101"]
    assert page["entry"][0]["response"]["etag"] == 'W/"1"'


async def test_history_has_pages_and_every_version_newest_first(
    setting: Setting, entries: OwnEntries, http: Http
) -> None:
    for city in ("Gouda", "Woerden", "Alphen"):
        own = OwnOrganisation(**{**{name: getattr(GOUWE, name) for name in GOUWE.__slots__}, "city": city})
        await _publisher(setting, entries, own).publish()
    seen = []
    path = f"{keys.PUBLIC}/Organization/_history?_count=2"
    while path:
        page = await (await http.get(path)).json(content_type=None)
        seen += [each["resource"]["meta"]["versionId"] for each in page["entry"]]
        path = next((each["url"].removeprefix(NODE) for each in page["link"] if each["relation"] == "next"), "")
    assert seen == ["3", "2", "1"]


async def test_an_entry_has_an_etag_and_is_sent_once(setting: Setting, entries: OwnEntries, http: Http) -> None:
    await _publisher(setting, entries).publish()
    path = f"{keys.PUBLIC}/Organization/org-90000101"
    answer = await http.get(path)
    assert (answer.status, answer.headers["ETag"]) == (200, 'W/"1"')
    again = await http.get(path, headers={"If-None-Match": 'W/"1"'})
    assert (again.status, await again.read()) == (304, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Patient", 404), ("GET", "/Organization/nobody", 404), ("GET", "/Organization?name=x", 400),
        ("GET", "/Organization/_history?_since=yesterday", 400), ("GET", "/Organization?_count=-1", 400),
        ("GET", "/Organization?_count=1&_count=2", 400), ("PUT", "/Organization/org-90000101", 405),
        ("DELETE", "/Organization/org-90000101", 405), ("POST", "/Organization", 405),
    ],
)  # fmt: skip
async def test_the_public_refuses_what_it_does_not_have_and_nobody_writes_there(
    http: Http, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, f"{keys.PUBLIC}{path}")
    assert (answer.status, answer.content_type) == (status, "application/fhir+json")
    assert (await answer.json(content_type=None))["resourceType"] == "OperationOutcome"


async def test_an_entry_of_our_own_system_is_made_and_changed_by_who_read_it_last(http: Http) -> None:
    path = f"{keys.OWN_PATH}/HealthcareService/nacht"
    service = a_service("nacht", "org-90000101")
    made = await http.put(path, json=service)
    assert (made.status, made.headers["ETag"]) == (201, 'W/"1"')
    assert (await http.put(path, json=service)).status == 412  # there is one
    changed = service | {"name": "Nachtzorg"}
    assert (await http.put(path, json=changed, headers={"If-Match": 'W/"7"'})).status == 412
    answer = await http.put(path, json=changed, headers={"If-Match": 'W/"1"'})
    assert (answer.status, answer.headers["ETag"]) == (200, 'W/"2"')
    assert (await http.put(path, json=service, headers={"If-Match": 'W/"1"'})).status == 412
    assert (await (await http.get(path)).json(content_type=None))["name"] == "Nachtzorg"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (a_service("other", "x"), 400),
        (a_service("nacht", "x") | {"resourceType": "Patient"}, 400),
        (a_service("nacht", "x") | {"colour": "red"}, 422),
        (a_service("nacht", "x") | {"name": 7}, 422),
        (a_service("nacht", "x", name="x" * 300_000), 413),
        ([], 400),
    ],
)
async def test_an_entry_that_is_not_right_is_refused_and_nothing_stored(
    http: Http, entries: OwnEntries, content: Any, status: int
) -> None:
    answer = await http.put(f"{keys.OWN_PATH}/HealthcareService/nacht", json=content)
    assert answer.status == status
    assert "red" not in await answer.text()
    assert await entries.current() == []


async def test_two_writers_of_one_version_collide(entries: OwnEntries) -> None:
    await entries.put(a_service("nacht", "x"))
    await entries.put(a_service("nacht", "x", name="Een"), expected=1)
    with pytest.raises(ChangedError):
        await entries.put(a_service("nacht", "x", name="Twee"), expected=1)


async def test_an_invalid_entry_stops_everything_before_anything_is_published(
    setting: Setting, entries: OwnEntries
) -> None:
    wrong = OwnOrganisation(**{**{name: getattr(GOUWE, name) for name in GOUWE.__slots__}, "name": ""})
    with pytest.raises(InvalidEntryError):
        await _publisher(setting, entries, wrong).publish()
    assert await entries.current() == []


@pytest.mark.parametrize("stale", [412, 409])
async def test_entries_are_sent_elsewhere_once_and_again_when_they_changed(
    setting: Setting, entries: OwnEntries, stale: int
) -> None:
    elsewhere = setting.internet.sites["https://lrza.example"] = Elsewhere(stale=stale)
    publisher = _publisher(setting, entries, to=ELSEWHERE)
    assert {each.elsewhere for each in await publisher.publish()} == {"sent"}
    assert len(elsewhere.held) == 6
    calls = len(elsewhere.calls)
    assert {each.elsewhere for each in await publisher.publish()} == {"already_there"}
    assert len(elsewhere.calls) == calls
    version, content = elsewhere.held["Organization/org-90000101"]
    elsewhere.held["Organization/org-90000101"] = version + 1, content  # somebody else changed it there
    moved = OwnOrganisation(**{**{name: getattr(GOUWE, name) for name in GOUWE.__slots__}, "city": "Woerden"})
    made = await _publisher(setting, entries, moved, to=ELSEWHERE).publish()
    assert {each.elsewhere for each in made if each.here == "published"} == {"sent"}
    assert elsewhere.held["Organization/org-90000101"][1]["address"][0]["city"] == "Woerden"


async def test_what_could_not_be_sent_is_sent_next_time(setting: Setting, entries: OwnEntries) -> None:
    elsewhere = setting.internet.sites["https://lrza.example"] = Elsewhere()
    elsewhere.refuses = reply({"issue": [{"code": "processing", "diagnostics": "<secret>"}]}, status=422)
    publisher = _publisher(setting, entries, to=ELSEWHERE)
    made = await publisher.publish()
    assert {(each.elsewhere, each.error) for each in made} == {("failed", "the directory answered 422 (processing)")}
    elsewhere.refuses = None
    assert {each.elsewhere for each in await publisher.publish()} == {"sent"}


def test_the_types_of_a_directory_all_have_a_model() -> None:
    for kind in LOAD_ORDER:
        with pytest.raises(InvalidEntryError):
            check_entry(kind, {"resourceType": kind, "nothing": "of this"})
