"""Presentations as each dialect writes them, and the submission that points into one (WIRE §2.5.3, §2.15)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

from credentials.jsonld.proof import sign_document
from tests.support.foreign_node.dialect import Dialect
from tests.support.foreign_node.issuing import VC_CONTEXT
from tests.support.foreign_node.tenant import Tenant

SECONDS = 5


def claims_of(
    dialect: Dialect,
    holder: Tenant,
    audience: str,
    credentials: Sequence[Any],
    now: datetime,
    *,
    lifetime: int = SECONDS,
    types: Sequence[str] = (),
) -> dict[str, Any]:
    """The claims of a JWT presentation, before anything is bent."""
    issued = int(now.timestamp())
    vp: dict[str, Any] = {
        "@context": [VC_CONTEXT],
        "type": dialect.one_or_many(["VerifiablePresentation", *types]),
        **({} if dialect.names_issuer else {"holder": holder.did}),
    }
    if credentials:
        vp["verifiableCredential"] = dialect.one_or_many(list(credentials))
    return {
        "aud": [audience],
        "exp": issued + lifetime,
        "jti": f"{holder.did}#{uuid4()}",
        "nbf": issued,
        "nonce": token_urlsafe(32),
        "sub": holder.did,
        "vp": vp,
        **({"iss": holder.did, "iat": issued} if dialect.names_issuer else {}),
    }


def ldp_presentation(holder: Tenant, audience: str, credentials: Sequence[Any], now: datetime) -> dict[str, Any]:
    """A presentation as JSON-LD; both dialects write it alike."""
    nonce, created = token_urlsafe(32), (now - timedelta(seconds=1)).replace(microsecond=0)
    document = {
        "@context": [VC_CONTEXT],
        "id": f"{holder.did}#{uuid4()}",
        "type": "VerifiablePresentation",
        "holder": holder.did,
        "verifiableCredential": credentials[0] if len(credentials) == 1 else list(credentials),
    }
    return sign_document(
        document,
        holder.key.software,
        created=created,
        expires=created + timedelta(seconds=SECONDS),
        challenge=nonce,
        domain=audience,
        nonce=nonce,
    )


def submission_for(definition: Mapping[str, Any], credentials: Sequence[Any], *, collapsed: bool) -> dict[str, Any]:
    """Say which credential answers which descriptor: the first the first, and so on.

    Args:
        definition: as the server publishes it.
        credentials: in the order of its descriptors.
        collapsed: whether a single credential stands in the presentation without an array.
    """
    descriptors: Sequence[Mapping[str, Any]] = definition.get("input_descriptors", ())
    single = collapsed and len(credentials) == 1
    return {
        "id": str(uuid4()),
        "definition_id": definition["id"],
        "descriptor_map": [
            {
                "id": descriptor["id"],
                "format": "jwt_vc" if isinstance(credential, str) else "ldp_vc",
                "path": "$.verifiableCredential" if single else f"$.verifiableCredential[{number}]",
            }
            for number, (descriptor, credential) in enumerate(zip(descriptors, credentials, strict=False))
        ],
    }


def compact(value: Any) -> str:
    """JSON without white space, as in a form."""
    return json.dumps(value, separators=(",", ":"))
