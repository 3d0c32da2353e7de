"""Discovery services in the database: `registry.ports.RegistryStore` over SQLAlchemy Core.

Every method is one transaction, in one journey to the database's thread. Statements of every day are made once. A decision locks its
service's row in ``registry_logs`` first (SQLite locks the whole file), so that reading, deciding and writing are one, also between
replicas. Times are milliseconds, JSON is text; what a method means is said at the port, and ``tests/registry/store_contract.py`` holds
this store to the one in memory.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    select,
    union_all,
    update,
)
from sqlalchemy.sql.elements import BindParameter, ColumnElement

from credentials.did.identifier import DID
from node.storage.database import insert_or
from node.storage.log_store import SqlLogStore, append, tree_of
from node.storage.schema import (
    registry_entries,
    registry_logs,
    registry_own,
    registry_pending,
    registry_properties,
    registry_spent,
    registry_trees,
)
from registry.admission import Admission, Registration, Withdrawal
from registry.entry import Entry, Registered, Withdrawn
from registry.errors import RejectedError
from registry.log import NO_SEED, LogSlice
from registry.ports import Candidate, Decide, OwnRegistration, Pending, Refusal
from registry.search import Comparison, Condition
from registry.sync import Cursor, SyncStep
from registry.transparency.entries import check_is_ours, first_leaves, leaf_of, tombstone
from registry.transparency.leaf import Leaf
from registry.transparency.ports import StoredTree

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OF: Final[BindParameter[Any]] = bindparam("of")
_LOG: Final = select(registry_logs.c.seed, registry_logs.c.last).where(registry_logs.c.service == _OF)
_LOG_LOCKED: Final = _LOG.with_for_update()
_MOVED: Final = (
    update(registry_logs).where(registry_logs.c.service == _OF).values(seed=bindparam("seed"), last=bindparam("last"))
)
_ENTRY_OF: Final = select(registry_entries).where(
    registry_entries.c.service == _OF, registry_entries.c.holder == bindparam("by")
)
_SPENT: Final = select(registry_spent.c.presentation_id).where(
    registry_spent.c.service == _OF,
    registry_spent.c.holder == bindparam("by"),
    registry_spent.c.expires_at > bindparam("now"),
)
_NEW_ENTRY: Final = insert(registry_entries)
_NEW_PROPERTY: Final = insert(registry_properties)
_FOUND: Final = (
    select(registry_entries)
    .where(
        registry_entries.c.service == _OF,
        registry_entries.c.retracts.is_(None),
        registry_entries.c.expires_at > bindparam("now"),
    )
    .order_by(registry_entries.c.timestamp)
    .limit(bindparam("most", type_=Integer()))
)
_ESCAPE: Final = "/"
_OPEN_ENDS: Final = {Comparison.PREFIX: ("", "%"), Comparison.SUFFIX: ("%", ""), Comparison.CONTAINS: ("%", "%")}
"""Signs of LIKE that stand for any text, before and after."""
_UNREAD: Final = -1  # ``last`` of a log that was never read from or written to: the row is there to be locked


class SqlRegistryStore(SqlLogStore):
    """A `registry.ports.RegistryStore` that survives a restart."""

    # -- a log that we host

    async def accept(self, service: str, holder: DID, now: datetime, *, seed: str, decide: Decide) -> Entry:
        """See `registry.ports.RegistryStore.accept`."""

        def work(connection: Connection) -> Entry:
            log = _locked(connection, service) or Cursor(seed=seed, timestamp=0)
            tree = tree_of(connection, service, lock=True)
            check_is_ours(tree)
            row, spent = _standing(connection, service, holder, now)
            admission = decide(_current(row, now), spent)
            if tree is None:
                tree = _begun(connection, service, log.seed, now)
            entry = _put(connection, admission, log.timestamp + 1, row)
            _move(connection, service, Cursor(seed=log.seed, timestamp=entry.timestamp))
            append(connection, service, tree, [leaf_of(entry, now)])
            return entry

        return await self._database.write(work)

    async def begin_log(self, service: str, now: datetime) -> None:
        """See `registry.transparency.ports.LogStore.begin_log`."""
        if await self.cursor(service) is None:  # nothing to begin with, and strangers ask
            return

        def work(connection: Connection) -> None:
            log = _locked(connection, service)
            if log is not None and log.seed != NO_SEED and tree_of(connection, service) is None:
                _begun(connection, service, log.seed, now)

        await self._database.write(work)

    async def log_after(self, service: str, after: int, now: datetime, *, limit: int) -> LogSlice:
        """See `registry.ports.RegistryStore.log_after`."""
        parts = [
            select(table.c.timestamp, table.c.compact).where(
                table.c.service == service, table.c.timestamp > after, table.c.expires_at > _ms(now)
            )
            for table in (registry_entries, registry_pending)
        ]
        both = union_all(*parts)
        found = both.order_by(both.selected_columns.timestamp).limit(limit + 1)

        def work(connection: Connection) -> tuple[Cursor, Sequence[Row[Any]]]:
            log = _cursor(connection, service) or Cursor(seed=NO_SEED, timestamp=0)
            rows = connection.execute(found).all()
            return log, rows

        log, rows = await self._database.read(work)
        return LogSlice(
            seed=log.seed,
            last=log.timestamp,
            entries=tuple((row.timestamp, row.compact) for row in rows[:limit]),
            complete=len(rows) <= limit,
        )

    # -- a log that we follow

    async def cursor(self, service: str) -> Cursor | None:
        """See `registry.ports.RegistryStore.cursor`."""

        def work(connection: Connection) -> Cursor | None:
            return _cursor(connection, service)

        return await self._database.read(work)

    async def advance(
        self,
        service: str,
        before: Cursor | None,
        step: SyncStep,
        candidates: Sequence[Candidate],
        pending: Sequence[Pending],
        now: datetime,
    ) -> tuple[Refusal, ...] | None:
        """See `registry.ports.RegistryStore.advance`."""

        def work(connection: Connection) -> tuple[Refusal, ...] | None:
            if _locked(connection, service) != before:
                return None
            if step.forget:
                for table in (registry_entries, registry_properties, registry_spent, registry_pending):
                    connection.execute(delete(table).where(table.c.service == service))
            _move(connection, service, step.cursor)
            if pending:
                connection.execute(
                    insert_or(registry_pending, self._database.dialect).on_conflict_do_nothing(),
                    [
                        {
                            "service": service,
                            "timestamp": each.timestamp,
                            "compact": each.compact,
                            "expires_at": _ms(each.expires_at),
                            "reason": each.reason,
                        }
                        for each in pending
                    ],
                )
            return _decided(connection, service, candidates, now)

        return await self._database.write(work)

    async def pending(self, service: str, now: datetime) -> tuple[Pending, ...]:
        """See `registry.ports.RegistryStore.pending`."""
        table = registry_pending.c
        waiting = (
            select(table.timestamp, table.compact, table.expires_at, table.reason)
            .where(table.service == service, table.expires_at > _ms(now))
            .order_by(table.timestamp)
        )

        def work(connection: Connection) -> Sequence[Row[Any]]:
            return list(connection.execute(waiting))

        rows = await self._database.read(work)
        return tuple(
            Pending(timestamp=row.timestamp, compact=row.compact, expires_at=_moment(row.expires_at), reason=row.reason)
            for row in rows
        )

    async def settle(
        self, service: str, candidates: Sequence[Candidate], settled: Sequence[int], now: datetime
    ) -> tuple[Refusal, ...]:
        """See `registry.ports.RegistryStore.settle`."""
        if not settled:
            return ()
        table = registry_pending.c
        removed = (
            delete(registry_pending)
            .where(table.service == service, table.timestamp.in_(settled))
            .returning(table.timestamp)
        )

        def work(connection: Connection) -> tuple[Refusal, ...]:
            _locked(connection, service)
            waiting = set(connection.execute(removed).scalars())
            still = [each for each in candidates if each.timestamp in waiting]
            return _decided(connection, service, still, now)

        return await self._database.write(work)

    # -- what is registered, hosted or followed

    async def search(
        self, service: str, conditions: Sequence[Condition], now: datetime, *, limit: int
    ) -> tuple[Registered, ...]:
        """See `registry.ports.RegistryStore.search`."""
        found = _found(tuple(each.comparison for each in conditions))
        values: dict[str, Any] = {"of": service, "now": _ms(now), "most": limit}
        for number, each in enumerate(conditions):
            values |= _looked_for(number, each)

        def work(connection: Connection) -> Sequence[Row[Any]]:
            return connection.execute(found, values).all()

        rows = await self._database.read(work)
        return tuple(_registered(row) for row in rows)

    async def entry_of(self, service: str, holder: DID, now: datetime) -> Entry | None:
        """See `registry.ports.RegistryStore.entry_of`."""

        def work(connection: Connection) -> Row[Any] | None:
            return _row_of(connection, service, holder)

        row = await self._database.read(work)
        return _current(row, now)

    async def prune(self, now: datetime) -> None:
        """See `registry.ports.RegistryStore.prune`."""
        moment = _ms(now)
        gone = exists().where(
            registry_entries.c.service == registry_properties.c.service,
            registry_entries.c.timestamp == registry_properties.c.timestamp,
            registry_entries.c.expires_at <= moment,
        )

        def work(connection: Connection) -> None:
            _bury(connection, now)
            connection.execute(delete(registry_properties).where(gone))
            for table in (registry_entries, registry_spent, registry_pending):
                connection.execute(delete(table).where(table.c.expires_at <= moment))

        await self._database.write(work)

    # -- our own registrations

    async def join(self, service: str, holder: DID, parameters: Mapping[str, Any], now: datetime) -> OwnRegistration:
        """See `registry.ports.RegistryStore.join`."""
        wish = {"parameters": _json(parameters), "due_at": _ms(now), "leaving": 0}

        def work(connection: Connection) -> Row[Any]:
            connection.execute(
                insert_or(registry_own, self._database.dialect)
                .values(service=service, holder=holder, failures=0, **wish)
                .on_conflict_do_update(index_elements=["service", "holder"], set_=wish)
            )
            return connection.execute(select(registry_own).where(_is_own(service, holder))).one()

        row = await self._database.write(work)
        return _own(row)

    async def leave(self, service: str, holder: DID, now: datetime) -> OwnRegistration | None:
        """See `registry.ports.RegistryStore.leave`."""

        def work(connection: Connection) -> Row[Any] | None:
            connection.execute(update(registry_own).where(_is_own(service, holder)).values(leaving=1, due_at=_ms(now)))
            return connection.execute(select(registry_own).where(_is_own(service, holder))).one_or_none()

        row = await self._database.write(work)
        return None if row is None else _own(row)

    async def own(self, service: str, holder: DID) -> OwnRegistration | None:
        """See `registry.ports.RegistryStore.own`."""

        def work(connection: Connection) -> Row[Any] | None:
            return connection.execute(select(registry_own).where(_is_own(service, holder))).one_or_none()

        row = await self._database.read(work)
        return None if row is None else _own(row)

    async def owned(self, service: str | None = None) -> tuple[OwnRegistration, ...]:
        """See `registry.ports.RegistryStore.owned`."""
        table = registry_own.c
        found = select(registry_own).order_by(table.service, table.holder)
        if service is not None:
            found = found.where(table.service == service)

        def work(connection: Connection) -> Sequence[Row[Any]]:
            return connection.execute(found).all()

        rows = await self._database.read(work)
        return tuple(_own(row) for row in rows)

    async def due(self, now: datetime) -> tuple[OwnRegistration, ...]:
        """See `registry.ports.RegistryStore.due`."""
        table = registry_own.c
        found = select(registry_own).where(table.due_at <= _ms(now)).order_by(table.due_at, table.service, table.holder)

        def work(connection: Connection) -> Sequence[Row[Any]]:
            return connection.execute(found).all()

        rows = await self._database.read(work)
        return tuple(_own(row) for row in rows)

    async def registered(
        self,
        service: str,
        holder: DID,
        *,
        presentation_id: str,
        registered_at: datetime,
        expires_at: datetime,
        due_at: datetime,
    ) -> None:
        """See `registry.ports.RegistryStore.registered`."""
        now = _ms(registered_at)
        stands = {
            "presentation_id": presentation_id,
            "registered_at": now,
            "expires_at": _ms(expires_at),
            "failures": 0,
            "error": None,
        }
        table = registry_own.c

        def work(connection: Connection) -> None:
            for leaving, due in ((0, _ms(due_at)), (1, now)):
                connection.execute(
                    update(registry_own)
                    .where(_is_own(service, holder), table.leaving == leaving)
                    .values(**stands, due_at=due)
                )

        await self._database.write(work)

    async def failed(self, service: str, holder: DID, *, error: str, due_at: datetime) -> None:
        """See `registry.ports.RegistryStore.failed`."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(registry_own)
                .where(_is_own(service, holder))
                .values(error=error, due_at=_ms(due_at), failures=registry_own.c.failures + 1)
            )

        await self._database.write(work)

    async def left(self, service: str, holder: DID) -> None:
        """See `registry.ports.RegistryStore.left`."""

        def work(connection: Connection) -> None:
            connection.execute(delete(registry_own).where(_is_own(service, holder), registry_own.c.leaving == 1))

        await self._database.write(work)


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


