"""What host and mirrors say a log is, side by side, and what is wrong with that."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from credentials.encoding import b64_encode
from registry.transparency.checkpoint import SignedCheckpoint
from registry.transparency.note import VerifierKey

AlarmKind = Literal[
    "fork",  # two trees of one log, of which neither is the beginning of the other
    "rollback",  # the host shows a tree that is smaller than one that it signed before
    "withheld",  # a message counts by the log, and nobody gives it
    "altered",  # a message is not the one in the log, or a page is of another list
    "expired early",  # a message was called expired before its time
    "not a log",  # leaves that can't follow one another
    "witnesses",  # fewer of them have seen the log than the definition asks for
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that an honest host doesn't do.

    Attributes:
        source: where it was seen.
        detail: a sentence for the operator.
    """

    kind: AlarmKind
    source: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What one source says.

    Attributes:
        source: address of the host or of a mirror.
        signed: its checkpoint, verified; None when there was none to be had.
        error: why not; empty otherwise.
    """

    source: str
    signed: SignedCheckpoint | None
    error: str = ""

    @property
    def size(self) -> int:
        """Leaves; -1 when there is no checkpoint."""
        return -1 if self.signed is None else self.signed.checkpoint.size


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """How following a log went.

    Attributes:
        size: leaves of the tree that we believe; root: its hash.
        heads: what host and mirrors say, the host first.
        witnesses: how many of those that count have seen the tree that we believe.
        missing: messages that count by the log and that nobody gave.
        alarms: what was wrong this time; a fork is kept for good.
        checked_at: aware UTC.
    """

    size: int
    root: bytes
    heads: tuple[Head, ...]
    witnesses: int
    missing: tuple[int, ...]
    alarms: tuple[Alarm, ...]
    checked_at: datetime


def witnesses_of(heads: Sequence[Head]) -> Mapping[VerifierKey, tuple[Head, ...]]:
    """Which checkpoints each witness cosigned, the largest first."""
    found: dict[VerifierKey, list[Head]] = {}
    for head in sorted(heads, key=lambda each: -each.size):
        for key in head.signed.witnessed if head.signed is not None else ():
            found.setdefault(key, []).append(head)
    return {key: tuple(each) for key, each in found.items()}


def evidence_of(first: bytes, second: bytes, seen_at: datetime) -> str:
    """Two signed checkpoints that contradict each other, to be shown to anybody: JSON."""
    return json.dumps({"seen_at": seen_at.isoformat(), "first": b64_encode(first), "second": b64_encode(second)})
