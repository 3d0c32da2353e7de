"""Discovery services: taking a registration, following one, asking whether anything is new, searching.

All on SQLite, with registrations of 2.9 kB (the size that nuts-node was measured with), their DID documents at hand, and the Merkle log
written and checked. CPU is that of the process, the database's thread included; HTTP and TLS are not in it.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from node.storage.database import open_database
from node.storage.registry_store import SqlRegistryStore
from node.storage.schema import metadata
from registry.admission import Registration
from registry.client import RegistryClient
from registry.host import RegistryHost
from registry.ports import Candidate
from registry.sync import Cursor, SyncStep
from registry.transparency.hosting import LogHost
from registry.transparency.keys import LogKeys
from tests.bench.measure import Series, side_by_side
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.bench.unit import es256_verification
from tests.simulation.network import SimulatedClock
from tests.simulation.region import Documents
from tests.support.builders import keys_of
from tests.support.keys import a_did
from tests.support.logs import HOST_URL, LogWorld, Party, a_secret
from tests.support.registry import ENDPOINT, NOW, a_registration, decision
from tests.support.world import FixedEntropy

ENTRIES = 300
MANY, VERY_MANY = 1_000, 10_000
POLLS = 100


async def _party(world: LogWorld, stack: AsyncExitStack, file: Path, documents: Documents, *, hosts: bool) -> Party:
    database = await stack.enter_async_context(open_database(f"sqlite+aiosqlite:///{file}"))
    async with database.engine.begin() as connection:
        tables = [each for each in metadata.sorted_tables if each.name.startswith("registry_")]
        await connection.run_sync(metadata.create_all, tables=tables)
    store = SqlRegistryStore(database)
    keys = (
        LogKeys(secret=a_secret("host"), url=HOST_URL)
        if hosts
        else LogKeys(secret=a_secret("follower"), url="https://follower.example")
    )
    logs = LogHost(store, keys, world.clock)
    host = RegistryHost(
        world.services if hosts else {},
        store=store,
        verifier=documents,
        clock=world.clock,
        entropy=FixedEntropy("host"),
    )
    client = RegistryClient(
        world.services,
        store=store,
        peers=world.peers,
        verifier=documents,
        registrants=None,  # type: ignore[arg-type]  # nobody registers through it
        clock=world.clock,
        entropy=FixedEntropy("client"),
        host=host,
        log_host=logs,
    )
    return Party(url=HOST_URL, store=store, logs=logs, host=host, client=client)  # type: ignore[arg-type]  # on SQLite here


async def _cpu(work: Callable[[], Awaitable[object]]) -> float:
    began = time.process_time()
    await work()
    return time.process_time() - began


async def _once(place: Path, compacts: Sequence[str], documents: Documents) -> tuple[float, float, float]:
    """Accept, follow and poll; milliseconds each."""
    async with AsyncExitStack() as stack:
        world = LogWorld()
        host = await _party(world, stack, place / "host.db", documents, hosts=True)
        follower = await _party(world, stack, place / "follower.db", documents, hosts=False)
        world.peers.parties[ENDPOINT] = host

        async def accept() -> None:
            for compact in compacts:
                await host.host.accept("care", compact)

        async def poll() -> None:
            for _ in range(POLLS):
                await follower.client.follow("care")

        accepted = await _cpu(accept) / len(compacts)
        followed = await _cpu(lambda: follower.client.follow("care")) / len(compacts)
        checkpoint = await host.logs.checkpoint(world.service)
        world.peers.lies[ENDPOINT] = lambda _: checkpoint  # the follower's part only
        polled = await _cpu(poll) / POLLS
        assert len(await follower.client.search("care")) == len(compacts)
        return accepted * 1e3, followed * 1e3, polled * 1e3


async def _search(place: Path, count: int, repetitions: int) -> Series:
    """Milliseconds of an exact search that finds one."""
    async with AsyncExitStack() as stack:
        world = LogWorld()
        party = await _party(world, stack, place / f"search{count}.db", Documents(SimulatedClock()), hosts=False)
        made = decision(a_registration("oever"), source="log")(None, ())
        assert isinstance(made, Registration)
        candidates = [
            Candidate(
                timestamp=number,
                holder=a_did(f"s{number}"),
                decide=lambda _, __, number=number: replace(  # type: ignore[misc]  # bound now
                    made,
                    holder=a_did(f"s{number}"),
                    presentation_id=f"p{number}",
                    properties=((("credentialSubject.id", a_did(f"s{number}")), ("type", "ExampleCredential")),),
                ),
            )
            for number in range(1, count + 1)
        ]
        step = SyncStep(forget=False, entries=(), cursor=Cursor(seed="s", timestamp=count), again=False)
        await party.store.advance("care", None, step, candidates, (), NOW)
        wanted = [("credentialSubject.id", a_did(f"s{count // 2}"))]
        assert len(await party.client.search("care", wanted)) == 1

        async def search() -> None:
            for _ in range(POLLS):
                await party.client.search("care", wanted)

        return Series(tuple([await _cpu(search) / POLLS * 1e3 for _ in range(repetitions)]))


async def run(setting: Setting) -> Sequence[Result]:
    """Measure all of it."""
    names = [f"r{number}" for number in range(ENTRIES)]
    documents = Documents(LogWorld().clock, {a_did(name): keys_of(name) for name in (*names, "ministry")})
    compacts = [a_registration(name) for name in names]
    unit = side_by_side({"unit": es256_verification()}, repetitions=setting.repetitions, seconds=0.2)["unit"]
    rounds = []
    for number in range(setting.repetitions):
        place = setting.place / f"discovery{number}"
        place.mkdir(parents=True, exist_ok=True)
        rounds.append(await _once(place, compacts, documents))
    accepted, followed, polled = (Series(tuple(values)) for values in zip(*rounds, strict=True))
    rows: list[tuple[str, Series, float]] = [
        ("a registration accepted, with its leaf in the log", accepted, 1.0),
        ("one entry followed, with the log checked", followed, 0.5),
        ("an unchanged log asked for news", polled, 1.0),
        (f"exact search over {MANY:,} registrations", await _search(setting.place, MANY, setting.repetitions), 0.3),
        (
            f"exact search over {VERY_MANY:,} registrations",
            await _search(setting.place, VERY_MANY, setting.repetitions),
            2.0,
        ),
    ]
    return [
        Result(
            group="Discovery services",
            what=what,
            measured=measured,
            unit="ms",
            baseline=("one ES256 verification", unit.scaled(1e6), "µs"),
            ratio=f"{measured.median / 1e3 / unit.median:,.1f} ES256 verifications",
            target=Target(kind="at most", limit=limit),
            note="CPU of the process, the thread of SQLite included; without HTTP.",
        )
        for what, measured, limit in rows
    ]