# -- logs


def _cursor(connection: Connection, service: str, *, lock: bool = False) -> Cursor | None:
    row = connection.execute(_LOG_LOCKED if lock else _LOG, {"of": service}).one_or_none()
    return None if row is None or row.last == _UNREAD else Cursor(seed=row.seed, timestamp=row.last)


def _locked(connection: Connection, service: str) -> Cursor | None:
    """Make sure that nobody else decides about this service until we are done, and say where its log is."""
    known = _cursor(connection, service, lock=True)
    if known is not None:
        return known
    connection.execute(
        insert_or(registry_logs, connection.dialect.name)
        .values(service=service, seed=NO_SEED, last=_UNREAD)
        .on_conflict_do_nothing()
    )
    return _cursor(connection, service, lock=True)


def _move(connection: Connection, service: str, cursor: Cursor | None) -> None:
    seed, last = (NO_SEED, _UNREAD) if cursor is None else (cursor.seed, cursor.timestamp)
    connection.execute(_MOVED, {"of": service, "seed": seed, "last": last})


# -- logs of our own


def _begun(connection: Connection, service: str, seed: str, now: datetime) -> StoredTree | None:
    """Begin the log of a service with what is registered there."""
    found = select(registry_entries).where(registry_entries.c.service == service)
    rows = connection.execute(found.order_by(registry_entries.c.timestamp)).all()
    append(connection, service, None, first_leaves(seed, [_entry(row) for row in rows], now))
    return tree_of(connection, service)


