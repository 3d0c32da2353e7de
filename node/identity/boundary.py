"""This room's errors as HTTP refusals: the translation that the internal listener's boundary asks for."""

from http import HTTPStatus

from node.identity.errors import (
    CredentialConflictError,
    ForeignCredentialError,
    IdentityError,
    InvalidSubjectError,
    SubjectExistsError,
    UnknownCredentialError,
    UnknownKeyError,
    UnknownSubjectError,
)
from node.web.replies import RequestError

_REFUSALS: dict[type[IdentityError], tuple[HTTPStatus, str]] = {
    UnknownSubjectError: (HTTPStatus.NOT_FOUND, "unknown_subject"),
    SubjectExistsError: (HTTPStatus.CONFLICT, "subject_exists"),
    InvalidSubjectError: (HTTPStatus.BAD_REQUEST, "invalid_subject"),
    ForeignCredentialError: (HTTPStatus.BAD_REQUEST, "foreign_credential"),
    CredentialConflictError: (HTTPStatus.CONFLICT, "credential_conflict"),
    UnknownCredentialError: (HTTPStatus.NOT_FOUND, "unknown_credential"),
    UnknownKeyError: (HTTPStatus.NOT_FOUND, "unknown_key"),
}


def as_request_error(error: Exception) -> RequestError | None:
    """Translate ``error`` when it is one of this room's; ``None`` otherwise."""
    if not isinstance(error, IdentityError) or type(error) not in _REFUSALS:
        return None
    status, code = _REFUSALS[type(error)]
    return RequestError(status, code, str(error))
