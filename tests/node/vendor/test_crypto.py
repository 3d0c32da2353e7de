"""Signatures on a vendor's word: with the organisation's own keys only, recorded, and saying nothing dangerous."""

import base64
import json
from typing import Any

import pytest

from credentials.encoding import b64url_decode, b64url_encode
from credentials.jws import SignedJWS
from credentials.keys import PublicKey, SoftwareKey
from tests.node.vendor.setting import CRYPTO, VendorNode
from tests.support.keys import a_key

PAYLOAD = base64.b64encode(b"any.bytes \xff").decode()


async def kid_of(node: VendorNode, name: str) -> tuple[str, PublicKey]:
    did = await node.found(name)
    ((kid, key),) = await node.subjects.keys(did)
    return kid, key


async def test_claims_are_signed_as_a_jwt(node: VendorNode) -> None:
    kid, key = await kid_of(node, "gouwe")
    said = await node.call("POST", f"{CRYPTO}/sign_jwt", {"kid": kid, "claims": {"iss": "me", "aud": ["you"], "n": 1}})
    assert (said.status, said.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    jws = SignedJWS.parse(said.text)
    assert jws.header == {"alg": "ES256", "kid": kid, "typ": "JWT"}
    assert json.loads(jws.payload) == {"iss": "me", "aud": ["you"], "n": 1}
    key.verify(jws.signature, jws.signing_input, "ES256")


async def test_bytes_are_signed_under_a_header_with_the_payload_inside_or_apart(node: VendorNode) -> None:
    kid, key = await kid_of(node, "gouwe")
    body: dict[str, Any] = {"kid": kid, "headers": {"typ": "x", "kid": "other", "alg": "none"}, "payload": PAYLOAD}
    whole = (await node.call("POST", f"{CRYPTO}/sign_jws", body)).text
    jws = SignedJWS.parse(whole)
    assert jws.header == {"alg": "ES256", "kid": kid, "typ": "x"}
    assert jws.payload == b"any.bytes \xff"
    key.verify(jws.signature, jws.signing_input, "ES256")
    apart = (await node.call("POST", f"{CRYPTO}/sign_jws", {**body, "detached": True})).text
    header, middle, signature = apart.split(".")
    assert middle == ""
    key.verify(b64url_decode(signature), f"{header}.{b64url_encode(jws.payload)}".encode(), "ES256")


async def test_a_payload_may_be_signed_as_it_is_when_it_travels_apart(node: VendorNode) -> None:
    kid, key = await kid_of(node, "gouwe")
    headers = {"b64": False, "crit": ["b64"]}
    body = {"kid": kid, "headers": headers, "payload": PAYLOAD, "detached": True}
    header, _, signature = (await node.call("POST", f"{CRYPTO}/sign_jws", body)).text.split(".")
    assert json.loads(b64url_decode(header)) == {"alg": "ES256", "kid": kid, **headers}
    key.verify(b64url_decode(signature), header.encode() + b".any.bytes \xff", "ES256")


async def test_every_signature_is_recorded_like_nuts_nodes_and_none_leaves_without(node: VendorNode) -> None:
    kid, _ = await kid_of(node, "gouwe")
    claims = {"kid": kid, "claims": {"secret": "zq7"}}
    await node.call("POST", f"{CRYPTO}/sign_jwt", claims)
    await node.call("POST", f"{CRYPTO}/sign_jws", {"kid": kid, "headers": {}, "payload": PAYLOAD})
    assert [(each.code, each.subject, each.user_id) for each in node.audit.records] == [
        ("SignJWT", "gouwe", "ehr"), ("SignJWS", "gouwe", "ehr"),
    ]  # fmt: skip
    assert all(kid in str(each.interaction) and "zq7" not in str(each) for each in node.audit.records)
    node.audit.available = False
    assert (await node.call("POST", f"{CRYPTO}/sign_jwt", claims)).status == 503


@pytest.mark.parametrize(
    "headers",
    [
        {"crit": ["exp"]},
        {"b64": False},
        {"b64": False, "crit": ["b64"]},
        {"b64": False, "crit": ["b64", "x"]},
        {"jwk": "text"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
    ],
)
async def test_a_header_that_would_mislead_or_leak_is_not_signed(node: VendorNode, headers: dict[str, Any]) -> None:
    kid, _ = await kid_of(node, "gouwe")
    said = await node.call("POST", f"{CRYPTO}/sign_jws", {"kid": kid, "headers": headers, "payload": PAYLOAD})
    assert (said.status, said.body["title"]) == (400, "SignJws failed")
    assert node.audit.records == []


async def test_a_private_key_in_a_header_is_not_published_with_the_signature(node: VendorNode) -> None:
    kid, key = await kid_of(node, "gouwe")
    public = {"kid": kid, "headers": {"jwk": key.to_jwk()}, "payload": PAYLOAD}
    assert (await node.call("POST", f"{CRYPTO}/sign_jws", public)).status == 200
    private = {**public, "headers": {"jwk": {**key.to_jwk(), "d": "AAAA"}}}
    said = await node.call("POST", f"{CRYPTO}/sign_jws", private)
    assert (said.status, "AAAA" in said.text) == (400, False)


@pytest.mark.parametrize("kid", ["", "x", "did:web:gouwe.example", f"{a_key('oever').kid}"])
async def test_a_key_that_is_not_ours_signs_nothing(node: VendorNode, kid: str) -> None:
    node.vault.keys[a_key("oever").kid] = SoftwareKey.generate(a_key("oever").kid)  # there, but of nobody hosted here
    said = await node.call("POST", f"{CRYPTO}/sign_jwt", {"kid": kid, "claims": {"a": 1}})
    assert said.status == 400
    assert node.audit.records == []


async def test_a_key_of_one_organisation_is_not_for_the_callers_of_another(node: VendorNode) -> None:
    kid, _ = await kid_of(node, "gouwe")
    mine, theirs = await node.key_for("a", "gouwe"), await node.key_for("b", "oever")
    body = {"kid": kid, "claims": {"a": 1}}
    assert (await node.call("POST", f"{CRYPTO}/sign_jwt", body, key=mine)).status == 200
    assert (await node.call("POST", f"{CRYPTO}/sign_jwt", body, key=theirs)).status == 403
    jws = {"kid": kid, "headers": {}, "payload": PAYLOAD}
    assert (await node.call("POST", f"{CRYPTO}/sign_jws", jws, key=theirs)).status == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sign_jwt", {"kid": "k"}),
        ("sign_jwt", {"kid": "k", "claims": {}}),
        ("sign_jwt", {"claims": {"a": 1}}),
        ("sign_jws", {"kid": "k", "payload": PAYLOAD}),
        ("sign_jws", {"kid": "k", "headers": {}}),
        ("encrypt_jwe", {"receiver": "did:web:x", "headers": {}, "payload": PAYLOAD}),
        ("decrypt_jwe", {"message": "a.b.c.d.e"}),
    ],
)
async def test_what_can_not_be_done_is_400_with_a_reason(node: VendorNode, path: str, body: Any) -> None:
    said = await node.call("POST", f"{CRYPTO}/{path}", body)
    assert said.status == 400
    if path.endswith("jwe"):
        assert said.body["code"] == "encryption_not_supported"


async def test_a_payload_that_is_not_base64_is_refused(node: VendorNode) -> None:
    kid, _ = await kid_of(node, "gouwe")
    said = await node.call("POST", f"{CRYPTO}/sign_jws", {"kid": kid, "headers": {}, "payload": "%"})
    assert said.status == 400


async def test_a_key_that_the_vault_lost_signs_nothing(node: VendorNode) -> None:
    kid, _ = await kid_of(node, "gouwe")
    node.vault.keys.clear()
    said = await node.call("POST", f"{CRYPTO}/sign_jwt", {"kid": kid, "claims": {"a": 1}})
    assert (said.status, said.body["code"]) == (400, "unknown_key")
