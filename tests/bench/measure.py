"""Clocks, processes, and series of repetitions."""

import gc
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

SLICE = 0.004
"""Seconds that a thing is measured before it is the next one's turn."""


@dataclass(frozen=True, slots=True)
class Series:
    """The same thing measured several times."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.values)

    def scaled(self, factor: float) -> "Series":
        """The same in another unit."""
        return Series(tuple(value * factor for value in self.values))


def pairwise_series(left: Series, right: Series, join: Callable[[float, float], float]) -> Series:
    """Combine two series repetition by repetition: what was measured side by side is compared side by side."""
    return Series(tuple(map(join, left.values, right.values)))


def side_by_side(
    works: Mapping[str, Callable[[], object]], *, repetitions: int, seconds: float
) -> Mapping[str, Series]:
    """Measure several things in turns, a few milliseconds each, so that a slow moment of the machine meets all of them.

    Args:
        works: by name.
        repetitions: values in each series.
        seconds: that one repetition takes, all works together.

    Returns:
        CPU seconds of this thread per call.
    """
    rounds = max(5, int(seconds / (len(works) * SLICE)))
    calls = {name: _calls_in_a_slice(work) for name, work in works.items()}
    measured: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    gc.disable()
    try:
        for _ in range(repetitions):
            slices: dict[str, list[float]] = {name: [] for name in works}
            for _ in range(rounds):
                for name, work in works.items():
                    slices[name].append(_timed(work, calls[name]))
            for name, values in slices.items():
                measured[name].append(statistics.median(values))
            gc.collect()
    finally:
        gc.enable()
    return {name: Series(tuple(values)) for name, values in measured.items()}


def _calls_in_a_slice(work: Callable[[], object]) -> int:
    work()
    calls = 1
    while (took := _timed(work, calls) * calls) < SLICE / 2:
        calls *= 2
    return max(1, round(calls * SLICE / took))


def _timed(work: Callable[[], object], calls: int) -> float:
    began = time.thread_time()
    for _ in range(calls):
        work()
    return (time.thread_time() - began) / calls


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def own_cpu_seconds() -> float:
    """CPU seconds that this process has used, all its threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_kb(pid: int) -> int:
    """``VmRSS`` of a process, in kB."""
    return _status_kb(pid, "VmRSS")


def peak_kb(pid: int) -> int:
    """``VmHWM`` of a process, the most it ever was, in kB."""
    return _status_kb(pid, "VmHWM")


def _status_kb(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise ValueError(f"/proc/{pid}/status has no {name}")


def bytes_written_by_thread(pid: int) -> Mapping[int, int]:
    """What each thread of a process has written to files so far (``write_bytes`` of ``/proc/<pid>/task/<tid>/io``)."""
    return dict(_written(Path(f"/proc/{pid}/task").iterdir()))


def _written(threads: Iterable[Path]) -> Iterator[tuple[int, int]]:
    for thread in threads:
        try:
            lines = (thread / "io").read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            continue  # it has just ended
        yield int(thread.name), next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def cores() -> tuple[frozenset[int], frozenset[int]]:
    """Where what is measured runs, and where everything else does; the same core twice on a machine with one."""
    allowed = sorted(os.sched_getaffinity(0))
    return frozenset(allowed[:1]), frozenset(allowed[1:2] or allowed[:1])


def pin(pid: int, where: frozenset[int]) -> None:
    """Keep every thread of a process on these cores."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), where)


@contextmanager
def kept_on(where: frozenset[int]) -> Iterator[None]:
    """Keep the calling thread, and processes that it starts, on these cores for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, where)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def machine() -> str:
    """What it was measured on, in one line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    system = os.uname()
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {system.sysname} {system.release}"
