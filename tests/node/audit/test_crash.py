"""kill -9 in the middle of writing: nothing that was acknowledged is lost (ARCHITECTURE §6 (8))."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.search import AuditQuestion
from node.audit.verify import verify_database
from tests.node.audit.setting import a_log

ROOT = Path(__file__).parents[3]

WRITER = """
import asyncio, sys
from pathlib import Path
from node.audit.log import AlreadyUsedError
from tests.node.audit.places import DELIVERED
from tests.node.audit.setting import a_log, a_record, a_use

async def work(log, worker):
    for number in range(1_000_000):
        receipt = await log.promise(a_record(), once=[a_use(f"{worker} {number}")])
        print(receipt.seq, flush=True)
        if number % 3 == 0:
            log.outcome(receipt, DELIVERED)

async def main():
    async with a_log(Path(sys.argv[1])) as log:
        await asyncio.gather(*(work(log, worker) for worker in range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 150])
async def test_nothing_acknowledged_is_lost_and_a_restart_closes_what_was_open(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "audit.db"
    with subprocess.Popen(  # noqa: ASYNC220  # nothing else runs on this loop
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    before = verify_database(path)
    assert before.is_whole, before.findings
    async with a_log(path) as log:
        reader = SqliteAuditReader(path)
        rows = await reader.rows(log.lane, 0, 100_000)
        promises = {row.seq for row in rows if row.index is not None and row.index[0] == "promise"}
        assert promises >= set(acknowledged)
        page = await reader.find(AuditQuestion(subject="gouwe", count=100_000))
        assert {found.ended["code"] if found.ended else None for found in page.entries} <= {"delivered", "unknown"}
        assert "unknown" in {found.ended["code"] for found in page.entries if found.ended}
    after = verify_database(path)
    assert after.is_whole, after.findings
