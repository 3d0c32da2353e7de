"""How the parts of issuing hang together in a node."""

from types import SimpleNamespace
from typing import Any, cast

from credentials.types.catalogue import CredentialTypes
from credentials.vc.credential import SignedCredential
from node.identity.credential_seal import CredentialSeal
from node.issuing.issuer import Caller
from node.ports import World
from node.vendor.opening import open_vendor_api
from tests.node.vendor.setting import VendorNode, organization
from tests.support.world import FixedEntropy, SimulatedInternet


async def test_what_we_revoke_is_presented_no_more_at_once(node: VendorNode) -> None:
    did = await node.found("gouwe")
    raw = (await node.call("POST", "/internal/vcr/v2/issuer/vc", organization(did, did))).body
    world = World(clock=node.clock, entropy=FixedEntropy("x"), peers=node.internet, own=SimulatedInternet())
    opened = open_vendor_api(
        database=node.database,
        subjects=node.subjects,
        wallet=node.wallet,
        vault=node.vault,
        issued_seal=CredentialSeal.of(node.vault, "issued", FixedEntropy("issued")),
        lists=node.lists,
        verifier=cast("Any", SimpleNamespace(status_lists=SimpleNamespace(forget=str))),
        audit=node.audit,
        types=CredentialTypes(),
        world=world,
    )
    await node.wallet.load("gouwe", raw, node.clock.now())
    assert len(await node.wallet.credentials("gouwe")) == 1
    await opened.issuer.revoke(SignedCredential.parse(raw).id or "", caller=Caller(name="test"))
    assert await node.wallet.credentials("gouwe") == ()
