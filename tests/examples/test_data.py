"""The records tell the story, in valid FHIR."""

import json
from typing import Any

import pytest

from examples.region.data import AVAILABLE, records
from examples.region.ehr.index import values_at
from examples.region.ehr.validation import InvalidDataError, check_all, digest_of, validated_digests
from examples.region.organisations import ORGANISATIONS, FhirVersion, organisation
from examples.region.patients import BSN_SYSTEM, PATIENTS, TRUUS, patients_of

CABINETS = [(key, version) for key, versions in AVAILABLE.items() for version in versions]
URA = "http://fhir.nl/fhir/NamingSystem/ura"


def _of(key: str, version: FhirVersion, kind: str) -> list[dict[str, Any]]:
    return [one for one in records(key, version) if one["resourceType"] == kind]


@pytest.mark.parametrize(("key", "version"), CABINETS)
def test_all_records_are_valid_and_named_as_such(key: str, version: FhirVersion) -> None:
    built = records(key, version)
    check_all(built, version)
    assert validated_digests()[f"{key}/{version}"] == digest_of(built), "run python -m examples.region.ehr.validation"


@pytest.mark.parametrize(("key", "version"), CABINETS)
def test_every_resource_says_when_it_changed_and_what_it_claims_to_be(key: str, version: FhirVersion) -> None:
    for one in records(key, version):
        assert one["meta"]["lastUpdated"] < "2026-11-21"
        assert one["meta"].get("profile") or one["resourceType"] == "DocumentReference"


@pytest.mark.parametrize(("key", "version"), CABINETS)
def test_those_in_care_are_there_with_exactly_one_bsn(key: str, version: FhirVersion) -> None:
    found = {
        one["id"]: [n["value"] for n in one["identifier"] if n["system"] == BSN_SYSTEM]
        for one in _of(key, version, "Patient")
    }
    assert found == {citizen.in_care[key]: [citizen.bsn] for citizen in patients_of(key)}


def _uras(team: dict[str, Any], resources: dict[str, dict[str, Any]]) -> set[str]:
    """The organisations behind the members of a care team: the ways that LANDSCAPE names, and no other."""

    def of(reference: dict[str, Any]) -> set[str]:
        if reference.get("identifier", {}).get("system") == URA:
            return {reference["identifier"]["value"]}
        named = resources.get(reference.get("reference", ""), {})
        if named.get("resourceType") == "PractitionerRole":
            return of(named["organization"])
        if named.get("resourceType") == "Organization":
            return {one["value"] for one in named["identifier"] if one["system"] == URA}
        return set()

    return {
        ura for one in team["participant"] for end in ("member", "onBehalfOf") if end in one for ura in of(one[end])
    }


@pytest.mark.parametrize(("key", "version"), CABINETS)
def test_an_active_care_team_names_the_patients_other_organisations(key: str, version: FhirVersion) -> None:
    resources = {f"{one['resourceType']}/{one['id']}": one for one in records(key, version)}
    for citizen in patients_of(key):
        subject = f"Patient/{citizen.in_care[key]}"
        teams = [
            t for t in _of(key, version, "CareTeam") if t["subject"]["reference"] == subject and t["status"] == "active"
        ]
        assert len(teams) == 1
        assert _uras(teams[0], resources) == {organisation(one).ura for one in citizen.in_care}


def test_care_teams_name_organisations_in_all_the_ways_that_occur() -> None:
    ways = set()
    for key, version in CABINETS:
        for team in _of(key, version, "CareTeam"):
            for one in team["participant"]:
                kind = one["member"].get("reference", "").partition("/")[0]
                ways.add((kind, "identifier" in one["member"], "onBehalfOf" in one, version))
    assert {
        ("Organization", False, False, "r4"),
        ("Organization", True, False, "r4"),
        ("", True, False, "r4"),
        ("PractitionerRole", False, False, "r4"),
        ("Practitioner", False, True, "r4"),
        ("", True, False, "stu3"),
        ("Organization", True, False, "stu3"),
        ("Practitioner", False, True, "stu3"),
    } <= ways


def test_an_inactive_team_names_an_organisation_that_must_not_be_asked() -> None:
    inactive = [one for one in _of("gouwe", "r4", "CareTeam") if one["status"] == "inactive"]
    assert "Organization/wending" in json.dumps(inactive)
    assert "wending" not in TRUUS.in_care


def _atc(key: str, kind: str, patient: str) -> dict[str, str]:
    products = {f"Medication/{one['id']}": one["code"]["coding"][0]["code"] for one in _of(key, "r4", "Medication")}
    rows = [one for one in _of(key, "r4", kind) if one["subject"]["reference"] == f"Patient/{patient}"]
    return {products[one["medicationReference"]["reference"]]: one["status"] for one in rows}


