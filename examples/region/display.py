"""What the story looks like in a terminal: one numbered line per step with what was seen below it, a mark and a time.

Colour only on a terminal, and never where ``NO_COLOR`` asks for none; the words carry everything.
"""

import os
from collections.abc import Sequence
from typing import TextIO

GOOD, BAD = "✓", "✗"
_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class Display:
    """Writes the story to ``out``."""

    def __init__(self, out: TextIO, *, colour: bool | None = None) -> None:
        if colour is None:
            colour = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._out = out
        self._colour = colour

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._say(f"\n{self._in(_BOLD, text)}")

    def progress(self, text: str) -> None:
        """Tell what is being done."""
        self._say(self._in(_DIM, f"  … {text}"))

    def line(self, number: int, title: str) -> None:
        """Begin a line of the story."""
        self._say(f"\n{self._in(_BOLD, f'{number:2}  {title}')}")

    def seen(self, text: str) -> None:
        """Tell something that was seen and is as it must be."""
        self._say(f"    {self._in(_GREEN, GOOD)} {text}")

    def note(self, text: str) -> None:
        """Tell something that explains."""
        self._say(self._in(_DIM, f"      {text}"))

    def rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show ``rows`` in columns; the last column may be as long as it likes."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            self._say("      " + "  ".join([*cells, row[-1]]).rstrip())

    def done(self, text: str, seconds: float) -> None:
        """End a line of the story well."""
        self._say(f"    {self._in(_GREEN, GOOD)} {self._in(_BOLD, text)}  {self._in(_DIM, f'{seconds:.1f} s')}")

    def failed(self, text: str) -> None:
        """End in failure."""
        self._say(f"    {self._in(_RED, BAD)} {self._in(_BOLD, text)}")

    def text(self, text: str = "") -> None:
        """Write as it stands."""
        self._say(text)

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colour else text

    def _say(self, text: str) -> None:
        try:
            print(text, file=self._out, flush=True)
        except BrokenPipeError:  # whoever looked has gone; the story goes on, and its exit code says how it ended
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
