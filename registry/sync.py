"""How to follow another host's log: pure, one page at a time (WIRE §2.10.5).

A follower remembers the seed and where it is. The seed changes when the host lost its log: then everything known from it goes,
and reading starts again from 0. nuts-node keeps the page that showed the new seed and never fetches what was below it; we drop
that page and ask again. A log that went back without a new seed is wrong, and none of it is used.

>>> step = next_step(cursor, ListPage.parse(body))     # doctest: +SKIP
"""

from dataclasses import dataclass

from registry.errors import PeerLogError
from registry.log import NO_SEED
from registry.messages import ListPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a follower is in a log.

    Attributes:
        seed: of the incarnation that was read; empty when the log never had an entry.
        timestamp: everything up to here is known.
    """

    seed: str
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStep:
    """What one page means.

    Attributes:
        forget: everything known from this log goes first.
        entries: new entries, lowest first, not verified.
        cursor: where the follower is afterwards; None is at the very beginning.
        again: ask for another page at once.
    """

    forget: bool
    entries: tuple[tuple[int, str], ...]
    cursor: Cursor | None
    again: bool


def next_step(cursor: Cursor | None, page: ListPage) -> SyncStep:
    """Decide what to do with the answer to "what comes after ``cursor``?".

    Raises:
        PeerLogError: the log went backwards without a new seed.
    """
    known = cursor is not None and cursor.seed != NO_SEED
    # (1) another incarnation: forget the old one. The answer is only complete when we asked from the very beginning.
    if cursor is not None and known and page.seed != cursor.seed:
        if cursor.timestamp > 0:
            return SyncStep(forget=True, entries=(), cursor=None, again=True)
        return _append(page, after=0, forget=True)
    # (2) the same, or the first that has a seed at all: an empty log has none, and that is no change
    after = 0 if cursor is None else cursor.timestamp
    if page.timestamp < after:
        raise PeerLogError("the log went backwards without a new seed")
    return _append(page, after=after, forget=False)


def _append(page: ListPage, *, after: int, forget: bool) -> SyncStep:
    # Entries above the page's own timestamp come again with the next page; those up to where we are were seen.
    entries = tuple(entry for entry in page.entries if after < entry[0] <= page.timestamp)
    # The protocol doesn't say whether this was all, so whoever got something asks again.
    return SyncStep(
        forget=forget,
        entries=entries,
        cursor=Cursor(seed=page.seed, timestamp=page.timestamp),
        again=bool(entries),
    )
