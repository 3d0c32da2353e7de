"""The internal API: a key opens what it was made for, and nothing else opens anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from node.storage.database import Database, open_database
from node.storage.schema import api_keys, metadata
from node.web.boundary import boundary
from node.web.internal_auth import CALLER, EVERYTHING, ApiCaller, ApiKeys, internal_auth
from tests.support.world import NOON, FixedEntropy

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'hazel.db'}") as opened:
        async with opened.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield opened


@pytest.fixture
def keys(database: Database) -> ApiKeys:
    return ApiKeys(database)


async def a_key(
    keys: ApiKeys, name: str, *, subjects: tuple[str, ...] = EVERYTHING, operations: tuple[str, ...] = EVERYTHING
) -> str:
    return await keys.create(name, entropy=FixedEntropy(name), now=NOON, subjects=subjects, operations=operations)


@asynccontextmanager
async def served(keys: ApiKeys, *, open_to_all: bool = False) -> AsyncIterator[Client]:
    async def who(request: web.Request) -> web.Response:
        caller = request.get(CALLER)
        return web.Response(text=caller.name if caller is not None else "nobody")

    app = web.Application(middlewares=[boundary([]), internal_auth(keys, open_to_all=open_to_all)])
    app.router.add_get("/internal/audit/v1/{subject}", who)
    app.router.add_get("/internal/exchange/v1/{subject}/{usecase}", who)
    app.router.add_get("/internal/status/v1", who)
    app.router.add_get("/status", who)
    app.router.add_get("/health", who)
    async with TestClient(TestServer(app)) as client:
        yield client


async def answer(client: Client, path: str, *authorizations: str) -> tuple[int, str]:
    async with client.get(path, headers=[("Authorization", each) for each in authorizations]) as reply:
        return reply.status, await reply.text()


async def test_a_key_opens_everything_it_was_made_for(keys: ApiKeys) -> None:
    key = await a_key(keys, "ehr")
    async with served(keys) as client:
        for path in ("/internal/audit/v1/oever", "/internal/exchange/v1/x/y", "/internal/status/v1"):
            for scheme in ("Bearer", "bearer", "BEARER "):
                assert await answer(client, path, f"{scheme} {key}") == (200, "ehr")


async def test_without_a_key_only_what_says_nothing_is_open(keys: ApiKeys) -> None:
    async with served(keys) as client:
        for path in ("/status", "/health"):
            assert (await answer(client, path))[0] == 200
        for path in ("/internal/status/v1", "/internal/audit/v1/oever", "/internal/nothing"):
            async with client.get(path) as reply:
                assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
                assert (await reply.json(content_type=None))["code"] == "unauthorized"


async def test_a_path_that_is_not_there_is_told_only_to_who_has_a_key(keys: ApiKeys) -> None:
    key = await a_key(keys, "ehr")
    async with served(keys) as client:
        assert (await answer(client, "/internal/nothing"))[0] == 401
        assert (await answer(client, "/internal/nothing", f"Bearer {key}"))[0] == 404
        assert (await answer(client, "/internal", f"Bearer {key}"))[0] == 404


@pytest.mark.parametrize(
    "given",
    ["", "{key}", "Basic {key}", "Bearer", "Bearer ", "Bearer x{key}", "Bearer {key}x", "Bearer {key} {key}", "Bearer,{key}",
     "Bearer {short}", "Bearer\t{key}", "DPoP {key}", "Bearer " + "A" * 43, "Bearer " + "é" * 43, "Bearer {lower}"],
)  # fmt: skip
async def test_nothing_like_a_key_is_a_key(keys: ApiKeys, given: str) -> None:
    key = await a_key(keys, "ehr")
    text = given.format(key=key, short=key[:-1], lower=key.lower())
    async with served(keys) as client:
        assert (await answer(client, "/internal/status/v1", text))[0] == 401


async def test_two_keys_are_none_whichever_comes_first(keys: ApiKeys) -> None:
    key = await a_key(keys, "ehr")
    async with served(keys) as client:
        for pair in ([f"Bearer {key}", "Bearer x"], ["Bearer x", f"Bearer {key}"], [f"Bearer {key}"] * 2):
            assert (await answer(client, "/internal/status/v1", *pair))[0] == 401


async def test_a_key_for_one_organisation_opens_paths_about_it_and_no_others(keys: ApiKeys) -> None:
    key = f"Bearer {await a_key(keys, 'oever', subjects=('oever',))}"
    async with served(keys) as client:
        assert (await answer(client, "/internal/audit/v1/oever", key))[0] == 200
        for path in (
            "/internal/audit/v1/linde",
            "/internal/audit/v1/OEVER",
            "/internal/status/v1",
            "/internal/nothing",
        ):
            status, body = await answer(client, path, key)
            assert (status, "not_permitted" in body) == (403, True)


async def test_a_key_for_one_operation_opens_that_one(keys: ApiKeys) -> None:
    key = f"Bearer {await a_key(keys, 'asker', operations=('exchange', 'status'))}"
    async with served(keys) as client:
        assert (await answer(client, "/internal/exchange/v1/oever/ha-vvt", key))[0] == 200
        assert (await answer(client, "/internal/status/v1", key))[0] == 200
        assert (await answer(client, "/internal/audit/v1/oever", key))[0] == 403


async def test_the_operation_is_that_of_the_route_however_the_path_is_written(keys: ApiKeys) -> None:
    key = f"Bearer {await a_key(keys, 'asker', operations=('exchange',))}"
    async with served(keys) as client:
        for path in (
            "/internal/exchange/../audit/v1/oever",
            "/internal/exchange/%2e%2e/audit/v1/oever",
            "/internal//audit/v1/oever",
        ):
            status, _ = await answer(client, path, key)
            assert status in (400, 403)  # the client of this test may tidy a path up before it is sent
        assert (await answer(client, "/internal/%61udit/v1/oever", key))[0] == 403


async def test_an_open_internal_api_is_open_and_says_so_in_the_record(keys: ApiKeys) -> None:
    async with served(keys, open_to_all=True) as client:
        assert await answer(client, "/internal/audit/v1/oever") == (200, "everybody")
        assert await answer(client, "/internal/audit/v1/oever", "Bearer nonsense") == (200, "everybody")


async def test_a_key_is_kept_hashed(keys: ApiKeys, database: Database) -> None:
    key = await a_key(keys, "ehr", subjects=("oever",))
    async with database.reading() as connection:
        (row,) = await connection.execute(select(api_keys))
    assert key not in str(tuple(row))
    assert len(row.key_sha256) == 32


async def test_keys_have_names_of_their_own(keys: ApiKeys) -> None:
    await a_key(keys, "ehr")
    with pytest.raises(IntegrityError):
        await a_key(keys, "ehr")


async def test_a_key_made_after_the_node_was_opened_counts(keys: ApiKeys, database: Database) -> None:
    async with served(keys) as client:
        key = await a_key(ApiKeys(database), "later")
        assert await answer(client, "/internal/status/v1", f"Bearer {key}") == (200, "later")


def test_rights_are_both_asked() -> None:
    caller = ApiCaller(name="x", subjects=("oever",), operations=("audit",))
    assert caller.may("audit", "oever")
    assert not caller.may("audit", "linde")
    assert not caller.may("audit", None)
    assert not caller.may("exchange", "oever")
    assert not ApiCaller(name="x", subjects=(), operations=EVERYTHING).may("audit", "oever")
    assert not ApiCaller(name="x", subjects=("*", "oever"), operations=EVERYTHING).may("audit", "linde")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80))
async def test_no_text_is_a_key_by_chance(keys: ApiKeys, text: str) -> None:
    assert await keys.caller(text) is None
