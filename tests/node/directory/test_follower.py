"""Following one national directory (VWS), which behaves badly on request (LANDSCAPE §2.1.1)."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from node.ports import HttpResponse, PeerError
from registry.mcsd.references import Source
from registry.mcsd.resource import format_instant
from tests.node.directory.setting import NATIONAL, Setting
from tests.support.directory import an_endpoint, an_organization
from tests.support.world import reply

LOADED = ["/Organization", "/Location", "/HealthcareService", "/Endpoint", "/OrganizationAffiliation"]
CAUGHT_UP = [f"{each}/_history" for each in LOADED]


async def test_a_load_goes_through_the_types_in_order_then_catches_up(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("linde", ura="90000102"), an_endpoint("e", "linde"))
    rounds = await setting.rounds()
    before = rounds.is_ready
    made = await rounds.follow_now()
    assert not before
    assert directory.paths() == LOADED + CAUGHT_UP
    assert made[NATIONAL].error is None
    assert rounds.is_ready
    assert await setting.ids("Organization") == ["linde"]
    assert await setting.ids("Endpoint", ("organization.identifier", "90000102")) == ["e"]


async def test_the_stamp_is_the_directorys_own_of_the_first_page_as_it_was_written(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(*(an_organization(f"o{number}") for number in range(5)))
    directory.page_size = 2
    rounds = await setting.rounds()
    await rounds.follow_now()
    stamp = format_instant(directory.now)
    directory.asked.clear()
    directory.put(an_organization("o1", name="Nieuw"))
    await rounds.follow_now()
    assert directory.paths() == CAUGHT_UP
    assert {parse_qs(urlsplit(each).query)["_since"][0] for each in directory.asked} == {stamp}
    assert [each["name"] for each in await setting.shown("Organization", ("_id", "o1"))] == ["Nieuw"]
    assert await setting.ids("Organization", ("name", "linde")) == ["o0", "o2", "o3", "o4"]


async def test_what_changes_between_load_and_catch_up_is_seen_before_anything_is_shown(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("linde"))
    rounds = await setting.rounds()
    inner = directory.__call__

    async def changing(request: object) -> HttpResponse:
        answer = await inner(request)  # type: ignore[arg-type]  # a request as the client sends it
        if directory.paths()[-1] == "/Organization":
            directory.put(an_organization("linde", name="Later"))
        return answer

    setting.internet.sites["https://lrza.example"] = changing
    await rounds.follow_now()
    assert [each["name"] for each in await setting.shown("Organization")] == ["Later"]


async def test_an_older_version_never_overwrites_a_newer_one(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("linde", name="Een"), an_organization("linde", name="Twee"))
    rounds = await setting.rounds()
    await rounds.follow_now()
    directory.put(an_organization("linde", name="Drie"))
    directory.versions.append(directory.versions.pop(0))  # the history is out of order: the first version comes on top
    directory.versions.append(directory.versions[0])  # and one comes twice
    await rounds.follow_now()
    assert [each["name"] for each in await setting.shown("Organization")] == ["Drie"]


@pytest.mark.parametrize("page_size", [1, 100])
async def test_what_was_deleted_or_withdrawn_is_gone_and_does_not_come_back(setting: Setting, page_size: int) -> None:
    directory = setting.directory()
    directory.put(an_organization("a"), an_organization("b"), an_organization("c"), an_endpoint("e", "a"))
    rounds = await setting.rounds()
    await rounds.follow_now()
    directory.page_size = page_size
    directory.put(an_organization("a", name="Nog een keer"))
    directory.delete("Organization", "a")
    directory.put(an_organization("b", active=False), an_endpoint("e", "c", status="entered-in-error"))
    await rounds.follow_now()
    assert await setting.ids("Organization") == ["c"]
    assert await setting.ids("Endpoint") == []
    directory.put(an_organization("a", name="Terug"))
    await rounds.follow_now()
    assert await setting.ids("Organization", ("name", "terug")) == ["a"]


async def test_unresolved_references_are_taken(setting: Setting) -> None:
    setting.directory().put(an_endpoint("e", "nobody-yet"))
    await (await setting.rounds()).follow_now()
    assert await setting.ids("Endpoint", ("organization", "nobody-yet")) == ["e"]


async def test_a_directory_that_is_busy_is_asked_again_when_it_said(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("linde"))
    directory.faults = [reply({}, status=429, retry_after="7"), reply({}, status=503)]
    made = await (await setting.rounds()).follow_now()
    assert made[NATIONAL].error is None
    assert setting.clock.waited == [7.0, 10.0]
    assert await setting.ids("Organization") == ["linde"]


async def test_a_directory_that_wants_to_be_left_alone_is_left_alone(setting: Setting) -> None:
    directory = setting.directory()
    directory.faults = [reply({}, status=429, retry_after="600")]
    rounds = await setting.rounds()
    made = await rounds.follow_now()
    assert made[NATIONAL].error == "the directory answered 429"
    assert len(directory.asked) == 1
    setting.clock.jump(590)
    await rounds._follow(due_only=True)
    assert len(directory.asked) == 1
    setting.clock.jump(20)
    await rounds._follow(due_only=True)
    assert len(directory.asked) > 1
    assert rounds.is_ready


@pytest.mark.parametrize(
    "fault",
    [
        reply({}, status=403),
        reply("<html>", content_type="text/html"),
        reply({"resourceType": "Patient"}),
        reply({"resourceType": "Bundle", "type": "collection"}),
        reply({"resourceType": "Bundle", "type": "searchset", "entry": {"a": 1}}),
        reply({"resourceType": "Bundle", "type": "searchset", "meta": {"lastUpdated": "yesterday"}}),
        reply({"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": 1}]}),
        reply({"resourceType": "Bundle", "type": "searchset", "link": "x"}),
        reply('{"resourceType": "Bundle", "resourceType": "Bundle", "type": "searchset"}'),
        reply("[" * 100_000),
        PeerError("tls", NATIONAL),
        PeerError("too_large", NATIONAL),
        PeerError("refused_address", NATIONAL),
    ],
)
async def test_a_wrong_answer_is_one_error_and_changes_nothing(
    setting: Setting, fault: HttpResponse | PeerError
) -> None:
    directory = setting.directory()
    directory.put(an_organization("linde"))
    rounds = await setting.rounds()
    await rounds.follow_now()
    before = (await setting.replica.followed())[0]
    directory.put(an_organization("linde", name="Nieuw"))
    directory.faults = [fault]
    made = await rounds.follow_now()
    assert made[NATIONAL].error is not None
    (after,) = await setting.replica.followed()
    assert (after.stamps, after.failures, after.error) == (before.stamps, 1, made[NATIONAL].error)
    assert [each["name"] for each in await setting.shown("Organization")] == ["Linde"]
    await rounds.follow_now()  # from the last good stamp
    assert [each["name"] for each in await setting.shown("Organization")] == ["Nieuw"]
    assert (await setting.replica.followed())[0].failures == 0


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/fhir/Organization?page=2",
        "https://lrza.example.evil.example/fhir?page=2",
        "https://lrza.example:8443/fhir?page=2",
        "http://lrza.example/fhir?page=2",
        "https://lrza.example/other?page=2",
        "https://lrza.example/fhir/../admin",
        "https://lrza.example/fhirx/Organization",
        "https://user@lrza.example/fhir?page=2",
        "file:///etc/passwd",
        "//evil.example/fhir",
    ],
)
async def test_a_directory_does_not_send_us_elsewhere(setting: Setting, address: str) -> None:
    directory = setting.directory()
    directory.put(an_organization("a"), an_organization("b"))
    directory.page_size, directory.leads_to = 1, address
    made = await (await setting.rounds()).follow_now()
    assert made[NATIONAL].error is not None
    assert all(each.url.startswith(f"{NATIONAL}/") for each in setting.internet.calls)


async def test_a_link_without_a_path_of_its_own_is_followed(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("a"), an_organization("b"))
    directory.page_size, directory.leads_to = 1, "Organization?page=1"
    made = await (await setting.rounds()).follow_now()
    assert made[NATIONAL].error is None
    assert directory.asked[1] == "/fhir/Organization?page=1"


async def test_pages_without_end_are_left(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("a"))
    directory.endless = True
    made = await (await setting.rounds()).follow_now()
    assert made[NATIONAL].error == "the pages of the directory have no end"
    assert not (await setting.replica.followed())[0].stamps


async def test_one_bad_entry_does_not_stop_the_others(setting: Setting) -> None:
    directory = setting.directory()
    bad = an_organization("bad") | {"meta": {"lastUpdated": "soon"}}
    huge = an_organization("huge", name="x" * 300_000)
    directory.put(an_organization("a"), bad, huge, an_organization("b"))
    made = await (await setting.rounds()).follow_now()
    assert made[NATIONAL].error is None
    assert await setting.ids("Organization") == ["a", "b"]
    (followed,) = await setting.replica.followed()
    assert sum(followed.refused.values()) >= 2
    assert "not an instant" in followed.refused


async def test_a_directory_without_stamps_is_followed_by_the_newest_time_it_showed_first(setting: Setting) -> None:
    directory = setting.directory()
    directory.has_stamp = False
    directory.put(an_organization("a"))
    rounds = await setting.rounds()
    await rounds.follow_now()
    directory.put(an_organization("b"))
    await rounds.follow_now()
    assert await setting.ids("Organization") == ["a", "b"]


async def test_a_directory_that_knows_no_count_is_loaded_all_the_same(setting: Setting) -> None:
    directory = setting.directory()
    directory.takes_count = False
    directory.put(an_organization("a"))
    made = await (await setting.rounds()).follow_now()
    assert made[NATIONAL].error is None
    assert await setting.ids("Organization") == ["a"]


async def test_a_clock_that_ran_backwards_means_loading_again(setting: Setting) -> None:
    directory = setting.directory()
    directory.now += timedelta(days=300)  # wrong for a while
    directory.put(an_organization("a"))
    rounds = await setting.rounds()
    await rounds.follow_now()
    directory.now -= timedelta(days=300)
    directory.put(an_organization("b"))
    directory.asked.clear()
    await rounds.follow_now()
    assert "/Organization" in directory.paths()
    assert await setting.ids("Organization") == ["a", "b"]


async def test_a_round_that_breaks_off_goes_on_where_it_was(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("a"), an_endpoint("e", "a"))
    rounds = await setting.rounds()
    inner = directory.__call__

    async def failing(request: object) -> HttpResponse:
        answer = await inner(request)  # type: ignore[arg-type]  # a request as the client sends it
        return reply({}, status=403) if directory.paths()[-1] == "/Endpoint" else answer

    setting.internet.sites["https://lrza.example"] = failing
    await rounds.follow_now()
    assert (await setting.replica.followed())[0].ready_at is None
    assert await setting.ids("Organization") == []  # nothing is said before everything is there
    setting.internet.sites["https://lrza.example"] = directory
    directory.asked.clear()
    await rounds.follow_now()
    assert directory.paths()[:4] == [
        "/Organization/_history",
        "/Location/_history",
        "/HealthcareService/_history",
        "/Endpoint",
    ]
    assert rounds.is_ready
    assert await setting.ids("Endpoint", ("organization", "a")) == ["e"]


async def test_after_a_restart_it_goes_on_from_its_stamps_and_answers_at_once(setting: Setting) -> None:
    directory = setting.directory()
    directory.put(an_organization("a"))
    await (await setting.rounds()).follow_now()
    directory.asked.clear()
    again = await setting.rounds()
    assert again.is_ready
    await again.follow_now()
    assert directory.paths() == CAUGHT_UP


async def test_another_directory_in_the_configuration_forgets_what_the_last_one_said(setting: Setting) -> None:
    setting.directory().put(an_organization("a"))
    await (await setting.rounds()).follow_now()
    rounds = await setting.rounds("https://new.example/fhir")
    assert not rounds.is_ready
    assert (await setting.replica.followed())[0].source == Source.only("https://new.example/fhir")
    assert await setting.ids("Organization") == []


async def test_rounds_are_fifteen_minutes_apart_and_a_little_more_by_chance(setting: Setting) -> None:
    directory = setting.directory()
    rounds = await setting.rounds()
    await rounds._follow(due_only=True)
    asked = len(directory.asked)
    setting.clock.jump(timedelta(minutes=14, seconds=59))
    await rounds._follow(due_only=True)
    assert len(directory.asked) == asked
    setting.clock.jump(timedelta(minutes=2, seconds=2))
    await rounds._follow(due_only=True)
    assert len(directory.asked) > asked
