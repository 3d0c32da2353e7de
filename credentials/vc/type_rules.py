"""Rules that belong to one type of credential (WIRE §2.11.4), beside those that hold for all.

The X509Credential has a file of its own, `credentials.vc.x509_credential`, since it is checked against a certificate.
"""

from collections.abc import Callable, Mapping
from typing import Final

from credentials.errors import UntrustedError
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential

X509_CREDENTIAL: Final = "X509Credential"
NUTS_ORGANIZATION: Final = "NutsOrganizationCredential"


def check_type_rules(credential: SignedCredential) -> None:
    """Check what the types of the credential ask of its content; types we do not know ask nothing.

    Raises:
        UntrustedError: a rule is broken.
    """
    for type_ in credential.types:
        check = _RULES.get(type_)
        if check is not None:
            check(credential)


def _nuts_organization(credential: SignedCredential) -> None:
    """Id of its issuer, the Nuts context, and an organisation with a name and a city."""
    if not credential.id.startswith(f"{credential.issuer}#"):
        raise UntrustedError(f"{NUTS_ORGANIZATION}: id does not start with the issuer")
    if NUTS_CONTEXT not in credential.contexts:
        raise UntrustedError(f"{NUTS_ORGANIZATION}: @context lacks {NUTS_CONTEXT}")
    if credential.subject_id is None or len(credential.subjects) != 1:
        raise UntrustedError(f"{NUTS_ORGANIZATION}: needs exactly one subject, with an id")
    organization = credential.subjects[0].get("organization")
    for name in ("name", "city"):
        value = organization.get(name) if isinstance(organization, Mapping) else None
        if not isinstance(value, str) or not value.strip():
            raise UntrustedError(f"{NUTS_ORGANIZATION}: organization has no {name}")


def _x509(credential: SignedCredential) -> None:
    """A JWT of a did:x509; what it says is checked against the certificate."""
    if credential.format != "jwt_vc" or not credential.issuer.startswith("did:x509:"):
        raise UntrustedError(f"{X509_CREDENTIAL}: is not a JWT of a did:x509")


_RULES: Final[Mapping[str, Callable[[SignedCredential], None]]] = {
    NUTS_ORGANIZATION: _nuts_organization,
    X509_CREDENTIAL: _x509,
}
