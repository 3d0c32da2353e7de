"""4. The district nurse asks the other way round: De Oever at the GP."""

from examples.region.askers import ASKERS
from examples.region.checking import check_found, check_origin
from examples.region.organisations import GOUWE, HOFSTEDE, LINDE, OEVER
from examples.region.patients import TRUUS
from examples.region.showing import LiveAnswer, show_merged
from examples.region.stage import Stage, expect, expect_equal

TITLE = "The district nurse asks the other way round"

GENERAL_PRACTICE = {
    "general-practitioner": 1,
    "practice": 1,
    "episodes": 5,
    "attention-flags": 1,
    "medication": 5,
    "medication-intolerance": 1,
    "results": 30,
    "consultation-notes": 3,
    "contacts": 3,
}
"""What lies in De Gouwe's own system, by step of the table that is meant for nurses."""


async def tell(stage: Stage) -> str:
    """Ask ``ha-vvt`` from home care: the same use case, the other table, the other FHIR version."""
    nurse = ASKERS[OEVER.key]
    answer = await stage.vendor(OEVER.key).ask("ha-vvt", TRUUS.bsn, nurse.for_question(), on_line=LiveAnswer(stage))
    expect_equal("who is asked", answer.asked, {GOUWE.ura: "r4"})
    expect_equal(
        "who is not asked, and why",
        answer.not_asked,
        {OEVER.ura: "own_organisation", LINDE.ura: "not_registered", HOFSTEDE.ura: "not_registered"},
    )
    check_found(answer, GOUWE.ura, GENERAL_PRACTICE)
    check_origin(stage, answer, TRUUS)
    expect("the answer says that it is complete", is_true=answer.is_complete)
    items = show_merged(stage, [answer], limit=6)
    return f"{items} items from the GP's file, in R4, after {answer.ms} ms"
