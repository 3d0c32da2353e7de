"""Wallets and presentations of given credentials."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from credentials.jws import SignedJWS
from credentials.vc.credential import SignedCredential
from credentials.vc.issue import self_attested
from tests.node.vendor.setting import BITSTRING, VCR, VendorNode, organization
from tests.support.builders import a_credential

HOLDER = f"{VCR}/holder"


async def issued(node: VendorNode, issuer: str, holder: str, **members: Any) -> Any:
    said = await node.call("POST", f"{VCR}/issuer/vc", organization(issuer, holder, **BITSTRING, **members))
    assert said.status == 200, said.text
    return said.body


def id_of(credential: Any) -> str:
    return quote(SignedCredential.parse(credential).id, safe="")


async def test_the_wallet_takes_shows_and_gives_up_credentials(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    credential = await issued(node, issuer, holder)
    path = f"{HOLDER}/oever/vc"
    for _ in range(2):
        assert (await node.call("POST", path, credential)).status == 204
    assert (await node.call("GET", path)).body == [credential]
    assert (await node.call("DELETE", f"{path}/{id_of(credential)}")).status == 204
    assert node.audit.records[-1].code == "credential_removed"
    assert (await node.call("DELETE", f"{path}/{id_of(credential)}")).status == 404
    for method in ("GET", "POST"):
        said = await node.call(method, f"{HOLDER}/nobody/vc", credential if method == "POST" else None)
        assert (said.status, said.body["detail"]) == (404, "subject not found")


async def test_only_what_holds_and_is_about_the_owner_gets_in(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    credential = await issued(node, issuer, holder)
    head, body, signature = credential.split(".")
    revoked = await issued(node, issuer, holder)
    await node.call("DELETE", f"{VCR}/issuer/vc/{id_of(revoked)}")
    wrongs: list[Any] = [f"{head}.{body}.{signature[:-6]}AAAAAA", revoked, "a.b.c", 7, [], {}]
    for wrong in wrongs:
        said = await node.call("POST", f"{HOLDER}/oever/vc", wrong)
        assert (said.status, said.body["title"]) == (400, "LoadVC failed")
    calls = len(node.internet.calls)
    said = await node.call("POST", f"{HOLDER}/gouwe/vc", a_credential("stranger", now=node.clock.now()))
    assert (said.status, said.body["code"]) == (400, "foreign_credential")
    assert len(node.internet.calls) == calls
    assert await node.wallet.list("oever") == ()


async def test_the_list_leaves_out_what_is_over_and_the_search_shows_it(node: VendorNode) -> None:
    did = await node.found("gouwe")
    stands = await issued(node, did, did)
    expires = await issued(node, did, did, expirationDate="2026-11-22T13:00:00Z")
    revoked = await issued(node, did, did)
    for each in (stands, expires, revoked):
        assert (await node.call("POST", f"{HOLDER}/gouwe/vc", each)).status == 204
    node.clock.jump(timedelta(hours=2))
    await node.call("DELETE", f"{VCR}/issuer/vc/{id_of(revoked)}")
    assert (await node.call("GET", f"{HOLDER}/gouwe/vc")).body == [stands]
    found = (await node.call("GET", f"{HOLDER}/gouwe/vc/search")).body["verifiableCredentials"]
    assert [each["verifiableCredential"] for each in found] == [stands, expires, revoked]
    assert found[2]["revocation"]["date"] == "2026-11-22T14:00:00Z"
    assert not {"revocation"} & {*found[0], *found[1]}
    other = await node.call("GET", f"{HOLDER}/gouwe/vc/search?credentialType=OtherCredential")
    assert other.body == {"verifiableCredentials": []}
    assert (await node.call("GET", f"{HOLDER}/nobody/vc/search")).status == 404


async def test_what_will_expire_is_reported_by_organisation(node: VendorNode) -> None:
    did, other = await node.found("gouwe"), await node.found("oever")
    soon = await issued(node, did, other, expirationDate="2026-11-25T12:00:00Z")
    later = await issued(node, did, other, expirationDate="2027-11-25T12:00:00Z")
    for each in (later, soon, await issued(node, did, other)):
        assert (await node.call("POST", f"{HOLDER}/oever/vc", each)).status == 204
    said = await node.call("GET", f"{HOLDER}/expiring")
    assert said.body == {
        "oever": [
            {
                "id": SignedCredential.parse(soon).id,
                "holder": other,
                "issuer": did,
                "type": ["NutsOrganizationCredential"],
                "expirationDate": "2026-11-25T12:00:00Z",
                "renewedHere": True,
            }
        ]
    }
    for query in ("within=1h", "within=0s", "within=720h&excludeTypes=X&excludeTypes=NutsOrganizationCredential"):
        assert (await node.call("GET", f"{HOLDER}/expiring?{query}")).body == {}
    assert len((await node.call("GET", f"{HOLDER}/expiring?within=9999999h")).body["oever"]) == 2
    for wrong in ("within=", "within=-1h", "within=7d", "within=x"):
        assert (await node.call("GET", f"{HOLDER}/expiring?{wrong}")).status == 400
    key = await node.key_for("ehr of gouwe", "gouwe")
    assert (await node.call("GET", f"{HOLDER}/expiring", key=key)).body == {}


async def test_given_credentials_are_presented_as_jwt(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    credential = await issued(node, issuer, holder)
    own = self_attested(
        holder=holder, types=("OwnCredential",), subject={"a": 1}, credential_id="x", now=node.clock.now(), contexts=()
    )
    body = {
        "verifiableCredentials": [credential, own],
        "format": "jwt_vp",
        "domain": "https://example.com",
        "challenge": "c-1",
        "expires": "2026-11-22T12:01:00Z",
        "type": ["OwnPresentation"],
    }
    said = await node.call("POST", f"{HOLDER}/vp", body)
    assert said.status == 200
    jws = SignedJWS.parse(said.body)
    claims = json.loads(jws.payload)
    assert (claims["iss"], claims["sub"], claims["aud"], claims["nonce"]) == (
        holder,
        holder,
        ["https://example.com"],
        "c-1",
    )
    assert claims["exp"] - claims["nbf"] == 61
    assert claims["vp"]["type"] == ["VerifiablePresentation", "OwnPresentation"]
    assert claims["vp"]["verifiableCredential"] == [credential, own]
    assert node.audit.records[-1].code == "presentation_made"
    short = SignedJWS.parse((await node.call("POST", f"{HOLDER}/vp", {**body, "expires": None, "domain": None})).body)
    assert json.loads(short.payload)["exp"] == json.loads(short.payload)["nbf"] + 901


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"verifiableCredentials": []}, "needs at least 1 item"),
        ({"verifiableCredentials": ["a.b.c"]}, ""),
        ({"signerDID": "did:web:foreign.example"}, "not an organisation of this node"),
        ({"signerDID": "x"}, "not a DID"),
        ({"expires": "2020-01-01T00:00:00Z"}, "expires can not lay in the past"),
        ({"expires": "then"}, "invalid value for expires"),
        ({"format": "other"}, "format"),
        ({"proofPurpose": "keyAgreement"}, "proofPurpose"),
    ],
)
async def test_what_can_not_be_presented_says_why(node: VendorNode, change: dict[str, Any], detail: str) -> None:
    did = await node.found("gouwe")
    body = {"verifiableCredentials": [await issued(node, did, did)], "format": "jwt_vp", **change}
    said = await node.call("POST", f"{HOLDER}/vp", body)
    assert said.status == 400
    assert detail in said.body["detail"]


async def test_somebody_elses_or_a_revoked_credential_is_not_presented(node: VendorNode) -> None:
    did, other = await node.found("gouwe"), await node.found("oever")
    mine, theirs = await issued(node, did, did), await issued(node, did, other)
    both = {"verifiableCredentials": [mine, theirs], "format": "jwt_vp"}
    assert "name signerDID" in (await node.call("POST", f"{HOLDER}/vp", both)).body["detail"]
    assert (await node.call("POST", f"{HOLDER}/vp", {**both, "signerDID": did})).status == 400
    unsigned = self_attested(
        holder=other, types=("Own",), subject={}, credential_id="x", now=node.clock.now(), contexts=()
    ) | {"credentialSubject": {"id": did}}
    assert (await node.call("POST", f"{HOLDER}/vp", {**both, "verifiableCredentials": [unsigned]})).status == 400
    await node.call("DELETE", f"{VCR}/issuer/vc/{id_of(mine)}")
    node.clock.jump(timedelta(seconds=60))
    said = await node.call("POST", f"{HOLDER}/vp", {"verifiableCredentials": [mine], "format": "jwt_vp"})
    assert (said.status, "revoked" in said.body["detail"]) == (400, True)


async def test_a_caller_presents_for_the_organisation_it_is_of_only(node: VendorNode) -> None:
    did = await node.found("gouwe")
    body = {"verifiableCredentials": [await issued(node, did, did)], "format": "jwt_vp"}
    mine, theirs = await node.key_for("a", "gouwe"), await node.key_for("b", "oever")
    assert (await node.call("POST", f"{HOLDER}/vp", body, key=mine)).status == 200
    assert (await node.call("POST", f"{HOLDER}/vp", body, key=theirs)).status == 403


async def test_what_another_issuer_revoked_is_left_out_and_shown_as_revoked(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did, did)
    assert (await node.call("POST", f"{HOLDER}/gouwe/vc", credential)).status == 204
    async with node.database.transaction() as connection:  # as if somebody else had issued it: only its list knows
        await connection.execute(text("UPDATE status_lists SET version = version + 1"))
        await connection.execute(text("UPDATE issued_credentials SET revoked_at = 1"))
        await connection.execute(text("UPDATE issued_credentials SET credential_id = 'another'"))
    node.clock.jump(timedelta(seconds=60))
    assert (await node.call("GET", f"{HOLDER}/gouwe/vc")).body == []
    (one,) = (await node.call("GET", f"{HOLDER}/gouwe/vc/search")).body["verifiableCredentials"]
    assert one["revocation"]["date"] == "2026-11-22T12:01:00Z"


async def test_a_credential_whose_status_can_not_be_told_stays_in_the_list(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did, did)
    assert (await node.call("POST", f"{HOLDER}/gouwe/vc", credential)).status == 204
    node.clock.jump(timedelta(hours=1))
    node.internet.broken["https://gouwe.example:8443"] = "unreachable"
    assert (await node.call("GET", f"{HOLDER}/gouwe/vc")).body == [credential]


@pytest.mark.parametrize("query", ["credentialType=a&credentialType=b", "credentialType=%20", "credentialType="])
async def test_a_search_that_can_not_be_meant_is_refused(node: VendorNode, query: str) -> None:
    await node.found("gouwe")
    assert (await node.call("GET", f"{HOLDER}/gouwe/vc/search?{query}")).status == 400


async def test_more_credentials_than_a_presentation_holds_are_refused(node: VendorNode) -> None:
    body = {"verifiableCredentials": ["a.b.c"] * 33, "format": "jwt_vp"}
    assert "more than 32" in (await node.call("POST", f"{HOLDER}/vp", body)).body["detail"]
