"""The steps of ``make interop`` as one test, for whoever has a nuts-node; skipped by name where there is none."""

import os
from pathlib import Path

import pytest

from tests.interop.__main__ import VARIABLE
from tests.interop.step import GOOD
from tests.interop.walk import STEPS, walk
from tests.interop.world import open_world

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

BINARY = os.environ.get(VARIABLE, "")


@pytest.mark.skipif(not BINARY, reason=f"needs a nuts-node: make interop {VARIABLE}=path/to/binary")
async def test_every_step_holds_opposite_a_live_nuts_node_in_both_seats(tmp_path: Path) -> None:
    async with open_world(Path(BINARY).absolute(), tmp_path / "world") as world:
        outcomes = await walk(world, lambda _outcome: None)
    wrong = [f"{each.step}, {each.acting}: {each.said}" for each in outcomes if each.state not in GOOD]
    assert wrong == []
    assert len(outcomes) == sum(len(step.sides) for step in STEPS)
