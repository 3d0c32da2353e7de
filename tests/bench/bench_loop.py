"""How long verifying keeps everybody else waiting: the event loop, while JSON-LD presentations are verified without a pause.

Eight callers verify one after the other, beside the loop as the node does, with the switch interval that ``hazel serve`` sets. Meanwhile
the loop is asked every millisecond whether it is free; what is shown is how late it answers, in wall time.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from node.cli.serve import SWITCH_SECONDS
from node.verification.off_loop import OffLoop
from tests.bench.bench_jsonld import a_sample, verification
from tests.bench.measure import Series
from tests.bench.result import Result, Target
from tests.bench.setting import Setting

LIMIT_MS = 5.0
CALLERS = 8
TICK = 0.001
HELD = 0.99
"""Of all answers, so many are at most as late as is shown: what the machine does meanwhile shows in the rest."""


async def run(setting: Setting) -> Sequence[Result]:
    """Measure how late the loop is, with and without the verifications."""
    work = verification(a_sample(datetime.now(UTC).replace(microsecond=0)))
    work()  # loads what is loaded late
    with _switching(SWITCH_SECONDS):
        busy, idle, done = [], [], 0
        for _ in range(max(5, setting.repetitions)):
            idle.append((await _lateness(None, setting.seconds / 4))[0])
            late, verified = await _lateness(work, setting.seconds)
            busy.append(late)
            done += verified
    return [
        Result(
            group="The event loop",
            what="How late it is while JSON-LD presentations are verified without a pause",
            measured=Series(tuple(busy)),
            unit="ms",
            baseline=("nothing else to do", Series(tuple(idle)), "ms"),
            ratio=f"{done} presentations verified meanwhile",
            target=Target(kind="less than", limit=LIMIT_MS),
            note=f"Wall time; {HELD:.0%} of the times that it was asked.",
        )
    ]


async def _lateness(work: object, seconds: float) -> tuple[float, int]:
    """Return milliseconds, and how much work was done."""
    beside = OffLoop()
    until = time.monotonic() + seconds
    late: list[float] = []
    done = 0

    async def caller() -> None:
        nonlocal done
        while callable(work) and time.monotonic() < until:
            await beside.run(work)
            done += 1

    async def ask() -> None:
        while (asked := time.monotonic()) < until:
            await asyncio.sleep(TICK)
            late.append(time.monotonic() - asked - TICK)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask())
            for _ in range(CALLERS):
                group.create_task(caller())
    finally:
        beside.close()
    return sorted(late)[int(len(late) * HELD)] * 1000, done


@contextmanager
def _switching(seconds: float) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
