"""Whose signature it is: the key that a message names belongs to its issuer, and the signature matches.

The key comes from where the issuer's DID says: a document that was fetched, the DID itself, or for a did:x509 the certificates in
the header of the message; never from anywhere else a message points at.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from credentials.claims import check_current
from credentials.did.did_jwk import resolve_did_jwk
from credentials.did.did_key import resolve_did_key
from credentials.did.did_x509 import CertificateChain, X509Identifier, is_x509_did, resolve_x509
from credentials.did.identifier import DID, did_method, did_of_key
from credentials.errors import UnavailableError, UntrustedError
from credentials.jsonld.proof import Proof, verify_proof
from credentials.jws import SignedJWS
from credentials.keys import KeyId, PublicKey
from credentials.ports import SignatureCache
from credentials.vc.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class X509Signer:
    """A did:x509 issuer, with the chain it came with; the chain supports the identifier."""

    identifier: X509Identifier
    chain: CertificateChain


def check_jwt(
    jws: SignedJWS, issuer: DID, evidence: Evidence, now: datetime, *, signatures: SignatureCache | None = None
) -> X509Signer | None:
    """Check that a JWT is signed by a key of ``issuer``.

    Args:
        jws: with an absolute ``kid``.
        issuer: who has to have signed.
        evidence: documents that were fetched.
        now: aware UTC.
        signatures: remembers which signatures matched.

    Returns:
        The certificates of a did:x509, for whoever has rules about them; None for other methods.

    Raises:
        UntrustedError: the key is not one of the issuer, or the signature does not match.
        UnavailableError: the issuer's document, or a list that says who was revoked or denied, could not be had.
        NotCurrentError: a certificate is not valid at ``now``, or was revoked.
        MalformedError: the certificates are not readable.
    """
    kid = KeyId(jws.kid or "")
    # (1) the key is one of the issuer
    if kid.partition("#")[0] != issuer:
        raise UntrustedError("kid of a credential is not a key of its issuer")
    # (2) a key from a document; certificates may not bring another
    if not is_x509_did(issuer):
        if "x5c" in jws.header:
            raise UntrustedError("x5c is only accepted with a did:x509 issuer")
        check_signature(jws, key_of(kid, evidence), signatures)
        return None
    # (3) a did:x509 key comes from the chain in the header
    if kid != f"{issuer}#0":
        raise UntrustedError("a did:x509 has one key, #0")
    identifier = X509Identifier.parse(issuer)
    chain = evidence.chains.get(jws.compact)
    if chain is None:
        chain = identifier.chain_in(jws.header.get("x5c"))
    check_signature(jws, resolve_x509(identifier, chain, now, signatures=signatures), signatures)
    # (4) that nobody has taken back since
    evidence.revocation.check(chain, now)
    return X509Signer(identifier=identifier, chain=chain)


def check_proof(
    document: Mapping[str, Any],
    proof: Proof,
    issuer: DID,
    evidence: Evidence,
    now: datetime,
    *,
    signatures: SignatureCache | None = None,
) -> None:
    """Check that a JSON-LD document is signed by a key of ``issuer``: milliseconds of CPU, so not on an event loop.

    Args:
        document: as received, with its proof.
        proof: parsed from it.
        issuer: who has to have signed.
        evidence: documents that were fetched.
        now: aware UTC.
        signatures: remembers which signatures matched.

    Raises:
        UntrustedError: the key is not one of the issuer, or the signature does not match.
        UnavailableError: the issuer's document could not be had.
        NotCurrentError: the proof is not valid at ``now``.
        MalformedError: the document has no canonical form.
    """
    # (1) the key is one of the issuer
    if did_of_key(proof.verification_method) != issuer:
        raise UntrustedError("verificationMethod is not a key of the issuer")
    # (2) current
    check_current(now, not_before=proof.created, expires=proof.expires)
    # (3) the signature, over everything the document says
    key = key_of(proof.verification_method, evidence)
    if signatures is None:
        verify_proof(document, proof, key)
        return
    # The same text, proof included, has the same canonical form and the same signature.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{key.thumbprint()}.{text}".encode()).digest()
    if digest not in signatures:
        verify_proof(document, proof, key)
        signatures.add(digest)


def key_of(kid: KeyId, evidence: Evidence) -> PublicKey:
    """The key called ``kid``.

    Raises:
        UnavailableError: the document it would be in could not be had.
        UntrustedError: it is not among the keys that were found.
        MalformedError: it is not one of a did:key or did:jwk that can be read.
    """
    did = DID(kid.partition("#")[0])
    # (1) an identifier that is its own key says so itself
    match did_method(did):
        case "key":
            key = resolve_did_key(did).get(kid)
        case "jwk":
            key = resolve_did_jwk(did).get(kid)
        case _:
            key = evidence.keys.get(kid)
    # (2) a key that lacks is one thing, a document that lacks another
    if key is None:
        if did in evidence.unresolved:
            raise UnavailableError("the DID document of a signer can not be had")
        raise UntrustedError("kid is not a known key of its DID")
    return key


def check_signature(jws: SignedJWS, key: PublicKey, signatures: SignatureCache | None) -> None:
    """Check the signature of a JWT, or remember that it matched.

    Raises:
        UntrustedError: it does not match.
    """
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
