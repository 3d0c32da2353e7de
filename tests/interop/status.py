"""Steps about what ends: revoked credentials and new keys. They come last, since they spoil what others need."""

from tests.interop.agreements import X509
from tests.interop.holding import issue_organization
from tests.interop.seat import Seat
from tests.interop.step import Step, expect, require
from tests.interop.tokens import get

_CHAPTER = "Revocation and new keys"


async def sees_a_revocation(acting: Seat, other: Seat) -> str:
    """The other issues two credentials and revokes one before we look: one is good, one is not.

    Before we look, since a nuts-node remembers a status list for 15 minutes (WIRE §2.13).
    """
    issuer = await other.vendor.create_subject("ingetrokken")
    other.issuer_did, kept = issuer, other.issuer_did
    try:
        good, bad = [await issue_organization(other, acting, "ldp_vc") for _ in range(2)]
    finally:
        other.issuer_did = kept
    await other.vendor.revoke(bad["id"])
    valid, why = await acting.vendor.verify_credential(good)
    require(f"the one that was not revoked is valid ({why})", holds=valid)
    valid, why = await acting.vendor.verify_credential(bad)
    require("the revoked one is refused", holds=not valid)
    return why


async def changes_keys(acting: Seat, other: Seat) -> str:
    """We add a key while the other remembers our document of before (nuts-node: 300 s), and still get tokens."""
    before = await get(acting, other, X509, "DPoP")
    await acting.vendor.add_key(acting.holder)
    after = await get(acting, other, X509, "DPoP")
    said = await other.vendor.introspect(str(after["access_token"]))
    expect("active", said["active"], wanted=True)
    return "signs with the new key" if after["dpop_kid"] != before["dpop_kid"] else "signs with the first key"


STEPS = (
    Step(
        id="status-revoked", chapter=_CHAPTER, title="refuses a credential that the other has revoked",
        run=sees_a_revocation, needs=("verify-ldp_vc",),
    ),
    Step(
        id="key-new", chapter=_CHAPTER, title="adds a key and gets a token while the other remembers its old document",
        run=changes_keys, needs=("token-x509-dpop",),
    ),
)  # fmt: skip
