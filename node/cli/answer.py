"""The answer to a question, line by line as it arrives (API.md §2): what to show now, and how it ended.

An answer without its last line is incomplete, whatever came before, and is said to be.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from node.cli.output import NOTHING, members, pick, word
from node.exchange.views.items import Item, describe

_FOUND_BY = {"care_team": "in the care team", "named": "named by you"}
EVENTS = frozenset({"plan", "source", "resource", "end"})


class BrokenLineError(Exception):
    """A line is not an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One thing that came, with its origin."""

    holder: str
    item: Item


@dataclass(slots=True)
class Answer:
    """What came so far.

    Attributes:
        end: the last line; ``None`` until it came.
    """

    names: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    end: dict[str, Any] | None = None
    _seen: set[tuple[str, str, str, str]] = field(default_factory=set)

    def take(self, event: dict[str, Any]) -> Sequence[str]:
        """Take the next event; return the lines to show at once."""
        match event.get("type"):
            case "plan":
                return self._plan(event)
            case "source":
                return [self._source(event)]
            case "resource":
                self._resource(event)
            case "end":
                self.end = event
            case _:  # a kind of line that a later version may have
                pass
        return ()

    def _plan(self, event: dict[str, Any]) -> list[str]:
        lines = [f"exchange {word(event, 'exchange_id')}"]
        for one in members(event, "holders"):
            self.names[word(one, "ura")] = word(one, "name")
            lines.append(
                f"  asking {word(one, 'ura')} {word(one, 'name')} "
                f"(FHIR {word(one, 'fhir_version')}, {_FOUND_BY.get(word(one, 'found_by'), word(one, 'found_by'))})"
            )
        lines += [
            f"  not asking {word(one, 'ura')} {word(one, 'name')}: {_words(word(one, 'reason'))}"
            for one in members(event, "not_asked")
        ]
        if not members(event, "holders"):
            lines.append("  NOBODY is asked: no other organisation is known to take part for this patient")
        return lines

    def _source(self, event: dict[str, Any]) -> str:
        step = pick(event, "step")
        line = f"  {self._called(word(event, 'holder'))} | {word(step) if step is not None else 'as a whole'}: "
        line += _words(word(event, "state"))
        count = pick(event, "count")
        if isinstance(count, int) and count:
            line += f", {count}"
        if pick(event, "from_memory") is True:
            line += ", shown before"
        elif isinstance(pick(event, "ms"), int):
            line += f", {word(event, 'ms')} ms"
        reasons = [_words(word(event, name)) for name in ("reason", "detail") if pick(event, name)]
        return f"{line} ({'; '.join(reasons)})" if reasons else line

    def _resource(self, event: dict[str, Any]) -> None:
        resource, holder = event.get("resource"), word(event, "holder")
        key = (holder, word(event, "fhir_version"), word(resource, "resourceType"), word(resource, "id"))
        if key in self._seen and key[3] != NOTHING:
            return  # another step of the same holder brought it too
        self._seen.add(key)
        name = pick(event, "lineage", "holder_name")
        self.received.append(
            Received(holder=name if isinstance(name, str) and name else self._called(holder), item=describe(resource))
        )

    def _called(self, ura: str) -> str:
        name = self.names.get(ura, NOTHING)
        return ura if name == NOTHING else f"{ura} {name}"

    @property
    def asked_nobody(self) -> bool:
        """Whether no organisation was asked, so that finding nothing means nothing."""
        return not self.names

    @property
    def sorted(self) -> list[Received]:
        """What came, by type, the newest first."""
        newest = sorted(self.received, key=lambda each: each.item.date, reverse=True)
        return sorted(newest, key=lambda each: each.item.type)

    @property
    def missing(self) -> list[str]:
        """What could not be had, in words."""
        return [
            f"{self._called(word(one, 'holder'))} | "
            f"{word(one, 'step') if pick(one, 'step') is not None else 'as a whole'}: {_words(word(one, 'state'))}"
            for one in members(self.end, "missing")
        ]


def read_event(line: bytes) -> dict[str, Any]:
    """Return the event on ``line``.

    Raises:
        BrokenLineError: it is none; ``args`` never quote it.
    """
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenLineError("a line is not JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise BrokenLineError("a line is not an event")
    return event


def _words(code: str) -> str:
    """Return a stable code as words."""
    return code.replace("_", " ") if code != NOTHING else code
