"""An API key for one organisation: its tokens, its proofs, and nothing of its neighbour's at the same node."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.identity.boundary import as_request_error as identity_error
from node.oauth.boundary import as_request_error as oauth_error
from node.oauth.dpop import make_proof
from node.oauth.given import GIVEN
from node.oauth.routes import INTROSPECTION, internal_routes
from node.storage.database import open_database
from node.storage.schema import metadata
from node.web.boundary import boundary
from node.web.internal_auth import ApiKeys, internal_auth
from tests.node.oauth.setting import NodeUnderTest, Stranger, post_token
from tests.support.world import NOON, FixedEntropy

READ = "https://wending.example/fhir/Patient?x=1"


class Desk:
    """The internal API, called with a key for ``wending`` or one for its neighbour ``linde``."""

    def __init__(self, client: TestClient[web.Request, web.Application], keys: dict[str, str]) -> None:
        self._client, self._keys = client, keys

    async def call(self, whose: str, method: str, path: str, **body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._keys[whose]}"}
        async with self._client.request(method, path, headers=headers, **body) as answer:
            return answer.status, await answer.json(content_type=None) if await answer.read() else None


@pytest.fixture
async def desk(holder: NodeUnderTest, tmp_path: Path) -> AsyncIterator[Desk]:
    await holder.found("linde")
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'keys.db'}") as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        keys = ApiKeys(database)
        given = {
            name: await keys.create(
                name, entropy=FixedEntropy(name), now=NOON, subjects=(name,), operations=("auth", "oauth")
            )
            for name in ("wending", "linde")
        }
        around = boundary([], (identity_error, oauth_error))
        app = web.Application(middlewares=[around, internal_auth(keys, open_to_all=False)])
        app.add_routes(internal_routes())
        app[INTROSPECTION], app[GIVEN] = holder.introspection, holder.given
        async with TestClient(TestServer(app)) as client:
            yield Desk(client, given)


async def a_token(holder: NodeUnderTest, stranger: Stranger) -> str:
    proof = make_proof(
        stranger.key,
        method="POST",
        url=f"{holder.issuer('wending')}/token",
        access_token=None,
        jti=stranger.entropy.uuid(),
        now=stranger.clock.now(),
    )
    answer = await post_token(holder, stranger.form(), dpop=proof)
    assert answer.status == 200
    return str(answer.body["access_token"])


async def test_a_token_is_looked_into_with_the_key_of_who_gave_it(
    desk: Desk, holder: NodeUnderTest, stranger: Stranger
) -> None:
    token = await a_token(holder, stranger)
    for extended in ("", "_extended"):
        path = f"/internal/auth/v2/accesstoken/introspect{extended}"
        status, said = await desk.call("wending", "POST", path, data={"token": token})
        assert (status, said["active"]) == (200, True)
        assert await desk.call("linde", "POST", path, data={"token": token}) == (200, {"active": False})


async def test_a_proof_is_checked_and_used_up_with_the_key_of_who_gave_the_token(
    desk: Desk, holder: NodeUnderTest, stranger: Stranger
) -> None:
    token = await a_token(holder, stranger)
    proof = make_proof(stranger.key, method="GET", url=READ, access_token=token, jti="jti-1", now=stranger.clock.now())
    body = {
        "dpop_proof": proof,
        "method": "GET",
        "url": READ,
        "token": token,
        "thumbprint": stranger.key.public.thumbprint(),
    }
    path = "/internal/auth/v2/dpop/validate"
    refused = {"valid": False, "reason": "token is not active here"}
    assert await desk.call("linde", "POST", path, json=body) == (200, refused)
    assert await desk.call("wending", "POST", path, json=body) == (200, {"valid": True})


async def test_a_proof_is_made_with_the_keys_of_its_own_organisation_only(desk: Desk, holder: NodeUnderTest) -> None:
    [did] = (await holder.subjects.get("wending")).dids
    [kid] = [kid for kid in holder.vault.keys if kid.startswith(f"{did}#")]
    body = {"htm": "GET", "htu": READ, "token": "a-token"}
    path = f"/internal/auth/v2/dpop/{quote(kid, safe='')}"
    status, said = await desk.call("wending", "POST", path, json=body)
    assert (status, set(said)) == (200, {"dpop"})
    assert (await desk.call("linde", "POST", path, json=body))[0] == 404


async def test_the_tokens_of_another_organisation_are_neither_listed_nor_ended(
    desk: Desk, holder: NodeUnderTest, stranger: Stranger
) -> None:
    token = await a_token(holder, stranger)
    tokens = "/internal/oauth/v1/wending/tokens"
    _, listed = await desk.call("wending", "GET", tokens)
    [grant] = listed["tokens"]
    for method, path in (
        ("GET", tokens),
        ("DELETE", f"{tokens}/{grant['id']}"),
        ("DELETE", f"{tokens}?everybody=true"),
        ("DELETE", f"{tokens}?party={quote(stranger.did)}"),
    ):
        assert (await desk.call("linde", method, path))[0] == 403
    assert (await desk.call("linde", "DELETE", f"/internal/oauth/v1/linde/tokens/{grant['id']}"))[0] == 404
    assert (await desk.call("linde", "DELETE", "/internal/oauth/v1/linde/tokens?everybody=true"))[1] == {"ended": 0}

    assert (await holder.introspection.introspect(token))["active"]
    assert (await desk.call("wending", "DELETE", f"{tokens}/{grant['id']}"))[0] == 204
