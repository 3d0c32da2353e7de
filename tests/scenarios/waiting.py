"""Waiting for other processes: they have no event to wait for, so one looks again, up to a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_AGAIN_SECONDS = 0.05


async def eventually(is_so: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    """Wait until ``is_so``.

    Raises:
        TimeoutError: it is not within ``seconds``.
    """
    async with asyncio.timeout(seconds):
        while not await is_so():  # noqa: ASYNC110  # see above
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
