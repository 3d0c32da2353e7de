"""Time, memory and the record: what ends a question, and that everything ends with it."""

import asyncio
from typing import Any

import pytest

from node.exchange import outbound
from node.exchange.asking import Limits
from node.exchange.events import End, Event, Plan, Resource, Source
from node.ports import HttpRequest, HttpResponse
from node.web.replies import RequestError
from tests.node.exchange.cases import a_patient
from tests.node.exchange.setting import (
    GOUWE,
    LINDE,
    Asker,
    a_flag,
    an_asker,
    resources,
    sources,
    the_end,
    the_plan,
)

STEP = "attention-flags"


@pytest.fixture
def asker() -> Asker:
    asker = an_asker(in_care=(GOUWE, LINDE))
    asker.add(GOUWE)
    asker.add(LINDE)
    return asker


def silent(asker: Asker, ura: str, kind: str) -> asyncio.Event:
    """Let a holder never answer questions of one kind; the event lets it go on after all."""
    gate = asyncio.Event()

    async def never(request: HttpRequest) -> HttpResponse:
        await gate.wait()
        return await asker.peers[ura].answer(request)

    asker.peers[ura].instead[kind] = never
    return gate


async def settle() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def ask_until(asker: Asker, seconds: float, **members: Any) -> list[Event]:
    """Ask, and let so much time pass once everybody waits."""
    task = asyncio.ensure_future(asker.ask(**members))
    await settle()
    assert not task.done()
    await asker.clock.advance(seconds)
    return await asyncio.wait_for(task, timeout=5)


class TestDeadline:
    async def test_what_is_open_then_is_a_timeout_and_the_stream_ends(self, asker: Asker) -> None:
        silent(asker, GOUWE, "Flag")
        silent(asker, LINDE, "Patient")
        events = await ask_until(asker, 0.5, deadline_ms=500, steps=[STEP, "contacts"])
        found = {part: (each.state, each.reason, each.ms) for part, each in sources(events).items()}
        assert found == {
            (GOUWE, "contacts"): ("none_recorded", None, 0),
            (GOUWE, STEP): ("timeout", "deadline", 500),
            (LINDE, None): ("timeout", "deadline", 500),
        }
        end = the_end(events)
        assert {(each.holder_ura, each.step, each.state) for each in end.missing} == {
            (GOUWE, STEP, "timeout"),
            (LINDE, None, "timeout"),
        }
        assert (end.error, end.ms) == (None, 500)

    async def test_queries_that_were_under_way_are_recorded_as_cut_off(self, asker: Asker) -> None:
        silent(asker, GOUWE, "Flag")
        await ask_until(asker, 0.5, deadline_ms=500, steps=[STEP])
        states = {
            (record.peer_ura, record.step): asker.audit.outcomes[number].state
            for number, record in enumerate(asker.audit.records, 1)
        }
        assert states[GOUWE, STEP] == "cut_off"
        assert states[LINDE, STEP] == "ok"

    async def test_it_is_not_over_before(self, asker: Asker) -> None:
        gate = silent(asker, GOUWE, "Flag")
        task = asyncio.ensure_future(asker.ask(deadline_ms=500, steps=[STEP]))
        await settle()
        await asker.clock.advance(0.499)
        assert not task.done()
        del asker.peers[GOUWE].instead["Flag"]
        gate.set()
        assert the_end(await task).missing == ()

    @pytest.mark.parametrize(("operator", "seconds"), [(30.0, 30.0), (10.0, 10.0), (60.0, 30.0)])
    async def test_the_use_case_and_the_operator_say_how_long_when_the_caller_does_not(
        self, operator: float, seconds: float
    ) -> None:
        limits = Limits(step=4.0, question=operator, queries_per_peer=8, page_bytes=8_388_608)
        asker = an_asker(limits=limits)
        asker.add(GOUWE)
        silent(asker, GOUWE, "Patient")
        task = asyncio.ensure_future(asker.ask())
        await settle()
        await asker.clock.advance(seconds - 0.001)
        assert not task.done()
        await asker.clock.advance(0.001)
        assert sources(await task)[GOUWE, None].reason == "deadline"

    async def test_a_slow_authorization_server_ends_with_its_step(self, asker: Asker) -> None:
        asker.tokens.gate = asyncio.Event()
        events = await ask_until(asker, 4.0)
        assert {(part, each.state, each.reason) for part, each in sources(events).items()} == {
            ((GOUWE, None), "timeout", "token"),
            ((LINDE, None), "timeout", "token"),
        }

    async def test_a_record_of_our_own_that_is_slow_is_a_refusal_and_not_an_empty_answer(self, asker: Asker) -> None:
        async def never(_: HttpRequest) -> HttpResponse:
            await asyncio.Event().wait()
            raise AssertionError

        asker.own.instead["CareTeam"] = never
        task = asyncio.ensure_future(asker.ask(deadline_ms=500))
        await settle()
        await asker.clock.advance(0.5)
        with pytest.raises(RequestError) as refused:
            await task
        assert (refused.value.status, refused.value.code) == (504, "localisation_timeout")
        assert asker.internet.calls == []

    async def test_pages_that_came_before_it_are_counted(self, asker: Asker) -> None:
        asker.peers[GOUWE].resources = [a_patient("p1"), a_flag("f1"), a_flag("f2")]
        asker.peers[GOUWE].page_size = 1
        silent(asker, GOUWE, "paging")
        events = await ask_until(asker, 0.5, deadline_ms=500, steps=[STEP])
        assert f"{GOUWE} Flag/f1" in resources(events)
        found = sources(events)[GOUWE, STEP]
        assert (found.state, found.count) == ("timeout", 1)