def _bury(connection: Connection, now: datetime) -> None:
    """Put what expired in the logs of our own."""
    table = registry_entries.c
    ours = select(registry_trees.c.service).where(registry_trees.c.is_own == 1)
    found = select(table.service, table.timestamp, table.holder).where(
        table.expires_at <= _ms(now), table.service.in_(ours)
    )
    gone: dict[str, list[Leaf]] = {}
    for row in connection.execute(found.order_by(table.service, table.timestamp)).all():
        gone.setdefault(row.service, []).append(tombstone(row.timestamp, DID(row.holder), now))
    for service, leaves in gone.items():
        append(connection, service, tree_of(connection, service, lock=True), leaves)


# -- entries


def _row_of(connection: Connection, service: str, holder: DID) -> Row[Any] | None:
    return connection.execute(_ENTRY_OF, {"of": service, "by": holder}).one_or_none()


def _current(row: Row[Any] | None, now: datetime) -> Entry | None:
    return None if row is None or row.expires_at <= _ms(now) else _entry(row)


def _standing(
    connection: Connection, service: str, holder: DID, now: datetime
) -> tuple[Row[Any] | None, frozenset[str]]:
    """What a decision on a message of this holder depends on."""
    spent = connection.execute(_SPENT, {"of": service, "by": holder, "now": _ms(now)}).scalars()
    return _row_of(connection, service, holder), frozenset(spent)


