"""A wall around each of our own servers: one that is slow holds up its own callers, not the node.

So many calls at once, so many that wait, for so long; the next one is told at once that the server is busy.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from node.ports import HttpClient, HttpRequest, HttpResponse, PeerError

CALLS_AT_ONCE = 48
"""Of one server; its connections are kept open, and there are no more of them than that (``node/web/client.py``)."""

CALLS_WAITING = 256
WAIT_SECONDS = 2.0


class Bulkhead:
    """Calls our own servers, as many at once as each may get (:class:`node.ports.HttpClient`).

    Args:
        client: does the calling.
        at_once: calls of one server at the same time; ``waiting`` behind them, ``wait`` seconds at most.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        at_once: int = CALLS_AT_ONCE,
        waiting: int = CALLS_WAITING,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._client = client
        self._at_once = at_once
        self._waiting = waiting
        self._wait = wait
        self._walls: dict[str, _Wall] = {}

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send ``request`` when its server's turn comes.

        Raises:
            PeerError: as the client says, or ``busy``.
        """
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"  # of addresses in the configuration: a few
        wall = self._walls.setdefault(origin, _Wall(asyncio.Semaphore(self._at_once)))
        if wall.turns.locked():
            await self._stand_in_line(wall, origin)
        else:
            await wall.turns.acquire()  # there is a place: this does not wait
        try:
            return await self._client.send(request)
        finally:
            wall.turns.release()

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many wait, by origin."""
        return {origin: wall.waiting for origin, wall in self._walls.items()}

    async def _stand_in_line(self, wall: "_Wall", origin: str) -> None:
        if wall.waiting >= self._waiting:
            raise PeerError("busy", origin)
        wall.waiting += 1
        try:
            async with asyncio.timeout(self._wait):
                await wall.turns.acquire()
        except TimeoutError:
            raise PeerError("busy", origin) from None
        finally:
            wall.waiting -= 1


class _Wall:
    """One server: its turns, and how many wait for one."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self.turns = turns
        self.waiting = 0
