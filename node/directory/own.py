"""Our own entries in the database: every version, so that others can follow what changed.

An update names the version that it changes (``If-Match``): two writers of one version collide, and one of them reads again. Times rise
with every version of whatever entry. Nothing is deleted: withdrawal is a status.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from node.ports import Clock
from node.storage.database import Database
from node.storage.schema import directory_own
from registry.mcsd.resource import LOAD_ORDER, Resource, ResourceType, format_instant
from registry.mcsd.values import milliseconds

MAX_OWN: Final = 5_000
"""Entries of our own."""


class ChangedError(Exception):
    """Somebody else changed the entry since it was read, or it is not the version that was named."""


class TooManyEntriesError(Exception):
    """There are as many entries as are kept here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of one entry.

    Attributes:
        text: its JSON, as it is served.
        sent_to: directory elsewhere that has it.
        sent_etag: what it is called there.
    """

    type: ResourceType
    id: str
    number: int
    updated_at: int
    text: str
    sent_to: str | None = None
    sent_etag: str | None = None

    @property
    def etag(self) -> str:
        """As HTTP has it (FHIR R4 §3.1.0.1.3)."""
        return f'W/"{self.number}"'

    @property
    def resource(self) -> Resource:
        """As a resource."""
        return Resource.parse(json.loads(self.text))


class OwnEntries:
    """What we publish."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, content: Mapping[str, Any], *, expected: int | None = None) -> tuple[Version, bool]:
        """Publish an entry; what is the same as the version that stands changes nothing.

        Args:
            content: a resource with type and id; its version and time are given here.
            expected: the number of the version that it changes, 0 for a new entry; None takes whatever stands.

        Returns:
            The version that stands, and whether it is new.

        Raises:
            ChangedError: it is another version that stands.
            TooManyEntriesError: no more entries are taken.
            MalformedError: it is no entry of a directory, or too large.
        """
        resource = Resource.parse(dict(content))
        own = directory_own.c
        mine = (own.type == resource.type, own.id == resource.id)
        try:
            async with self._database.transaction() as connection:
                row = (await connection.execute(_columns().where(*mine, own.is_current == 1))).first()
                stands = None if row is None else _version(row)
                number = 0 if stands is None else stands.number
                if expected is not None and expected != number:
                    raise ChangedError
                if stands is not None and _bare(json.loads(stands.text)) == _bare(content):
                    return stands, False
                if stands is None:
                    await _check_number(connection)
                last = (await connection.execute(select(func.max(own.updated_at)))).scalar() or 0
                moment = max(milliseconds(self._clock.now()), last + 1)
                made = _made(resource, number + 1, moment)
                await connection.execute(update(directory_own).where(*mine).values(is_current=0))
                await connection.execute(
                    insert(directory_own).values(
                        type=made.type, id=made.id, version=made.number, is_current=1, updated_at=moment,
                        content=made.text, sent_to=None, sent_etag=None if stands is None else stands.sent_etag,
                    )
                )  # fmt: skip
        except IntegrityError as error:  # another replica was first
            raise ChangedError from error
        return made, True

    async def current(self, kind: ResourceType | None = None) -> Sequence[Version]:
        """The versions that stand, in the order in which they are loaded."""
        statement = _columns().where(directory_own.c.is_current == 1).order_by(directory_own.c.id)
        if kind is not None:
            statement = statement.where(directory_own.c.type == kind)
        async with self._database.reading() as connection:
            found = [_version(row) for row in await connection.execute(statement)]
        return sorted(found, key=lambda each: LOAD_ORDER.index(each.type))

    async def read(self, kind: ResourceType, identifier: str) -> Version | None:
        """The version that stands."""
        own = directory_own.c
        statement = _columns().where(own.type == kind, own.id == identifier, own.is_current == 1)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).first()
            return None if row is None else _version(row)

    async def history(self, kind: ResourceType, since: int, *, offset: int, limit: int) -> Sequence[Version]:
        """Versions since a moment (milliseconds since 1970, inclusive), newest first."""
        own = directory_own.c
        statement = _columns().where(own.type == kind, own.updated_at >= since).order_by(own.updated_at.desc())
        async with self._database.reading() as connection:
            return [_version(row) for row in await connection.execute(statement.offset(offset).limit(limit))]

    async def sent(self, version: Version, directory: str, etag: str | None) -> None:
        """Remember that a directory elsewhere has this version."""
        own = directory_own.c
        async with self._database.transaction() as connection:
            await connection.execute(
                update(directory_own)
                .where(own.type == version.type, own.id == version.id, own.version == version.number)
                .values(sent_to=directory, sent_etag=etag)
            )


def _columns() -> Any:
    own = directory_own.c
    return select(own.type, own.id, own.version, own.updated_at, own.content, own.sent_to, own.sent_etag)


async def _check_number(connection: Any) -> None:
    counted = select(func.count()).select_from(directory_own).where(directory_own.c.is_current == 1)
    if (await connection.execute(counted)).scalar_one() >= MAX_OWN:
        raise TooManyEntriesError


def _made(resource: Resource, number: int, moment: int) -> Version:
    when = format_instant(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment))
    meta = resource.content.get("meta")
    kept = {name: value for name, value in meta.items() if name == "profile"} if isinstance(meta, dict) else {}
    content = {**resource.content, "meta": {**kept, "versionId": str(number), "lastUpdated": when}}
    return Version(
        type=resource.type, id=resource.id, number=number, updated_at=moment, text=Resource.parse(content).to_text()
    )


def _bare(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "meta"}


def _version(row: Any) -> Version:
    return Version(
        type=row.type, id=row.id, number=row.version, updated_at=row.updated_at, text=row.content,
        sent_to=row.sent_to, sent_etag=row.sent_etag,
    )  # fmt: skip
