"""Transactions and migrations, on SQLite and on PostgreSQL where there is one."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text, update

from node.storage.database import Database, DatabaseBusyError, open_database
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


async def test_writers_queue_and_nobody_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "node.storage.database._BUSY_TIMEOUT_MS", 0
    )  # who looked at a locked file and gave up, fails at once
    order: list[int] = []
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as database:
        await bring_up_to_date(database)

        async def write(number: int) -> None:
            async with database.transaction() as connection:
                await connection.execute(insert(subjects).values(name=str(number), created_at=0))
                await asyncio.sleep(0)
                order.append(number)

        def whole(connection: Connection, number: int) -> None:
            connection.execute(insert(subjects).values(name=str(number), created_at=0))
            order.append(number)

        await asyncio.gather(
            *(database.write(partial(whole, number=number)) if number % 2 else write(number) for number in range(30))
        )
        assert order == list(range(30))
        assert (
            await database.read(lambda one: one.execute(select(func.count()).select_from(subjects)).scalar_one()) == 30
        )


async def test_who_waits_for_another_process_too_long_is_told_so_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.storage.database._BUSY_TIMEOUT_MS", 10)
    add = insert(subjects).values(name="a", created_at=0)
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as database:
        await bring_up_to_date(database)
        with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusyError):
                await database.write(lambda connection: connection.execute(add))
            with pytest.raises(DatabaseBusyError):
                async with database.transaction() as connection:
                    await connection.execute(add)
            async with database.reading() as connection:  # who only reads waits for nobody
                assert (await connection.execute(select(subjects))).all() == []
            other.execute("ROLLBACK")
        await database.write(lambda connection: connection.execute(add))


async def test_who_waits_too_long_for_others_here_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.storage.database._TURN_SECONDS", 0.01)
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as database:
        async with database.transaction():
            with pytest.raises(DatabaseBusyError):
                await database.write(lambda _: None)
        await database.write(lambda _: None)


async def test_who_is_cancelled_leaves_no_lock_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.storage.database._BUSY_TIMEOUT_MS", 0)
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as database:
        await bring_up_to_date(database)
        within, go_on = asyncio.Event(), threading.Event()

        async def wait() -> None:
            async with database.transaction() as connection:
                await connection.execute(insert(subjects).values(name="a", created_at=0))
                within.set()
                await asyncio.Event().wait()

        def wait_whole(connection: Connection) -> None:
            connection.execute(insert(subjects).values(name="b", created_at=0))
            loop.call_soon_threadsafe(within.set)
            go_on.wait(10)

        loop = asyncio.get_running_loop()
        for work in (wait(), database.write(wait_whole)):
            within.clear()
            task = asyncio.ensure_future(work)
            await within.wait()
            task.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            await database.write(lambda connection: connection.execute(update(subjects).values(created_at=1)))
