"""Rules that belong to one type of credential (WIRE §2.11.4), beside those that hold for all.

The X509Credential has a file of its own, `credentials.vc.x509_credential`, since it is checked against a certificate.
"""

from collections.abc import Callable, Mapping
from typing import Final

from credentials.errors import UntrustedError
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential

X509_CREDENTIAL: Final = "X509Credential"
NUTS_ORGANIZATION: Final = "NutsOrganizationCredential"
NUTS_AUTHORIZATION: Final = "NutsAuthorizationCredential"
OPERATIONS: Final = frozenset({"read", "vread", "update", "patch", "delete", "history", "create", "search", "document"})
"""What a NutsAuthorizationCredential may allow, in any case of letters."""


def check_type_rules(credential: SignedCredential) -> None:
    """Check what the types of the credential ask of its content; types we do not know ask nothing.

    Raises:
        UntrustedError: a rule is broken.
    """
    for type_ in credential.types:
        check = _RULES.get(type_)
        if check is not None:
            check(credential)


def _nuts_subject(credential: SignedCredential, type_: str) -> Mapping[str, object]:
    """What the Nuts types have in common: the id of the issuer, the Nuts context, one subject with an id."""
    if not credential.id.startswith(f"{credential.issuer}#"):
        raise UntrustedError(f"{type_}: id does not start with the issuer")
    if NUTS_CONTEXT not in credential.contexts:
        raise UntrustedError(f"{type_}: @context lacks {NUTS_CONTEXT}")
    if credential.subject_id is None or len(credential.subjects) != 1:
        raise UntrustedError(f"{type_}: needs exactly one subject, with an id")
    return credential.subjects[0]


def _nuts_organization(credential: SignedCredential) -> None:
    """An organisation with a name and a city."""
    organization = _nuts_subject(credential, NUTS_ORGANIZATION).get("organization")
    for name in ("name", "city"):
        if not isinstance(organization, Mapping) or not _is_said(organization.get(name)):
            raise UntrustedError(f"{NUTS_ORGANIZATION}: organization has no {name}")


def _nuts_authorization(credential: SignedCredential) -> None:
    """A purpose, and for each resource where it is and what may be done with it."""
    subject = _nuts_subject(credential, NUTS_AUTHORIZATION)
    if not _is_said(subject.get("purposeOfUse")):
        raise UntrustedError(f"{NUTS_AUTHORIZATION}: there is no purposeOfUse")
    resources = subject.get("resources", [])
    for resource in resources if isinstance(resources, list) else [resources]:
        if not isinstance(resource, Mapping) or not _is_said(resource.get("path")):
            raise UntrustedError(f"{NUTS_AUTHORIZATION}: a resource has no path")
        operations = resource.get("operations")
        allowed = operations if isinstance(operations, list) else [operations]
        if not allowed or not all(isinstance(each, str) and each.lower() in OPERATIONS for each in allowed):
            raise UntrustedError(f"{NUTS_AUTHORIZATION}: a resource has no operations, or one that does not exist")


def _is_said(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _x509(credential: SignedCredential) -> None:
    """A JWT of a did:x509; what it says is checked against the certificate."""
    if credential.format != "jwt_vc" or not credential.issuer.startswith("did:x509:"):
        raise UntrustedError(f"{X509_CREDENTIAL}: is not a JWT of a did:x509")


_RULES: Final[Mapping[str, Callable[[SignedCredential], None]]] = {
    NUTS_AUTHORIZATION: _nuts_authorization,
    NUTS_ORGANIZATION: _nuts_organization,
    X509_CREDENTIAL: _x509,
}
