"""The replica in the database: the newest version of each resource, and how far each directory was followed.

One transaction per page, so that a round that breaks off loses nothing and repeats nothing that matters. A source changes its own
rows only. Times are milliseconds since 1970.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import delete, func, insert, select, update

from credentials.errors import MalformedError
from node.storage.database import AsyncConnection, Database, insert_or
from node.storage.schema import directory_resources, directory_sources, directory_values
from registry.mcsd.bundle import Change, Deletion
from registry.mcsd.changes import Standing, is_newer
from registry.mcsd.ownership import URA_SYSTEM, Facts
from registry.mcsd.references import Source
from registry.mcsd.resource import Resource, ResourceType, resource_type
from registry.mcsd.values import Value, folded, milliseconds, values_of

Role = Literal["root", "member"]

CHUNK: Final = 400
"""Resources asked about in one statement."""
MAX_RESOURCES: Final = 500_000
"""Resources of one directory; nobody fills our disk."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FACTS: Final = ("identifier", "partof", "organization", "primary-organization", "endpoint")


class TooManyError(Exception):
    """A directory publishes more than we hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How a directory is followed.

    Attributes:
        uras: organisations that registered it at the root.
        stamps: its own time of the last good round, by type.
        ready_at: when it was loaded and caught up for the first time; until then nothing of it is shown.
        followed_at: the last good round.
        failures: rounds in a row that failed since.
        error: of the last round.
        refused: why something it publishes is not shown, and how often.
    """

    source: Source
    role: Role
    uras: tuple[str, ...] = ()
    stamps: Mapping[ResourceType, str]
    ready_at: datetime | None
    followed_at: datetime | None
    failures: int
    error: str | None
    refused: Mapping[str, int]


