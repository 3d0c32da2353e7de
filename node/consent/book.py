"""The request path's view of consents: one citizen's consents from memory, a miss asks the database.

An entry is good as long as nothing was changed since it was read: by this process (``forget``), or by any replica when
something was taken away (the audit log's epoch). What another replica *added* is seen at the latest after ``max_age``. The
epoch is read before the database, so that an entry can look older than it is and never younger.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from node.audit.log import AuditLog
from node.consent.consent import Consent
from node.consent.store import ConsentStore
from node.ports import Clock

MAX_CITIZENS = 10_000
"""Citizens whose consents are kept in memory; a few kilobytes each at most."""

REPLICA_MAX_AGE = timedelta(seconds=1)
"""For several replicas on one database: how long a consent given elsewhere may stay unseen."""


@dataclass(frozen=True, slots=True)
class _Entry:
    consents: tuple[Consent, ...]
    epoch: int
    generation: int
    read_at: datetime


class ConsentBook:
    """Consents by (subject, pseudonym).

    Args:
        store: asked on a miss.
        log: whose epoch makes entries stale.
        clock: for ``max_age``.
        max_age: ``None`` where this process is the only one that writes (SQLite).
    """

    def __init__(self, store: ConsentStore, log: AuditLog, *, clock: Clock, max_age: timedelta | None = None) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._max_age = max_age
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._generation = 0

    async def for_patient(self, subject: str, patient: str) -> tuple[Consent, ...]:
        """Return the active consents of one citizen at one organisation.

        Read :meth:`AuditLog.current_epoch` before calling this and hand it to ``promise``.

        Args:
            subject: whose consents.
            patient: pseudonym.

        Raises:
            SealError, SQLAlchemyError: they can't be read; the caller has no basis then.
        """
        key = (subject, patient)
        entry = self._entries.get(key)
        now = self._clock.now()
        if entry is not None and self._is_good(entry, now):
            self._entries.move_to_end(key)
            return entry.consents
        epoch, generation = self._log.current_epoch(), self._generation
        stored = await self._store.of_patient(subject, patient)
        found = tuple(consent for consent in (one.consent for one in stored) if consent.is_active)
        self._entries[key] = _Entry(found, epoch, generation, now)
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_CITIZENS:
            self._entries.popitem(last=False)
        return found

    def forget(self) -> None:
        """Make every entry stale: something was changed here. What is being read at this moment is stale too."""
        self._generation += 1

    def _is_good(self, entry: _Entry, now: datetime) -> bool:
        if entry.epoch != self._log.current_epoch() or entry.generation != self._generation:
            return False
        return self._max_age is None or timedelta(0) <= now - entry.read_at < self._max_age
