"""The node's database: SQLite beside the configuration, or PostgreSQL for several replicas.

One transaction per decision. On SQLite a transaction that writes starts with ``BEGIN IMMEDIATE``: by default the driver leaves
the first SELECT outside the transaction, and read-then-write loses updates. What a committed transaction wrote survives
``kill -9`` and power loss (WAL with ``synchronous=FULL``).

SQLite lets one write at a time and does not queue: who finds the file locked sleeps and looks again, and may find it locked every time.
So the writers of this process queue here, first come first served, and only other processes are waited for that way. Who waits
too long gets a :class:`DatabaseBusyError`, of which the boundary makes a 503 with ``Retry-After``.

Every statement of `transaction` and `reading` is a journey to the connection's thread and back, at a quarter of a millisecond. `write` and
`read` run a whole transaction in one journey.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from node.storage.without_orm import leave_out_orm

leave_out_orm()
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine  # noqa: E402  # see without_orm.py

__all__ = ["AsyncConnection", "Database", "DatabaseBusyError", "insert_or", "open_database"]

T = TypeVar("T")

_BUSY_TIMEOUT_MS = 5_000
_TURN_SECONDS = 10.0
"""How long somebody waits for a connection, or for those who came before to have written."""
_POOL_SIZE = 4
_THREADS = 2
"""For whole transactions: one that writes, and one that reads beside it."""
_CACHE_KIB = 512
"""Pages that each connection keeps; SQLite's own 2 MiB times four is a tenth of what a node may take, and Linux keeps them anyway."""

_READ_ONLY = "hazel_read_only"
_BUSY: Final = frozenset({5, 6})
"""SQLITE_BUSY and SQLITE_LOCKED."""
_TRY_AGAIN: Final = frozenset({"40001", "40P01", "53300", "55P03"})
"""PostgreSQL: not serializable, deadlock, too many connections, lock not available."""


class DatabaseBusyError(SQLAlchemyError):
    """Others had the database for too long; nothing was written, and the same may be tried again."""


class Database:
    """An open database. Make one with :func:`open_database`.

    Args:
        engine: for transactions of several steps.
        whole: on SQLite, for transactions in one step.
    """

    def __init__(self, engine: AsyncEngine, whole: Engine | None = None) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**{_READ_ONLY: True})
        self._whole = whole
        self._whole_reading = None if whole is None else whole.execution_options(**{_READ_ONLY: True})
        self._turn = asyncio.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, "database")

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for migrations."""
        return self._engine

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that may write; leaving the block commits, an exception rolls back.

        Raises:
            DatabaseBusyError: others had it for too long.
        """
        async with self._writing():
            with _told_when_busy():
                async with self._engine.begin() as connection:
                    yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads and never waits for a writer.

        Raises:
            DatabaseBusyError: there is no connection to be had.
        """
        with _told_when_busy():
            async with self._reading.begin() as connection:
                yield connection

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction of its own; what it raises rolls back.

        Args:
            work: waits for nothing but the database; it may run in another thread.

        Raises:
            DatabaseBusyError: others had the database for too long.
        """
        async with self._writing():
            if self._whole is None:
                with _told_when_busy():
                    async with self._engine.begin() as connection:
                        return await connection.run_sync(work)
            return await self._in_thread(self._whole, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that only reads and never waits for a writer.

        Args:
            work: as for `write`.

        Raises:
            DatabaseBusyError: there is no connection to be had.
        """
        if self._whole_reading is None:
            with _told_when_busy():
                async with self._reading.begin() as connection:
                    return await connection.run_sync(work)
        return await self._in_thread(self._whole_reading, work)

    async def aclose(self) -> None:
        """Close it."""
        self._threads.shutdown(wait=True)
        if self._whole is not None:
            self._whole.dispose()
        await self._engine.dispose()

    async def _in_thread(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(self._threads, _run, engine, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # It goes on, and who comes next waits for it; a second cancellation is not waited with.
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()  # looked at
            raise

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        """Wait for one's turn; PostgreSQL has its own queues."""
        if self.dialect != "sqlite":
            yield
            return
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseBusyError("others wait to write") from None
        try:
            yield
        finally:
            self._turn.release()


def insert_or(table: Table, dialect: str) -> sqlite.Insert:
    """Return an INSERT into ``table`` that can say what to do on a conflict, in the words of the database in use.

    Args:
        table: where to insert.
        dialect: ``sqlite`` or ``postgresql``; their statements are alike, and only the one in use is loaded.
    """
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # 2 MiB that a node on SQLite does not need

    return cast("sqlite.Insert", postgresql.insert(table))


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open the database at ``url`` (``sqlite+aiosqlite:///…`` or ``postgresql+asyncpg://…``) and close it afterwards."""
    engine = create_async_engine(url, pool_size=_POOL_SIZE, max_overflow=0, pool_timeout=_TURN_SECONDS)
    whole = None
    if engine.dialect.name == "sqlite":
        whole = create_engine(engine.url.set(drivername="sqlite"), pool_size=_THREADS, max_overflow=0)
        for each in (engine.sync_engine, whole):
            event.listen(each, "connect", _prepare_sqlite)
            event.listen(each, "begin", _begin_sqlite)
    database = Database(engine, whole)
    try:
        yield database
    finally:
        await database.aclose()


def _run(engine: Engine, work: Callable[[Connection], T]) -> T:
    with _told_when_busy(), engine.begin() as connection:
        return work(connection)


@contextmanager
def _told_when_busy() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseBusyError("no connection to the database was free") from error
    except DBAPIError as error:
        cause: Any = error.orig
        code = getattr(cause, "sqlite_errorcode", None)
        is_busy = code is not None and code & 0xFF in _BUSY
        if is_busy or getattr(cause, "sqlstate", None) in _TRY_AGAIN:
            raise DatabaseBusyError("others have the database") from error
        raise


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see the module docstring
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        f"cache_size=-{_CACHE_KIB}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
