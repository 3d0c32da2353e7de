"""SIGTERM: a node finishes what it is doing, and is gone within ten seconds."""

import asyncio
import signal

from examples.region.askers import ASKERS
from examples.region.network import Region
from examples.region.organisations import GOUWE, LINDE
from examples.region.patients import TRUUS
from tests.scenarios.conftest import Misbehave
from tests.scenarios.marks import SCENARIO
from tests.scenarios.waiting import eventually

pytestmark = SCENARIO


async def test_sigterm_lets_a_running_request_finish_and_ends_with_0(region: Region, misbehave: Misbehave) -> None:
    hospital = misbehave(LINDE.key)
    gp = region.vendor(GOUWE.key)
    await hospital.misbehave("slow", "/r4/MedicationRequest", delay_ms=1_500)
    seen = await hospital.requests()
    question = asyncio.create_task(
        gp.ask(
            "medication",
            TRUUS.bsn,
            ASKERS[GOUWE.key].for_question(),
            holders=[LINDE.ura],
            steps=["medication-agreements"],
        )
    )

    async def is_being_asked() -> bool:
        return any("MedicationRequest" in each for each in await hospital.recent(await hospital.requests() - seen))

    await eventually(is_being_asked, seconds=20)
    child = region.nodes[LINDE.key].child
    assert child is not None
    child.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await child.process.wait() == 0
    answer = await question
    assert answer.states == {(LINDE.ura, "medication-agreements"): "ok"}
    assert "stopping" in region.nodes[LINDE.key].log.read_text()
    await region.start_node(LINDE.key)