def _decided(
    connection: Connection, service: str, candidates: Sequence[Candidate], now: datetime
) -> tuple[Refusal, ...]:
    """Decide one after another, with what is stored read at once before and written at once after."""
    before = _rows_of(connection, service, candidates)
    spent = _spent_of(connection, service, candidates, now)
    latest: dict[DID, Entry] = {holder: _entry(row) for holder, row in before.items()}
    taken: dict[DID, tuple[Admission, int]] = {}
    replaced: list[Entry] = []
    refusals = []
    for candidate in candidates:
        standing = latest.get(candidate.holder)
        if standing is not None and standing.timestamp >= candidate.timestamp:
            continue
        current = None if standing is None or standing.expires_at <= now else standing
        try:
            admission = candidate.decide(current, spent.get(candidate.holder, frozenset()))
        except RejectedError as error:
            refusals.append(Refusal(timestamp=candidate.timestamp, error=error))
            continue
        if standing is not None:
            replaced.append(standing)
            spent.setdefault(candidate.holder, set()).add(standing.presentation_id)
        latest[candidate.holder] = admission.numbered(candidate.timestamp)
        taken[candidate.holder] = (admission, candidate.timestamp)
    if taken:
        gone = [before[holder].timestamp for holder in taken if holder in before]
        _exchange(connection, service, replaced, gone, list(taken.values()))
    return tuple(refusals)


