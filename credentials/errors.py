"""Everything that can be wrong with a credential, as one tree.

::

    CredentialError
    ├── MalformedError     the bytes are not a message of this kind; nothing was verified
    ├── UntrustedError     well formed, but a signature, issuer, holder or key is not accepted
    │   └── UnavailableError   what it takes to tell could not be had; the same message may be accepted later
    └── NotCurrentError    trusted, but outside its validity period or revoked
        └── RevokedError       its issuer has taken it back, or suspended it

A message is written for the peer: it names rules and identifiers the peer already has, never our paths, keys or the
content of what it sent. What only an operator may read goes in ``__cause__``.
"""


class CredentialError(Exception):
    """A message of another party was refused; ``str(error)`` may be shown to that party."""


class MalformedError(CredentialError):
    """The bytes are not a message of this kind."""


class UntrustedError(CredentialError):
    """Well formed, but a signature, issuer, holder or key is not accepted."""


class NotCurrentError(CredentialError):
    """Not valid at this time: too early, expired or revoked."""


class UnavailableError(UntrustedError):
    """A document, status list or revocation list that it takes could not be had."""


class RevokedError(NotCurrentError):
    """Its issuer has revoked or suspended it, or the authority above it has revoked a certificate."""
