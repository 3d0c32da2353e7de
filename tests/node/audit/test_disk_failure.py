"""A disk that fails: everybody who waits is refused, and the log refuses until it works again (ARCHITECTURE §6 (1))."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from node.audit.log import AuditUnavailableError, Receipt
from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.schema_sqlite import connect
from node.audit.search import AuditQuestion
from node.audit.verify import verify_database
from node.audit.writer_sqlite import SqliteAuditLog
from tests.node.audit.places import DELIVERED
from tests.node.audit.setting import SetClock, a_log, a_record, a_sealer, a_use, change, rows_of


class Disk:
    """Opens the audit file and fails on request: before a word, at a word, or after it was done."""

    def __init__(self) -> None:
        self.fails_at: str | None = None
        self.fails_after = False
        self.is_gone = False
        self.opened = 0

    def connect(self, path: Path) -> sqlite3.Connection:
        if self.is_gone:
            raise sqlite3.OperationalError("unable to open database file")
        disk = self
        self.opened += 1

        class Cursor(sqlite3.Cursor):
            def execute(self, statement: str, *values: Any) -> Any:
                return disk.run(statement, lambda: super(Cursor, self).execute(statement, *values))

            def executemany(self, statement: str, *values: Any) -> Any:
                return disk.run(statement, lambda: super(Cursor, self).executemany(statement, *values))

        class Connection(sqlite3.Connection):
            def cursor(self, *arguments: Any) -> Any:
                return super().cursor(Cursor)

        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def run(self, statement: str, work: Any) -> Any:
        hit = self.fails_at is not None and statement.startswith(self.fails_at)
        if hit and not self.fails_after:
            raise sqlite3.OperationalError("disk I/O error")
        done = work()
        if hit:
            raise sqlite3.OperationalError("disk I/O error")
        return done


@pytest.mark.parametrize("word", ["BEGIN", "INSERT INTO single_use", "INSERT INTO audit", "COMMIT"])
async def test_every_waiter_is_refused_and_what_follows_is_not_when_the_disk_works_again(
    tmp_path: Path, word: str
) -> None:
    disk, path = Disk(), tmp_path / "audit.db"
    async with a_log(path, connect=disk.connect) as log:
        before = await log.promise(a_record(), once=[a_use("before")])
        disk.fails_at = word
        for _ in range(2):
            results = await asyncio.gather(
                *(log.promise(a_record(), once=[a_use(f"k{number}")]) for number in range(10)), return_exceptions=True
            )
            assert all(isinstance(result, AuditUnavailableError) for result in results)
            assert log.is_broken
        disk.fails_at = None
        again = [await log.promise(a_record(), once=[a_use(f"k{number}")]) for number in range(10)]
        assert all(isinstance(receipt, Receipt) for receipt in again)
        assert not log.is_broken
        log.outcome(before, DELIVERED)
    report = verify_database(path)
    assert report.is_whole, report.findings
    page = await SqliteAuditReader(path).find(AuditQuestion(subject="gouwe"))
    assert {found.seq for found in page.entries} == {before.seq, *(receipt.seq for receipt in again)}


async def test_what_was_committed_without_being_acknowledged_is_closed_as_unknown(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "audit.db"
    async with a_log(path, connect=disk.connect) as log:
        kept = await log.promise(a_record())
        disk.fails_at, disk.fails_after = "COMMIT", True
        with pytest.raises(AuditUnavailableError):
            await log.promise(a_record())
        disk.fails_at = None
        log.outcome(kept, DELIVERED)
        await log.record(a_record())
    page = await SqliteAuditReader(path).find(AuditQuestion(subject="gouwe"))
    assert [found.ended and found.ended["code"] for found in reversed(page.entries)] == ["delivered", "unknown", None]
    assert verify_database(path).is_whole


async def test_outcomes_wait_while_the_disk_fails(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "audit.db"
    async with a_log(path, connect=disk.connect) as log:
        receipt = await log.promise(a_record())
        disk.fails_at = "COMMIT"
        log.outcome(receipt, DELIVERED)
        with pytest.raises(AuditUnavailableError):
            await log.promise(a_record())
        disk.fails_at = None
        await log.record(a_record())
    found = (await SqliteAuditReader(path).find(AuditQuestion(subject="gouwe"))).entries[-1]
    assert found.ended is not None
    assert found.ended["code"] == "delivered"


async def test_a_closed_connection_refuses_once_and_is_opened_anew(tmp_path: Path) -> None:
    async with a_log(tmp_path / "audit.db") as log:
        assert log._connection is not None
        log._connection.close()
        with pytest.raises(AuditUnavailableError):
            await log.promise(a_record())
        await log.promise(a_record())
        await log.check()


async def test_a_read_only_file_refuses(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    async with a_log(path):
        pass

    def read_only(where: Path) -> sqlite3.Connection:
        connection = connect(where)
        connection.execute("PRAGMA query_only=ON")
        return connection

    log = SqliteAuditLog(path, sealer=a_sealer(), clock=SetClock(), connect=read_only)
    with pytest.raises(AuditUnavailableError):
        await log.open()


async def test_a_full_disk_refuses_and_the_chain_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"

    def small(where: Path) -> sqlite3.Connection:
        connection = connect(where)
        connection.execute("PRAGMA max_page_count=40")
        return connection

    async with a_log(path, connect=small) as log:
        results = await asyncio.gather(*(log.record(a_record()) for _ in range(400)), return_exceptions=True)
        acknowledged = {result.seq for result in results if isinstance(result, Receipt)}
        assert len(acknowledged) < 400
        assert all(isinstance(result, Receipt | AuditUnavailableError) for result in results)
    assert verify_database(path).is_whole
    assert {seq for (seq,) in rows_of(path, "SELECT seq FROM audit WHERE row = 'record'")} >= acknowledged


async def test_the_epoch_can_be_raised_while_the_disk_fails(tmp_path: Path) -> None:
    disk = Disk()
    async with a_log(tmp_path / "audit.db", connect=disk.connect) as log:
        disk.is_gone, disk.fails_at = True, "BEGIN"
        with pytest.raises(AuditUnavailableError):
            await log.promise(a_record())
        before = log.current_epoch()
        assert await log.raise_epoch() == before + 1


async def test_two_processes_can_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    async with a_log(path):
        second = SqliteAuditLog(path, sealer=a_sealer(), clock=SetClock())
        with pytest.raises(AuditUnavailableError, match="another process"):
            await second.open()
    async with a_log(path):
        pass


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b""])
async def test_a_file_that_is_something_else_is_refused_or_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audit.db"
    path.write_bytes(content)
    log = SqliteAuditLog(path, sealer=a_sealer(), clock=SetClock())
    if content:
        with pytest.raises(AuditUnavailableError):
            await log.open()
    else:
        await log.open()
        await log.aclose()


async def test_a_file_of_another_version_or_purpose_is_refused(tmp_path: Path) -> None:
    newer, other = tmp_path / "newer.db", tmp_path / "other.db"
    change(newer, "PRAGMA user_version=99")
    change(other, "CREATE TABLE notes (text TEXT)")
    for path in (newer, other):
        log = SqliteAuditLog(path, sealer=a_sealer(), clock=SetClock())
        with pytest.raises(AuditUnavailableError):
            await log.open()
    assert rows_of(other, "SELECT name FROM sqlite_master") == [("notes",)]
