"""Present credentials: make the presentation that asks for a token or registers with a discovery service.

A JWT in the shape of nuts-node's master, which its release 6.2 reads as well (WIRE §0, §2.5.3): ``iss`` = ``sub``, ``iat``,
arrays throughout, ``nbf`` a second in the past. JSON-LD in the shape of both: one credential without an array, whole
seconds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from credentials.claims import ISSUE_BACKDATE, to_numeric_date
from credentials.did.identifier import DID, did_of_key
from credentials.jsonld.proof import ASSERTION, sign_document
from credentials.jws import compact_json, sign_jws
from credentials.ports import PrivateKey
from credentials.vc.credential import VC_CONTEXT
from credentials.vc.presentation import VP_TYPE


def present_jwt(
    *,
    holder: DID,
    key: PrivateKey,
    audience: str | None,
    credentials: Sequence[str | Mapping[str, Any]],
    nonce: str | None,
    presentation_id: str,
    now: datetime,
    lifetime: timedelta,
    extra_types: Sequence[str] = (),
    extra_contexts: Sequence[str] = (),
    extra_claims: Mapping[str, Any] | None = None,
) -> str:
    """Sign a presentation.

    Args:
        holder: ``iss`` and ``sub``; the key has to be one of it.
        key: signs; its ``kid`` goes in the header.
        audience: whom it is for: an issuer URL, or the id of a discovery service; None only on a vendor's word.
        credentials: as they were received, unchanged: a JWT as text, JSON-LD as object. None makes a presentation
            without the member, as a retraction is (WIRE §2.10.4).
        nonce: random, base64url; None only on a vendor's word.
        presentation_id: ``jti``, ``<holder>#<uuid>`` by custom.
        now: aware UTC.
        lifetime: ``exp`` - ``nbf``, in whole seconds; ``nbf`` lies a second before ``now``.
        extra_types: beside ``VerifiablePresentation``.
        extra_contexts: beside VC v1.
        extra_claims: beside the registered ones, such as ``retract_jti``.

    Returns:
        A compact JWT.

    Raises:
        ValueError: the key is not one of the holder, the lifetime is not positive, or a claim is given twice.
    """
    if did_of_key(key.kid) != holder:
        raise ValueError("the key is not one of the holder")
    seconds = lifetime // timedelta(seconds=1)
    if seconds <= 0:
        raise ValueError("the lifetime is not at least one second")
    issued = to_numeric_date(now - ISSUE_BACKDATE)
    vp: dict[str, Any] = {
        "@context": list(dict.fromkeys((VC_CONTEXT, *extra_contexts))),
        "type": list(dict.fromkeys((VP_TYPE, *extra_types))),
    }
    if credentials:
        vp["verifiableCredential"] = list(credentials)
    claims: dict[str, Any] = {
        "iss": holder,
        "sub": holder,
        "jti": presentation_id,
        **({} if audience is None else {"aud": [audience]}),
        "nbf": issued,
        "iat": issued,
        "exp": issued + seconds,
        **({} if nonce is None else {"nonce": nonce}),
        "vp": vp,
    }
    if extra_claims is not None:
        if claims.keys() & extra_claims.keys():
            raise ValueError("an extra claim is one of the registered ones")
        claims |= extra_claims
    return sign_jws({"typ": "JWT"}, compact_json(claims), key)


def present_ldp(
    *,
    holder: DID,
    key: PrivateKey,
    audience: str | None,
    credentials: Sequence[str | Mapping[str, Any]],
    presentation_id: str,
    now: datetime,
    expires: datetime,
    nonce: str | None = None,
    challenge: str | None = None,
    purpose: str = ASSERTION,
    extra_types: Sequence[str] = (),
    extra_contexts: Sequence[str] = (),
) -> dict[str, Any]:
    """Sign a presentation as JSON-LD (WIRE §2.5.3): milliseconds of CPU, so not on an event loop.

    The signature covers JSON-LD credentials; a JWT in it has only a signature of its own, so `present_jwt` is the better
    envelope for those.

    Args:
        holder: the key has to be one of it.
        key: signs; its ``kid`` becomes the verification method.
        audience: whom it is for, the ``domain`` of the proof; None only on a vendor's word.
        credentials: as they were received, unchanged. Where a submission points: one stands by itself
            (``$.verifiableCredential``), several in an array.
        presentation_id: ``<holder>#<uuid>`` by custom.
        now: aware UTC; the proof is created in this second.
        expires: aware UTC, in whole seconds.
        nonce: random, base64url.
        challenge: by default the nonce, as nuts-node has it.
        purpose: of the proof.
        extra_types: beside ``VerifiablePresentation``.
        extra_contexts: beside VC v1 and that of the proof.

    Returns:
        A JSON-LD object with sorted keys; the credentials in it are untouched.

    Raises:
        MalformedError: a credential says something that the signature would not cover.
        ValueError: the key is not one of the holder, or it would expire before it is made.
    """
    if did_of_key(key.kid) != holder:
        raise ValueError("the key is not one of the holder")
    if to_numeric_date(expires) <= to_numeric_date(now):
        raise ValueError("the lifetime is not at least one second")
    types = list(dict.fromkeys((VP_TYPE, *extra_types)))
    document: dict[str, Any] = {
        "@context": list(dict.fromkeys((VC_CONTEXT, *extra_contexts))),
        "id": presentation_id,
        "type": types[0] if len(types) == 1 else types,
        "holder": holder,
    }
    if credentials:
        document["verifiableCredential"] = credentials[0] if len(credentials) == 1 else list(credentials)
    signed = sign_document(
        document,
        key,
        created=now,
        purpose=purpose,
        expires=expires,
        challenge=nonce if challenge is None else challenge,
        domain=audience,
        nonce=nonce,
    )
    return dict(sorted(signed.items())) | {"proof": dict(sorted(signed["proof"].items()))}
