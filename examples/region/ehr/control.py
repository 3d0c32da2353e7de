"""``/control``, and doing what it was told: around all FHIR requests, except for what is wrong inside a page."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from examples.region.ehr.messages import fhir_answer
from examples.region.ehr.misbehaviour import Misbehaviour
from examples.region.ehr.outcome import operation_outcome
from examples.region.ehr.system import SYSTEM

CONTROL = "/control"
# Where a broken answer breaks off.
BROKEN_AT = 0.6

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOGIN_PAGE = """<!DOCTYPE html>
<html lang="nl"><head><title>Inloggen</title></head>
<body><h1>Uw sessie is verlopen</h1><p>Log opnieuw in.</p></body></html>
"""


async def get_control(request: web.Request) -> web.Response:
    """``GET /control``: what it does wrong at the moment, and what it was asked."""
    system = request.app[SYSTEM]
    seen = {"requests": system.requests, "recent": list(system.recent)}
    return web.json_response({**system.misbehaviour.to_wire(), **seen})


async def post_control(request: web.Request) -> web.Response:
    """``POST /control``: do something wrong from now on, or ``none``."""
    try:
        request.app[SYSTEM].misbehaviour = Misbehaviour.parse(await request.read())
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=HTTPStatus.BAD_REQUEST)
    return await get_control(request)


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the request, and do the wrong thing with it if so told."""
    system = request.app[SYSTEM]
    if request.path == CONTROL:
        return await handler(request)
    system.requests += 1
    system.recent.append(f"{request.method} {request.raw_path}")
    match system.misbehaviour.for_path(request.path):
        case "slow":
            await asyncio.sleep(system.misbehaviour.delay_ms / 1000)
        case "silent":
            await asyncio.Event().wait()  # until the client gives up or we stop
        case "error_500":
            return fhir_answer(
                operation_outcome("exception", "java.lang.NullPointerException"), HTTPStatus.INTERNAL_SERVER_ERROR
            )
        case "html":
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        case "broken_json":
            whole = await handler(request)
            if isinstance(whole, web.Response) and isinstance(whole.body, bytes):
                whole.body = whole.body[: int(len(whole.body) * BROKEN_AT)]
            return whole
        case _:
            pass
    return await handler(request)
