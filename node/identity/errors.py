"""What can be wrong with a name, a DID or a credential of ours.

::

    IdentityError
    ├── UnknownSubjectError      no such organisation here, or it was deactivated
    ├── SubjectExistsError       the name is taken
    ├── DeactivatedError         the identifier was ours, and is out of service
    ├── InvalidSubjectError      the name can not be used
    ├── ForeignCredentialError   the credential is about somebody else
    ├── CredentialConflictError  another credential with the same id is in the wallet
    ├── UnknownCredentialError   no such credential in the wallet
    ├── UnknownKeyError          no such key of an organisation hosted here
    ├── SigningKeyError          the key that signs can not be taken away before there is another
    ├── FixedKeyError            the organisation has no identifier whose keys can change
    ├── OwnSubjectError          the organisation that the node is made for stays
    └── TooManyServicesError     the documents have no room for more

Messages are fixed sentences: none of them quotes what the caller sent.
"""


class IdentityError(Exception):
    """Base of this room's errors."""


class UnknownSubjectError(IdentityError):
    """No such organisation is hosted here, or it was deactivated."""

    def __init__(self) -> None:
        super().__init__("subject not found")


class SubjectExistsError(IdentityError):
    """The name is taken, maybe by a deactivated organisation."""

    def __init__(self) -> None:
        super().__init__("could not store DID documents: subject already exists")  # nuts-node's words


class DeactivatedError(IdentityError):
    """The identifier was of an organisation here that was deactivated."""

    def __init__(self) -> None:
        super().__init__("the DID document has been deactivated")


class InvalidSubjectError(IdentityError):
    """The name does not fit WIRE §2.2."""

    def __init__(self) -> None:
        super().__init__("a subject's name has letters, digits, '.', '_' and '-' only, at most 128")


class ForeignCredentialError(IdentityError):
    """The credential's subject is none of the organisation's DIDs."""

    def __init__(self) -> None:
        super().__init__("the credential is not about this subject")


class CredentialConflictError(IdentityError):
    """The wallet has a credential with this id and other content."""

    def __init__(self) -> None:
        super().__init__("a credential with this id but other content is in the wallet already")


class UnknownCredentialError(IdentityError):
    """The wallet has no such credential."""

    def __init__(self) -> None:
        super().__init__("credential not found")


class UnknownKeyError(IdentityError):
    """No organisation hosted here signs with this key."""

    def __init__(self) -> None:
        super().__init__("private key not found")


class SigningKeyError(IdentityError):
    """The key is the one that signs."""

    def __init__(self) -> None:
        super().__init__("this key signs: rotate first, or call it compromised")


class FixedKeyError(IdentityError):
    """A did:key or did:jwk is its key."""

    def __init__(self) -> None:
        super().__init__("the keys of these identifiers can not change")


class OwnSubjectError(IdentityError):
    """The node can not be without the organisation it is made for."""

    def __init__(self) -> None:
        super().__init__("this node is made for this subject")


class TooManyServicesError(IdentityError):
    """The limit of services is reached."""

    def __init__(self) -> None:
        super().__init__("the subject has too many services")