class Replica:
    """What we hold of directories elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- which directories

    async def followed(self) -> tuple[Followed, ...]:
        """All directories, the root first."""
        rows = select(directory_sources).order_by(directory_sources.c.role.desc(), directory_sources.c.url)
        async with self._database.reading() as connection:
            return tuple(_followed(row) for row in await connection.execute(rows))

    async def name(self, source: Source, role: Role, uras: Sequence[str] = ()) -> None:
        """Follow a directory from now on; one that is followed already keeps what it has."""
        values = {"role": role, "uras_json": json.dumps(sorted(uras))}
        fresh = {"stamps_json": "{}", "refused_json": "{}", "failures": 0}
        statement = insert_or(directory_sources, self._database.dialect).values(
            key=source.key, url=source.url, **values, **fresh
        )
        async with self._database.transaction() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))

    async def drop(self, source: Source) -> None:
        """Follow a directory no longer, and forget what it said."""
        async with self._database.transaction() as connection:
            await _clear(connection, source)
            await connection.execute(delete(directory_sources).where(directory_sources.c.key == source.key))

    # -- what they say

    async def apply(self, source: Source, kind: ResourceType, changes: Sequence[Change]) -> tuple[int, list[str]]:
        """Store what is newer than what stands; one transaction.

        Returns:
            How many changes were stored, and why others were refused.

        Raises:
            TooManyError: the directory is larger than we hold.
        """
        refused: list[str] = []
        async with self._database.transaction() as connection:
            standing = await _standing(connection, source, kind, [change.id for change in changes])
            last = (await connection.execute(select(func.max(directory_resources.c.row)))).scalar() or 0
            rows: list[dict[str, Any]] = []
            values: list[dict[str, Any]] = []
            replaced: list[int] = []
            for change in changes:
                row, stood = standing.get(change.id, (None, None))
                if not is_newer(change, stood):
                    continue
                try:
                    content = change.to_text() if isinstance(change, Resource) else ""
                except MalformedError as error:
                    refused.append(str(error))
                    continue
                if row is None:
                    last += 1
                    row = last
                else:
                    replaced.append(row)
                standing[change.id] = row, Standing(version=change.version, last_updated=change.last_updated)
                rows.append(_row(source, change, row, content))
                if isinstance(change, Resource):
                    values += [_value(row, value) for value in values_of(change, source)]
            await self._store(connection, rows, values, replaced)
            if rows:
                await _check_size(connection, source)
        return len(rows), refused

    async def _store(
        self,
        connection: AsyncConnection,
        rows: Sequence[Mapping[str, Any]],
        values: Sequence[Mapping[str, Any]],
        replaced: Sequence[int],
    ) -> None:
        for some in _chunks(replaced):
            await connection.execute(delete(directory_values).where(directory_values.c.row.in_(some)))
        if rows and replaced:
            statement = insert_or(directory_resources, self._database.dialect)
            changing = ("version", "updated_at", "withdrawn", "visible", "name", "content")
            changed = {name: statement.excluded[name] for name in changing}
            await connection.execute(statement.on_conflict_do_update(index_elements=["row"], set_=changed), rows)
        elif rows:
            await connection.execute(insert(directory_resources), rows)
        if values:
            await connection.execute(insert(directory_values), values)

    async def settle(
        self, source: Source, stamps: Mapping[ResourceType, str], refused: Mapping[str, int], now: datetime
    ) -> None:
        """A round went well: go on from ``stamps``, and show what there is."""
        row = directory_sources.c.key == source.key
        moment = milliseconds(now)
        async with self._database.transaction() as connection:
            await connection.execute(
                update(directory_sources)
                .where(row)
                .values(
                    stamps_json=json.dumps(stamps),
                    followed_at=moment,
                    failures=0,
                    error=None,
                    refused_json=json.dumps(refused),
                    ready_at=func.coalesce(directory_sources.c.ready_at, moment),
                )
            )

    async def failed(self, source: Source, error: str, stamps: Mapping[ResourceType, str]) -> None:
        """A round went wrong; types that were done keep their stamps."""
        values = {"error": error, "failures": directory_sources.c.failures + 1, "stamps_json": json.dumps(stamps)}
        async with self._database.transaction() as connection:
            await connection.execute(
                update(directory_sources).where(directory_sources.c.key == source.key).values(values)
            )

    # -- who may say it

    async def facts(self, source: Source) -> list[Facts]:
        """What counts, for ownership, of everything that a source publishes and did not withdraw."""
        resource, value = directory_resources.c, directory_values.c
        mine = (resource.source == source.key, resource.withdrawn == 0)
        named = select(resource.row, resource.type, resource.local_id).where(*mine)
        wanted = (
            select(value.row, value.parameter, value.value, value.qualifier)
            .join(directory_resources, resource.row == value.row)
            .where(*mine)
        )
        uras: dict[int, list[str]] = {}
        references: dict[int, dict[str, list[str]]] = {}
        async with self._database.reading() as connection:
            rows = (await connection.execute(named)).all()
            for found in await connection.execute(wanted):
                name = found.parameter.partition(".")[2]
                if name == "identifier" and found.qualifier == URA_SYSTEM:
                    uras.setdefault(found.row, []).append(found.value)
                elif name in _FACTS:
                    references.setdefault(found.row, {}).setdefault(name, []).append(found.value)
        return [
            Facts(
                type=kind,
                reference=f"{kind}/{row.local_id}",
                uras=tuple(uras.get(row.row, ())),
                references={name: tuple(each) for name, each in references.get(row.row, {}).items()},
            )
            for row in rows
            if (kind := resource_type(row.type)) is not None
        ]

    async def show_only(self, source: Source, hidden: Iterable[str]) -> None:
        """Show what a source did not withdraw, except for ``hidden`` (``Type/id`` in the replica)."""
        resource = directory_resources.c
        by_type: dict[str, list[str]] = {}
        for each in hidden:
            kind, _, identifier = each.partition("/")
            by_type.setdefault(kind, []).append(identifier)
        async with self._database.transaction() as connection:
            shown = update(directory_resources).where(resource.source == source.key)
            await connection.execute(
                shown.where(resource.visible != 1 - resource.withdrawn).values(visible=1 - resource.withdrawn)
            )
            for kind, identifiers in by_type.items():
                for some in _chunks(identifiers):
                    await connection.execute(
                        shown.where(resource.type == kind, resource.local_id.in_(some)).values(visible=0)
                    )

    async def shown_uras(self, source: Source) -> set[str]:
        """URA numbers of the organisations of a source that are shown."""
        resource, value = directory_resources.c, directory_values.c
        statement = (
            select(value.value)
            .join(directory_resources, resource.row == value.row)
            .where(resource.source == source.key, resource.visible == 1)
            .where(value.parameter == "Organization.identifier", value.qualifier == URA_SYSTEM)
        )
        async with self._database.reading() as connection:
            return set((await connection.execute(statement)).scalars())

    async def call(self, names: Mapping[str, str]) -> None:
        """Show organisations (local id) under the names that the root has for them; they are found by those."""
        resource, value = directory_resources.c, directory_values.c
        async with self._database.transaction() as connection:
            for identifier, name in names.items():
                row = (
                    await connection.execute(
                        update(directory_resources)
                        .where(resource.type == "Organization", resource.local_id == identifier)
                        .values(name=name)
                        .returning(resource.row)
                    )
                ).scalar()
                if row is None:
                    continue
                mine = (value.row == row, value.parameter == "Organization.name", value.value == folded(name))
                if (await connection.execute(select(value.row).where(*mine))).first() is None:
                    found = Value(parameter="Organization.name", value=folded(name), qualifier=name)
                    await connection.execute(insert(directory_values), [_value(row, found)])

    async def contents(self, source: Source, kind: ResourceType) -> list[tuple[str, Mapping[str, Any]]]:
        """Local id and content of everything of one type that a source publishes and did not withdraw."""
        resource = directory_resources.c
        statement = select(resource.local_id, resource.content).where(
            resource.source == source.key, resource.type == kind, resource.withdrawn == 0
        )
        async with self._database.reading() as connection:
            return [(row.local_id, json.loads(row.content)) for row in await connection.execute(statement)]

    async def counts(self) -> Mapping[str, int]:
        """How many resources of each type are shown."""
        resource = directory_resources.c
        statement = select(resource.type, func.count()).where(resource.visible == 1).group_by(resource.type)
        async with self._database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(statement)}


async def _standing(
    connection: AsyncConnection, source: Source, kind: ResourceType, identifiers: Sequence[str]
) -> dict[str, tuple[int | None, Standing | None]]:
    resource = directory_resources.c
    found: dict[str, tuple[int | None, Standing | None]] = {}
    for some in _chunks(identifiers):
        statement = select(resource.id, resource.row, resource.version, resource.updated_at).where(
            resource.source == source.key, resource.type == kind, resource.id.in_(some)
        )
        for row in await connection.execute(statement):
            updated = None if row.updated_at is None else _moment(row.updated_at)
            found[row.id] = row.row, Standing(version=row.version, last_updated=updated)
    return found


async def _check_size(connection: AsyncConnection, source: Source) -> None:
    resource = directory_resources.c
    over = select(resource.row).where(resource.source == source.key).offset(MAX_RESOURCES).limit(1)
    highest = (await connection.execute(select(func.max(resource.row)))).scalar() or 0
    if highest > MAX_RESOURCES and (await connection.execute(over)).first() is not None:
        raise TooManyError


async def _clear(connection: AsyncConnection, source: Source) -> None:
    mine = select(directory_resources.c.row).where(directory_resources.c.source == source.key)
    await connection.execute(delete(directory_values).where(directory_values.c.row.in_(mine)))
    await connection.execute(delete(directory_resources).where(directory_resources.c.source == source.key))


def _row(source: Source, change: Change, row: int, content: str) -> dict[str, Any]:
    withdrawn = int(isinstance(change, Deletion) or change.is_withdrawn)
    return {
        "row": row,
        "source": source.key,
        "type": change.type,
        "id": change.id,
        "local_id": source.local_id(change.id),
        "version": change.version,
        "updated_at": None if change.last_updated is None else milliseconds(change.last_updated),
        "withdrawn": withdrawn,
        "visible": int(not withdrawn and not source.key),  # of one among many it is judged after the round
        "name": None,
        "content": content,
    }


def _value(row: int, value: Value) -> dict[str, Any]:
    return {
        "row": row,
        "parameter": value.parameter,
        "value": value.value,
        "qualifier": value.qualifier,
        "since": value.since,
        "until": value.until,
    }


def _followed(row: Any) -> Followed:
    return Followed(
        source=Source(key=row.key, url=row.url),
        role=row.role,
        uras=tuple(json.loads(row.uras_json)),
        stamps=json.loads(row.stamps_json),
        ready_at=None if row.ready_at is None else _moment(row.ready_at),
        followed_at=None if row.followed_at is None else _moment(row.followed_at),
        failures=row.failures,
        error=row.error,
        refused=json.loads(row.refused_json),
    )


def _moment(value: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=value)


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
