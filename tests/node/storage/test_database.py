"""Transactions and migrations, on SQLite and on PostgreSQL where there is one."""

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text, update

from node.storage.database import Database, open_database
from node.storage.migrate import NEWEST_REVISION, SchemaError, bring_up_to_date
from node.storage.schema import metadata, subjects


async def test_a_new_database_gets_exactly_the_schema_and_a_second_start_does_nothing(tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'a b.db'}") as database:
        assert await bring_up_to_date(database)
        assert not await bring_up_to_date(database)
        async with database.reading() as connection:
            assert await connection.run_sync(differences) == []


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as database:
        await bring_up_to_date(database)
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(SchemaError, match=f"knows {NEWEST_REVISION}"):
            await bring_up_to_date(database)


async def test_read_then_write_loses_no_update(tmp_path: Path) -> None:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as database:
        await bring_up_to_date(database)
        async with database.transaction() as connection:
            await connection.execute(insert(subjects).values(name="a", created_at=0))

        async def increment(database: Database) -> None:
            async with database.transaction() as connection:
                count = (await connection.execute(select(subjects.c.created_at))).scalar_one()
                await asyncio.sleep(0)
                await connection.execute(update(subjects).values(created_at=count + 1))

        await asyncio.gather(*(increment(database) for _ in range(20)))
        async with database.reading() as connection:
            assert (await connection.execute(select(subjects.c.created_at))).scalar_one() == 20


async def test_an_exception_rolls_back(tmp_path: Path) -> None:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as database:
        await bring_up_to_date(database)

        async def write_then_fail() -> None:
            async with database.transaction() as connection:
                await connection.execute(insert(subjects).values(name="a", created_at=0))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await write_then_fail()
        async with database.reading() as connection:
            assert (await connection.execute(select(func.count()).select_from(subjects))).scalar_one() == 0
