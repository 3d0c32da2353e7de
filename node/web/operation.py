"""Operations of nuts-node's internal API have names, and its errors say which one failed: ``CreateSubject failed`` (WIRE §2.1)."""

from aiohttp import web
from aiohttp.typedefs import Handler

OPERATION = web.RequestKey("OPERATION", str)


def operation(name: str, handler: Handler) -> Handler:
    """Make ``handler`` known as ``name``; the boundary puts it in the title of what it refuses."""

    async def named(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = name
        return await handler(request)

    return named
