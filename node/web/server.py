"""Listeners: plain HTTP or TLS on one address each, with limits, and certificates that are read again when they change.

What a single connection may do is in ``connection.py``; what is done with a request that came in whole, in ``boundary.py``.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from node.web.connection import HEADER_SECONDS, SERVER, Connection

logger = logging.getLogger(__name__)

MAX_HEADER_BYTES = 16_384
"""A DPoP proof and a token are about 1 kB; certificates are never in headers here."""

MAX_HEADERS = 100

KEEP_ALIVE_SECONDS = 75.0
"""How long a connection may be idle."""

HANDSHAKE_SECONDS = 10.0
"""How long a TLS handshake may take."""

DRAIN_SECONDS = 8.0
"""How long running requests may take to finish when we stop; SIGTERM to exit is 10 s in all."""


@dataclass(slots=True)
class TlsFiles:
    """A server certificate (chain, leaf first) and its key, both PEM; ``reload`` notices when they were replaced."""

    certificate: Path
    key: Path
    _context: ssl.SSLContext | None = None
    _seen: tuple[int, int] = (0, 0)

    def context(self) -> ssl.SSLContext:
        """Return the context to listen with, loaded once."""
        if self._context is None:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._load()
        return self._context

    def reload_if_changed(self) -> bool:
        """Load the files again when either is newer than what we use; new connections get the new certificate."""
        if self._context is None or self._stamp() == self._seen:
            return False
        try:
            self._load()
        except (OSError, ssl.SSLError):
            logger.exception("the new TLS certificate can not be used; the old one stays")
            self._seen = self._stamp()
            return False
        return True

    def _load(self) -> None:
        self._seen = self._stamp()
        context = self._context or self.context()
        context.load_cert_chain(self.certificate, self.key)

    def _stamp(self) -> tuple[int, int]:
        return self.certificate.stat().st_mtime_ns, self.key.stat().st_mtime_ns


@asynccontextmanager
async def listen(
    app: web.Application,
    address: tuple[str, int],
    tls: TlsFiles | None = None,
    *,
    header_seconds: float = HEADER_SECONDS,
) -> AsyncIterator[int]:
    """Serve ``app`` on ``address`` (host, port; port 0 picks one) and yield the port; leaving the block drains and stops.

    Args:
        app: what answers.
        address: host and port to bind.
        tls: certificate and key; plain HTTP without.
        header_seconds: how long the head of a request may take to arrive.
    """
    app.on_response_prepare.append(_house_headers)
    runner = web.AppRunner(app, shutdown_timeout=DRAIN_SECONDS, handler_cancellation=True)
    await runner.setup()
    manager = runner.server
    assert manager is not None  # set up above
    manager.request_factory = partial(_request, manager.request_factory)
    loop = asyncio.get_running_loop()

    def connection() -> Connection:
        return Connection(
            manager,
            header_seconds=header_seconds,
            loop=loop,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
        )

    try:
        listening = await loop.create_server(
            connection,
            *address,
            ssl=tls.context() if tls else None,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
            backlog=512,
        )
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def _request(make: Callable[..., web.BaseRequest], message: Any, *rest: Any) -> web.BaseRequest:
    """Make a request without an ``Expect`` that we do not know: aiohttp would refuse it, and quote it, before any of our code.

    RFC 9110 §10.1.1 leaves it to the server.
    """
    if hdrs.EXPECT in message.headers and message.headers.getall(hdrs.EXPECT) != ["100-continue"]:
        headers = CIMultiDict(message.headers)
        del headers[hdrs.EXPECT]
        message = message._replace(headers=CIMultiDictProxy(headers))
    return make(message, *rest)


async def _house_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
