"""What a command says and how it ends.

Much of what is shown was written by others: names in credentials, texts in records. A terminal obeys what it prints, so control
characters (escape sequences, tricks with the direction of writing) never reach it.
"""

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

from node.exchange.views.picking import NOTHING, members, pick

__all__ = ["NOTHING", "CommandError", "members", "pick", "printable", "word"]

DONE = 0
REFUSED = 1
USAGE = 2
UNREACHABLE = 3

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that are shown as a replacement character: controls, formats, surrogates, separators of lines."""


class CommandError(Exception):
    """The command can not go on: one line for people, what to do next, and the exit code."""

    def __init__(self, message: str, remedy: str | None = None, *, code: int = REFUSED) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.code = code


def say(text: str) -> None:
    """Tell progress, on standard error; one line."""
    print(printable(text), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print a line of data for people, on standard output."""
    print(printable(text).rstrip(), flush=True)


def show_json(value: Any) -> None:
    """Print data for programs, on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2), flush=True)


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print data for people, in columns, on standard output."""
    lines = [[printable(str(cell)) for cell in row] for row in (heads, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), flush=True)


def show_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values below each other, on standard output; pairs without a value are left out."""
    given = [(name, value) for name, value in pairs if value not in ("", NOTHING)]
    width = max((len(name) for name, _ in given), default=0)
    for name, value in given:
        show(f"{name.ljust(width)}  {value}")


def printable(text: str) -> str:
    """Return ``text`` as a terminal may have it: line breaks and tabs become spaces, other controls a replacement character."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_printable(character) for character in text)


def _printable(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return "\ufffd" if unicodedata.category(character) in _UNPRINTABLE else character


def word(value: Any, *path: str | int) -> str:
    """Return what stands at ``path`` as text for a column; :data:`NOTHING` when there is nothing to show."""
    found = pick(value, *path)
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, str):
        return found or NOTHING
    if isinstance(found, int | float):
        return str(found)
    if isinstance(found, list):
        return ", ".join(word(each) for each in found) or NOTHING
    return NOTHING if found is None else json.dumps(found, ensure_ascii=False)
