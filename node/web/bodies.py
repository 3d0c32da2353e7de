"""Reading request bodies: a byte limit, a time limit, one content type, strict parsing, one clean error.

Nothing here trusts ``Content-Length``: the limit is applied to the bytes that arrive. Compressed request bodies and multipart
are refused (415), since both can hide more than the limit says. Errors name members of ours and never quote what was sent, not
even the name of a member that we do not know.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from credentials.errors import MalformedError
from credentials.fields import parse_json
from node.web.parameters import read_parameters
from node.web.replies import RequestError

MAX_BODY = 1_048_576
"""Bytes; nuts-node's limit (WIRE §4.5)."""

MAX_FORM_FIELDS = 64

BODY_SECONDS = 20.0
"""How long a body may take to arrive."""

FORM = "application/x-www-form-urlencoded"

Model = TypeVar("Model", bound=BaseModel)


async def read_bytes(request: web.Request, *, max_bytes: int = MAX_BODY, seconds: float | None = None) -> bytes:
    """Read the whole body, which has ``seconds`` to arrive, :data:`BODY_SECONDS` if not told.

    Raises:
        RequestError: 400 when it breaks off or is framed wrongly, 408 when it takes too long, 413 when longer than
            ``max_bytes``, 415 when compressed.
    """
    encodings = request.headers.getall(hdrs.CONTENT_ENCODING, [])
    if any(each.strip().lower() not in ("identity", "") for each in encodings):
        raise RequestError(
            415, "content_encoding", "compressed request bodies are not accepted", "send the body as it is"
        )
    if request.content_length is not None and request.content_length > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS if seconds is None else seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError as error:
        raise RequestError(408, "too_slow", "the body took too long to arrive") from error
    except web.RequestPayloadError as error:
        raise RequestError(400, "malformed_body", "the body is not framed as its headers say") from error
    return bytes(body)


async def read_json(request: web.Request, *, max_bytes: int = MAX_BODY, media_types: tuple[str, ...] = ()) -> Any:
    """Read a JSON body strictly: UTF-8, no duplicate members, no NaN, limited depth.

    Args:
        request: whose body is read.
        max_bytes: limit.
        media_types: accepted beside ``application/json``.

    Raises:
        RequestError: 400, 413 or 415.
    """
    if media_type(request) not in ("application/json", *media_types):
        raise RequestError(415, "content_type", "the body must be JSON", "send Content-Type: application/json")
    body = await read_bytes(request, max_bytes=max_bytes)
    try:
        return parse_json(body, max_bytes=max_bytes)
    except MalformedError as error:
        raise RequestError(400, "malformed_json", str(error)) from error


async def read_model(
    request: web.Request, model: type[Model], *, max_bytes: int = MAX_BODY, parameters: Sequence[str] = ()
) -> Model:
    """Read a JSON body as ``model``; wrong types are a 400 that names the member.

    Whether members that we do not know are refused, the model says (``extra``). Where they are, parameters in the address are
    refused too, but for ``parameters``: what belongs in the body would be overlooked there, and stand in logs.

    Raises:
        RequestError: 400, 413 or 415.
    """
    if model.model_config.get("extra") == "forbid":
        read_parameters(request, *parameters)
    value = await read_json(request, max_bytes=max_bytes)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _invalid_member(model, first) from error


async def read_form(
    request: web.Request, *, max_bytes: int = MAX_BODY, seconds: float | None = None
) -> tuple[tuple[str, str], ...]:
    """Read a form body as name and value pairs in order, repeated names included.

    Raises:
        RequestError: 400, 413 or 415.
    """
    if media_type(request) != FORM:
        raise RequestError(415, "content_type", "the body must be a form", f"send Content-Type: {FORM}")
    return parse_form(await read_bytes(request, max_bytes=max_bytes, seconds=seconds))


def parse_form(body: bytes) -> tuple[tuple[str, str], ...]:
    """Parse ``application/x-www-form-urlencoded`` bytes.

    Raises:
        RequestError: 400 for bytes that are not UTF-8, a NUL, or more than :data:`MAX_FORM_FIELDS` fields.
    """
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS, separator="&"
        )
    except ValueError as error:  # UnicodeDecodeError is one too
        raise RequestError(400, "malformed_form", "the form can not be read") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise RequestError(400, "malformed_form", "the form can not be read")
    return tuple(pairs)


def media_type(request: web.Request) -> str:
    """Return the content type without parameters, lower case; empty when there is none, or more than one."""
    given = request.headers.getall(hdrs.CONTENT_TYPE, [])
    return given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""


def _invalid_member(model: type[BaseModel], error: ErrorDetails) -> RequestError:
    known = _member_names(model)
    where = ".".join(str(part) for part in error["loc"] if isinstance(part, int) or part in known) or "body"
    if error["type"] == "extra_forbidden":
        return RequestError(400, "invalid_member", f"{where}: there is a member that is not known here")
    return RequestError(400, "invalid_member", f"{where}: {error['msg'].removeprefix('Value error, ')}")


@cache
def _member_names(model: type[BaseModel]) -> frozenset[str]:
    """Names that may stand in a message: those of ``model`` and the models in it."""
    return frozenset(_names_in(model))


def _names_in(kind: Any) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from (name, field.alias or name)
            yield from _names_in(field.annotation)
    for part in get_args(kind):
        yield from _names_in(part)


def _too_large(max_bytes: int) -> RequestError:
    return RequestError(413, "too_large", f"the body is longer than {max_bytes} bytes")
