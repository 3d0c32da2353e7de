"""FHIR search on the replica."""

import pytest

from node.directory import finding
from registry.mcsd.errors import SearchError
from registry.mcsd.query import CURSOR
from registry.mcsd.references import Source
from registry.mcsd.resource import ResourceType
from tests.node.directory.setting import Setting, names
from tests.support.directory import (
    VEKTIS,
    a_location,
    a_service,
    an_affiliation,
    an_endpoint,
    an_organization,
)

URA = "http://fhir.nl/fhir/NamingSystem/ura"


def _type(code: str) -> dict[str, object]:
    return {"type": [{"coding": [{"system": VEKTIS, "code": code}]}]}


async def _a_region(setting: Setting) -> None:
    await setting.hold(
        an_organization("linde", ura="90000102", name="Thuiszorg De Linde", alias=["Lindehof"], **_type("T2"),
                        endpoint=[{"reference": "Endpoint/linde-r4"}], meta={"lastUpdated": "2026-11-20T10:00:00Z"}),
        an_organization("gouwe", ura="90000101", name="Huisartsen Gouwe & Vecht", **_type("Z3"),
                        meta={"lastUpdated": "2026-11-21T10:00:00.500+01:00"}),
        an_organization("kroon", ura="90000103", name="Café Zorg Ëlan", **_type("V4")),
        an_organization("ward", name="Afdeling Linde", partOf={"reference": "Organization/linde"}),
        an_organization("closed", ura="90000109", name="Linde (gesloten)", active=False),
        a_location("linde-1", "linde", name="Wijkgebouw", type=[{"coding": [{"code": "COMM"}]}]),
        a_location("linde-2", "linde", status="inactive"),
        a_service("nacht", "linde", name="Nachtzorg", location=[{"reference": "Location/linde-1"}], **_type("night")),
        an_endpoint("linde-r4", "linde"),
        an_endpoint("linde-off", "linde", status="off"),
        an_endpoint("linde-test", "linde", status="test"),
        an_affiliation("a1", "linde", "gouwe", period={"start": "2026-01-01", "end": "2026-06-30"}),
        an_affiliation("a2", "linde", "kroon", period={"start": "2026-07"}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "query", "expected"),
    [
        ("Organization", [], ["linde", "gouwe", "kroon", "ward"]),
        ("Organization", [("identifier", f"{URA}|90000102")], ["linde"]),
        ("Organization", [("identifier", "90000102")], ["linde"]),
        ("Organization", [("identifier", f"{URA}|")], ["linde", "gouwe", "kroon"]),
        ("Organization", [("identifier", "|90000102")], []),
        ("Organization", [("identifier", f"{URA}|90000102,{URA}|90000101")], ["linde", "gouwe"]),
        ("Organization", [("identifier", f"{URA}|90000109")], []),  # withdrawn
        ("Organization", [("identifier:not", f"{URA}|90000102")], ["gouwe", "kroon", "ward"]),
        ("Organization", [("identifier:missing", "true")], ["ward"]),
        ("Organization", [("partof:missing", "false")], ["ward"]),
        ("Organization", [("name", "thuis")], ["linde"]),
        ("Organization", [("name", "lindehof")], ["linde"]),  # by alias
        ("Organization", [("name", "linde")], ["linde"]),
        ("Organization", [("name:contains", "LINDE")], ["linde", "ward"]),
        ("Organization", [("name:exact", "Café Zorg Ëlan")], ["kroon"]),
        ("Organization", [("name:exact", "cafe zorg elan")], []),
        ("Organization", [("name", "cafe zorg e")], ["kroon"]),
        ("Organization", [("name:contains", "%")], []),  # a wildcard of SQL is a letter
        ("Organization", [("name:contains", "_")], []),
        ("Organization", [("name:contains", "gouwe \\, x,& vecht")], ["gouwe"]),
        ("Organization", [("name:contains", "linde"), ("type", "T2")], ["linde"]),
        ("Organization", [("type", f"{VEKTIS}|Z3,{VEKTIS}|V4")], ["gouwe", "kroon"]),
        ("Organization", [("active", "true")], ["linde", "gouwe", "kroon", "ward"]),
        ("Organization", [("active", "false")], []),
        ("Organization", [("partof", "Organization/linde")], ["ward"]),
        ("Organization", [("partof", "linde")], ["ward"]),
        ("Organization", [("partof.identifier", "90000102")], ["ward"]),
        ("Organization", [("_id", "linde,ward"), ("_id", "ward,kroon")], ["ward"]),
        ("Organization", [("_lastUpdated", "ge2026-11-21")], ["gouwe"]),
        ("Organization", [("_lastUpdated", "lt2026-11-21")], ["linde"]),
        ("Organization", [("_lastUpdated", "2026-11-21T09:00:00.500Z")], ["gouwe"]),
        ("Organization", [("_lastUpdated", "sa2026-11-21T09:00:00.499Z")], ["gouwe"]),
        ("Organization", [("endpoint", "linde-r4")], ["linde"]),
        ("Organization", [("endpoint.status", "active")], ["linde"]),
        ("Organization", [("endpoint.status", "off")], []),
        ("Location", [], ["linde-1"]),
        ("Location", [("organization.name:contains", "linde"), ("type", "COMM"), ("status", "active")], ["linde-1"]),
        ("HealthcareService", [("organization.identifier", f"{URA}|90000102")], ["nacht"]),
        ("HealthcareService", [("organization:Organization.identifier", "x")], []),
        ("HealthcareService", [("location", "linde-1"), ("service-type", "night")], ["nacht"]),
        ("Endpoint", [("organization", "linde")], ["linde-r4", "linde-test"]),
        ("Endpoint", [("organization", "linde"), ("status", "active")], ["linde-r4"]),
        ("OrganizationAffiliation", [("primary-organization", "linde")], ["a1", "a2"]),
        ("OrganizationAffiliation", [("participating-organization", "Organization/gouwe")], ["a1"]),
        ("OrganizationAffiliation", [("date", "ge2026-07-01")], ["a2"]),
        ("OrganizationAffiliation", [("date", "eb2026-07-01")], ["a1"]),
        ("OrganizationAffiliation", [("date", "2026")], ["a1"]),
        ("OrganizationAffiliation", [("date", "ne2026")], ["a2"]),
    ],
)  # fmt: skip
async def test_a_search_finds_what_it_should_and_nothing_else(
    setting: Setting, kind: ResourceType, query: list[tuple[str, str]], expected: list[str]
) -> None:
    await _a_region(setting)
    assert await setting.ids(kind, *query) == expected


