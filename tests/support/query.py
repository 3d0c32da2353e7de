"""Credentials and presentations to match, unsigned: matching looks at what they say, not at who signed them."""

import json
from collections.abc import Sequence
from typing import Any

from credentials.encoding import b64url_encode
from credentials.jws import compact_json
from credentials.query.definition import PresentationDefinition
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential
from credentials.vc.presentation import SignedPresentation

HOLDER = "did:web:gouwe.example:iam:1"
ISSUER = "did:web:issuer.example:iam:9"
NOT_BEFORE = 1_795_347_423


def compact(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [b64url_encode(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, b64url_encode(b"no signature")])


def jwt_credential(
    kind: str, subject: dict[str, Any], *, alg: str = "ES256", issuer: str = ISSUER, identifier: str = "1"
) -> SignedCredential:
    return SignedCredential.parse(
        compact(
            {"alg": alg, "kid": f"{issuer}#0", "typ": "JWT"},
            {
                "iss": issuer,
                "sub": HOLDER,
                "jti": f"{issuer}#{identifier}",
                "nbf": NOT_BEFORE,
                "vc": {
                    "@context": [VC_CONTEXT, NUTS_CONTEXT],
                    "type": ["VerifiableCredential", kind],
                    "credentialSubject": {**subject, "id": HOLDER},
                },
            },
        )
    )


A_PROOF = {
    "type": "JsonWebSignature2020",
    "created": "2026-11-22T11:37:04Z",
    "verificationMethod": f"{HOLDER}#key-1",
    "proofPurpose": "assertionMethod",
    "jws": f"{b64url_encode(compact_json({'alg': 'ES256', 'b64': False, 'crit': ['b64']}))}..c2ln",
}
"""The shape of a proof; matching looks no further."""


def ld_credential(
    kind: str, subject: dict[str, Any], *, issuer: str = HOLDER, proof: object = None, identifier: str = "2"
) -> SignedCredential:
    document = {
        "@context": [VC_CONTEXT, NUTS_CONTEXT],
        "id": identifier,
        "type": ["VerifiableCredential", kind],
        "issuer": issuer,
        "issuanceDate": "2026-11-22T11:37:04Z",
        "credentialSubject": [{**subject, "id": HOLDER}],
    }
    return SignedCredential.parse(document if proof is None else {**document, "proof": proof})


def presentation(
    credentials: Sequence[SignedCredential], *, collapsed: bool = False, **claims: Any
) -> SignedPresentation:
    carried: Any = [credential.raw for credential in credentials]
    vp: dict[str, Any] = {
        "@context": [VC_CONTEXT],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": carried[0] if collapsed else carried,
    }
    return SignedPresentation.parse(
        compact(
            {"alg": "ES256", "kid": f"{HOLDER}#0", "typ": "JWT"},
            {"aud": "x", "jti": f"{HOLDER}#p", "nbf": NOT_BEFORE, "exp": NOT_BEFORE + 5, "vp": vp, **claims},
        )
    )


def field(*paths: str, **rest: Any) -> dict[str, Any]:
    return {"path": list(paths), **rest}


def of_type(kind: str) -> dict[str, Any]:
    return field("$.type", filter={"type": "string", "const": kind})


def descriptor(identifier: str, *fields: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"id": identifier, "constraints": {"fields": list(fields)}, **rest}


def definition(*descriptors: dict[str, Any], **rest: Any) -> PresentationDefinition:
    return PresentationDefinition.parse({"id": "pd", "input_descriptors": list(descriptors), **rest})


# The definition two nuts-nodes used between them (format jwt, recorded 2026-11-22).
NUTS_ORGANIZATION_AND_EMPLOYEE: dict[str, Any] = {
    "format": {
        "jwt_vc": {"alg": ["ES256", "PS256", "EdDSA"]},
        "jwt_vp": {"alg": ["ES256", "PS256", "EdDSA"]},
        "ldp_vc": {"proof_type": ["JsonWebSignature2020"]},
    },
    "id": "pd_jwt",
    "input_descriptors": [
        descriptor(
            "id_org",
            of_type("NutsOrganizationCredential"),
            field(
                "$.credentialSubject.organization.name",
                "$.credentialSubject[0].organization.name",
                id="organization_name",
                filter={"type": "string"},
            ),
            field(
                "$.credentialSubject.organization.city",
                "$.credentialSubject[0].organization.city",
                id="organization_city",
                filter={"type": "string"},
            ),
            format={"jwt_vc": {"alg": ["ES256", "PS256", "EdDSA"]}},
        ),
        descriptor(
            "id_employee",
            of_type("NutsEmployeeCredential"),
            field(
                "$.credentialSubject.identifier",
                "$.credentialSubject[0].identifier",
                id="employee_identifier",
                filter={"type": "string"},
            ),
        ),
    ],
}
