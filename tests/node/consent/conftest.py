"""A node's database with the consents table in it, on both databases."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from node.audit.log import AuditLog
from node.storage.database import Database, open_database
from node.storage.schema import consents
from tests.node.audit.places import Place, PostgresPlace, SqlitePlace
from tests.support.postgres import postgres_database, postgres_server


class House:
    """Two databases that a node has: its own and the audit log's (one and the same on PostgreSQL)."""

    def __init__(self, database: Database, place: Place) -> None:
        self.database = database
        self.place = place

    async def log(self) -> AuditLog:
        return await self.place.open()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite+aiosqlite:///{tmp_path}/hazel.db"
            place: Place = SqlitePlace(tmp_path / "audit.db")
        else:
            server = await stack.enter_async_context(postgres_database(request.getfixturevalue("server")))
            url = server.replace("postgresql://", "postgresql+asyncpg://")
            place = PostgresPlace(server)
        stack.push_async_callback(place.aclose)
        database = await stack.enter_async_context(open_database(url))
        async with database.transaction() as connection:
            await connection.run_sync(consents.create)
        yield House(database, place)
