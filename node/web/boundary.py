"""Where exceptions become replies: one middleware, one renderer per dialect, chosen by path.

Domain code knows no status codes. A feature that raises errors of its own hands over a translation (error -> RequestError or
``None``); what nobody translates becomes a 500 that says nothing to the caller and everything to our log except its content.
Paths are judged here too, before any route sees them: dot segments, encoded slashes, NUL and the like are refused as they came
in, since decoding them first is how they work. So is framing: what says where a request ends, and whether it has a body.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.typedefs import Handler, Middleware

from node.storage.database import DatabaseBusyError
from node.web.caller import ADDRESS, caller_address
from node.web.limits import Strangers, throttled
from node.web.operation import OPERATION
from node.web.problem import as_problem
from node.web.replies import ErrorReply, RequestError

logger = logging.getLogger(__name__)

MAX_PATH = 2_048
"""Characters; a did:x509 credential id in a path is the longest we know of, at about 700."""

MAX_TARGET = 8_000
"""Characters of path and query together."""

HANDLER_SECONDS = 70.0
"""No request may take longer; streams end themselves before (60 s hard deadline, LANDSCAPE §4.5)."""

BUSY_SECONDS = "2"
"""When to try again what the database had no time for."""

_COSTS_A_TURN = frozenset({400, 401, 404, 405, 408, 411, 413, 414, 415, 417, 431})
"""What is answered to a stranger whose request could not be read, or proved nothing."""

Renderer = Callable[[RequestError], ErrorReply]
Translation = Callable[[Exception], RequestError | None]

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN = re.compile(r"%2[fF]|%5[cC]|%[01][0-9A-Fa-f]|%7[fF]|\\|//")
_PLAIN = re.compile(r"[!-~]*\Z")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_DELETED_BY_BODY = frozenset({"/internal/vcr/v2/verifier/trust"})
"""Paths of nuts-node's internal API where what is deleted stands in the body."""
_DOTS = re.compile(r"(?:^|/)(?:\.|%2[eE]){1,2}(?:/|$)")


def check_target(target: str) -> None:
    """Refuse request targets that mean different things to different readers.

    Args:
        target: path and query exactly as received.

    Raises:
        RequestError: 400 ``bad_path``, or 414 when too long.
    """
    path, _, query = target.partition("?")
    if len(path) > MAX_PATH or len(target) > MAX_TARGET:
        raise RequestError(414, "too_long", "the address is too long")
    is_plain = _PLAIN.match(target) is not None and path.startswith("/") and "#" not in target
    if not is_plain or _FORBIDDEN.search(path) or _DOTS.search(path):
        raise RequestError(400, "bad_path", "the path is not acceptable", "send the path in its plain form")
    if _BAD_ESCAPE.search(target):
        raise RequestError(400, "bad_path", "the address is not percent-encoded properly")
    if "%" not in target:
        return
    try:
        unquote_to_bytes(path).decode()
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError as error:
        raise RequestError(400, "bad_path", "the address is not UTF-8") from error


def check_framing(request: web.Request) -> None:
    """Refuse requests of which two readers might disagree where they end, or that have a body where none belongs.

    What is contradictory in itself (two lengths, a length and chunks) the parser refused already.

    Raises:
        RequestError: 400.
    """
    # (1) a version that we speak
    if request.version not in (HttpVersion10, HttpVersion11):
        raise RequestError(400, "http_version", "only HTTP/1.0 and HTTP/1.1 are spoken here")
    # (2) chunks are all that a body may be wrapped in, and HTTP/1.0 has none
    encodings = request.headers.getall(hdrs.TRANSFER_ENCODING, [])
    if encodings and (request.version == HttpVersion10 or [each.lower() for each in encodings] != ["chunked"]):
        raise RequestError(400, "transfer_encoding", "only Transfer-Encoding: chunked is understood")
    # (3) nobody can say what a body of these means (RFC 9110 §9.3.1); who takes any method judges that too
    takes_any = request.match_info.route.method == hdrs.METH_ANY
    in_body = request.method == hdrs.METH_DELETE and request.path in _DELETED_BY_BODY
    if request.method not in _WITH_BODY and request.body_exists and not takes_any and not in_body:
        raise RequestError(400, "body_not_allowed", "a request of this method has no body")


