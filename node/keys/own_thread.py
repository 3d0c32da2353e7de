"""One thread for a library that may block, or never come back.

It is a daemon: a device that hangs does not keep the process from stopping, as the threads of an executor would.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from queue import SimpleQueue
from typing import Any, TypeVar

from node.keys.errors import VaultAwayError

CALL_SECONDS = 5.0
"""Longest that a caller waits for a device."""

Value = TypeVar("Value")


class OwnThread:
    """Runs one call after the other in a thread of its own.

    Args:
        name: of the thread.
        away: makes the error for a device that hangs.
        seconds: longest wait.
    """

    def __init__(self, name: str, away: Callable[[], VaultAwayError], *, seconds: float = CALL_SECONDS) -> None:
        self._away = away
        self._seconds = seconds
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._late: Future[Any] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], Value]) -> Value:
        """Return what ``work`` returns; waits, so never on the event loop.

        Raises:
            VaultAwayError: it took too long, or one before it still does.
        """
        future = self._submit(work)
        try:
            return future.result(self._seconds)
        except FutureTimeoutError:
            raise self._too_late(future) from None

    async def run(self, work: Callable[[], Value]) -> Value:
        """As :meth:`call`, without blocking the event loop."""
        future = self._submit(work)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._seconds)
        except TimeoutError:
            raise self._too_late(future) from None

    def stop(self, last: Callable[[], None]) -> None:
        """Let the thread end after what was asked and ``last``; does not wait."""
        self._calls.put((Future(), last))
        self._calls.put(None)

    def _submit(self, work: Callable[[], Value]) -> "Future[Value]":
        if self._late is not None and not self._late.done():
            raise self._away()  # at once: nobody should wait again for what hangs
        future: Future[Value] = Future()
        self._calls.put((future, work))
        return future

    def _too_late(self, future: "Future[Any]") -> VaultAwayError:
        if not future.cancel():  # it runs: whoever comes next need not wait
            self._late = future
        return self._away()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, work = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # handed to whoever asked
                future.set_exception(error)
