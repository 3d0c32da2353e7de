"""One question through both nodes, against the same reads straight from the FHIR server.

The vendor's system asks the asker's node; that promises each query to its audit log and sends it over TLS with a cached token and a
fresh DPoP proof; the holder's node authenticates, looks it up in the query table, decides, promises, reads its FHIR server, checks
the page and sends it; the asker checks it again and streams it. Every question starts with the patient match, so a question with
one step makes two enforced reads. Counted is the CPU time of both nodes and the FHIR server together, less what the FHIR server
uses when the same is read from it directly.
"""

from collections.abc import Mapping, Sequence

from tests.bench import record_system
from tests.bench.measure import Series
from tests.bench.pair import Pair, repeat
from tests.bench.result import Result, Target
from tests.bench.setting import Setting

GROUP = "Enforced reads"
LIMIT_MS = 2.0
READS = 2
"""In a question with one step."""

CONNECTIONS = 16


async def run(setting: Setting) -> Sequence[Result]:
    """Measure small and large pages, and one question at a time."""
    unit = setting.unit
    results = []
    for what, step, target, connections in (
        ("a page of one small resource", record_system.SMALL_STEP, record_system.SMALL_TARGET, CONNECTIONS),
        ("a page of 30 kB", record_system.LARGE_STEP, record_system.LARGE_TARGET, CONNECTIONS),
        (
            "a page of one small resource, one question at a time",
            record_system.SMALL_STEP,
            record_system.SMALL_TARGET,
            1,
        ),
    ):
        extra, direct, share = await _compare(setting, step, target, connections)
        is_gate = connections == CONNECTIONS and step == record_system.SMALL_STEP
        results.append(
            Result(
                group=GROUP,
                what=f"An enforced, audited read through both nodes, cached token, DPoP: {what}; CPU over a direct read",
                measured=extra,
                unit="ms",
                baseline=("a direct read", direct, "ms"),
                ratio=f"{extra.median / direct.median:.1f} x a direct read, {extra.median * 1000 / unit:.0f} ES256 "
                f"verifications; asker {share['asker']:.2f} ms, holder {share['holder']:.2f} ms",
                target=Target(kind="less than", limit=LIMIT_MS) if is_gate else None,
                note=f"{connections} questions at once; a question with one step is two reads, half of it is shown."
                if is_gate
                else None,
            )
        )
    return results


async def _compare(
    setting: Setting, step: str, target: str, connections: int
) -> tuple[Series, Series, Mapping[str, float]]:
    """Return milliseconds per read over a direct one, of a direct one, and of each node in the middle repetition."""
    pair = setting.pair
    question = pair.question(step)
    await repeat(lambda: pair.ask(question), connections=connections, seconds=setting.seconds / 4)
    extra, direct, shares = [], [], []
    for _ in range(setting.repetitions):
        used = await _used(pair, setting.seconds, connections, question=step)
        plain = await _used(pair, setting.seconds / 3, connections, direct=target)
        direct.append(plain["record system"])
        extra.append(sum(used.values()) - plain["record system"])
        shares.append(used)
    middle = sorted(zip(extra, shares, strict=True), key=lambda pair: pair[0])[len(extra) // 2][1]
    return Series(tuple(extra)), Series(tuple(direct)), middle


async def _used(
    pair: Pair, seconds: float, connections: int, *, question: str | None = None, direct: str | None = None
) -> Mapping[str, float]:
    """Return milliseconds of CPU per read, by role."""
    before = pair.used()
    if question is not None:
        asked = pair.question(question)
        done = await repeat(lambda: pair.ask(asked), connections=connections, seconds=seconds)
    else:
        assert direct is not None  # one of the two
        done = await repeat(lambda: pair.read_directly(direct), connections=connections, seconds=seconds)
    after = pair.used()
    return {role: (after[role] - before[role]) * 1000 / (done * READS) for role in after}
