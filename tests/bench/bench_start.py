"""From process start to ready, and what a node takes when it is idle.

A node as ``hazel init`` makes it, with a use case, a discovery service of its own that it is registered in, and TLS, is started
again and again. Ready is when the internal listener, the last thing to be opened, answers. Python's bytecode is compiled
beforehand, as installing a package does.
"""

import asyncio
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.region.certificates import RegionCertificates
from examples.region.free_ports import FreePorts
from examples.region.organisations import GOUWE
from examples.region.processes import ROOT
from tests.bench.measure import Series, cores, cpu_seconds, kept_on, resident_kb
from tests.bench.pair import environment, make_node, plan_node, words_of_serve
from tests.bench.result import Result, Target

GROUP = "Start and memory"
LIMIT_SECONDS = 1.0
LIMIT_KB = 92_160
IDLE_SECONDS = 3.0
READY_SECONDS = 30.0
OK = b"HTTP/1.1 200"


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds of CPU and of wall time until ready, and kB resident a while later."""

    cpu: float
    wall: float
    idle_kb: int


async def run(place: Path, certificates: RegionCertificates, *, repetitions: int) -> Sequence[Result]:
    """Start a node repeatedly."""
    ports = FreePorts()
    try:
        node = plan_node(GOUWE, place, ports)
        await make_node(node, certificates, host=node)
        words = [str(word) for word in words_of_serve(node)]
        await _start(words, node.internal_port)  # registers, and compiles what was not
        starts = [await _start(words, node.internal_port) for _ in range(repetitions)]
    finally:
        ports.release()
    bare = Series(tuple(_bare_interpreter(words[0]) for _ in range(repetitions)))
    cpu, wall = Series(tuple(one.cpu for one in starts)), Series(tuple(one.wall for one in starts))
    return [
        Result(
            group=GROUP,
            what="From process start to ready: CPU",
            measured=cpu,
            unit="s",
            baseline=("python -c pass", bare, "s"),
            ratio=f"{cpu.median / bare.median:.0f} x",
            target=Target(kind="at most", limit=LIMIT_SECONDS),
        ),
        Result(
            group=GROUP,
            what="From process start to ready: wall",
            measured=wall,
            unit="s",
            baseline=("its CPU", cpu, "s"),
            ratio=f"{wall.median / cpu.median:.2f} x",
            target=Target(kind="at most", limit=LIMIT_SECONDS),
        ),
        Result(
            group=GROUP,
            what="Resident when idle, the whole process (VmRSS)",
            measured=Series(tuple(float(one.idle_kb) for one in starts)),
            unit="kB",
            target=Target(kind="at most", limit=LIMIT_KB),
            note=f"{IDLE_SECONDS:.0f} s after it was ready.",
        ),
    ]


async def _start(words: Sequence[str], port: int) -> Start:
    measured, _ = cores()
    with kept_on(measured):
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: ASYNC220  # starting it is what is measured
            words, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    try:
        while not await _answers(port):
            if process.poll() is not None or time.monotonic() - began > READY_SECONDS:
                raise RuntimeError(f"the node did not start: {' '.join(words)}")
            await asyncio.sleep(0.002)
        cpu, wall = cpu_seconds(process.pid), time.monotonic() - began
        await asyncio.sleep(IDLE_SECONDS)
        return Start(cpu, wall, resident_kb(process.pid))
    finally:
        process.terminate()
        process.wait()  # nothing else happens here meanwhile


async def _answers(port: int) -> bool:
    """Ask for ``/status`` with as little work as possible: it takes from the start that is measured."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return (await reader.readline()).startswith(OK)
    except OSError:
        return False
    finally:
        writer.close()


def _bare_interpreter(python: str) -> float:
    """CPU seconds of an interpreter that does nothing."""
    told = subprocess.run([python, "-c", "import time; print(time.process_time())"], capture_output=True, check=True)
    return float(told.stdout)
