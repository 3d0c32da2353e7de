"""Following a root and the directories that it names (Nuts IG), some of which say more than they may."""

from collections.abc import Sequence

import pytest

from node.directory.rounds import Rounds
from node.storage.database import DatabaseBusyError
from registry.mcsd.bundle import Change
from registry.mcsd.references import Source
from registry.mcsd.resource import LOAD_ORDER, ResourceType
from tests.node.directory.setting import Setting
from tests.support.directory import (
    SimulatedDirectory,
    a_directory_endpoint,
    a_location,
    a_service,
    an_affiliation,
    an_endpoint,
    an_organization,
)

ROOT = "https://root.example/fhir"
LINDE = "https://linde.example/fhir"
GOUWE = "https://gouwe.example/fhir"


async def _a_root(setting: Setting) -> tuple[SimulatedDirectory, SimulatedDirectory, Rounds]:
    """A root with two organisations; Linde has a directory of its own."""
    root, linde = setting.directory(ROOT), setting.directory(LINDE)
    root.put(
        an_organization("o1", ura="90000102", name="Stichting De Linde", endpoint=[{"reference": "Endpoint/d1"}]),
        an_organization("o2", ura="90000101", name="Huisartsen De Gouwe"),
        a_directory_endpoint("d1", "o1", LINDE),
    )
    linde.put(an_organization("1", ura="90000102", name="Linde, zelf genoemd"))
    return root, linde, await setting.rounds(ROOT, "nuts")


async def _follow(rounds: Rounds) -> None:
    """Two rounds: the first names the members."""
    made = await rounds.follow_now()
    assert all(each.error is None for each in made.values())


async def test_the_directories_that_the_root_names_are_followed(setting: Setting) -> None:
    _, linde, rounds = await _a_root(setting)
    linde.put(an_endpoint("e", "1"), a_location("l", "1"), a_service("s", "1"), an_affiliation("a", "1", "1"))
    await _follow(rounds)
    key = Source.one_of_many(LINDE)
    assert await setting.ids("Endpoint", ("organization.identifier", "90000102"), ("status", "active")) != []
    assert await setting.ids("Location") == [key.local_id("l")]
    assert await setting.ids("HealthcareService") == [key.local_id("s")]
    assert await setting.ids("OrganizationAffiliation") == [key.local_id("a")]


async def test_an_organisation_is_shown_once_as_its_directory_has_it_under_the_name_of_the_root(
    setting: Setting,
) -> None:
    root, linde, rounds = await _a_root(setting)
    linde.put(an_organization("1", ura="90000102", name="Linde, zelf genoemd", telecom=[{"value": "0182"}]))
    await _follow(rounds)
    (shown,) = await setting.shown("Organization", ("identifier", "90000102"))
    assert (shown["name"], shown["telecom"]) == ("Stichting De Linde", [{"value": "0182"}])
    assert await setting.ids("Organization", ("name", "stichting")) == [shown["id"]]
    root.put(
        an_organization("o1", ura="90000102", name="Stichting Linde Nieuw", endpoint=[{"reference": "Endpoint/d1"}])
    )
    await _follow(rounds)
    (shown,) = await setting.shown("Organization", ("identifier", "90000102"))
    assert shown["name"] == "Stichting Linde Nieuw"
    assert len(await setting.ids("Organization")) == 2


