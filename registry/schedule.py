"""When to register again, as a pure function of times and a share of chance.

A registration is renewed at 45 % of its life, as nuts-node does (WIRE §2.10.5), so that one missed round leaves time for another.
Chance spreads nodes that started together, and keeps all of them from hitting a host that comes back at one moment.
"""

from datetime import datetime, timedelta
from typing import Final

REFRESH_AT: Final = 0.45
"""Part of a registration's life after which it is renewed."""
REFRESH_SPREAD: Final = 0.05
"""Part of that life by which chance brings the moment forward, at most."""
FIRST_RETRY: Final = timedelta(seconds=30)
MAX_RETRY: Final = timedelta(minutes=10)
"""Longest wait after a failure: nuts-node's own round is ten minutes."""


def refresh_at(registered_at: datetime, expires_at: datetime, *, jitter: float) -> datetime:
    """When to renew a registration.

    Args:
        registered_at: when it was accepted.
        expires_at: until when it counts.
        jitter: chance between 0 and 1.
    """
    return registered_at + (expires_at - registered_at) * (REFRESH_AT - REFRESH_SPREAD * jitter)


def retry_at(failed_at: datetime, failures: int, *, jitter: float) -> datetime:
    """When to try again after ``failures`` failures in a row (at least 1): 30 s, doubling to 10 minutes, less up to a quarter."""
    doubled: timedelta = FIRST_RETRY * (1 << min(failures - 1, 10))
    return failed_at + min(doubled, MAX_RETRY) * (1 - jitter / 4)
