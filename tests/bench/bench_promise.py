"""Promises alone: records on the disk before anything goes on, sixteen waiting at a time, in this process."""

import asyncio
import hashlib
import shutil
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from node.audit.log import SingleUse
from node.audit.record import Outcome
from node.audit.seal import Sealer
from node.audit.writer_sqlite import SqliteAuditLog
from node.world import SystemClock, SystemEntropy
from tests.bench.measure import Series, own_cpu_seconds
from tests.bench.result import Result
from tests.bench.setting import Setting
from tests.node.audit.setting import a_record

GROUP = "The audit log"
CONCURRENT = 16


async def run(setting: Setting) -> Sequence[Result]:
    """Promise, each with a value that works once and an outcome; then commit single rows by hand."""
    place = setting.place / "promises"
    place.mkdir()
    cpu, wall, bare = [], [], []
    try:
        for number in range(setting.repetitions):
            per_cpu, per_wall = await _promise(place / f"audit-{number}.db", setting.seconds)
            cpu.append(per_cpu * 1e6)
            wall.append(1 / per_wall)
            bare.append(_commit(place / f"bare-{number}.db", setting.seconds / 4) * 1e6)
    finally:
        shutil.rmtree(place)
    promised, committed, rate = Series(tuple(cpu)), Series(tuple(bare)), Series(tuple(wall))
    return [
        Result(
            group=GROUP,
            what=f"A promise with a single-use value, and its outcome; {CONCURRENT} waiting at a time",
            measured=promised,
            unit="µs",
            baseline=("a bare row, committed by itself", committed, "µs"),
            ratio=f"{promised.median / committed.median:.1f} x; {rate.median:,.0f} promises a second on this disk",
        )
    ]


async def _promise(path: Path, seconds: float) -> tuple[float, float]:
    entropy = SystemEntropy()
    clock = SystemClock()
    log = SqliteAuditLog(path, sealer=Sealer(bytes(32), purpose="audit", entropy=entropy), clock=clock)
    await log.open()
    done = 0
    until = time.monotonic() + seconds

    async def one(worker: int) -> None:
        nonlocal done
        while time.monotonic() < until:
            now = clock.now()
            key = hashlib.sha256(f"{worker} {done}".encode() + entropy.token(8)).digest()
            once = SingleUse(kind="dpop", key=key, expires_at=now + timedelta(seconds=65))
            receipt = await log.promise(a_record(at=now), once=(once,), epoch=log.current_epoch())
            log.outcome(receipt, Outcome(state="delivered", status=200, count=1, ms=1))
            done += 1

    began, began_cpu = time.monotonic(), own_cpu_seconds()
    try:
        await asyncio.gather(*map(one, range(CONCURRENT)))
        return (own_cpu_seconds() - began_cpu) / done, (time.monotonic() - began) / done
    finally:
        await log.aclose()


def _commit(path: Path, seconds: float) -> float:
    """CPU seconds to commit one row of the same size, with the same durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE row (seq INTEGER PRIMARY KEY, at TEXT, body BLOB)")
    done = 0
    until = time.monotonic() + seconds
    began = own_cpu_seconds()
    while time.monotonic() < until:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row (at, body) VALUES (?, ?)", (datetime.now(UTC).isoformat(), b"." * 1200))
        connection.execute("COMMIT")
        done += 1
    used = own_cpu_seconds() - began
    connection.close()
    return used / done
