"""How we know the user: from the credential to the grant, introspection and the record."""

from typing import Any

import pytest

from credentials.did.identifier import DID
from credentials.jws import compact_json, sign_jws
from credentials.keys import SoftwareKey
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT
from tests.node.oauth.setting import NodeUnderTest, Stranger, post_token
from tests.node.verification.setting import Publisher
from tests.support.keys import a_did, a_key
from tests.support.world import ManualClock, SimulatedInternet


def signed_employee(stranger: Stranger, issuer: DID, key: SoftwareKey) -> str:
    """An employee credential that somebody signed."""
    now = int(stranger.clock.now().timestamp())
    claims = {
        "iss": issuer,
        "sub": stranger.did,
        "jti": f"{issuer}#employee",
        "nbf": now - 60,
        "exp": now + 3_600,
        "vc": {
            "@context": [VC_CONTEXT, NUTS_CONTEXT],
            "type": ["VerifiableCredential", "NutsEmployeeCredential"],
            "credentialSubject": [
                {"id": stranger.did, "identifier": "U-1001", "name": "J. Jansen", "roleName": "01.015"}
            ],
        },
    }
    return sign_jws({"typ": "JWT"}, compact_json(claims), key)


@pytest.mark.parametrize("evidence", ["self_attested", "employer_issued", "credential"])
async def test_the_level_of_evidence_goes_from_the_credential_to_the_record(
    holder: NodeUnderTest, stranger: Stranger, internet: SimulatedInternet, clock: ManualClock, evidence: str
) -> None:
    Publisher(internet, clock)
    by_level: dict[str, dict[str, Any] | str] = {
        "self_attested": stranger.employee(),
        "employer_issued": signed_employee(stranger, stranger.did, stranger.key),
        "credential": signed_employee(stranger, a_did("ministry"), a_key("ministry")),
    }
    employee = by_level[evidence]
    form = stranger.form(
        assertion=stranger.presentation(credentials=[stranger.x509_credential, employee]),
        presentation_submission=stranger.submission(
            descriptor_map=[
                {"id": "id_x509credential", "format": "jwt_vc", "path": "$.verifiableCredential[0]"},
                {
                    "id": "id_employeecredential",
                    "format": "jwt_vc" if isinstance(employee, str) else "ldp_vc",
                    "path": "$.verifiableCredential[1]",
                },
            ]
        ),
    )
    answer = await post_token(holder, form)
    assert answer.status == 200, answer.text
    token = answer.body["access_token"]
    stored = await holder.store.find(token)
    assert stored is not None
    assert stored.grant.user_evidence == evidence
    assert (await holder.introspection.introspect(token))["user_evidence"] == evidence
    assert [(record.user_id, record.user_evidence) for record in holder.audit.of_kind("token")] == [
        ("U-1001", evidence)
    ]


async def test_a_credential_that_the_employer_did_not_sign_is_no_evidence(
    holder: NodeUnderTest, stranger: Stranger
) -> None:
    """In a JWT the issuer is the holder, and the signature is a stranger's: nuts-node lets that pass (WIRE §2.5.5 (10))."""
    thief = SoftwareKey.generate(stranger.key.kid)
    form = stranger.form(
        assertion=stranger.presentation(
            credentials=[stranger.x509_credential, signed_employee(stranger, stranger.did, thief)]
        ),
        presentation_submission=stranger.submission(
            descriptor_map=[
                {"id": "id_x509credential", "format": "jwt_vc", "path": "$.verifiableCredential[0]"},
                {"id": "id_employeecredential", "format": "jwt_vc", "path": "$.verifiableCredential[1]"},
            ]
        ),
    )
    assert (await post_token(holder, form)).status == 400
