"""Turns among those who ask: one organisation that asks a lot at once waits for itself, not everybody for it.

Our own servers have so many places (``bulkhead.py``); one asker gets at most two thirds of them, and beyond those its requests stand
in a line of their own, for as long as there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from node.exchange.refusal import later

ASKED_AT_ONCE = 32
"""Requests of one organisation that are being answered; fewer than the calls of one server (``bulkhead.CALLS_AT_ONCE``)."""

ASKED_WAITING = 256
WAIT_SECONDS = 2.0


class AskerTurns:
    """Gives turns by asker; ``at_once`` each, ``waiting`` behind them, ``wait`` seconds at most."""

    def __init__(
        self, *, at_once: int = ASKED_AT_ONCE, waiting: int = ASKED_WAITING, wait: float = WAIT_SECONDS
    ) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._wait = wait
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def of(self, asker: str) -> AsyncIterator[None]:
        """Be one of an asker's requests until the block is left.

        Raises:
            RequestError: 503, there were too many before it for too long.
        """
        line = self._lines.setdefault(asker, _Line(asyncio.Semaphore(self._at_once)))
        if line.here >= self._at_once + self._waiting:
            raise later("asker_busy")
        line.here += 1
        try:
            if line.turns.locked():
                await self._stand_in_line(line)
            else:
                await line.turns.acquire()  # there is a place: this does not wait
            try:
                yield
            finally:
                line.turns.release()
        finally:
            line.here -= 1
            if not line.here:
                del self._lines[asker]

    async def _stand_in_line(self, line: "_Line") -> None:
        try:
            async with asyncio.timeout(self._wait):
                await line.turns.acquire()
        except TimeoutError:
            raise later("asker_busy") from None

    @property
    def askers(self) -> int:
        """How many have a request here now: nobody else is remembered."""
        return len(self._lines)


class _Line:
    """One asker: turns, and how many of its requests are here, waiting or not."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self.turns = turns
        self.here = 0
