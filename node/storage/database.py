"""The node's database: SQLite beside the configuration, or PostgreSQL for several replicas.

One transaction per decision. On SQLite a transaction that writes starts with ``BEGIN IMMEDIATE``: by default the driver leaves
the first SELECT outside the transaction, and read-then-write loses updates. What a committed transaction wrote survives
``kill -9`` and power loss (WAL with ``synchronous=FULL``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from sqlalchemy import Connection, Table, event
from sqlalchemy.dialects import sqlite

from node.storage.without_orm import leave_out_orm

leave_out_orm()
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine  # noqa: E402  # see without_orm.py

__all__ = ["AsyncConnection", "Database", "insert_or", "open_database"]

_BUSY_TIMEOUT_MS = 5_000
_POOL_SIZE = 4
_CACHE_KIB = 512
"""Pages that each connection keeps; SQLite's own 2 MiB times four is a tenth of what a node may take, and Linux keeps them anyway."""

_READ_ONLY = "hazel_read_only"


class Database:
    """An open database. Make one with :func:`open_database`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**{_READ_ONLY: True})

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
        """Open a transaction that may write; leaving the block commits, an exception rolls back."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads and never waits for a writer."""
        async with self._reading.begin() as connection:
            yield connection


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
    engine = create_async_engine(url, pool_size=_POOL_SIZE, max_overflow=0)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


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
