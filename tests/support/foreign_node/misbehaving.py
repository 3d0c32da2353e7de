"""Everything that a server can do wrongly, by name: how it answers where it should have said something good.

Every wrong answer carries :data:`MARK`, which must never come back out of who asked.
"""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

MARK = "zq7-from-the-foreign-node"
SLOW_SECONDS = 0.4
_CHUNK = (MARK * 2_000).encode()

Good = Callable[[], Awaitable[web.StreamResponse]]
Wrong = Callable[[web.Request, Good], Awaitable[web.StreamResponse]]


async def _slow(_request: web.Request, good: Good) -> web.StreamResponse:
    """The right answer, late."""
    await asyncio.sleep(SLOW_SECONDS)
    return await good()


async def _silent(_request: web.Request, good: Good) -> web.StreamResponse:
    """No answer, until who asked has gone or the server stops."""
    await asyncio.Event().wait()
    return await good()


async def _endless(request: web.Request, _good: Good) -> web.StreamResponse:
    """A body that never ends, fast."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    with suppress(ConnectionError):
        while True:
            await answer.write(_CHUNK)
    return answer


async def _trickle(request: web.Request, _good: Good) -> web.StreamResponse:
    """A body that never ends, a byte at a time."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    with suppress(ConnectionError):
        while True:
            await answer.write(b" ")
            await asyncio.sleep(0.05)
    return answer


async def _truncated(request: web.Request, _good: Good) -> web.StreamResponse:
    """A body that ends before it said it would."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(f'{{"x":"{MARK}'.encode())
    _hang_up(request)
    return answer


async def _not_http(request: web.Request, _good: Good) -> web.StreamResponse:
    """Something that is not HTTP."""
    assert request.transport is not None  # the request has just come over it
    request.transport.write(f"{MARK}\r\n\r\n".encode())
    _hang_up(request)
    return web.Response()


async def _hung_up(request: web.Request, _good: Good) -> web.StreamResponse:
    """Nothing, and the connection is gone."""
    _hang_up(request)
    return web.Response()


async def _compressed(_request: web.Request, _good: Good) -> web.StreamResponse:
    """A hundred megabytes of spaces, packed."""
    body = gzip.compress(b" " * 100_000_000, compresslevel=1)
    return web.Response(body=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})


async def _redirecting(request: web.Request, _good: Good) -> web.StreamResponse:
    """The request, with its body, is to be sent elsewhere; who does is caught there."""
    return web.Response(status=307, headers={"Location": f"https://{request.host}/elsewhere/{MARK}"})


async def _reflecting(request: web.Request, _good: Good) -> web.StreamResponse:
    """An error that repeats what was sent."""
    sent = (await request.read()).decode(errors="replace")
    said = {"error": "invalid_request", "error_description": f"{MARK} {request.rel_url} {sent}"}
    return web.json_response(said, status=400)


def _always(body: str, *, status: int = 200, content_type: str = "application/json") -> Wrong:
    async def answer(_request: web.Request, _good: Good) -> web.StreamResponse:
        return web.Response(text=body, status=status, content_type=content_type)

    return answer


def _changed(change: Callable[[dict[str, Any]], Mapping[str, Any]], *, content_type: str | None = None) -> Wrong:
    """The good answer, with something else in it."""

    async def answer(_request: web.Request, good: Good) -> web.StreamResponse:
        right = await good()
        assert isinstance(right, web.Response)  # what is good here is never streamed
        assert right.text is not None
        body = json.dumps(change(json.loads(right.text)))
        return web.Response(text=body, status=right.status, content_type=content_type or "application/json")

    return answer


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()


ANYWHERE: Mapping[str, Wrong] = {
    "silent": _silent,
    "endless": _endless,
    "trickle": _trickle,
    "truncated": _truncated,
    "not_http": _not_http,
    "hung_up": _hung_up,
    "compressed": _compressed,
    "redirecting": _redirecting,
    "html": _always(f"<html>{MARK}</html>", content_type="text/html"),
    "wrong_type": _changed(lambda good: good, content_type="text/plain"),
    "broken_json": _always(f'{{"x": "{MARK}"'),
    "deep_json": _always("[" * 50_000),
    "another_json": _always(json.dumps([MARK])),
    "large": _always(json.dumps({"x": MARK * 100_000})),
    "error_500": _always(json.dumps({"error": "server_error", "error_description": MARK}), status=500),
    "error_400": _reflecting,
}
"""At any endpoint."""

METADATA: Mapping[str, Wrong] = {
    "another_issuer": _changed(lambda good: good | {"issuer": f"https://{MARK}.example/oauth2/x"}),
    "plain_http": _changed(lambda good: good | {"token_endpoint": f"http://{MARK}.example/token"}),
    "with_password": _changed(lambda good: good | {"token_endpoint": f"https://a:{MARK}@localhost/token"}),
    "inside": _changed(lambda good: good | {"token_endpoint": "https://169.254.169.254/latest/meta-data"}),
    "other_methods": _changed(lambda good: good | {"did_methods_supported": ["nuts"]}),
    "other_formats": _changed(lambda good: good | {"vp_formats_supported": {"mso_mdoc": {}}}),
}
"""In what a server says about itself."""

TOKEN: Mapping[str, Wrong] = {
    "downgraded": _changed(lambda good: good | {"token_type": "Bearer"}),
    "unknown_type": _changed(lambda good: good | {"token_type": MARK}),
    "no_token": _changed(lambda good: {name: value for name, value in good.items() if name != "access_token"}),
    "header_in_token": _changed(lambda good: good | {"access_token": f"{MARK}\r\nX-Other: 1"}),
    "endless_token": _changed(lambda good: good | {"access_token": "x" * 5_000}),
    "negative_lifetime": _changed(lambda good: good | {"expires_in": -1}),
}
"""In its reply to a token request."""

LATE: Mapping[str, Wrong] = {"slow": _slow}
"""What is right all the same."""

MISBEHAVIOURS: Mapping[str, Wrong] = {**ANYWHERE, **METADATA, **TOKEN, **LATE}
