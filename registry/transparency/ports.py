"""What is kept of logs; `registry.transparency.memory` is the reference, ``tests/registry/transparency`` has the contract.

A host's own log grows in the transaction that takes a message, so it stands in `registry.ports.RegistryStore`; here is what is read
of it, and the copies of logs of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from credentials.did.identifier import DID
from registry.transparency.leaf import Roll
from registry.transparency.merkle import Frontier


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTree:
    """A log, as far as we have it.

    Attributes:
        is_own: whether we write it; else it is a copy of another's.
        is_whole: whether its leaves are here too, so that it can be served.
        frontier: its size and right edge.
        note: the newest checkpoint that we have, with signatures; empty when there is none.
        noted: size in ``note``.
        log_key: verifier key under which a copy was read; empty for our own.
        evidence: what proves that its host told two stories, JSON; empty when there is nothing.
    """

    is_own: bool
    is_whole: bool
    frontier: Frontier
    note: bytes = field(default=b"", repr=False)
    noted: int = 0
    log_key: str = ""
    evidence: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What a copy grows by.

    Attributes:
        frontier: afterwards.
        note: checkpoint of exactly that tree, verified.
        leaves: the new ones, when they are kept; empty otherwise.
        roll: who is registered afterwards.
        changed: holders of whom that changed.
    """

    frontier: Frontier
    note: bytes = field(repr=False)
    log_key: str
    leaves: Sequence[bytes] = field(repr=False)
    is_whole: bool
    roll: Roll = field(repr=False)
    changed: frozenset[DID] = field(repr=False)


class LogStore(Protocol):
    """Logs by service. Every method is one transaction."""

    async def begin_log(self, service: str, now: datetime) -> None:
        """Begin a log of our own with what is registered, when the service has entries and no log."""
        ...

    async def tree(self, service: str) -> StoredTree | None:
        """The log, None when there is none."""
        ...

    async def keep_note(self, service: str, size: int, note: bytes) -> None:
        """Keep a checkpoint of ``size`` leaves; does nothing when a larger one is kept."""
        ...

    async def leaves(self, service: str, start: int, end: int) -> tuple[bytes, ...]:
        """Leaves from ``start`` until ``end``, as far as they are here."""
        ...

    async def tile_hashes(self, service: str, level: int, start: int, end: int) -> tuple[bytes, ...]:
        """Hashes of a level of tiles, as far as they are here."""
        ...

    async def roll(self, service: str) -> Roll:
        """Who is registered by the copy of a log."""
        ...

    async def extend(self, service: str, before: int | None, extension: Extension) -> bool:
        """Let a copy grow from ``before`` leaves (None: there is no copy); False when another did it, or it is our own."""
        ...

    async def have(self, service: str, numbers: Sequence[int]) -> None:
        """Note that these messages of the roll are here."""
        ...

    async def accuse(self, service: str, evidence: str) -> None:
        """Keep what proves that a host told two stories; the first one stays."""
        ...

    async def drop_unlisted(self, service: str, last: int) -> int:
        """Remove entries up to number ``last`` of holders who are not on the roll; returns how many."""
        ...

    async def promote(self, service: str) -> None:
        """Make a whole copy our own: from now on messages are taken here, under the next number."""
        ...

    async def forget_log(self, service: str) -> None:
        """Let go of a copy."""
        ...
