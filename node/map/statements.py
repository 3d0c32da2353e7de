"""What other organisations' FHIR servers say of themselves: asked for side by side, within one time, and remembered for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from node.doctor.capability import Capability
from node.doctor.fhir import NoCapabilityError, read_capability
from node.exchange.deadline import deadline
from node.ports import Clock, HttpClient

AT_ONCE: Final = 16
EACH_SECONDS: Final = 4.0
ALL_SECONDS: Final = 12.0
"""For all of them; who did not answer by then is not looked at this time."""

KEEP_SECONDS: Final = 900.0
KEEP_FAILURE_SECONDS: Final = 60.0
MAX_STATEMENTS: Final = 4_096
"""Remembered; the one that was asked for longest ago goes."""


class Statements:
    """Reads capability statements, without a token."""

    def __init__(self, peers: HttpClient, clock: Clock) -> None:
        self._peers = peers
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Capability | NoCapabilityError]] = OrderedDict()

    async def of(self, bases: Iterable[str]) -> Mapping[str, Capability | NoCapabilityError]:
        """Return what the servers at ``bases`` say, or why they don't; servers there was no time for are left out."""
        wanted = list(dict.fromkeys(bases))
        room = asyncio.Semaphore(AT_ONCE)

        async def look(base: str) -> None:
            async with room:
                await self._look(base)

        try:
            async with deadline(self._clock, ALL_SECONDS):
                await asyncio.gather(*(look(base) for base in wanted if self._recall(base) is None))
        except TimeoutError:
            pass  # what came until now is kept
        return {base: found for base in wanted if (found := self._recall(base)) is not None}

    async def _look(self, base: str) -> None:
        found: Capability | NoCapabilityError
        try:
            found = await read_capability(self._peers, base, timeout=EACH_SECONDS)
            keep = KEEP_SECONDS
        except NoCapabilityError as error:
            found, keep = error.with_traceback(None), KEEP_FAILURE_SECONDS
        self._known[base] = (self._clock.monotonic() + keep, found)
        self._known.move_to_end(base)
        while len(self._known) > MAX_STATEMENTS:
            self._known.popitem(last=False)

    def _recall(self, base: str) -> Capability | NoCapabilityError | None:
        until, found = self._known.get(base, (0.0, None))
        return found if found is not None and self._clock.monotonic() < until else None
