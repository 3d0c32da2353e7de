"""Times: reading, writing, comparing."""

from datetime import UTC, datetime, timedelta

import pytest

from credentials.claims import CLOCK_SKEW, check_current, numeric_date, rfc3339_date, to_numeric_date, to_rfc3339
from credentials.errors import MalformedError, NotCurrentError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def test_numeric_dates_are_seconds_since_1970() -> None:
    assert numeric_date(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert numeric_date(to_numeric_date(NOON)) == NOON
    assert numeric_date(1.5) == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert to_numeric_date(NOON + timedelta(milliseconds=999)) == to_numeric_date(NOON)


@pytest.mark.parametrize("value", [None, "1", True, [], -1, 253_402_300_800, 1e300, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(MalformedError, match="time"):
        numeric_date(value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22T13:00:00+01:00", NOON),
        ("2026-11-22T12:00:00.000001Z", NOON + TICK),
        ("2026-11-22T12:00:00.000001999Z", NOON + TICK),
    ],
)
def test_dates_with_an_offset_are_read(text: str, moment: datetime) -> None:
    assert rfc3339_date(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T12:00:00",
        "2026-11-22 12:00:00Z",
        "2026-11-22t12:00:00z",
        "20261122T120000Z",
        "2026-W47-7T12:00:00Z",
        "2026-11-31T12:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T12:00:60Z",
        "0001-01-01T00:00:00+01:00",
        "2026-11-22T12:00:00Z\n",
        "\uff12026-11-22T12:00:00Z",
    ],
)
def test_other_forms_and_other_days_are_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="date"):
        rfc3339_date(text)


def test_dates_are_written_in_whole_seconds_utc() -> None:
    assert to_rfc3339(NOON.astimezone(tz=None) + timedelta(milliseconds=1)) == "2026-11-22T12:00:00Z"


def test_a_period_is_tolerant_at_both_ends_by_the_clock_skew() -> None:
    start, end = NOON, NOON + timedelta(minutes=1)
    check_current(start - CLOCK_SKEW, not_before=start, expires=end)
    check_current(end + CLOCK_SKEW - TICK, not_before=start, expires=end)
    with pytest.raises(NotCurrentError, match="not valid yet"):
        check_current(start - CLOCK_SKEW - TICK, not_before=start, expires=end)
    with pytest.raises(NotCurrentError, match="expired"):
        check_current(end + CLOCK_SKEW, not_before=start, expires=end)
    with pytest.raises(NotCurrentError, match="expired"):
        check_current(end, not_before=start, expires=end, skew=timedelta())


def test_an_open_end_never_comes() -> None:
    check_current(NOON, not_before=None, expires=None)
