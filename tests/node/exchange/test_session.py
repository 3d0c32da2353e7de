"""What a person was shown a moment ago: not fetched again for that person, and for nobody else; in memory only, and not for long."""

from typing import Any

import pytest

from node.exchange import session
from node.exchange.events import Resource
from node.exchange.session import KEEP_SECONDS, REUSE_SECONDS, SessionMemory, Whose
from tests.node.exchange.cases import OTHER_BSN, a_patient
from tests.node.exchange.setting import GOUWE, LINDE, NURSE, Asker, a_flag, an_asker, book_with, resources, sources
from tests.support.fhir_server import fhir
from tests.support.world import ManualClock

STEP = "attention-flags"


@pytest.fixture
def asker() -> Asker:
    asker = an_asker(in_care=(GOUWE, LINDE))
    asker.add(GOUWE)
    return asker


async def asks_again(asker: Asker, **members: Any) -> int:
    """How many calls the second of two questions makes at the holder."""
    await asker.ask(holders=[GOUWE], steps=[STEP])
    before = len(asker.peers[GOUWE].calls)
    await asker.ask(**{"holders": [GOUWE], "steps": [STEP], **members})
    return len(asker.peers[GOUWE].calls) - before


async def test_the_same_step_is_not_fetched_again(asker: Asker) -> None:
    first = await asker.ask(holders=[GOUWE])
    calls = len(asker.peers[GOUWE].calls)
    asker.clock.jump(REUSE_SECONDS - 1)
    again = await asker.ask(holders=[GOUWE])
    assert len(asker.peers[GOUWE].calls) == calls
    assert resources(again) == resources(first)
    found = sources(again)
    assert {each.from_memory for each in found.values()} == {True}
    assert not any(each.from_memory for each in sources(first).values())
    ages = [
        [each.fetched.lineage.fetched_at for each in events if isinstance(each, Resource)] for events in (first, again)
    ]
    assert ages[0] == ages[1], "the time at which it was fetched stays the time at which it was fetched"


async def test_after_five_minutes_it_is(asker: Asker) -> None:
    await asker.ask(holders=[GOUWE], steps=[STEP])
    asker.clock.jump(REUSE_SECONDS)
    before = len(asker.peers[GOUWE].calls)
    await asker.ask(holders=[GOUWE], steps=[STEP])
    assert len(asker.peers[GOUWE].calls) == before + 2


async def test_when_asked_for_it_is(asker: Asker) -> None:
    assert await asks_again(asker, fresh=True) == 2


