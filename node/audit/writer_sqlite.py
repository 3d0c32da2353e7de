"""The audit writer on SQLite: one thread, one connection, one file; promises that wait together share one fsync.

Rules it keeps:

- A future is resolved only after ``COMMIT`` returned: what was acknowledged is on the disk.
- A used single-use value refuses its own promise alone; a stale decision uses up nothing; numbers and hashes are given out only
  when it is known who stays.
- Raising the epoch goes through the same queue, so it happens between two transactions: what is promised after it carries it.
- Any failure refuses everybody who waits; the file is opened anew for the next batch, and the log refuses until that works.
  What was committed without having been acknowledged is closed as ``unknown``, as a start after a crash does.
- Outcomes ride along and never wake the thread; a timer does, at most :data:`FLUSH_AFTER` later.
"""

import asyncio
import fcntl
import logging
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, TypeVar

from node.audit.chain import GENESIS
from node.audit.entry import Entry, record_entry, unknown_entry
from node.audit.head import Position, SignedHead, head_file_text
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
from node.audit.schema_sqlite import Connect, SchemaError, connect, ensure_schema
from node.audit.seal import Sealer
from node.ports import Clock
from node.storage.database import AsyncConnection

logger = logging.getLogger(__name__)

DEFAULT_LANE = "main"
MAX_OUTCOMES_KEPT = 100_000
"""Outcomes kept in memory while the disk fails; older ones end as ``unknown``."""

RETRY_AFTER = 1.0
"""Seconds until outcomes that the disk did not take are tried again."""

_MILLISECOND = timedelta(milliseconds=1)
_PRUNE_EVERY = 10_000  # milliseconds between two prunings
_PRUNE_ROWS = 5_000  # per pruning: some milliseconds

