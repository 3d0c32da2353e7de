"""9. The hospital's node is ended without warning; the question is asked all the same; it comes back without help."""

import asyncio

from examples.region.answer import Answer
from examples.region.askers import ASKERS
from examples.region.checking import check_found, check_origin
from examples.region.lines.l03_general_practitioner import HOSPITAL, PHARMACY
from examples.region.organisations import GOUWE, HOFSTEDE, LINDE
from examples.region.patients import TRUUS
from examples.region.showing import LiveAnswer
from examples.region.stage import Stage, StopWatch, StoryError, expect, expect_equal

TITLE = "The hospital is stopped (kill -9), and the question is asked again"

DEADLINE_MS = 5_000
BACK_SECONDS = 20.0
"""From its start until the next question is answered in full: nothing has to be done by hand, but lists are read every second."""

_POLL_SECONDS = 0.2


async def tell(stage: Stage) -> str:
    """Get a partial answer within the deadline that names what is missing, then a whole one again."""
    await stage.region.kill_node(LINDE.key)
    stage.display.note(f"{LINDE.name} has ended")
    watch = StopWatch()
    partial = await _ask(stage, live=True)
    expect("the partial answer comes within the deadline", is_true=watch.ms <= DEADLINE_MS + 500)
    expect_equal("what is missing", partial.missing, {(LINDE.ura, None, "unreachable")})
    expect("the answer says that it is not complete", is_true=not partial.is_complete)
    expect_equal("resources of the hospital", len(partial.of_holder(LINDE.ura)), 0)
    check_found(partial, HOFSTEDE.ura, PHARMACY)
    check_origin(stage, partial, TRUUS)
    stage.display.seen(f"partial answer after {partial.ms} ms, which names {LINDE.name}: unreachable")

    watch = StopWatch()
    await stage.region.start_node(LINDE.key)
    whole = await _until_whole(stage)
    check_found(whole, LINDE.ura, HOSPITAL)
    check_origin(stage, whole, TRUUS)
    return (
        f"{partial.ms} ms to a partial answer that says so; back without help {watch.ms / 1000:.1f} s after its start"
    )


async def _ask(stage: Stage, *, live: bool = False) -> Answer:
    return await stage.vendor(GOUWE.key).ask(
        "medication",
        TRUUS.bsn,
        ASKERS[GOUWE.key].for_question(),
        on_line=LiveAnswer(stage) if live else None,
        deadline_ms=DEADLINE_MS,
    )


async def _until_whole(stage: Stage) -> Answer:
    clock = asyncio.get_running_loop()
    began = clock.time()
    while True:
        answer = await _ask(stage)
        if answer.is_complete:
            return answer
        if clock.time() - began > BACK_SECONDS:
            raise StoryError(f"{BACK_SECONDS:.0f} s after its start the hospital is still missing: {answer.missing}")
        await asyncio.sleep(_POLL_SECONDS)
