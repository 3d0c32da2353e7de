"""What both writers promise (node/audit/log.py)."""

import asyncio
from datetime import timedelta

import pytest

from node.audit import log as log_module
from node.audit.log import AlreadyUsedError, AuditLog, AuditUnavailableError, Receipt, SingleUse, StaleDecisionError
from node.audit.record import Outcome
from node.audit.search import AuditQuestion, Found
from tests.node.audit.places import DELIVERED, Place, verified
from tests.node.audit.setting import NOW, a_record, a_use


async def all_found(place: Place, subject: str = "gouwe") -> list[Found]:
    page = await (await place.reader()).find(AuditQuestion(subject=subject, count=500))
    return list(reversed(page.entries))


async def try_promise(log: AuditLog, *once: SingleUse, epoch: int | None = None) -> Receipt | Exception:
    try:
        return await log.promise(a_record(), once=once, epoch=epoch)
    except (AlreadyUsedError, StaleDecisionError) as error:
        return error


async def test_a_promise_is_there_for_others_to_read_when_it_returns(place: Place) -> None:
    log = await place.open()
    receipt = await log.promise(a_record(code="permitted"), epoch=log.current_epoch())
    (found,) = await all_found(place)
    assert (found.lane, found.seq, found.body["code"], found.ended) == (receipt.lane, receipt.seq, "permitted", None)


async def test_an_outcome_follows_without_being_waited_for(place: Place) -> None:
    log = await place.open()
    receipt = await log.promise(a_record())
    log.outcome(receipt, DELIVERED)
    await log.record(a_record(decision="deny"))  # rides along
    found = (await all_found(place))[0]
    assert found.ended is not None
    assert (found.ended["code"], found.ended["status"], found.ended["count"], found.ended["ms"]) == (
        "delivered",
        200,
        3,
        12,
    )
    await verified(place)


async def test_outcomes_that_wait_are_written_at_the_end(place: Place) -> None:
    log = await place.open()
    log.outcome(await log.promise(a_record()), DELIVERED)
    await log.aclose()
    assert (await all_found(place))[0].ended is not None


async def test_a_second_outcome_of_one_promise_is_dropped(place: Place) -> None:
    log = await place.open()
    receipt = await log.promise(a_record())
    log.outcome(receipt, DELIVERED)
    log.outcome(receipt, Outcome(state="cut_off"))
    await log.record(a_record())
    log.outcome(receipt, Outcome(state="cut_off"))
    await log.record(a_record())
    (ended,) = [found.ended for found in await all_found(place) if found.seq == receipt.seq]
    assert ended is not None
    assert ended["code"] == "delivered"
    await verified(place)


async def test_a_used_value_is_refused_alone_and_the_rest_of_its_batch_goes_on(place: Place) -> None:
    log = await place.open()
    await log.promise(a_record(), once=[a_use("used")])
    results = await asyncio.gather(
        *(try_promise(log, a_use("used" if number % 3 == 0 else f"fresh {number}")) for number in range(30))
    )
    refused = [number for number, result in enumerate(results) if isinstance(result, AlreadyUsedError)]
    assert refused == list(range(0, 30, 3))
    numbers = [result.seq for result in results if isinstance(result, Receipt)]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    await verified(place)


async def test_of_promises_racing_with_one_value_exactly_one_wins(place: Place) -> None:
    log = await place.open()
    results = await asyncio.gather(*(try_promise(log, a_use("same")) for _ in range(40)))
    assert sum(isinstance(result, Receipt) for result in results) == 1
    assert sum(isinstance(result, AlreadyUsedError) for result in results) == 39


async def test_when_one_of_two_values_is_used_the_other_stays_unused(place: Place) -> None:
    log = await place.open()
    await log.promise(a_record(), once=[a_use("b")])
    assert isinstance(await try_promise(log, a_use("a"), a_use("b")), AlreadyUsedError)
    assert isinstance(await try_promise(log, a_use("a")), Receipt)


async def test_one_value_twice_in_one_promise_is_used_already(place: Place) -> None:
    log = await place.open()
    assert isinstance(await try_promise(log, a_use("a"), a_use("a")), AlreadyUsedError)


async def test_values_of_different_kinds_do_not_collide(place: Place) -> None:
    log = await place.open()
    await log.promise(a_record(), once=[a_use("a", kind="dpop")])
    await log.promise(a_record(), once=[a_use("a", kind="nonce")])
    with pytest.raises(AlreadyUsedError) as refused:
        await log.record(a_record(), [a_use("a", kind="nonce")])
    assert refused.value.kind == "nonce"


async def test_a_used_value_stays_used_after_a_restart(place: Place) -> None:
    log = await place.open()
    await log.promise(a_record(), once=[a_use("a")])
    await log.aclose()
    assert isinstance(await try_promise(await place.open(), a_use("a")), AlreadyUsedError)


async def test_a_value_whose_row_may_be_gone_is_refused(place: Place) -> None:
    log = await place.open()
    assert isinstance(await try_promise(log, a_use("old", expires_at=NOW - timedelta(seconds=31))), AlreadyUsedError)
    assert isinstance(await try_promise(log, a_use("late", expires_at=NOW - timedelta(seconds=29))), Receipt)


