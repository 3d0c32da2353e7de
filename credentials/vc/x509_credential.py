"""The X509Credential (RFC023, WIRE §2.14): a certificate holder says which did:web is its own.

It repeats values of the certificate (``subject.O``, ``san.otherName``) where a presentation definition can read them;
each has to be one of the policies in the issuer's did:x509, which resolution has matched to the certificate. So a
verified X509Credential names the organisation as its certificate does, and nothing else.
"""

from collections.abc import Mapping

from credentials.did.did_x509 import CertificateChain, X509Identifier
from credentials.errors import UntrustedError
from credentials.vc.credential import SignedCredential


def check_x509_credential(credential: SignedCredential, issuer: X509Identifier, chain: CertificateChain) -> None:
    """Check what an X509Credential says against its issuer's identifier and certificate.

    Args:
        credential: an X509Credential.
        issuer: its issuer; that ``chain`` supports it is checked elsewhere.
        chain: of the JWT header.

    Raises:
        UntrustedError: it says more than its issuer's identifier, or for longer than the certificate is valid.
    """
    # (1) one subject, with an id
    if len(credential.subjects) != 1 or credential.subject_id is None:
        raise UntrustedError("X509Credential: needs exactly one subject, with an id")
    # (2) what it says is a subset of the policies
    for policy, values in credential.subjects[0].items():
        if policy == "id":
            continue
        if not isinstance(values, Mapping) or not values:
            raise UntrustedError("X509Credential: a member of credentialSubject is not an object with values")
        for key, value in values.items():
            if not isinstance(value, str) or issuer.policies.get((policy, key)) != value:
                raise UntrustedError("X509Credential: credentialSubject differs from the policies of the issuer")
    # (3) within the validity of the certificate
    if credential.issued_at < chain.leaf.not_before:
        raise UntrustedError("X509Credential: issued before its certificate")
    if credential.expires_at is None or credential.expires_at > chain.leaf.not_after:
        raise UntrustedError("X509Credential: does not expire with its certificate")
