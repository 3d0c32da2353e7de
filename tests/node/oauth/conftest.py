"""Two nodes opposite each other: ``wending`` has data, ``oever`` asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node.oauth.setting import ASKER_URL, HOLDER_URL, NodeUnderTest, Stranger, a_node
from tests.support.certificates import a_uzi_chain
from tests.support.world import ManualClock, SimulatedInternet


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def internet() -> SimulatedInternet:
    return SimulatedInternet()


@pytest.fixture
async def holder(internet: SimulatedInternet, clock: ManualClock, tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    async with a_node(internet, HOLDER_URL, tmp_path, clock) as node:
        await node.found("wending")
        yield node


@pytest.fixture
async def asker(internet: SimulatedInternet, clock: ManualClock, tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    async with a_node(internet, ASKER_URL, tmp_path, clock) as node:
        await node.found("oever", a_uzi_chain())
        yield node


@pytest.fixture
async def stranger(asker: NodeUnderTest) -> Stranger:
    return await Stranger.of(asker, "oever")
