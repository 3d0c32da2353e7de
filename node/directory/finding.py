"""A search as SQL over the replica: pages by row, so that what changes meanwhile neither repeats nor hides anything else.

Only what is shown is found: loaded and caught up, not withdrawn, and published by a directory that may speak about it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, and_, exists, false, func, literal, not_, or_, select, true
from sqlalchemy.sql import ColumnElement, Select

from node.storage.database import AsyncConnection, Database
from node.storage.schema import directory_resources, directory_sources, directory_values
from registry.mcsd.errors import SearchError
from registry.mcsd.parameters import Parameter
from registry.mcsd.query import Condition, DateIs, IsMissing, Prefix, RefersTo, Search, TextIs, Through, TokenIs
from registry.mcsd.references import Source
from registry.mcsd.resource import ResourceType
from registry.mcsd.values import MAX_TEXT

MAX_INCLUDED: Final = 2_000
"""Resources that may come along on a page; a page is never cut short silently."""
_LAST: Final = "\U0010ffff"
_OFTEN: Final = frozenset({"active", "status"})
"""Parameters under which most resources have the same value: looked at row by row, instead of gathering all of them first."""

Columns = Any
"""The columns of a table or of an alias of one; SQLAlchemy has no narrower type for both."""

_resource: Columns = directory_resources.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A resource as it is answered with.

    Attributes:
        text: its JSON.
        row: its place in the replica.
    """

    type: str
    id: str
    text: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page.

    Attributes:
        after: where the next page begins; None on the last one.
        total: of all matches, when it was asked for or everything is on this page.
    """

    matches: tuple[Shown, ...]
    included: tuple[Shown, ...]
    after: int | None
    total: int | None


class Finder:
    """Searches in the replica."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, search: Search) -> Found:
        """Find a page of matches, and what comes along.

        Raises:
            SearchError: more would come along than fits on a page.
        """
        gathers = bool(search.ids) or any(map(_is_gathered, search.conditions))
        wanted = [
            *_shown(search.type, gathers=gathers, by_id=bool(search.ids)),
            *(_holds(each) for each in search.conditions),
        ]
        wanted += [_resource.local_id.in_(each) for each in search.ids]
        row = _resource.row + 0 if gathers else _resource.row
        async with self._database.reading() as connection:
            rows: Sequence[Row[Any]] = []
            if search.wants_entries:
                page = _columns().where(*wanted, row > search.after).order_by(row).limit(search.count + 1)
                rows = (await connection.execute(page)).all()
            total = None
            if search.wants_total:
                total = (
                    await connection.execute(select(func.count()).select_from(directory_resources).where(*wanted))
                ).scalar_one()
            elif search.after == 0 and len(rows) <= search.count:
                total = len(rows)
            matches = rows[: search.count]
            included = await _included(connection, search, matches)
            sources = await _sources(connection, [*matches, *included])
        return Found(
            matches=tuple(_as_shown(row, sources) for row in matches),
            included=tuple(_as_shown(row, sources) for row in included),
            after=matches[-1].row if len(rows) > search.count else None,
            total=total,
        )

    async def read(self, kind: ResourceType, identifier: str) -> Shown | None:
        """One resource that is shown."""
        async with self._database.reading() as connection:
            row = (
                await connection.execute(_columns().where(*_shown(kind, by_id=True), _resource.local_id == identifier))
            ).first()
            return None if row is None else _as_shown(row, await _sources(connection, [row]))


def _columns() -> Select[Any]:
    return select(
        _resource.row, _resource.type, _resource.local_id, _resource.source, _resource.name, _resource.content
    )


def _shown(kind: str, *, gathers: bool = True, by_id: bool = False) -> list[ColumnElement[bool]]:
    """Conditions that everything which is shown meets.

    Args:
        kind: type.
        gathers: other conditions say which rows to look at; these are written so that no index is used for them, since SQLite
            would rather walk through a whole type.
        by_id: ids of this type are given, for which there is an index.
    """
    ready = select(directory_sources.c.key).where(directory_sources.c.ready_at.is_not(None))
    source = (_resource.source + "").in_(ready)
    if gathers:
        return [
            _resource.type == kind if by_id else (_resource.type + "") == kind,
            (_resource.visible + 0) == 1,
            source,
        ]
    return [_resource.type == kind, _resource.visible == 1, source]


def _is_gathered(condition: Condition) -> bool:
    """Whether the rows for which it holds are gathered first, being few as a rule."""
    match condition:
        case TokenIs():
            return not condition.negated and condition.parameter.name not in _OFTEN
        case IsMissing():
            return False
        case DateIs():
            return condition.parameter is not None
        case _:
            return True


