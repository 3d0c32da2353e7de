"""Several replicas on one PostgreSQL behave as one node (ARCHITECTURE §6 (9), SPEED §9)."""

import asyncio

import asyncpg
import pytest

from node.audit.head import HeadKeeper
from node.audit.log import AlreadyUsedError, AuditLog, AuditUnavailableError, Receipt, StaleDecisionError
from node.audit.search import AuditQuestion
from node.audit.verify import verify_log
from tests.node.audit.places import DELIVERED, PostgresPlace, verified
from tests.node.audit.setting import Keys, SetClock, a_record, a_use

pytestmark = pytest.mark.postgres


@pytest.fixture
async def place(postgres: str) -> PostgresPlace:
    return PostgresPlace(postgres)


async def attempt(log: AuditLog, name: str, epoch: int | None = None) -> Receipt | Exception:
    try:
        return await log.promise(a_record(), once=[a_use(name)], epoch=epoch)
    except (AlreadyUsedError, StaleDecisionError) as error:
        return error


async def test_each_replica_has_a_lane_and_values_are_used_once_among_all(place: PostgresPlace) -> None:
    logs = [await place.open() for _ in range(3)]
    try:
        results = await asyncio.gather(*(attempt(log, f"k{number}") for number in range(30) for log in logs))
        won = [result for result in results if isinstance(result, Receipt)]
        assert len(won) == 30
        assert all(isinstance(result, Receipt | AlreadyUsedError) for result in results)
        report = await verified(place)
        assert len(report.lanes) == 3
    finally:
        await place.aclose()


async def test_a_withdrawal_at_one_replica_makes_decisions_of_another_stale(place: PostgresPlace) -> None:
    one, two = await place.open(), await place.open()
    try:
        before = two.current_epoch()
        raised = await one.raise_epoch()
        assert isinstance(await attempt(two, "proof", epoch=before), StaleDecisionError)
        assert two.current_epoch() == raised
        receipt = await attempt(two, "proof", epoch=raised)
        assert isinstance(receipt, Receipt)
        assert receipt.epoch == raised
    finally:
        await place.aclose()


async def test_a_promise_committed_after_a_withdrawal_carries_its_epoch(place: PostgresPlace) -> None:
    logs = [await place.open() for _ in range(2)]
    try:
        withdrawn = 0
        late: list[tuple[int, int]] = []

        async def withdraw() -> None:
            nonlocal withdrawn
            for _ in range(20):
                withdrawn = max(withdrawn, await logs[0].raise_epoch())
                await asyncio.sleep(0)

        async def ask(log: AuditLog, name: int) -> None:
            for number in range(30):
                known = withdrawn  # committed before this promise was even asked
                result = await attempt(log, f"{name} {number}", log.current_epoch() if number % 2 else None)
                if isinstance(result, Receipt):
                    late.append((known, result.epoch))

        await asyncio.gather(withdraw(), *(ask(log, place) for log in logs for place in range(id(log), id(log) + 3)))
        assert late
        assert all(carried >= known for known, carried in late)
        await verified(place)
    finally:
        await place.aclose()


async def test_a_withdrawal_inside_a_transaction_holds_promises_back_until_it_commits(place: PostgresPlace) -> None:
    log = await place.open()
    other = await asyncpg.connect(place.url)
    try:
        before = log.current_epoch()
        transaction = other.transaction()
        await transaction.start()
        await other.execute("UPDATE hazel_audit.epoch SET n = n + 1")
        waiting = asyncio.ensure_future(attempt(log, "proof", epoch=before))
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"):
            pass
        assert not waiting.done()
        await transaction.commit()
        assert isinstance(await waiting, StaleDecisionError)
    finally:
        await other.close()
        await place.aclose()


