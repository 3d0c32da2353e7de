"""What can be wrong with issuing, revoking and status lists.

::

    IssuingError
    ├── UnknownIssuerError        no organisation hosted here has this DID
    ├── InvalidRequestError       what is to be issued is not a credential that anybody would accept
    ├── RequestKeyReusedError     the caller's idempotency key was used for another request
    ├── UnknownIssuedError        no such credential was issued here
    ├── NotRevocableError         the credential has no status
    ├── AlreadyRevokedError       it was revoked before
    ├── NotRenewableError         it does not expire, was revoked, or is made of a certificate
    ├── UnknownListError          no such status list here
    └── ListUnavailableError      the list can not be signed now

Messages are sentences for our own vendor or for whoever fetches a list; they name members and rules, never values.
"""


class IssuingError(Exception):
    """Base of this room's errors."""


class UnknownIssuerError(IssuingError):
    """No organisation hosted here has this DID."""

    def __init__(self) -> None:
        super().__init__("the issuer is not an organisation of this node")


class InvalidRequestError(IssuingError):
    """What is to be issued is not a credential that anybody would accept."""


class RequestKeyReusedError(IssuingError):
    """The caller's idempotency key was used for another request."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for another request")


class UnknownIssuedError(IssuingError):
    """No such credential was issued here."""

    def __init__(self) -> None:
        super().__init__("credential not found")


class NotRevocableError(IssuingError):
    """The credential has no status."""

    def __init__(self) -> None:
        super().__init__("the credential has no credentialStatus, so it can not be revoked")


class AlreadyRevokedError(IssuingError):
    """It was revoked before."""

    def __init__(self) -> None:
        super().__init__("credential is revoked")


class NotRenewableError(IssuingError):
    """It does not expire, or was revoked."""

    def __init__(self) -> None:
        super().__init__("the credential does not expire, or was revoked")


class UnknownListError(IssuingError):
    """No such status list here."""

    def __init__(self) -> None:
        super().__init__("status list: credential not found")


class ListUnavailableError(IssuingError):
    """The list can not be signed now, and what was signed before is no longer true."""

    def __init__(self) -> None:
        super().__init__("the status list can not be signed now")
