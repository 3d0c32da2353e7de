"""Registered claims of a JWT (RFC 7519 §4.1) and dates of JSON-LD credentials: reading and comparing times.

The one clock-skew constant of the product lives here: 5 seconds either way (nuts-node master tolerates the same;
its release 6.2 tolerates nothing, so what we issue starts `ISSUE_BACKDATE` in the past).
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from credentials.errors import MalformedError, NotCurrentError

CLOCK_SKEW: Final = timedelta(seconds=5)
"""How far clocks of peers may differ from ours."""
ISSUE_BACKDATE: Final = timedelta(seconds=1)
"""How far in the past our ``nbf`` and ``iat`` lie, for peers that tolerate no skew."""
MAX_NUMERIC_DATE: Final = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second a `datetime` holds."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def numeric_date(value: object) -> datetime:
    """Read a NumericDate: seconds since 1970, whole or with a fraction, as aware UTC.

    Raises:
        MalformedError: not a number, or not between 1970 and 9999.
    """
    if type(value) is not int and type(value) is not float:  # a bool is neither
        raise MalformedError("a time is not a number of seconds")
    if not (math.isfinite(value) and 0 <= value <= MAX_NUMERIC_DATE):
        raise MalformedError("a time is out of range")
    return datetime.fromtimestamp(value, UTC)


def to_numeric_date(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return math.floor(moment.timestamp())


def rfc3339_date(text: str) -> datetime:
    """Read a date and time with an offset (RFC 3339 §5.6), as aware UTC; digits beyond microseconds are dropped.

    Raises:
        MalformedError: another form, or no such moment.
    """
    if _RFC3339.fullmatch(text) is None:
        raise MalformedError("a date is not in RFC 3339 form")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedError("a date does not exist") from None


def to_rfc3339(moment: datetime) -> str:
    """Write whole seconds in UTC with ``Z``: what nuts-node keeps unchanged when it re-serialises."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def check_current(
    now: datetime, *, not_before: datetime | None, expires: datetime | None, skew: timedelta = CLOCK_SKEW
) -> None:
    """Check that ``now`` lies in a validity period, give or take ``skew``.

    Args:
        now: aware UTC.
        not_before: first valid moment; None is no bound.
        expires: first moment that is no longer valid (RFC 7519 §4.1.4); None is no bound.
        skew: tolerated at both ends.

    Raises:
        NotCurrentError: too early or too late.
    """
    if not_before is not None and now + skew < not_before:
        raise NotCurrentError("not valid yet")
    if expires is not None and now - skew >= expires:
        raise NotCurrentError("expired")
