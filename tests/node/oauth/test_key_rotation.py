"""A key changes while two nodes talk to each other over HTTP, one of which has the other's document in memory: nobody fails in between."""

import asyncio
from typing import Any

from aiohttp import web

from node.identity.key_changes import KeyChanges
from node.identity.vdr_routes import KEY_CHANGES
from node.oauth.requester import PeerToken
from node.oauth.user import User
from tests.node.oauth.setting import HOLDER, SCOPE, NodeUnderTest, Stranger, post_token
from tests.support.world import SimulatedInternet

USER = User(identifier="U-1001", name="J. Jansen", role="01.015")
READ = "https://wending.example/fhir/wending/r4/Patient?name=x"


async def ask(asker: NodeUnderTest) -> PeerToken:
    """A new token, whatever is remembered."""
    return await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER, fresh=True)


async def use(holder: NodeUnderTest, asker: NodeUnderTest, token: PeerToken) -> None:
    headers = await token.headers("GET", READ, asker.clock.now(), asker.entropy.uuid())
    await holder.guard.authenticate(
        authorization=headers["Authorization"], dpop=headers["DPoP"], method="GET", url=READ, subject="wending"
    )


async def rotate(asker: NodeUnderTest) -> str:
    """As a vendor does it."""
    path = "/internal/vdr/v2/subject/oever/verificationmethod"
    async with asker.internal.post(path, json={"assertionKey": True}) as answer:
        [method] = await answer.json()
        return str(method["id"])


def changes_of(node: NodeUnderTest) -> KeyChanges:
    app = node.internal.server.app  # type: ignore[attr-defined]  # a TestServer has it
    assert isinstance(app, web.Application)
    return app[KEY_CHANGES]


async def test_the_new_key_signs_at_once_though_the_other_side_remembers_the_old_document(
    holder: NodeUnderTest, asker: NodeUnderTest, internet: SimulatedInternet
) -> None:
    first = await ask(asker)
    new = await rotate(asker)
    second = await ask(asker)
    assert (first.kid == second.kid, second.kid) == (False, new)
    assert internet.called("/did.json") == 2  # looked at again because of the unknown key, within its max-age of 300 s
    for token in (first, second):  # what was bound to the old key goes on
        await use(holder, asker, token)
    for _ in range(5):
        await ask(asker)
    assert internet.called("/did.json") == 2


async def test_nobody_fails_while_keys_rotate_under_load(holder: NodeUnderTest, asker: NodeUnderTest) -> None:
    async def many() -> list[Any]:
        return await asyncio.gather(*(ask(asker) for _ in range(10)))

    async def rotations() -> None:
        for _ in range(3):
            await rotate(asker)
            asker.clock.jump(6)  # an operator does not rotate twice in five seconds

    tokens, _ = await asyncio.gather(many(), rotations())
    tokens += await many()
    for token in tokens:
        await use(holder, asker, token)


async def test_what_the_old_key_signed_verifies_until_it_is_retired(
    holder: NodeUnderTest, asker: NodeUnderTest, stranger: Stranger
) -> None:
    """``stranger`` signs with the first key of ``oever``."""
    assert (await post_token(holder, stranger.form())).status == 200
    await rotate(asker)
    await ask(asker)
    assert (await post_token(holder, stranger.form())).status == 200
    await changes_of(asker).retire("oever", stranger.key.kid)
    holder.clock.jump(300)  # who remembers our document may do so for as long as it said
    answer = await post_token(holder, stranger.form())
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    await use(holder, asker, await ask(asker))


async def test_a_compromised_key_signs_for_nobody_any_more(
    holder: NodeUnderTest, asker: NodeUnderTest, stranger: Stranger
) -> None:
    changes = changes_of(asker)
    changes.on_compromise.append(asker.requester.forget_key)
    old = await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER)
    new = await changes.compromise("oever", stranger.key.kid)
    # the token that was bound to it is not used again, though it lasts
    token = await asker.requester.token("oever", authorization_server=HOLDER, scope=SCOPE, user=USER)
    assert (token is old, token.kid) == (False, new)
    await use(holder, asker, token)
    # asking with the new key made the other side look again, so the thief fails at once
    answer = await post_token(holder, stranger.form())
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def test_our_document_may_be_remembered_for_300_seconds(asker: NodeUnderTest) -> None:
    did = (await asker.subjects.get("oever")).dids[0]
    async with asker.public.get(f"/iam/{did.rpartition(':')[2]}/did.json") as answer:
        assert answer.headers["Cache-Control"] == "max-age=300"
