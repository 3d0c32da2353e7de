"""Two patients in one FHIR server, linked as family, each with more observations than fit on one page.

All resources are R4. The citizen service numbers satisfy the eleven-test and belong to the range that is never issued.
"""

from typing import Any

Json = dict[str, Any]

BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"
ASKED = "hapi-asked"  # the patient whom the tests ask about
OTHER = "hapi-other"  # the one who must not come along, and does
BSN = {ASKED: "999990019", OTHER: "999990020"}
PAGE = 10  # HAPI's default
OBSERVATIONS = 12  # per patient, so a second page has two
WEIGHT = "29463-7"
TEMPERATURE = "8310-5"  # only of the other


def _patient(patient: str, relative: str) -> Json:
    return {
        "resourceType": "Patient",
        "id": patient,
        "identifier": [{"system": BSN_SYSTEM, "value": BSN[patient]}],
        "name": [{"family": patient.title()}],
        "link": [{"other": {"reference": f"Patient/{relative}"}, "type": "seealso"}],
    }


def observation(patient: str, number: int, code: str = WEIGHT) -> Json:
    """One measurement of a patient; ``number`` makes its id and its day."""
    return {
        "resourceType": "Observation",
        "id": f"{patient}-{code}-{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"2026-11-{number + 1:02}",
        "valueQuantity": {"value": 60 + number, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


def dispense(patient: str) -> Json:
    """What was handed out, found by the parameter that HAPI lacks."""
    return {
        "resourceType": "MedicationDispense",
        "id": f"{patient}-dispense",
        "status": "completed",
        "category": {"coding": [{"system": "http://snomed.info/sct", "code": "422037009"}]},
        "medicationCodeableConcept": {"text": "metoprolol"},
        "subject": {"reference": f"Patient/{patient}"},
    }


FAMILY: list[Json] = [
    _patient(ASKED, OTHER),
    _patient(OTHER, ASKED),
    *(observation(patient, number) for patient in (ASKED, OTHER) for number in range(OBSERVATIONS)),
    observation(OTHER, 0, TEMPERATURE),
    dispense(ASKED),
    dispense(OTHER),
]
