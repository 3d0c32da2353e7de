"""Reading the audit log on PostgreSQL: a small pool of its own, so that questions never stand in the writer's way."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from node.audit.chain import StoredRow
from node.audit.entry import INDEXED
from node.audit.log import AuditUnavailableError
from node.audit.record import milliseconds
from node.audit.search import AuditQuestion, Page, find_sql, page_of

POOL_SIZE = 3
READ_SECONDS = 30.0

_ROWS = (
    f"SELECT a.seq, a.epoch, {', '.join(f'a.{name}' for name in INDEXED)}, a.body, a.hash "  # noqa: S608  # names are ours
    "FROM hazel_audit.audit a WHERE a.lane = $1 AND a.seq > $2 ORDER BY a.seq LIMIT $3"
)


class PostgresAuditReader:
    """Answers questions from all replicas' lanes. Open it before use and close it after.

    Args:
        url: ``postgresql://…``; a ``+asyncpg`` in the scheme is taken out.
    """

    def __init__(self, url: str) -> None:
        self._url = url.replace("+asyncpg", "", 1)
        self._pool: Any = None

    async def open(self) -> None:
        """Make the pool; connections are opened when they are needed."""
        self._pool = await asyncpg.create_pool(
            self._url, min_size=0, max_size=POOL_SIZE, command_timeout=READ_SECONDS, timeout=READ_SECONDS
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def find(self, question: AuditQuestion) -> Page:
        """See :class:`node.audit.search.AuditReader`."""
        statement, values = find_sql("hazel_audit.audit", question)
        return page_of(await self._fetch(statement, *values), question)

    async def lanes(self) -> Sequence[str]:
        """See :class:`node.audit.search.AuditReader`."""
        return [str(record[0]) for record in await self._fetch("SELECT name FROM hazel_audit.lane ORDER BY name")]

    async def rows(self, lane: str, after: int, limit: int) -> Sequence[StoredRow]:
        """See :class:`node.audit.search.AuditReader`."""
        return [
            StoredRow(lane, record[0], record[1], record[-2], tuple(record)[2:-2], record[-1])
            for record in await self._fetch(_ROWS, lane, after, limit)
        ]

    async def span(self, lane: str, since: datetime | None, until: datetime | None) -> tuple[int, int] | None:
        """See :class:`node.audit.search.AuditReader`."""
        ((first, last),) = await self._fetch(
            "SELECT min(seq), max(seq) FROM hazel_audit.audit WHERE lane = $1 AND at >= $2 AND at < $3",
            lane,
            milliseconds(since) if since is not None else -(2**62),
            milliseconds(until) if until is not None else 2**62,
        )
        return (first, last) if first is not None else None

    async def heads(self, lane: str) -> Sequence[str]:
        """See :class:`node.audit.search.AuditReader`."""
        found = await self._fetch("SELECT jws FROM hazel_audit.head WHERE lane = $1 ORDER BY seq", lane)
        return [str(record[0]) for record in found]

    async def kept_keys(self) -> set[tuple[str, bytes, int]]:
        """See :class:`node.audit.search.AuditReader`."""
        found = await self._fetch("SELECT kind, key, expires_at FROM hazel_audit.single_use")
        return {(str(kind), bytes(key), int(expires)) for kind, key, expires in found}

    async def _fetch(self, statement: str, *values: object) -> list[Any]:
        async with self._connection() as connection:
            found: list[Any] = await connection.fetch(statement, *values)
        return found

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise AuditUnavailableError("the audit log is closed")
        try:
            async with self._pool.acquire() as connection:
                yield connection
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise AuditUnavailableError("the audit log can not be read") from error
