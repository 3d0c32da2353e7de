"""Steps about what ends: revoked credentials and new keys. They come last, since they spoil what others need."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from credentials.encoding import b64url_decode
from tests.interop.agreements import ONE, X509
from tests.interop.holding import FORMATS, WORDS, issue_organization
from tests.interop.seat import Seat
from tests.interop.step import Step, StepFailedError, expect, require
from tests.interop.tokens import get
from tests.interop.waiting import until

_CHAPTER = "Revocation and new keys"
_VISIBLE_SECONDS = 60.0
"""A revocation is visible at Hazel within this time; a nuts-node remembers a status list for 15 minutes (WIRE §2.13)."""


def _sees_a_revocation(form: str) -> Callable[[Seat, Seat], Awaitable[str]]:
    async def sees(acting: Seat, other: Seat) -> str:
        """The other issues two credentials and revokes one before we look: one is good, one is not, alone and presented."""
        issuer = await other.vendor.create_subject(f"revoked-{form.partition('_')[0]}")
        good, bad = [await issue_organization(other, acting, form, issuer=issuer) for _ in range(2)]
        await other.vendor.revoke(credential_id(bad))
        valid, why = await acting.vendor.verify_credential(good)
        require(f"the one that was not revoked is valid ({why})", holds=valid)
        valid, why = await acting.vendor.verify_credential(bad)
        require("the revoked one is refused", holds=not valid)
        return why

    return sees


async def sees_it_in_time(acting: Seat, other: Seat) -> str:
    """We have looked at a credential and found it good; then the other revokes it: within a minute it is good no more."""
    issuer = await other.vendor.create_subject("revoked-later")
    credential = await issue_organization(other, acting, "ldp_vc", issuer=issuer)
    valid, why = await acting.vendor.verify_credential(credential)
    require(f"it is valid at first ({why})", holds=valid)
    await other.vendor.revoke(credential_id(credential))

    async def is_refused() -> bool:
        return not (await acting.vendor.verify_credential(credential))[0]

    require("the revocation is seen within 60 s", holds=await until(is_refused, seconds=_VISIBLE_SECONDS))
    return "within 60 s"


async def loses_its_token(acting: Seat, other: Seat) -> str:
    """Our token was earned by a credential; our issuer revokes it: within a minute the other says that the token is worth nothing."""
    name = "passing"
    holder, issuer = await acting.vendor.create_subject(name), await acting.vendor.create_subject(f"{name}-issuer")
    subject = {"id": holder, "organization": {"name": "Kort", "city": "Gouda"}}
    credential = await acting.vendor.issue(issuer, "NutsOrganizationCredential", subject, form="jwt_vc")
    await acting.vendor.load(name, credential)
    reply = await acting.vendor.request_token(name, other.server, ONE)
    if reply.status != 200:
        raise StepFailedError(f"no token: {reply.words}")
    token = str(reply.body["access_token"])
    expect("whether it is active", (await other.vendor.introspect(token))["active"], wanted=True)
    await acting.vendor.revoke(credential_id(credential))

    async def is_ended() -> bool:
        return not (await other.vendor.introspect(token))["active"]

    require("the token ends within 60 s", holds=await until(is_ended, seconds=_VISIBLE_SECONDS))
    return "within 60 s"


async def changes_keys(acting: Seat, other: Seat) -> str:
    """We add a key while the other may remember our document of before, and still get tokens."""
    before = await get(acting, other, X509, "DPoP")
    await acting.vendor.add_key(acting.holder)
    after = await get(acting, other, X509, "DPoP")
    said = await other.vendor.introspect(str(after["access_token"]))
    expect("active", said["active"], wanted=True)
    return "signs with the new key" if after["dpop_kid"] != before["dpop_kid"] else "signs with the first key"


def credential_id(credential: Any) -> str:
    """Return the id of a credential in either form."""
    if isinstance(credential, str):
        return str(json.loads(b64url_decode(credential.split(".")[1]))["jti"])
    return str(credential["id"])


STEPS = (
    *(
        Step(
            id=f"status-revoked-{form}", chapter=_CHAPTER,
            title=f"refuses a {WORDS[form]} credential that the other has revoked",
            run=_sees_a_revocation(form), needs=(f"verify-{form}",),
        )
        for form in FORMATS
    ),
    Step(
        id="status-in-time", chapter=_CHAPTER, title="sees within a minute that a credential it knows is revoked",
        run=sees_it_in_time, needs=("verify-ldp_vc",), sides=("Hazel",),
    ),
    Step(
        id="status-token-ends", chapter=_CHAPTER, title="loses its token within a minute when its credential is revoked",
        run=loses_its_token, needs=("token-x509-bearer",), sides=("nuts-node",),
    ),
    Step(
        id="key-new", chapter=_CHAPTER, title="adds a key and still gets tokens at once",
        run=changes_keys, needs=("token-x509-dpop",),
    ),
)  # fmt: skip
