"""One connection: what is said to bytes that are no HTTP, and how long a request may take to arrive.

aiohttp answers malformed HTTP by itself, before any of our code, and quotes the bytes in the answer and in its log; here the answer
is one fixed problem document. Who reads a body that breaks waits for ever there; here it is told. And aiohttp waits for the first
line and headers as long as for the next request on an idle connection; here a request that has begun arrives within
:data:`HEADER_SECONDS`, or the connection ends (a client that sends a byte now and then would hold it for ever).
"""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http import RawRequestMessage

from node.web.problem import PROBLEM_JSON, as_problem
from node.web.replies import RequestError

logger = logging.getLogger(__name__)

HEADER_SECONDS = 15.0
"""From the first byte of a request to the end of its headers."""

SERVER = "hazel"

_MALFORMED = RequestError(400, "malformed_http", "this is not a well-formed HTTP request")
_BROKEN = RequestError(500, "internal_error", "something went wrong on this side", "the operator's log has the details")
_TOO_SLOW = RequestError(408, "too_slow", "the request took too long to arrive")


class Connection(web.RequestHandler):
    """A client's connection to one of our listeners.

    Attributes:
        header_seconds: how long the head of a request may take.
    """

    __slots__ = ("_deadline", "header_seconds")

    def __init__(self, manager: web.Server, *, header_seconds: float, **rest: Any) -> None:
        super().__init__(manager, **rest)
        self.header_seconds = header_seconds
        self._deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes from the network; watch the time while they are the head of a request."""
        super().data_received(data)
        self._tell_broken_body()
        if not self._waits_for_head():
            self._stop_watching()
        elif self._deadline is None and self.transport is not None:
            self._deadline = asyncio.get_running_loop().call_later(self.header_seconds, self._give_up)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self._stop_watching()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # quotes the request
    ) -> web.StreamResponse:
        """Answer what no application saw, or could not handle, in fixed words; the connection ends."""
        if isinstance(exc, ConnectionError):
            raise exc
        if request.writer.output_size > 0:
            raise ConnectionResetError  # half an answer is out: cut it off rather than put another one behind it
        refusal = _MALFORMED if status == HTTPStatus.BAD_REQUEST else _BROKEN
        if refusal is _BROKEN:
            logger.error("request failed outside of the boundary", extra={"error": type(exc).__name__})
        else:
            logger.debug("malformed HTTP", extra={"address": request.remote, "code": refusal.code})
        reply = as_problem(refusal)
        headers = {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store", "Server": SERVER}
        response = web.Response(status=reply.status, body=reply.body, headers=headers)
        response.force_close()
        return response

    def _tell_broken_body(self) -> None:
        """Let the reader of a body know at once that the rest of it can not be read: aiohttp would let it wait."""
        if not self._messages or isinstance(self._messages[-1][0], RawRequestMessage):
            return
        current = self._current_request.content if self._current_request is not None else None
        body = self._messages[-2][1] if len(self._messages) > 1 else current
        if body is None or body.is_eof():
            return
        self._messages.pop()  # the answer to the request says it
        body.set_exception(web.RequestPayloadError("malformed body"))
        body.feed_eof()
        self.close()

    def _waits_for_head(self) -> bool:
        """Say whether no request is whole: nothing was parsed yet, or the last one is answered and the next one waited for."""
        return self._request_count == 0 or (self._waiter is not None and not self._waiter.done())

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.transport is None or not self._waits_for_head():
            return
        body = as_problem(_TOO_SLOW).body
        self.transport.write(
            f"HTTP/1.1 408 Request Timeout\r\nContent-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n"
            f"Cache-Control: no-store\r\nServer: {SERVER}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        self.force_close()