async def test_what_is_referred_to_and_what_refers_come_along_once(setting: Setting) -> None:
    await _a_region(setting)
    found = await setting.find(
        "Organization",
        ("identifier", "90000102"),
        ("_include", "Organization:endpoint"),
        ("_revinclude", "Location:organization"),
        ("_revinclude", "OrganizationAffiliation:*"),
        ("_revinclude", "Organization:partof"),
    )
    assert names(found.matches) == ["Organization/linde"]
    assert names(found.included) == [
        "Endpoint/linde-r4",
        "Location/linde-1",
        "OrganizationAffiliation/a1",
        "OrganizationAffiliation/a2",
        "Organization/ward",
    ]
    found = await setting.find("Location", ("_include", "Location:organization"))
    assert names(found.included) == ["Organization/linde"]
    found = await setting.find("Organization", ("_include", "*"))
    assert names(found.included) == ["Endpoint/linde-r4"]  # Organization/linde is a match already


async def test_pages_follow_each_other_and_hold_everything_once(setting: Setting) -> None:
    await setting.hold(*(an_organization(f"o{number:03}", name="Zorg") for number in range(25)))
    seen: list[str] = []
    after = 0
    for size in (10, 10, 5):
        found = await setting.find("Organization", ("name", "zorg"), ("_count", "10"), (CURSOR, str(after)))
        assert len(found.matches) == size
        assert found.total is None
        seen += [each.id for each in found.matches]
        after = found.after or 0
    assert after == 0
    assert seen == [f"o{number:03}" for number in range(25)]
    assert (await setting.find("Organization")).total == 25
    counted = await setting.find("Organization", ("_summary", "count"))
    assert (counted.total, counted.matches) == (25, ())
    assert (await setting.find("Organization", ("_count", "5"), ("_total", "accurate"))).total == 25


async def test_a_page_is_never_cut_short_silently(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    await _a_region(setting)
    monkeypatch.setattr(finding, "MAX_INCLUDED", 1)
    with pytest.raises(SearchError, match="more than 1 resources"):
        await setting.find("Organization", ("_revinclude", "OrganizationAffiliation:*"))


async def test_with_several_directories_ids_and_references_are_the_replicas(setting: Setting) -> None:
    one, other = Source.one_of_many("https://one.example/fhir"), Source.one_of_many("https://other.example/fhir/")
    await setting.hold(an_organization("1", ura="90000101"), a_location("1", "1"), source=one)
    elsewhere = {"reference": "https://one.example/fhir/Organization/1"}
    await setting.hold(an_organization("1", ura="90000102", partOf=elsewhere), an_endpoint("1", "1"), source=other)
    assert await setting.ids("Organization") == [one.local_id("1"), other.local_id("1")]
    (ward,) = await setting.shown("Organization", ("partof.identifier", "90000101"))
    assert ward["id"] == other.local_id("1")
    assert ward["partOf"]["reference"] == f"Organization/{one.local_id('1')}"
    assert ward["meta"]["source"] == "https://other.example/fhir/Organization/1"
    (endpoint,) = await setting.shown("Endpoint", ("organization.identifier", "90000102"))
    assert endpoint["managingOrganization"]["reference"] == f"Organization/{other.local_id('1')}"
    found = await setting.find("Location", ("_include", "Location:organization"))
    assert names(found.included) == [f"Organization/{one.local_id('1')}"]


async def test_what_is_not_loaded_yet_is_not_shown(setting: Setting) -> None:
    source = Source.only("https://lrza.example/fhir")
    await setting.replica.name(source, "root")
    from registry.mcsd.resource import Resource

    await setting.replica.apply(source, "Organization", [Resource.parse(an_organization("linde"))])
    assert await setting.ids("Organization") == []
    assert await setting.finder.read("Organization", "linde") is None
