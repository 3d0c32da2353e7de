"""The audit writer on PostgreSQL: one connection per replica, one lane per replica, one call per batch (SPEED §9).

The same contract as on SQLite, across replicas: single-use values are single-use everywhere, and a promise committed after a
withdrawal carries its epoch. A replica owns its lane by an advisory lock of its session, so that a lane is never written twice
at once; a replica that starts takes over what a crashed one left and closes its open promises as ``unknown``. When the
connection is lost nothing is acknowledged, and the end of the chain is read again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import text

from node.audit.chain import GENESIS, decode_body
from node.audit.entry import INDEXED, Entry, record_entry, unknown_entry
from node.audit.head import Position, SignedHead
from node.audit.lane import Draft, Lane, PendingOutcome
from node.audit.log import (
    EXPIRY_GRACE,
    FLUSH_AFTER,
    LINGER,
    MAX_BATCH,
    MAX_WAITING,
    PRUNE_AFTER,
    AlreadyUsedError,
    AuditUnavailableError,
    Receipt,
    SingleUse,
    StaleDecisionError,
)
from node.audit.record import AuditRecord, Outcome, milliseconds
from node.audit.schema_postgres import (
    ALREADY_USED,
    EPOCH_CHANNEL,
    LANE_LOCK,
    PROMISE,
    RAISE_EPOCH,
    STALE,
    SchemaError,
    ensure_schema,
)
from node.audit.seal import Sealer
from node.ports import Clock
from node.storage.database import AsyncConnection

logger = logging.getLogger(__name__)

CALL_SECONDS = 10.0
"""For one call to the database; longer counts as lost."""

MAX_ATTEMPTS = 50
"""Of one batch, each after something was taken away or a value turned out to be used."""

RETRY_AFTER = 1.0
_LANE_ATTEMPTS = 20
_LANE_PAUSE = 0.05
_PRUNE_EVERY = 10_000
_PRUNE_ROWS = 5_000
_MILLISECOND = timedelta(milliseconds=1)
_COLUMNS = 3 + len(INDEXED) + 2

_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, SchemaError)

T = TypeVar("T")
_Use = tuple[int, str, bytes]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A promise on its way to the database."""

    entry: Entry
    once: tuple[_Use, ...]
    epoch: int | None
    final: bool
    future: asyncio.Future[Receipt]


