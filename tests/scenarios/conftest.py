"""One region for all scenarios: started once, its story told once, stopped at the end; and one node opposite foreign ones.

Every module here carries ``SCENARIO``: the marks that put all of them on one worker and one event loop, so that there is one region
per test session however many workers there are.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from io import StringIO
from pathlib import Path

import pytest
import pytest_asyncio

from examples.region.discovery import FurtherService
from examples.region.display import Display
from examples.region.network import Region, open_region
from examples.region.stage import Stage
from examples.region.story import Told, tell
from tests.scenarios.misbehaving import RecordSystem
from tests.scenarios.opposite import Opposite, open_opposite

FURTHER = (
    FurtherService(service="acute", usecase="acute", members=frozenset({"gouwe", "oever", "linde", "hofstede"})),
    FurtherService(service="360-graden", usecase="360", members=frozenset({"gouwe", "oever", "linde"})),
)
"""For the needs that the two services of the story do not meet."""
Misbehave = Callable[[str], RecordSystem]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Region]:
    """The running region: six nodes, each a process."""
    directory: Path = tmp_path_factory.mktemp("region")
    async with open_region(directory, lambda _: None, further=FURTHER) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def told(region: Region) -> dict[int, Told]:
    """How each line of the story went, by its number."""
    return {each.line.number: each for each in await tell(Stage(region, Display(StringIO(), colour=False)))}


@pytest_asyncio.fixture(loop_scope="session")
async def misbehave(region: Region) -> AsyncIterator[Callable[[str], RecordSystem]]:
    """The record system of an organisation, which can be told to misbehave; behaves again when the test ends."""
    used: list[RecordSystem] = []

    def of(key: str) -> RecordSystem:
        used.append(RecordSystem(region, key))
        return used[-1]

    yield of
    ends: list[Awaitable[None]] = [system.behave() for system in used]
    for end in ends:
        await end


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opposite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opposite]:
    """One Hazel node opposite foreign ones."""
    async with open_opposite(tmp_path_factory.mktemp("opposite")) as opened:
        yield opened
