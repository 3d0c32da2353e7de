"""How to follow a directory (LANDSCAPE §2.1.1): load each type once, then ask what changed since.

The stamp is the directory's own clock: ``Bundle.meta.lastUpdated`` of the first page, handed back as it was written. Its boundary is
inclusive, and what comes twice changes nothing. A stamp counts only when the last page was stored; what failed begins again from the
last good one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlencode

from registry.mcsd.bundle import DirectoryPage
from registry.mcsd.resource import LOAD_ORDER, ResourceType, format_instant, parse_instant

PAGE_COUNT: Final = 250
"""Entries asked for per page; the directory may give fewer."""
MAX_PAGES: Final = 20_000
"""Pages of one type in one round; after them the directory is taken to be endless."""

INTERVAL: Final = timedelta(minutes=15)
"""Between two rounds (LANDSCAPE §2.1.1)."""
SPREAD: Final = timedelta(minutes=2)
"""At most so much is added to it by chance, so that not everybody asks at the same moment."""
FIRST_PAUSE: Final = timedelta(seconds=5)
"""After a failure; doubled with each further one, up to the interval."""
LONGEST_PAUSE: Final = timedelta(hours=1)
"""However long a directory asks us to wait."""
ATTEMPTS: Final = 3
"""Of one request in one round, where trying again may help."""

MAX_RETRY_DIGITS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request series: all pages of one type.

    Attributes:
        since: the stamp to go on from; None loads everything.
    """

    type: ResourceType
    since: str | None

    def address(self, base: str, *, count: int | None = PAGE_COUNT) -> str:
        """Where the first page is.

        Args:
            base: of the directory.
            count: entries per page; None leaves that to the directory, since some know no parameters on a load.
        """
        given = {} if count is None else {"_count": str(count)}
        if self.since is None:
            return f"{base}/{self.type}" + (f"?{urlencode(given)}" if given else "")
        return f"{base}/{self.type}/_history?{urlencode({'_since': self.since, **given})}"


def round_of(stamps: Mapping[ResourceType, str]) -> tuple[Step, ...]:
    """What a round asks, in order: strictly one after the other."""
    return tuple(Step(type=kind, since=stamps.get(kind)) for kind in LOAD_ORDER)


def stamp_after(step: Step, first: DirectoryPage) -> str | None:
    """The stamp from which the next round goes on, by the first page of this one.

    A directory that forgets its stamp is held to the newest time on that page: everything that changes later is newer. None when there
    is neither, so that the type is loaded again.
    """
    if first.stamp is not None:
        return first.stamp
    times = [change.last_updated for change in first.changes if change.last_updated is not None]
    if times:
        return format_instant(max(times))
    return step.since


def went_back(step: Step, stamp: str | None) -> bool:
    """Whether the directory's clock ran backwards: it was restored, or was wrong before, so that changes may have been missed."""
    return step.since is not None and stamp is not None and parse_instant(stamp) < parse_instant(step.since)


def pause_after(failures: int, retry_after: timedelta | None, chance: float) -> timedelta:
    """How long to wait before the next round.

    Args:
        failures: rounds in a row that failed; 0 after a good one.
        retry_after: what the directory asked for with a 429 or 503.
        chance: from 0 up to 1.
    """
    if failures == 0:
        return INTERVAL + SPREAD * chance
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(failures - 1, 16), INTERVAL)
    pause += pause * chance / 4
    return pause if retry_after is None else min(max(pause, retry_after), LONGEST_PAUSE)


def parse_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Read ``Retry-After`` (RFC 9110 §10.2.3): seconds or a date; at most :data:`LONGEST_PAUSE`, None when it says nothing."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= MAX_RETRY_DIGITS:
        return min(timedelta(seconds=int(text)), LONGEST_PAUSE)
    try:
        wait = parsedate_to_datetime(text) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_PAUSE)
