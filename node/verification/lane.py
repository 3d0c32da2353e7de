"""What strangers make us fetch, kept to a part of our connections.

A message names whose keys and status lists it takes to verify it, before anybody proved anything; a host that takes its time can hold a
connection for seconds, and whoever writes messages can name very many hosts. So hosts that have not answered yet share a lane; those that
answered the last time are asked at once, and what we ask others ourselves goes another way.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from node.ports import HttpClient, HttpRequest, HttpResponse, PeerError

UNKNOWN_AT_ONCE: Final = 192
"""Hosts that have not answered yet, asked at once; all connections to others are 512."""

KNOWN_AT_ONCE: Final = 256
"""Questions to hosts that answered the last time; who has many such hosts and lets them fall silent together takes no more than this."""

MAX_KNOWN: Final = 4_096
"""Hosts that answered the last time; the least recently asked one goes."""


class Lane:
    """A :class:`node.ports.HttpClient` in front of another one.

    Args:
        peers: reaches other organisations.
    """

    def __init__(self, peers: HttpClient) -> None:
        self._peers = peers
        self._places = asyncio.Semaphore(UNKNOWN_AT_ONCE)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._asking_known = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send ``request``; waiting for a place takes no longer than the request may (see :class:`node.ports.HttpClient`)."""
        host = request.url.partition("://")[2].partition("/")[0].lower()
        if host in self._known and self._asking_known < KNOWN_AT_ONCE:
            self._asking_known += 1
            try:
                return await self._ask(host, request)
            finally:
                self._asking_known -= 1
        try:
            async with asyncio.timeout(request.timeout):
                await self._places.acquire()
        except TimeoutError as error:
            raise PeerError("timeout", "a host that was not asked before") from error
        try:
            return await self._ask(host, request)
        finally:
            self._places.release()

    async def _ask(self, host: str, request: HttpRequest) -> HttpResponse:
        try:
            response = await self._peers.send(request)
        except PeerError:
            self._known.pop(host, None)
            raise
        self._known[host] = None
        self._known.move_to_end(host)
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return response
