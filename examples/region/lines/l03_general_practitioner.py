"""3. The GP opens Truus with ``ha-vvt`` and ``medication``: home care answers in STU3, hospital and pharmacy in R4."""

from examples.region.answer import Answer
from examples.region.askers import ASKERS
from examples.region.checking import check_found, check_origin
from examples.region.organisations import GOUWE, HOFSTEDE, LINDE, OEVER
from examples.region.patients import TRUUS
from examples.region.showing import LiveAnswer, show_merged
from examples.region.stage import Stage, expect, expect_equal

TITLE = f"The GP opens {TRUUS.name} (P1): what do home care, hospital and pharmacy know?"

HOME_CARE = {
    "alerts": 2,
    "allergies": 1,
    "blood-pressure": 5,
    "body-weight": 5,
    "body-height": 1,
    "body-temperature": 3,
    "respiration": 3,
    "nursing-reports": 10,
    "advance-directives": 1,
    "living-situation": 1,
}
"""What lies in De Oever's own system, by step; blood pressures, weights and reports are cut off by the use case itself."""

HOSPITAL = {"medication-use": 0, "medication-agreements": 3, "dispenses": 0}
PHARMACY = {"medication-use": 2, "medication-agreements": 0, "dispenses": 7}


async def tell(stage: Stage) -> str:
    """Ask both use cases, and check every holder, step, count and origin."""
    gp, user = stage.vendor(GOUWE.key), ASKERS[GOUWE.key].for_question()

    stage.display.text("    ha-vvt")
    live = LiveAnswer(stage)
    home_care = await gp.ask("ha-vvt", TRUUS.bsn, user, on_line=live)
    expect_equal("who is asked for ha-vvt", home_care.asked, {OEVER.ura: "stu3"})
    expect_equal(
        "who is not asked for ha-vvt, and why",
        home_care.not_asked,
        {GOUWE.ura: "own_organisation", LINDE.ura: "not_registered", HOFSTEDE.ura: "not_registered"},
    )
    check_found(home_care, OEVER.ura, HOME_CARE)
    _check_whole(stage, home_care)
    first = live.first_resource_ms

    stage.display.text("    medication")
    medication = await gp.ask("medication", TRUUS.bsn, user, on_line=LiveAnswer(stage))
    expect_equal("who is asked for medication", medication.asked, {LINDE.ura: "r4", HOFSTEDE.ura: "r4"})
    expect_equal(
        "who is not asked for medication, and why",
        medication.not_asked,
        {GOUWE.ura: "own_organisation", OEVER.ura: "not_registered"},
    )
    check_found(medication, LINDE.ura, HOSPITAL)
    check_found(medication, HOFSTEDE.ura, PHARMACY)
    _check_whole(stage, medication)

    stage.display.text("    together, newest first")
    items = show_merged(stage, [home_care, medication])
    _see_conflict(stage, medication)
    return (
        f"{items} items of 3 organisations in two FHIR versions, nothing missing; "
        f"first after {first} ms, whole after {home_care.ms} and {medication.ms} ms"
    )


def _check_whole(stage: Stage, answer: Answer) -> None:
    check_origin(stage, answer, TRUUS)
    expect_equal("what is missing", answer.missing, set())
    expect("the answer says that it is complete", is_true=answer.is_complete)
    expect("the asker's own audit numbers are given", is_true=bool(answer.end["audit"]))


def _see_conflict(stage: Stage, medication: Answer) -> None:
    """See that two anticoagulants stay two, each with its source: which one to believe is for a person.

    What was handed out at the counter says nothing of what is agreed, and is left aside.
    """
    said = {
        (str(line["holder"]), line["resource"]["medicationReference"]["display"].split()[0].lower()): line["resource"][
            "status"
        ]
        for line in medication.resources
        if "medicationReference" in line["resource"]
        and line["step"] != "medication-use"
        and "whenHandedOver" not in line["resource"]
    }
    wanted = {
        (LINDE.ura, "acenocoumarol"): "stopped",
        (LINDE.ura, "apixaban"): "active",
        (HOFSTEDE.ura, "acenocoumarol"): "completed",
        (HOFSTEDE.ura, "apixaban"): "in-progress",
    }
    expect_equal("the anticoagulants", {place: said.get(place) for place in wanted}, wanted)
    stage.display.seen(
        "apixaban instead of acenocoumarol since 2 November, by hospital and pharmacy alike; the GP's own file lags behind"
    )
