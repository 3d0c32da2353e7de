"""Running an open node: listeners, background work, draining.

Background loops live in one task group; one that fails is logged and started again after a pause, since a node that stopped
refreshing its lists would look alive and slowly become wrong. Stopping closes the listeners first, lets running requests finish,
then ends the loops; the composition root closes the rest in reverse order of opening.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from node.app import Node
from node.web.server import TlsFiles, listen

logger = logging.getLogger(__name__)

RESTART_PAUSE = 5.0
"""Seconds before a loop that failed is started again."""

CERTIFICATE_CHECK = 30.0
"""Seconds between two looks at the TLS certificate files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the node listens, ``host:port``."""

    public: str
    internal: str


@asynccontextmanager
async def serve_node(node: Node) -> AsyncIterator[Addresses]:
    """Listen and work until the block is left."""
    config = node.config
    tls = None
    if config.public.tls_certificate is not None and config.public.tls_key is not None:
        tls = TlsFiles(config.public.tls_certificate, config.public.tls_key)
    loops: dict[str, Callable[[], Awaitable[None]]] = dict(node.loops)
    if tls is not None:
        loops["certificate"] = lambda: _watch_certificate(node, tls)
    listening = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_background(node, loops, listening))
        public_host, public_port = config.public.host_port
        public = await stack.enter_async_context(listen(node.public, (public_host, public_port), tls))
        host, port = config.internal.host_port
        internal = await stack.enter_async_context(
            listen(node.internal, (host, port))
        )  # last: it says that all is ready
        listening.set()
        yield Addresses(public=f"{public_host}:{public}", internal=f"{host}:{internal}")


@asynccontextmanager
async def _background(
    node: Node, loops: Mapping[str, Callable[[], Awaitable[None]]], listening: asyncio.Event
) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_keep(node, name, loop, listening), name=name) for name, loop in loops.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _keep(node: Node, name: str, loop: Callable[[], Awaitable[None]], listening: asyncio.Event) -> None:
    await listening.wait()  # who registers somewhere is asked for its keys at once
    while True:
        try:
            await loop()
        except Exception as error:
            logger.error(
                "background work failed; trying again", extra={"work": name, "error": type(error).__name__}
            )  # traces hold data
            logger.debug("traceback of the background work", exc_info=True)
        await node.world.clock.sleep(RESTART_PAUSE)


async def _watch_certificate(node: Node, tls: TlsFiles) -> None:
    while True:
        await node.world.clock.sleep(CERTIFICATE_CHECK)
        if tls.reload_if_changed():
            logger.info("TLS certificate loaded again")
