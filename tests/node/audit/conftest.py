"""Places to keep an audit log: both databases behave alike, so the contract tests run on both."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.node.audit.places import Place, PostgresPlace, SqlitePlace
from tests.support.postgres import postgres_database, postgres_server


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
async def postgres(server: str) -> AsyncIterator[str]:
    async with postgres_database(server) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            place: Place = SqlitePlace(tmp_path / "audit.db")
        else:
            server = request.getfixturevalue("server")
            place = PostgresPlace(await stack.enter_async_context(postgres_database(server)))
        stack.push_async_callback(place.aclose)
        yield place