def _rows_of(connection: Connection, service: str, candidates: Sequence[Candidate]) -> dict[DID, Row[Any]]:
    table = registry_entries.c
    found: dict[DID, Row[Any]] = {}
    for holders in _parts(sorted({each.holder for each in candidates})):
        rows = connection.execute(select(registry_entries).where(table.service == service, table.holder.in_(holders)))
        found |= {DID(row.holder): row for row in rows}
    return found


def _spent_of(
    connection: Connection, service: str, candidates: Sequence[Candidate], now: datetime
) -> dict[DID, set[str]]:
    table = registry_spent.c
    found: dict[DID, set[str]] = {}
    for holders in _parts(sorted({each.holder for each in candidates})):
        rows = connection.execute(
            select(table.holder, table.presentation_id).where(
                table.service == service, table.holder.in_(holders), table.expires_at > _ms(now)
            )
        )
        for row in rows:
            found.setdefault(DID(row.holder), set()).add(row.presentation_id)
    return found


def _exchange(
    connection: Connection,
    service: str,
    replaced: Sequence[Entry],
    gone: Sequence[int],
    taken: Sequence[tuple[Admission, int]],
) -> None:
    """Let earlier messages go and spend their ids, and put the new ones in their place."""
    if replaced:
        spending = insert_or(registry_spent, connection.dialect.name).on_conflict_do_nothing()
        rows = [
            {
                "service": service,
                "holder": each.holder,
                "presentation_id": each.presentation_id,
                "expires_at": _ms(each.expires_at),
            }
            for each in replaced
        ]
        connection.execute(spending, rows)
    for part in _parts(gone):
        for table in (registry_properties, registry_entries):
            connection.execute(delete(table).where(table.c.service == service, table.c.timestamp.in_(part)))
    connection.execute(_NEW_ENTRY, [{"timestamp": number, **_columns(admission)} for admission, number in taken])
    properties = [row for admission, number in taken for row in _properties(admission, number)]
    if properties:
        connection.execute(_NEW_PROPERTY, properties)


def _properties(admission: Admission, timestamp: int) -> list[dict[str, Any]]:
    if not isinstance(admission, Registration):
        return []
    return [
        {
            "service": admission.service,
            "timestamp": timestamp,
            "credential": position,
            "path": path,
            "value": value,
            "folded": value.casefold(),
        }
        for position, credential in enumerate(admission.properties)
        for path, value in credential
    ]


def _parts(values: Sequence[Any]) -> Iterator[list[Any]]:
    """At most 500 at a time: databases limit how many values a statement may have."""
    for start in range(0, len(values), 500):
        yield list(values[start : start + 500])


def _put(connection: Connection, admission: Admission, timestamp: int, before: Row[Any] | None) -> Entry:
    """Store a message under its number; the holder's earlier one goes, and its id is spent."""
    replaced, gone = ([], []) if before is None else ([_entry(before)], [before.timestamp])
    _exchange(connection, admission.service, replaced, gone, [(admission, timestamp)])
    return admission.numbered(timestamp)