@pytest.mark.parametrize(
    "members",
    [
        {"user": {"identifier": "U-2002", "name": "J. Jansen", "role": NURSE}},
        {"patient": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": OTHER_BSN}},
    ],
)
async def test_nobody_else_and_nothing_about_anybody_else_comes_from_it(asker: Asker, members: dict[str, Any]) -> None:
    asker.own.resources = [*asker.own.resources, a_patient("c8", OTHER_BSN)]
    assert await asks_again(asker, **members) >= 1


async def test_another_purpose_is_another_question() -> None:
    asker = an_asker(
        in_care=(GOUWE,), usecases=book_with(lambda each: each.model_copy(update={"purposes": ("TREAT", "COC")}))
    )
    asker.add(GOUWE)
    assert await asks_again(asker, purpose="COC") == 2


async def test_what_was_seen_behind_broken_glass_is_not_kept() -> None:
    asker = an_asker(
        in_care=(GOUWE,),
        usecases=book_with(
            lambda each: each.model_copy(update={"purposes": ("TREAT", "BTG"), "break_the_glass": "offered"})
        ),
    )
    asker.add(GOUWE)
    glass: dict[str, Any] = {
        "purpose": "BTG",
        "break_glass": {"reason": "unconscious"},
        "holders": [GOUWE],
        "steps": [STEP],
    }
    await asker.ask(**glass)
    calls = len(asker.peers[GOUWE].calls)
    await asker.ask(**glass)
    assert len(asker.peers[GOUWE].calls) == 2 * calls


async def test_only_what_is_whole_is_kept(asker: Asker) -> None:
    server = asker.peers[GOUWE]
    server.resources = [a_patient("p1"), a_flag("f1"), a_flag("f2")]
    server.page_size = 1
    server.instead["paging"] = "timeout"
    assert sources(await asker.ask(holders=[GOUWE], steps=[STEP]))[GOUWE, STEP].state == "timeout"
    del server.instead["paging"]
    events = await asker.ask(holders=[GOUWE], steps=[STEP])
    assert resources(events) == [f"{GOUWE} Flag/f1", f"{GOUWE} Flag/f2"]


async def test_a_no_is_not_kept(asker: Asker) -> None:
    asker.peers[GOUWE].instead["Flag"] = fhir({}, 403)
    await asker.ask(holders=[GOUWE], steps=[STEP])
    del asker.peers[GOUWE].instead["Flag"]
    assert resources(await asker.ask(holders=[GOUWE], steps=[STEP])) == [f"{GOUWE} Flag/f1"]


async def test_a_patient_who_was_not_found_is_looked_for_again(asker: Asker) -> None:
    known = asker.peers[GOUWE].resources
    asker.peers[GOUWE].resources = []
    await asker.ask(holders=[GOUWE], steps=[STEP])
    asker.peers[GOUWE].resources = known
    assert resources(await asker.ask(holders=[GOUWE], steps=[STEP])) == [f"{GOUWE} Flag/f1"]


async def test_looking_again_is_recorded_too(asker: Asker) -> None:
    await asker.ask(holders=[GOUWE], steps=[STEP])
    before = len(asker.audit.records)
    await asker.ask(holders=[GOUWE], steps=[STEP])
    again = asker.audit.records[before:]
    assert [(each.step, each.code, each.user_id) for each in again] == [
        ("patient", "from_memory", "U-1001"),
        (STEP, "from_memory", "U-1001"),
    ]
    assert len({each.patient for each in again}) == 1
    assert all(number in asker.audit.outcomes for number in range(1, len(asker.audit.records) + 1))


async def test_without_a_record_it_is_not_shown_again(asker: Asker) -> None:
    await asker.ask(holders=[GOUWE], steps=[STEP])
    asker.audit.available = False
    assert resources(await asker.ask(holders=[GOUWE], steps=[STEP])) == []


async def test_a_step_that_is_new_is_asked_with_the_patient_that_was_found(asker: Asker) -> None:
    await asker.ask(holders=[GOUWE], steps=[STEP])
    before = len(asker.peers[GOUWE].calls)
    await asker.ask(holders=[GOUWE], steps=[STEP, "contacts"])
    assert asker.peers[GOUWE].calls[before:] == ["GET Encounter?patient=p1"]


WHOSE = Whose(
    subject="oever",
    user="U-1",
    role=NURSE,
    purpose="TREAT",
    patient="k1.x",
    usecase="ha-vvt 1",
    table="t",
    holder=GOUWE,
    base="https://gouwe.example",
)


class TestBounds:
    """The memory by itself."""

    def test_bytes_are_bounded_and_the_oldest_go(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "MAX_BYTES", 100)
        monkeypatch.setattr(session, "MAX_STEP_BYTES", 100)
        monkeypatch.setattr(session, "ENTRY_BYTES", 0)
        memory = SessionMemory(ManualClock())
        for name in "abc":
            memory.keep(WHOSE, name, fetched=(), count=0, bound={}, pages=40)
        assert [memory.step(WHOSE, name) is not None for name in "abc"] == [False, True, True]
        memory.keep(WHOSE, "d", fetched=(), count=0, bound={}, pages=101)
        assert memory.step(WHOSE, "d") is None
        memory.keep(WHOSE, "c", fetched=(), count=0, bound={}, pages=40)
        assert memory._bytes == 80

    def test_nothing_stays_longer_than_fifteen_minutes(self) -> None:
        clock = ManualClock()
        memory = SessionMemory(clock)
        memory.keep(WHOSE, "a", fetched=(), count=0, bound={}, pages=40)
        memory.begin_talk(WHOSE, "999990135", {}, ("p1",))
        clock.jump(REUSE_SECONDS)
        memory.forget_expired()
        assert (len(memory._steps), memory._bytes, len(memory._talks)) == (0, 0, 1)
        clock.jump(KEEP_SECONDS - REUSE_SECONDS)
        assert memory.talk(WHOSE, "p1") is None
        memory.forget_expired()
        assert len(memory._talks) == 0
        assert KEEP_SECONDS <= 900

    def test_conversations_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "MAX_TALKS", 2)
        monkeypatch.setattr(session, "MAX_LINKS", 2)
        memory = SessionMemory(ManualClock())
        talk = memory.begin_talk(WHOSE, "999990135", {}, ("a",))
        for name in "bc":
            talk = memory.begin_talk(WHOSE, "999990135", {}, (name,))
            for link in "xyz":
                memory.name_link(talk, link, STEP, link)
        assert len(memory._talks) == 2
        assert list(talk.links) == ["y", "z"]

    def test_a_conversation_does_not_show_whom_it_is_about(self) -> None:
        talk = SessionMemory(ManualClock()).begin_talk(WHOSE, "999990135", {}, ("p1",))
        assert "999990135" not in repr(talk)
