"""Listeners: plain HTTP or TLS on one address each, with limits, and certificates that are read again when they change."""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

logger = logging.getLogger(__name__)

MAX_HEADER_BYTES = 16_384
"""A DPoP proof and a token are about 1 kB; certificates are never in headers here."""

KEEP_ALIVE_SECONDS = 75.0
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
async def listen(app: web.Application, address: tuple[str, int], tls: TlsFiles | None = None) -> AsyncIterator[int]:
    """Serve ``app`` on ``address`` (host, port; port 0 picks one) and yield the port; leaving the block drains and stops."""
    app.on_response_prepare.append(_house_headers)
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        shutdown_timeout=DRAIN_SECONDS,
        handler_cancellation=True,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, *address, ssl_context=tls.context() if tls else None, backlog=512)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _house_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "hazel"
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
