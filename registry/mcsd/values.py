"""What a resource is found by: one row per search parameter and value.

Hostile or sloppy resources are no reason to fail: what has the wrong shape is not found by that parameter, and that is all.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from credentials.errors import MalformedError
from registry.mcsd.parameters import PARAMETERS, Parameter
from registry.mcsd.references import Source
from registry.mcsd.resource import Resource, parse_instant

MAX_VALUES: Final = 64
"""Values of one resource that it is found by under one parameter; what comes after them is not searched."""
MAX_TEXT: Final = 512
"""Characters of a value that are searched."""

FOREVER: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: a period without an end."""

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of one parameter.

    Attributes:
        parameter: ``Type.name``.
        value: of a token its code or value, of a text that text folded, of a reference ``Type/id`` in the replica; empty for a date.
        qualifier: of a token its system, of a text the text as it was written; else empty.
        since: of a date its first millisecond since 1970; else None.
        until: of a date its last millisecond since 1970; else None.
    """

    parameter: str
    value: str
    qualifier: str = ""
    since: int | None = None
    until: int | None = None


def values_of(resource: Resource, source: Source) -> list[Value]:
    """Everything that ``resource`` of ``source`` is found by."""
    found: list[Value] = []
    for parameter in PARAMETERS[resource.type].values():
        seen = dict.fromkeys(_values(parameter, resource.content, source))
        found += list(seen)[:MAX_VALUES]
    return found


def folded(text: str) -> str:
    """A text as FHIR compares them: without case and accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize(
        "NFC", "".join(each for each in decomposed if not unicodedata.combining(each))
    ).casefold()


def span(text: object) -> tuple[int, int]:
    """The first and the last millisecond since 1970 that a FHIR date, dateTime or instant stands for; no zone is UTC.

    Raises:
        MalformedError: it is none of them.
    """
    # (1) a year, month or day
    match = _DATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        begin = milliseconds(parse_instant(text))
        return begin, begin if "." in str(text) else begin + 999
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    # (2) to the moment before the next one
    try:
        first = datetime(year, month, day, tzinfo=UTC)
        if match[3] is not None:
            after = first + timedelta(days=1)
        elif match[2] is not None:
            after = first.replace(year=year + month // 12, month=month % 12 + 1)
        else:
            after = first.replace(year=year + 1)
    except (ValueError, OverflowError):
        raise MalformedError("not a date") from None
    return milliseconds(first), milliseconds(after) - 1


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def _values(parameter: Parameter, content: Any, source: Source) -> Iterator[Value]:
    found = (each for path in parameter.paths for each in _at(content.get(path)))
    match parameter.kind:
        case "token":
            yield from _tokens(parameter.key, found)
        case "string":
            for each in found:
                if isinstance(each, str) and each:
                    yield Value(parameter=parameter.key, value=folded(each)[:MAX_TEXT], qualifier=each[:MAX_TEXT])
        case "reference":
            for each in found:
                local = source.local_reference(each.get("reference")) if isinstance(each, dict) else None
                if local is not None:
                    yield Value(parameter=parameter.key, value=local)
        case "date":
            for each in found:
                yield from _period(parameter.key, each)


def _at(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else () if value is None else (value,)


def _tokens(key: str, found: Iterable[Any]) -> Iterator[Value]:
    """Codes, booleans, codings, concepts and identifiers (FHIR R4 search, §3.1.1.4.10)."""
    for each in found:
        match each:
            case bool():
                yield Value(parameter=key, value="true" if each else "false")
            case str():
                yield Value(parameter=key, value=each[:MAX_TEXT])
            case {"coding": list(codings)}:
                yield from _tokens(
                    key, (coding for coding in codings if isinstance(coding, dict) and "coding" not in coding)
                )
            case {"code": str(code)} | {"value": str(code)}:
                system = each.get("system")
                yield Value(
                    parameter=key, value=code[:MAX_TEXT], qualifier=system[:MAX_TEXT] if isinstance(system, str) else ""
                )
            case _:
                pass


def _period(key: str, period: Any) -> Iterator[Value]:
    if not isinstance(period, dict):
        return
    try:
        since = span(period["start"])[0] if "start" in period else 0
        until = span(period["end"])[1] if "end" in period else FOREVER
    except MalformedError:
        return
    yield Value(parameter=key, value="", since=since, until=until)
