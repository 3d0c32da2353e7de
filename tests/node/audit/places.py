"""Where an audit log is kept in a test: opens logs and readers on one database, and closes all of them."""

from pathlib import Path
from typing import Protocol

from node.audit.chain import ChainReport
from node.audit.log import AuditLog
from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.record import Outcome
from node.audit.search import AuditReader
from node.audit.verify import Keys, verify_log
from node.audit.writer_sqlite import SqliteAuditLog
from tests.node.audit.setting import SetClock, a_sealer


class Place(Protocol):
    """A database with an audit log in it."""

    clock: SetClock

    async def open(self) -> AuditLog:
        """Open a writer."""
        ...

    async def crash(self, log: AuditLog) -> None:
        """Let a writer go without closing anything properly."""
        ...

    async def reader(self) -> AuditReader:
        """Open a reader."""
        ...

    async def aclose(self) -> None:
        """Close everything."""
        ...


class SqlitePlace:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = SetClock()
        self._logs: list[SqliteAuditLog] = []

    async def open(self) -> AuditLog:
        log = SqliteAuditLog(self.path, sealer=a_sealer(), clock=self.clock)
        await log.open()
        self._logs.append(log)
        return log

    async def crash(self, log: AuditLog) -> None:
        await log.aclose()  # what a crash leaves behind is the same: open promises (test_crash.py kills for real)

    async def reader(self) -> AuditReader:
        return SqliteAuditReader(self.path)

    async def aclose(self) -> None:
        for log in self._logs:
            await log.aclose()


class PostgresPlace:
    def __init__(self, url: str) -> None:
        from node.audit.reader_postgres import PostgresAuditReader
        from node.audit.writer_postgres import PostgresAuditLog

        self.url = url
        self.clock = SetClock()
        self._writer = PostgresAuditLog
        self._reader_type = PostgresAuditReader
        self._logs: list[PostgresAuditLog] = []
        self._readers: list[PostgresAuditReader] = []

    async def open(self) -> AuditLog:
        log = self._writer(self.url, sealer=a_sealer(), clock=self.clock)
        await log.open()
        self._logs.append(log)
        return log

    async def crash(self, log: AuditLog) -> None:
        assert isinstance(log, self._writer)
        connection = log._connection
        pid = connection.get_server_pid()
        connection.terminate()
        await log.aclose()
        reader = await self.reader()
        assert isinstance(reader, self._reader_type)
        while await reader._fetch("SELECT 1 FROM pg_stat_activity WHERE pid = $1", pid):  # until the server noticed
            pass

    async def reader(self) -> AuditReader:
        reader = self._reader_type(self.url)
        await reader.open()
        self._readers.append(reader)
        return reader

    async def aclose(self) -> None:
        for log in self._logs:
            await log.aclose()
        for reader in self._readers:
            await reader.aclose()


DELIVERED = Outcome(state="delivered", status=200, count=3, ms=12)


async def verified(place: Place, keys: Keys | None = None) -> ChainReport:
    """Return the report about a place after checking that nothing was found."""
    report = await verify_log(await place.reader(), keys)
    assert report.is_whole, report.findings
    return report
