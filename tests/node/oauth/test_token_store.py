"""One contract for every token store, and what the bounded memories of this room keep."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from credentials.did.identifier import DID
from node.oauth import store as store_module
from node.oauth.grants import Grant
from node.oauth.refusals import MAX_PLACES, OTHERS, RefusalCounter
from node.oauth.store import MemoryTokenStore, SqlTokenStore, TokenStore
from node.storage.database import AsyncConnection, Database, open_database
from node.storage.schema import metadata, subjects
from node.verification.signature_memory import MAX_SIGNATURES, SignatureMemory
from tests.support.world import NOON, ManualClock, RecordingAuditLog

GRANT = Grant(
    grant_id="grant-1",
    subject="wending",
    scope="HuisartsVVTInzage",
    client_id="https://oever.example/oauth2/oever",
    holder=DID("did:web:oever.example:iam:1"),
    jkt="thumbprint",
    token_type="DPoP",
    claims={"organization_ura": "00001111", "list": [1, "é"], "none": None},
    organization_ura="00001111",
    organization_name="Huisartsenpraktijk Dé Oever",
    organization_city="Gouda",
    user_identifier="U-1001",
    user_name="J. Jansen",
    user_role="01.015",
    user_evidence="self_attested",
    issued_at=NOON,
    expires_at=NOON + timedelta(seconds=900),
    presentations=("a.b.c",),
    submission={"definition_id": "pd"},
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'node.db'}") as opened:
        async with opened.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(insert(subjects).values(name="wending", created_at=0))
        yield opened


@pytest.fixture
def audit() -> RecordingAuditLog:
    return RecordingAuditLog()


@pytest.fixture(params=["memory", "sql", "sql without memory"])
def store(request: pytest.FixtureRequest, database: Database, audit: RecordingAuditLog) -> TokenStore:
    if request.param == "memory":
        return MemoryTokenStore(audit)
    if request.param == "sql":
        return SqlTokenStore(database, audit)
    return ForgetfulStore(database, audit)


class ForgetfulStore(SqlTokenStore):
    """Reads everything from the database, as after a restart or on another replica."""

    def _remember(self, digest: bytes, stored: object) -> None:
        pass


async def test_a_grant_comes_back_as_it_was_kept(store: TokenStore) -> None:
    await store.keep("token", GRANT)
    stored = await store.find("token")
    assert stored is not None
    assert (stored.grant, stored.ended_at) == (GRANT, None)
    assert await store.find("other") is None


async def test_many_grants_kept_at_once_are_all_there_also_when_one_caller_hangs_up(store: TokenStore) -> None:
    tasks = [
        asyncio.create_task(store.keep(f"token-{number}", replace(GRANT, grant_id=f"grant-{number}")))
        for number in range(40)
    ]
    await asyncio.sleep(0)
    tasks[0].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(outcome is None for outcome in outcomes[1:])
    for number in range(1, 40):
        stored = await store.find(f"token-{number}")
        assert stored is not None
        assert stored.grant.grant_id == f"grant-{number}"


async def test_an_ended_grant_says_so_and_makes_decisions_stale(store: TokenStore, audit: RecordingAuditLog) -> None:
    await store.keep("token", GRANT)
    assert await store.find("token") is not None
    assert await store.end("grant-1", NOON)
    assert audit.current_epoch() == 1
    stored = await store.find("token")
    assert stored is not None
    assert stored.ended_at == NOON
    assert not await store.end("grant-1", NOON)
    assert not await store.end("unknown", NOON)


async def test_long_expired_grants_are_forgotten(store: TokenStore) -> None:
    later = replace(GRANT, grant_id="grant-2", expires_at=NOON + timedelta(hours=3))
    await store.keep("token", GRANT)
    await store.keep("later", later)
    now = NOON + timedelta(hours=2)
    assert await store.prune(now) == 1
    assert await store.find("token") is None
    assert await store.find("later") is not None


async def test_a_grant_ended_on_another_replica_is_not_served_from_memory(
    database: Database, audit: RecordingAuditLog
) -> None:
    here, there = SqlTokenStore(database, audit), SqlTokenStore(database, audit)
    await here.keep("token", GRANT)
    assert await here.find("token") is not None
    await there.end("grant-1", NOON)
    stored = await here.find("token")
    assert stored is not None
    assert stored.ended_at == NOON


async def test_a_grant_that_ends_while_it_is_read_is_not_remembered_as_standing(
    database: Database, audit: RecordingAuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads the row, it is ended, somebody else asks meanwhile: what the first one read counts for nobody after."""
    store, reading = SqlTokenStore(database, audit), database.reading
    await store.keep("token", GRANT)
    await store.end("no such grant", NOON)
    store._forget()  # as after a restart
    was_read, go_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def slowly() -> AsyncIterator[AsyncConnection]:
        async with reading() as connection:
            yield connection
        was_read.set()
        await go_on.wait()

    monkeypatch.setattr(database, "reading", slowly)
    slow = asyncio.create_task(store.find("token"))
    await was_read.wait()
    monkeypatch.undo()
    await store.end("grant-1", NOON)
    assert (ended := await store.find("token")) is not None
    assert ended.ended_at == NOON
    go_on.set()
    await slow

    stored = await store.find("token")
    assert stored is not None
    assert stored.ended_at == NOON


async def test_large_presentations_do_not_fill_the_memory(
    database: Database, audit: RecordingAuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_MEMORY", 50_000)
    store = SqlTokenStore(database, audit)
    for number in range(10):
        large = replace(GRANT, grant_id=f"large-{number}", presentations=("x" * 12_000,))
        await store.keep(f"token-{number}", large)
        assert await store.find("token-0") is not None

    assert len(store._memory) == 3
    assert sum(len(each.grant.to_json()) for each in store._memory.values()) == store._size <= 50_000
    await store.prune(NOON + timedelta(hours=2))
    assert (len(store._memory), store._size) == (0, 0)


def test_refusals_are_counted_by_minute_address_and_reason_within_bounds() -> None:
    clock = ManualClock()
    counter = RefusalCounter(clock)
    for number in range(MAX_PLACES + 5):
        counter.count(f"192.0.2.{number}", "malformed")
    counter.count(None, "lifetime")
    assert counter.totals() == {"malformed": MAX_PLACES + 5, "lifetime": 1}
    assert counter.by_address()[OTHERS] == 6
    for _ in range(61):
        clock.jump(60)
        counter.count("192.0.2.1", "malformed")
    assert counter.totals() == {"malformed": 60}


def test_signatures_are_remembered_within_bounds() -> None:
    memory = SignatureMemory()
    for number in range(MAX_SIGNATURES + 1):
        memory.add(number.to_bytes(32, "big"))
    assert (0).to_bytes(32, "big") not in memory
    assert (1).to_bytes(32, "big") in memory
    assert "text" not in memory
