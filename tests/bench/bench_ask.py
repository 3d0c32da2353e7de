"""Asking many holders at once: a broker opposite simulated holders that answer after 200 ms, 8 at a time, with pages of 30 kB.

The broker is the real one, with its checks, records and a signed proof per query; network and disk are not there. "The slowest holder's
own time" is what its answers take when it is never kept waiting: the match, then the steps in rounds of 8.
"""

import asyncio
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from node.exchange.asking import Limits, Means
from node.exchange.events import Resource, as_ndjson
from node.exchange.facts import OwnRecords
from node.exchange.outbound import Broker
from node.exchange.peer_health import PeerHealth
from node.exchange.session import SessionMemory
from node.ports import HttpRequest, HttpResponse, World
from node.usecases.model import UseCase
from node.world import SystemClock, SystemEntropy
from registry.entry import Registered
from tests.bench import record_system
from tests.bench.measure import Series
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.node.exchange.cases import BSN, a_patient
from tests.node.exchange.setting import GOUWE, NAMES, OEVER, SCOPE, Asker, a_question, an_asker, shipped
from tests.support.fhir_server import searchset
from tests.support.keys import a_did
from tests.support.world import MemoryVault

GROUP = "Asking"
AT_ONCE = 8
ANSWER_SECONDS = 0.2
STEPS = 10
CONCURRENT = 1_000
CONCURRENT_STEPS = 5
PAGE_KB = 30_000


@dataclass(slots=True)
class Holders:
    """Simulated holders (``HttpClient``): each answer after a while, a page of 30 kB.

    Attributes:
        first: when the first page of a step was handed over.
        pages: how many were.
    """

    page: HttpResponse
    match: HttpResponse
    seconds: float
    first: float | None = None
    pages: int = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Answer after a while."""
        await asyncio.sleep(self.seconds)
        if request.method == "POST":
            return self.match
        self.pages += 1
        if self.first is None:
            self.first = time.perf_counter()
        return self.page


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, measured; seconds."""

    wall: float
    cpu: float
    first_out: float
    pages: int


