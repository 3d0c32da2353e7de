"""This room's errors as HTTP refusals, with the statuses of nuts-node (WIRE §2.11.5)."""

from http import HTTPStatus

from node.issuing.errors import (
    AlreadyRevokedError,
    InvalidRequestError,
    IssuingError,
    ListUnavailableError,
    NotRenewableError,
    NotRevocableError,
    RequestKeyReusedError,
    UnknownIssuedError,
    UnknownIssuerError,
    UnknownListError,
)
from node.web.replies import RequestError

_REFUSALS: dict[type[IssuingError], tuple[HTTPStatus, str, str | None]] = {
    UnknownIssuerError: (HTTPStatus.BAD_REQUEST, "unknown_issuer", "the DIDs of this node: hazel subject list"),
    InvalidRequestError: (HTTPStatus.BAD_REQUEST, "invalid_credential", None),
    RequestKeyReusedError: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "use a new key for a new request",
    ),
    UnknownIssuedError: (HTTPStatus.NOT_FOUND, "unknown_credential", None),
    NotRevocableError: (
        HTTPStatus.BAD_REQUEST,
        "not_revocable",
        "it ends when it expires; issue the next one with a status",
    ),
    AlreadyRevokedError: (HTTPStatus.CONFLICT, "already_revoked", None),
    NotRenewableError: (HTTPStatus.CONFLICT, "not_renewable", None),
    UnknownListError: (HTTPStatus.NOT_FOUND, "unknown_status_list", None),
    ListUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "status_list_unavailable", "try again later"),
}


def as_request_error(error: Exception) -> RequestError | None:
    """Translate ``error`` when it is one of this room's; ``None`` otherwise."""
    if not isinstance(error, IssuingError) or type(error) not in _REFUSALS:
        return None
    status, code, remedy = _REFUSALS[type(error)]
    return RequestError(status, code, str(error), remedy)
