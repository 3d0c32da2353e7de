"""TLS in front of a plain port: what the reverse proxy does that a nuts-node is always run behind.

Bytes are passed on as they are, so that what one node says reaches the other unchanged.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.interop.authority import TlsFiles

_CHUNK = 65_536


@asynccontextmanager
async def tls_front(port: int, target_port: int, files: TlsFiles) -> AsyncIterator[None]:
    """Serve TLS on ``port`` of 127.0.0.1 and pass everything on to ``target_port``; leaving the block ends it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a callback of a stream server is one
        running.add(task)
        try:
            await _pass_on(reader, writer, target_port)
        except asyncio.CancelledError:
            pass  # the front is closing; asyncio of 3.11 would log this as an error
        finally:
            running.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    try:
        yield
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target_port: int) -> None:
    """Connect to the target and copy both ways until either side is done."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target_port)
    except OSError:
        await _close(writer)
        return
    ways = (asyncio.ensure_future(_copy(reader, inner_writer)), asyncio.ensure_future(_copy(inner_reader, writer)))
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await _close(inner_writer)
        await _close(writer)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # either side may go at any time
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 2.0)
