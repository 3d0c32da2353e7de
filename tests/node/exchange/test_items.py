"""A resource in one line: R4 and STU3, and nothing that turns a meaning around is left out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.views.items import MAX_TEXT, describe


def concept(text: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:x", "code": "c", "display": text}]}


CASES: list[tuple[dict[str, Any], tuple[str, str]]] = [
    (
        {
            "resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-11-16", "code": concept("Bloeddruk"),
            "component": [
                {"code": concept("Systolisch"), "valueQuantity": {"value": 118, "unit": "mmHg"}},
                {"code": concept("Diastolisch"), "valueQuantity": {"value": 64, "unit": "mmHg"}},
            ],
        },
        ("2026-11-16", "Bloeddruk: Systolisch 118 mmHg, Diastolisch 64 mmHg [final]"),
    ),
    (
        {"resourceType": "Observation", "code": {"text": "CRP"},
         "valueQuantity": {"value": 5, "comparator": "<", "code": "mg/L"}, "status": "preliminary"},
        ("-", "CRP: <5 mg/L [preliminary]"),
    ),
    (
        {"resourceType": "Observation", "code": {"text": "X"}, "dataAbsentReason": concept("niet gevraagd")},
        ("-", "X: niet gevraagd"),
    ),
    (
        {"resourceType": "Observation", "code": {"text": "Titer"},
         "valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
        ("-", "Titer: 1 per 128"),
    ),
    (
        {"resourceType": "Observation", "code": {"text": "R"}, "valueRange": {"low": {"value": 1, "unit": "d"}}},
        ("-", "R: 1 d to ?"),
    ),
    (
        {"resourceType": "Observation", "code": {"text": "Rookt"}, "valueBoolean": False},
        ("-", "Rookt: no"),
    ),
    (
        {"resourceType": "AllergyIntolerance", "clinicalStatus": "active", "verificationStatus": "refuted",
         "code": concept("Penicilline"), "assertedDate": "2020"},
        ("2020", "Penicilline [active, refuted]"),
    ),
    (
        {"resourceType": "AllergyIntolerance", "clinicalStatus": concept("active"), "code": concept("Pleister"),
         "reaction": [{"manifestation": [concept("Uitslag")]}]},
        ("-", "Pleister: Uitslag [active]"),
    ),
    (
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "doNotPerform": True,
         "category": [concept("Medicatieafspraak")], "medicationReference": {"reference": "Medication/1", "display": "Apixaban"},
         "authoredOn": "2026-11-02", "dosageInstruction": [{"text": "2x per dag"}]},
        ("2026-11-02", "Medicatieafspraak: Apixaban, 2x per dag [active, order, do NOT]"),
    ),
    (
        {"resourceType": "MedicationDispense", "category": concept("Toedieningsafspraak"),
         "medicationReference": {"reference": "#m"}, "contained": [{"resourceType": "Medication", "id": "m", "code": concept("A")}],
         "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2015", "end": "2026"}}}}]},
        ("2015 to 2026", "Toedieningsafspraak: A"),
    ),
    (
        {"resourceType": "MedicationStatement", "taken": "n", "medicationCodeableConcept": {"text": "B"},
         "effectivePeriod": {"end": "2026"}},
        ("until 2026", "B [not taken]"),
    ),
    ({"resourceType": "Procedure", "notDone": True, "code": {"text": "MRI"}}, ("-", "MRI [not done]")),
    (
        {"resourceType": "Patient", "name": [{"given": ["Truus"], "family": "de Boer"}], "birthDate": "1940-01-01",
         "identifier": [{"value": "999990135"}]},
        ("-", "Truus de Boer: 1940-01-01"),
    ),
    ({"resourceType": "Organization", "name": "De Oever"}, ("-", "De Oever")),
    ({"resourceType": "Composition", "title": "Consult", "date": "2026-01-01"}, ("2026-01-01", "Consult")),
    (
        {"resourceType": "Flag", "code": {"text": "MRSA"}, "modifierExtension": [{"url": "urn:x"}]},
        ("-", "MRSA [modified: read the original]"),
    ),
    ({}, ("-", "-")),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "shown"), CASES)
def test_a_resource_is_told_in_one_line(resource: dict[str, Any], shown: tuple[str, str]) -> None:
    item = describe(resource)
    assert (item.date, item.text) == shown
    assert item.type == resource.get("resourceType", "?")


def test_a_long_text_is_cut_and_its_status_stays() -> None:
    item = describe({"resourceType": "Flag", "code": {"text": "x" * 500}, "status": "entered-in-error"})
    assert item.text == "x" * (MAX_TEXT - 1) + "… [entered-in-error]"


_NAMES = st.sampled_from(
    ["code", "coding", "text", "display", "status", "valueRange", "low", "component", "name", "given", "period", "start",
     "dosageInstruction", "timing", "note", "reaction", "manifestation", "contained", "category", "title", "resourceType"],
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_any_json_can_be_described(value: Any) -> None:
    item = describe(value)
    assert json.dumps([item.type, item.date, item.text])