async def test_a_directory_speaks_for_nobody_who_did_not_register_it(setting: Setting) -> None:
    _, linde, rounds = await _a_root(setting)
    linde.put(
        an_organization("2", ura="90000101", name="Ook de Gouwe"),
        an_organization("3", name="Zomaar"),
        an_organization("4", name="Afdeling", partOf={"reference": "Organization/1"}),
        an_organization("5", name="Van de root", partOf={"reference": f"{ROOT}/Organization/o1"}),
        an_organization("6", name="Van de Gouwe", partOf={"reference": f"{ROOT}/Organization/o2"}),
        an_organization("7", name="Kring", partOf={"reference": "Organization/8"}),
        an_organization("8", name="Kring", partOf={"reference": "Organization/7"}),
        an_organization("9", name="Twee nummers") | {"identifier": [
            {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": each} for each in ("90000102", "90000101")
        ]},
        an_endpoint("e2", "2"), an_endpoint("eroot", "o2"), an_endpoint("none", None), an_endpoint("e4", "4"),
        a_location("l2", "2"), a_service("s3", "3"), an_affiliation("a", "2", "1"),
    )  # fmt: skip
    await _follow(rounds)
    key = Source.one_of_many(LINDE)
    ids = set(await setting.ids("Organization"))
    assert {key.local_id(each) for each in ("1", "4", "5")} <= ids
    assert not {key.local_id(each) for each in ("2", "3", "6", "7", "8", "9")} & ids
    (gouwe,) = await setting.shown("Organization", ("identifier", "90000101"))
    assert gouwe["name"] == "Huisartsen De Gouwe"
    ours = [each for each in await setting.ids("Endpoint") if each.startswith(key.key)]
    assert ours == [key.local_id("e4")]
    for kind in LOAD_ORDER[1:3]:
        assert await setting.ids(kind) == []
    assert await setting.ids("OrganizationAffiliation") == []
    member = (await setting.replica.followed())[1]
    assert member.refused["has the URA number of an organisation that did not register this directory"] == 1
    assert sum(member.refused.values()) == 12


async def test_who_takes_over_the_number_of_another_loses_everything_that_hung_on_it(setting: Setting) -> None:
    _, linde, rounds = await _a_root(setting)
    linde.put(an_endpoint("e", "1"))
    await _follow(rounds)
    key = Source.one_of_many(LINDE)
    assert key.local_id("e") in await setting.ids("Endpoint")
    linde.put(an_organization("1", ura="90000101", name="Nu de Gouwe"))
    await _follow(rounds)
    assert key.local_id("e") not in await setting.ids("Endpoint")
    (gouwe,) = await setting.shown("Organization", ("identifier", "90000101"))
    assert gouwe["name"] == "Huisartsen De Gouwe"
    assert len(await setting.ids("Organization", ("identifier", "90000102"))) == 1  # the root's own again


async def test_a_directory_that_the_root_names_no_more_is_forgotten(setting: Setting) -> None:
    root, linde, rounds = await _a_root(setting)
    linde.put(an_endpoint("e", "1"))
    await _follow(rounds)
    root.put(a_directory_endpoint("d1", "o1", LINDE) | {"status": "off"})
    await _follow(rounds)
    assert [each.role for each in await setting.replica.followed()] == ["root"]
    (shown,) = await setting.shown("Organization", ("identifier", "90000102"))
    assert shown["name"] == "Stichting De Linde"
    assert await setting.ids("Endpoint") == []


async def test_a_directory_that_is_away_stops_nobody_else(setting: Setting) -> None:
    root, _, rounds = await _a_root(setting)
    setting.internet.broken["https://linde.example"] = "unreachable"
    gouwe = setting.directory(GOUWE)
    gouwe.put(an_organization("1", ura="90000101"), an_endpoint("e", "1"))
    root.put(a_directory_endpoint("d2", "o2", GOUWE))
    made = await rounds.follow_now()
    assert (made[ROOT].error, made[GOUWE].error) == (None, None)
    assert made[LINDE].error == "https://linde.example: unreachable"
    assert rounds.is_ready
    assert Source.one_of_many(GOUWE).local_id("e") in await setting.ids("Endpoint")
    (shown,) = await setting.shown("Organization", ("identifier", "90000102"))
    assert shown["name"] == "Stichting De Linde"


async def test_what_goes_wrong_with_one_directory_stops_no_other(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _, rounds = await _a_root(setting)
    gouwe = setting.directory(GOUWE)
    gouwe.put(an_organization("1", ura="90000101"), an_endpoint("e", "1"))
    root.put(a_directory_endpoint("d2", "o2", GOUWE))
    apply = setting.replica.apply

    async def fail(source: Source, kind: ResourceType, changes: Sequence[Change]) -> tuple[int, list[str]]:
        if source.url == LINDE:
            raise DatabaseBusyError
        return await apply(source, kind, changes)

    monkeypatch.setattr(setting.replica, "apply", fail)
    made = await rounds.follow_now()
    assert made[LINDE].error == "it can not be read here: DatabaseBusyError"
    assert made[GOUWE].error is None
    assert Source.one_of_many(GOUWE).local_id("e") in await setting.ids("Endpoint")


@pytest.mark.parametrize(
    "address",
    [
        "http://linde.example/fhir",
        "file:///etc/passwd",
        "https://user@linde.example/fhir",
        "https://linde.example/?x",
        "",
        "https://[",
        ROOT,
    ],
)
async def test_the_root_can_not_send_us_anywhere(setting: Setting, address: str) -> None:
    root = setting.directory(ROOT)
    root.put(an_organization("o1", ura="90000102"), a_directory_endpoint("d1", "o1", address))
    await _follow(await setting.rounds(ROOT, "nuts"))
    assert [each.role for each in await setting.replica.followed()] == ["root"]
    assert all(each.url.startswith(f"{ROOT}/") for each in setting.internet.calls)


async def test_an_endpoint_of_nobody_names_no_directory(setting: Setting) -> None:
    root = setting.directory(ROOT)
    root.put(an_organization("o1"), a_directory_endpoint("d1", "o1", LINDE), a_directory_endpoint("d2", "x", GOUWE))
    await _follow(await setting.rounds(ROOT, "nuts"))
    assert [each.role for each in await setting.replica.followed()] == ["root"]
