"""Every registry store is held to one contract: in memory, on SQLite, and on PostgreSQL where there is one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from node.storage.database import open_database
from node.storage.registry_store import SqlRegistryStore
from node.storage.schema import metadata
from registry.memory import MemoryStore
from registry.ports import RegistryStore
from tests.registry.store_contract import RegistryStoreContract
from tests.support.postgres import postgres_database, postgres_server

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
