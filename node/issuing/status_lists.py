"""Status lists of what is issued here: indexes given out in order, lists signed and served (WIRE §2.13).

Indexes go up from 0 and every one is given out once, whoever asks at the same moment and on whatever replica; a full page is
followed by the next. A list is signed for 24 hours when somebody asks for it and there is none with 6 hours left. A revocation puts the
page's ``version`` up in its own transaction, so that what was signed before is not served again, on no replica and after no crash; if the
key is away then, the answer is 503 rather than a list that hides it.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, case, func, select, update

from credentials.claims import ISSUE_BACKDATE
from credentials.did.identifier import DID
from credentials.jws import compact_json, sign_jws
from credentials.ports import PrivateKey
from credentials.status.build import BITSTRING_JWT_TYPE, LIST_ENTRIES, bits_with, status_list_document
from credentials.status.entry import BITSTRING_STATUS_LIST, ListKind
from node.audit.record import from_milliseconds, milliseconds
from node.identity.errors import UnknownSubjectError
from node.identity.single_flight import SingleFlight
from node.identity.subjects import Subjects
from node.issuing.errors import ListUnavailableError, UnknownListError
from node.keys.errors import VaultError
from node.keys.signing import sign_with
from node.ports import Clock, Entropy
from node.storage.database import AsyncConnection, Database, insert_or
from node.storage.schema import issued_credentials as issued
from node.storage.schema import status_lists as lists

VALIDITY = timedelta(hours=24)
"""How long a signed list is valid, as nuts-node's are."""
REFRESH = timedelta(hours=6)
"""A list with less than this left is signed again when it is asked for."""
MAX_AGE = timedelta(seconds=10)
"""How long caches may keep a list: a verifier that asks once a minute sees a revocation within that minute and this."""
MAX_URL = 1_024
MAX_ATTEMPTS = 10
"""How often a list is signed anew because somebody revoked in the meantime, before this request gives up."""

