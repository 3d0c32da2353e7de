"""One step, and how it ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from tests.interop.seat import Seat

State = Literal["ok", "listed", "failed", "not reached", "not offered"]
GOOD: frozenset[State] = frozenset({"ok", "listed", "not offered"})
"""States that leave nothing to mend."""

Run = Callable[[Seat, Seat], Awaitable[str]]
"""Does a step: the one who acts, the other; returns what was seen, in a few words."""


class StepFailedError(Exception):
    """Something was not as it must be."""


class NotOfferedError(Exception):
    """The node that acts does not offer this in its version."""


class ListedDivergenceError(Exception):
    """It differs, as it is meant to: ``docs/divergences.md`` says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that is walked once per side.

    Attributes:
        id: short and lasting.
        title: what the acting node does.
        chapter: heading under which it stands.
        needs: steps of the same side without which it can not be tried.
        sides: who acts; both, unless only one of them could.
        seconds: how long it may take for one side.
    """

    id: str
    chapter: str
    title: str
    run: Run
    needs: tuple[str, ...] = ()
    sides: tuple[str, ...] = ("Hazel", "nuts-node")
    seconds: float = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a step ended for one side.

    Attributes:
        acting: "Hazel" or "nuts-node".
        said: what was seen, or what was wrong.
    """

    step: str
    acting: str
    state: State
    said: str


def expect(what: str, found: object, wanted: object) -> None:
    """Check that two values are equal.

    Raises:
        StepFailedError: they are not.
    """
    if found != wanted:
        raise StepFailedError(f"{what} is {_short(found)}, not {_short(wanted)}")


def require(what: str, *, holds: bool) -> None:
    """Check that ``what`` holds.

    Raises:
        StepFailedError: it does not.
    """
    if not holds:
        raise StepFailedError(f"it does not hold that {what}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:160]}…"
