"""The audit log as the rest of the node sees it: one durable write before anything leaves (ARCHITECTURE §2 "One write").

``promise`` returns only when the record is on disk. ``outcome`` tells later how it ended and rides along with another write.
``record`` is for what is final at once: refusals, tokens, changes.

Errors::

    AuditError
    ├── AlreadyUsedError      a single-use value was used before; refuse the caller
    ├── StaleDecisionError    something was taken away since the decision was made; decide again
    └── AuditUnavailableError nothing was promised, so nothing may leave
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from node.audit.record import AuditRecord, Outcome
from node.storage.database import AsyncConnection

MIN_KEY_BYTES = 16
MAX_KEY_BYTES = 32

EXPIRY_GRACE = timedelta(seconds=30)
"""A single-use value that expired longer ago than this is refused: its row may have been pruned."""

PRUNE_AFTER = timedelta(seconds=120)
"""Rows of single-use values are kept this long after they expire, so that replicas' clocks may differ by 90 s."""

MAX_WAITING = 4_096
"""Promises that may wait for the writer; the next one is refused rather than queued without end."""

MAX_BATCH = 512
"""Promises in one transaction."""

LINGER = 0.002
"""Seconds to wait for company, only when the last batch held more than one promise (SPEED §1)."""

FLUSH_AFTER = 0.25
"""Seconds that outcomes wait at most for a promise to ride along with."""


class AuditError(Exception):
    """The audit log said no."""


class AlreadyUsedError(AuditError):
    """A single-use value was used before.

    Attributes:
        kind: which kind of value, as the caller named it.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind}: already used")
        self.kind = kind


class StaleDecisionError(AuditError):
    """A consent or grant was taken away after this decision was made; decide again under the current epoch."""

    def __init__(self) -> None:
        super().__init__("decided before something was taken away")


class AuditUnavailableError(AuditError):
    """The log can not be written. Nothing was promised; nothing may leave."""

    def __init__(self, message: str = "the audit log can not be written") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleUse:
    """A value that works once: a DPoP proof, a nonce, a code.

    Attributes:
        kind: names the space of values ("dpop", "nonce").
        key: 16 to 32 bytes, a hash over everything that makes the value unique.
        expires_at: when a replay is refused for its age anyway. It is part of what is unique, since a key in time order is four
            times cheaper (SPEED §1): derive it from what was *signed* (``iat`` plus the window), never from the moment of
            arrival, or a replay one second later passes.
    """

    kind: str
    key: bytes
    expires_at: datetime

    def __post_init__(self) -> None:
        if not MIN_KEY_BYTES <= len(self.key) <= MAX_KEY_BYTES:
            raise ValueError(f"a single-use key has {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that a record is on disk.

    Attributes:
        seq: its number in its lane.
        lane: which chain; a node on SQLite has one.
        epoch: under which epoch it was promised. Compare with :meth:`AuditLog.current_epoch` before the first byte leaves.
    """

    seq: int
    lane: str
    epoch: int


class AuditLog(Protocol):
    """The one writer of the audit log."""

    async def promise(
        self, record: AuditRecord, *, once: Sequence[SingleUse] = (), epoch: int | None = None
    ) -> Receipt:
        """Write ``record`` durably, using up ``once``; its outcome must follow.

        Args:
            record: what was decided.
            once: used up in the same transaction; when one of them was used before, none is used and nothing is written.
            epoch: :meth:`current_epoch` as read *before* the facts of the decision were read; ``None`` when no fact that
                somebody can take away was used.

        Raises:
            AlreadyUsedError: a value of ``once`` was used before, or expired too long ago to tell.
            StaleDecisionError: the epoch has moved on; nothing of ``once`` is used up.
            AuditUnavailableError: not written.
        """
        ...

    def outcome(self, receipt: Receipt, outcome: Outcome) -> None:
        """Tell how a promise ended; written soon, with another write or within :data:`FLUSH_AFTER`."""
        ...

    async def record(self, record: AuditRecord, once: Sequence[SingleUse] = ()) -> Receipt:
        """Write ``record`` durably; it is final.

        Raises:
            AlreadyUsedError: as for :meth:`promise`.
            AuditUnavailableError: not written.
        """
        ...

    def current_epoch(self) -> int:
        """Return the epoch this process knows; a decision made under an older one is refused by :meth:`promise`."""
        ...

    async def raise_epoch(self) -> int:
        """Make every decision taken before now stale; returns the new epoch.

        Raises:
            AuditUnavailableError: the epoch is shared by replicas and could not be raised.
        """
        ...

    async def stage_epoch(self, connection: AsyncConnection) -> int | None:
        """Raise the epoch inside the transaction of ``connection``, where it lives in that database; else do nothing.

        Call before the change's commit and hand what it returns to :meth:`settle_epoch` after it.
        """
        ...

    async def settle_epoch(self, staged: int | None) -> None:
        """Complete :meth:`stage_epoch` after the commit and before the change is acknowledged."""
        ...

    async def aclose(self) -> None:
        """Write what waits and close."""
        ...
