"""Paging links open for the one they were given to, for a while."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.cursor import Cursor, open_cursor, seal_cursor
from node.exchange.interaction import NotAllowedError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = b"s" * 32
CURSOR = Cursor(
    usecase="ha-vvt",
    table="home-care-reads-gp-r4",
    step="results",
    patient_ids=("p-1",),
    link="?_getpages=0d7b",
    expires_at=NOW + timedelta(minutes=5),
)
SEALED = seal_cursor(CURSOR, grant="g1", secret=SECRET, nonce=b"n" * 12)


def test_it_opens_under_its_own_grant() -> None:
    assert open_cursor(SEALED, grant="g1", secret=SECRET, now=NOW) == CURSOR
    assert "getpages" not in SEALED


@pytest.mark.parametrize(
    ("text", "grant", "secret", "now"),
    [
        (SEALED, "g2", SECRET, NOW),
        (SEALED, "g1", b"t" * 32, NOW),
        (SEALED, "g1", SECRET, NOW + timedelta(minutes=5)),
        (SEALED[:-2] + ("AA" if SEALED[-2:] != "AA" else "BB"), "g1", SECRET, NOW),
        ("", "g1", SECRET, NOW),
        ("A" * 4000, "g1", SECRET, NOW),
    ],
)
def test_it_opens_for_nobody_else(text: str, grant: str, secret: bytes, now: datetime) -> None:
    with pytest.raises(NotAllowedError) as caught:
        open_cursor(text, grant=grant, secret=secret, now=now)
    assert caught.value.code == "cursor_not_valid"


@given(st.text(max_size=60))
def test_any_text_gives_a_cursor_or_the_one_error(text: str) -> None:
    with pytest.raises(NotAllowedError):
        open_cursor(text, grant="g1", secret=SECRET, now=NOW)


def test_a_link_too_long_to_carry_is_refused() -> None:
    long = Cursor(usecase="a", table="b", step="c", patient_ids=(), link="x" * 2000, expires_at=NOW)
    with pytest.raises(ValueError, match="too long"):
        seal_cursor(long, grant="g", secret=SECRET, nonce=b"n" * 12)
