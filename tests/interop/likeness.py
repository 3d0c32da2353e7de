"""The same call of the internal API at both nodes: does a vendor's software get the same kind of answer?

Compared are the status and the shape: names of members and kinds of values, at every depth, not the values. Where a nuts-node answers
a mistake of the caller with 500, a 4xx is as good.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.interop.seat import Seat
from tests.interop.step import ListedDivergenceError, Step, StepFailedError
from tests.interop.vendor import Reply
from tests.interop.world import HAZEL

_CHAPTER = "The same call at both"

Ask = Callable[[Seat], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that is made at both nodes.

    Attributes:
        id: short and lasting.
        title: what is called, for people.
        ask: makes the call at one of them.
        more: paths of members that Hazel's answer may have beyond a nuts-node's.
        listed: differences that ``docs/divergences.md`` states.
    """

    id: str
    title: str
    ask: Ask
    more: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()

    def as_step(self, needs: tuple[str, ...] = ()) -> Step:
        """Return the comparison as a step; only Hazel acts, the nuts-node says how it should."""
        return Step(
            id=f"same-{self.id}", chapter=_CHAPTER, title=self.title, run=self._compare, needs=needs, sides=(HAZEL,)
        )

    async def _compare(self, acting: Seat, other: Seat) -> str:
        theirs, ours = await self.ask(other), await self.ask(acting)
        unlike = _status(theirs, ours)
        if not unlike and ours.status < 400:
            unlike = list(differences(shape(theirs.body), shape(ours.body), more=self.more))
        if not unlike and ours.status >= 400 and isinstance(theirs.body, dict):
            said = ours.body if isinstance(ours.body, dict) else {}
            unlike = [f"the problem has no {name}" for name in ("detail", "status", "title") if name not in said]
        if unlike and self.listed.issuperset(unlike):
            raise ListedDivergenceError("; ".join(unlike))
        if unlike:
            raise StepFailedError(f"{'; '.join(unlike)} (nuts-node: {theirs.words[:160]}; Hazel: {ours.words[:160]})")
        return str(ours.status) if ours.status == theirs.status else f"{ours.status}, nuts-node {theirs.status}"


def _status(theirs: Reply, ours: Reply) -> list[str]:
    if ours.status == theirs.status or (theirs.status == 500 and 400 <= ours.status < 500):
        return []
    return [f"the status is {ours.status}, not {theirs.status}"]


def shape(value: Any) -> Any:
    """Return the shape of a JSON value: members by name, the shape of all elements of a list as one, else the kind.

    Members whose names are data (a DID, a subject) are one member called ``*``.
    """
    match value:
        case dict():
            return {("*" if _is_data(name) else name): shape(each) for name, each in value.items()}
        case list():
            return [_merged([shape(each) for each in value])]
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case None:
            return "null"
        case _:
            return "text"


def differences(theirs: Any, ours: Any, *, more: frozenset[str], path: str = "") -> list[str]:
    """Return in what ``ours`` differs from ``theirs``."""
    if "nothing" in (theirs, ours):
        return []  # an empty list says nothing about its elements
    if theirs == "null" and isinstance(ours, list):
        return []  # what an empty list is in Go
    match theirs, ours:
        case dict(), dict():
            found = []
            for name in sorted(theirs.keys() | ours.keys()):
                here = f"{path}.{name}" if path else name
                if name not in ours:
                    found.append(f"{here} is missing")
                elif name not in theirs:
                    found += [] if here in more else [f"{here} is there"]
                else:
                    found += differences(theirs[name], ours[name], more=more, path=here)
            return found
        case list(), list():
            return differences(theirs[0], ours[0], more=more, path=f"{path}[]")
        case _:
            kinds = [each if isinstance(each, str) else type(each).__name__ for each in (theirs, ours)]
            return [] if theirs == ours else [f"{path or 'the body'} is {kinds[1]}, not {kinds[0]}"]


def _is_data(name: str) -> bool:
    return name.startswith("did:")


def _merged(shapes: list[Any]) -> Any:
    """Return one shape for all elements of a list: every member that any of them has."""
    merged: Any = "nothing"
    for each in shapes:
        if isinstance(merged, dict) and isinstance(each, dict):
            merged = {
                name: _merged([known[name] for known in (merged, each) if name in known]) for name in merged | each
            }
        elif isinstance(merged, list) and isinstance(each, list):
            merged = [_merged([*merged, *each])]
        elif merged == "nothing":
            merged = each
    return merged