def _holds(condition: Condition, resource: Columns = _resource) -> ColumnElement[bool]:
    """Whether ``resource`` is so. Each condition looks at values of its own."""
    value = directory_values.alias().c
    match condition:
        case DateIs():
            if condition.parameter is None:
                moment = resource.updated_at
                return or_(*(_compared(*each, first=moment, last=moment) for each in condition.spans))
            held = or_(*(_compared(*each, first=value.since, last=value.until) for each in condition.spans))
            return _gathered(value, resource, condition.parameter, held)
        case IsMissing():
            found = exists().where(value.row == resource.row, _named(value, condition.parameter))
            return not_(found) if condition.missing else found
        case TokenIs():
            held = or_(*(_token(value, *each) for each in condition.tokens))
            if _is_gathered(condition):
                return _gathered(value, resource, condition.parameter, held)
            found = exists().where(value.row == resource.row, _named(value, condition.parameter), held)
            return not_(found) if condition.negated else found
        case TextIs():
            held = or_(*(_text(value, condition, each) for each in condition.texts))
            return _gathered(value, resource, condition.parameter, held)
        case RefersTo():
            return _gathered(value, resource, condition.parameter, value.value.in_(condition.targets))
        case Through():
            held = or_(*(value.value.in_(_references(*each)) for each in condition.conditions))
            return _gathered(value, resource, condition.parameter, held)


def _named(value: Columns, parameter: Parameter) -> ColumnElement[bool]:
    """Of this parameter, by the index of the row alone: the other one would be walked through for each row."""
    name: ColumnElement[str] = value.parameter
    return (name + "") == parameter.key


def _gathered(
    value: Columns, resource: Columns, parameter: Parameter, held: ColumnElement[bool]
) -> ColumnElement[bool]:
    rows: ColumnElement[int] = resource.row
    return rows.in_(select(value.row).where(value.parameter == parameter.key, held))


def _references(kind: ResourceType, condition: Condition) -> Select[Any]:
    """References to all resources that are shown and for which the condition holds."""
    target = directory_resources.alias().c
    named = literal(f"{kind}/").concat(target.local_id)
    return select(named).where(target.type == kind, target.visible == 1, _holds(condition, target))


def _token(value: Columns, system: str | None, code: str | None) -> ColumnElement[bool]:
    parts = [] if code is None else [value.value == code]
    return and_(true(), *parts, *([] if system is None else [value.qualifier == system]))


def _text(value: Columns, condition: TextIs, text: str) -> ColumnElement[bool]:
    if len(text) > MAX_TEXT:
        return false()
    kept: ColumnElement[str] = value.value
    written: ColumnElement[str] = value.qualifier
    match condition.mode:
        case "exact":
            return written == text
        case "contains":
            return kept.contains(text, autoescape=True)
        case "starts":
            return and_(kept >= text, kept < text + _LAST)


def _compared(
    prefix: Prefix, begin: int, end: int, *, first: ColumnElement[Any], last: ColumnElement[Any]
) -> ColumnElement[bool]:
    """FHIR R4 §3.1.1.4.7: the span that was asked for against the span that a resource has."""
    within = and_(first >= begin, last <= end)
    match prefix:
        case "eq":
            return within
        case "ne":
            return not_(within)
        case "gt":
            return last > end
        case "lt":
            return first < begin
        case "ge":
            return or_(last > end, within)
        case "le":
            return or_(first < begin, within)
        case "sa":
            return first > end
        case "eb":
            return last < begin


async def _included(connection: AsyncConnection, search: Search, matches: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """What matches refer to, and what refers to them; each once, and no match again."""
    if not matches or not (search.includes or search.reverse):
        return ()
    found: dict[int, Row[Any]] = {}
    value = directory_values.c
    if search.includes:
        named = select(value.value).where(
            value.row.in_([row.row for row in matches]), value.parameter.in_([each.key for each in search.includes])
        )
        by_type: dict[str, set[str]] = {}
        for reference in (await connection.execute(named)).scalars():
            kind, _, identifier = reference.partition("/")
            by_type.setdefault(kind, set()).add(identifier)
        for kind, identifiers in sorted(by_type.items()):
            _check_included(len(identifiers))
            statement = _columns().where(*_shown(kind, by_id=True), _resource.local_id.in_(sorted(identifiers)))
            found |= {row.row: row for row in await connection.execute(statement.order_by(_resource.row))}
    for parameter in search.reverse:
        referring = select(value.row).where(
            value.parameter == parameter.key, value.value.in_([f"{row.type}/{row.local_id}" for row in matches])
        )
        statement = _columns().where(*_shown(parameter.type), _resource.row.in_(referring))
        rows = await connection.execute(statement.order_by(_resource.row).limit(MAX_INCLUDED + 1))
        found |= {row.row: row for row in rows}
    _check_included(len(found))
    return [found[row] for row in found if row not in {each.row for each in matches}]


def _check_included(number: int) -> None:
    if number > MAX_INCLUDED:
        raise SearchError(f"more than {MAX_INCLUDED} resources would come along", "ask for a smaller _count")


async def _sources(connection: AsyncConnection, found: Sequence[Row[Any]]) -> Mapping[str, Source]:
    """Where what was found is from, by key; nothing to look up where there is one directory only."""
    if not any(row.source for row in found):
        return {}
    rows = await connection.execute(select(directory_sources.c.key, directory_sources.c.url))
    return {row.key: Source(key=row.key, url=row.url) for row in rows}


def _as_shown(row: Any, sources: Mapping[str, Source]) -> Shown:
    text = row.content
    if row.source:
        content = sources[row.source].localised(json.loads(text))
        if row.name is not None:
            content["name"] = row.name
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Shown(type=row.type, id=row.local_id, text=text, row=row.row)
