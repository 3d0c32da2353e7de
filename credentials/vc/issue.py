"""Make credentials: signed as JWT or as JSON-LD, by a did:web or with a certificate, or unsigned for the holder itself.

We write what both dialects of nuts-node read (WIRE §0): arrays in the ``vc`` claim, ``nbf`` and ``iat`` a second in the
past, whole seconds, JSON-LD with its keys sorted at every level, since nuts-node sorts them when it passes one on.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from credentials.claims import ISSUE_BACKDATE, numeric_date, to_numeric_date, to_rfc3339
from credentials.did.did_x509 import CertificateChain, X509Identifier, x509_did
from credentials.did.identifier import DID
from credentials.encoding import b64_encode, b64url_encode
from credentials.jsonld.contexts import BITSTRING_STATUS_LIST_CONTEXT, STATUS_LIST_2021_CONTEXT
from credentials.jsonld.proof import sign_document
from credentials.jws import compact_json, sign_jws
from credentials.ports import PrivateKey
from credentials.vc.credential import MAX_TYPES, VC_CONTEXT, VC_TYPE
from credentials.vc.type_rules import X509_CREDENTIAL

JWT_TYPE: Final = "JWT"

_STATUS_CONTEXTS: Final[Mapping[str, str]] = {
    "StatusList2021Entry": STATUS_LIST_2021_CONTEXT,
    "BitstringStatusListEntry": BITSTRING_STATUS_LIST_CONTEXT,
}


def issue_jwt_credential(
    *,
    issuer: DID,
    subject_id: DID,
    types: Sequence[str],
    subject: Mapping[str, Any],
    key: PrivateKey,
    credential_id: str,
    now: datetime,
    expires_at: datetime | None,
    contexts: Sequence[str] = (),
    statuses: Sequence[Mapping[str, Any]] = (),
    x5c: Sequence[str] | None = None,
) -> str:
    """Sign a credential as JWT (WIRE §2.11.3).

    Args:
        issuer: ``iss``; the key has to be one of it.
        subject_id: ``sub``, and the id of the one subject.
        types: beside ``VerifiableCredential``, which is added when missing; one at most.
        subject: the other members of ``credentialSubject``.
        key: signs; its ``kid`` goes in the header.
        credential_id: ``jti``, ``<issuer>#<uuid>`` by custom.
        now: aware UTC.
        expires_at: aware UTC; None is never.
        contexts: beside VC v1.
        statuses: ``credentialStatus`` entries, see `credentials.status.build.status_entry`.
        x5c: certificates for the header, standard base64.

    Returns:
        A compact JWT.

    Raises:
        ValueError: more than two types, or an empty period of validity.
    """
    issued = to_numeric_date(now - ISSUE_BACKDATE)
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject_id,
        "jti": credential_id,
        "nbf": issued,
        "iat": issued,
        "vc": {
            "@context": _contexts(contexts),
            "type": _types(types),
            "credentialSubject": [{**subject, "id": subject_id}],
        },
    }
    if statuses:
        claims["vc"]["credentialStatus"] = [dict(each) for each in statuses]
    if expires_at is not None:
        claims["exp"] = _expiry(issued, expires_at)
    header: dict[str, Any] = {"typ": JWT_TYPE}
    if x5c is not None:
        header["x5c"] = list(x5c)
    return sign_jws(header, compact_json(claims), key)


def issue_ldp_credential(
    *,
    issuer: DID,
    subject_id: DID,
    types: Sequence[str],
    subject: Mapping[str, Any],
    key: PrivateKey,
    credential_id: str,
    now: datetime,
    expires_at: datetime | None,
    contexts: Sequence[str] = (),
    statuses: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Sign a credential as JSON-LD (WIRE §2.11.2): milliseconds of CPU, so not on an event loop.

    Args:
        issuer: the key has to be one of it.
        subject_id: the id of the one subject.
        types: beside ``VerifiableCredential``, which is added when missing; one at most.
        subject: the other members of ``credentialSubject``; the contexts have to define every one.
        key: signs; its ``kid`` becomes the verification method.
        credential_id: ``<issuer>#<uuid>`` by custom.
        now: aware UTC.
        expires_at: aware UTC; None is never.
        contexts: beside VC v1, all embedded; those of a status and of the proof are added.
        statuses: ``credentialStatus`` entries, see `credentials.status.build.status_entry`.

    Returns:
        A JSON-LD object with only the members that nuts-node keeps, sorted at every level.

    Raises:
        MalformedError: a member is not defined by the contexts, so that no signature would cover it.
        ValueError: more than two types, or an empty period of validity.
    """
    created = now - ISSUE_BACKDATE
    document: dict[str, Any] = {
        "@context": _contexts((*contexts, *_status_contexts(statuses))),
        "id": credential_id,
        "type": _types(types),
        "issuer": issuer,
        "issuanceDate": to_rfc3339(created),
        "credentialSubject": {**subject, "id": subject_id},
    }
    if expires_at is not None:
        document["expirationDate"] = to_rfc3339(numeric_date(_expiry(to_numeric_date(created), expires_at)))
    if statuses:
        document["credentialStatus"] = dict(statuses[0]) if len(statuses) == 1 else [dict(each) for each in statuses]
    return {name: _sorted(value) for name, value in sorted(sign_document(document, key, created=created).items())}


