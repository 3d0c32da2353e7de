"""What every answer must be, whatever was asked: about this patient, from the right holder, with its origin."""

from examples.region.answer import Answer, Line
from examples.region.organisations import ORGANISATIONS
from examples.region.patients import Citizen
from examples.region.stage import Stage, StoryError, expect, expect_equal

PATIENT_MEMBERS = ("subject", "patient", "beneficiary")


def check_origin(stage: Stage, answer: Answer, citizen: Citizen) -> None:
    """Check that every resource is about ``citizen``, came from a holder that was asked, and says so.

    Raises:
        StoryError: one is not.
    """
    versions = answer.asked
    for line in answer.resources:
        ura, lineage = str(line["holder"]), line["lineage"]
        key = next(one.key for one in ORGANISATIONS if one.ura == ura)
        what = f"{line['resource']['resourceType']} from {stage.name(ura)}"
        expect_equal(f"FHIR version of a {what}", line["fhir_version"], versions.get(ura))
        expect_equal(f"holder in the lineage of a {what}", lineage["holder_ura"], ura)
        base = f"{stage.node(key).public}/fhir/{key}/{line['fhir_version']}"
        expect_equal(f"endpoint in the lineage of a {what}", lineage["endpoint"], base)
        for name in ("fetched_at", "last_updated"):
            expect(f"a {what} says {name}", is_true=bool(lineage[name]))
        _check_patient(line, citizen.in_care[key], what)


def check_found(answer: Answer, ura: str, wanted: dict[str, int]) -> None:
    """Check that a holder answered each step of ``wanted`` with so many resources, and nothing else.

    Raises:
        StoryError: a step is missing, failed, or found another number.
    """
    steps = {
        step: (state, answer.counts[holder, step]) for (holder, step), state in answer.states.items() if holder == ura
    }
    expect_equal(
        f"steps of {ura}", steps, {step: ("ok" if count else "none_recorded", count) for step, count in wanted.items()}
    )


def _check_patient(line: Line, identity: str, what: str) -> None:
    resource = line["resource"]
    for member in PATIENT_MEMBERS:
        reference = resource.get(member)
        if isinstance(reference, dict) and "reference" in reference:
            named = str(reference["reference"]).rsplit("/", 2)[-2:]
            if named[0] == "Patient" and named[1] != identity:
                raise StoryError(f"a {what} is about another patient")
