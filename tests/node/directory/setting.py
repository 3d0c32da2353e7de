"""A replica in a database of its own, and what it takes to fill and to search it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from node.directory.finding import Finder, Found
from node.directory.follower import Follower
from node.directory.replica import Replica
from node.directory.rounds import Dialect, Rounds
from node.storage.database import Database, open_database
from node.storage.migrate import bring_up_to_date
from registry.mcsd.query import Search
from registry.mcsd.references import Source
from registry.mcsd.resource import Resource, ResourceType
from tests.support.directory import Content, SimulatedDirectory
from tests.support.world import NOON, FixedEntropy, ManualClock, SimulatedInternet

NATIONAL = "https://lrza.example/fhir"


class PatientClock(ManualClock):
    """A clock that moves on by itself when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.jump(seconds)


@dataclass(kw_only=True)
class Setting:
    """A replica, an internet with directories, and how to look at them."""

    database: Database
    internet: SimulatedInternet
    clock: PatientClock
    replica: Replica
    finder: Finder

    def directory(self, base: str = NATIONAL) -> SimulatedDirectory:
        made = SimulatedDirectory(base)
        parts = urlsplit(base)
        self.internet.sites[f"{parts.scheme}://{parts.netloc}"] = made
        return made

    async def rounds(self, url: str | None = NATIONAL, dialect: Dialect = "vws") -> Rounds:
        follower = Follower(self.replica, self.internet, self.clock)
        made = Rounds(self.replica, follower, self.clock, FixedEntropy(), url=url, dialect=dialect)
        await made.start()
        return made

    async def hold(self, *contents: Content, source: Source | None = None) -> Source:
        """Put resources in the replica, as if they had been followed."""
        source = source or Source.only(NATIONAL)
        await self.replica.name(source, "root" if not source.key else "member")
        for content in contents:
            resource = Resource.parse(content)
            await self.replica.apply(source, resource.type, [resource])
        await self.replica.show_only(source, ())
        await self.replica.settle(source, {}, {}, NOON)
        return source

    async def find(self, kind: ResourceType, *pairs: tuple[str, str]) -> Found:
        return await self.finder.search(Search.parse(kind, pairs))

    async def ids(self, kind: ResourceType, *pairs: tuple[str, str]) -> list[str]:
        return [each.id for each in (await self.find(kind, *pairs)).matches]

    async def shown(self, kind: ResourceType, *pairs: tuple[str, str]) -> list[Any]:
        return [json.loads(each.text) for each in (await self.find(kind, *pairs)).matches]


def names(found: Sequence[Any]) -> list[str]:
    return [f"{each.type}/{each.id}" for each in found]


_made: list[bytes] = []


async def _a_database(file: Path) -> None:
    """Migrate once, and copy that."""
    if not _made:
        async with open_database(f"sqlite+aiosqlite:///{file}") as database:
            await bring_up_to_date(database)
        _made.append(file.read_bytes())
    file.write_bytes(_made[0])


@asynccontextmanager
async def a_setting(directory: Path) -> AsyncIterator[Setting]:
    file = directory / "hazel.db"
    await _a_database(file)
    async with open_database(f"sqlite+aiosqlite:///{file}") as database:
        yield Setting(
            database=database,
            internet=SimulatedInternet(),
            clock=PatientClock(),
            replica=Replica(database),
            finder=Finder(database),
        )
