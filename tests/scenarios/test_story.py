"""The ten lines of the story, each with what it measured."""

import pytest

from examples.region.intruder import open_intruder
from examples.region.network import Region
from examples.region.organisations import GOUWE, INTRUDER, MEDICATION
from examples.region.story import LINES, Told
from tests.scenarios.marks import SCENARIO

pytestmark = SCENARIO


@pytest.mark.parametrize("number", [line.number for line in LINES], ids=[line.title for line in LINES])
async def test_line_of_the_story_holds(told: dict[int, Told], number: int) -> None:
    assert told[number].is_true, told[number].outcome


async def test_only_its_root_keeps_the_intruder_out(region: Region) -> None:
    """The very same request under the region's root gets a token: what refused it in line 6 was the root and nothing else."""
    certificates = region.certificates.organisations
    async with open_intruder(region, certificates[INTRUDER.key]) as intruder:
        assert not (await intruder.ask_token(region.nodes[GOUWE.key], MEDICATION)).has_token
    async with open_intruder(region, certificates[GOUWE.key]) as impostor:
        answer = await impostor.ask_token(region.nodes[GOUWE.key], MEDICATION)
        assert (answer.status, answer.has_token) == (200, True)
