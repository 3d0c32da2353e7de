"""Waiting for what another process does by itself: looked at again and again, for a limited time."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 15.0
_POLL = 0.1


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE) -> bool:
    """Say whether ``holds`` comes true in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not await holds():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_POLL)
    return True
