"""Addresses that are away, or ask for time: another address, one more try, or a state at once; never a long wait for nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from node.exchange.events import Resource, Source
from node.exchange.lines import ALL_BYTES, MAX_BYTES, MIN_BYTES, Lines, Waiting
from node.exchange.peer_health import FAILURES, OPEN_SECONDS, NotNowError, PeerHealth, retry_after
from node.ports import HttpRequest, HttpResponse, PeerError
from tests.node.exchange.cases import a_patient
from tests.node.exchange.setting import (
    GOUWE,
    LINDE,
    SCOPE,
    Asker,
    a_flag,
    a_practitioner,
    an_asker,
    book_with,
    resources,
    sources,
)
from tests.support.fhir_server import ScriptedFhirServer, fhir
from tests.support.world import NOON, ManualClock

STEP = "attention-flags"
SECOND = "https://gouwe-2.example"


@pytest.fixture
def asker() -> Asker:
    asker = an_asker(in_care=(GOUWE, LINDE))
    asker.add(GOUWE)
    asker.add(LINDE)
    return asker


def at_two_addresses(asker: Asker) -> ScriptedFhirServer:
    """Register gouwe at a second, older address too, where the patient has another logical id."""
    asker.neighbours.register(GOUWE)
    registered = asker.neighbours.registrations[SCOPE, GOUWE]
    parameters = {
        "fhir_base_url_r4": f"{SECOND}/fhir/r4",
        "authServerURL": f"{SECOND}/oauth2/gouwe",
        "organization_facility_type": "Z3",
    }
    older = registered.issued_at - timedelta(hours=1)
    asker.neighbours.registrations[SCOPE, "second"] = replace(registered, parameters=parameters, issued_at=older)
    server = ScriptedFhirServer(
        f"{SECOND}/fhir/r4",
        [
            a_patient("q7", generalPractitioner=[{"reference": "Practitioner/e1"}]),
            a_practitioner("e1"),
            a_flag("g1", "q7"),
        ],
    )
    server.attach(asker.internet)
    return server


class TestFailOver:
    @pytest.mark.parametrize("code", ["unreachable", "timeout", "tls"])
    async def test_an_organisation_whose_first_address_is_away_is_asked_at_its_second(
        self, asker: Asker, code: Any
    ) -> None:
        second = at_two_addresses(asker)
        asker.internet.broken["https://gouwe.example"] = code
        events = await asker.ask(holders=[GOUWE])
        assert resources(events) == [f"{GOUWE} Practitioner/e1", f"{GOUWE} Flag/g1"]
        assert second.calls[0] == "POST Patient/_search"
        found = [each for each in events if isinstance(each, Resource)]
        assert {each.fetched.lineage.endpoint for each in found} == {f"{SECOND}/fhir/r4"}

    async def test_also_when_only_its_token_server_is_away(self, asker: Asker) -> None:
        at_two_addresses(asker)
        asker.tokens.refused["https://gouwe.example/oauth2/gouwe"] = "unreachable"
        assert resources(await asker.ask(holders=[GOUWE], steps=[STEP])) == [f"{GOUWE} Flag/g1"]

    async def test_a_no_is_not_asked_again_elsewhere(self, asker: Asker) -> None:
        second = at_two_addresses(asker)
        asker.peers[GOUWE].instead["Patient"] = fhir({}, 403)
        events = await asker.ask(holders=[GOUWE])
        assert sources(events)[GOUWE, None].reason == "refused"
        assert second.calls == []

    async def test_a_patient_who_is_not_known_is_not_looked_for_elsewhere(self, asker: Asker) -> None:
        second = at_two_addresses(asker)
        asker.peers[GOUWE].resources = []
        events = await asker.ask(holders=[GOUWE])
        assert sources(events)[GOUWE, None].reason == "no_match"
        assert second.calls == []

    async def test_when_every_address_is_away_the_first_one_says_how(self, asker: Asker) -> None:
        at_two_addresses(asker)
        asker.internet.broken["https://gouwe.example"] = "timeout"
        asker.internet.broken[SECOND] = "unreachable"
        found = sources(await asker.ask(holders=[GOUWE]))
        assert (found[GOUWE, None].state, found[GOUWE, None].reason) == ("timeout", "timeout")

    async def test_an_address_that_goes_away_after_the_match_is_followed_by_the_next(self, asker: Asker) -> None:
        second = at_two_addresses(asker)
        asker.peers[GOUWE].instead |= {"Flag": "unreachable", "Encounter": fhir({}, 503)}
        events = await asker.ask(holders=[GOUWE], steps=[STEP, "contacts"])
        assert resources(events) == [f"{GOUWE} Flag/g1"]
        assert {each.state for each in sources(events).values()} == {"ok", "none_recorded"}
        assert second.calls.count("POST Patient/_search") == 1, "one moves for all steps"
        assert "GET Flag?patient=q7" in second.calls, "with the patient's id as that server has it"

    async def test_what_needs_an_id_of_the_first_address_is_not_asked_at_the_second(self, asker: Asker) -> None:
        second = at_two_addresses(asker)
        asker.peers[GOUWE].instead["Practitioner"] = "timeout"
        found = sources(await asker.ask(holders=[GOUWE], steps=["general-practitioner"]))
        assert found[GOUWE, "general-practitioner"].state == "timeout"
        assert second.calls == []

    async def test_pages_that_were_passed_on_are_not_passed_on_twice(self, asker: Asker) -> None:
        second = at_two_addresses(asker)
        server = asker.peers[GOUWE]
        server.resources = [a_patient("p1"), a_flag("f1"), a_flag("f2")]
        server.page_size = 1
        server.instead["paging"] = "unreachable"
        events = await asker.ask(holders=[GOUWE], steps=[STEP])
        assert resources(events) == [f"{GOUWE} Flag/f1"]
        assert sources(events)[GOUWE, STEP].state == "unreachable"
        assert second.calls == []

    async def test_another_kind_of_organisation_under_the_same_number_is_no_second_address(self, asker: Asker) -> None:
        second = at_two_addresses(asker)
        registrations = asker.neighbours.registrations
        parameters = {**registrations[SCOPE, "second"].parameters, "organization_facility_type": "V6"}
        registrations[SCOPE, "second"] = replace(registrations[SCOPE, "second"], parameters=parameters)
        asker.internet.broken["https://gouwe.example"] = "unreachable"
        assert sources(await asker.ask(holders=[GOUWE]))[GOUWE, None].state == "unreachable"
        assert second.calls == []


class TestOneMoreTry:
    async def test_a_connection_that_broke_is_tried_once_more(self, asker: Asker) -> None:
        server, calls = asker.peers[GOUWE], list[str]()

        async def closes_idle_connections(request: HttpRequest) -> HttpResponse:
            calls.append(request.headers["DPoP"])
            if len(calls) == 1:
                raise PeerError("unreachable", server.origin)
            return await server.answer(request)

        asker.internet.sites[server.origin] = closes_idle_connections
        events = await asker.ask(holders=[GOUWE], steps=[STEP])
        assert resources(events) == [f"{GOUWE} Flag/f1"]
        assert len(set(calls)) == len(calls) == 3, "each with a proof of its own"
        assert len(asker.audit.records) == 2, "sending it again is the same query"

    @pytest.mark.parametrize("code", ["timeout", "tls", "broken", "too_large", "refused_address"])
    async def test_what_went_wrong_otherwise_is_not(self, asker: Asker, code: Any) -> None:
        asker.peers[GOUWE].instead["Flag"] = code
        await asker.ask(holders=[GOUWE], steps=[STEP])
        assert len(asker.peers[GOUWE].searches("Flag")) == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
    async def test_nor_a_server_that_says_it_can_not(self, asker: Asker, status: int) -> None:
        asker.peers[GOUWE].instead["Flag"] = fhir({}, status)
        await asker.ask(holders=[GOUWE], steps=[STEP])
        assert len(asker.peers[GOUWE].searches("Flag")) == 1

    @pytest.mark.parametrize("status", [429, 503])
    async def test_who_asks_for_a_moment_gets_it(self, asker: Asker, status: int) -> None:
        server = asker.peers[GOUWE]

        async def later(request: HttpRequest) -> HttpResponse:
            del server.instead["Flag"]
            return HttpResponse(status=status, headers={"retry-after": "2"}, body=b"")

        server.instead["Flag"] = later
        task = asyncio.ensure_future(asker.ask(holders=[GOUWE], steps=[STEP]))
        await settle()
        assert len(server.searches("Flag")) == 1
        await asker.clock.advance(2.0)
        events = await task
        assert resources(events) == [f"{GOUWE} Flag/f1"]
        assert sources(events)[GOUWE, STEP].ms == 2_000

    async def test_who_asks_for_longer_than_a_step_lasts_is_left_alone_until_then(self, asker: Asker) -> None:
        server = asker.peers[GOUWE]
        server.instead["Flag"] = HttpResponse(status=429, headers={"retry-after": "30"}, body=b"")
        found = sources(await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True))
        assert (found[GOUWE, STEP].state, found[GOUWE, STEP].reason) == ("failed", "throttled")
        del server.instead["Flag"]
        before = len(server.calls)
        again = sources(await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True))
        assert (again[GOUWE, None].state, again[GOUWE, None].reason) == ("failed", "throttled")
        assert len(server.calls) == before, "nothing is sent"
        asker.clock.jump(31)
        assert resources(await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True)) == [f"{GOUWE} Flag/f1"]

    async def test_an_emergency_does_not_wait_for_what_others_were_asked(self) -> None:
        more = book_with(lambda each: each.model_copy(update={"purposes": ("TREAT", "ETREAT")}))
        asker = an_asker(usecases=more)
        server = asker.add(GOUWE)
        server.instead["Flag"] = HttpResponse(status=429, headers={"retry-after": "30"}, body=b"")
        await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True)
        refused = sources(await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True, purpose="ETREAT"))
        assert (refused[GOUWE, STEP].state, refused[GOUWE, STEP].reason) == ("failed", "throttled")
        assert len(server.searches("Flag")) == 2, "asked once more, and not again and again"
        del server.instead["Flag"]
        found = await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True, purpose="ETREAT")
        assert resources(found) == [f"{GOUWE} Flag/f1"]

    async def test_a_second_wish_is_not_granted(self, asker: Asker) -> None:
        server = asker.peers[GOUWE]
        server.instead["Flag"] = HttpResponse(status=503, headers={"retry-after": "1"}, body=b"")
        task = asyncio.ensure_future(asker.ask(holders=[GOUWE], steps=[STEP], fresh=True))
        await settle()
        await asker.clock.advance(1.0)
        found = sources(await task)
        assert (found[GOUWE, STEP].state, found[GOUWE, STEP].reason) == ("failed", "status_503")
        assert len(server.searches("Flag")) == 2


class TestBreaker:
    async def test_an_address_that_keeps_failing_is_left_alone_and_said_to_be(self, asker: Asker) -> None:
        asker.internet.broken["https://gouwe.example"] = "timeout"
        for _ in range(FAILURES):
            assert sources(await asker.ask(holders=[GOUWE]))[GOUWE, None].reason == "timeout"
        sent = len(asker.internet.calls)
        found = sources(await asker.ask(holders=[GOUWE]))
        assert (found[GOUWE, None].state, found[GOUWE, None].reason) == ("unreachable", "circuit_open")
        assert len(asker.internet.calls) == sent
        assert resources(await asker.ask(holders=[LINDE], steps=[STEP])) == [f"{LINDE} Flag/f1"], "others are asked"

    async def test_it_is_tried_again_after_a_while(self, asker: Asker) -> None:
        asker.internet.broken["https://gouwe.example"] = "timeout"
        for _ in range(FAILURES + 1):
            await asker.ask(holders=[GOUWE])
        del asker.internet.broken["https://gouwe.example"]
        asker.clock.jump(OPEN_SECONDS + 1)
        assert resources(await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True)) == [f"{GOUWE} Flag/f1"]
        assert resources(await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True)) == [f"{GOUWE} Flag/f1"]

    async def test_a_token_server_has_its_own(self, asker: Asker) -> None:
        asker.tokens.refused["https://gouwe.example/oauth2/gouwe"] = "unreachable"
        for _ in range(FAILURES):
            assert sources(await asker.ask(holders=[GOUWE]))[GOUWE, None].reason == "token_unreachable"
        assert sources(await asker.ask(holders=[GOUWE]))[GOUWE, None].reason == "circuit_open"

    async def test_refusals_and_mistakes_do_not_open_it(self, asker: Asker) -> None:
        asker.peers[GOUWE].instead["Patient"] = fhir({}, 500)
        for _ in range(FAILURES + 2):
            assert sources(await asker.ask(holders=[GOUWE]))[GOUWE, None].reason == "status_500"

    async def test_the_address_that_is_away_is_asked_last(self, asker: Asker) -> None:
        second = at_two_addresses(asker)
        asker.internet.broken["https://gouwe.example"] = "timeout"
        for _ in range(FAILURES):
            await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True)
        sent = len(asker.internet.calls)
        assert resources(await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True)) == [f"{GOUWE} Flag/g1"]
        assert {call.url.startswith(SECOND) for call in asker.internet.calls[sent:]} == {True}
        assert second.calls


class TestPeerHealth:
    """The rules by themselves."""

    def test_an_emergency_is_not_held_up(self) -> None:
        clock = ManualClock()
        health = failing(clock)
        with pytest.raises(NotNowError), health.call("a"):
            pass
        with health.call("a", urgent=True) as call:
            call.answered()
        assert health.away == ()

    def test_of_many_that_wait_one_tries(self) -> None:
        clock = ManualClock()
        health = failing(clock)
        clock.jump(OPEN_SECONDS)
        with health.call("a"), pytest.raises(NotNowError), health.call("a"):
            pass
        with health.call("a") as call:  # the first went away without a verdict: the next tries
            call.failed()
        with pytest.raises(NotNowError) as refused, health.call("a"):
            pass
        assert (refused.value.reason, refused.value.seconds) == ("circuit_open", OPEN_SECONDS)

    def test_one_answer_between_failures_is_enough(self) -> None:
        health = PeerHealth(ManualClock())
        for number in range(FAILURES * 2):
            with health.call("a") as call:
                (call.answered if number == FAILURES - 1 else call.failed)()
            if number == FAILURES:
                assert not health.is_away("a")

    def test_addresses_are_forgotten_before_they_are_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("node.exchange.peer_health.MAX_ADDRESSES", 3)
        health = failing(ManualClock())
        for name in "bcd":
            with health.call(name):
                pass
        assert not health.is_away("a")
        assert len(health._addresses) == 3

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("7", 7.0),
            ("Sun, 22 Nov 2026 12:00:09 GMT", 9.0),
            ("Sun, 22 Nov 2026 11:00:09 GMT", 0.0),
            ("Sun, 22 Nov 2026 12:00:09", 9.0),
            ("", None),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("٣", None),
            ("9" * 65, None),
        ],
    )
    def test_how_long_is_read_from_seconds_or_a_date(self, text: str, seconds: float | None) -> None:
        assert retry_after({"retry-after": text}, NOON) == seconds

    def test_nobody_makes_us_wait_for_ever(self) -> None:
        clock = ManualClock()
        health = PeerHealth(clock)
        with health.call("a") as call:
            call.asked_to_wait(1e300)
        clock.jump(121)
        with health.call("a"):
            pass


class TestWaitingLines:
    async def test_few_large_lines_wait_as_many_small_ones_do(self, asker: Asker) -> None:
        asker.peers[GOUWE].resources = [a_patient("p1"), a_flag("f1"), a_flag("f2"), a_flag("f3")]
        events = [
            each for each in await asker.ask(holders=[GOUWE], steps=[STEP], fresh=True) if isinstance(each, Resource)
        ]
        size = len(bytes(events[0].fetched.resource.raw))
        lines = Lines(max_bytes=lambda: 2 * size)
        await lines.put(events[0])
        await lines.put(events[1])
        waiting = asyncio.ensure_future(lines.put(events[2]))
        await settle()
        assert not waiting.done()
        assert await lines.get() is events[0]
        await settle()
        assert waiting.done()

    async def test_one_that_is_larger_than_all_still_passes(self, asker: Asker) -> None:
        found = next(each for each in await asker.ask(holders=[GOUWE]) if isinstance(each, Resource))
        lines = Lines(max_bytes=lambda: 1)
        await asyncio.wait_for(lines.put(found), timeout=1)

    async def test_who_gives_up_waiting_takes_its_bytes_along(self, asker: Asker) -> None:
        found = next(each for each in await asker.ask(holders=[GOUWE]) if isinstance(each, Resource))
        lines = Lines(max_lines=1)
        await lines.put(Source(holder=GOUWE, state="ok", count=0, ms=0))
        waiting = asyncio.ensure_future(lines.put(found))
        await settle()
        waiting.cancel()
        await settle()
        assert lines._bytes == 0

    async def test_the_more_readers_the_less_waits_for_each(self, asker: Asker) -> None:
        waiting = Waiting(readers=1)
        assert waiting.share() == MAX_BYTES
        waiting.readers = 100
        assert 100 * waiting.share() <= ALL_BYTES
        waiting.readers = 1_000_000
        assert waiting.share() == MIN_BYTES
        started = [asker.start(holders=[GOUWE], steps=[STEP]) for _ in range(3)]
        for each in started:
            await anext(each)
        assert asker.broker._waiting.readers == 3
        for each in started:
            await each.aclose()
        assert asker.broker._waiting.readers == 0


def failing(clock: ManualClock) -> PeerHealth:
    """An address called ``a`` that failed often enough."""
    health = PeerHealth(clock)
    for _ in range(FAILURES):
        with health.call("a") as call:
            call.failed()
    return health


async def settle() -> None:
    for _ in range(100):
        await asyncio.sleep(0)
