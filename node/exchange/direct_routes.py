"""``ANY /internal/fhir/v1/{subject}/{URA}/{path…}``: one FHIR request to one peer, credentials handled (API.md §2).

``X-Use-Case`` names the use case, ``X-User-Id``, ``X-User-Name`` and ``X-User-Role`` say who asks (UTF-8, percent-encoded where it is
not plain ASCII), ``Purpose-Of-Use`` and ``Break-The-Glass`` are as between nodes. The answer is FHIR JSON, the resources as received.
"""

from typing import Any, TypeVar, get_args
from urllib.parse import unquote_to_bytes

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from credentials.encoding import b64url_decode
from credentials.errors import CredentialError
from node.exchange.direct import Direct, DirectAnswer, DirectRequest
from node.exchange.interaction import MAX_BODY
from node.exchange.outcome import FHIR_JSON
from node.exchange.question import AskingUser, BreakGlass
from node.exchange.routes import BROKERS, USECASES
from node.exchange.searchset import write_resource, write_searchset
from node.usecases.model import Purpose, UseCase
from node.web.bodies import read_bytes
from node.web.replies import RequestError

PREFIX = "/internal/fhir/v1"
Model = TypeVar("Model", bound=BaseModel)

_USER = {"identifier": "X-User-Id", "name": "X-User-Name", "role": "X-User-Role"}


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [web.route("*", PREFIX + "/{subject}/{ura:[0-9]{8}}/{path:.*}", any_direct)]


async def any_direct(request: web.Request) -> web.Response:
    """``ANY /internal/fhir/v1/{subject}/{URA}/{path…}`` with ``X-Use-Case``."""
    broker = request.app[BROKERS].get(request.match_info["subject"])
    if broker is None:
        raise RequestError(404, "unknown_subject", "this organisation is not hosted here", "hazel subject list")
    usecase = request.app[USECASES].by_id(_header(request, "X-Use-Case") or "")
    if usecase is None:
        raise RequestError(
            400, "unknown_usecase", "X-Use-Case: this node does not take part in that use case", "hazel usecase list"
        )
    asked = await _asked(request, usecase)
    answer = await Direct(broker).ask(request.match_info["subject"], usecase, request.match_info["ura"], asked)
    return _reply(request, answer)


async def _asked(request: web.Request, usecase: UseCase) -> DirectRequest:
    path, _, query = request.raw_path.partition("?")
    user = {member: _text(request, header) for member, header in _USER.items()}
    purpose = _header(request, "Purpose-Of-Use") or usecase.purposes[0]
    if purpose not in get_args(Purpose):
        raise RequestError(400, "purpose_malformed", "Purpose-Of-Use: not a purpose of use")
    glass = _glass(request)
    if (glass is not None) != (purpose == "BTG"):
        raise RequestError(400, "glass_and_purpose", "Break-The-Glass goes with Purpose-Of-Use BTG, and only with it")
    depth = PREFIX.count("/") + 3
    return DirectRequest(
        user=_checked(AskingUser, user, _USER),
        purpose=purpose,  # type: ignore[arg-type]  # one of them, checked above
        break_glass=glass,
        method=request.method,
        path=path.split("/", depth)[depth],
        query=query,
        content_type=request.headers.get(hdrs.CONTENT_TYPE),
        body=await read_bytes(request, max_bytes=MAX_BODY) if request.can_read_body else b"",
    )


def _glass(request: web.Request) -> BreakGlass | None:
    text = _header(request, "Break-The-Glass")
    if text is None:
        return None
    try:
        reason = b64url_decode(text).decode()
    except (CredentialError, ValueError) as error:
        raise RequestError(400, "glass_malformed", "Break-The-Glass: not base64url of the reason") from error
    return _checked(BreakGlass, {"reason": reason}, {"reason": "Break-The-Glass"})


def _checked(model: type[Model], members: dict[str, Any], headers: dict[str, str]) -> Model:
    try:
        return model.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        header = headers.get(str(first["loc"][0]) if first["loc"] else "", "X-User-Id")
        raise RequestError(400, "invalid_header", f"{header}: {first['msg'].removeprefix('Value error, ')}") from error


def _header(request: web.Request, name: str) -> str | None:
    """Return a header that may stand there once."""
    found = request.headers.getall(name, [])
    if len(found) > 1:
        raise RequestError(400, "header_twice", f"{name}: stands there twice")
    return found[0] if found else None


def _text(request: web.Request, name: str) -> str:
    found = _header(request, name)
    if not found:
        raise RequestError(400, "header_missing", f"{name}: says who asks, and is not there")
    try:
        return unquote_to_bytes(found).decode()
    except ValueError as error:
        raise RequestError(400, "invalid_header", f"{name}: not UTF-8, percent-encoded") from error


def _reply(request: web.Request, answer: DirectAnswer) -> web.Response:
    base = answer.holder.base
    if answer.page.kind == "resource":
        if not answer.page.resources:
            raise RequestError(404, "not_found", "the organisation does not have this resource any more")
        body = write_resource(answer.page, public_base=base, inner_bases=())
    else:
        ours = f"{PREFIX}/{request.match_info['subject']}/{answer.holder.ura}/{answer.type}?_cursor={answer.link}"
        next_url = None if answer.link is None else str(request.url.origin()) + ours
        body = write_searchset(answer.page, public_base=base, inner_bases=(), next_url=next_url)
    return web.Response(
        body=body,
        headers={
            "Content-Type": f"{FHIR_JSON}; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Exchange-Id": answer.exchange_id,
            "X-Audit-Record": str(answer.audit),
        },
    )
