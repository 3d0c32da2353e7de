"""Reading the audit file while it is being written: a connection of its own per question, read only, in a worker thread."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from node.audit.chain import StoredRow
from node.audit.entry import INDEXED
from node.audit.log import AuditUnavailableError
from node.audit.record import milliseconds
from node.audit.schema_sqlite import connect_read_only
from node.audit.search import AuditQuestion, Page, find_sql, page_of

T = TypeVar("T")

_ROWS = (
    f"SELECT seq, epoch, {', '.join(INDEXED)}, body, hash FROM audit WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?"  # noqa: S608  # names are ours
)


class SqliteAuditReader:
    """Answers questions from the file at ``path``; needs no writer, so it serves verification offline too."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def find(self, question: AuditQuestion) -> Page:
        """See :class:`node.audit.search.AuditReader`."""
        return await self._ask(lambda connection: find(connection, question))

    async def lanes(self) -> Sequence[str]:
        """See :class:`node.audit.search.AuditReader`."""
        return await self._ask(lanes)

    async def rows(self, lane: str, after: int, limit: int) -> Sequence[StoredRow]:
        """See :class:`node.audit.search.AuditReader`."""
        return await self._ask(lambda connection: rows(connection, lane, after, limit))

    async def span(self, lane: str, since: datetime | None, until: datetime | None) -> tuple[int, int] | None:
        """See :class:`node.audit.search.AuditReader`."""

        def ask(connection: sqlite3.Connection) -> tuple[int, int] | None:
            first, last = connection.execute(
                "SELECT min(seq), max(seq) FROM audit WHERE lane = ? AND at >= ? AND at < ?",
                (lane, _bound(since, -(2**62)), _bound(until, 2**62)),
            ).fetchone()
            return (first, last) if first is not None else None

        return await self._ask(ask)

    async def heads(self, lane: str) -> Sequence[str]:
        """See :class:`node.audit.search.AuditReader`."""
        return await self._ask(lambda connection: [str(jws) for _, jws in heads(connection, lane)])

    async def kept_keys(self) -> set[tuple[str, bytes, int]]:
        """See :class:`node.audit.search.AuditReader`."""
        return await self._ask(kept_keys)

    async def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.to_thread(self._with_connection, ask)

    def _with_connection(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with closing(connect_read_only(self._path)) as connection:
                return ask(connection)
        except sqlite3.Error as error:
            raise AuditUnavailableError("the audit log can not be read") from error


def find(connection: sqlite3.Connection, question: AuditQuestion) -> Page:
    """Answer one question."""
    statement, values = find_sql("audit", question)
    # SQLite reads "$1" as a name, so that the same statement serves both databases
    named = {str(number): value for number, value in enumerate(values, start=1)}
    return page_of(connection.execute(statement, named).fetchall(), question)


def lanes(connection: sqlite3.Connection) -> list[str]:
    """Return all lanes that have a row or a head."""
    found = connection.execute("SELECT lane FROM audit UNION SELECT lane FROM head ORDER BY 1").fetchall()
    return [str(lane) for (lane,) in found]


def rows(connection: sqlite3.Connection, lane: str, after: int, limit: int) -> list[StoredRow]:
    """Return rows in order; values are handed on as they are, whatever type they were changed to."""
    return [
        StoredRow(lane, row[0], row[1], row[-2], tuple(row[2:-2]), row[-1])
        for row in connection.execute(_ROWS, (lane, after, limit))
    ]


def heads(connection: sqlite3.Connection, lane: str) -> list[tuple[int, str]]:
    """Return numbers and signed heads, in order."""
    return connection.execute("SELECT seq, jws FROM head WHERE lane = ? ORDER BY seq", (lane,)).fetchall()


def kept_keys(connection: sqlite3.Connection) -> set[tuple[str, bytes, int]]:
    """Return every single-use value still kept."""
    return {
        (kind, key, expires)
        for expires, kind, key in connection.execute("SELECT expires_at, kind, key FROM single_use")
    }


def _bound(moment: datetime | None, otherwise: int) -> int:
    return milliseconds(moment) if moment is not None else otherwise
