"""The two ways through the house over HTTP: ``/fhir/{subject}/{version}/…`` for peers, ``/internal/exchange/v1/…`` for our own systems."""

import asyncio
from contextlib import aclosing

from aiohttp import hdrs, web

from node.exchange import answering
from node.exchange.answering import NDJSON, READER_SECONDS, SSE
from node.exchange.explaining import Explainer, ExplainRequest
from node.exchange.inbound import EnforcementPoint
from node.exchange.incoming import Incoming
from node.exchange.interaction import MAX_BODY
from node.exchange.outbound import Broker
from node.exchange.outcome import FHIR_JSON
from node.exchange.question import Question
from node.ports import Room, World
from node.usecases.book import UseCaseBook
from node.usecases.listing import public_listing
from node.usecases.model import FhirVersion, UseCase
from node.web.bodies import read_bytes, read_model
from node.web.caller import address_of
from node.web.parameters import read_parameters
from node.web.replies import RequestError

ENFORCEMENT = web.AppKey("ENFORCEMENT", dict[str, EnforcementPoint])
BROKERS = web.AppKey("BROKERS", dict[str, Broker])
EXPLAINER = web.AppKey("EXPLAINER", Explainer)
USECASES = web.AppKey("USECASES", UseCaseBook)
WORLD = web.AppKey("WORLD", World)
TELEPHONES: web.AppKey[answering.Telephones] = web.AppKey("TELEPHONES")
"""Where there is a care services directory."""
PUBLIC_ORIGIN = web.AppKey("PUBLIC_ORIGIN", str)

JSON = "application/json"
PARAMETERS = ("view", "as")
VIEW_NAMES = ("timeline", "care-team", "medication", "essentials", "discharge")
"""As views/choose.py has them, which is loaded with the first view."""


def public_routes(base_path: str = "") -> list[web.RouteDef]:
    """Return the routes of the public listener; ``base_path`` is the path of our public URL, empty or starting with a slash."""
    return [
        web.get("/.well-known/use-cases", get_use_cases),
        web.route("*", base_path + "/fhir/{subject}/{version}/{path:.*}", any_fhir),
    ]


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [
        web.post("/internal/exchange/v1/{subject}/{usecase}", post_exchange),
        web.post("/internal/explain/v1/{subject}", post_explain),
        web.get("/internal/usecases/v1", get_use_cases),
    ]


async def any_fhir(request: web.Request) -> web.Response:
    """``/fhir/{subject}/{r4|stu3}/…`` (API.md §5): a peer asks for our data."""
    point = request.app[ENFORCEMENT].get(request.match_info["subject"])
    version = request.match_info["version"]
    if point is None or version not in point.versions:
        raise RequestError(404, "not_found", "not found")
    with point.room() as room:  # until the last byte is handed over
        return await _answer(request, point, await _incoming(request, version, room))


async def _answer(request: web.Request, point: EnforcementPoint, incoming: Incoming) -> web.Response:
    if incoming.path == "metadata":
        if incoming.method != "GET":
            raise RequestError(405, "method_not_allowed", "read only", headers={"Allow": "GET"})
        reply = point.capabilities(incoming.version)
    else:
        reply = await point.answer(incoming)
    headers = {"Content-Type": f"{FHIR_JSON}; charset=utf-8", "Cache-Control": "no-store", **reply.headers}
    if not reply.body:
        del headers["Content-Type"]
    response = web.Response(status=reply.status, body=reply.body, headers=headers)
    try:
        async with asyncio.timeout(READER_SECONDS):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError as error:
        raise ConnectionResetError("the peer does not read") from error
    return response


async def get_use_cases(request: web.Request) -> web.Response:
    """``GET /.well-known/use-cases``: what this node takes part in, without anything secret."""
    return web.json_response(public_listing(request.app[USECASES].loaded))


