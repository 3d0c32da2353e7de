"""Status lists as they are given out, signed and served."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from credentials.claims import rfc3339_date
from credentials.did.identifier import DID
from credentials.jsonld.proof import Proof, verify_proof
from credentials.status.build import LIST_ENTRIES
from credentials.status.lists import StatusList
from credentials.vc.credential import SignedCredential
from node.issuing.errors import ListUnavailableError
from node.storage.schema import status_lists
from tests.node.vendor.setting import VCR, Said, VendorNode, a_vendor_node, organization
from tests.support.world import NOON


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[VendorNode]:
    async with a_vendor_node(tmp_path) as opened:
        yield opened


async def issued(node: VendorNode, did: DID, **members: Any) -> SignedCredential:
    said = await node.call("POST", f"{VCR}/issuer/vc", organization(did, did, **members))
    assert said.status == 200, said.text
    return SignedCredential.parse(said.body)


async def revoke(node: VendorNode, credential: SignedCredential) -> None:
    path = credential.id.replace("%", "%25").replace("#", "%23")
    assert (await node.call("DELETE", f"{VCR}/issuer/vc/{path}")).status == 204


async def served(node: VendorNode, did: str, page: int = 1, *, known: str | None = None) -> Said:
    headers = {} if known is None else {"If-None-Match": known}
    return await node.get_public(f"/statuslist/{did}/{page}", **headers)


def revoked_in(said: Said) -> set[int]:
    found = StatusList.parse(said.body if said.body is not None else said.text)
    return {index for index in range(64) if found.is_set(index)}


async def test_a_list_is_served_as_nuts_nodes_are_and_verifies(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    said = await served(node, did)
    assert (said.status, said.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert said.headers["Cache-Control"] == "max-age=10"
    url = f"https://gouwe.example:8443/statuslist/{did}/1"
    found = StatusList.parse(said.body)
    assert (found.kind, found.issuer, found.purposes) == ("StatusList2021", did, ("revocation",))
    assert url in found.names
    assert rfc3339_date(said.body["expirationDate"]) == NOON + timedelta(hours=24)
    proof = Proof.parse(said.body)
    verify_proof(said.body, proof, dict(await node.subjects.keys(did))[proof.verification_method])


async def test_a_revocation_is_in_the_next_answer_and_nothing_else_is(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credentials = [await issued(node, did) for _ in range(10)]
    before = await served(node, did)
    assert revoked_in(before) == set()
    await revoke(node, credentials[9])
    await revoke(node, credentials[3])
    after = await served(node, did)
    assert revoked_in(after) == {3, 9}
    assert after.headers["ETag"] != before.headers["ETag"]


async def test_all_spellings_of_a_did_lead_to_its_list(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    bodies = {(await served(node, did.replace("%3A", port))).text for port in ("%3A", "%253A", ":")}
    assert len(bodies) == 1


async def test_who_has_the_list_already_gets_no_body(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    etag = (await served(node, did)).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        said = await served(node, did, known=known)
        assert (said.status, said.text, said.headers["ETag"]) == (304, "", etag)
    await revoke(node, credential)
    assert (await served(node, did, known=etag)).status == 200


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "1.0", "9" * 30])
async def test_a_list_that_is_not_there_is_not_found(node: VendorNode, page: str) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    said = await node.get_public(f"/statuslist/{did}/{page}")
    assert (said.status, said.headers["Cache-Control"]) == (404, "no-store")
    assert (await node.get_public("/statuslist/did:web:other.example/1")).status == 404


async def test_a_list_is_signed_again_when_little_time_is_left_and_not_before(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    first = (await served(node, did)).text
    node.clock.jump(timedelta(hours=18))
    assert (await served(node, did)).text == first
    node.clock.jump(timedelta(seconds=1))
    second = await served(node, did)
    assert second.text != first
    assert rfc3339_date(second.body["expirationDate"]) == node.clock.now() + timedelta(hours=24)


async def test_an_index_is_given_out_once_whoever_asks_at_the_same_moment(node: VendorNode) -> None:
    did, other = await node.found("gouwe"), await node.found("oever")
    places = await asyncio.gather(*(node.lists.allocate(did, "StatusList2021") for _ in range(40)))
    assert sorted(place.index for place in places) == list(range(40))
    assert len({place.url for place in places}) == 1
    assert (await node.lists.allocate(other, "StatusList2021")).index == 0


async def test_a_full_page_is_followed_by_the_next_also_for_many_at_once(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await node.lists.allocate(did, "StatusList2021")
    async with node.database.transaction() as connection:
        await connection.execute(update(status_lists).values(next_index=LIST_ENTRIES - 2))
    places = await asyncio.gather(*(node.lists.allocate(did, "StatusList2021") for _ in range(6)))
    found = sorted((place.url.rpartition("/")[2], place.index) for place in places)
    assert found == [("1", LIST_ENTRIES - 2), ("1", LIST_ENTRIES - 1), ("2", 0), ("2", 1), ("2", 2), ("2", 3)]
    credential = await issued(node, did)
    await revoke(node, credential)
    assert revoked_in(await served(node, did, 2)) == {4}
    assert revoked_in(await served(node, did, 1)) == set()


async def test_a_bitstring_status_list_is_issued_on_request(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    wanted = {"withStatusList2021Revocation": None, "withBitstringStatusListRevocation": True}
    credential = await issued(node, did, **wanted)
    entry = credential.statuses[0]
    assert (entry["type"], entry["statusListIndex"]) == ("BitstringStatusListEntry", "0")
    assert entry["statusListCredential"].endswith("/2")
    await revoke(node, credential)
    said = await served(node, did, 2)
    assert said.headers["Content-Type"].startswith("application/vc+jwt")
    found = StatusList.parse(said.text)
    assert (found.kind, found.issuer, found.is_set(0)) == ("BitstringStatusList", did, True)
    assert revoked_in(await served(node, did, 1)) == set()


async def test_a_revocation_during_signing_is_not_overtaken(node: VendorNode, monkeypatch: pytest.MonkeyPatch) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    signing = node.subjects.signing_key
    asked = 0

    async def meanwhile(of: DID) -> Any:
        nonlocal asked
        asked += 1
        if asked == 1:
            await node.store.revoke(credential.id, NOON)
        return await signing(of)

    monkeypatch.setattr(node.subjects, "signing_key", meanwhile)
    assert revoked_in(await served(node, did)) == {0}
    assert asked == 2


async def test_many_who_ask_at_once_cost_one_signature(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    bodies = {said.text for said in await asyncio.gather(*(served(node, did) for _ in range(8)))}
    assert len(bodies) == 1


async def test_without_the_key_a_true_list_goes_on_and_a_false_one_is_not_served(node: VendorNode) -> None:
    did = await node.found("gouwe")
    credential = await issued(node, did)
    first = (await served(node, did)).text
    kept = dict(node.vault.keys)
    node.vault.keys.clear()
    node.clock.jump(timedelta(hours=20))
    assert (await served(node, did)).text == first
    node.clock.jump(timedelta(hours=5))
    assert (await served(node, did)).status == 503
    node.vault.keys.update(kept)
    assert (await served(node, did)).status == 200
    node.vault.keys.clear()
    await revoke(node, credential)
    said = await served(node, did)
    assert (said.status, said.body["code"]) == (503, "status_list_unavailable")
    with pytest.raises(ListUnavailableError):
        await node.lists.published(did, 1)
    node.vault.keys.update(kept)
    assert revoked_in(await served(node, did)) == {0}


async def test_what_is_signed_is_kept_over_a_restart(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await issued(node, did)
    text = (await served(node, did)).text
    async with node.database.reading() as connection:
        row = (await connection.execute(select(status_lists))).one()
    assert json.loads(row.signed) == json.loads(text)
    assert (row.version, row.signed_version) == (0, 0)