class TestAudit:
    async def test_without_a_record_nothing_is_sent(self, asker: Asker) -> None:
        asker.audit.available = False
        events = await asker.ask()
        assert asker.internet.calls == []
        end = the_end(events)
        assert end.error is not None
        assert end.error[0] == "audit_unavailable"
        assert {(each.holder_ura, each.step, each.state) for each in end.missing} == {
            (GOUWE, None, "not_asked"),
            (LINDE, None, "not_asked"),
        }
        assert end.audit == ()

    async def test_when_it_fails_half_way_nothing_more_is_sent(self, asker: Asker) -> None:
        answer = asker.peers[GOUWE].answer

        async def last(request: HttpRequest) -> HttpResponse:
            asker.audit.available = False
            return await answer(request)

        asker.internet.sites["https://gouwe.example"] = last
        events = await asker.ask(holders=[GOUWE])
        assert asker.peers[GOUWE].calls == ["POST Patient/_search"]
        end = the_end(events)
        assert end.error is not None
        assert end.error[0] == "audit_unavailable"
        assert {each.state for each in end.missing} == {"not_asked"}
        assert {each.step for each in end.missing} >= {STEP, "contacts", "results", "general-practitioner"}
        assert [each.state for each in asker.audit.outcomes.values()] == ["ok"]

    async def test_an_accident_of_our_own_ends_the_stream_with_an_error(
        self, asker: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(outbound, "_plan_line", broken)
        end = the_end(await asker.ask())
        assert end.error == ("internal_error", "something went wrong on this side")
        assert asker.internet.calls == []


class TestCallerGoesAway:
    async def test_everything_under_way_is_cancelled_and_recorded_as_cut_off(self, asker: Asker) -> None:
        silent(asker, GOUWE, "Flag")
        silent(asker, LINDE, "Encounter")
        events = asker.start()
        seen = [await anext(events) for _ in range(3)]
        await settle()
        before = asyncio.all_tasks()
        await events.aclose()
        assert isinstance(seen[0], Plan)
        assert {each.state for each in asker.audit.outcomes.values()} >= {"cut_off"}
        assert len(asker.audit.outcomes) == len(asker.audit.records)
        await settle()
        assert len(asyncio.all_tasks()) < len(before)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        calls = len(asker.internet.calls)
        await settle()
        assert len(asker.internet.calls) == calls, "nothing more is asked"

    async def test_also_while_it_waits_for_the_next_line(self, asker: Asker) -> None:
        silent(asker, GOUWE, "Patient")
        silent(asker, LINDE, "Patient")

        async def read() -> None:
            async for _ in asker.start():
                pass

        reader = asyncio.ensure_future(read())
        await settle()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await settle()
        assert [each.state for each in asker.audit.outcomes.values()] == ["cut_off", "cut_off"]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_nothing_is_left_behind_after_an_ordinary_end(self, asker: Asker) -> None:
        await asker.ask()
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}


class TestSlowReader:
    async def test_lines_wait_up_to_a_bound_and_then_the_asking_does(
        self, asker: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbound, "WAITING_LINES", 4)
        server = asker.peers[GOUWE]
        server.resources = [a_patient("p1"), *(a_flag(f"f{number}") for number in range(40))]
        server.page_size = 4
        events = asker.start(holders=[GOUWE], steps=[STEP])
        first = await anext(events)
        await settle()
        held = len(server.calls)
        assert held <= 4, "the match and a page or two; the rest waits until somebody reads"
        rest = [each async for each in events]
        assert len(resources([first, *rest])) == 40
        assert isinstance(rest[-1], End)
        assert rest[-1].missing == ()

    async def test_one_that_never_reads_does_not_keep_others_from_the_same_holder(
        self, asker: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbound, "WAITING_LINES", 1)
        stuck = asker.start(holders=[GOUWE])
        await anext(stuck)
        await settle()
        events = await asker.ask(holders=[GOUWE], steps=[STEP])
        assert resources(events) == [f"{GOUWE} Flag/f1"]
        await stuck.aclose()

    async def test_a_line_that_waits_when_time_is_up_is_not_lost(
        self, asker: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbound, "WAITING_LINES", 1)
        events = asker.start(holders=[GOUWE], steps=[STEP, "contacts", "results"], deadline_ms=500)
        first = await anext(events)
        await settle()
        await asker.clock.advance(0.5)
        rest = [each async for each in events]
        assert {each.step for each in rest if isinstance(each, Source)} == {STEP, "contacts", "results"}
        assert len(sources([first, *rest])) == 3
        end = the_end([first, *rest])
        assert {each.step for each in end.missing} == {
            each.step for each in rest if isinstance(each, Source) and each.state == "timeout"
        }


async def test_the_plan_is_first_and_the_end_is_last(asker: Asker) -> None:
    events = await asker.ask()
    assert [type(each) for each in (the_plan(events), the_end(events))] == [Plan, End]
    assert {type(each) for each in events[1:-1]} == {Source, Resource}
