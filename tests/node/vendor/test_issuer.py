"""Issue, search, revoke: nuts-node's paths, bodies and statuses, and strictly per organisation."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from credentials.jws import SignedJWS
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential
from tests.node.vendor.setting import VCR, VendorNode, organization

VC = f"{VCR}/issuer/vc"


def claims_of(compact: str) -> dict[str, Any]:
    opened: dict[str, Any] = json.loads(SignedJWS.parse(compact).payload)
    return opened


def path_of(credential_id: str) -> str:
    return f"{VC}/{quote(credential_id, safe='')}"


async def test_a_jwt_credential_is_issued_with_a_place_in_a_status_list(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    said = await node.call("POST", VC, organization(issuer, holder))
    assert said.status == 200
    credential = SignedCredential.parse(said.body)
    assert (credential.issuer, credential.subject_id) == (issuer, holder)
    assert credential.id.startswith(f"{issuer}#")
    assert credential.contexts == (VC_CONTEXT, NUTS_CONTEXT, "https://w3id.org/vc/status-list/2021/v1")
    url = f"https://gouwe.example:8443/statuslist/{issuer}/1"
    assert credential.statuses == (
        {
            "id": f"{url}#0",
            "type": "StatusList2021Entry",
            "statusPurpose": "revocation",
            "statusListIndex": "0",
            "statusListCredential": url,
        },
    )
    assert "exp" not in claims_of(said.body)
    assert [record.code for record in node.audit.records] == ["credential_issued"]
    assert node.audit.records[0].user_id == "ehr"


async def test_a_credential_that_expires_needs_no_status(node: VendorNode) -> None:
    did = await node.found("gouwe")
    body = organization(did, did, withStatusList2021Revocation=None, expirationDate="2026-12-22T11:37:36.5+01:00")
    said = await node.call("POST", VC, body)
    assert said.status == 200
    assert SignedCredential.parse(said.body).statuses == ()
    assert claims_of(said.body)["exp"] == 1797935856


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (
            {"withStatusList2021Revocation": None},
            "withStatusList2021Revocation MUST be provided for credentials without",
        ),
        ({"publishToNetwork": True}, "illegal option 'publishToNetwork' requested for issuer's DID method: web"),
        ({"visibility": "public"}, "illegal option 'visibility'"),
        ({"withBitstringStatusListRevocation": True}, "exclude each other"),
        ({"type": []}, "exactly one type"),
        ({"type": ["VerifiableCredential"]}, "exactly one type"),
        ({"type": ["A", "B"]}, "exactly one type"),
        ({"type": 7}, "type"),
        ({"issuer": "nobody"}, "issuer is not a DID"),
        ({"issuer": "did:web:foreign.example"}, "not an organisation of this node"),
        ({"credentialSubject": {"organization": {"name": "a", "city": "b"}}}, "credentialSubject.id is not a DID"),
        ({"credentialSubject": []}, "exactly one is needed"),
        ({"credentialSubject": None}, "credentialSubject"),
        ({"format": "sd-jwt"}, "format"),
        ({"expirationDate": "tomorrow"}, "invalid value for expirationDate"),
        ({"expirationDate": "2020-01-01T00:00:00Z"}, "expirationDate lies in the past"),
        ({"@context": ["https://c.example"] * 20}, "more than 16 contexts"),
        ({"@context": "https://www.w3.org/2018/credentials/v1"}, "@context lacks"),
    ],
)
async def test_what_can_not_be_issued_says_why(node: VendorNode, change: dict[str, Any], detail: str) -> None:
    did = await node.found("gouwe")
    said = await node.call("POST", VC, organization(did, did, **change))
    assert said.status == 400
    assert detail in said.body["detail"]
    assert said.body["title"] == "IssueVC failed"
    assert await node.store.search(did) == ()


async def test_a_subject_that_does_not_fit_its_type_spends_no_index(node: VendorNode) -> None:
    did = await node.found("gouwe")
    subject = {"id": did, "organization": {"name": "De Gouwe"}}
    said = await node.call("POST", VC, organization(did, did, credentialSubject=subject))
    assert (said.status, said.body["detail"]) == (
        400, "NutsOrganizationCredential: credentialSubject.organization.city is missing",
    )  # fmt: skip
    issued = await node.call("POST", VC, organization(did, did))
    assert SignedCredential.parse(issued.body).statuses[0]["statusListIndex"] == "0"


async def test_a_type_that_nobody_knows_is_issued_as_it_is(node: VendorNode) -> None:
    did = await node.found("gouwe")
    body = organization(did, did, type="OwnCredential", credentialSubject=[{"id": did, "level": 3, "share": 0.5}])
    said = await node.call("POST", VC, body)
    assert SignedCredential.parse(said.body).subjects[0] == {"id": did, "level": 3, "share": 0.5}


async def test_the_same_request_with_the_same_key_gives_the_same_credential(node: VendorNode) -> None:
    did = await node.found("gouwe")
    once = {"Idempotency-Key": "f1f2"}
    body = organization(did, did)
    first = await node.call("POST", VC, body, headers=once)
    node.clock.jump(timedelta(minutes=1))
    again = await node.call("POST", VC, dict(reversed(list(body.items()))), headers=once)
    assert (first.status, again.body) == (200, first.body)
    assert len(await node.store.search(did)) == 1
    other = await node.call("POST", VC, organization(did, did, withStatusList2021Revocation=False), headers=once)
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    assert (await node.call("POST", VC, body)).body != first.body
    wrong = await node.call("POST", VC, body, headers={"Idempotency-Key": "x" * 256})
    assert wrong.status == 400


async def test_what_was_issued_is_found_with_its_revocation(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    issued = [(await node.call("POST", VC, organization(issuer, whom))).body for whom in (issuer, holder)]
    revoked = SignedCredential.parse(issued[1]).id
    assert (await node.call("DELETE", path_of(revoked))).status == 204
    query = f"{VC}/search?credentialType=NutsOrganizationCredential&issuer={quote(issuer, safe='')}"
    found = (await node.call("GET", query)).body["verifiableCredentials"]
    assert [each["verifiableCredential"] for each in found] == issued
    assert "revocation" not in found[0]
    assert found[1]["revocation"] == {
        "issuer": issuer,
        "subject": revoked,
        "reason": "revocation",
        "date": "2026-11-22T12:00:00Z",
    }
    narrowed = (await node.call("GET", f"{query}&subject={quote(holder, safe='')}")).body["verifiableCredentials"]
    assert [each["verifiableCredential"] for each in narrowed] == issued[1:]
    for other in (f"{VC}/search?credentialType=Other&issuer={issuer}", f"{VC}/search?issuer=did:web:x.example"):
        assert (await node.call("GET", other)).body == {"verifiableCredentials": []}
    for wrong in (f"{VC}/search", f"{VC}/search?issuer=x"):
        assert (await node.call("GET", wrong)).status == 400


async def test_revoking_has_nuts_nodes_statuses(node: VendorNode) -> None:
    did = await node.found("gouwe")
    with_status = SignedCredential.parse((await node.call("POST", VC, organization(did, did))).body).id
    without = SignedCredential.parse(
        (await node.call("POST", VC, organization(did, did, withStatusList2021Revocation=False))).body
    ).id
    assert (await node.call("DELETE", path_of(with_status))).status == 204
    again = await node.call("DELETE", path_of(with_status))
    assert (again.status, again.body["detail"], again.body["title"]) == (
        409,
        "credential is revoked",
        "RevokeVC failed",
    )
    assert (await node.call("DELETE", path_of(without))).status == 400
    assert (await node.call("DELETE", path_of(f"{did}#nothing"))).status == 404
    assert [record.code for record in node.audit.records] == ["credential_issued"] * 2 + ["credential_revoked"]


async def test_an_id_in_a_path_may_have_only_its_hash_encoded(node: VendorNode) -> None:
    did = await node.found("gouwe")
    for port in ("%3A", ":"):
        issued = SignedCredential.parse((await node.call("POST", VC, organization(did, did))).body).id
        spelled = issued.replace("%3A", port).replace("#", "%23")
        assert (await node.call("DELETE", f"{VC}/{spelled}")).status == 204


async def test_a_key_of_one_organisation_acts_for_that_one_only(node: VendorNode) -> None:
    own, other = await node.found("gouwe"), await node.found("oever")
    key = await node.key_for("ehr of gouwe", "gouwe")
    mine = await node.call("POST", VC, organization(own, other), key=key)
    assert mine.status == 200
    assert (await node.call("POST", VC, organization(other, own), key=key)).status == 403
    theirs = SignedCredential.parse((await node.call("POST", VC, organization(other, own))).body).id
    assert (await node.call("DELETE", path_of(theirs), key=key)).status == 404
    assert (await node.call("POST", f"{path_of(theirs)}/renew", key=key)).status == 404
    found = await node.call("GET", f"{VC}/search?issuer={quote(other, safe='')}", key=key)
    assert found.body == {"verifiableCredentials": []}
    assert (await node.call("DELETE", path_of(SignedCredential.parse(mine.body).id), key=key)).status == 204


async def test_nothing_leaves_that_can_not_be_recorded(node: VendorNode) -> None:
    did = await node.found("gouwe")
    node.audit.available = False
    said = await node.call("POST", VC, organization(did, did))
    assert (said.status, said.body["code"]) == (503, "audit_unavailable")


async def test_renewing_gives_one_successor_however_often_it_is_asked(node: VendorNode) -> None:
    did = await node.found("gouwe")
    body = organization(did, did, expirationDate="2026-12-22T12:00:00Z")
    first = SignedCredential.parse((await node.call("POST", VC, body)).body)
    node.clock.jump(timedelta(days=20))
    renewed = [(await node.call("POST", f"{path_of(first.id)}/renew")).body for _ in range(2)]
    assert renewed[0] == renewed[1]
    next_one = SignedCredential.parse(renewed[0])
    assert next_one.id != first.id
    assert (next_one.subjects, next_one.contexts, next_one.types) == (first.subjects, first.contexts, first.types)
    assert next_one.expires_at == node.clock.now() + timedelta(days=30)
    assert next_one.statuses[0]["statusListIndex"] == "1"
    for_ever = SignedCredential.parse((await node.call("POST", VC, organization(did, did))).body).id
    assert (await node.call("POST", f"{path_of(for_ever)}/renew")).status == 409


async def test_a_request_with_fractions_is_the_same_again(node: VendorNode) -> None:
    did = await node.found("gouwe")
    subject = {"id": did, "share": 0.5, "list": [1, {"x": 0.25}]}
    body = organization(did, did, type="OwnCredential", credentialSubject=subject)
    made = [(await node.call("POST", VC, body, headers={"Idempotency-Key": "k"})).body for _ in range(2)]
    assert made[0] == made[1]
    assert (
        "issuer's DID method: none"
        in (await node.call("POST", VC, {**body, "issuer": "x", "visibility": "p"})).body["detail"]
    )
