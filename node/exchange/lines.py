"""Lines on their way to a caller, bounded in number and in bytes: who reads slowly makes the asking wait, not the memory grow."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from node.exchange.events import Event, Resource

MAX_LINES = 1_000
MAX_BYTES = 16 * 1_048_576
"""Of resources that wait for one reader; one that is larger by itself still passes, alone."""
MIN_BYTES = 131_072
ALL_BYTES = 128 * 1_048_576
"""Of resources that wait for all readers of an organisation together; each has its share of it, at least :data:`MIN_BYTES`."""


@dataclass(slots=True)
class Waiting:
    """How much may wait for one of the readers there are.

    Attributes:
        readers: of this moment.
    """

    readers: int = 0

    def share(self) -> int:
        """Return the bytes that may wait for each: the more readers, the fewer."""
        return max(MIN_BYTES, min(MAX_BYTES, ALL_BYTES // max(1, self.readers)))


class Lines:
    """A queue with two bounds; ``None`` ends it."""

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: Callable[[], int] = lambda: MAX_BYTES) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(max_lines)
        self._max_bytes = max_bytes
        self._bytes = 0
        self._read = asyncio.Event()

    async def put(self, event: Event | None) -> None:
        """Add a line; waits while too much waits to be read."""
        weight = _weight(event)
        while self._bytes and self._bytes + weight > self._max_bytes():
            self._read.clear()
            await self._read.wait()
        self._bytes += weight
        if not self._queue.full():  # mostly: then nobody has to wait, and no other task gets its turn
            self._queue.put_nowait(event)
            return
        try:
            await self._queue.put(event)
        except asyncio.CancelledError:
            self._bytes -= weight
            raise

    async def get(self) -> Event | None:
        """Return the next line; waits for it."""
        event = await self._queue.get() if self._queue.empty() else self._queue.get_nowait()
        self._bytes -= _weight(event)
        self._read.set()
        return event


def _weight(event: Event | None) -> int:
    """Return the bytes of a line that count: those that a peer chose the number of."""
    return event.size if isinstance(event, Resource) else 0
