"""What directories send: pages, resources, references, versions; and what we send ourselves."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from registry.mcsd.bundle import Deletion, DirectoryPage, page_url, searchset, with_entries
from registry.mcsd.changes import Standing, chronological, is_newer
from registry.mcsd.entries import OwnOrganisation, not_published_any_more, own_entries
from registry.mcsd.errors import FollowError
from registry.mcsd.following import Step, parse_retry_after, pause_after, round_of, stamp_after, went_back
from registry.mcsd.ownership import Facts, directory_address, not_owned
from registry.mcsd.references import Source, local_id
from registry.mcsd.resource import LOAD_ORDER, Resource, format_instant, parse_instant
from registry.mcsd.values import span, values_of
from tests.support.directory import (
    a_directory_endpoint,
    a_location,
    a_service,
    an_affiliation,
    an_endpoint,
    an_organization,
)
from tests.support.world import NOON

BASE = "https://lrza.example/fhir"
ONLY = Source.only(f"{BASE}/")
MANY = Source.one_of_many(BASE)


def _page(value: Any) -> DirectoryPage:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return DirectoryPage.parse(body, "Organization", BASE)


def _bundle(*entries: Any, kind: str = "searchset", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


def _deleted(**more: Any) -> dict[str, Any]:
    return {"request": {"method": "DELETE", "url": "Organization/1/_history/2"}, **more}


def test_a_history_is_read_from_its_end_with_deletions() -> None:
    page = _page(
        _bundle(
            {"resource": an_organization("1", meta={"versionId": "3"})},
            _deleted(response={"lastModified": "2026-11-22T12:00:00+01:00"}),
            {"fullUrl": f"{BASE}/Organization/2", "request": {"method": "DELETE"}, "response": {"etag": 'W/"7"'}},
            {"resource": an_organization("x"), "search": {"mode": "include"}},
            {"resource": an_endpoint("e", "1")}, {"request": {"method": "DELETE", "url": "Patient/1"}}, "entry",
            kind="history", meta={"lastUpdated": "2026-11-22T12:00:00Z"},
            link=[{"relation": "next", "url": "Organization/_history?page=2"}, "link"],
        )
    )  # fmt: skip
    assert page.stamp == "2026-11-22T12:00:00Z"
    assert page.next == f"{BASE}/Organization/_history?page=2"
    assert [type(each).__name__ for each in page.changes] == ["Deletion", "Deletion", "Resource"]
    assert [(each.id, each.version) for each in page.changes] == [("2", "7"), ("1", "2"), ("1", "3")]
    assert page.changes[1].last_updated == NOON - timedelta(hours=1)
    assert len(page.refused) == 3


@pytest.mark.parametrize(
    "value",
    [
        b"", b"[]", b"{}", _bundle(kind="batch"), _bundle() | {"entry": {}}, _bundle() | {"entry": [1] * 5_001},
        _bundle(meta={"lastUpdated": 7}), _bundle(link="x"), _bundle(link=[{"relation": "next"}]),
        _bundle(link=[{"relation": "next", "url": "https://[/"}]), _bundle(link=[{"relation": "next", "url": "a"}] * 2),
        _bundle(link=[{"relation": "next", "url": f"{BASE}/x#y"}]), _bundle(link=[{"relation": "next", "url": f"{BASE}/\x7f"}]),
        _bundle(link=[{"relation": "next", "url": "https://evil.example/fhir/x"}]),
    ],
)  # fmt: skip
def test_what_is_no_page_is_one_error(value: Any) -> None:
    with pytest.raises((FollowError, MalformedError)):
        _page(value)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text(max_size=9), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=9), x))
)
def test_anything_is_a_page_or_one_error(value: Any) -> None:
    try:
        _page(value)
        _page(_bundle(value, {"resource": value}, {"request": value}))
    except (FollowError, MalformedError):
        pass


@pytest.mark.parametrize(
    "value",
    [
        None, {}, {"resourceType": "Patient", "id": "1"}, an_organization("a b"), an_organization("x" * 65), an_organization("1", meta=7),
        an_organization("1", meta={"versionId": "?"}), an_organization("1", meta={"lastUpdated": "2026-02-30T00:00:00Z"}),
        an_organization("1", meta={"lastUpdated": "2026-01-01"}), an_organization("1", meta={"lastUpdated": "0001-01-01T00:00:00+14:00"}),
    ],
)  # fmt: skip
def test_what_is_no_resource_of_a_directory_is_refused(value: Any) -> None:
    with pytest.raises(MalformedError):
        Resource.parse(value)


def test_a_resource_is_kept_whole_and_says_when_it_is_withdrawn() -> None:
    resource = Resource.parse(
        an_organization("1", meta={"versionId": "1", "lastUpdated": "2026-11-22T12:00:00.1239+00:00"})
    )
    assert resource.last_updated == NOON.replace(microsecond=123_000)
    assert json.loads(resource.to_text()) == resource.content
    assert format_instant(parse_instant("2026-11-22T12:00:00Z")) == "2026-11-22T12:00:00.000Z"
    with pytest.raises(MalformedError):
        Resource.parse(an_organization("1", name="x" * 300_000)).to_text()
    gone = [
        an_organization("1", active=False), a_location("1", "o", status="inactive"), an_endpoint("1", "o", status="off"),
        an_endpoint("1", "o", status="entered-in-error"), a_service("1", "o", active=False), an_affiliation("1", "a", "b", active=False),
    ]  # fmt: skip
    assert all(Resource.parse(each).is_withdrawn for each in gone)
    assert not Resource.parse(a_location("1", "o", status="suspended")).is_withdrawn


def test_a_reference_is_what_it_leads_to_in_the_replica() -> None:
    elsewhere = "https://other.example/fhir"
    for reference, alone, among in (
        ("Organization/1", "Organization/1", f"Organization/{MANY.local_id('1')}"),
        ("Organization/1/_history/2", "Organization/1", f"Organization/{MANY.local_id('1')}"),
        (f"{BASE}/Organization/1", "Organization/1", f"Organization/{MANY.local_id('1')}"),
        (f"{BASE}/Organization/1/_history/3", "Organization/1", f"Organization/{MANY.local_id('1')}"),
        (f"{elsewhere}/Organization/1", None, f"Organization/{Source.one_of_many(elsewhere).local_id('1')}"),
        ("#contained", None, None), ("Patient/1", None, None), ("urn:uuid:1", None, None), (7, None, None),
        (f"{BASE}/Organization/a b", None, None), (f"{BASE}/Patient/1", None, None),
    ):  # fmt: skip
        assert (ONLY.local_reference(reference), MANY.local_reference(reference)) == (alone, among)
    assert len(local_id("k" * 10, "x" * 64)) <= 64
    assert local_id("k" * 10, "x" * 64) != local_id("k" * 10, "x" * 63 + "y")
    content = an_organization("1", partOf={"reference": "Organization/2"}, contact=[{"x": 1}])
    shown = MANY.localised(content)
    assert (shown["id"], shown["partOf"]["reference"]) == (MANY.local_id("1"), f"Organization/{MANY.local_id('2')}")
    assert ONLY.localised(content) == content


def test_values_are_read_from_whatever_shape_there_is() -> None:
    odd = an_organization("1") | {
        "name": 7, "alias": ["Ö", "", None], "identifier": [{"value": "1"}, {"system": 3, "value": "2"}, 5, {"value": None}],
        "type": [{"coding": [{"code": "a"}, "b", {"coding": []}]}, {"text": "c"}, {"coding": "x"}], "partOf": "Organization/2",
        "endpoint": [7],
    }  # fmt: skip
    found = {(each.parameter, each.value) for each in values_of(Resource.parse(odd), ONLY)}
    assert found == {
        ("Organization.active", "true"), ("Organization.name", "o"), ("Organization.identifier", "1"),
        ("Organization.identifier", "2"), ("Organization.type", "a"),
    }  # fmt: skip
    many = an_organization("1", alias=[f"n{number}" for number in range(100)])
    assert sum(each.parameter == "Organization.name" for each in values_of(Resource.parse(many), ONLY)) == 64
    for period, count in (({"start": "2026"}, 1), ({"end": "2026-02"}, 1), ({"start": "soon"}, 0), ("x", 0), ({}, 1)):
        affiliation = Resource.parse(an_affiliation("1", "a", "b", period=period))
        assert sum(each.parameter.endswith(".date") for each in values_of(affiliation, ONLY)) == count
    for text in ("2026-02-29", "2026-00", "9999", "x", "2026-11-22T25:00:00Z"):
        with pytest.raises(MalformedError):
            span(text)
    assert span("2026-12") == (span("2026-12-01")[0], span("2026-12-31")[1])
    assert span("2026-11-22T12:00:00Z")[1] - span("2026-11-22T12:00:00Z")[0] == 999


def test_versions_are_compared_by_time_then_by_number() -> None:
    def change(version: str, when: datetime | None) -> Deletion:
        return Deletion(type="Organization", id="1", version=version, last_updated=when)

    later = NOON + timedelta(seconds=1)
    for new, stood, newer in (
        (("1", later), ("2", NOON), True), (("3", NOON), ("2", later), False), (("2", NOON), ("1", NOON), True),
        (("1", NOON), ("2", NOON), False), (("3", None), ("2", NOON), True), (("1", None), ("2", NOON), False),
        (("x", None), ("2", NOON), True), (("2", None), ("", None), True), (("2", NOON), ("2", NOON), True),
    ):  # fmt: skip
        assert is_newer(change(*new), Standing(version=stood[0], last_updated=stood[1])) is newer
    assert is_newer(change("1", None), None)
    assert [each.version for each in chronological((change("1", None), change("3", None), change("2", None)))] == ["3"]


def test_a_round_goes_on_from_its_stamps_and_waits_as_it_should() -> None:
    steps = round_of({"Organization": "2026-11-22T12:00:00+01:00"})
    assert [each.type for each in steps] == list(LOAD_ORDER)
    assert steps[0].address(BASE) == f"{BASE}/Organization/_history?_since=2026-11-22T12%3A00%3A00%2B01%3A00&_count=250"
    assert steps[1].address(BASE) == f"{BASE}/Location?_count=250"
    assert steps[1].address(BASE, count=None) == f"{BASE}/Location"
    empty = DirectoryPage(stamp=None, changes=(), refused=(), next=None)
    assert stamp_after(steps[0], empty) == steps[0].since
    assert stamp_after(steps[1], empty) is None
    dated = Resource.parse(an_organization("1", meta={"lastUpdated": "2026-11-22T12:00:00Z"}))
    page = DirectoryPage(stamp=None, changes=(dated,), refused=(), next=None)
    assert stamp_after(steps[1], page) == "2026-11-22T12:00:00.000Z"
    assert went_back(Step(type="Organization", since="2026-11-22T12:00:00Z"), "2026-11-22T11:59:59Z")
    assert not went_back(steps[1], "2026-11-22T11:59:59Z")
    assert pause_after(0, None, 0.5) == timedelta(minutes=16)
    assert [pause_after(each, None, 0.0).total_seconds() for each in (1, 2, 3, 99)] == [5, 10, 20, 900]
    assert pause_after(1, timedelta(seconds=60), 0.0) == timedelta(seconds=60)
    assert pause_after(1, timedelta(days=9), 0.0) == timedelta(hours=1)
    for text, seconds in (
        ("7", 7),
        ("9" * 9, 3600),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
    ):
        assert parse_retry_after(text, datetime(2026, 11, 22, 12, tzinfo=UTC)) == timedelta(seconds=seconds)
    for bad in (None, "soon", "-1", "9" * 40, "Sun, 22 Nov 2026 12:00:30"):
        assert parse_retry_after(bad, NOON) is None


def _facts(reference: str, *uras: str, **references: str) -> Facts:
    kind = reference.partition("/")[0]
    named = {name.replace("_", "-"): (value,) for name, value in references.items()}
    return Facts(type=kind, reference=reference, uras=uras, references=named)  # type: ignore[arg-type]  # a type of the directory


def test_a_directory_speaks_for_those_who_registered_it() -> None:
    ours = [
        _facts("Organization/1", "90000102", endpoint="Endpoint/offered"), _facts("Organization/2", partof="Organization/1"),
        _facts("Organization/3", partof="Organization/root"), _facts("Location/1", organization="Organization/2"),
        _facts("HealthcareService/1", organization="Organization/1"), _facts("Endpoint/1", organization="Organization/3"),
        _facts("Endpoint/offered", organization="Organization/vendor"),
        _facts("OrganizationAffiliation/1", primary_organization="Organization/1"),
    ]  # fmt: skip
    theirs = [
        _facts("Organization/a", "90000101", endpoint="Endpoint/b"), _facts("Organization/b", "90000102", "90000101"),
        _facts("Organization/c"),
        _facts("Organization/d", partof="Organization/nobody"), _facts("Organization/e", partof="Organization/e"), _facts("Location/a"),
        _facts("Endpoint/a"), _facts("Endpoint/b", organization="Organization/a"),
        _facts("OrganizationAffiliation/a", primary_organization="Organization/a", participating_organization="Organization/1"),
    ]  # fmt: skip
    refused = not_owned([*ours, *theirs], frozenset({"90000102"}), frozenset({"Organization/root"}))
    assert set(refused) == {each.reference for each in theirs}


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "https://linde.example/fhir"), ({"status": "off"}, None), ({"payloadType": []}, None), ({"payloadType": {"coding": 7}}, None),
        ({"address": 7}, None), ({"address": "https://[/"}, None), ({"address": "http://linde.example"}, None),
        ({"address": "https://linde.example/é"}, None), ({"address": "https://linde.example/a#b"}, None),
    ],
)  # fmt: skip
def test_an_endpoint_names_a_directory_at_a_plain_address(changes: Mapping[str, Any], address: str | None) -> None:
    assert directory_address({**a_directory_endpoint("d", "o", "https://linde.example/fhir/"), **changes}) == address


def test_our_entries_follow_from_what_we_are_and_what_is_gone_is_withdrawn() -> None:
    own = OwnOrganisation(
        ura="90000101", name="De Gouwe", city="Gouda", facility_type="Z3", directory="https://gouwe.example/directory/fhir",
        authorization_server="https://gouwe.example/oauth2/gouwe", fhir_bases={"r4": "https://gouwe.example/fhir/gouwe/r4"},
    )  # fmt: skip
    made = own_entries(own)
    standing = [Resource.parse(each) for each in (*made, a_service("by-hand", "org-90000101"))]
    assert not_published_any_more(standing, made, own.ura) == []
    (gone,) = not_published_any_more(standing, [each for each in made if "fhir-r4" not in each["id"]], own.ura)
    assert (gone["id"], gone["status"]) == ("ep-90000101-fhir-r4", "off")


def test_our_pages_have_links_and_no_empty_arrays() -> None:
    page = json.loads(searchset([("u", '{"a":1}')], [("v", "{}")], self_url="s", next_url="n", total=None, now=NOON))
    assert [each["relation"] for each in page["link"]] == ["self", "next"]
    assert [each["search"]["mode"] for each in page["entry"]] == ["match", "include"]
    assert "total" not in page
    assert with_entries({"a": 1}, []) == b'{"a":1}'
    assert page_url("b", "Location", []) == "b/Location"
