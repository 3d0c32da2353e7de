"""A foreign node over TLS on loopback, so that a Hazel node in a process of its own can stand opposite it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.support.foreign_node.node import ForeignNode


@asynccontextmanager
async def serving(node: ForeignNode, port: int, *, certificate: Path, key: Path) -> AsyncIterator[ForeignNode]:
    """Serve ``node`` on ``port`` of 127.0.0.1 until the block is left; who is kept waiting is let go then."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(node.app(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield node
    finally:
        await runner.cleanup()
