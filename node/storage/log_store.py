"""Logs of discovery services in the database: `registry.transparency.ports.LogStore` over SQLAlchemy Core.

`append` lets our own log grow inside the transaction of whoever took a message, so that what was acknowledged is in the log too, also
after a crash. A tree is one row with its right edge; leaves and hashes are only ever added.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from credentials.did.identifier import DID
from node.storage.database import Database, insert_or
from node.storage.schema import (
    registry_entries,
    registry_hashes,
    registry_leaves,
    registry_listed,
    registry_logs,
    registry_properties,
    registry_trees,
)
from registry.log import NO_SEED
from registry.transparency.growing import first_needed, grow
from registry.transparency.leaf import Leaf, Listed, Roll
from registry.transparency.merkle import Frontier
from registry.transparency.ports import Extension, StoredTree
from registry.transparency.tiles import TILE_WIDTH

_TREE: Final = select(registry_trees).where(registry_trees.c.service == bindparam("of"))
_TREE_LOCKED: Final = _TREE.with_for_update()
_GROWN: Final = (
    update(registry_trees)
    .where(registry_trees.c.service == bindparam("of"))
    .values(size=bindparam("size"), frontier=bindparam("frontier"))
)
_NEW_LEAF: Final = insert(registry_leaves)
_NEW_HASH: Final = insert(registry_hashes)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class SqlLogStore:
    """A `registry.transparency.ports.LogStore` that survives a restart; ``registry_store`` has what concerns entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tree(self, service: str) -> StoredTree | None:
        """See `registry.transparency.ports.LogStore.tree`."""

        def work(connection: Connection) -> StoredTree | None:
            return tree_of(connection, service)

        return await self._database.read(work)

    async def keep_note(self, service: str, size: int, note: bytes) -> None:
        """See `registry.transparency.ports.LogStore.keep_note`."""
        table = registry_trees.c

        def work(connection: Connection) -> None:
            connection.execute(
                update(registry_trees)
                .where(table.service == service, table.noted <= size, table.size >= size)
                .values(note=note, noted=size)
            )

        await self._database.write(work)

    async def leaves(self, service: str, start: int, end: int) -> tuple[bytes, ...]:
        """See `registry.transparency.ports.LogStore.leaves`."""
        table = registry_leaves.c
        found = (
            select(table.leaf)
            .where(table.service == service, table.position >= start, table.position < end)
            .order_by(table.position)
        )

        def work(connection: Connection) -> tuple[bytes, ...]:
            return tuple(connection.execute(found).scalars())

        return await self._database.read(work)

    async def tile_hashes(self, service: str, level: int, start: int, end: int) -> tuple[bytes, ...]:
        """See `registry.transparency.ports.LogStore.tile_hashes`."""

        def work(connection: Connection) -> tuple[bytes, ...]:
            return _hashes(connection, service, level, start, end)

        return await self._database.read(work)

    async def roll(self, service: str) -> Roll:
        """See `registry.transparency.ports.LogStore.roll`."""

        def work(connection: Connection) -> tuple[Row[Any] | None, Sequence[Row[Any]]]:
            row = connection.execute(_TREE, {"of": service}).one_or_none()
            rows = connection.execute(select(registry_listed).where(registry_listed.c.service == service)).all()
            return row, rows

        row, rows = await self._database.read(work)
        if row is None:
            return Roll()
        return Roll(
            seed=row.seed,
            last=row.last,
            listed={DID(each.holder): _listed(each) for each in rows},
            early={DID(each.holder) for each in rows if each.is_early},
        )

    async def extend(self, service: str, before: int | None, extension: Extension) -> bool:
        """See `registry.transparency.ports.LogStore.extend`."""

        def work(connection: Connection) -> bool:
            tree = tree_of(connection, service, lock=True)
            if (None if tree is None else tree.frontier.size) != before or (tree is not None and tree.is_own):
                return False
            is_whole = extension.is_whole and (tree is None or tree.is_whole)
            if is_whole and extension.leaves:
                _add(connection, service, Frontier() if tree is None else tree.frontier, extension.leaves)
            values = {
                "is_whole": int(is_whole),
                "size": extension.frontier.size,
                "frontier": extension.frontier.to_bytes(),
                "note": extension.note,
                "noted": extension.frontier.size,
                "log_key": extension.log_key,
                "seed": extension.roll.seed,
                "last": extension.roll.last,
            }
            if tree is None:
                connection.execute(insert(registry_trees).values(service=service, is_own=0, evidence="", **values))
            else:
                connection.execute(update(registry_trees).where(registry_trees.c.service == service).values(**values))
            _change_roll(connection, service, extension.roll, extension.changed)
            return True

        return await self._database.write(work)

    async def have(self, service: str, numbers: Sequence[int]) -> None:
        """See `registry.transparency.ports.LogStore.have`."""
        table = registry_listed.c

        def work(connection: Connection) -> None:
            for start in range(0, len(numbers), 500):
                part = list(numbers[start : start + 500])
                connection.execute(
                    update(registry_listed).where(table.service == service, table.number.in_(part)).values(is_here=1)
                )

        await self._database.write(work)

    async def accuse(self, service: str, evidence: str) -> None:
        """See `registry.transparency.ports.LogStore.accuse`."""
        table = registry_trees.c

        def work(connection: Connection) -> None:
            connection.execute(
                update(registry_trees).where(table.service == service, table.evidence == "").values(evidence=evidence)
            )

        await self._database.write(work)

    async def drop_unlisted(self, service: str, last: int) -> int:
        """See `registry.transparency.ports.LogStore.drop_unlisted`."""
        table = registry_entries.c
        listed = select(registry_listed.c.holder).where(registry_listed.c.service == service)
        gone = select(table.timestamp).where(
            table.service == service, table.timestamp <= last, table.holder.not_in(listed)
        )

        def work(connection: Connection) -> list[int]:
            numbers = list(connection.execute(gone).scalars())
            for entries in (registry_properties, registry_entries):
                for start in range(0, len(numbers), 500):
                    connection.execute(
                        delete(entries).where(
                            entries.c.service == service, entries.c.timestamp.in_(numbers[start : start + 500])
                        )
                    )
            return numbers

        numbers = await self._database.write(work)
        return len(numbers)

    async def promote(self, service: str) -> None:
        """See `registry.transparency.ports.LogStore.promote`."""

        def work(connection: Connection) -> None:
            row = connection.execute(_TREE_LOCKED, {"of": service}).one()
            connection.execute(
                update(registry_trees)
                .where(registry_trees.c.service == service)
                .values(is_own=1, log_key="", note=b"", noted=0)
            )
            # The list goes on where the log is: with its seed, under the next number.
            place = {"seed": row.seed, "last": row.last}
            connection.execute(
                insert_or(registry_logs, connection.dialect.name)
                .values(service=service, **place)
                .on_conflict_do_update(index_elements=["service"], set_=place)
            )
            connection.execute(delete(registry_listed).where(registry_listed.c.service == service))

        await self._database.write(work)

    async def forget_log(self, service: str) -> None:
        """See `registry.transparency.ports.LogStore.forget_log`."""

        def work(connection: Connection) -> None:
            tree = tree_of(connection, service, lock=True)
            if tree is None or tree.is_own:
                return
            for table in (registry_trees, registry_leaves, registry_hashes, registry_listed):
                connection.execute(delete(table).where(table.c.service == service))

        await self._database.write(work)


