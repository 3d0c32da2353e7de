"""AuthZEN over HTTP, for our own systems: the organisation is named in the body."""

import re

from aiohttp import web
from pydantic import ValidationError

from node.exchange.pdp.messages import Evaluation, Evaluations
from node.exchange.pdp.point import DecisionPoint
from node.web.bodies import read_model
from node.web.internal_auth import caller_name, check_acts_for, names_subject
from node.web.replies import RequestError

DECISIONS = web.AppKey("DECISIONS", DecisionPoint)

_REQUEST_ID = re.compile(r"[!-~]{1,128}\Z")


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [
        web.post("/internal/pdp/v1/evaluation", post_evaluation),
        web.post("/internal/pdp/v1/evaluations", post_evaluations),
    ]


@names_subject
async def post_evaluation(request: web.Request) -> web.Response:
    """``POST /internal/pdp/v1/evaluation`` (AuthZEN §6): one question."""
    asked = await read_model(request, Evaluation)
    check_acts_for(request, asked.resource.properties.holder)
    answer = await request.app[DECISIONS].evaluate(asked, caller=caller_name(request))
    return web.json_response(answer, headers=_headers(request))


@names_subject
async def post_evaluations(request: web.Request) -> web.Response:
    """``POST /internal/pdp/v1/evaluations`` (AuthZEN §7): several, answered in order."""
    several = await read_model(request, Evaluations)
    try:
        asked = several.each()
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
        raise RequestError(400, "malformed", f"an evaluation is not complete or not understood: {place}") from None
    for each in asked:
        check_acts_for(request, each.resource.properties.holder)
    answers = await request.app[DECISIONS].evaluate_all(
        asked, several.options.evaluations_semantic, caller=caller_name(request)
    )
    return web.json_response({"evaluations": answers}, headers=_headers(request))


def _headers(request: web.Request) -> dict[str, str]:
    """Give the caller's request id back, as AuthZEN asks (§10.1.3)."""
    given = request.headers.get("X-Request-ID", "")
    known = {"X-Request-ID": given} if _REQUEST_ID.match(given) else {}
    return {"Cache-Control": "no-store", **known}
