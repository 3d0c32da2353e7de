"""The only maker of `VerifiedPresentation` and `VerifiedCredential` (a test in ``tests/architecture`` sees to it).

What is decided here: the message is for us, current, signed by keys of those it names, and its credentials are about
its holder. What is not: whether an issuer is believed. That is said by the presentation definition of the use case,
and for a did:x509 issuer nothing else says it, since a chain of certificates vouches for itself only.

Not supported yet, and refused instead of passed over: JSON-LD proofs, ``credentialStatus``. Revocation of
certificates needs the network and is not checked here.

Keys come from outside: `needed_dids` says whose documents to fetch, the caller fetches, the rest is pure.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from credentials.claims import check_current
from credentials.did.did_x509 import CertificateChain, X509Identifier, is_x509_did, resolve_x509
from credentials.did.identifier import DID, did_method
from credentials.errors import UntrustedError
from credentials.jws import SignedJWS
from credentials.keys import KeyId, PublicKey
from credentials.ports import SignatureCache
from credentials.vc.credential import SignedCredential, VerifiedCredential
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.type_rules import X509_CREDENTIAL, check_type_rules
from credentials.vc.x509_credential import check_x509_credential


def needed_dids(presentation: SignedPresentation) -> frozenset[DID]:
    """The did:web parties whose documents are needed to verify: the holder and the issuers.

    A did:x509 brings its certificates along. Keys of other methods are not found, so what they signed is refused.
    """
    parties = {presentation.holder} | {each.issuer for each in presentation.credentials if not each.is_self_attested}
    return frozenset(did for did in parties if did_method(did) == "web")


def verify_presentation(
    presentation: SignedPresentation,
    keys: Mapping[KeyId, PublicKey],
    *,
    audience: str,
    now: datetime,
    max_lifetime: timedelta | None = None,
    signatures: SignatureCache | None = None,
) -> VerifiedPresentation:
    """Check a presentation and every credential in it (WIRE §2.5.5, §2.11.4).

    Whether its nonce and id were seen before is for the caller, who remembers.

    Args:
        presentation: as received; nothing about it is assumed.
        keys: keys under ``assertionMethod`` of the documents of `needed_dids`, by key id.
        audience: our own identifier, which has to be in ``aud``.
        now: aware UTC; clocks may differ by `credentials.claims.CLOCK_SKEW`.
        max_lifetime: longest ``exp`` - ``nbf`` accepted; None is any.
        signatures: remembers which signatures matched.

    Raises:
        UntrustedError: not for us, for too long, not about its holder, or a signature or key is not accepted.
        NotCurrentError: it, a credential or a certificate is not valid at ``now``.
        MalformedError: certificates in a credential are not readable.
    """
    # (1) addressed to us
    if audience not in presentation.audience:
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
    # (5) signed by a key of the holder; parsing made sure that kid belongs to it
    _check_signature(presentation.jws, _key_of(presentation.kid, keys), signatures)
    # (6) every signed credential holds
    return VerifiedPresentation(
        presentation=presentation,
        credentials=tuple(
            VerifiedCredential(credential=each, issuer_key=None)
            if each.is_self_attested
            else VerifiedCredential(credential=each, issuer_key=_verify_signed(each, keys, now, signatures))
            for each in presentation.credentials
        ),
    )


def verify_credential(
    credential: SignedCredential,
    keys: Mapping[KeyId, PublicKey],
    *,
    now: datetime,
    signatures: SignatureCache | None = None,
) -> VerifiedCredential:
    """Check one credential by itself, as when it is put in a wallet.

    Args:
        credential: as received; nothing about it is assumed.
        keys: keys under ``assertionMethod`` of the issuer's document; none are needed for a did:x509.
        now: aware UTC.
        signatures: remembers which signatures matched.

    Raises:
        UntrustedError: unsigned, or its signature, key or content is not accepted.
        NotCurrentError: it or a certificate is not valid at ``now``.
        MalformedError: its certificates are not readable.
    """
    if credential.is_self_attested:
        raise UntrustedError("credential is not signed")
    _check_claims(credential, now)
    return VerifiedCredential(credential=credential, issuer_key=_verify_signed(credential, keys, now, signatures))


def _check_claims(credential: SignedCredential, now: datetime) -> None:
    """The cheap checks, the same for signed and self-attested credentials."""
    # (1) current
    check_current(now, not_before=credential.issued_at, expires=credential.expires_at)
    # (2) nothing that we would have to look up and cannot
    if credential.statuses:
        raise UntrustedError("credentialStatus is not supported yet")
    if credential.has_proof:
        raise UntrustedError("JSON-LD proofs are not supported yet")
    # (3) rules of its type
    check_type_rules(credential)


def _verify_signed(
    credential: SignedCredential,
    keys: Mapping[KeyId, PublicKey],
    now: datetime,
    signatures: SignatureCache | None,
) -> KeyId:
    """The key that signed a JWT credential, its signature checked; `_check_claims` has let nothing else through."""
    jws = credential.jws
    assert jws is not None  # unsigned ones and proofs were refused above
    kid = KeyId(jws.kid or "")  # parsing has refused a JWT without one
    # (1) the key is one of the issuer
    if kid.partition("#")[0] != credential.issuer:
        raise UntrustedError("kid of a credential is not a key of its issuer")
    # (2) a did:web key comes from its document; certificates may not bring another
    if not is_x509_did(credential.issuer):
        if "x5c" in jws.header:
            raise UntrustedError("x5c is only accepted with a did:x509 issuer")
        _check_signature(jws, _key_of(kid, keys), signatures)
        return kid
    # (3) a did:x509 key comes from the chain in the header
    if kid != f"{credential.issuer}#0":
        raise UntrustedError("a did:x509 has one key, #0")
    issuer = X509Identifier.parse(credential.issuer)
    chain = CertificateChain.parse(jws.header.get("x5c"))
    if X509_CREDENTIAL in credential.types:
        check_x509_credential(credential, issuer, chain)
    _check_signature(jws, resolve_x509(issuer, chain, now, signatures=signatures), signatures)
    return kid


def _key_of(kid: KeyId, keys: Mapping[KeyId, PublicKey]) -> PublicKey:
    key = keys.get(kid)
    if key is None:
        raise UntrustedError("kid is not a known key of its DID")
    return key


def _check_signature(jws: SignedJWS, key: PublicKey, signatures: SignatureCache | None) -> None:
    if signatures is None:
        key.verify(jws.signature, jws.signing_input, jws.alg)
        return
    # The signing input has no dots beside its own one, so the parts cannot be shifted into each other.
    digest = hashlib.sha256(
        b".".join((jws.signing_input, jws.signature.hex().encode(), key.thumbprint().encode()))
    ).digest()
    if digest not in signatures:
        key.verify(jws.signature, jws.signing_input, jws.alg)
        signatures.add(digest)