class PostgresAuditLog:
    """The audit log of one replica. Open it before use and close it after.

    Args:
        url: ``postgresql://…``; a ``+asyncpg`` in the scheme is taken out.
        sealer: seals query text and reasons.
        clock: for outcomes and for pruning.
    """

    def __init__(self, url: str, *, sealer: Sealer, clock: Clock) -> None:
        self._url = url.replace("+asyncpg", "", 1)
        self._sealer = sealer
        self._clock = clock
        self._state = Lane("")
        self._epoch = 0
        self._connection: Any = None
        self._backend: tuple[int, datetime] | None = None
        self._queue: deque[_Waiting] = deque()
        self._outcomes: deque[tuple[str, PendingOutcome]] = deque(maxlen=100_000)
        self._wakeup = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._pruned_at = 0
        self._last_batch = 0
        self._broken = True
        self._closed = True

    @property
    def lane(self) -> str:
        """The lane this replica writes; empty before it is open."""
        return self._state.name

    @property
    def is_broken(self) -> bool:
        """Whether the last write failed."""
        return self._broken

    async def open(self) -> None:
        """Connect, make the schema where missing, take a lane, close what crashed replicas left open.

        Raises:
            AuditUnavailableError: the database can't be used.
        """
        self._closed = False
        await self._guarded(self._ensure_open)
        self._task = asyncio.create_task(self._run(), name="audit-writer")

    async def aclose(self) -> None:
        """Write what waits, then close. Safe to call twice."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._closed = True
        task, self._task = self._task, None
        if task is None:
            return
        try:
            async with self._turn:
                while (self._queue or self._outcomes) and not self._broken:
                    await self._commit()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._refuse(list(self._queue), AuditUnavailableError("the audit log is closed"))
            await self._drop_connection(terminate=False)

    async def check(self) -> None:
        """Ask the database for its epoch; for readiness.

        Raises:
            AuditUnavailableError: it does not answer.
        """

        async def ask() -> None:
            connection = await self._ensure_open()
            self._learn(await connection.fetchval("SELECT n FROM hazel_audit.epoch", timeout=CALL_SECONDS))

        await self._guarded(ask)

    async def promise(
        self, record: AuditRecord, *, once: Sequence[SingleUse] = (), epoch: int | None = None
    ) -> Receipt:
        """See :meth:`node.audit.log.AuditLog.promise`."""
        return await self._write(record, once, epoch, final=False)

    async def record(self, record: AuditRecord, once: Sequence[SingleUse] = ()) -> Receipt:
        """See :meth:`node.audit.log.AuditLog.record`."""
        return await self._write(record, once, None, final=True)

    def outcome(self, receipt: Receipt, outcome: Outcome) -> None:
        """See :meth:`node.audit.log.AuditLog.outcome`."""
        self._outcomes.append((receipt.lane, (receipt.seq, outcome, self._clock.now())))
        self._wake_later(FLUSH_AFTER)

    def current_epoch(self) -> int:
        """See :meth:`node.audit.log.AuditLog.current_epoch`; other replicas' withdrawals arrive by notification."""
        return self._epoch

    async def raise_epoch(self) -> int:
        """See :meth:`node.audit.log.AuditLog.raise_epoch`."""

        async def ask() -> int:
            connection = await self._ensure_open()
            return int(await connection.fetchval(RAISE_EPOCH, timeout=CALL_SECONDS))

        self._learn(await self._guarded(ask))
        return self._epoch

    async def stage_epoch(self, connection: AsyncConnection) -> int | None:
        """Raise the epoch in the transaction of the change; promises wait until it commits."""
        return int((await connection.execute(text(RAISE_EPOCH))).scalar_one())

    async def settle_epoch(self, staged: int | None) -> None:
        """Know the epoch that was committed."""
        if staged is not None:
            self._learn(staged)

    async def position(self) -> Position:
        """Return how far this replica's lane has come, waiting outcomes included."""

        async def ask() -> Position:
            await self._ensure_open()
            while self._outcomes and not self._broken:
                await self._commit()
            return Position(lane=self._state.name, seq=self._state.seq, hash=self._state.hash)

        return await self._guarded(ask)

    async def latest_head(self) -> str | None:
        """Return the newest signed head of this lane as stored."""

        async def ask() -> str | None:
            connection = await self._ensure_open()
            found: str | None = await connection.fetchval(
                "SELECT jws FROM hazel_audit.head WHERE lane = $1 ORDER BY seq DESC LIMIT 1",
                self._state.name,
                timeout=CALL_SECONDS,
            )
            return found

        return await self._guarded(ask)

    async def keep_head(self, head: SignedHead) -> None:
        """Store a signed head."""

        async def ask() -> None:
            connection = await self._ensure_open()
            await connection.execute(
                "INSERT INTO hazel_audit.head (lane, seq, jws) VALUES ($1, $2, $3) "
                "ON CONFLICT (lane, seq) DO UPDATE SET jws = excluded.jws",
                head.lane,
                head.seq,
                head.compact,
                timeout=CALL_SECONDS,
            )

        await self._guarded(ask)

    async def _write(
        self, record: AuditRecord, once: Sequence[SingleUse], epoch: int | None, *, final: bool
    ) -> Receipt:
        if self._task is None:
            raise AuditUnavailableError("the audit log is closed")
        if len(self._queue) >= MAX_WAITING:
            raise AuditUnavailableError("too many records wait for the database")
        entry = record_entry(record, final=final, once=once, sealer=self._sealer)
        uses = tuple([(milliseconds(use.expires_at), use.kind, use.key) for use in once])
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(entry, uses, epoch, final, future))
        self._wakeup.set()
        return await future

    async def _guarded(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Do something with the connection between two batches; a failure closes it and is told as unavailable."""
        async with self._turn:
            if self._closed:
                raise AuditUnavailableError("the audit log is closed")
            try:
                return await ask()
            except _FAILURES as error:
                await self._fail(error)
                raise AuditUnavailableError from error

    def _learn(self, epoch: int) -> None:
        self._epoch = max(self._epoch, epoch)

    def _wake_later(self, seconds: float) -> None:
        if self._flush is None and self._task is not None:
            self._flush = asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._flush = None
        self._wakeup.set()

    async def _run(self) -> None:
        while True:
            await self._wakeup.wait()
            if self._last_batch > 1:
                await asyncio.sleep(LINGER)
            self._wakeup.clear()
            async with self._turn:
                while self._queue:
                    await self._commit()
                if self._outcomes:
                    await self._commit()

    async def _commit(self) -> None:
        """Write one batch and whatever outcomes wait, in one call."""
        batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
        self._last_batch = len(batch)
        outcomes = [self._outcomes.popleft() for _ in range(min(4 * MAX_BATCH, len(self._outcomes)))]
        try:
            await self._transact(batch, outcomes)
        except _FAILURES as error:
            self._outcomes.extendleft(reversed(outcomes))
            await self._fail(error)
            self._refuse(batch, error)
            self._wake_later(RETRY_AFTER)
        except BaseException as error:
            await self._drop_connection(terminate=True)
            self._refuse(batch, error)
            if not isinstance(error, Exception):
                raise
            logger.exception("audit writer failed")
        else:
            self._broken = False

    async def _transact(self, batch: list[_Waiting], outcomes: list[tuple[str, PendingOutcome]]) -> None:
        connection = await self._ensure_open()
        moment = self._clock.now()
        oldest = milliseconds(moment) - EXPIRY_GRACE // _MILLISECOND
        staying = batch
        for _ in range(MAX_ATTEMPTS):
            # (1) decided under this epoch; (2) nothing too old to tell, or twice in this batch
            staying, uses = self._admit(staying, oldest)
            draft = Draft(self._state, self._epoch)
            receipts = [
                Receipt(seq=draft.append(one.entry, opens=not one.final), lane=self._state.name, epoch=self._epoch)
                for one in staying
            ]
            mine = [pending for lane, pending in outcomes if lane == self._state.name]
            dropped = draft.close(mine) + len(outcomes) - len(mine)
            draft.mark_when_due(moment)
            if not draft.rows:
                return
            # (3) the database says whether others used a value, or took something away, before us
            try:
                await self._call(connection, draft, uses)
            except asyncpg.PostgresError as error:
                if error.sqlstate == ALREADY_USED:
                    lost = {uses[int(place) - 1] for place in str(error.detail).split(",")}
                    staying = self._dismiss(staying, lost)
                elif error.sqlstate == STALE:
                    self._learn(int(str(error.detail)))
                else:
                    raise
                continue
            draft.settle()
            for waiting, receipt in zip(staying, receipts, strict=True):
                self._acknowledge(waiting, receipt)
            if dropped:
                logger.warning("outcomes of promises that are not open", extra={"count": dropped})
            await self._prune(connection, milliseconds(moment))
            return
        raise TimeoutError

    def _admit(self, batch: list[_Waiting], oldest: int) -> tuple[list[_Waiting], list[_Use]]:
        """Tell those who can't stay; return the others and their single-use values, sorted so that replicas can't deadlock."""
        staying: list[_Waiting] = []
        uses: set[_Use] = set()
        for waiting in batch:
            if waiting.epoch is not None and waiting.epoch != self._epoch:
                _set(waiting, StaleDecisionError())
                continue
            refused = next((use for use in waiting.once if use[0] < oldest or use in uses), None)
            if refused is not None or len(set(waiting.once)) < len(waiting.once):
                _set(waiting, AlreadyUsedError((refused or waiting.once[0])[1]))
                continue
            uses.update(waiting.once)
            staying.append(waiting)
        return staying, sorted(uses)

    def _dismiss(self, batch: list[_Waiting], lost: set[_Use]) -> list[_Waiting]:
        staying = []
        for waiting in batch:
            used = next((use for use in waiting.once if use in lost), None)
            if used is None:
                staying.append(waiting)
            else:
                _set(waiting, AlreadyUsedError(used[1]))
        return staying

    def _acknowledge(self, waiting: _Waiting, receipt: Receipt) -> None:
        if not waiting.future.done():
            waiting.future.set_result(receipt)
        elif not waiting.final:  # nobody waits any more: nothing left
            self.outcome(receipt, Outcome(state="cut_off"))

    def _refuse(self, batch: list[_Waiting], error: BaseException) -> None:
        for waiting in batch:
            refused = AuditUnavailableError()
            refused.__cause__ = error
            _set(waiting, refused)

    async def _call(self, connection: Any, draft: Draft, uses: Sequence[_Use]) -> None:
        columns = list(zip(*draft.rows, strict=True)) if draft.rows else [()] * _COLUMNS
        await connection.execute(
            PROMISE,
            self._epoch,
            [use[0] for use in uses],
            [use[1] for use in uses],
            [use[2] for use in uses],
            *[list(column) for column in columns],
            timeout=CALL_SECONDS,
        )

    async def _prune(self, connection: Any, now: int) -> None:
        """Delete single-use values that no replay can pass with any more."""
        if now - self._pruned_at < _PRUNE_EVERY:
            return
        self._pruned_at = now
        horizon = now - PRUNE_AFTER // _MILLISECOND
        upto = await connection.fetchval(
            "SELECT expires_at FROM hazel_audit.single_use ORDER BY expires_at LIMIT 1 OFFSET $1", _PRUNE_ROWS
        )
        await connection.execute(
            "DELETE FROM hazel_audit.single_use WHERE expires_at < $1",
            min(horizon, upto) if upto is not None else horizon,
            timeout=CALL_SECONDS,
        )

    # ------------------------------------------------------------------ connection and lane

    async def _ensure_open(self) -> Any:
        """Return the connection; connect, take a lane and put it in order when there is none."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        await self._drop_connection(terminate=True)
        connection = await asyncpg.connect(self._url, timeout=CALL_SECONDS)
        try:
            await ensure_schema(connection)
            # durable is durable, whatever the server's default; a stronger setting stays
            await connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
            )
            await connection.add_listener(EPOCH_CHANNEL, self._heard)
            self._learn(await connection.fetchval("SELECT n FROM hazel_audit.epoch"))
            self._state = await self._take_lane(connection)
            self._backend = await connection.fetchrow(
                "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
            )
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection
        self._broken = False
        return connection

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._learn(int(str(payload)))

    async def _take_lane(self, connection: Any) -> Lane:
        """Keep our lane after a lost connection, else take a free one; put every free lane in order on the way."""
        if self._state.name and await self._retake(connection, self._state.name):
            return await self._recover(connection, self._state.name, self._state.open)
        taken: Lane | None = None
        for record in await connection.fetch("SELECT name FROM hazel_audit.lane ORDER BY length(name), name"):
            name = str(record[0])
            if not await _try_lock(connection, name):
                continue  # another replica writes it
            lane = await self._recover(connection, name, {})
            if taken is None:
                taken = lane
            else:
                await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", LANE_LOCK, name)
        number = 0
        while taken is None:
            number += 1
            name = f"lane-{number}"
            await connection.execute("INSERT INTO hazel_audit.lane (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
            if await _try_lock(connection, name):
                taken = await self._recover(connection, name, {})
        return taken

    async def _retake(self, connection: Any, lane: str) -> bool:
        """Take our lane back from the session that we lost; it may not have noticed yet."""
        if self._backend is not None:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2",
                *self._backend,
            )
        for _ in range(_LANE_ATTEMPTS):
            if await _try_lock(connection, lane):
                return True
            await asyncio.sleep(_LANE_PAUSE)
        logger.warning("another replica has taken our lane", extra={"lane": lane})
        return False

    async def _recover(self, connection: Any, name: str, mine: dict[int, None]) -> Lane:
        """Read where a lane ends and close promises that nobody can close any more as ``unknown``."""
        last = await connection.fetchrow(
            "SELECT a.seq, a.hash FROM hazel_audit.audit a WHERE a.lane = $1 ORDER BY a.seq DESC LIMIT 1", name
        )
        seq, digest = (last[0], bytes(last[1])) if last is not None else (0, GENESIS)
        mark = await connection.fetchval(
            "SELECT a.body FROM hazel_audit.audit a WHERE a.lane = $1 AND a.row = 'mark' ORDER BY a.seq DESC LIMIT 1",
            name,
        )
        open_from = decode_body(mark).get("open_from", 0) if mark is not None else 0
        found = await connection.fetch(
            "SELECT p.seq FROM hazel_audit.audit p WHERE p.lane = $1 AND p.row = 'promise' AND p.seq >= $2 AND NOT EXISTS "
            "(SELECT 1 FROM hazel_audit.audit o WHERE o.lane = p.lane AND o.refers = p.seq) ORDER BY p.seq",
            name,
            open_from,
        )
        numbers = [int(record[0]) for record in found]
        lost = [number for number in numbers if number not in mine]
        now = self._clock.now()
        lane = Lane(name, seq=seq, hash=digest, marked=seq, open={number: None for number in numbers if number in mine})
        for _ in range(MAX_ATTEMPTS):
            draft = Draft(lane, self._epoch)
            for number in lost:
                draft.append(unknown_entry(number, now))
            draft.mark("start", now)
            try:
                await self._call(connection, draft, ())
            except asyncpg.PostgresError as error:
                if error.sqlstate != STALE:
                    raise
                self._learn(int(str(error.detail)))
                continue
            draft.settle()
            if lost:
                logger.warning("open promises closed as unknown", extra={"lane": name, "count": len(lost)})
            return lane
        raise TimeoutError

    async def _fail(self, error: Exception) -> None:
        if not self._broken:
            logger.error("audit log can not be written", extra={"error": type(error).__name__})
        self._broken = True
        await self._drop_connection(terminate=True)

    async def _drop_connection(self, *, terminate: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None or connection.is_closed():
            return
        if terminate:
            connection.terminate()
            return
        try:
            await connection.close(timeout=CALL_SECONDS)
        except _FAILURES:
            connection.terminate()


async def _try_lock(connection: Any, lane: str) -> bool:
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", LANE_LOCK, lane))


def _set(waiting: _Waiting, error: Exception) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)