async def run(setting: Setting) -> Sequence[Result]:
    """Ask 5 and 50 holders, then 1,000 questions at once."""
    results = []
    floor = ANSWER_SECONDS * (1 + math.ceil(STEPS / AT_ONCE))
    for holders, limit in ((5, 1.15), (50, 1.5)):
        asked = [await _one(holders) for _ in range(max(2, setting.repetitions // 3))]
        wall = Series(tuple(each.wall / floor for each in asked))
        results.append(
            Result(
                group=GROUP,
                what=f"A question to {holders} holders x {STEPS} steps, through the slowest holder's own time",
                measured=wall.scaled(100),
                unit="%",
                ratio=f"{wall.median:.2f} x",
                target=Target(kind="at most", limit=limit * 100),
                note=f"each answer after 200 ms, {AT_ONCE} at once per holder",
            )
        )
        cpu = Series(tuple(each.cpu / each.pages * 1e3 for each in asked))
        results.append(
            Result(
                group=GROUP,
                what=f"CPU per page of {PAGE_KB // 1_000} kB passed on, {holders} holders",
                measured=cpu,
                unit="ms",
                target=Target(kind="less than", limit=0.5),
            )
        )
        out = Series(tuple(each.first_out * 1e3 for each in asked))
        results.append(
            Result(
                group=GROUP,
                what=f"First resource out after the first answer in, {holders} holders",
                measured=out,
                unit="ms",
                target=Target(kind="at most", limit=50),
            )
        )
    results.append(
        Result(
            group=GROUP,
            what=f"Memory while {CONCURRENT:,} questions are asked at once ({CONCURRENT_STEPS} answers of 30 kB each)",
            measured=Series((await _many() / 1_024,)),
            unit="kB",
            target=Target(kind="less than", limit=500 * 1_024),
            note="resident size of the whole process, benchmark and simulated holders included",
        )
    )
    return results


async def _one(holders: int) -> Asked:
    broker, answering, usecase = _broker(holders, STEPS)
    question = a_question(holders=[_ura(number) for number in range(holders)], fresh=True)
    began, cpu = time.perf_counter(), time.process_time()
    first_out = math.inf
    async for event in broker.ask("oever", usecase, question):
        as_ndjson(event)
        if isinstance(event, Resource) and first_out == math.inf and answering.first is not None:
            first_out = time.perf_counter() - answering.first
    return Asked(
        wall=time.perf_counter() - began,
        cpu=time.process_time() - cpu,
        first_out=first_out,
        pages=answering.pages,
    )


async def _many() -> float:
    """Ask many questions at once; return the largest resident size, in bytes."""
    broker, _, usecase = _broker(CONCURRENT, CONCURRENT_STEPS)
    largest = 0.0

    async def ask(number: int) -> None:
        user = {"identifier": f"U-{number}", "name": "J. Jansen", "role": "30.000"}
        question = a_question(holders=[_ura(number)], user=user, deadline_ms=60_000)
        async for event in broker.ask("oever", usecase, question):
            as_ndjson(event)

    async def watch() -> None:
        nonlocal largest
        while True:
            largest = max(largest, _resident())
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(ask(number) for number in range(CONCURRENT)))
    watching.cancel()
    return largest


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4_096.0


def _broker(holders: int, steps: int) -> tuple[Broker, Holders, UseCase]:
    asker = an_asker()
    asker.neighbours.register(GOUWE)
    registered = asker.neighbours.registrations[SCOPE, GOUWE]
    for number in range(holders):
        asker.neighbours.registrations[SCOPE, _ura(number)] = _registered(registered, number)
    answering = Holders(page=_page(), match=searchset(a_patient(record_system.PATIENT, BSN)), seconds=ANSWER_SECONDS)
    return _with_time(asker, answering), answering, _usecase(steps)


def _with_time(asker: Asker, answering: Holders) -> Broker:
    """Return a broker in real time, opposite the simulated holders."""
    clock = SystemClock()
    world = World(clock=clock, entropy=SystemEntropy(), peers=answering, own=asker.world.own)
    return Broker(
        means=Means(
            world=world,
            vault=MemoryVault(),
            tokens=asker.tokens,
            audit=asker.audit,
            limits=Limits(step=20.0, question=60.0, queries_per_peer=AT_ONCE, page_bytes=8_388_608),
            health=PeerHealth(clock),
            memory=SessionMemory(clock),
        ),
        own_ura=OEVER,
        own_type="T2",
        registered=asker.neighbours,
        records=OwnRecords(asker.world.own, {}, clock, keep=60.0, timeout=4.0),
    )


def _page() -> HttpResponse:
    body = json.loads(record_system.large_page())
    while len(json.dumps(body)) > PAGE_KB * 1.05:
        body["entry"].pop()
    return HttpResponse(status=200, headers={"content-type": "application/fhir+json"}, body=json.dumps(body).encode())


def _usecase(steps: int) -> UseCase:
    """Return ha-vvt with as many queries for results as are wanted."""
    usecase = shipped().by_id("ha-vvt")
    assert usecase is not None
    table = next(each for each in usecase.tables if each.id == "home-care-reads-gp-r4")
    results = table.step(record_system.LARGE_STEP)
    assert results is not None
    clones = tuple(results.model_copy(update={"id": f"results-{number}"}) for number in range(steps))
    narrowed = table.model_copy(update={"steps": (table.match, *clones)})
    return usecase.model_copy(update={"tables": (narrowed,)})


def _ura(number: int) -> str:
    return f"8{number:07}"


def _registered(like: Registered, number: int) -> Registered:
    name = f"{NAMES[GOUWE]}-{number}"
    return replace(
        like,
        holder=a_did("gouwe"),
        claims={**like.claims, "organization_ura": _ura(number)},
        parameters={
            "fhir_base_url_r4": f"https://{name}.example/fhir",
            "authServerURL": f"https://{name}.example/oauth2",
            "organization_facility_type": "Z3",
        },
    )
