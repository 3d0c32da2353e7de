"""Where grants are kept: under the SHA-256 of their token, never the token itself.

A stolen database yields no tokens. Reading goes through memory, since every request with a token asks; what is in memory is thrown
away whenever the audit log's epoch moves, so a grant that was ended here or on another replica is not served from memory
(ARCHITECTURE §2, "One write").
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from node.audit.log import AuditLog
from node.oauth.grants import Grant
from node.storage.database import Database, insert_or
from node.storage.schema import access_tokens

MAX_IN_MEMORY = 4_096
"""Grants kept in memory; one with its presentation takes about 5 kB."""

MAX_MEMORY = 50_331_648
"""Characters of all of them together: a presentation may be large, and whoever sends such ones fills no memory."""

MAX_LISTED = 500
"""Grants in one list."""

KEEP_EXPIRED = timedelta(hours=1)
"""How long an expired grant can still be told from one that never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A grant as stored; whether it has expired is for the caller to see.

    Attributes:
        ended_at: when it was taken away, aware UTC; ``None`` while nobody did.
        size: characters that it takes in the database.
    """

    grant: Grant
    ended_at: datetime | None
    size: int = field(default=0, compare=False)


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

    async def find_grant(self, subject: str, grant_id: str, now: datetime) -> Grant | None:
        """Return the grant of ``subject`` called ``grant_id`` if it stands."""
        ...

    async def standing(self, subject: str, now: datetime, *, party: str | None = None) -> tuple[Grant, ...]:
        """Return grants of ``subject`` that stand, the newest first; at most :data:`MAX_LISTED`.

        Args:
            subject: who gave them.
            now: aware UTC.
            party: DID of who got them, or acts for who did; ``None`` is everybody.
        """
        ...

    async def end_all(self, subject: str, now: datetime, *, party: str | None = None) -> int:
        """Take away every grant that :meth:`standing` would name were there no limit; returns how many."""
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

    async def find_grant(self, subject: str, grant_id: str, now: datetime) -> Grant | None:
        """See :class:`TokenStore`."""
        return next((grant for grant in await self.standing(subject, now) if grant.grant_id == grant_id), None)

    async def standing(self, subject: str, now: datetime, *, party: str | None = None) -> tuple[Grant, ...]:
        """See :class:`TokenStore`."""
        found = [
            stored.grant
            for stored in self._stored.values()
            if stored.ended_at is None
            and stored.grant.subject == subject
            and now < stored.grant.expires_at
            and (party is None or party in (stored.grant.holder, stored.grant.provider))
        ]
        return tuple(sorted(found, key=lambda grant: grant.issued_at, reverse=True)[:MAX_LISTED])

    async def end_all(self, subject: str, now: datetime, *, party: str | None = None) -> int:
        """See :class:`TokenStore`."""
        ended = 0
        while found := await self.standing(subject, now, party=party):
            ended += sum([await self.end(grant.grant_id, now) for grant in found])
        return ended

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
        self._size = 0
        self._epoch = audit.current_epoch()
        self._writing = asyncio.Lock()
        self._insert = insert_or(access_tokens, database.dialect).on_conflict_do_nothing()
        self._waiting: list[tuple[dict[str, object], asyncio.Future[None]]] = []

    async def keep(self, token: str, grant: Grant) -> None:
        """See :class:`TokenStore`."""
        digest, epoch = _digest(token), self._audit.current_epoch()
        text = grant.to_json()
        row = {
            "token_sha256": digest,
            "grant_id": grant.grant_id,
            "subject": grant.subject,
            "holder_did": grant.holder,
            "grant_json": text,
            "issued_at": _milliseconds(grant.issued_at),
            "expires_at": _milliseconds(grant.expires_at),
        }
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, written))
        async with self._writing:
            if not written.done():
                await self._write()
        await written
        if epoch == self._audit.current_epoch():  # else it may have been ended already
            self._remember(digest, Stored(grant=grant, ended_at=None, size=len(text)))

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
            self._forget()
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
            size=len(row.grant_json),
        )
        if epoch == self._audit.current_epoch():  # else something was taken away while we read, also if others noticed
            self._remember(digest, stored)
        return stored

    async def end(self, grant_id: str, now: datetime) -> bool:
        """See :class:`TokenStore`."""
        return await self._end(access_tokens.c.grant_id == grant_id, now) > 0

    async def find_grant(self, subject: str, grant_id: str, now: datetime) -> Grant | None:
        """See :class:`TokenStore`."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(access_tokens.c.grant_json).where(
                    _given(subject, now, None), access_tokens.c.grant_id == grant_id, access_tokens.c.ended_at.is_(None)
                )
            )
            row = rows.first()
        return None if row is None else Grant.from_json(row.grant_json)

    async def standing(self, subject: str, now: datetime, *, party: str | None = None) -> tuple[Grant, ...]:
        """See :class:`TokenStore`."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(access_tokens.c.grant_json)
                .where(_given(subject, now, party), access_tokens.c.ended_at.is_(None))
                .order_by(access_tokens.c.issued_at.desc())
                .limit(MAX_LISTED)
            )
            return tuple(Grant.from_json(row.grant_json) for row in rows)

    async def end_all(self, subject: str, now: datetime, *, party: str | None = None) -> int:
        """See :class:`TokenStore`."""
        return await self._end(_given(subject, now, party), now)

    async def _end(self, which: ColumnElement[bool], now: datetime) -> int:
        async with self._database.transaction() as connection:
            ended = await connection.execute(
                update(access_tokens)
                .where(which, access_tokens.c.ended_at.is_(None))
                .values(ended_at=_milliseconds(now))
            )
            if ended.rowcount == 0:
                return 0
            staged = await self._audit.stage_epoch(connection)
        self._forget()
        await self._audit.settle_epoch(staged)
        return ended.rowcount

    async def prune(self, now: datetime) -> int:
        """See :class:`TokenStore`."""
        async with self._database.transaction() as connection:
            gone = await connection.execute(
                delete(access_tokens).where(access_tokens.c.expires_at < _milliseconds(now - KEEP_EXPIRED))
            )
        for digest in [key for key, stored in self._memory.items() if stored.grant.expires_at <= now]:
            self._size -= self._memory.pop(digest).size
        return gone.rowcount

    def _remember(self, digest: bytes, stored: Stored) -> None:
        known = self._memory.pop(digest, None)
        self._size += stored.size - (0 if known is None else known.size)
        self._memory[digest] = stored
        while len(self._memory) > MAX_IN_MEMORY or self._size > MAX_MEMORY:
            self._size -= self._memory.popitem(last=False)[1].size

    def _forget(self) -> None:
        self._memory.clear()
        self._size = 0


def _given(subject: str, now: datetime, party: str | None) -> ColumnElement[bool]:
    """Say which rows are grants of a subject, to a party, that have not expired."""
    which = and_(access_tokens.c.subject == subject, access_tokens.c.expires_at > _milliseconds(now))
    if party is None:
        return which
    acts = access_tokens.c.grant_json.contains(f'"provider":{json.dumps(party, ensure_ascii=False)}', autoescape=True)
    return and_(which, or_(access_tokens.c.holder_did == party, acts))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
