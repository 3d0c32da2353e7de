"""Time that jumps, a wire that counts, and a meter that says who worked how long."""

import asyncio
import heapq
import itertools
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from registry.errors import RejectedError, TransferError
from registry.messages import parse_registration
from tests.support.logs import Party
from tests.support.registry import NOW

Event = Callable[[], Awaitable[None]]


class SimulatedClock:
    """A clock that goes from event to event."""

    def __init__(self) -> None:
        self._now = NOW
        self._waiting: list[tuple[datetime, int, Event]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Nobody waits within an event."""
        del seconds
        await asyncio.sleep(0)

    def at(self, moment: datetime, event: Event) -> None:
        """Have something happen."""
        heapq.heappush(self._waiting, (moment, next(self._order), event))

    async def run_until(self, end: datetime) -> None:
        """Let everything happen until then."""
        while self._waiting and self._waiting[0][0] <= end:
            moment, _, event = heapq.heappop(self._waiting)
            self._now = max(self._now, moment)
            await event()
        self._now = end


class Meter:
    """CPU seconds per party: whoever answers a call is charged for it, not the caller."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._stack: list[str] = []
        self._since = 0.0

    @contextmanager
    def working(self, who: str) -> Iterator[None]:
        """Charge what happens inside to ``who``."""
        self._settle()
        self._stack.append(who)
        try:
            yield
        finally:
            self._settle()
            self._stack.pop()

    def _settle(self) -> None:
        now = time.process_time()
        if self._stack:
            self.seconds[self._stack[-1]] += now - self._since
        self._since = now


class Wire:
    """Who can reach whom, and how many bytes went."""

    def __init__(self, meter: Meter) -> None:
        self.parties: dict[str, tuple[str, Party]] = {}
        self.away: set[str] = set()
        self.shown: dict[tuple[str, str], Party] = {}
        """Caller and address: another face that is shown to that caller."""
        self.received: defaultdict[str, int] = defaultdict(int)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._meter = meter

    def as_seen_by(self, who: str) -> "Seat":
        return Seat(self, who)

    async def get(self, who: str, url: str, max_bytes: int) -> bytes:
        for address, (name, party) in self.parties.items():
            if url.startswith(address):
                self.calls[who] += 1
                if address in self.away:
                    raise TransferError(f"{address}: unreachable")
                with self._meter.working(name):
                    body = await _answer(self.shown.get((who, address), party), url.removeprefix(address))
                assert len(body) <= max_bytes
                self.received[who] += len(body)
                return body
        raise TransferError(f"{url}: unreachable")

    async def post(self, url: str, body: bytes) -> None:
        name, party = self.parties[url]
        if url in self.away:
            raise TransferError(f"{url}: unreachable")
        with self._meter.working(name):
            try:
                await party.host.accept("care", parse_registration(body))
            except RejectedError as error:
                raise TransferError(f"{url}: 400 {error}", 400) from error


class Seat:
    """The wire as one party has it (`registry.ports.Peers`)."""

    def __init__(self, wire: Wire, who: str) -> None:
        self._wire = wire
        self._who = who

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        return await self._wire.get(self._who, url, max_bytes)

    async def post(self, url: str, body: bytes) -> None:
        await self._wire.post(url, body)


async def _answer(party: Party, rest: str) -> bytes:
    service = party.client.services["care"]
    try:
        if rest == "/log/checkpoint":
            return await party.logs.checkpoint(service)
        if rest.startswith("/log/tile/"):
            return await party.logs.tile(service, rest.removeprefix("/log/tile/"))
        after = int(rest.removeprefix("?timestamp="))
        if "care" in party.host.services:
            return (await party.host.page("care", after)).to_wire()
        return (await party.logs.page(service, after)).to_wire()
    except RejectedError as error:
        raise TransferError("404", 404) from error


def minutes(span: timedelta) -> float:
    """A span in minutes."""
    return span / timedelta(minutes=1)
