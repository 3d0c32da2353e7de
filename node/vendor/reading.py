"""Dates, and parameters in addresses, as vendors write them."""

import re
from datetime import datetime
from http import HTTPStatus

from aiohttp import web

from credentials.claims import rfc3339_date
from credentials.errors import MalformedError
from node.web.replies import RequestError

_TYPE = re.compile(r"[!-~]{1,512}", re.ASCII)


def read_date(name: str, text: str | None) -> datetime | None:
    """Read a date and time with an offset, as aware UTC; ``None`` stays ``None``.

    Raises:
        RequestError: 400; names the member.
    """
    if text is None:
        return None
    try:
        return rfc3339_date(text)
    except MalformedError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_member", f"invalid value for {name}: {error}") from error


def read_type(request: web.Request) -> str | None:
    """Read the parameter ``credentialType``; ``None`` when it is not there.

    Raises:
        RequestError: 400.
    """
    text = read_once(request, "credentialType")
    if text is not None and _TYPE.fullmatch(text) is None:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_parameter", "credentialType is not the name of a type")
    return text


def read_once(request: web.Request, name: str) -> str | None:
    """Read a parameter that may be there once; others that nobody knows are ignored, as nuts-node does.

    Raises:
        RequestError: 400.
    """
    given = request.query.getall(name, [])
    if len(given) > 1:
        raise RequestError(HTTPStatus.BAD_REQUEST, "repeated_parameter", f"{name} is given twice")
    return given[0] if given else None
