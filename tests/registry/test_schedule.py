from datetime import timedelta

import pytest

from registry.schedule import MAX_RETRY, refresh_at, retry_at
from tests.support.registry import NOW

HOUR = timedelta(hours=1)


@pytest.mark.spec("WIRE §2.10.5")
def test_a_registration_is_renewed_at_45_percent_of_its_life_or_a_little_earlier() -> None:
    assert refresh_at(NOW, NOW + 100 * HOUR, jitter=0) == NOW + 45 * HOUR
    assert refresh_at(NOW, NOW + 100 * HOUR, jitter=1) == NOW + 40 * HOUR


def test_failures_are_tried_again_ever_later_up_to_ten_minutes() -> None:
    waits = [retry_at(NOW, failures, jitter=0) - NOW for failures in (1, 2, 3, 6, 10_000)]
    assert waits == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120), MAX_RETRY, MAX_RETRY]
    assert retry_at(NOW, 1, jitter=1) - NOW == timedelta(seconds=22.5)
