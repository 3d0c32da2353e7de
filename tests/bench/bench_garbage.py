"""What strangers send to the token endpoint: what refusing it costs, and whether a flood of it changes anything.

The flood is 100,000 requests over 64 connections, one in ten of them good; each has to get its own answer, and the node may not grow.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from node.ports import HttpRequest
from tests.bench.measure import Series, resident_kb
from tests.bench.pair import repeat
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.bench.token_caller import Caller, a_caller, send
from tests.bench.unit import measure_units

GROUP = "What strangers send"
CONNECTIONS = 16
FLOOD = 100_000
FLOOD_CONNECTIONS = 64
GOOD_IN = 10
"""One request in so many is good."""

REFUSED = 400
LIMIT = 4.5
"""ES256 verifications: 0.3 ms where one takes 66 µs."""

GROWTH_KB = 16_384


@dataclass(frozen=True, slots=True)
class Flood:
    """How a flood ended."""

    good: int
    bad: int
    before_kb: int
    after_kb: int


async def run(setting: Setting) -> Sequence[Result]:
    """Each kind by itself, then all of them together."""
    caller = await a_caller(setting.pair, "jwt_vc")
    results = [await _refused(setting, caller, name, make) for name, make in garbage(caller).items()]
    worst = max(results, key=lambda each: each.measured.median)
    short = setting.seconds < 1
    flood = await _flood(caller, FLOOD // 20 if short else FLOOD)
    return [
        worst,
        *(each for each in results if each is not worst),
        Result(
            group=GROUP,
            what=f"Growth of the node in a flood of {flood.good + flood.bad:,} requests over {FLOOD_CONNECTIONS} connections",
            measured=Series((float(flood.after_kb - flood.before_kb),)),
            unit="kB",
            ratio=f"all answered as they had to be: {flood.good:,} tokens, {flood.bad:,} refusals",
            target=Target(kind="at most", limit=GROWTH_KB),
            note="Since a tenth of it; the tokens that were given stay in memory up to a limit.",
        ),
    ]


def garbage(caller: Caller) -> Mapping[str, Callable[[], HttpRequest]]:
    """Kinds of requests that have to be refused, by what is wrong with them."""
    now = datetime.now(UTC)
    stale = caller.presentation(caller.credential, now - timedelta(minutes=1))
    good = caller.post(stale)

    def with_body(body: bytes) -> HttpRequest:
        return HttpRequest(method="POST", url=good.url, headers=good.headers, body=body)

    requests = {
        "no form at all": with_body(bytes(range(256)) * 16),
        "a form without what it needs": with_body(b"grant_type=vp_token-bearer&scope=bench"),
        "an unknown scope": caller.post(stale, scope="nobody"),
        "an assertion that is none": caller.post("A" * 4_000),
        "a presentation that is over": good,
        "a proof that is none": caller.post(caller.presentation(caller.credential, now), proof="A" * 800),
    }
    return {name: lambda request=request: request for name, request in requests.items()}  # type: ignore[misc]  # bound now


async def _refused(setting: Setting, caller: Caller, name: str, make: Callable[[], HttpRequest]) -> Result:
    async def work() -> None:
        await send(caller, make(), REFUSED)

    await repeat(work, connections=CONNECTIONS, seconds=0.2)
    milliseconds, verifications = [], []
    for _ in range(setting.repetitions):
        before = setting.pair.used()["holder"]
        done = await repeat(work, connections=CONNECTIONS, seconds=setting.seconds / 2)
        used = (setting.pair.used()["holder"] - before) * 1000 / done
        milliseconds.append(used)
        verifications.append(used * 1000 / measure_units(seconds=setting.seconds / 8).verification)
    return Result(
        group=GROUP,
        what=f"A token request refused: {name}",
        measured=Series(tuple(verifications)),
        unit="ES256 verifications",
        baseline=("CPU of the node", Series(tuple(milliseconds)), "ms"),
        target=Target(kind="less than", limit=LIMIT),
    )


async def _flood(caller: Caller, count: int) -> Flood:
    """Send ``count`` requests; raises when one is answered wrongly."""
    bad = itertools.cycle([make() for make in garbage(caller).values()])
    numbers = iter(range(count))
    pid = caller.pair.pids["holder"]
    good = before = 0

    async def one() -> None:
        nonlocal good, before
        for number in numbers:
            if number == count // 10:
                before = resident_kb(pid)
            if number % GOOD_IN == 0:
                await send(caller, caller.request())
                good += 1
            else:
                await send(caller, next(bad), REFUSED)

    async with asyncio.TaskGroup() as group:
        for _ in range(FLOOD_CONNECTIONS):
            group.create_task(one())
    return Flood(good=good, bad=count - good, before_kb=before, after_kb=resident_kb(pid))