def _columns(admission: Admission) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "service": admission.service,
        "holder": admission.holder,
        "presentation_id": admission.presentation_id,
        "compact": admission.compact,
        "issued_at": _ms(admission.issued_at),
        "expires_at": _ms(admission.expires_at),
    }
    match admission:
        case Withdrawal():
            return columns | {"retracts": admission.retracts, "claims": "{}", "proven": "[]", "parameters": "{}"}
        case Registration():
            return columns | {
                "retracts": None,
                "claims": _json(admission.claims),
                "proven": _json(sorted(admission.proven)),
                "parameters": _json(admission.parameters),
            }


def _entry(row: Row[Any]) -> Entry:
    if row.retracts is None:
        return _registered(row)
    return Withdrawn(
        service=row.service,
        timestamp=row.timestamp,
        holder=DID(row.holder),
        presentation_id=row.presentation_id,
        compact=row.compact,
        issued_at=_moment(row.issued_at),
        expires_at=_moment(row.expires_at),
        retracts=row.retracts,
    )


def _registered(row: Row[Any]) -> Registered:
    return Registered(
        service=row.service,
        timestamp=row.timestamp,
        holder=DID(row.holder),
        presentation_id=row.presentation_id,
        compact=row.compact,
        issued_at=_moment(row.issued_at),
        expires_at=_moment(row.expires_at),
        claims=json.loads(row.claims),
        proven=frozenset(json.loads(row.proven)),
        parameters=json.loads(row.parameters),
    )


# -- search


@lru_cache(maxsize=64)
def _found(comparisons: tuple[Comparison, ...]) -> Select[Any]:
    """The search for conditions that compare so: registrations of which one credential has a fitting value for every one of them.

    What is looked for is given with it as ``path0``, ``value0``, ``path1`` and so on. It starts from the index of values.
    """
    if not comparisons:
        return _FOUND
    first = registry_properties.alias()
    query = select(first.c.timestamp).where(first.c.service == _OF, _fits(first.c, 0, comparisons[0]))
    for number, comparison in enumerate(comparisons[1:], 1):
        other = registry_properties.alias()
        query = query.where(
            exists().where(
                other.c.service == first.c.service,
                other.c.timestamp == first.c.timestamp,
                other.c.credential == first.c.credential,
                _fits(other.c, number, comparison),
            )
        )
    return _FOUND.where(registry_entries.c.timestamp.in_(query))


def _fits(columns: Any, number: int, comparison: Comparison) -> ColumnElement[bool]:
    at: ColumnElement[bool] = columns.path == bindparam(f"path{number}")
    value = bindparam(f"value{number}", type_=Text())
    match comparison:
        case Comparison.EXACT:
            return and_(at, columns.value == value)
        case Comparison.PREFIX | Comparison.SUFFIX | Comparison.CONTAINS:
            return and_(at, columns.folded.like(value, escape=_ESCAPE))
        case Comparison.EXISTS:
            return at


def _looked_for(number: int, condition: Condition) -> dict[str, str]:
    found = {f"path{number}": condition.path}
    before, after = _OPEN_ENDS.get(condition.comparison, ("", ""))
    match condition.comparison:
        case Comparison.EXISTS:
            return found
        case Comparison.EXACT:
            return found | {f"value{number}": condition.value}
        case _:
            plain = re.sub(f"[{_ESCAPE}%_]", lambda sign: _ESCAPE + sign[0], condition.value)
            return found | {f"value{number}": before + plain + after}


# -- our own registrations


def _is_own(service: str, holder: DID) -> ColumnElement[bool]:
    return and_(registry_own.c.service == service, registry_own.c.holder == holder)


def _own(row: Row[Any]) -> OwnRegistration:
    return OwnRegistration(
        service=row.service,
        holder=DID(row.holder),
        parameters=json.loads(row.parameters),
        presentation_id=row.presentation_id,
        registered_at=None if row.registered_at is None else _moment(row.registered_at),
        expires_at=None if row.expires_at is None else _moment(row.expires_at),
        due_at=_moment(row.due_at),
        failures=row.failures,
        error=row.error,
        leaving=bool(row.leaving),
    )
