"""The only maker of `VerifiedPresentation` and `VerifiedCredential` (a test in ``tests/architecture`` sees to it).

What is decided here: the message is for us, current, signed by keys of those it names, not taken back, and its credentials are
about its holder. What is not: whether an issuer is believed. That is said by the presentation definition of the use case,
and for a did:x509 issuer nothing else says it, since a chain of certificates vouches for itself only.

What it takes comes from outside: `credentials.vc.evidence.Needed` says what to fetch, the caller fetches, the rest is pure.
"""

from datetime import datetime, timedelta

from credentials.claims import check_current
from credentials.errors import UntrustedError
from credentials.jsonld.proof import Proof
from credentials.keys import KeyId
from credentials.ports import SignatureCache
from credentials.status.check import check_status
from credentials.vc.credential import SignedCredential, VerifiedCredential
from credentials.vc.evidence import Evidence
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.signature import check_jwt, check_proof, check_signature, key_of
from credentials.vc.type_rules import X509_CREDENTIAL, check_type_rules
from credentials.vc.x509_credential import check_x509_credential


def verify_presentation(
    presentation: SignedPresentation,
    evidence: Evidence,
    *,
    audience: str | None,
    now: datetime,
    max_lifetime: timedelta | None = None,
    signatures: SignatureCache | None = None,
) -> VerifiedPresentation:
    """Check a presentation and every credential in it (WIRE §2.5.5, §2.11.4).

    Whether its nonce and id were seen before is for the caller, who remembers.

    Args:
        presentation: as received; nothing about it is assumed.
        evidence: what was found of what `credentials.vc.evidence.Needed` names.
        audience: our own identifier, which has to be in ``aud``; None only where somebody else's message is looked at, and
            nothing is granted on it.
        now: aware UTC; clocks may differ by `credentials.claims.CLOCK_SKEW`.
        max_lifetime: longest ``exp`` - ``nbf`` accepted; None is any.
        signatures: remembers which signatures matched.

    Raises:
        UntrustedError: not for us, for too long, not about its holder, or a signature or key is not accepted.
        NotCurrentError: it, a credential or a certificate is not valid at ``now``, or was revoked.
        UnavailableError: something it takes could not be had.
        MalformedError: certificates or a status in a credential are not readable.
    """
    # (1) addressed to us
    if audience is not None and audience not in presentation.audience:
        raise UntrustedError("aud does not contain the expected audience")
    # (2) not valid for longer than agreed
    if max_lifetime is not None and presentation.expires_at - presentation.issued_at > max_lifetime:
        raise UntrustedError(f"presentation is valid for too long (max {max_lifetime.total_seconds():.0f}s)")
    # (3) current
    check_current(now, not_before=presentation.issued_at, expires=presentation.expires_at)
    # (4) every credential, self-attested ones included, is about the holder, and nobody else attests for itself
    for credential in presentation.credentials:
        if credential.subject_id != presentation.holder:
            raise UntrustedError("credentialSubject.id of a credential is not the holder")
        if credential.is_self_attested and credential.issuer != presentation.holder:
            raise UntrustedError("an unsigned credential is not issued by the holder")
        _check_claims(credential, now)
    # (5) signed by a key of the holder
    check_holder(presentation, evidence, now=now, signatures=signatures)
    # (6) every credential holds
    return VerifiedPresentation(
        presentation=presentation,
        credentials=tuple(
            VerifiedCredential(credential=each, issuer_key=_signer_of(each, evidence, now, signatures))
            for each in presentation.credentials
        ),
    )


def verify_credential(
    credential: SignedCredential,
    evidence: Evidence,
    *,
    now: datetime,
    signatures: SignatureCache | None = None,
) -> VerifiedCredential:
    """Check one credential by itself, as when it is put in a wallet.

    Args:
        credential: as received; nothing about it is assumed.
        evidence: what was found of what `credentials.vc.evidence.Needed` names.
        now: aware UTC.
        signatures: remembers which signatures matched.

    Raises:
        UntrustedError: unsigned, or its signature, key or content is not accepted.
        NotCurrentError: it or a certificate is not valid at ``now``, or was revoked.
        UnavailableError: something it takes could not be had.
        MalformedError: its certificates or its status are not readable.
    """
    if credential.is_self_attested:
        raise UntrustedError("credential is not signed")
    _check_claims(credential, now)
    return VerifiedCredential(credential=credential, issuer_key=_signer_of(credential, evidence, now, signatures))


def check_holder(
    presentation: SignedPresentation, evidence: Evidence, *, now: datetime, signatures: SignatureCache | None = None
) -> None:
    """Check only that the holder signed a presentation; nothing is granted on that alone.

    Raises:
        UntrustedError: the key is not one of the holder, or the signature does not match.
        UnavailableError: the holder's document could not be had.
        NotCurrentError: a proof is not valid at ``now``.
        MalformedError: a JSON-LD presentation has no canonical form.
    """
    secured, holder = presentation.secured, presentation.holder
    if isinstance(secured, Proof):
        check_proof(presentation.vp, secured, holder, evidence, now, signatures=signatures)
    else:  # parsing made sure that kid belongs to the holder
        check_signature(secured, key_of(presentation.kid, evidence), signatures)


def _check_claims(credential: SignedCredential, now: datetime) -> None:
    """The cheap checks, the same for signed and self-attested credentials."""
    # (1) current
    check_current(now, not_before=credential.issued_at, expires=credential.expires_at)
    # (2) rules of its type
    check_type_rules(credential)


def _signer_of(
    credential: SignedCredential, evidence: Evidence, now: datetime, signatures: SignatureCache | None
) -> KeyId | None:
    """The key that signed a credential, its signature and its status checked; None when it is self-attested."""
    kid: KeyId | None = None
    if credential.jws is not None:
        # (1) signed by its issuer
        certified = check_jwt(credential.jws, credential.issuer, evidence, now, signatures=signatures)
        kid = KeyId(credential.jws.kid or "")  # parsing has refused a JWT without one
        # (2) what a certificate lets it say
        if certified is not None and X509_CREDENTIAL in credential.types:
            check_x509_credential(credential, certified.identifier, certified.chain)
    elif credential.proof is not None:
        # (1) the same, in JSON-LD
        check_proof(credential.body, credential.proof, credential.issuer, evidence, now, signatures=signatures)
        kid = credential.proof.verification_method
    # (3) not taken back
    check_status(credential, evidence.status_lists, now, grace=evidence.status_grace)
    return kid
