"""Build credentials and presentations in one line each; say only what the test is about.

>>> compact = a_presentation("oever", credentials=[a_credential("oever", issuer="ministry")])
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT
from credentials.vc.issue import issue_jwt_credential, issue_x509_credential, self_attested
from credentials.vc.present import present_jwt
from tests.support.certificates import NOW, Uzi, a_uzi_chain
from tests.support.keys import a_did, a_key

AUDIENCE = "https://wending.example/oauth2/wending"
"""Whom presentations are for unless they say otherwise."""


def an_id(seed: str) -> str:
    """A UUID that follows from ``seed``."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def a_credential(
    holder: str = "oever",
    *,
    issuer: str = "ministry",
    types: Sequence[str] = ("ExampleCredential",),
    subject: Mapping[str, Any] | None = None,
    now: datetime = NOW,
    lifetime: timedelta | None = timedelta(days=30),
    seed: str = "credential",
) -> str:
    """A JWT credential that ``issuer`` gives ``holder``, ES256."""
    return issue_jwt_credential(
        issuer=a_did(issuer),
        subject_id=a_did(holder),
        types=types,
        subject={"role": "example"} if subject is None else subject,
        key=a_key(issuer),
        credential_id=f"{a_did(issuer)}#{an_id(seed)}",
        now=now,
        expires_at=None if lifetime is None else now + lifetime,
        contexts=(NUTS_CONTEXT,),
    )


def an_x509_credential(holder: str = "oever", *, uzi: Uzi | None = None, now: datetime = NOW) -> str:
    """An X509Credential of the certificate of ``holder``, PS256."""
    found = uzi or a_uzi_chain(holder)
    return issue_x509_credential(
        chain=found.chain, key=found.key, subject_id=a_did(holder), credential_id=an_id(f"x509 {holder}"), now=now
    )


def an_employee_credential(holder: str = "oever", *, now: datetime = NOW, **subject: str) -> dict[str, Any]:
    """A self-attested NutsEmployeeCredential."""
    return self_attested(
        holder=a_did(holder),
        types=("NutsEmployeeCredential",),
        subject={"identifier": "87654321", "name": "J. de Vries", "roleName": "01.015"} | subject,
        credential_id=an_id(f"employee {holder}"),
        now=now - timedelta(seconds=1),
        contexts=(NUTS_CONTEXT,),
    )


def a_presentation(
    holder: str = "oever",
    *,
    credentials: Sequence[str | Mapping[str, Any]] | None = None,
    audience: str = AUDIENCE,
    now: datetime = NOW,
    lifetime: timedelta = timedelta(seconds=5),
    key: SoftwareKey | None = None,
    seed: str = "presentation",
    extra_types: Sequence[str] = (),
    extra_claims: Mapping[str, Any] | None = None,
) -> str:
    """A JWT presentation in the dialect of nuts-node's master; an X509 and an employee credential by default."""
    if credentials is None:
        credentials = [an_x509_credential(holder, now=now), an_employee_credential(holder, now=now)]
    return present_jwt(
        holder=a_did(holder),
        key=key or a_key(holder),
        audience=audience,
        credentials=credentials,
        nonce=an_id(f"nonce {seed}"),
        presentation_id=f"{a_did(holder)}#{an_id(seed)}",
        now=now,
        lifetime=lifetime,
        extra_types=extra_types,
        extra_claims=extra_claims,
    )


def a_release_presentation(
    holder: str = "oever",
    *,
    credentials: Sequence[str | Mapping[str, Any]],
    audience: str = AUDIENCE,
    now: datetime = NOW,
    seed: str = "presentation",
    **claims: Any,
) -> str:
    """The same in the dialect of release 6.2: no iss, no iat, ``vp.holder``, arrays of one element collapsed."""
    issued = int(now.timestamp()) - 1
    vp: dict[str, Any] = {"@context": [VC_CONTEXT], "holder": a_did(holder), "type": "VerifiablePresentation"}
    if credentials:
        vp["verifiableCredential"] = credentials[0] if len(credentials) == 1 else list(credentials)
    body: dict[str, Any] = {
        "aud": [audience],
        "exp": issued + 5,
        "jti": f"{a_did(holder)}#{an_id(seed)}",
        "nbf": issued,
        "nonce": an_id(f"nonce {seed}"),
        "sub": a_did(holder),
        "vp": vp,
    }
    body |= claims
    return sign_jws(
        {"typ": "JWT"}, compact_json({name: body[name] for name in body if body[name] is not None}), a_key(holder)
    )


def keys_of(*names: str) -> dict[KeyId, PublicKey]:
    """What the DID documents of these parties hold."""
    return {key.kid: key.public for key in map(a_key, names)}
