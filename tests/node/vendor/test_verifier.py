"""Verify what a vendor holds: 200 with a verdict, and the trust list that vendors' programs ask for."""

from datetime import timedelta
from typing import Any

import pytest

from credentials.vc.credential import SignedCredential
from tests.node.vendor.setting import BITSTRING, VCR, VendorNode, organization
from tests.support.builders import a_credential

VERIFIER = f"{VCR}/verifier"


async def issued(node: VendorNode, did: str, **members: Any) -> Any:
    return (await node.call("POST", f"{VCR}/issuer/vc", organization(did, did, **BITSTRING, **members))).body


async def verdict(node: VendorNode, credential: Any, **options: Any) -> Any:
    body = {"verifiableCredential": credential, **options}
    said = await node.call("POST", f"{VERIFIER}/vc", body)
    assert said.status == 200, said.text
    return said.body


async def test_a_credential_that_holds_is_valid_whoever_is_trusted(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    for options in ({}, {"verificationOptions": {"allowUntrustedIssuer": False}}):
        assert await verdict(node, credential, **options) == {"validity": True}


async def test_a_revoked_credential_is_not_valid_within_a_minute(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    assert (await verdict(node, credential))["validity"]
    path = SignedCredential.parse(credential).id.replace("%", "%25").replace("#", "%23")
    await node.call("DELETE", f"{VCR}/issuer/vc/{path}")
    node.clock.jump(timedelta(seconds=60))
    assert await verdict(node, credential) == {"validity": False, "message": "credential is revoked"}


async def test_what_does_not_hold_is_said_why(node: VendorNode) -> None:
    did = await node.found("gouwe")
    short = await issued(node, did, expirationDate="2026-11-22T13:00:00Z")
    head, body, signature = short.split(".")
    assert not (await verdict(node, f"{head}.{body}.{signature[:-6]}AAAAAA"))["validity"]
    assert not (await verdict(node, a_credential(now=node.clock.now())))["validity"]  # its issuer can not be resolved
    node.clock.jump(timedelta(hours=2))
    assert await verdict(node, short) == {"validity": False, "message": "expired"}


@pytest.mark.parametrize("credential", ["a.b.c", {}, {"id": 1}, 7, None])
async def test_what_is_no_credential_or_presentation_is_refused_or_not_valid(node: VendorNode, credential: Any) -> None:
    said = await node.call("POST", f"{VERIFIER}/vp", {"verifiablePresentation": credential})
    assert said.status == 400
    said = await node.call("POST", f"{VERIFIER}/vc", {"verifiableCredential": credential})
    if isinstance(credential, dict):
        assert (said.status, said.body["validity"]) == (200, False)
    else:
        assert said.status == 400


async def test_a_jwt_that_is_no_credential_is_not_valid(node: VendorNode) -> None:
    did = await node.found("gouwe")
    ((kid, _),) = await node.subjects.keys(did)
    jwt = (await node.call("POST", "/internal/crypto/v1/sign_jwt", {"kid": kid, "claims": {"a": 1}})).text
    assert (await verdict(node, jwt))["validity"] is False


async def test_what_this_node_revokes_ends_here_at_once(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    assert (await verdict(node, credential))["validity"]
    path = SignedCredential.parse(credential).id.replace("%", "%25").replace("#", "%23")
    await node.call("DELETE", f"{VCR}/issuer/vc/{path}")
    assert await verdict(node, credential) == {"validity": False, "message": "credential is revoked"}


async def present(node: VendorNode, credential: Any, **members: Any) -> Any:
    body = {"verifiableCredentials": [credential], "format": "jwt_vp", "domain": "https://x.example", **members}
    said = await node.call("POST", f"{VCR}/holder/vp", body)
    assert said.status == 200, said.text
    return said.body


async def test_a_presentation_is_verified_for_whomever_it_was_made(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    presentation = await present(node, credential)
    said = await node.call("POST", f"{VERIFIER}/vp", {"verifiablePresentation": presentation})
    assert said.body == {"validity": True, "credentials": [credential]}


async def test_a_presentation_is_verified_at_another_moment_and_without_its_credentials(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    presentation = await present(node, credential)
    then = node.clock.now()
    path = SignedCredential.parse(credential).id.replace("%", "%25").replace("#", "%23")
    await node.call("DELETE", f"{VCR}/issuer/vc/{path}")
    node.clock.jump(timedelta(seconds=60))
    body: dict[str, Any] = {"verifiablePresentation": presentation}
    assert (await node.call("POST", f"{VERIFIER}/vp", body)).body["validity"] is False
    body["verifyCredentials"] = False
    assert (await node.call("POST", f"{VERIFIER}/vp", body)).body["validity"] is True
    node.clock.jump(timedelta(hours=1))
    assert (await node.call("POST", f"{VERIFIER}/vp", body)).body == {"validity": False, "message": "expired"}
    body["validAt"] = then.isoformat()
    assert (await node.call("POST", f"{VERIFIER}/vp", body)).body["validity"] is True
    assert (await node.call("POST", f"{VERIFIER}/vp", {**body, "validAt": "then"})).status == 400


async def test_trust_is_kept_listed_and_taken_away(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    type_ = "NutsOrganizationCredential"
    assert (await node.call("GET", f"{VERIFIER}/{type_}/trusted")).body == []
    assert (await node.call("GET", f"{VERIFIER}/{type_}/untrusted")).body == [did]
    body = {"issuer": did, "credentialType": type_}
    for _ in range(2):
        assert (await node.call("POST", f"{VERIFIER}/trust", body)).status == 204
    assert (await node.call("GET", f"{VERIFIER}/{type_}/trusted")).body == [did]
    assert (await node.call("GET", f"{VERIFIER}/{type_}/untrusted")).body == []
    for _ in range(2):
        assert (await node.call("DELETE", f"{VERIFIER}/trust", body)).status == 204
    assert (await node.call("GET", f"{VERIFIER}/{type_}/trusted")).body == []
    assert (await node.call("POST", f"{VERIFIER}/trust", {"issuer": did})).status == 400


async def test_the_trust_list_is_the_whole_nodes_and_verifying_is_for_every_caller(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    key = await node.key_for("ehr of oever", "oever")
    assert (await node.call("POST", f"{VERIFIER}/vc", {"verifiableCredential": credential}, key=key)).status == 200
    body = {"issuer": did, "credentialType": "x"}
    assert (await node.call("POST", f"{VERIFIER}/trust", body, key=key)).status == 403
    assert (await node.call("GET", f"{VERIFIER}/x/trusted", key=key)).status == 403
