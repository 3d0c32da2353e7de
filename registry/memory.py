"""The registry store in dictionaries: the reference that every other store equals, and enough for tests."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from credentials.did.identifier import DID
from registry.admission import Admission, Registration
from registry.entry import Entry, Registered
from registry.errors import RejectedError
from registry.log import NO_SEED, LogSlice
from registry.ports import Candidate, Decide, OwnRegistration, Pending, Refusal
from registry.search import Condition, Property
from registry.sync import Cursor, SyncStep
from registry.transparency.entries import check_is_ours, first_leaves, leaf_of, tombstone
from registry.transparency.leaf import Roll
from registry.transparency.memory import MemoryLog, MemoryLogs


@dataclass(slots=True)
class _Service:
    """Everything about one service."""

    cursor: Cursor | None = None
    entries: dict[DID, Entry] = field(default_factory=dict)  # the latest message per holder
    properties: dict[DID, tuple[tuple[Property, ...], ...]] = field(default_factory=dict)
    spent: dict[DID, dict[str, datetime]] = field(default_factory=dict)  # holder -> id -> when it expires
    pending: dict[int, Pending] = field(default_factory=dict)


class MemoryStore(MemoryLogs):
    """A `registry.ports.RegistryStore` that forgets when the process ends."""

    def __init__(self) -> None:
        super().__init__()
        self._services: dict[str, _Service] = {}
        self._own: dict[tuple[str, DID], OwnRegistration] = {}

    def _service(self, service: str) -> _Service:
        return self._services.setdefault(service, _Service())

    # -- a log that we host

    async def accept(self, service: str, holder: DID, now: datetime, *, seed: str, decide: Decide) -> Entry:
        """See `registry.ports.RegistryStore.accept`."""
        log = self._service(service)
        check_is_ours(await self.tree(service))
        admission = decide(_current(log, holder, now), _spent(log, holder, now))
        before = log.cursor or Cursor(seed=seed, timestamp=0)
        await self._begin(service, before.seed, now)
        log.cursor = Cursor(seed=before.seed, timestamp=before.timestamp + 1)
        entry = _put(log, admission, log.cursor.timestamp)
        self.logs[service].append([leaf_of(entry, now)])
        return entry

    async def begin_log(self, service: str, now: datetime) -> None:
        """See `registry.transparency.ports.LogStore.begin_log`."""
        cursor = self._service(service).cursor
        if cursor is not None and cursor.seed != NO_SEED:
            await self._begin(service, cursor.seed, now)

    async def _begin(self, service: str, seed: str, now: datetime) -> None:
        if service not in self.logs:
            self.logs[service] = MemoryLog.of_our_own()
            entries = sorted(self._service(service).entries.values(), key=lambda entry: entry.timestamp)
            self.logs[service].append(first_leaves(seed, entries, now))

    async def promote(self, service: str) -> None:
        """See `registry.transparency.ports.LogStore.promote`."""
        await super().promote(service)
        roll, self.logs[service].roll = self.logs[service].roll, Roll()
        self._service(service).cursor = Cursor(seed=roll.seed, timestamp=roll.last)

    async def drop_unlisted(self, service: str, last: int) -> int:
        """See `registry.transparency.ports.LogStore.drop_unlisted`."""
        log, listed = self._service(service), self.logs[service].roll.listed
        gone = [holder for holder, each in log.entries.items() if holder not in listed and each.timestamp <= last]
        for holder in gone:
            _remove(log, holder)
        return len(gone)

    async def log_after(self, service: str, after: int, now: datetime, *, limit: int) -> LogSlice:
        """See `registry.ports.RegistryStore.log_after`."""
        log = self._service(service)
        cursor = log.cursor or Cursor(seed=NO_SEED, timestamp=0)
        every: tuple[Entry | Pending, ...] = (*log.entries.values(), *log.pending.values())
        found = sorted(
            (entry.timestamp, entry.compact) for entry in every if entry.timestamp > after and entry.expires_at > now
        )
        return LogSlice(
            seed=cursor.seed, last=cursor.timestamp, entries=tuple(found[:limit]), complete=len(found) <= limit
        )

    # -- a log that we follow

    async def cursor(self, service: str) -> Cursor | None:
        """See `registry.ports.RegistryStore.cursor`."""
        return self._service(service).cursor

    async def advance(
        self,
        service: str,
        before: Cursor | None,
        step: SyncStep,
        candidates: Sequence[Candidate],
        pending: Sequence[Pending],
        now: datetime,
    ) -> tuple[Refusal, ...] | None:
        """See `registry.ports.RegistryStore.advance`."""
        if self._service(service).cursor != before:
            return None
        if step.forget:
            del self._services[service]
        log = self._service(service)
        log.cursor = step.cursor
        log.pending |= {each.timestamp: each for each in pending}
        return _decided(log, candidates, now)

    async def pending(self, service: str, now: datetime) -> tuple[Pending, ...]:
        """See `registry.ports.RegistryStore.pending`."""
        waiting = self._service(service).pending
        return tuple(waiting[timestamp] for timestamp in sorted(waiting) if waiting[timestamp].expires_at > now)

    async def settle(
        self, service: str, candidates: Sequence[Candidate], settled: Sequence[int], now: datetime
    ) -> tuple[Refusal, ...]:
        """See `registry.ports.RegistryStore.settle`."""
        log = self._service(service)
        waiting = {timestamp for timestamp in settled if log.pending.pop(timestamp, None) is not None}
        return _decided(log, [each for each in candidates if each.timestamp in waiting], now)

    # -- what is registered, hosted or followed

    async def search(
        self, service: str, conditions: Sequence[Condition], now: datetime, *, limit: int
    ) -> tuple[Registered, ...]:
        """See `registry.ports.RegistryStore.search`."""
        log = self._service(service)
        found = (
            entry
            for holder, entry in log.entries.items()
            if isinstance(entry, Registered) and entry.expires_at > now and _meets(log.properties[holder], conditions)
        )
        return tuple(sorted(found, key=lambda entry: entry.timestamp)[:limit])

    async def entry_of(self, service: str, holder: DID, now: datetime) -> Entry | None:
        """See `registry.ports.RegistryStore.entry_of`."""
        return _current(self._service(service), holder, now)

    async def prune(self, now: datetime) -> None:
        """See `registry.ports.RegistryStore.prune`."""
        for service, log in self._services.items():
            gone = sorted(
                (entry for entry in log.entries.values() if entry.expires_at <= now), key=lambda entry: entry.timestamp
            )
            for entry in gone:
                _remove(log, entry.holder)
            if service in self.logs and self.logs[service].tree.is_own:
                self.logs[service].append([tombstone(entry.timestamp, entry.holder, now) for entry in gone])
            for holder, spent in list(log.spent.items()):
                log.spent[holder] = {name: expires_at for name, expires_at in spent.items() if expires_at > now}
                if not log.spent[holder]:
                    del log.spent[holder]
            log.pending = {number: each for number, each in log.pending.items() if each.expires_at > now}

    # -- our own registrations

    async def join(self, service: str, holder: DID, parameters: Mapping[str, Any], now: datetime) -> OwnRegistration:
        """See `registry.ports.RegistryStore.join`."""
        known = self._own.get((service, holder))
        if known is None:
            wanted = OwnRegistration(
                service=service,
                holder=holder,
                parameters=dict(parameters),
                presentation_id=None,
                registered_at=None,
                expires_at=None,
                due_at=now,
                failures=0,
                error=None,
                leaving=False,
            )
        else:
            wanted = replace(known, parameters=dict(parameters), due_at=now, leaving=False)
        self._own[service, holder] = wanted
        return wanted

    async def leave(self, service: str, holder: DID, now: datetime) -> OwnRegistration | None:
        """See `registry.ports.RegistryStore.leave`."""
        self._change(service, holder, due_at=now, leaving=True)
        return self._own.get((service, holder))

    async def own(self, service: str, holder: DID) -> OwnRegistration | None:
        """See `registry.ports.RegistryStore.own`."""
        return self._own.get((service, holder))

    async def owned(self, service: str | None = None) -> tuple[OwnRegistration, ...]:
        """See `registry.ports.RegistryStore.owned`."""
        return tuple(self._own[key] for key in sorted(self._own) if service in {None, key[0]})

    async def due(self, now: datetime) -> tuple[OwnRegistration, ...]:
        """See `registry.ports.RegistryStore.due`."""
        found = (own for own in self._own.values() if own.due_at <= now)
        return tuple(sorted(found, key=lambda own: (own.due_at, own.service, own.holder)))

    async def registered(
        self,
        service: str,
        holder: DID,
        *,
        presentation_id: str,
        registered_at: datetime,
        expires_at: datetime,
        due_at: datetime,
    ) -> None:
        """See `registry.ports.RegistryStore.registered`."""
        own = self._own.get((service, holder))
        leaving = own is not None and own.leaving
        self._change(
            service,
            holder,
            presentation_id=presentation_id,
            registered_at=registered_at,
            expires_at=expires_at,
            due_at=registered_at if leaving else due_at,
            failures=0,
            error=None,
        )

    async def failed(self, service: str, holder: DID, *, error: str, due_at: datetime) -> None:
        """See `registry.ports.RegistryStore.failed`."""
        own = self._own.get((service, holder))
        if own is not None:
            self._change(service, holder, error=error, due_at=due_at, failures=own.failures + 1)

    async def left(self, service: str, holder: DID) -> None:
        """See `registry.ports.RegistryStore.left`."""
        own = self._own.get((service, holder))
        if own is not None and own.leaving:
            del self._own[service, holder]

    def _change(self, service: str, holder: DID, **changes: Any) -> None:
        own = self._own.get((service, holder))
        if own is not None:
            self._own[service, holder] = replace(own, **changes)


def _current(log: _Service, holder: DID, now: datetime) -> Entry | None:
    entry = log.entries.get(holder)
    return entry if entry is not None and entry.expires_at > now else None


def _spent(log: _Service, holder: DID, now: datetime) -> Container[str]:
    return {name for name, expires_at in log.spent.get(holder, {}).items() if expires_at > now}


def _put(log: _Service, admission: Admission, timestamp: int) -> Entry:
    before = log.entries.get(admission.holder)
    if before is not None:
        log.spent.setdefault(before.holder, {})[before.presentation_id] = before.expires_at
        _remove(log, before.holder)
    entry = admission.numbered(timestamp)
    log.entries[entry.holder] = entry
    if isinstance(admission, Registration):
        log.properties[entry.holder] = admission.properties
    return entry


def _remove(log: _Service, holder: DID) -> None:
    del log.entries[holder]
    log.properties.pop(holder, None)


def _decided(log: _Service, candidates: Sequence[Candidate], now: datetime) -> tuple[Refusal, ...]:
    refusals = []
    for candidate in candidates:
        before = log.entries.get(candidate.holder)
        if before is not None and before.timestamp >= candidate.timestamp:
            continue
        try:
            admission = candidate.decide(_current(log, candidate.holder, now), _spent(log, candidate.holder, now))
        except RejectedError as error:
            refusals.append(Refusal(timestamp=candidate.timestamp, error=error))
        else:
            _put(log, admission, candidate.timestamp)
    return tuple(refusals)


def _meets(credentials: Sequence[Sequence[Property]], conditions: Sequence[Condition]) -> bool:
    fitting = (all(condition.holds(properties) for condition in conditions) for properties in credentials)
    return not conditions or any(fitting)
