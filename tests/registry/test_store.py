"""Every registry store is held to one contract: in memory, on SQLite, and on PostgreSQL where there is one."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from node.storage.database import open_database
from node.storage.registry_store import SqlRegistryStore
from node.storage.schema import metadata
from registry.memory import MemoryStore
from registry.ports import RegistryStore
from tests.registry.store_contract import RegistryStoreContract
from tests.support.keys import a_did
from tests.support.postgres import postgres_database, postgres_server
from tests.support.registry import NOW, a_registration, decision

TABLES = [table for table in metadata.sorted_tables if table.name.startswith("registry_")]


class TestMemory(RegistryStoreContract):
    @pytest.fixture
    def store(self) -> RegistryStore:
        return MemoryStore()


class TestSqlite(RegistryStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[RegistryStore]:
        async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'hazel.db'}") as database:
            async with database.engine.begin() as connection:
                await connection.run_sync(metadata.create_all, tables=TABLES)
            yield SqlRegistryStore(database)


async def test_registrations_at_once_are_all_taken_while_the_node_has_much_else_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.storage.database._BUSY_TIMEOUT_MS", 200)
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'hazel.db'}") as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all, tables=TABLES)
        store = SqlRegistryStore(database)

        async def keep_the_loop_busy() -> None:
            while True:
                time.sleep(0.02)  # noqa: ASYNC251  # as signatures do: with forty turns in a transaction others wait 0.8 s
                await asyncio.sleep(0)

        busy = asyncio.create_task(keep_the_loop_busy())
        made = await asyncio.gather(
            *(
                store.accept("care", a_did(name), NOW, seed="s", decide=decision(a_registration(name)))
                for name in ("oever", "gouwe", "linde", "wending")
            )
        )
        busy.cancel()
        assert sorted(each.timestamp for each in made) == [1, 2, 3, 4]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.mark.postgres
class TestPostgres(RegistryStoreContract):
    @pytest.fixture
    async def store(self, server: str) -> AsyncIterator[RegistryStore]:
        async with (
            postgres_database(server) as url,
            open_database(url.replace("postgresql://", "postgresql+asyncpg://")) as database,
        ):
            async with database.engine.begin() as connection:
                await connection.run_sync(metadata.create_all, tables=TABLES)
            yield SqlRegistryStore(database)
