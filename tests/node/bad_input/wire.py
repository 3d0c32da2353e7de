"""HTTP as bytes: sends exactly what it is told, and reads one answer. A client that tidies up would hide what is tested here."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from credentials.fields import parse_json

PATIENCE = 15.0
"""Seconds; no answer by then is a failure."""

Headers = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        headers: in order, names in lower case.
        raw: everything that came, status line and headers included.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes

    @property
    def content_type(self) -> str:
        """The media type, without parameters."""
        return (self.header("content-type") or "").partition(";")[0]

    def header(self, name: str) -> str | None:
        """The one header with this name."""
        found = [value for each, value in self.headers if each == name]
        assert len(found) < 2, f"{name} is there {len(found)} times"
        return found[0] if found else None

    def json(self) -> Any:
        """The body, read as strictly as we read others'."""
        return parse_json(self.body)


def request_bytes(
    method: str, target: str, headers: Headers = (), body: bytes | None = None, *, chunked: bool = False
) -> bytes:
    """One request on a connection of its own; a length, or chunks, goes with every body."""
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1"), b"Host: node.example", b"Connection: close"]
    lines += [name.encode("latin-1") + b": " + _bytes(value) for name, value in headers]
    if body is not None and not chunked:
        lines.append(f"Content-Length: {len(body)}".encode())
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
        pieces = [(body or b"")[at : at + 65_536] for at in range(0, len(body or b""), 65_536)]
        body = b"".join(f"{len(each):x}\r\n".encode() + each + b"\r\n" for each in pieces) + b"0\r\n\r\n"
    return b"\r\n".join([*lines, b"", b""]) + (body or b"")


@asynccontextmanager
async def connected(
    port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a listener on this machine, for as long as one test may take."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):  # the other side may have gone first
                await writer.wait_closed()


async def exchange(port: int, data: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """Send ``data`` on a new connection and return everything that comes back until the other side closes."""
    async with connected(port, tls) as (reader, writer):
        received = asyncio.create_task(_everything(reader))
        writer.write(data)
        with suppress(ConnectionError):  # it heard enough; what it said before counts
            await writer.drain()
        return await received


async def send(
    port: int,
    method: str,
    target: str,
    headers: Headers = (),
    body: bytes | None = None,
    *,
    chunked: bool = False,
    after: bytes = b"",
) -> Answer:
    """Send one request, and ``after`` behind it, and read its answer."""
    return parse_answer(await exchange(port, request_bytes(method, target, headers, body, chunked=chunked) + after))


def parse_answer(raw: bytes) -> Answer:
    """Read the first answer in ``raw``; interim ones are skipped."""
    rest = raw
    while rest.startswith(b"HTTP/1.1 100 "):
        rest = rest.partition(b"\r\n\r\n")[2]
    head, end, body = rest.partition(b"\r\n\r\n")
    assert end, f"no whole answer: {raw[:200]!r}"
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    if ("transfer-encoding", "chunked") in headers:
        body = _unchunked(body)
    else:
        length = next((int(value) for name, value in headers if name == "content-length"), 0)
        body = body[:length]
    return Answer(status=int(status_line.split(" ")[1]), headers=headers, body=body, raw=raw)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


async def _everything(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    with suppress(ConnectionError):  # closed while we were still sending
        while chunk := await reader.read(65_536):
            received += chunk
    return bytes(received)


def _unchunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        whole, data = whole + data[:length], data[length + 2 :]
    return whole
