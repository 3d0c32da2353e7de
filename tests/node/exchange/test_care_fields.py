"""Of every type that a shipped use case may bring, each field that may hold a patient is looked at."""

import json
from typing import Any

import pytest

from node.exchange.care_fields import CARE_FIELDS
from node.exchange.patient_fields import FIELDS, PatientFields
from node.exchange.response import MismatchError, check_page
from node.usecases.load import load_shipped
from node.usecases.model import FhirVersion, Step
from tests.node.exchange.cases import BASES, BSN, a_page, an_entry

EVERY: list[tuple[FhirVersion, str, PatientFields]] = [
    (version, name, fields)
    for version in ("r4", "stu3")
    for name, fields in {**FIELDS[version], **CARE_FIELDS[version]}.items()
    if fields.owner or fields.among
]


def _put(resource: dict[str, Any], path: str, reference: dict[str, Any]) -> None:
    """Let ``reference`` stand at ``path``, in lists where the path has them."""
    head, _, rest = path.partition(".")
    name, is_list = head.removesuffix("[]"), head.endswith("[]")
    if rest:
        inner: Any = resource.setdefault(name, [{}] if is_list else {})
        _put(inner[0] if is_list else inner, rest, reference)
    elif is_list:
        resource.setdefault(name, []).append(reference)
    else:
        resource[name] = reference


def _resource(name: str, fields: PatientFields) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": name, "id": "x1"}
    _put(resource, fields.owner or fields.among or "", {"reference": "Patient/1"})
    return resource


def _check(version: FhirVersion, name: str, resource: dict[str, Any]) -> None:
    step = Step.model_validate(
        {
            "id": "any",
            "title": {"nl": "x", "en": "x"},
            "request": f"GET {name}",
            "send": ["patient={patient}"],
            "types": {"matched": [name]},
        }
    )
    check_page(
        a_page(an_entry(json.loads(json.dumps(resource)))),
        step=step,
        fhir_version=version,
        patient_ids=frozenset({"1"}),
        bases=BASES,
        bsn=BSN,
        origin="peer",
    )


IDS = [f"{name} {version}" for version, name, _ in EVERY]


@pytest.mark.parametrize(("version", "name", "fields"), EVERY, ids=IDS)
def test_one_of_our_patient_passes_and_one_of_another_does_not(
    version: FhirVersion, name: str, fields: PatientFields
) -> None:
    _check(version, name, _resource(name, fields))
    other = json.loads(json.dumps(_resource(name, fields)).replace("Patient/1", "Patient/2"))
    with pytest.raises(MismatchError):
        _check(version, name, other)
    if not fields.owner_optional:
        with pytest.raises(MismatchError):
            _check(version, name, {"resourceType": name, "id": "x1"})


@pytest.mark.parametrize(("version", "name", "fields"), EVERY, ids=IDS)
def test_no_field_beside_the_owner_names_another_patient(
    version: FhirVersion, name: str, fields: PatientFields
) -> None:
    for path in fields.others:
        resource = _resource(name, fields)
        _put(resource, path, {"reference": "Patient/1"})
        _check(version, name, resource)
        foreign = _resource(name, fields)
        _put(foreign, path, {"reference": "Patient/2"})
        with pytest.raises(MismatchError):
            _check(version, name, foreign)


def test_an_appointment_of_two_patients_is_nobody_s() -> None:
    participants = [{"actor": {"reference": f"Patient/{number}"}} for number in (1, 2)]
    appointment = {"resourceType": "Appointment", "id": "a1", "participant": participants}
    with pytest.raises(MismatchError):
        _check("r4", "Appointment", appointment)
    appointment["participant"] = [{"actor": {"reference": "Practitioner/2"}}]
    with pytest.raises(MismatchError):
        _check("r4", "Appointment", appointment)


def test_every_type_that_a_shipped_use_case_names_has_its_fields() -> None:
    missing = {
        (table.fhir_version, name)
        for loaded in load_shipped()
        for table in loaded.usecase.tables
        for step in table.steps
        for name in (*step.types.matched, *step.types.included)
        if name not in FIELDS[table.fhir_version] and name not in CARE_FIELDS[table.fhir_version]
    }
    assert missing == set()
