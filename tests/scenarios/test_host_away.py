"""The host of both discovery services is killed: the story goes on without it, and only the operator notices."""

from collections.abc import AsyncIterator
from io import StringIO
from typing import Any

import pytest
import pytest_asyncio

from examples.region.display import Display
from examples.region.network import Region
from examples.region.organisations import OEVER, RSO
from examples.region.stage import Stage
from examples.region.story import LINES, Line, Told
from tests.scenarios.marks import SCENARIO
from tests.scenarios.waiting import eventually

pytestmark = SCENARIO

WITHOUT_HOST = tuple(line for line in LINES if 3 <= line.number <= 9)
"""From the first question to the hospital that is killed and comes back; before, everybody registers at the host."""

NOTICED_SECONDS = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def orphaned(region: Region, told: dict[int, Told]) -> AsyncIterator[Region]:
    """The region after its story, without the host."""
    assert told[2].is_true
    await region.kill_node(RSO.key)
    yield region
    await region.kill_node(RSO.key)  # it may be back already
    await region.start_node(RSO.key)


@pytest.mark.parametrize("line", WITHOUT_HOST, ids=lambda line: line.title)
async def test_a_line_of_the_story_holds_without_the_host(orphaned: Region, line: Line) -> None:
    await line.tell(Stage(orphaned, Display(StringIO(), colour=False)))


async def test_the_operator_is_told_that_the_host_is_away(orphaned: Region) -> None:
    async def is_told() -> bool:
        checks = await _discovery_checks(orphaned)
        return bool(checks) and all(check["state"] == "degraded" and check["remedy"] for check in checks)

    await eventually(is_told, seconds=NOTICED_SECONDS)


async def test_and_that_it_is_back_without_anybody_doing_anything_here(orphaned: Region) -> None:
    await orphaned.start_node(RSO.key)

    async def is_well() -> bool:
        return all(check["state"] == "ok" for check in await _discovery_checks(orphaned))

    await eventually(is_well, seconds=NOTICED_SECONDS)


async def _discovery_checks(region: Region) -> list[dict[str, Any]]:
    status = await region.vendor(OEVER.key).get("/status/v1")
    return [check for check in status["checks"] if check["name"].startswith("discovery ")]