def test_doctor_and_pharmacy_disagree_on_the_anticoagulant() -> None:
    at_doctor = _atc("gouwe", "MedicationRequest", TRUUS.in_care["gouwe"])
    at_pharmacy = _atc("hofstede", "MedicationStatement", TRUUS.in_care["hofstede"])
    at_hospital = _atc("linde", "MedicationRequest", TRUUS.in_care["linde"])
    assert at_doctor["B01AA07"] == "active"
    assert "B01AF02" not in at_doctor
    assert at_pharmacy["B01AF02"] == "active"
    assert (at_hospital["B01AA07"], at_hospital["B01AF02"]) == ("stopped", "active")


def test_medication_rows_carry_the_categories_that_are_asked_for() -> None:
    def codes(kind: str) -> set[tuple[str, str]]:
        every = [one for key, version in CABINETS if version == "r4" for one in _of(key, version, kind)]
        return {(c["system"], c["code"]) for one in every for c in values_at(one, "category.coding")}

    snomed = "http://snomed.info/sct"
    assert (snomed, "16076005") in codes("MedicationRequest")
    assert (snomed, "422037009") in codes("MedicationDispense")
    assert ("urn:oid:2.16.840.1.113883.2.4.3.11.60.20.77.5.3", "6") in codes("MedicationStatement")


def test_no_consent_between_organisations_lies_in_a_record_system() -> None:
    kinds = {
        one["meta"]["profile"][0].rpartition("/")[2]
        for key, version in CABINETS
        for one in _of(key, version, "Consent")
    }
    assert kinds == {"nl-core-TreatmentDirective2", "zib-AdvanceDirective"}


def test_there_is_more_than_one_page_of_what_matters() -> None:
    observations = _of("oever", "stu3", "Observation")
    profiles = [one["meta"]["profile"][0].rpartition("/")[2] for one in observations]
    assert profiles.count("zib-BloodPressure") > 5
    assert profiles.count("nl-core-nursingreport") > 10


def test_statuses_are_codes_of_fhir() -> None:
    allowed = {
        "CareTeam": {"proposed", "active", "suspended", "inactive"},
        "Composition": {"preliminary", "final", "amended"},
        "Consent": {"draft", "proposed", "active", "rejected", "inactive"},
        "Coverage": {"active", "cancelled", "draft"},
        "DocumentReference": {"current", "superseded"},
        "Encounter": {"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled"},
        "EpisodeOfCare": {"planned", "waitlist", "active", "onhold", "finished", "cancelled"},
        "Flag": {"active", "inactive"},
        "MedicationDispense": {"preparation", "in-progress", "completed", "stopped"},
        "MedicationRequest": {"active", "on-hold", "cancelled", "completed", "stopped", "draft"},
        "MedicationStatement": {"active", "completed", "intended", "stopped", "on-hold"},
        "Observation": {"registered", "preliminary", "final", "amended"},
    }
    for key, version in CABINETS:
        for one in records(key, version):
            if "status" in one:
                assert one["status"] in allowed[one["resourceType"]]


def test_numbers_are_unique_and_bsns_pass_their_check() -> None:
    assert len({one.ura for one in ORGANISATIONS}) == len(ORGANISATIONS)
    for citizen in PATIENTS:
        weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
        assert sum(int(digit) * weight for digit, weight in zip(citizen.bsn, weights, strict=True)) % 11 == 0


def test_building_twice_gives_the_same() -> None:
    assert digest_of(records("gouwe", "r4")) == digest_of(records("gouwe", "r4"))


def test_records_that_do_not_exist_are_an_error() -> None:
    for key, version in (("rso", "r4"), ("oever", "r4"), ("nobody", "stu3")):
        with pytest.raises(LookupError):
            records(key, version)  # type: ignore[arg-type]  # mypy sees two plain strings


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ({"identifier": []}, "0 BSNs"),
        ({"identifier": [{"system": BSN_SYSTEM, "value": "1"}, {"system": BSN_SYSTEM, "value": "2"}]}, "2 BSNs"),
        ({"birthDate": 3.5}, "birthDate"),
        ({"unknown": 1}, "unknown"),
        ({"id": "not an id"}, "logical id"),
        ({"managingOrganization": {"reference": "Organization/none"}}, "Organization/none"),
        ({"resourceType": "Nonsense"}, "unknown resource type"),
    ],
)
def test_unsound_data_is_named(harm: dict[str, Any], message: str) -> None:
    resources = records("wending", "r4")
    patient = next(one for one in resources if one["resourceType"] == "Patient")
    patient.update(harm)
    with pytest.raises(InvalidDataError, match=message):
        check_all(resources, "r4")


def test_the_same_id_twice_is_unsound() -> None:
    resources = records("wending", "r4")
    with pytest.raises(InvalidDataError, match="twice"):
        check_all([*resources, resources[0]], "r4")