async def test_a_lost_connection_acknowledges_nothing_and_the_lane_goes_on(place: PostgresPlace) -> None:
    log = await place.open()
    other = await asyncpg.connect(place.url)
    try:
        first = await log.promise(a_record(), once=[a_use("first")])
        blocker = other.transaction()
        await blocker.start()
        await other.execute("UPDATE hazel_audit.epoch SET n = n")  # so that the next call hangs inside the database
        waiting = asyncio.ensure_future(log.promise(a_record(), once=[a_use("second")]))
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"):
            pass
        assert await other.fetchval(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        )
        with pytest.raises(AuditUnavailableError):
            await waiting
        await blocker.rollback()
        again = await log.promise(a_record(), once=[a_use("second")])
        assert again.lane == first.lane
        log.outcome(first, DELIVERED)  # it was acknowledged, so it is still ours to close
        await log.record(a_record())
        page = await (await place.reader()).find(AuditQuestion(subject="gouwe"))
        ended = {found.seq: found.ended for found in page.entries}
        assert ended[first.seq] is not None
        await verified(place)
    finally:
        await other.close()
        await place.aclose()


async def test_a_database_that_is_away_refuses_until_it_is_back(place: PostgresPlace) -> None:
    log = await place.open()
    try:
        await log.promise(a_record())
        url, log._url = log._url, "postgresql://postgres@127.0.0.1:1/none"  # type: ignore[attr-defined]  # a broken network
        log._connection.terminate()  # type: ignore[attr-defined]
        for _ in range(2):
            with pytest.raises(AuditUnavailableError):
                await log.promise(a_record())
        log._url = url  # type: ignore[attr-defined]
        await log.promise(a_record())
        await verified(place)
    finally:
        await place.aclose()


async def test_a_starting_replica_puts_every_abandoned_lane_in_order(place: PostgresPlace) -> None:
    logs = [await place.open() for _ in range(3)]
    for log in logs:
        await log.promise(a_record())
    for log in logs:
        await place.crash(log)
    await place.open()
    try:
        page = await (await place.reader()).find(AuditQuestion(subject="gouwe"))
        assert [found.ended and found.ended["code"] for found in page.entries] == ["unknown"] * 3
        await verified(place)
    finally:
        await place.aclose()


async def test_heads_are_signed_per_lane_and_verified(place: PostgresPlace) -> None:
    keys = Keys()
    logs = [await place.open() for _ in range(2)]
    try:
        for log in logs:
            await log.record(a_record())
            head = await HeadKeeper(log, keys.signing, clock=SetClock()).sign()  # type: ignore[arg-type]  # also a HeadStore
            assert head is not None
        report = await verify_log(await place.reader(), keys.public)
        assert report.is_whole, report.findings
        assert [lane.unsigned for lane in report.lanes] == [0, 0]
    finally:
        await place.aclose()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE hazel_audit.audit SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE seq = 2",
        "UPDATE hazel_audit.audit SET patient = 'k1.BBBBBBBBBBBBBBBBBBBBBB' WHERE seq = 2",
        "UPDATE hazel_audit.audit SET at = at + 1 WHERE seq = 2",
        "UPDATE hazel_audit.audit SET epoch = epoch + 1 WHERE seq = 2",
        "UPDATE hazel_audit.audit SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE seq = 2",
        "DELETE FROM hazel_audit.audit WHERE seq = 2",
        "DELETE FROM hazel_audit.audit WHERE seq >= 3",
        "UPDATE hazel_audit.head SET jws = overlay(jws placing 'A' from 30)",
    ],
)
async def test_a_change_in_the_database_is_found(place: PostgresPlace, change: str) -> None:
    keys = Keys()
    log = await place.open()
    other = await asyncpg.connect(place.url)
    try:
        for _ in range(3):
            await log.record(a_record())
        await HeadKeeper(log, keys.signing, clock=SetClock()).sign()  # type: ignore[arg-type]
        await other.execute(change)
        assert not (await verify_log(await place.reader(), keys.public)).is_whole
    finally:
        await other.close()
        await place.aclose()
