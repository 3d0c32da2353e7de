"""Dates in vendors' messages."""

from datetime import datetime
from http import HTTPStatus

from credentials.claims import rfc3339_date
from credentials.errors import MalformedError
from node.web.replies import RequestError


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
