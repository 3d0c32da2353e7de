"""How much one caller may take."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.web import limits
from node.web.limits import AtOnce, Turns, caller_of
from node.web.replies import RequestError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTHER, ANOTHER = "192.0.2.7", "192.0.2.8"


def test_turns_run_out_and_come_back_with_time() -> None:
    turns = Turns(burst=3, per_second=2)

    for _ in range(3):
        assert turns.wait(OTHER, NOW) == 0
        turns.take(OTHER, NOW)

    assert turns.wait(OTHER, NOW) == pytest.approx(0.5)
    assert turns.wait(OTHER, NOW + timedelta(seconds=0.5)) == 0


def test_one_callers_turns_are_not_anothers() -> None:
    turns = Turns(burst=1, per_second=1)

    turns.take(OTHER, NOW)

    assert turns.wait(OTHER, NOW) > 0
    assert turns.wait(ANOTHER, NOW) == 0


def test_a_clock_that_goes_back_takes_no_turns_away() -> None:
    turns = Turns(burst=2, per_second=1)
    turns.take(OTHER, NOW)

    assert turns.wait(OTHER, NOW - timedelta(hours=1)) == 0


def test_callers_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CALLERS", 10)
    turns = Turns(burst=1, per_second=0.001)

    for number in range(1_000):
        turns.take(str(number), NOW)

    assert sum(turns.wait(str(number), NOW) > 0 for number in range(1_000)) == 10


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=200))
def test_nobody_gets_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    turns, burst, rate, got, elapsed = Turns(burst=5, per_second=2), 5, 2, 0, 0.0
    for pause in pauses:
        elapsed += pause
        moment = NOW + timedelta(seconds=elapsed)
        if turns.wait(OTHER, moment) == 0:
            got += 1
            turns.take(OTHER, moment)

    assert got <= burst + rate * elapsed + 1e-3


def test_as_many_as_we_can_do_are_under_way_and_the_next_is_told_to_come_back() -> None:
    at_once = AtOnce(most=3, each=2)
    with at_once.of(OTHER), at_once.of(OTHER):
        with pytest.raises(RequestError) as refused, at_once.of(OTHER):
            pass
        with at_once.of(ANOTHER), pytest.raises(RequestError), at_once.of("192.0.2.9"):
            pass

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")
    with at_once.of(OTHER):  # all places are free again
        pass


def test_a_place_is_free_again_when_the_request_failed() -> None:
    at_once = AtOnce(most=1, each=1)
    with pytest.raises(ZeroDivisionError), at_once.of(OTHER):
        raise ZeroDivisionError

    with at_once.of(OTHER):
        pass


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("unix:", None),
        (None, None),
    ],
)
def test_a_caller_is_an_address_or_a_network_and_never_this_machine(address: str | None, caller: str | None) -> None:
    assert caller_of(address) == caller


def test_addresses_in_one_network_are_one_caller() -> None:
    callers = {caller_of(f"2001:db8:0:1::{number:x}") for number in itertools.islice(itertools.count(1), 50)}

    assert len(callers) == 1
