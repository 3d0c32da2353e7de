"""This room's errors as HTTP refusals: the translation that the internal listener's boundary asks for."""

from http import HTTPStatus

from node.identity.errors import (
    CredentialConflictError,
    DeactivatedError,
    FixedKeyError,
    ForeignCredentialError,
    IdentityError,
    InvalidSubjectError,
    OwnSubjectError,
    SigningKeyError,
    SubjectExistsError,
    TooManyServicesError,
    UnknownCredentialError,
    UnknownKeyError,
    UnknownSubjectError,
)
from node.keys.errors import VaultError
from node.web.replies import RequestError

_REFUSALS: dict[type[IdentityError], tuple[HTTPStatus, str]] = {
    UnknownSubjectError: (HTTPStatus.NOT_FOUND, "unknown_subject"),
    SubjectExistsError: (HTTPStatus.CONFLICT, "subject_exists"),
    InvalidSubjectError: (HTTPStatus.BAD_REQUEST, "invalid_subject"),
    ForeignCredentialError: (HTTPStatus.BAD_REQUEST, "foreign_credential"),
    CredentialConflictError: (HTTPStatus.CONFLICT, "credential_conflict"),
    UnknownCredentialError: (HTTPStatus.NOT_FOUND, "unknown_credential"),
    UnknownKeyError: (HTTPStatus.NOT_FOUND, "unknown_key"),
    DeactivatedError: (HTTPStatus.CONFLICT, "deactivated"),
    SigningKeyError: (HTTPStatus.CONFLICT, "signing_key"),
    FixedKeyError: (HTTPStatus.CONFLICT, "fixed_key"),
    OwnSubjectError: (HTTPStatus.CONFLICT, "own_subject"),
    TooManyServicesError: (HTTPStatus.CONFLICT, "too_many_services"),
}

_REMEDIES: dict[type[IdentityError], str] = {
    UnknownSubjectError: "see: hazel subject list",
    UnknownKeyError: "see: hazel key list --subject NAME",
    UnknownCredentialError: "see: hazel credential list --all",
}


def as_request_error(error: Exception) -> RequestError | None:
    """Translate ``error`` when it is one of this room's or the vault's; ``None`` otherwise."""
    if isinstance(error, VaultError):
        # which file or device, the operator reads in the status; the caller may be a stranger
        return RequestError(
            HTTPStatus.SERVICE_UNAVAILABLE, "vault_away", "this node can not sign now", "ask its operator: hazel status"
        )
    if not isinstance(error, IdentityError) or type(error) not in _REFUSALS:
        return None
    status, code = _REFUSALS[type(error)]
    return RequestError(status, code, str(error), _REMEDIES.get(type(error)))