async def test_expired_values_are_pruned_and_others_are_kept(place: Place) -> None:
    log = await place.open()
    await log.promise(
        a_record(),
        once=[
            a_use("short", expires_at=NOW + timedelta(seconds=60)),
            a_use("long", expires_at=NOW + timedelta(hours=1)),
        ],
    )
    place.clock.at = NOW + timedelta(minutes=10)
    await log.record(a_record())
    kept = await (await place.reader()).kept_keys()
    assert {key for _, key, _ in kept} == {a_use("long").key}
    assert isinstance(await try_promise(log, a_use("short", expires_at=NOW + timedelta(seconds=60))), AlreadyUsedError)
    assert isinstance(await try_promise(log, a_use("long", expires_at=NOW + timedelta(hours=1))), AlreadyUsedError)


async def test_what_was_decided_under_an_older_epoch_is_refused_and_uses_up_nothing(place: Place) -> None:
    log = await place.open()
    before = log.current_epoch()
    assert await log.raise_epoch() == before + 1
    assert isinstance(await try_promise(log, a_use("proof"), epoch=before), StaleDecisionError)
    receipt = await log.promise(a_record(), once=[a_use("proof")], epoch=log.current_epoch())
    assert receipt.epoch == before + 1


async def test_a_promise_started_after_a_raise_carries_its_epoch(place: Place) -> None:
    log = await place.open()
    late: list[tuple[int, int]] = []
    stale = 0

    async def withdraw() -> None:
        for _ in range(15):
            await log.raise_epoch()

    async def ask() -> None:
        nonlocal stale
        for number in range(40):
            known = log.current_epoch()
            result = await try_promise(log, epoch=known if number % 2 else None)
            if isinstance(result, Receipt):
                late.append((known, result.epoch))
            else:
                stale += 1

    await asyncio.gather(withdraw(), *(ask() for _ in range(4)))
    assert all(carried >= known for known, carried in late)
    assert late
    await verified(place)  # also: epochs in the chain never go back


async def test_epochs_go_on_after_a_restart(place: Place) -> None:
    log = await place.open()
    await log.raise_epoch()
    receipt = await log.promise(a_record())
    await log.aclose()
    again = await place.open()
    assert again.current_epoch() >= receipt.epoch
    await again.promise(a_record(), epoch=again.current_epoch())
    await verified(place)


async def test_a_start_after_a_crash_closes_open_promises_as_unknown(place: Place) -> None:
    log = await place.open()
    closed = await log.promise(a_record())
    log.outcome(closed, DELIVERED)
    left = [(await log.promise(a_record())).seq for _ in range(3)]
    await place.crash(log)
    await place.open()
    states = {found.seq: found.ended["code"] for found in await all_found(place) if found.ended is not None}
    assert states == {closed.seq: "delivered"} | dict.fromkeys(left, "unknown")
    await verified(place)


async def test_a_second_start_finds_nothing_left_to_close(place: Place) -> None:
    log = await place.open()
    await log.promise(a_record())
    await place.crash(log)
    for _ in range(3):
        await (await place.open()).aclose()
    assert [found.ended["code"] for found in await all_found(place) if found.ended] == ["unknown"]
    await verified(place)


async def test_who_stops_waiting_leaves_a_promise_that_is_cut_off(place: Place) -> None:
    log = await place.open()
    waiting = asyncio.ensure_future(log.promise(a_record()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await log.record(a_record())
    await log.aclose()
    found = (await all_found(place))[0]
    assert found.ended is not None
    assert found.ended["code"] == "cut_off"


async def test_the_queue_has_an_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    log = await place.open()
    monkeypatch.setattr("node.audit.writer_sqlite.MAX_WAITING", 5)
    if "postgres" in type(place).__name__.lower():
        monkeypatch.setattr("node.audit.writer_postgres.MAX_WAITING", 5)
    results = await asyncio.gather(*(log.promise(a_record()) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, AuditUnavailableError) for result in results) == 15
    assert isinstance(await log.promise(a_record()), Receipt)


async def test_a_closed_log_refuses(place: Place) -> None:
    log = await place.open()
    await log.aclose()
    with pytest.raises(AuditUnavailableError):
        await log.promise(a_record())
    with pytest.raises(AuditUnavailableError):
        await log.raise_epoch()


async def test_marks_are_written_so_that_a_start_looks_back_no_further(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.audit.lane.MARK_EVERY", 20)
    log = await place.open()
    stays_open = await log.promise(a_record())
    for _ in range(60):
        log.outcome(await log.promise(a_record()), DELIVERED)
    reader = await place.reader()
    rows = await reader.rows(stays_open.lane, 0, 500)
    marks = [row for row in rows if row.index is not None and row.index[0] == "mark"]
    assert len(marks) > 3
    assert all(f'"open_from":{stays_open.seq}'.encode() in mark.body for mark in marks[1:])
    await place.crash(log)
    await place.open()
    assert all(found.ended is not None for found in await all_found(place))
    await verified(place)


@pytest.mark.parametrize("length", [15, 33])
def test_a_single_use_key_has_a_length(length: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        log_module.SingleUse(kind="dpop", key=b"x" * length, expires_at=NOW)
