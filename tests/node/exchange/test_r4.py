"""STU3 read as R4: everything that the region holds in STU3 becomes sound R4, and what was lost on the way is said."""

from typing import Any

import pytest

from examples.region.data import records
from examples.region.ehr.validation import check
from node.exchange.r4.reading import RULES, read_as_r4

STU3 = [*records("oever", "stu3"), *records("gouwe", "stu3")]


@pytest.mark.parametrize("kind", sorted({str(each["resourceType"]) for each in STU3}))
def test_every_type_of_the_region_becomes_sound_r4(kind: str) -> None:
    of_kind = [each for each in STU3 if each["resourceType"] == kind]
    for resource in of_kind:
        reading = read_as_r4(resource)
        assert reading.resource is not None
        check(dict(reading.resource), "r4")
        assert reading.resource["id"] == resource["id"]
        assert all(loss.startswith(f"{kind}.") for loss in reading.losses)


def everything(value: Any) -> set[str]:
    """All texts that stand in a value."""
    if isinstance(value, dict):
        return {text for each in value.values() for text in everything(each)}
    if isinstance(value, list):
        return {text for each in value for text in everything(each)}
    return {str(value)}


def test_what_is_not_carried_over_is_a_named_loss_and_nothing_else_is_missing() -> None:
    for resource in STU3:
        reading = read_as_r4(resource)
        lost = everything({name: value for name, value in resource.items() if name != "meta"}) - everything(
            reading.resource
        )
        unexplained = [text for text in lost if not text.startswith(("http://hl7.org/fhir/", "true"))]
        if unexplained:
            assert [loss for loss in reading.losses if loss != f"{resource['resourceType']}.meta.profile"], unexplained


ALLERGY: dict[str, Any] = {
    "resourceType": "AllergyIntolerance",
    "id": "a",
    "clinicalStatus": "active",
    "verificationStatus": "confirmed",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "764146007"}]},
    "patient": {"reference": "Patient/1"},
    "assertedDate": "2024-01-02",
}


def test_codes_that_became_concepts() -> None:
    made = read_as_r4(ALLERGY, source="https://oever.example/fhir/AllergyIntolerance/a").resource
    assert made is not None
    check(dict(made), "r4")
    assert made["clinicalStatus"]["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
        "code": "active",
    }
    assert made["recordedDate"] == "2024-01-02"
    assert made["meta"] == {"source": "https://oever.example/fhir/AllergyIntolerance/a"}


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ({**ALLERGY, "clinicalStatus": "wavering"}, "AllergyIntolerance.clinicalStatus"),
        ({**ALLERGY, "invented": 1}, "AllergyIntolerance.invented"),
        ({**ALLERGY, "_clinicalStatus": {"extension": []}}, "AllergyIntolerance._clinicalStatus"),
        ({**ALLERGY, "meta": {"profile": ["x"]}}, "AllergyIntolerance.meta.profile"),
        (
            {**ALLERGY, "contained": [{"resourceType": "Basic"}]},
            "AllergyIntolerance.contained.Basic (the whole resource)",
        ),
        ({"resourceType": "Observation", "context": {"reference": "EpisodeOfCare/1"}}, "Observation.context"),
        ({"resourceType": "Observation", "related": [{"type": "sequel-to", "target": {}}]}, "Observation.related"),
        ({"resourceType": "Patient", "animal": {}}, "Patient.animal"),
        (
            {"resourceType": "MedicationRequest", "requester": {"agent": {}, "onBehalfOf": {}}},
            "MedicationRequest.requester.onBehalfOf",
        ),
        ({"resourceType": "MedicationRequest"}, "MedicationRequest.status (not stated)"),
        ({"resourceType": "MedicationStatement", "taken": "unk"}, "MedicationStatement.taken"),
        ({"resourceType": "Consent"}, "Consent.scope (not stated)"),
    ],
)
def test_what_has_no_place_in_r4_is_said(resource: dict[str, Any], path: str) -> None:
    assert path in read_as_r4(resource).losses


def test_what_was_not_taken_or_done_never_reads_as_taken_or_done() -> None:
    taken: list[dict[str, Any]] = [{"status": "active", "taken": "n"}, {"taken": "n", "status": "active"}]
    for before in taken:
        made = read_as_r4({"resourceType": "MedicationStatement", **before}).resource
        assert made is not None
        assert made["status"] == "not-taken"
    for kind, status in (("Procedure", "not-done"), ("MedicationDispense", "declined")):
        done: list[dict[str, Any]] = [
            {"status": "completed", "notDone": True},
            {"notDone": True, "status": "completed"},
        ]
        for before in done:
            made = read_as_r4({"resourceType": kind, **before}).resource
            assert made is not None
            assert made["status"] == status


@pytest.mark.parametrize(
    ("kind", "negation"),
    [
        ("MedicationStatement", {"taken": "n"}),
        ("Procedure", {"notDone": True}),
        ("MedicationDispense", {"notDone": True}),
    ],
)
def test_what_was_entered_in_error_stays_that(kind: str, negation: dict[str, Any]) -> None:
    wrong = {"status": "entered-in-error"}
    for before in ({**wrong, **negation}, {**negation, **wrong}):
        reading = read_as_r4({"resourceType": kind, **before})
        assert reading.resource is not None
        assert reading.resource["status"] == "entered-in-error"
        assert f"{kind}.{next(iter(negation))}" in reading.losses


def test_doses_move_and_stay_whole() -> None:
    dose = {"text": "2x daags 1", "doseQuantity": {"value": 1}, "timing": {"repeat": {"frequency": 2}}}
    made = read_as_r4({"resourceType": "MedicationRequest", "dosageInstruction": [dose]}).resource
    assert made is not None
    assert made["dosageInstruction"] == [
        {"text": "2x daags 1", "timing": {"repeat": {"frequency": 2}}, "doseAndRate": [{"doseQuantity": {"value": 1}}]}
    ]


@pytest.mark.parametrize("kind", sorted(RULES))
@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {}, [{}], {"coding": 3}, [[[]]]])
def test_any_shape_of_a_stranger_is_read_without_stumbling(kind: str, value: Any) -> None:
    for name in [*RULES[kind], "contained", "meta"]:
        read_as_r4({"resourceType": kind, name: value})


def test_a_type_without_rules_has_no_reading() -> None:
    assert read_as_r4({"resourceType": "Basic", "id": "1"}).resource is None
