"""The part of JSONPath that presentation definitions use: ``$``, ``.name``, ``['name']``, ``[0]``, ``[*]``.

Recursive descent, filters, slices and unions are refused: they cost a stranger nothing and us a walk through the whole
document. What a path does not find is `ABSENT`, also an index beyond the end of an array, where nuts-node gives up on the whole
match (WIRE §2.15).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from credentials.errors import MalformedError

MAX_PATH_LENGTH: Final = 500
"""Characters in one path."""
MAX_PATH_STEPS: Final = 32
"""Steps in one path: as deep as a document may be (`credentials.fields`)."""


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""What a path finds when there is nothing there; JSON's null is a value."""


class Wildcard(Enum):
    """The step ``[*]``: every element of an array, every member of an object."""

    WILDCARD = "*"


_STEP: Final = re.compile(
    r"""\.(?P<name>[\w@-]+)            # .name
      | \['(?P<single>[^'\\]*)'\]      # ['any name']
      | \["(?P<double>[^"\\]*)"\]      # ["any name"]
      | \[(?P<index>0|[1-9]\d{0,5})\]  # [0]
      | (?P<all>\[\*\]|\.\*)           # [*]
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path. Make one with `parse_path`.

    Attributes:
        text: as received.
        steps: member names, array indexes and wildcards from the root on.
        is_wild: whether it may visit the whole document.
        root: the member of the document that it starts with; None when it starts otherwise.
        below: the steps behind ``root``.
    """

    text: str
    steps: tuple[str | int | Wildcard, ...]
    is_wild: bool
    root: str | None
    below: tuple[str | int | Wildcard, ...]

    def find(self, document: Any) -> Any:
        """Return what the path points to in ``document``, or `ABSENT`.

        A path with a wildcard gives the list of everything it reaches, `ABSENT` when that is nothing.
        """
        if self.is_wild:
            return self._find_all(document) or ABSENT
        return _walk(document, self.steps)

    def find_below(self, member: Any) -> Any:
        """Return what a path without wildcards points to, given the member of the document that it starts with."""
        return _walk(member, self.below)

    def _find_all(self, document: Any) -> list[Any]:
        found: list[Any] = [document]
        for step in self.steps:
            found = [child for value in found for child in _children(value, step)]
        return found


def _walk(value: Any, steps: tuple[str | int | Wildcard, ...]) -> Any:
    for step in steps:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return ABSENT
        elif not isinstance(value, list) or not isinstance(step, int) or step >= len(value):
            return ABSENT
        value = value[step]
    return value


def _children(value: Any, step: str | int | Wildcard) -> Iterator[Any]:
    """What one step leads to from ``value``; nothing where it doesn't fit."""
    match value, step:
        case dict(), str():
            if step in value:
                yield value[step]
        case list(), int():
            yield from value[step : step + 1]
        case dict(), Wildcard():
            yield from value.values()
        case list(), Wildcard():
            yield from value
        case _:
            return


def parse_path(text: str) -> Path:
    """Parse a path.

    Raises:
        MalformedError: too long, not a path, or of the part of JSONPath that is not supported.
    """
    if len(text) > MAX_PATH_LENGTH:
        raise MalformedError(f"path is longer than {MAX_PATH_LENGTH} characters")
    if not text.startswith("$"):
        raise MalformedError("path does not start with $")
    steps: list[str | int | Wildcard] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise MalformedError("path uses JSONPath beyond $, .name, ['name'], [0] and [*]")
        at = found.end()
        steps.append(_step(found))
    if len(steps) > MAX_PATH_STEPS:
        raise MalformedError(f"path has more than {MAX_PATH_STEPS} steps")
    root = steps[0] if steps and isinstance(steps[0], str) else None
    return Path(text, tuple(steps), Wildcard.WILDCARD in steps, root, tuple(steps[1:]))


def _step(found: re.Match[str]) -> str | int | Wildcard:
    name, single, double, index, _ = found.groups()
    if index is not None:
        return int(index)
    for text in (name, single, double):
        if text is not None:
            return str(text)
    return Wildcard.WILDCARD
