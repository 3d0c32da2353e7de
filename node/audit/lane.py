"""One writer's chain in memory, and a draft of what comes next: shared by both writers, so that they chain alike."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from node.audit.chain import GENESIS, leaf_of, link
from node.audit.entry import Entry, mark_entry, outcome_entry
from node.audit.record import Outcome

MARK_EVERY = 10_000
"""Rows between two notes of what is still open, so that a start looks back this far and no further."""

PendingOutcome = tuple[int, Outcome, datetime]


@dataclass(slots=True)
class Lane:
    """How far a chain has come on disk, and which of its promises are open, in the order of their numbers."""

    name: str
    seq: int = 0
    hash: bytes = GENESIS
    marked: int = 0
    open: dict[int, None] = field(default_factory=dict)


class Draft:
    """Rows chained behind a lane but not yet written; the lane changes only when :meth:`settle` is called after the commit.

    ``rows`` are tuples (seq, lane, epoch, index columns in the order of ``INDEXED``, body, hash).
    """

    def __init__(self, lane: Lane, epoch: int) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.seq = lane.seq
        self.hash = lane.hash
        self._lane = lane
        self._epoch = epoch
        self._opened: list[int] = []
        self._closed: set[int] = set()
        self._marked = lane.marked

    def append(self, entry: Entry, *, opens: bool = False) -> int:
        """Chain one row and return its number; ``opens``: an outcome is to follow."""
        lane, epoch, body = self._lane.name, self._epoch, entry.body
        self.seq = seq = self.seq + 1
        self.hash = digest = link(self.hash, leaf_of(lane, seq, epoch, body))
        self.rows.append((seq, lane, epoch, *entry.index, body, digest))
        if opens:
            self._opened.append(seq)
        return seq

    def close(self, outcomes: Iterable[PendingOutcome]) -> int:
        """Chain outcomes; return how many were of promises that are not open, and therefore dropped."""
        dropped = 0
        for refers, outcome, at in outcomes:
            if refers in self._lane.open and refers not in self._closed:
                self.append(outcome_entry(refers, outcome, at))
                self._closed.add(refers)
            else:
                dropped += 1
        return dropped

    def mark_when_due(self, now: datetime) -> None:
        """Note from time to time from which number on promises are open."""
        if self.seq - self._marked >= MARK_EVERY:
            self.mark("progress", now)

    def mark(self, code: str, now: datetime) -> None:
        """Note from which number on promises are open."""
        still = next((number for number in self._lane.open if number not in self._closed), None)
        if still is None:
            still = self._opened[0] if self._opened else self.seq + 1
        self._marked = self.append(mark_entry(code, still, now))

    def settle(self) -> None:
        """Make the lane what was drafted; call after the commit and never before."""
        lane = self._lane
        lane.seq, lane.hash, lane.marked = self.seq, self.hash, self._marked
        for number in self._closed:
            del lane.open[number]
        for number in self._opened:
            lane.open[number] = None
