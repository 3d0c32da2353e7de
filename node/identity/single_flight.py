"""Many callers, one piece of work: who asks while the same work is under way shares its outcome.

No task is started: the first caller does the work in its own. When that caller is cancelled, one of those who wait takes over,
so that nobody's request fails because somebody else hung up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Abandoned(Exception):  # noqa: N818  # a signal between callers, never an error of anybody
    """The caller that did the work was cancelled."""


class SingleFlight(Generic[Key, Value]):
    """Shares work by key among the callers of one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Future[Value]] = {}

    def __contains__(self, key: Key) -> bool:
        """Whether work for ``key`` is under way."""
        return key in self._under_way

    async def run(self, key: Key, work: Callable[[], Awaitable[Value]]) -> Value:
        """Return the outcome of ``work``, done by whoever asked for ``key`` first.

        Raises:
            Exception: whatever ``work`` raised, for everybody who waited for it.
        """
        while (running := self._under_way.get(key)) is not None:
            try:
                return await asyncio.shield(running)  # our own cancellation must not end the others' waiting
            except _Abandoned:
                continue
        outcome: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._under_way[key] = outcome
        try:
            value = await work()
        except Exception as error:
            outcome.set_exception(error)
            outcome.exception()  # looked at, also when nobody waits
            raise
        except BaseException:
            outcome.set_exception(_Abandoned())
            outcome.exception()
            raise
        finally:
            del self._under_way[key]
        outcome.set_result(value)
        return value