def self_attested(
    *,
    holder: DID,
    types: Sequence[str],
    subject: Mapping[str, Any],
    credential_id: str,
    now: datetime,
    contexts: Sequence[str],
) -> dict[str, Any]:
    """A credential the holder gives about itself; the signature over the presentation covers it (WIRE §2.5.1).

    Args:
        holder: issuer and subject.
        types: beside ``VerifiableCredential``.
        subject: the other members of ``credentialSubject``.
        credential_id: a bare UUID.
        now: aware UTC.
        contexts: beside VC v1.

    Returns:
        A JSON-LD object without proof, keys sorted at every level.

    Raises:
        ValueError: more than two types.
    """
    document = {
        "@context": _contexts(contexts),
        "credentialSubject": {**subject, "id": holder},
        "id": credential_id,
        "issuanceDate": to_rfc3339(now),
        "issuer": holder,
        "type": _types(types),
    }
    return {name: _sorted(value) for name, value in sorted(document.items())}


def issue_x509_credential(
    *,
    chain: CertificateChain,
    key: PrivateKey,
    subject_id: DID,
    credential_id: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> str:
    """Sign an X509Credential with the key of a certificate (WIRE §2.14).

    The issuer is the did:x509 over the root's SHA-256 with the policies `UZI_POLICIES`, and the subject repeats their
    values.

    Args:
        chain: the certificate up to its root; validated here.
        key: the certificate's key: PS256 for RSA. The header's ``kid`` is ``<did>#0`` whatever its own is.
        subject_id: the did:web that the organisation of the certificate controls.
        credential_id: a UUID; ``jti`` becomes ``<did>#<uuid>``.
        now: aware UTC.
        expires_at: aware UTC, at most when the certificate expires, which is the default.

    Returns:
        A compact JWT.

    Raises:
        MalformedError: the certificate lacks a value that is named, or has two of a kind.
        UntrustedError: the chain is not valid: nobody would accept the credential.
        NotCurrentError: a certificate is not valid at ``now``.
        ValueError: the key is not the certificate's, or the validity does not fit the certificate's.
    """
    leaf = chain.leaf
    chain.validate(now)
    if key.public != leaf.key:
        raise ValueError("the key is not that of the certificate")
    did = x509_did(chain)
    issued = to_numeric_date(max(now - ISSUE_BACKDATE, leaf.not_before))
    until = leaf.not_after if expires_at is None else expires_at
    if until > leaf.not_after:
        raise ValueError("the credential would outlive its certificate")
    subject: dict[str, Any] = {"id": subject_id}
    for (policy, name), value in X509Identifier.parse(did).policies.items():
        subject.setdefault(policy, {})[name] = value
    expires = _expiry(issued, until)
    claims = {
        "iss": did,
        "sub": subject_id,
        "jti": f"{did}#{credential_id}",
        "nbf": issued,
        "exp": expires,
        "vc": {
            "@context": [VC_CONTEXT],
            "type": [VC_TYPE, X509_CREDENTIAL],
            "issuer": did,
            "issuanceDate": to_rfc3339(numeric_date(issued)),
            "expirationDate": to_rfc3339(numeric_date(expires)),
            "credentialSubject": subject,
        },
    }
    header = {
        "typ": JWT_TYPE,
        "kid": f"{did}#0",
        "x5c": [b64_encode(each.der) for each in chain.certificates],
        "x5t": b64url_encode(hashlib.sha1(leaf.der, usedforsecurity=False).digest()),  # names, does not protect
        "x5t#S256": b64url_encode(hashlib.sha256(leaf.der).digest()),
    }
    return sign_jws(header, compact_json(claims), key)


def _contexts(contexts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((VC_CONTEXT, *contexts)))


def _status_contexts(statuses: Sequence[Mapping[str, Any]]) -> list[str]:
    kinds = {each.get("type") for each in statuses}
    return [context for kind, context in _STATUS_CONTEXTS.items() if kind in kinds]


def _types(types: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys((VC_TYPE, *types)))
    if len(found) > MAX_TYPES:
        raise ValueError(f"a credential has at most {MAX_TYPES} types")
    return found


def _expiry(issued: int, expires_at: datetime) -> int:
    expires = to_numeric_date(expires_at)
    if expires <= issued:
        raise ValueError("the credential would expire before it is issued")
    return expires


def _sorted(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _sorted(value[name]) for name in sorted(value)}
        case list() | tuple():
            return [_sorted(item) for item in value]
        case _:
            return value
