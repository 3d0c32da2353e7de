"""What can go wrong between us and a discovery service.

::

    RegistryError
    ├── RejectedError   a registration or withdrawal that we don't take, with a stable code; the message may be shown
    ├── ServiceStoppedError   its definition is wrong now; the message is for our operator
    ├── PeerLogError    another host's log contradicts itself or its protocol
    └── TransferError   another host could not be reached, or said no

A class exists where someone reacts differently: a rejected message goes back to its sender, a wrong log raises an alarm with our
operator, a failed transfer is tried again.
"""

from typing import Literal

RejectionCode = Literal[
    "unknown_service",  # we neither host nor follow it
    "unknown_holder",  # not one of our own organisations
    "malformed",  # not a message of this kind
    "untrusted",  # a signature, key or credential is not accepted
    "not_current",  # outside its period of validity
    "revoked",  # a credential in it was taken back
    "wrong_audience",  # for another service
    "did_method",  # the service takes other identifiers
    "too_long_valid",  # beyond what the service allows
    "outlives_credential",  # beyond the validity of a credential in it
    "too_large",  # longer than we store
    "no_match",  # the credentials are not those the service asks for
    "not_asked_for",  # it holds more than the service asks for
    "replayed",  # known, replaced or withdrawn before
    "older",  # issued before the signer's last message
    "unknown_target",  # withdraws something that is not there
]


class RegistryError(Exception):
    """Base of everything in this package that is not a programming mistake."""


class RejectedError(RegistryError):
    """A registration or withdrawal was refused.

    Attributes:
        code: stable, for programs and counters.
    """

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class ServiceStoppedError(RegistryError):
    """A service is stopped here, because its definition file is wrong or gone. The message names files: for our operator only."""


class PeerLogError(RegistryError):
    """The log of another host is wrong; nothing of the reply was used."""


class TransferError(RegistryError):
    """A call to another host failed.

    Attributes:
        status: the HTTP status when it answered, otherwise None.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
