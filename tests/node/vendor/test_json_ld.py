"""The same in JSON-LD, which is what nuts-node issues and presents when nobody says otherwise."""

from datetime import timedelta
from typing import Any

import pytest

from credentials.did.did_jwk import did_jwk
from credentials.jsonld.proof import sign_document
from credentials.keys import KeyId
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential
from tests.node.vendor.setting import VCR, VendorNode, organization
from tests.support.keys import a_key


async def issued(node: VendorNode, issuer: str, holder: str, **members: Any) -> Any:
    said = await node.call("POST", f"{VCR}/issuer/vc", organization(issuer, holder, format=None, **members))
    assert said.status == 200, said.text
    return said.body


def sorted_everywhere(value: Any) -> bool:
    match value:
        case dict():
            return list(value) == sorted(value) and all(map(sorted_everywhere, value.values()))
        case list():
            return all(map(sorted_everywhere, value))
        case _:
            return True


@pytest.mark.parametrize("format_", ["jwt_vc", "ldp_vc"])
async def test_a_type_whose_terms_are_elsewhere_gets_that_context_when_none_is_named(
    node: VendorNode, format_: str
) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    says = {"id": holder, "organization": {"ura": "90000101", "name": "De Gouwe", "city": "Gouda"}}
    asked = organization(issuer, holder, type="NutsUraCredential", credentialSubject=says, format=format_)
    said = await node.call("POST", f"{VCR}/issuer/vc", asked)
    assert said.status == 200, said.text
    contexts = SignedCredential.parse(said.body).contexts
    assert "https://nuts.nl/credentials/2024" in contexts
    assert NUTS_CONTEXT not in contexts
    said = await node.call("POST", f"{VCR}/issuer/vc", organization(issuer, holder, format=format_))
    assert NUTS_CONTEXT in SignedCredential.parse(said.body).contexts


async def test_a_credential_is_json_ld_by_default_with_sorted_members(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    credential = await issued(node, issuer, holder)
    assert credential["proof"]["type"] == "JsonWebSignature2020"
    assert credential["credentialStatus"]["type"] == "StatusList2021Entry"
    assert credential["@context"][0] == "https://www.w3.org/2018/credentials/v1"
    assert sorted_everywhere(credential)
    verdict = await node.call("POST", f"{VCR}/verifier/vc", {"verifiableCredential": credential})
    assert verdict.body == {"validity": True}


async def test_a_term_that_no_context_defines_is_refused(node: VendorNode) -> None:
    did = await node.found("gouwe")
    subject = {"id": did, "organization": {"name": "De Gouwe", "city": "Gouda", "agb": "1"}}
    for members in (
        {"credentialSubject": subject},
        {"type": "NobodyKnowsCredential"},
        {"@context": ["https://nuts.nl/credentials/v1", "https://unknown.example/context"]},
    ):
        body = organization(did, did, **{"format": "ldp_vc", **members})
        said = await node.call("POST", f"{VCR}/issuer/vc", body)
        assert (said.status, said.body["code"]) == (400, "invalid_credential"), members
    assert await node.store.search(did) == ()


@pytest.mark.parametrize("bitstring", [False, True])
async def test_a_revocation_is_seen_within_a_minute(node: VendorNode, bitstring: bool) -> None:
    did = await node.found("gouwe")
    kind = {"withStatusList2021Revocation": None, "withBitstringStatusListRevocation": True} if bitstring else {}
    credential = await issued(node, did, did, **kind)
    body = {"verifiableCredential": credential}
    assert (await node.call("POST", f"{VCR}/verifier/vc", body)).body["validity"]
    path = SignedCredential.parse(credential).id.replace("%", "%25").replace("#", "%23")
    assert (await node.call("DELETE", f"{VCR}/issuer/vc/{path}")).status == 204
    node.clock.jump(timedelta(seconds=60))
    verdict = await node.call("POST", f"{VCR}/verifier/vc", body)
    assert verdict.body == {"validity": False, "message": "credential is revoked"}


async def test_what_was_changed_after_signing_is_not_valid(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did, did)
    credential["credentialSubject"]["organization"]["city"] = "Waddinxveen"
    verdict = await node.call("POST", f"{VCR}/verifier/vc", {"verifiableCredential": credential})
    assert verdict.body["validity"] is False


async def test_the_wallet_keeps_it_as_it_came_and_it_is_presented_unchanged(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    credential = await issued(node, issuer, holder, expirationDate="2026-12-22T12:00:00Z")
    assert (await node.call("POST", f"{VCR}/holder/oever/vc", credential)).status == 204
    assert (await node.call("GET", f"{VCR}/holder/oever/vc")).body == [credential]
    body = {
        "verifiableCredentials": [credential],
        "signerDID": holder,
        "domain": "https://example.com",
        "challenge": "c-1",
        "expires": "2026-11-22T12:01:00Z",
    }
    presentation = (await node.call("POST", f"{VCR}/holder/vp", body)).body
    assert presentation["verifiableCredential"] == credential
    proof = presentation["proof"]
    assert (proof["domain"], proof["challenge"], proof["expires"]) == (
        "https://example.com", "c-1", "2026-11-22T12:01:00Z",
    )  # fmt: skip
    said = await node.call("POST", f"{VCR}/verifier/vp", {"verifiablePresentation": presentation})
    assert said.body == {"validity": True, "credentials": [credential]}
    short = await node.call("POST", f"{VCR}/holder/vp", {"verifiableCredentials": [credential]})
    assert short.body["proof"]["expires"] == "2026-11-22T12:15:00Z"
    wrong = await node.call("POST", f"{VCR}/holder/vp", {**body, "@context": ["https://unknown.example"]})
    assert wrong.status == 400


async def test_a_json_ld_credential_is_renewed_as_one(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did, did, expirationDate="2026-12-02T12:00:00Z")
    assert (await node.call("POST", f"{VCR}/holder/gouwe/vc", credential)).status == 204
    node.clock.jump(timedelta(days=9))
    assert await node.renewal.renew_due() == 1
    (renewed,) = (await node.call("GET", f"{VCR}/holder/gouwe/vc")).body
    assert renewed["id"] != credential["id"]
    assert renewed["credentialSubject"] == credential["credentialSubject"]
    assert renewed["@context"] == credential["@context"]
    assert renewed["expirationDate"] == "2026-12-11T12:00:00Z"


async def test_a_presentation_that_does_not_say_until_when_is_looked_at_too(node: VendorNode) -> None:
    """nuts-node makes one where its vendor names no ``expires``; it earns nobody a token."""
    key = a_key("oever")
    did = did_jwk(key.public)
    document = {"@context": [VC_CONTEXT], "id": f"{did}#1", "type": "VerifiablePresentation", "holder": did}
    signed = sign_document(document, key.renamed(KeyId(f"{did}#0")), created=node.clock.now())
    said = await node.call("POST", f"{VCR}/verifier/vp", {"verifiablePresentation": signed})
    assert said.body == {"validity": True, "credentials": []}
