"""What we issue to ourselves is renewed in time, in its place, once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from credentials.did.identifier import DID
from credentials.keys import KeyId
from credentials.vc.credential import SignedCredential
from credentials.vc.issue import issue_jwt_credential
from node.identity.key_changes import KeyChanges
from node.issuing.errors import NotRenewableError
from node.issuing.renewal import OURSELVES, PAUSE
from tests.node.vendor.setting import VCR, VendorNode, a_vendor_node, organization
from tests.support.keys import a_did, a_key
from tests.support.world import FixedEntropy


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[VendorNode]:
    async with a_vendor_node(tmp_path) as opened:
        yield opened


async def held(node: VendorNode, issuer: DID, holder: DID, owner: str, **members: Any) -> SignedCredential:
    body = organization(issuer, holder, **{"expirationDate": "2026-12-02T12:00:00Z", **members})
    said = await node.call("POST", f"{VCR}/issuer/vc", body)
    await node.wallet.load(owner, said.body, node.clock.now())
    return SignedCredential.parse(said.body)


async def ids(node: VendorNode, owner: str) -> list[str]:
    return [each.credential.id for each in await node.wallet.list(owner)]


async def test_a_credential_is_renewed_in_its_place_when_a_quarter_of_its_life_is_left(node: VendorNode) -> None:
    issuer, holder = await node.found("gouwe"), await node.found("oever")
    first = await held(node, issuer, holder, "oever")
    for_ever = await held(node, issuer, holder, "oever", expirationDate=None)
    node.clock.jump(timedelta(days=7))
    assert await node.renewal.renew_due() == 0
    node.clock.jump(timedelta(days=1))
    assert await node.renewal.renew_due() == 1
    renewed, kept = await ids(node, "oever")
    assert (renewed != first.id, kept) == (True, for_ever.id)
    assert (await node.wallet.credentials("oever"))[0].expires_at == node.clock.now() + timedelta(days=10)
    assert await node.renewal.renew_due() == 0
    assert node.audit.records[-1].user_evidence == "the node itself"


async def test_a_renewal_that_broke_off_is_finished_with_the_same_credential(node: VendorNode) -> None:
    did = await node.found("gouwe")
    first = await held(node, did, did, "gouwe")
    node.clock.jump(timedelta(days=9))
    successor = await node.issuer.renew(first.id, caller=OURSELVES)  # and then the node stopped
    assert await node.renewal.renew_due() == 1
    assert await ids(node, "gouwe") == [successor.credential_id]


async def test_what_others_hold_or_issued_or_was_revoked_is_left_alone(node: VendorNode) -> None:
    did = await node.found("gouwe")
    await node.call(
        "POST", f"{VCR}/issuer/vc", organization(did, "did:web:far.example", expirationDate="2026-12-02T12:00:00Z")
    )
    revoked = await held(node, did, did, "gouwe")
    await node.issuer.revoke(revoked.id, caller=OURSELVES)
    node.clock.jump(timedelta(days=9))
    assert await node.renewal.renew_due() == 0
    with pytest.raises(NotRenewableError):
        await node.issuer.renew(revoked.id, caller=OURSELVES)
    node.clock.jump(timedelta(days=9))
    assert await node.renewal.renew_due() == 0


async def test_what_hangs_on_a_key_is_signed_again_until_it_would_have_expired(node: VendorNode) -> None:
    did = await node.found("gouwe")
    first = await held(node, did, did, "gouwe")
    gone = await held(node, did, did, "gouwe", expirationDate="2026-11-22T12:30:00Z")
    for_ever = await held(node, did, did, "gouwe", expirationDate=None)
    ((kid, _),) = await node.subjects.keys(did)
    node.clock.jump(timedelta(hours=1))
    assert await node.renewal.renew_signed_with([kid, KeyId("did:web:other.example#1")]) == 2
    again, expired, lasting = await ids(node, "gouwe")
    assert again not in (first.id, gone.id, for_ever.id)
    assert expired == gone.id
    assert lasting != for_ever.id
    assert (await node.wallet.credentials("gouwe"))[0].expires_at == first.expires_at


async def test_a_failure_of_one_does_not_stop_the_others(node: VendorNode, monkeypatch: pytest.MonkeyPatch) -> None:
    did = await node.found("gouwe")
    for _ in range(2):
        await held(node, did, did, "gouwe")
    node.clock.jump(timedelta(days=9))
    renew, asked = node.issuer.renew, 0

    async def once_broken(credential_id: str, **rest: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise NotRenewableError
        return await renew(credential_id, **rest)

    monkeypatch.setattr(node.issuer, "renew", once_broken)
    assert await node.renewal.renew_due() == 1


async def test_others_credentials_are_reported_as_theirs_to_renew(node: VendorNode) -> None:
    did = await node.found("gouwe")
    now = node.clock.now()
    foreign = issue_jwt_credential(
        issuer=a_did("ministry"), subject_id=did, types=("ExampleCredential",), subject={}, key=a_key("ministry"),
        credential_id=f"{a_did('ministry')}#1", now=now, expires_at=now + timedelta(days=30),
    )  # fmt: skip
    await node.wallet.load("gouwe", foreign, now)
    (one,) = await node.renewal.expiring(within=PAUSE + timedelta(days=40))
    assert (one.subject, one.renewed_here, one.types) == ("gouwe", False, ("ExampleCredential",))


async def test_what_a_key_signed_that_left_the_document_is_signed_again(node: VendorNode) -> None:
    did = await node.found("gouwe")
    for_ever = await held(node, did, did, "gouwe", expirationDate=None)
    assert await node.renewal.renew_due() == 0
    changes = KeyChanges(node.database, node.subjects, node.vault, node.clock, FixedEntropy("changes"))
    changes.on_compromise.append(node.renewal.after_compromise)
    ((kid, _),) = await node.subjects.keys(did)
    node.audit.available = False  # nothing can be recorded at that moment, so nothing is signed
    await changes.compromise("gouwe", kid)
    assert await ids(node, "gouwe") == [for_ever.id]
    node.audit.available = True
    assert await node.renewal.renew_due() == 1
    (again,) = await node.wallet.credentials("gouwe")
    assert again.id != for_ever.id
    assert again.jws is not None
    assert again.jws.kid in dict(await node.subjects.keys(did))
    assert await node.renewal.renew_due() == 0


async def test_what_is_due_is_renewed_when_the_node_starts(node: VendorNode) -> None:
    did = await node.found("gouwe")
    first = await held(node, did, did, "gouwe", expirationDate="2026-11-22T12:06:00Z")
    node.clock.jump(PAUSE)
    running = asyncio.create_task(node.renewal.run())
    try:
        for _ in range(500):  # each look lets the loop go on
            if await ids(node, "gouwe") != [first.id]:
                break
        assert await ids(node, "gouwe") != [first.id]
    finally:
        running.cancel()
