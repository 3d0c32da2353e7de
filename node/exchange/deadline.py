"""A time limit on the world's clock: as :func:`asyncio.timeout`, so that tests need not wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from node.ports import Clock


@asynccontextmanager
async def deadline(clock: Clock, seconds: float) -> AsyncIterator[None]:
    """Cancel what is inside when ``seconds`` have passed.

    Raises:
        TimeoutError: they have.
    """
    async with asyncio.timeout(None) as limit:

        async def ring() -> None:
            await clock.sleep(seconds)
            limit.reschedule(asyncio.get_running_loop().time())

        alarm = asyncio.create_task(ring())
        try:
            yield
        finally:
            alarm.cancel()
