"""The lines of an answer stream (API.md §2): ``plan``, ``source``, ``resource``, ``end``, as NDJSON or server-sent events.

A resource is spliced into its line as the holder sent it, never parsed and written again; line breaks between its tokens become
spaces, since JSON has none inside strings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from node.exchange.merge import Conflict, Fetched, Missing, SameFact

State = Literal[
    "ok", "none_recorded", "not_available", "not_offered", "timeout", "unreachable", "failed", "mismatch", "not_asked"
]  # fmt: skip

COMPLETE: frozenset[State] = frozenset({"ok", "none_recorded"})
"""States after which nothing of a step is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedHolder:
    """A holder in the plan; ``found_by`` says how we came to it (``care_team`` or ``named``)."""

    ura: str
    name: str
    fhir_version: str
    found_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAsked:
    """Somebody who will not be asked, and the stable code of why."""

    ura: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """First line: who is asked, who is not and why.

    Attributes:
        more: steps that are given on request: ask for them by name.
    """

    exchange_id: str
    usecase: str
    holders: Sequence[AskedHolder]
    not_asked: Sequence[NotAsked]
    more: Sequence[str] = ()

    def members(self) -> Mapping[str, Any]:
        """Return the members of the line, its type apart."""
        return {
            "exchange_id": self.exchange_id,
            "usecase": self.usecase,
            "holders": [
                {"ura": each.ura, "name": each.name, "fhir_version": each.fhir_version, "found_by": each.found_by}
                for each in self.holders
            ],
            "not_asked": [{"ura": each.ura, "name": each.name, "reason": each.reason} for each in self.not_asked],
            "more": list(self.more),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How asking went: one step at one holder, or the holder as a whole where ``step`` is ``None``.

    Attributes:
        from_memory: nothing was asked: the same person was shown it a moment ago.
    """

    holder: str
    state: State
    count: int
    ms: int
    step: str | None = None
    reason: str | None = None
    detail: str | None = None
    from_memory: bool = False

    def members(self) -> Mapping[str, Any]:
        """Return the members of the line, its type apart."""
        members: dict[str, Any] = {"holder": self.holder, "state": self.state, "count": self.count, "ms": self.ms}
        if self.from_memory:
            members["from_memory"] = True
        members |= {
            name: value
            for name, value in (("step", self.step), ("reason", self.reason), ("detail", self.detail))
            if value is not None
        }
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource, checked, as received.

    Attributes:
        reading: the same in R4, where that was asked and there is one; ``losses`` are the paths of what it lacks. The original
            is then given as ``original``.
    """

    fetched: Fetched
    reading: bytes | None = None
    losses: Sequence[str] | None = None

    @property
    def size(self) -> int:
        """Bytes of the resource as received."""
        return len(memoryview(self.fetched.resource.raw))

    def members(self) -> Mapping[str, Any]:
        """Return the members of the line, its type apart."""
        fetched = self.fetched
        members: dict[str, Any] = {
            "holder": fetched.lineage.holder_ura,
            "step": fetched.step,
            "fhir_version": fetched.fhir_version,
            "lineage": fetched.lineage.to_json(),
            "resource": msgspec.Raw(fetched.line),
        }
        if self.losses is not None:
            members |= {"fhir_version": "r4", "losses": list(self.losses), "original": members["resource"]}
            members["resource"] = None if self.reading is None else msgspec.Raw(self.reading)
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Last line, also on failure. ``error`` (code, detail) where the whole broke off; ``audit`` are our own record numbers.

    Attributes:
        same: facts that several holders carry; nothing was merged away.
        conflicts: what they say differently about medication, allergies and treatment limits.
    """

    exchange_id: str
    missing: Sequence[Missing]
    ms: int
    audit: Sequence[int]
    error: tuple[str, str] | None = None
    same: Sequence[SameFact] = ()
    conflicts: Sequence[Conflict] = ()

    def members(self) -> Mapping[str, Any]:
        """Return the members of the line, its type apart."""
        members: dict[str, Any] = {
            "exchange_id": self.exchange_id,
            "complete": not self.missing and self.error is None,
            "missing": [{"holder": each.holder_ura, "step": each.step, "state": each.state} for each in self.missing],
            "ms": self.ms,
            "audit": list(self.audit),
            "same": [each.to_json() for each in self.same],
            "conflicts": [each.to_json() for each in self.conflicts],
        }
        if self.error is not None:
            members["error"] = {"code": self.error[0], "detail": self.error[1]}
        return members


Event = Plan | Source | Resource | End

_TYPES: Mapping[type[Event], str] = {Plan: "plan", Source: "source", Resource: "resource", End: "end"}


def event_type(event: Event) -> str:
    """Return the ``type`` of ``event``."""
    return _TYPES[type(event)]


def as_ndjson(event: Event) -> bytes:
    """Return ``event`` as one line of ``application/x-ndjson``."""
    return msgspec.json.encode({"type": event_type(event), **event.members()}) + b"\n"


def as_sse(event: Event) -> bytes:
    """Return ``event`` as one server-sent event; its ``event`` field is the type."""
    return b"event: %s\ndata: %s\n\n" % (event_type(event).encode(), as_ndjson(event).rstrip(b"\n"))
