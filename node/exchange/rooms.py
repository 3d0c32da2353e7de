"""Memory for answers that are on their way: one budget for all of them, so that many large pages at once can not fill the machine.

A page is in memory twice for a moment, as our server sent it and as it leaves; that is what is asked for, once its length is known.
Who doesn't fit waits, in order; who waits too long is told to come back::

    with budget.room() as room:
        await room.take(content_length)      # the client, before it reads the body
        room.settle(len(body))               # and when it knows better
                                             # given back when the last byte was handed to the peer
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

PAGES_BYTES = 256 * 1_048_576
"""All answers together that are in memory for peers."""

WAIT_SECONDS = 2.0
"""Then the answer is 503."""

MAX_WAITING = 512

COPIES = 2


class NoRoomError(Exception):
    """There was no memory for this answer in time."""


class PageBudget:
    """Bytes that answers may take together; ``wait`` is in seconds."""

    def __init__(self, total: int = PAGES_BYTES, *, wait: float = WAIT_SECONDS) -> None:
        self._total = total
        self._free = total
        self._wait = wait
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def used(self) -> int:
        """Bytes that are given out."""
        return self._total - self._free

    def room(self) -> "Room":
        """Return room for one answer, nothing of it taken yet."""
        return Room(self)

    async def take(self, size: int) -> None:
        """Take ``size`` bytes, or wait for them behind those who came before.

        Raises:
            NoRoomError: not within the time, or more than there is.
        """
        if size > self._total or len(self._waiting) >= MAX_WAITING:
            raise NoRoomError
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self._wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.give_back(size)  # it came just now
            else:
                self._waiting.remove(entry)
                self._let_in()
            if isinstance(error, TimeoutError):
                raise NoRoomError from None
            raise

    def give_back(self, size: int) -> None:
        """Give ``size`` bytes back, and let in who waits."""
        self._free += size
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= size
                turn.set_result(None)


class Room:
    """Memory for one answer; leaving the block gives it back."""

    def __init__(self, budget: PageBudget) -> None:
        self._budget = budget
        self._taken = 0

    async def take(self, size: int) -> None:
        """Take memory for a body of ``size`` bytes.

        Raises:
            NoRoomError: there is none in time.
        """
        await self._budget.take(size * COPIES)
        self._taken += size * COPIES

    def settle(self, size: int) -> None:
        """Give back what was taken beyond a body of ``size`` bytes."""
        over = self._taken - size * COPIES
        if over > 0:
            self._taken -= over
            self._budget.give_back(over)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        taken, self._taken = self._taken, 0
        if taken:
            self._budget.give_back(taken)