_KINDS: Mapping[str, ListKind] = {"StatusList2021": "StatusList2021", "BitstringStatusList": "BitstringStatusList"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One entry of a list: whose bit it is, the issuer remembers."""

    url: str
    index: int
    kind: ListKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedList:
    """A signed list as it is served.

    Attributes:
        body: JSON-LD, or a compact JWT.
        content_type: of the body.
        etag: changes with the body, in quotes.
    """

    body: str
    content_type: str
    etag: str


class IssuedLists:
    """Gives out indexes, signs and serves.

    Args:
        database: with the tables ``status_lists`` and ``issued_credentials``.
        subjects: the issuers and their keys.
        clock: for validity.
        entropy: for the ids of editions.
        public_url: where the world reaches this node, without a trailing slash.
    """

    def __init__(self, database: Database, subjects: Subjects, clock: Clock, entropy: Entropy, public_url: str) -> None:
        self._database = database
        self._subjects = subjects
        self._clock = clock
        self._entropy = entropy
        self._public_url = public_url.rstrip("/")
        self._signing: SingleFlight[str, Row[Any]] = SingleFlight()

    async def allocate(self, issuer: DID, kind: ListKind) -> Place:
        """Give out the next index of ``issuer``; it is used up, whatever becomes of it."""
        while True:
            async with self._database.transaction() as connection:
                place = await self._next_index(connection, issuer, kind) or await self._next_page(
                    connection, issuer, kind
                )
            if place is not None:
                return place

    async def _next_index(self, connection: AsyncConnection, issuer: DID, kind: ListKind) -> Place | None:
        page = (
            select(lists.c.url)
            .where(lists.c.issuer == issuer, lists.c.kind == kind, lists.c.next_index < LIST_ENTRIES)
            .order_by(lists.c.page)
            .limit(1)
            .scalar_subquery()
        )
        row = (
            await connection.execute(
                update(lists)
                .where(lists.c.url == page, lists.c.next_index < LIST_ENTRIES)  # again: others may have taken the last
                .values(next_index=lists.c.next_index + 1)
                .returning(lists.c.url, lists.c.next_index)
            )
        ).first()
        return None if row is None else Place(url=row.url, index=row.next_index - 1, kind=kind)

    async def _next_page(self, connection: AsyncConnection, issuer: DID, kind: ListKind) -> Place | None:
        """Begin a page and take its first index; ``None`` when somebody else began one at the same moment.

        Both questions are asked of one snapshot: with two, the page that another replica begins in between would look full.
        """
        has_room = case((and_(lists.c.kind == kind, lists.c.next_index < LIST_ENTRIES), 1), else_=0)
        last, room = (
            await connection.execute(
                select(func.coalesce(func.max(lists.c.page), 0), func.coalesce(func.max(has_room), 0)).where(
                    lists.c.issuer == issuer
                )
            )
        ).one()
        if room:
            return None
        page = last + 1
        url = f"{self._public_url}/statuslist/{issuer}/{page}"
        if len(url) > MAX_URL:
            raise ListUnavailableError
        made = await connection.execute(
            insert_or(lists, self._database.dialect)
            .values(url=url, issuer=issuer, page=page, kind=kind, next_index=1, version=0)
            .on_conflict_do_nothing()
        )
        return Place(url=url, index=0, kind=kind) if made.rowcount == 1 else None

    async def published(self, did: str, page: int) -> PublishedList:
        """Return a list as it is served now, signed anew where needed.

        Raises:
            UnknownListError: no such list here.
            ListUnavailableError: it has to be signed and can not be.
        """
        row = await self._row(did, page)
        if row is None:
            raise UnknownListError
        if not await self._is_fresh(row):
            url: str = row.url
            row = await self._signing.run(url, lambda: self._anew(did, page, url))
        return _published(row)

    async def _anew(self, did: str, page: int, url: str) -> Row[Any]:
        """Return what somebody signed while we looked, or sign."""
        row = await self._row(did, page)
        return row if row is not None and await self._is_fresh(row) else await self._signed(url, DID(did))

    async def _row(self, did: str, page: int) -> Row[Any] | None:
        async with self._database.reading() as connection:
            return (
                await connection.execute(select(lists).where(lists.c.issuer == did, lists.c.page == page))
            ).one_or_none()

    async def _is_fresh(self, row: Row[Any]) -> bool:
        """Tell whether what is signed is true, lasts, and is by a key that still counts."""
        if row.signed is None or row.signed_version != row.version:
            return False
        if self._clock.now() + REFRESH > from_milliseconds(row.expires_at):
            return False
        return row.signed_kid in dict(await self._subjects.keys(DID(row.issuer)))

    async def _signed(self, url: str, issuer: DID) -> Row[Any]:
        """Sign the list as it is now and keep it; again, when somebody revoked in the meantime."""
        for _ in range(MAX_ATTEMPTS):
            row, revoked = await self._content(url)
            now = self._clock.now()
            try:
                key = await self._subjects.signing_key(issuer)
                signed = await self._sign(row, revoked, key, now)
            except (KeyError, VaultError, UnknownSubjectError) as error:
                if row.signed is not None and row.signed_version == row.version and await self._is_known(row, now):
                    return row  # true still, if not for long
                raise ListUnavailableError from error
            async with self._database.transaction() as connection:
                kept: Row[Any] | None = (
                    await connection.execute(
                        update(lists)
                        .where(lists.c.url == url, lists.c.version == row.version)
                        .values(
                            signed=signed,
                            signed_version=row.version,
                            signed_kid=key.kid,
                            expires_at=milliseconds(now + VALIDITY),
                        )
                        .returning(lists)
                    )
                ).one_or_none()
            if kept is not None:
                return kept
        raise ListUnavailableError

    async def _is_known(self, row: Row[Any], now: datetime) -> bool:
        known = dict(await self._subjects.keys(DID(row.issuer)))
        return row.signed_kid in known and now < from_milliseconds(row.expires_at)

    async def _content(self, url: str) -> tuple[Row[Any], tuple[int, ...]]:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(lists).where(lists.c.url == url))).one()
            revoked = await connection.scalars(
                select(issued.c.status_index).where(issued.c.status_list == url, issued.c.revoked_at.is_not(None))
            )
            return row, tuple(index for index in revoked if index is not None)

    async def _sign(self, row: Row[Any], revoked: tuple[int, ...], key: PrivateKey, now: datetime) -> str:
        kind = _KINDS[row.kind]
        document = status_list_document(
            url=row.url,
            issuer=DID(row.issuer),
            list_id=f"{row.issuer}#{self._entropy.uuid()}",
            bits=bits_with(revoked),
            issued_at=now - ISSUE_BACKDATE,
            expires_at=now + VALIDITY,
            kind=kind,
            ttl=MAX_AGE,
        )
        if kind == BITSTRING_STATUS_LIST:
            return await sign_with(
                key, lambda signer: sign_jws({"typ": BITSTRING_JWT_TYPE}, compact_json(document), signer)
            )
        from credentials.jsonld.proof import sign_document  # PyLD comes with it

        signed = await asyncio.to_thread(sign_document, document, key, created=now - ISSUE_BACKDATE)
        return json.dumps(signed, ensure_ascii=False, separators=(",", ":"))


def _published(row: Row[Any]) -> PublishedList:
    body: str = row.signed
    return PublishedList(
        body=body,
        content_type="application/json" if body.startswith("{") else f"application/{BITSTRING_JWT_TYPE}",
        etag=f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"',
    )