def tree_of(connection: Connection, service: str, *, lock: bool = False) -> StoredTree | None:
    """Read a log's row, and keep others from it when asked."""
    row = connection.execute(_TREE_LOCKED if lock else _TREE, {"of": service}).one_or_none()
    if row is None:
        return None
    return StoredTree(
        is_own=bool(row.is_own),
        is_whole=bool(row.is_whole),
        frontier=Frontier.from_bytes(row.size, row.frontier),
        note=row.note,
        noted=row.noted,
        log_key=row.log_key,
        evidence=row.evidence,
    )


def append(connection: Connection, service: str, tree: StoredTree | None, leaves: Sequence[Leaf]) -> None:
    """Let our own log grow; None is a log that begins."""
    if tree is None:
        connection.execute(
            insert(registry_trees).values(
                service=service,
                is_own=1,
                is_whole=1,
                size=0,
                frontier=b"",
                note=b"",
                noted=0,
                log_key="",
                evidence="",
                seed=NO_SEED,
                last=0,
            )
        )
    before = Frontier() if tree is None else tree.frontier
    frontier = _add(connection, service, before, [each.to_bytes() for each in leaves])
    connection.execute(_GROWN, {"of": service, "size": frontier.size, "frontier": frontier.to_bytes()})


def _add(connection: Connection, service: str, before: Frontier, leaves: Sequence[bytes]) -> Frontier:
    rest = []
    level = 0
    while level == 0 or before.size >> (8 * level):
        rest.append(
            _hashes(connection, service, level, first_needed(before.size, level), before.size >> (8 * level))
            # Hashes of a tile are needed only when it becomes full.
            if before.size % TILE_WIDTH + len(leaves) >= TILE_WIDTH
            else ()
        )
        level += 1
    growth = grow(before, leaves, rest)
    connection.execute(
        _NEW_LEAF,
        [{"service": service, "position": before.size + number, "leaf": leaf} for number, leaf in enumerate(leaves)],
    )
    rows = [
        {"service": service, "level": at, "position": first + number, "hash": each}
        for at, (first, hashes) in enumerate(growth.hashes)
        for number, each in enumerate(hashes)
    ]
    connection.execute(_NEW_HASH, rows)
    return growth.frontier


def _hashes(connection: Connection, service: str, level: int, start: int, end: int) -> tuple[bytes, ...]:
    table = registry_hashes.c
    found = (
        select(table.hash)
        .where(table.service == service, table.level == level, table.position >= start, table.position < end)
        .order_by(table.position)
    )
    return tuple(connection.execute(found).scalars())


def _change_roll(connection: Connection, service: str, roll: Roll, changed: frozenset[DID]) -> None:
    holders = sorted(changed)
    table = registry_listed.c
    for start in range(0, len(holders), 500):
        connection.execute(
            delete(registry_listed).where(table.service == service, table.holder.in_(holders[start : start + 500]))
        )
    rows = [
        {
            "service": service,
            "holder": each.holder,
            "number": each.number,
            "digest": each.digest,
            "expires_at": (each.expires_at - _EPOCH) // _MILLISECOND,
            "is_here": int(each.is_here),
            "is_early": int(each.holder in roll.early),
        }
        for each in (roll.listed[holder] for holder in holders if holder in roll.listed)
    ]
    if rows:
        connection.execute(insert(registry_listed), rows)


def _listed(row: Row[Any]) -> Listed:
    return Listed(
        number=row.number,
        holder=DID(row.holder),
        digest=row.digest,
        expires_at=_EPOCH + row.expires_at * _MILLISECOND,
        is_here=bool(row.is_here),
    )
