"""The queries of the two use cases, as they are sent, find what the story needs."""

from urllib.parse import quote

import pytest

from .conftest import Ehr, StartEhr, ids

ZIB = "http://nictiz.nl/fhir/StructureDefinition/zib-"
NURSING_REPORT = "https://nuts.nl/fhir/StructureDefinition/nl-core-nursingreport"
CLIENT = "Client.5b1f0a77-135"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"Flag?patient={CLIENT}&_profile={ZIB}Alert", 2),
        (f"AllergyIntolerance?patient={CLIENT}&_profile={ZIB}AllergyIntolerance", 1),
        (f"Observation?patient={CLIENT}&_profile={ZIB}BloodPressure&_sort=-date&_count=5", 5),
        (f"Observation?patient={CLIENT}&_profile={ZIB}BodyWeight&_sort=-date&_count=5", 5),
        (f"Observation?patient={CLIENT}&_profile={ZIB}BodyHeight&_sort=-date&_count=5", 1),
        (f"Observation?patient={CLIENT}&_profile={ZIB}BodyTemperature&_sort=-date&_count=5", 3),
        (f"Observation?patient={CLIENT}&_profile={ZIB}Respiration&_sort=-date&_count=5", 3),
        (
            f"Observation?patient={CLIENT}&_profile={NURSING_REPORT}&_sort=-date&_count=10",
            10,
        ),
        (f"Consent?patient={CLIENT}&_profile={ZIB}AdvanceDirective", 1),
        (f"Observation?patient={CLIENT}&_profile={ZIB}LivingSituation", 1),
        (f"CareTeam?patient={CLIENT}&status=active", 1),
    ],
)
async def test_the_general_practitioner_reads_the_home_care_file(oever: Ehr, query: str, count: int) -> None:
    found = await oever.get(f"/{query}")
    assert len(ids(found)) == count
    newest = [entry["resource"].get("effectiveDateTime", "") for entry in found["entry"]]
    assert newest == sorted(newest, reverse=True)


@pytest.mark.parametrize("version", ["r4", "stu3"])
async def test_the_nurse_reads_the_general_practitioners_file(start_ehr: StartEhr, version: str) -> None:
    gouwe = await start_ehr("gouwe", version)
    vital_signs, laboratory = (
        "http://terminology.hl7.org/CodeSystem/observation-category|vital-signs",
        "http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
    )
    if version == "stu3":
        vital_signs, laboratory = (
            "http://hl7.org/fhir/observation-category|vital-signs",
            "http://hl7.org/fhir/observation-category|laboratory",
        )
    patient, prescription = "10421", quote("http://snomed.info/sct|16076005")
    await gouwe.get("/Practitioner/arts-01")
    await gouwe.get("/Organization/gouwe")
    for query, count in (
        (f"Patient?_id={patient}&_include=Patient:general-practitioner", 1),
        (f"EpisodeOfCare?patient={patient}&_include=EpisodeOfCare:condition", 5),
        (f"Flag?patient={patient}", 1),
        (
            f"MedicationRequest?patient={patient}&category={prescription}&_include=MedicationRequest:medication",
            5,
        ),
        (f"AllergyIntolerance?patient={patient}&category=medication", 1),
        (f"Observation?patient={patient}&category={quote(vital_signs)},{quote(laboratory)}&_count=100", 30),
        (f"Composition?patient={patient}&type={quote('http://loinc.org|67781-5')}", 3),
        (f"Encounter?patient={patient}", 3),
    ):
        found = await gouwe.get(f"/{query}")
        assert len(ids(found)) == count, query
        assert "include" not in query or ids(found, "include")


@pytest.mark.parametrize(
    ("key", "patient", "rows"),
    [
        ("gouwe", "10421", (5, 0, 0)),
        ("linde", "700135", (3, 0, 0)),
        ("hofstede", "hk-2135", (0, 5, 2)),
        ("wending", "W-88196", (2, 0, 1)),
    ],
)
async def test_the_three_rows_of_medication(start_ehr: StartEhr, key: str, patient: str, rows: tuple[int, ...]) -> None:
    ehr = await start_ehr(key, "r4")
    for (kind, category), count in zip(
        (
            ("MedicationRequest", "http://snomed.info/sct|16076005"),
            ("MedicationDispense", "http://snomed.info/sct|422037009"),
            ("MedicationStatement", "urn:oid:2.16.840.1.113883.2.4.3.11.60.20.77.5.3|6"),
        ),
        rows,
        strict=True,
    ):
        found = await ehr.get(f"/{kind}?patient={patient}&category={quote(category)}&_include={kind}:medication")
        assert len(ids(found)) == count
        assert bool(ids(found, "include")) == bool(count)
