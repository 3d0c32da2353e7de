"""Reading request bodies: a byte limit, one content type, strict parsing, one clean error.

Nothing here trusts ``Content-Length``: the limit is applied to the bytes that arrive. Compressed request bodies and multipart
are refused (415), since both can hide more than the limit says.
"""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError

from credentials.errors import MalformedError
from credentials.fields import parse_json
from node.web.replies import RequestError

MAX_BODY = 1_048_576
"""Bytes; nuts-node's limit (WIRE §4.5)."""

MAX_FORM_FIELDS = 64

FORM = "application/x-www-form-urlencoded"

Model = TypeVar("Model", bound=BaseModel)


async def read_bytes(request: web.Request, *, max_bytes: int = MAX_BODY) -> bytes:
    """Read the whole body.

    Raises:
        RequestError: 413 when longer than ``max_bytes``, 415 when compressed.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise RequestError(
            415, "content_encoding", "compressed request bodies are not accepted", "send the body as it is"
        )
    if request.content_length is not None and request.content_length > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
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
    if request.content_type not in ("application/json", *media_types):
        raise RequestError(415, "content_type", "the body must be JSON", "send Content-Type: application/json")
    body = await read_bytes(request, max_bytes=max_bytes)
    try:
        return parse_json(body, max_bytes=max_bytes)
    except MalformedError as error:
        raise RequestError(400, "malformed_json", str(error)) from error


async def read_model(request: web.Request, model: type[Model], *, max_bytes: int = MAX_BODY) -> Model:
    """Read a JSON body as ``model``; unknown members and wrong types are a 400 that names the member.

    Raises:
        RequestError: 400, 413 or 415.
    """
    value = await read_json(request, max_bytes=max_bytes)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part)[:64] for part in first["loc"]) or "body"
        raise RequestError(400, "invalid_member", f"{where}: {first['msg']}") from error


async def read_form(request: web.Request, *, max_bytes: int = MAX_BODY) -> tuple[tuple[str, str], ...]:
    """Read a form body as name and value pairs in order, repeated names included.

    Raises:
        RequestError: 400, 413 or 415.
    """
    if request.content_type != FORM:
        raise RequestError(415, "content_type", "the body must be a form", f"send Content-Type: {FORM}")
    return parse_form(await read_bytes(request, max_bytes=max_bytes))


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


def _too_large(max_bytes: int) -> RequestError:
    return RequestError(413, "too_large", f"the body is longer than {max_bytes} bytes")
