"""Where grants are kept: under the SHA-256 of their token, never the token itself.

A stolen database yields no tokens. Reading goes through memory, since every request with a token asks; what is in memory is thrown
away whenever the audit log's epoch moves, so a grant that was ended here or on another replica is not served from memory
(ARCHITECTURE §2, "One write").
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import delete, select, update

from node.audit.log import AuditLog
from node.oauth.grants import Grant
from node.storage.database import Database, insert_or
from node.storage.schema import access_tokens

MAX_IN_MEMORY = 4_096
"""Grants kept in memory; one with its presentation takes about 5 kB."""

KEEP_EXPIRED = timedelta(hours=1)
"""How long an expired grant can still be told from one that never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A grant as stored; whether it has expired is for the caller to see.

    Attributes:
        ended_at: when it was taken away, aware UTC; ``None`` while nobody did.
    """

    grant: Grant
    ended_at: datetime | None


class TokenStore(Protocol):
    """Keeps grants by token."""

    async def keep(self, token: str, grant: Grant) -> None:
        """Remember ``grant`` under ``token``; durable when this returns."""
        ...

    async def find(self, token: str) -> Stored | None:
        """Return what ``token`` stands for, also when expired or ended; ``None`` for a token that was never ours."""
        ...

    async def end(self, grant_id: str, now: datetime) -> bool:
        """Take a grant away; decisions made on it before are stale. Returns whether there was one to end."""
        ...

    async def prune(self, now: datetime) -> int:
        """Forget what expired more than :data:`KEEP_EXPIRED` ago; returns how many."""
        ...


class MemoryTokenStore:
    """A :class:`TokenStore` in a dict: the reference that the other must equal."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._stored: dict[bytes, Stored] = {}

    async def keep(self, token: str, grant: Grant) -> None:
        """See :class:`TokenStore`."""
        self._stored[_digest(token)] = Stored(grant=grant, ended_at=None)

    async def find(self, token: str) -> Stored | None:
        """See :class:`TokenStore`."""
        return self._stored.get(_digest(token))

    async def end(self, grant_id: str, now: datetime) -> bool:
        """See :class:`TokenStore`."""
        for digest, stored in self._stored.items():
            if stored.grant.grant_id == grant_id and stored.ended_at is None:
                self._stored[digest] = Stored(grant=stored.grant, ended_at=now)
                await self._audit.raise_epoch()
                return True
        return False

    async def prune(self, now: datetime) -> int:
        """See :class:`TokenStore`."""
        gone = [digest for digest, stored in self._stored.items() if stored.grant.expires_at < now - KEEP_EXPIRED]
        for digest in gone:
            del self._stored[digest]
        return len(gone)


class SqlTokenStore:
    """A :class:`TokenStore` in the node's database.

    Args:
        database: with the table ``access_tokens``.
        audit: keeps the epoch.
    """

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit
        self._memory: OrderedDict[bytes, Stored] = OrderedDict()
        self._epoch = audit.current_epoch()
        self._writing = asyncio.Lock()
        self._insert = insert_or(access_tokens, database.dialect).on_conflict_do_nothing()
        self._waiting: list[tuple[dict[str, object], asyncio.Future[None]]] = []

    async def keep(self, token: str, grant: Grant) -> None:
        """See :class:`TokenStore`."""
        digest = _digest(token)
        row = {
            "token_sha256": digest,
            "grant_id": grant.grant_id,
            "subject": grant.subject,
            "holder_did": grant.holder,
            "grant_json": grant.to_json(),
            "issued_at": _milliseconds(grant.issued_at),
            "expires_at": _milliseconds(grant.expires_at),
        }
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, written))
        async with self._writing:
            if not written.done():
                await self._write()
        await written
        self._remember(digest, Stored(grant=grant, ended_at=None))

    async def _write(self) -> None:
        """Write every grant that waits in one transaction: a commit costs the same for one as for fifty."""
        batch, self._waiting = self._waiting, []
        try:
            async with self._database.transaction() as connection:
                await connection.execute(self._insert, [row for row, _ in batch])
        except Exception as error:  # noqa: BLE001  # everybody in the batch hears of it, each in its own request
            for _, written in batch:
                if not written.done():
                    written.set_exception(error)
                    written.exception()  # looked at, also when that caller has gone
        except BaseException:
            # Our own request was cancelled. The others' grants wait for the next writer; should the commit have gone
            # through after all, the insert passes over what is there.
            self._waiting = [each for each in batch if not each[1].done()] + self._waiting
            raise
        else:
            for _, written in batch:
                if not written.done():
                    written.set_result(None)

    async def find(self, token: str) -> Stored | None:
        """See :class:`TokenStore`."""
        epoch = self._audit.current_epoch()
        if epoch != self._epoch:
            self._memory.clear()
            self._epoch = epoch
        digest = _digest(token)
        stored = self._memory.get(digest)
        if stored is not None:
            self._memory.move_to_end(digest)
            return stored
        async with self._database.reading() as connection:
            row = (
                await connection.execute(
                    select(access_tokens.c.grant_json, access_tokens.c.ended_at).where(
                        access_tokens.c.token_sha256 == digest
                    )
                )
            ).first()
        if row is None:
            return None
        stored = Stored(
            grant=Grant.from_json(row.grant_json),
            ended_at=None if row.ended_at is None else datetime.fromtimestamp(row.ended_at / 1000, UTC),
        )
        if self._epoch == self._audit.current_epoch():  # else something was taken away while we read
            self._remember(digest, stored)
        return stored

    async def end(self, grant_id: str, now: datetime) -> bool:
        """See :class:`TokenStore`."""
        async with self._database.transaction() as connection:
            ended = await connection.execute(
                update(access_tokens)
                .where(access_tokens.c.grant_id == grant_id, access_tokens.c.ended_at.is_(None))
                .values(ended_at=_milliseconds(now))
            )
            if ended.rowcount == 0:
                return False
            staged = await self._audit.stage_epoch(connection)
        self._memory.clear()
        await self._audit.settle_epoch(staged)
        return True

    async def prune(self, now: datetime) -> int:
        """See :class:`TokenStore`."""
        async with self._database.transaction() as connection:
            gone = await connection.execute(
                delete(access_tokens).where(access_tokens.c.expires_at < _milliseconds(now - KEEP_EXPIRED))
            )
        for digest in [key for key, stored in self._memory.items() if stored.grant.expires_at <= now]:
            del self._memory[digest]
        return gone.rowcount

    def _remember(self, digest: bytes, stored: Stored) -> None:
        self._memory[digest] = stored
        self._memory.move_to_end(digest)
        while len(self._memory) > MAX_IN_MEMORY:
            self._memory.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
