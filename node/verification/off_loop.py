"""Work that takes milliseconds of CPU, done beside the event loop by one thread.

Canonical JSON-LD is pure Python, so a second thread would add nothing but switching. The loop keeps running meanwhile: the
interpreter switches between threads every so often, as ``hazel serve`` sets it. A thread of its own, since the loop's default ones
resolve names.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from credentials.errors import UnavailableError

MAX_WAITING = 64
"""Pieces of work that wait at most; who comes then is refused, instead of answered when nobody listens any more."""

Value = TypeVar("Value")


class OverloadedError(UnavailableError):
    """We have too much to do: nothing is wrong with the message, or with what it names."""


class OffLoop:
    """One thread, started with the first work."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def run(self, work: Callable[[], Value]) -> Value:
        """Return the outcome of ``work``.

        Raises:
            OverloadedError: too much waits already.
            Exception: whatever ``work`` raised.
        """
        if self._waiting >= MAX_WAITING:
            raise OverloadedError("too many messages wait to be verified")
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verification")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the thread; work that waits is dropped."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None