_INSERT = (
    "INSERT INTO audit "
    "(seq, lane, epoch, row, refers, subject, at, kind, patient, peer, decision, code, reference, body, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_USE = "INSERT INTO single_use (expires_at, kind, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_UNUSE = "DELETE FROM single_use WHERE expires_at = ? AND kind = ? AND key = ?"

T = TypeVar("T")
_Uses = tuple[tuple[int, str, bytes], ...]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A promise on its way to the disk."""

    entry: Entry
    once: _Uses
    epoch: int | None
    final: bool
    future: asyncio.Future[Receipt]


@dataclass(slots=True, eq=False)
class _Call:
    """Something else for the writer thread to do between two transactions."""

    run: Callable[[], Any]
    future: asyncio.Future[Any]


class _Flush:
    """Wakes the thread for outcomes."""


class _Stop:
    """Ends the thread after everything before it."""


_Job = _Waiting | _Call | _Flush | _Stop
_Verdicts = list[tuple[_Waiting, Receipt | Exception]]


class SqliteAuditLog:
    """The audit log in one SQLite file. Open it before use and close it after.

    Args:
        path: the file; made when it does not exist.
        sealer: seals query text and reasons.
        clock: for outcomes and for pruning.
        lane: name of the chain.
        connect: opens the file; tests hand over a failing one.
    """

    def __init__(
        self, path: Path, *, sealer: Sealer, clock: Clock, lane: str = DEFAULT_LANE, connect: Connect = connect
    ) -> None:
        self.path = path
        self.lane = lane
        self._sealer = sealer
        self._clock = clock
        self._connect = connect
        self._queue: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._outcomes: deque[PendingOutcome] = deque(maxlen=MAX_OUTCOMES_KEPT)
        self._waiting = 0
        self._epoch = 0
        self._connection: sqlite3.Connection | None = None
        self._state = Lane(lane)
        self._pruned_at = 0
        self._last_batch = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._lock: IO[bytes] | None = None
        self._broken = True

    # ------------------------------------------------------------------ event loop side

    async def open(self) -> None:
        """Open the file, close what a crash left open, and start the writer thread.

        Raises:
            AuditUnavailableError: the file can not be written, is of another version, or another process writes it.
        """
        self._loop = asyncio.get_running_loop()
        self._lock = _lock_file(self.path)
        self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
        self._thread.start()
        try:
            await self._call(self._ensure_open)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Write what waits, then close. Safe to call twice."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(_Stop())
            while thread.is_alive():  # joining in steps keeps the loop free to resolve the last futures
                await asyncio.to_thread(thread.join, 0.05)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def is_broken(self) -> bool:
        """Whether the last write failed: the node can not exchange (ARCHITECTURE §8, "audit store or disk")."""
        return self._broken

    async def check(self) -> None:
        """Try to write nothing; for readiness.

        Raises:
            AuditUnavailableError: the log can not be written.
        """
        await self._call(self._probe)

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
        self._outcomes.append((receipt.seq, outcome, self._clock.now()))
        self._wake_later(FLUSH_AFTER)

    def current_epoch(self) -> int:
        """See :meth:`node.audit.log.AuditLog.current_epoch`."""
        return self._epoch

    async def raise_epoch(self) -> int:
        """See :meth:`node.audit.log.AuditLog.raise_epoch`; works while the disk does not."""
        return await self._call(self._raise)

    async def stage_epoch(self, connection: AsyncConnection) -> int | None:
        """Do nothing: with one process the epoch lives in memory and is raised after the commit."""
        del connection
        return None

    async def settle_epoch(self, staged: int | None) -> None:
        """Raise the epoch, now that the change is committed and before anybody is told."""
        del staged
        await self.raise_epoch()

    async def position(self) -> Position:
        """Return how far the chain has come on disk, waiting outcomes included."""
        return await self._call(self._position)

    async def latest_head(self) -> str | None:
        """Return the newest signed head as stored."""
        return await self._call(self._latest_head)

    async def keep_head(self, head: SignedHead) -> None:
        """Store a signed head in the table and in the file beside the database."""
        await self._call(lambda: self._keep_head(head))

    async def _write(
        self, record: AuditRecord, once: Sequence[SingleUse], epoch: int | None, *, final: bool
    ) -> Receipt:
        if self._loop is None or self._thread is None:
            raise AuditUnavailableError("the audit log is closed")
        if self._waiting >= MAX_WAITING:
            raise AuditUnavailableError("too many records wait for the disk")
        entry = record_entry(record, final=final, once=once, sealer=self._sealer)
        uses = tuple([(milliseconds(use.expires_at), use.kind, use.key) for use in once])
        future: asyncio.Future[Receipt] = self._loop.create_future()
        self._waiting += 1
        self._queue.put(_Waiting(entry, uses, epoch, final, future))
        return await future

    async def _call(self, run: Callable[[], T]) -> T:
        if self._loop is None or self._thread is None:
            raise AuditUnavailableError("the audit log is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Call(run, future))
        return await future

    def _wake_later(self, seconds: float) -> None:
        if self._flush is None and self._loop is not None and self._thread is not None:
            self._flush = self._loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._flush = None
        self._queue.put(_Flush())

    def _settle(self, verdicts: _Verdicts) -> None:
        """Resolve a batch, on the loop."""
        self._waiting -= len(verdicts)
        for waiting, verdict in verdicts:
            if not waiting.future.done():
                if isinstance(verdict, Receipt):
                    waiting.future.set_result(verdict)
                else:
                    waiting.future.set_exception(verdict)
            elif isinstance(verdict, Receipt) and not waiting.final:  # nobody waits any more: nothing left
                self.outcome(verdict, Outcome(state="cut_off"))

    # ------------------------------------------------------------------ writer thread side

    def _run(self) -> None:
        job: _Job | None = None
        while not isinstance(job, _Stop):
            job = self._queue.get()
            if isinstance(job, _Waiting) and self._last_batch > 1:
                time.sleep(LINGER)
            batch: list[_Waiting] = []
            while True:
                if isinstance(job, _Waiting):
                    batch.append(job)
                elif isinstance(job, _Call):
                    self._commit(batch)
                    batch = []
                    self._answer(job)
                if isinstance(job, _Stop) or len(batch) >= MAX_BATCH:
                    break
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
            self._last_batch = len(batch)
            self._commit(batch)
        while self._outcomes and not self._broken:
            self._commit([])
        self._drain()
        self._close()

    def _drain(self) -> None:
        """Refuse what came after the end."""
        while True:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(job, _Waiting):
                self._tell(self._settle, [(job, AuditUnavailableError("the audit log is closed"))])
            elif isinstance(job, _Call):
                self._tell(_set, job.future, AuditUnavailableError("the audit log is closed"))

    def _answer(self, call: _Call) -> None:
        try:
            result = call.run()
        except (sqlite3.Error, SchemaError, OSError) as error:
            self._fail(error)
            self._tell(_set, call.future, _unavailable(error))
        except Exception as error:  # noqa: BLE001  # whatever it is, somebody waits for it
            self._tell(_set, call.future, error)
        else:
            self._tell(_set, call.future, result)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(callback, *arguments)
            except RuntimeError:  # closed in between; nobody waits any more
                logger.debug("event loop closed before the audit writer")

    def _commit(self, batch: list[_Waiting]) -> None:
        """Write one batch and whatever outcomes wait, in one transaction."""
        if not batch and not self._outcomes:
            return
        outcomes: list[PendingOutcome] = []
        try:
            connection = self._ensure_open()
            while self._outcomes and len(outcomes) < MAX_BATCH * 4:
                outcomes.append(self._outcomes.popleft())
            verdicts = self._transact(connection, batch, outcomes)
        except (sqlite3.Error, SchemaError, OSError) as error:
            self._outcomes.extendleft(reversed(outcomes))
            self._refuse(batch, error)
            return
        except Exception as error:  # noqa: BLE001  # a defect of ours must refuse, not leave everybody waiting
            self._refuse(batch, error)
            return
        self._broken = False
        if verdicts:
            self._tell(self._settle, verdicts)

    def _transact(
        self, connection: sqlite3.Connection, batch: list[_Waiting], outcomes: list[PendingOutcome]
    ) -> _Verdicts:
        moment = self._clock.now()
        now = milliseconds(moment)
        epoch, lane = self._epoch, self.lane
        draft = Draft(self._state, epoch)
        verdicts: _Verdicts = []
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        for waiting in batch:
            # (1) decided under this epoch; before anything is used up, so that the same proof serves the second decision
            if waiting.epoch is not None and waiting.epoch != epoch:
                verdicts.append((waiting, StaleDecisionError()))
                continue
            # (2) everything that works once is used for the first time
            used = self._use_up(cursor, waiting.once, now) if waiting.once else None
            if used is not None:
                verdicts.append((waiting, AlreadyUsedError(used)))
                continue
            # (3) only now a place in the chain
            seq = draft.append(waiting.entry, opens=not waiting.final)
            verdicts.append((waiting, Receipt(seq=seq, lane=lane, epoch=epoch)))
        dropped = draft.close(outcomes)
        draft.mark_when_due(moment)
        cursor.executemany(_INSERT, draft.rows)
        prunes = now - self._pruned_at >= _PRUNE_EVERY
        if prunes:
            _prune(cursor, now)
        cursor.execute("COMMIT")
        draft.settle()
        if prunes:
            self._pruned_at = now
        if dropped:
            logger.warning("outcomes of promises that are not open", extra={"count": dropped})
        return verdicts

    def _use_up(self, cursor: sqlite3.Cursor, once: _Uses, now: int) -> str | None:
        """Use up all of ``once`` or none; return the kind of the first that can not be used."""
        oldest = now - EXPIRY_GRACE // _MILLISECOND
        taken: list[tuple[int, str, bytes]] = []
        for use in once:
            if use[0] >= oldest and cursor.execute(_USE, use).rowcount == 1:
                taken.append(use)
                continue
            cursor.executemany(_UNUSE, taken)
            return use[1]
        return None

    def _ensure_open(self) -> sqlite3.Connection:
        """Return the connection, opening the file and putting the chain in order when there is none."""
        if self._connection is not None:
            return self._connection
        connection = self._connect(self.path)
        try:
            ensure_schema(connection)
            state, epoch = self._recover(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._state, self._broken = connection, state, False
        self._epoch = max(self._epoch, epoch)
        return connection

    def _recover(self, connection: sqlite3.Connection) -> tuple[Lane, int]:
        """Read where the chain ends and close promises that nobody can close any more as ``unknown``."""
        # What a failed fsync left in doubt goes through another one before anything is built on it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        last = connection.execute("SELECT seq, hash, epoch FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        seq, digest, epoch = last if last is not None else (0, GENESIS, -1)
        found = connection.execute(
            "SELECT seq FROM audit AS p WHERE row = 'promise' AND seq >= ? "
            "AND NOT EXISTS (SELECT 1 FROM audit AS o WHERE o.refers = p.seq) ORDER BY seq",
            (_open_from(connection),),
        ).fetchall()
        # Promises that this process acknowledged keep waiting for their outcome: the file failed, we did not.
        mine = self._state.open
        lane = Lane(self.lane, seq=seq, hash=digest, marked=seq, open={one: None for (one,) in found if one in mine})
        lost = [number for (number,) in found if number not in mine]
        epoch = max(self._epoch, epoch + 1)
        now = self._clock.now()
        draft = Draft(lane, epoch)
        for number in lost:
            draft.append(unknown_entry(number, now))
        draft.mark("start", now)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, draft.rows)
        connection.execute("COMMIT")
        draft.settle()
        if lost:
            logger.warning("open promises closed as unknown", extra={"count": len(lost)})
        return lane, epoch

    def _refuse(self, batch: list[_Waiting], error: Exception) -> None:
        self._fail(error)
        self._tell(self._settle, [(waiting, _unavailable(error)) for waiting in batch])
        if self._outcomes:
            self._tell(self._wake_later, RETRY_AFTER)

    def _fail(self, error: Exception) -> None:
        if not self._broken:
            logger.error("audit log can not be written", extra={"error": type(error).__name__})
        self._broken = True
        self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                connection.close()
            except sqlite3.Error:
                logger.warning("audit file did not close cleanly")

    def _probe(self) -> None:
        connection = self._ensure_open()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")

    def _raise(self) -> int:
        self._epoch += 1
        return self._epoch

    def _position(self) -> Position:
        self._ensure_open()
        while self._outcomes and not self._broken:
            self._commit([])
        return Position(lane=self.lane, seq=self._state.seq, hash=self._state.hash)

    def _latest_head(self) -> str | None:
        found = (
            self._ensure_open()
            .execute("SELECT jws FROM head WHERE lane = ? ORDER BY seq DESC LIMIT 1", (self.lane,))
            .fetchone()
        )
        return str(found[0]) if found is not None else None

    def _keep_head(self, head: SignedHead) -> None:
        connection = self._ensure_open()
        connection.execute(
            "INSERT INTO head (lane, seq, jws) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET jws = excluded.jws",
            (head.lane, head.seq, head.compact),
        )
        _write_durably(head_file(self.path), head_file_text(head).encode())


def head_file(path: Path) -> Path:
    """Return where the latest signed head of the audit file ``path`` is kept: ``audit.db`` → ``audit.head``."""
    return path.with_suffix(".head")


def _open_from(connection: sqlite3.Connection) -> int:
    """Return the number that the last mark says open promises start from."""
    found = connection.execute(
        "SELECT json_extract(CAST(body AS TEXT), '$.open_from') FROM audit WHERE row = 'mark' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return found[0] if found is not None and isinstance(found[0], int) else 0


def _prune(cursor: sqlite3.Cursor, now: int) -> None:
    """Delete single-use values that no replay can pass with any more, the oldest first, not too many at once."""
    horizon = now - PRUNE_AFTER // _MILLISECOND
    found = cursor.execute(
        "SELECT expires_at FROM single_use ORDER BY expires_at LIMIT 1 OFFSET ?", (_PRUNE_ROWS,)
    ).fetchone()
    upto = min(horizon, found[0]) if found is not None else horizon
    cursor.execute("DELETE FROM single_use WHERE expires_at < ?", (upto,))


def _lock_file(path: Path) -> IO[bytes]:
    """Make sure that no other process writes this log; the lock goes with the process, however it ends.

    Raises:
        AuditUnavailableError: somebody else holds it, or the directory can not be written.
    """
    try:
        lock = path.with_name(path.name + ".lock").open("ab")
    except OSError as error:
        raise _unavailable(error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise AuditUnavailableError("another process writes this audit log; several need PostgreSQL") from error
    return lock


def _write_durably(path: Path, content: bytes) -> None:
    """Replace a file so that after a crash it is the old one or the new one."""
    scratch = path.with_name(path.name + ".new")
    with scratch.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _unavailable(error: Exception) -> AuditUnavailableError:
    unavailable = AuditUnavailableError()
    unavailable.__cause__ = error
    return unavailable


def _set(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