async def post_exchange(request: web.Request) -> web.StreamResponse:
    """``POST /internal/exchange/v1/{subject}/{usecase}`` (API.md §2): ask everybody, stream what comes."""
    broker, usecase = _broker(request)
    shape, view, as_r4 = _shape(request)
    question = await read_model(request, Question, parameters=PARAMETERS)
    async with aclosing(broker.ask(request.match_info["subject"], usecase, question)) as events:
        if view is not None:
            return await answering.view(events, usecase, view, request.app.get(TELEPHONES))
        if shape == FHIR_JSON:
            return await answering.bundle(events, request.app[WORLD], as_r4=as_r4)
        return await answering.stream(request, events, shape, as_r4=as_r4)


async def post_explain(request: web.Request) -> web.Response:
    """``POST /internal/explain/v1/{subject}`` (API.md §3): why a request was, or would be, allowed or refused; sends nothing."""
    asked = await read_model(request, ExplainRequest)
    explained = await request.app[EXPLAINER].explain(request.match_info["subject"], asked)
    return web.json_response(explained)


def _broker(request: web.Request) -> tuple[Broker, UseCase]:
    subject, usecase_id = request.match_info["subject"], request.match_info["usecase"]
    broker = request.app[BROKERS].get(subject)
    usecase = request.app[USECASES].by_id(usecase_id)
    if broker is None:
        raise RequestError(404, "unknown_subject", "this organisation is not hosted here", "hazel subject list")
    if usecase is None:
        raise RequestError(
            404, "unknown_usecase", "this node does not take part in that use case", "hazel usecase list"
        )
    return broker, usecase


def _shape(request: web.Request) -> tuple[str, str | None, bool]:
    """Return the media type, the view and whether all is wanted in R4; parameters that are not known are refused."""
    parameters = read_parameters(request, *PARAMETERS)
    view, version = parameters.get("view"), parameters.get("as")
    if view is not None and view not in VIEW_NAMES:
        raise RequestError(400, "unknown_view", "view: there is no such view", f"one of {', '.join(VIEW_NAMES)}")
    if version not in (None, "r4"):
        raise RequestError(400, "unknown_version", "as: answers can be read as one version", "as=r4")
    return (JSON if view is not None else _wanted(request)), view, version == "r4"


def _wanted(request: web.Request) -> str:
    """Return the first accepted type that we offer; ``q`` is not weighed, but one of 0 is a no."""
    for part in request.headers.get(hdrs.ACCEPT, "*/*").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if any(parameter in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters):
            continue
        if name in (NDJSON, SSE, FHIR_JSON):
            return name
        if name in ("*/*", "application/*"):
            return NDJSON
    raise RequestError(
        406, "not_acceptable", "none of the accepted types is offered", f"{NDJSON}, {SSE} or {FHIR_JSON}"
    )


async def _incoming(request: web.Request, version: FhirVersion, room: Room) -> Incoming:
    """Return the request as it came in; what can't be read is said, and refused once we know who asks."""
    path, _, query = request.raw_path.partition("?")
    resource = request.match_info.route.resource
    depth = resource.canonical.count("/") if resource is not None else 0  # the last part of the route is the FHIR path
    body, unreadable = b"", None
    if request.can_read_body:
        try:
            body = await read_bytes(request, max_bytes=MAX_BODY)
        except RequestError as error:
            unreadable = error.code
    return Incoming(
        version=version,
        method=request.method,
        path=path.split("/", depth)[depth],
        query=query,
        content_type=request.headers.get(hdrs.CONTENT_TYPE),
        body=body,
        url=f"{request.app[PUBLIC_ORIGIN]}{path}",
        authorization=tuple(request.headers.getall(hdrs.AUTHORIZATION, ())),
        proof=tuple(request.headers.getall("DPoP", ())),
        purpose=tuple(request.headers.getall("Purpose-Of-Use", ())),
        break_glass=tuple(request.headers.getall("Break-The-Glass", ())),
        if_none_match=tuple(request.headers.getall(hdrs.IF_NONE_MATCH, ())),
        if_match=tuple(request.headers.getall(hdrs.IF_MATCH, ())),
        room=room,
        unreadable=unreadable,
        address=address_of(request),
        received=request.app[WORLD].clock.monotonic(),
    )
