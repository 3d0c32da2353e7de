"""One question through both nodes, against the same reads straight from the FHIR server.

The vendor's system asks the asker's node; that promises each query to its audit log and sends it over TLS with a cached token and a
fresh DPoP proof; the holder's node authenticates, looks it up in the query table, decides, promises, reads its FHIR server, checks
the page and sends it; the asker checks it again and streams it. Every question starts with the patient match, so a question with
one step makes two enforced reads. Counted is the CPU time of both nodes and the FHIR server together, less what the FHIR server
uses when the same is read from it directly. Both units are measured between the repetitions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench import record_system
from tests.bench.measure import Series, pairwise_series
from tests.bench.pair import repeat
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.bench.unit import Units, measure_units

GROUP = "Enforced reads"
LIMIT_MS = 2.0
READS = 2
"""In a question with one step."""

CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is read, and how many ask at a time; ``is_gate`` has the target of the issue."""

    what: str
    step: str
    target: str
    connections: int
    is_gate: bool = False


CASES = (
    Case(
        what="small page",
        step=record_system.SMALL_STEP,
        target=record_system.SMALL_TARGET,
        connections=CONNECTIONS,
        is_gate=True,
    ),
    Case(
        what="page of 30 kB", step=record_system.LARGE_STEP, target=record_system.LARGE_TARGET, connections=CONNECTIONS
    ),
    Case(
        what="small page, one question at a time",
        step=record_system.SMALL_STEP,
        target=record_system.SMALL_TARGET,
        connections=1,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """One repetition: milliseconds per read by role through the nodes, and of a direct read; the units just then."""

    through: Mapping[str, float]
    direct: float
    units: Units

    @property
    def extra(self) -> float:
        """Milliseconds over a direct read."""
        return sum(self.through.values()) - self.direct


async def run(setting: Setting) -> Sequence[Result]:
    """Measure each case."""
    return [await _measure(setting, case) for case in CASES]


async def _measure(setting: Setting, case: Case) -> Result:
    pair = setting.pair
    question = pair.question(case.step)
    await repeat(lambda: pair.ask(question), connections=case.connections, seconds=setting.seconds / 4)
    done = [await _repetition(setting, case) for _ in range(setting.repetitions)]
    extra, direct = Series(tuple(one.extra for one in done)), Series(tuple(one.direct for one in done))
    verification = Series(tuple(one.units.verification for one in done))
    parsing = Series(tuple(one.units.parsing for one in done))
    middle = sorted(done, key=lambda one: one.extra)[len(done) // 2]
    ratios = [
        f"{pairwise_series(extra, direct, lambda a, b: a / b).median:.1f} x a direct read",
        f"{pairwise_series(extra, verification, lambda a, b: a * 1000 / b).median:.0f} ES256 verifications",
        f"{pairwise_series(extra, parsing, lambda a, b: a * 1000 / b).median:.1f} json.loads of 30 kB",
        f"asker {middle.through['asker']:.2f} ms, holder {middle.through['holder']:.2f} ms",
    ]
    return Result(
        group=GROUP,
        what=f"An enforced, audited read through both nodes, cached token, DPoP: CPU over a direct read; {case.what}",
        measured=extra,
        unit="ms",
        baseline=("a direct read", direct, "ms"),
        ratio="; ".join(ratios),
        target=Target(kind="less than", limit=LIMIT_MS) if case.is_gate else None,
        note=f"{case.connections} questions at once; a question with one step is two reads, half of it is shown."
        if case.is_gate
        else None,
    )


async def _repetition(setting: Setting, case: Case) -> Repetition:
    pair = setting.pair
    question = pair.question(case.step)
    before = pair.used()
    asked = await repeat(lambda: pair.ask(question), connections=case.connections, seconds=setting.seconds)
    between = pair.used()
    read = await repeat(
        lambda: pair.read_directly(case.target), connections=case.connections, seconds=setting.seconds / 3
    )
    after = pair.used()
    return Repetition(
        through=_per_read(before, between, asked),
        direct=_per_read(between, after, read)["record system"],
        units=measure_units(seconds=setting.seconds / 5),
    )


def _per_read(before: Mapping[str, float], after: Mapping[str, float], done: int) -> Mapping[str, float]:
    return {role: (after[role] - before[role]) * 1000 / (done * READS) for role in after}
