"""The vendor's side, as nuts-node's: service tokens, introspection, proofs (WIRE §2.5.1, §2.7, §2.8)."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.node.oauth.setting import ASKER_URL, HOLDER, SCOPE, NodeUnderTest

EMPLOYEE_SUBJECT = {"name": "John Doe", "roleName": "Janitor", "identifier": "123456"}
EMPLOYEE = {
    "@context": ["https://www.w3.org/2018/credentials/v1", "https://nuts.nl/credentials/v1"],
    "type": ["VerifiableCredential", "NutsEmployeeCredential"],
    "credentialSubject": EMPLOYEE_SUBJECT,
}
READ = "https://wending.example/fhir/Patient?x=1"


async def call(node: NodeUnderTest, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    async with node.internal.post(path, json=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.text())


async def service_token(asker: NodeUnderTest, subject: str = "oever", **members: Any) -> tuple[int, Any]:
    body = {"authorization_server": HOLDER, "scope": SCOPE, "credentials": [EMPLOYEE]} | members
    return await call(asker, f"/internal/auth/v2/{subject}/request-service-access-token", body)


async def introspect(node: NodeUnderTest, token: str, extended: str = "") -> dict[str, Any]:
    path = f"/internal/auth/v2/accesstoken/introspect{extended}"
    async with node.internal.post(path, data={"token": token}) as answer:
        assert answer.status == 200
        said: dict[str, Any] = await answer.json()
        return said


async def test_a_vendor_gets_a_bound_token_and_the_id_of_its_key(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    status, body = await service_token(asker)
    assert status == 200
    assert set(body) == {"access_token", "token_type", "expires_in", "expires_at", "scope", "dpop_kid"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("DPoP", 900, SCOPE)
    assert body["dpop_kid"].startswith("did:web:oever.example:iam:")
    asker.clock.jump(10)
    assert (await service_token(asker))[1] == body | {"expires_in": 890}


async def test_a_vendor_gets_a_bearer_token_where_it_asks_for_one(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    for kind, got in [("Bearer", "Bearer"), ("bearer", "Bearer"), ("dpop", "DPoP"), ("other", "DPoP")]:
        _, body = await service_token(asker, token_type=kind)
        assert body["token_type"] == got
        assert ("dpop_kid" in body) is (got == "DPoP")


async def test_no_cache_asks_anew(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    path = "/internal/auth/v2/oever/request-service-access-token"
    body = {"authorization_server": HOLDER, "scope": SCOPE, "credentials": [EMPLOYEE]}
    _, first = await call(asker, path, body)
    _, second = await call(asker, path, body, **{"Cache-Control": "no-cache"})
    assert first["access_token"] != second["access_token"]


async def test_introspection_shows_the_claims_beside_the_standard_members(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    _, token = await service_token(asker)
    said = await introspect(holder, token["access_token"])
    assert said.pop("cnf").keys() == {"jkt"}
    assert said == {
        "active": True,
        "iss": HOLDER,
        "client_id": f"{ASKER_URL}/oauth2/oever",
        "scope": SCOPE,
        "iat": int(holder.clock.now().timestamp()),
        "exp": token["expires_at"],
        "organization_ura": "00001111",
        "organization_name": "Huisartsenpraktijk De Oever",
        "organization_city": "Gouda",
        "employee_identifier": "123456",
        "employee_name": "John Doe",
        "employee_role": "Janitor",
        "user_evidence": "self_attested",
    }


async def test_extended_introspection_shows_what_earned_the_token_and_no_claims(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    _, token = await service_token(asker)
    said = await introspect(holder, token["access_token"], "_extended")
    assert set(said) == {
        *("active", "iss", "client_id", "scope", "iat", "exp", "cnf", "user_evidence"),
        *("vps", "presentation_definitions", "presentation_submissions"),
    }
    assert [vp.count(".") for vp in said["vps"]] == [2]
    assert said["presentation_definitions"]["organization"]["id"] == "pd_organization"
    assert said["presentation_submissions"]["pd_organization"]["definition_id"] == "pd_organization"


async def test_a_token_that_does_not_stand_is_inactive_and_that_is_all(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    _, token = await service_token(asker, token_type="Bearer")
    for unknown in ("", "x", "A" * 43, "x" * 5_000):
        assert await introspect(holder, unknown) == {"active": False}
    stored = await holder.store.find(token["access_token"])
    assert stored is not None
    await holder.store.end(stored.grant.grant_id, holder.clock.now())
    for extended in ("", "_extended"):
        assert await introspect(holder, token["access_token"], extended) == {"active": False}
    _, token = await service_token(asker, token_type="DPoP")
    holder.clock.jump(900)
    assert await introspect(holder, token["access_token"]) == {"active": False}


async def test_introspection_takes_a_form_and_nothing_else(holder: NodeUnderTest) -> None:
    status, body = await call(holder, "/internal/auth/v2/accesstoken/introspect", {"token": "x"})
    assert (status, body["status"]) == (415, 415)
    async with holder.internal.post(
        "/internal/auth/v2/accesstoken/introspect", data=[("token", "a"), ("token", "b")]
    ) as answer:
        assert answer.status in (400, 415)


async def test_a_proof_is_made_and_found_good_once(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    _, token = await service_token(asker)
    jkt = (await introspect(holder, token["access_token"]))["cnf"]["jkt"]
    body = {"htm": "GET", "htu": READ, "token": token["access_token"]}
    status, made = await call(asker, f"/internal/auth/v2/dpop/{quote(token['dpop_kid'], safe='')}", body)
    assert status == 200
    asked = {
        "dpop_proof": made["dpop"],
        "method": "GET",
        "thumbprint": jkt,
        "token": token["access_token"],
        "url": "wending.example/fhir/Patient",
    }
    path = "/internal/auth/v2/dpop/validate"
    for change in ({"url": "wending.example/x"}, {"method": "POST"}, {"thumbprint": "x"}, {"token": "x" * 43}):
        status, said = await call(holder, path, asked | change)
        assert (status, said["valid"], set(said)) == (200, False, {"valid", "reason"})
    assert await call(holder, path, asked) == (200, {"valid": True})
    assert await call(holder, path, asked) == (200, {"valid": False, "reason": "jti already used"})
    assert [record.code for record in holder.audit.of_kind("request")] == ["proof_valid"]


async def test_a_proof_for_a_token_that_is_not_ours_is_not_valid(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    _, token = await service_token(asker)
    kid = token["dpop_kid"].replace("#", "%23")
    _, made = await call(asker, f"/internal/auth/v2/dpop/{kid}", {"htm": "GET", "htu": READ, "token": "foreign"})
    jkt = (await introspect(holder, token["access_token"]))["cnf"]["jkt"]
    asked = {"dpop_proof": made["dpop"], "method": "GET", "thumbprint": jkt, "token": "foreign", "url": READ}
    status, said = await call(holder, "/internal/auth/v2/dpop/validate", asked)
    assert (status, said) == (200, {"valid": False, "reason": "token is not active here"})


async def test_a_proof_is_made_with_keys_of_our_organisations_only(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    _, token = await service_token(asker)
    body = {"htm": "GET", "htu": READ, "token": "x"}
    for kid in (token["dpop_kid"] + "x", "did:web:other.example:iam:1#k", "no-key-id"):
        status, said = await call(asker, f"/internal/auth/v2/dpop/{quote(kid, safe='')}", body)
        assert (status, said["code"]) == (404, "unknown_key")


@pytest.mark.spec("WIRE §2.15")
async def test_a_vendor_selects_one_of_several_credentials_by_a_field(
    holder: NodeUnderTest, asker: NodeUnderTest
) -> None:
    said = [EMPLOYEE, EMPLOYEE | {"credentialSubject": {**EMPLOYEE_SUBJECT, "identifier": "654321"}}]
    for identifier in ("123456", "654321"):
        status, body = await service_token(
            asker, credentials=said, credential_selection={"employee_identifier": identifier}
        )
        assert status == 200, body
        assert (await introspect(holder, body["access_token"]))["employee_identifier"] == identifier
    status, body = await service_token(
        asker, credentials=[EMPLOYEE, EMPLOYEE], credential_selection={"employee_identifier": "123456"}
    )
    assert (status, body["code"]) == (412, "no_matching_credentials")


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"authorization_server": ""}, 400, "invalid_member"),
        ({"authorization_server": "http://wending.example/oauth2/wending"}, 400, "no_authorization_server"),
        ({"authorization_server": "https://wending.example/oauth2/nobody"}, 400, "no_authorization_server"),
        ({"authorization_server": "https://nowhere.example/oauth2/x"}, 502, "peer_unreachable"),
        ({"scope": "other"}, 502, "peer_refused"),
        ({"scope": ""}, 400, "invalid_member"),
        ({"credentials": []}, 412, "no_matching_credentials"),
        ({"credentials": [EMPLOYEE | {"issuer": "did:web:x"}]}, 400, "invalid_credential"),
        ({"credentials": [EMPLOYEE | {"credentialSubject": {"id": "x"}}]}, 400, "invalid_credential"),
        ({"credentials": [EMPLOYEE | {"credentialSubject": None}]}, 400, "invalid_credential"),
        ({"credentials": [EMPLOYEE | {"proof": {}}]}, 400, "invalid_credential"),
        ({"credentials": [EMPLOYEE | {"type": 7}]}, 400, "invalid_credential"),
        ({"credentials": [EMPLOYEE] * 9}, 400, "invalid_member"),
        ({"credentials": "x"}, 400, "invalid_member"),
        ({"credential_selection": {"a": "b"}}, 400, "unknown_field"),
        ({"credential_selection": {"organization_ura": "another"}}, 412, "no_matching_credentials"),
        ({"credential_selection": {"organization_ura": 7}}, 400, "invalid_member"),
        ({"credential_selection": {str(n): "x" for n in range(33)}}, 400, "invalid_member"),
        ({"service_provider_subject_id": ""}, 400, "invalid_member"),
        ({"service_provider_subject_id": "x"}, 400, "unknown_subject"),
        ({"service_provider_subject_id": 7}, 400, "invalid_member"),
    ],
)
async def test_a_call_that_cannot_lead_to_a_token_says_what_to_do(
    holder: NodeUnderTest, asker: NodeUnderTest, members: dict[str, Any], status: int, code: str
) -> None:
    got, body = await service_token(asker, **members)
    assert (got, body["code"]) == (status, code)


async def test_an_unknown_subject_of_our_own_is_a_bad_request(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    status, body = await service_token(asker, subject="nobody")
    assert (status, body["detail"]) == (400, "invalid_request - subject not found")
