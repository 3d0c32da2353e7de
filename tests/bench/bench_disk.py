"""What a request waits for on the disk: the promise row, and nothing else.

Two ways to see it, while questions are answered by both nodes. The kernel counts what each thread writes to files: only one thread
of a node may, the one that writes the audit log; the thread that serves requests writes nothing. And somebody else holds the write
lock of both nodes' database (``hazel.db``): a request that had to write there would wait for its 5 s and fail.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import record_system
from tests.bench.measure import Series, bytes_written_by_thread
from tests.bench.pair import Pair, repeat
from tests.bench.result import Result, Target
from tests.bench.setting import Setting

GROUP = "The disk"
CONNECTIONS = 16
SECONDS = 1.5
"""Less than background work waits for a lock."""


async def run(setting: Setting) -> Sequence[Result]:
    """Ask with the databases locked, and look who wrote."""
    pair = setting.pair
    question = pair.question(record_system.SMALL_STEP)
    await repeat(lambda: pair.ask(question), connections=CONNECTIONS, seconds=0.3)
    before = _written(pair)
    with _locked(pair.asker.data / "hazel.db"), _locked(pair.holder.data / "hazel.db"):
        done = await repeat(lambda: pair.ask(question), connections=CONNECTIONS, seconds=SECONDS)
    after = _written(pair)
    served, others, promised = 0, 0, 0
    for role, threads in after.items():
        grown = {thread: written - before[role].get(thread, 0) for thread, written in threads.items()}
        served += grown.pop(pair.pids[role])
        promised += max(grown.values(), default=0)
        others += sum(sorted(grown.values())[:-1])
    reads = done * 2
    return [
        Result(
            group=GROUP,
            what="Bytes that threads which serve requests wrote to files, both nodes, with both databases locked by somebody else",
            measured=Series((float(served + others),)),
            unit="bytes",
            baseline=("the audit writers' threads, per read", Series((promised / reads,)), "bytes"),
            ratio=f"{reads} enforced reads answered meanwhile, all of them complete",
            target=Target(kind="at most", limit=0),
            note="Nothing on the request path waits for the disk but the promise row.",
        )
    ]


def _written(pair: Pair) -> Mapping[str, Mapping[int, int]]:
    return {role: bytes_written_by_thread(pair.pids[role]) for role in ("asker", "holder")}


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Hold the write lock of a database."""
    connection = sqlite3.connect(database, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.rollback()
        connection.close()