def check_turns(strangers: Strangers | None, address: str | None) -> None:
    """Refuse a caller of whom too much was refused just now.

    Raises:
        RequestError: 429.
    """
    if strangers is not None and (seconds := strangers.wait(address)) > 0:
        raise throttled(seconds)


def boundary(
    renderers: Sequence[tuple[str, Renderer]],
    translations: Sequence[Translation] = (),
    strangers: Strangers | None = None,
    *,
    behind_proxy: bool = False,
) -> Middleware:
    """Make the middleware that stands around everything on one listener.

    Args:
        renderers: path prefix and renderer, first match wins; problem documents otherwise.
        translations: features' own errors to :class:`RequestError`.
        strangers: keeps turns of addresses; a refusal costs one, unless the caller had proved who they are.
        behind_proxy: whether a proxy does TLS in front of this listener.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = caller_address(request, behind_proxy=behind_proxy)
        request[ADDRESS] = address or ""
        try:
            check_turns(strangers, address)
            check_target(request.raw_path)
            check_framing(request)
            async with asyncio.timeout(HANDLER_SECONDS):
                return await handler(request)
        except asyncio.CancelledError:
            _note_broken_off(request, strangers, address)
            raise
        except Exception as error:  # this is the one place that turns anything into a reply
            if request.transport is None or request.transport.is_closing():
                _note_broken_off(request, strangers, address)
                raise ConnectionResetError from None
            refusal = _as_request_error(error, translations)
            if strangers is not None and refusal.status in _COSTS_A_TURN and not getattr(error, "recorded", False):
                strangers.take(address)
            if OPERATION in request:
                refusal.title = f"{request[OPERATION]} failed"
            if refusal.code == "internal_error":
                logger.error(
                    "request failed", extra={"code": refusal.code, "error": type(error).__name__}
                )  # traces hold data
                logger.debug("traceback of the failed request", exc_info=error)
            elif refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                logger.warning("request not served", extra={"code": refusal.code, "status": refusal.status})
            return _respond(refusal, renderers, request.path)

    return middleware


def _note_broken_off(request: web.Request, strangers: Strangers | None, address: str | None) -> None:
    """Take a turn of who went away before the body was whole: else places could be held for nothing, one after the other."""
    if strangers is not None and not request.content.is_eof():
        strangers.take(address)


def _as_request_error(error: Exception, translations: Sequence[Translation]) -> RequestError:
    match error:
        case RequestError():
            return error
        case web.HTTPException():
            status = error.status if error.status >= HTTPStatus.BAD_REQUEST else 500
            code = HTTPStatus(status).name.lower()
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return RequestError(status, code, HTTPStatus(status).phrase.lower(), headers=headers)
        case TimeoutError():
            return RequestError(503, "too_slow", "this took too long", "try again later")
        case DatabaseBusyError():
            return RequestError(
                503, "busy", "there is too much to do", "try again", headers={"Retry-After": BUSY_SECONDS}
            )
        case _:
            pass
    for translate in translations:
        translated = translate(error)
        if translated is not None:
            return translated
    return RequestError(
        500, "internal_error", "something went wrong on this side", "the operator's log has the details"
    )


def _respond(error: RequestError, renderers: Sequence[tuple[str, Renderer]], path: str) -> web.Response:
    render = next((renderer for prefix, renderer in renderers if path.startswith(prefix)), as_problem)
    reply = render(error)
    return web.Response(
        status=reply.status,
        body=reply.body,
        headers={"Content-Type": reply.content_type, "Cache-Control": "no-store", **reply.headers},
    )
