"""FHIR dates as ranges: ``2026-11`` is all of November, a dateTime the second (or finer) that it names."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_SHAPE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<time>\d\d:\d\d(:\d\d)?)(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
DECEMBER = 12


class Range(NamedTuple):
    """From ``low`` up to but not including ``high``, in seconds since 1970 UTC."""

    low: float
    high: float


# Periods without an end go on for ever; in seconds this is far enough.
FOR_EVER = 1e12


def parse_date(text: str) -> Range:
    """Read a date, dateTime or instant; without a zone it counts as UTC.

    Raises:
        ValueError: not such a thing.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        msg = "not a date"
        raise ValueError(msg)
    year, month, day = int(shape["year"]), shape["month"], shape["day"]
    if month is None:
        return _range(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))
    if day is None:
        first = datetime(year, int(month), 1, tzinfo=UTC)
        after = (
            first.replace(year=year + 1, month=1) if first.month == DECEMBER else first.replace(month=first.month + 1)
        )
        return _range(first, after)
    if shape["time"] is None:
        start = datetime(year, int(month), int(day), tzinfo=UTC)
        return _range(start, start + timedelta(days=1))
    zone = "+00:00" if shape["zone"] in (None, "Z") else shape["zone"]
    start = datetime.fromisoformat(f"{year:04}-{month}-{day}T{shape['time']}{zone}")
    if shape["fraction"] is not None:
        fine = start.timestamp() + float(shape["fraction"])
        return Range(fine, fine + 0.001)
    seconds = shape["time"].count(":") > 1
    return _range(start, start + (timedelta(seconds=1) if seconds else timedelta(minutes=1)))


def _range(start: datetime, end: datetime) -> Range:
    return Range(start.timestamp(), end.timestamp())
