"""The care services directory: loading a replica on SQLite, and searching it.

The pages are read from bytes, as a directory sends them, and stored one transaction each. Searches are whole: parameters in, a page of
resources out. CPU of the whole process, since the database works in threads of its own.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

from node.directory.finding import Finder
from node.directory.replica import Replica
from node.storage.database import open_database
from node.storage.migrate import bring_up_to_date
from registry.mcsd.bundle import DirectoryPage
from registry.mcsd.changes import chronological
from registry.mcsd.query import Search
from registry.mcsd.references import Source
from registry.mcsd.resource import ResourceType
from tests.bench.measure import Series, own_cpu_seconds
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.bench.unit import es256_verification
from tests.support.directory import VEKTIS, a_location, an_endpoint, an_organization
from tests.support.world import NOON

URL = "https://lrza.example/fhir"
RESOURCES = 50_001
QUICK = 6_000
PAGE = 250
SEARCHES = 100
REPETITIONS = 3
A_SECOND = 3_000
"""Resources that have to be loaded in a second."""
KINDS = ("Z3", "V4", "T2", "J8", "G5")

Pairs = list[tuple[str, str]]
EXACT: Sequence[tuple[ResourceType, Pairs]] = (
    ("Organization", [("identifier", "90000077")]),
    ("Endpoint", [("organization.identifier", "90000077"), ("status", "active")]),
    ("Organization", [("name", "zorg 12")]),
    ("Organization", [("type", f"{VEKTIS}|Z3"), ("_count", "20")]),
    ("Organization", [("identifier", "90000077"), ("_include", "Organization:endpoint")]),
)
CONTAINS: Sequence[tuple[ResourceType, Pairs]] = (("Organization", [("name:contains", "linde 12")]),)


def pages(resources: int) -> list[tuple[ResourceType, bytes]]:
    """Make the pages of a directory, a third of it organisations."""
    meta = {"versionId": "1", "lastUpdated": "2026-11-20T10:00:00Z"}
    made: dict[ResourceType, list[dict[str, Any]]] = {"Organization": [], "Location": [], "Endpoint": []}
    for number in range(resources // 3):
        identifier = f"o{number}"
        made["Organization"].append(
            an_organization(
                identifier, ura=f"{90_000_000 + number}", name=f"Zorg {number % 977} De Linde {number}", meta=meta,
                type=[{"coding": [{"system": VEKTIS, "code": KINDS[number % len(KINDS)]}]}],
                endpoint=[{"reference": f"Endpoint/e{number}"}],
                address=[{"line": ["Dorpsstraat 1"], "city": "Gouda", "postalCode": "2801AA"}],
            )
        )  # fmt: skip
        made["Location"].append(a_location(f"l{number}", identifier, meta=meta))
        made["Endpoint"].append(an_endpoint(f"e{number}", identifier, meta=meta))
    head = {"resourceType": "Bundle", "type": "searchset", "meta": {"lastUpdated": "2026-11-20T10:00:00Z"}}
    return [
        (kind, json.dumps(head | {"entry": [{"resource": each} for each in contents[start : start + PAGE]]}).encode())
        for kind, contents in made.items()
        for start in range(0, len(contents), PAGE)
    ]


async def run(setting: Setting) -> Sequence[Result]:
    """Load once, then search."""
    resources = RESOURCES if setting.repetitions > 3 else QUICK  # a first look is shorter
    unit = _unit()
    setting.place.mkdir(parents=True, exist_ok=True)
    async with open_database(f"sqlite+aiosqlite:///{setting.place / 'directory.db'}") as database:
        await bring_up_to_date(database)
        replica, source = Replica(database), Source.only(URL)
        await replica.name(source, "root")
        loaded = [await _load(replica, source, part) for part in _parts(pages(resources))]
        await replica.settle(source, {}, {}, NOON)
        finder = Finder(database)
        exact = [await _searches(finder, EXACT) for _ in range(REPETITIONS)]
        contains = [await _searches(finder, CONTAINS) for _ in range(REPETITIONS)]
    searches: Sequence[tuple[str, list[float], Target | None]] = (
        (
            "by number, name, kind, through a reference, with what comes along",
            exact,
            Target(kind="less than", limit=10),
        ),
        ("by a part of the name", contains, None),
    )
    return [
        Result(
            group="Care services directory",
            what=f"One of {resources:,} resources read from a page and stored in the replica, on SQLite",
            measured=Series(tuple(loaded)).scaled(1e6),
            unit="µs",
            ratio=f"{1 / Series(tuple(loaded)).median:,.0f} a second; {Series(tuple(loaded)).median / unit:,.1f} ES256 verifications",
            target=Target(kind="at most", limit=1e6 / A_SECOND),
            note=f"Pages of {PAGE}, a transaction each.",
        ),
        *(
            Result(
                group="Care services directory",
                what=f"A search over {resources:,} resources {what}: 99 of 100 need less",
                measured=Series(tuple(took)).scaled(1e3),
                unit="ms",
                target=target,
            )
            for what, took, target in searches
        ),
    ]


def _parts(made: list[tuple[ResourceType, bytes]]) -> list[list[tuple[ResourceType, bytes]]]:
    """The pages in as many parts as there are repetitions, each after the last, so that the replica grows."""
    size = -(-len(made) // REPETITIONS)
    return [made[start : start + size] for start in range(0, len(made), size)]


async def _load(replica: Replica, source: Source, made: Sequence[tuple[ResourceType, bytes]]) -> float:
    """CPU seconds for each resource."""
    began, number = own_cpu_seconds(), 0
    for kind, body in made:
        page = DirectoryPage.parse(body, kind, URL)
        number += len(page.changes)
        await replica.apply(source, kind, chronological(page.changes))
    return (own_cpu_seconds() - began) / number


async def _searches(finder: Finder, kinds: Sequence[tuple[ResourceType, Pairs]]) -> float:
    """CPU seconds, which 99 of 100 searches do not need."""

    async def once(kind: ResourceType, pairs: Pairs) -> float:
        began = own_cpu_seconds()
        await finder.search(Search.parse(kind, pairs))
        return own_cpu_seconds() - began

    took = sorted([await once(*kinds[number % len(kinds)]) for number in range(SEARCHES)])
    return took[int(SEARCHES * 0.99)]


def _unit() -> float:
    verify = es256_verification()
    began = time.thread_time()
    for _ in range(200):
        verify()
    return (time.thread_time() - began) / 200
