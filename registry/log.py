"""A service's log, as its host serves it (WIRE §2.10.1).

A log has a seed, which names this incarnation, and a counter. Every accepted message takes the next number; a holder's earlier
message then leaves the log, as do expired ones, so numbers have gaps and the log stays as long as there are participants.
Withdrawals are messages like any other: they stay until they expire, so that followers learn of them.

nuts-node has no paging, and its followers fail for ever on a reply over 1 MiB. So a page is cut, lowest entries first, and
says where it stopped; both dialects then come back for the rest.
"""

from dataclasses import dataclass
from typing import Final

from registry.messages import ListPage

MAX_SERVED_PAGE_BYTES: Final = 900_000
"""Bytes of a page that we serve, under the 1 MiB that nuts-node reads."""
PAGE_ENTRIES: Final = 500
"""Entries read from the store for one page; at 2.9 kB each some 300 fit in one."""
NO_SEED: Final = ""
"""Seed of a log that never had an entry."""

_ENTRY_OVERHEAD: Final = 24  # quotes, colon, comma and the number
_PAGE_OVERHEAD: Final = 400  # names, seed and timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSlice:
    """Part of a log as a store reads it, in one moment.

    Attributes:
        seed: `NO_SEED` before the first entry ever.
        last: the highest number given out.
        entries: number and compact JWT of unexpired messages after the number asked for, lowest first.
        complete: whether there are no more of them.
    """

    seed: str
    last: int
    entries: tuple[tuple[int, str], ...]
    complete: bool


def cut_page(part: LogSlice) -> ListPage:
    """Make a page that every follower can read. It holds at least one entry when the slice does."""
    size, kept = _PAGE_OVERHEAD, 0
    for _, compact in part.entries:
        size += len(compact) + _ENTRY_OVERHEAD
        if size > MAX_SERVED_PAGE_BYTES and kept:
            break
        kept += 1
    entries = part.entries[:kept]
    whole = part.complete and kept == len(part.entries)
    # A whole page ends at the log's own counter, so that followers skip the gap that expired entries leave.
    return ListPage(seed=part.seed, timestamp=part.last if whole else entries[-1][0], entries=entries)
