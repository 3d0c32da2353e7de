"""Search as real FHIR servers do it."""

from urllib.parse import quote

import pytest

from .conftest import Ehr, StartEhr, ids

BSN = "http://fhir.nl/fhir/NamingSystem/bsn"
TRUUS, JOHAN = "10421", "10977"


async def test_a_patient_is_found_by_bsn_in_a_posted_form(gouwe: Ehr) -> None:
    found = await gouwe.post("/Patient/_search", f"identifier={BSN}|999990135")
    assert ids(found) == [f"Patient/{TRUUS}"]
    assert found["type"] == "searchset"
    assert found["total"] == 1
    assert found["entry"][0]["fullUrl"] == f"{gouwe.base}/Patient/{TRUUS}"


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (f"{BSN}|999990135", 1),
        ("999990135", 1),
        (f"{BSN}|", 4),
        ("|999990135", 0),
        (f"{BSN}|000000000", 0),
        ("http://fhir.nl/fhir/NamingSystem/ura|999990135", 0),
        (f"{BSN}|999990135,{BSN}|999990147", 2),
        (rf"{BSN}|999990135\,{BSN}|999990147", 0),
    ],
)
async def test_tokens_have_a_system_a_code_or_both(gouwe: Ehr, value: str, count: int) -> None:
    assert (await gouwe.post("/Patient/_search", f"identifier={quote(value)}"))["total"] == count
    assert (await gouwe.get(f"/Patient?identifier={quote(value)}"))["total"] == count


@pytest.mark.parametrize(
    "value", [TRUUS, f"Patient/{TRUUS}", f"Patient%2F{TRUUS}", "{base}/Patient/10421", "%31%30421"]
)
async def test_a_patient_is_named_by_id_relative_or_absolute(gouwe: Ehr, value: str) -> None:
    found = await gouwe.get(f"/Flag?patient={value.replace('{base}', gouwe.base)}")
    assert found["total"] == 1
    assert found["entry"][0]["resource"]["subject"]["reference"] == f"Patient/{TRUUS}"


@pytest.mark.parametrize(
    "value", ["https://elsewhere.example/r4/Patient/10421", "Practitioner/10421", "1042", "10421 "]
)
async def test_another_base_type_or_id_finds_nothing(gouwe: Ehr, value: str) -> None:
    assert (await gouwe.get(f"/Flag?patient={quote(value)}"))["total"] == 0


async def test_the_url_and_the_form_of_a_search_are_combined(gouwe: Ehr) -> None:
    both = await gouwe.post("/Observation/_search?category=laboratory", f"patient={TRUUS}")
    only_url = await gouwe.post(f"/Observation/_search?patient={TRUUS}", "")
    everything = await gouwe.get(f"/Observation?patient={TRUUS}")
    assert 0 < both["total"] < everything["total"] == only_url["total"]
    contradicting = await gouwe.post(f"/Observation/_search?patient={TRUUS}", f"patient={JOHAN}")
    assert contradicting["total"] == 0


async def test_a_comma_is_or_and_a_repeated_parameter_is_and(gouwe: Ehr) -> None:
    one = (await gouwe.get(f"/Observation?patient={TRUUS}"))["total"]
    other = (await gouwe.get(f"/Observation?patient={JOHAN}"))["total"]
    assert (await gouwe.get(f"/Observation?patient={TRUUS},{JOHAN}"))["total"] == one + other
    assert (await gouwe.get(f"/Observation?patient={TRUUS}&patient={JOHAN}"))["total"] == 0


async def test_the_category_of_the_other_fhir_version_finds_nothing(gouwe: Ehr) -> None:
    old = quote("http://hl7.org/fhir/observation-category|vital-signs")
    new = quote("http://terminology.hl7.org/CodeSystem/observation-category|vital-signs")
    assert (await gouwe.get(f"/Observation?patient={TRUUS}&category={old}"))["total"] == 0
    assert (await gouwe.get(f"/Observation?patient={TRUUS}&category={new}"))["total"] == 7


async def test_results_are_sorted_by_date_newest_first(oever: Ehr) -> None:
    profile = "http://nictiz.nl/fhir/StructureDefinition/zib-BloodPressure"
    found = await oever.get(f"/Observation?_profile={profile}&_sort=-date&_count=5")
    dates = [entry["resource"]["effectiveDateTime"] for entry in found["entry"]]
    assert dates == sorted(dates, reverse=True)
    assert dates[0].startswith("2026-11-16")
    assert len(dates) == 5
    oldest = await oever.get(f"/Observation?_profile={profile}&_sort=date&_count=1")
    assert oldest["entry"][0]["resource"]["effectiveDateTime"].startswith("2026-09-01")


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("ge2026-10-01", 1),
        ("lt2026-10-01", 4),
        ("2026", 4),
        ("2026-07", 1),
        ("2025-10-06", 1),
        ("gt2026-07-13", 1),
        ("ne2026", 1),
    ],
)
async def test_dates_are_compared_as_ranges(gouwe: Ehr, asked: str, count: int) -> None:
    hba1c = quote("http://loinc.org|59261-8")
    assert (await gouwe.get(f"/Observation?patient={TRUUS}&code={hba1c}&date={asked}"))["total"] == count


async def test_a_search_by_last_update_uses_meta(gouwe: Ehr) -> None:
    newest = await gouwe.get("/Composition?_lastUpdated=ge2026-11-14&_sort=_lastUpdated")
    assert newest["total"] == 1
    assert newest["entry"][0]["resource"]["title"].startswith("Val")


async def test_an_include_brings_the_medication_once(gouwe: Ehr) -> None:
    found = await gouwe.get(
        f"/MedicationRequest?patient={TRUUS}&category=http://snomed.info/sct%7C16076005&_include=MedicationRequest:medication"
    )
    assert found["total"] == 5
    assert len(ids(found)) == 5
    assert sorted(ids(found, "include")) == sorted(set(ids(found, "include")))
    assert "Medication/med-b01aa07" in ids(found, "include")


async def test_includes_of_includes_are_followed_where_asked(gouwe: Ehr) -> None:
    query = f"/CareTeam?patient={TRUUS}&status=active&_include=CareTeam:participant"
    assert not [one for one in ids(await gouwe.get(query), "include") if one == "Organization/linde"]
    further = ids(await gouwe.get(f"{query}&_include:iterate=PractitionerRole:organization"), "include")
    assert {"Organization/oever", "Organization/linde", f"Patient/{TRUUS}"} <= set(further)


async def test_an_episode_includes_its_condition_only_when_named_rightly(gouwe: Ehr) -> None:
    found = await gouwe.get(f"/EpisodeOfCare?patient={TRUUS}&_include=EpisodeOfCare:condition")
    assert len(ids(found, "include")) == len(ids(found)) == 5
    await gouwe.get(f"/EpisodeOfCare?patient={TRUUS}&_include=condition:diagnosis", status=400)


@pytest.mark.parametrize(
    "query",
    [
        "/Observation?_count=3",
        "/Patient?_id=10421&_revinclude=Observation:patient",
        "/Patient?_has:Flag:patient:author=Practitioner/arts-01",
        "/Observation?patient.identifier=999990147",
        "/Observation?subject.name=verm",
        "/Observation?patient:missing=false",
        "/Patient/10421/$everything",
        "/Observation/$lastn?patient=10421",
        "/Patient/10421/Observation",
        "/Patient?_include=*",
    ],
)
async def test_it_answers_what_only_a_node_in_front_refuses(gouwe: Ehr, query: str) -> None:
    assert (await gouwe.get(query))["total"] > 0


async def test_lastn_ignores_the_patient(gouwe: Ehr) -> None:
    found = await gouwe.get(f"/Observation/$lastn?patient={TRUUS}")
    assert len({entry["resource"]["subject"]["reference"] for entry in found["entry"]}) > 1


async def test_a_batch_is_answered_entry_by_entry(gouwe: Ehr) -> None:
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": url}} for url in (f"Patient/{TRUUS}", "Patient/none", "Flag?_count=1")
        ],
    }
    async with gouwe.client.post("/r4", json=batch) as answer:
        answers = (await answer.json(content_type=None))["entry"]
    assert [one["response"]["status"] for one in answers] == ["200 OK", "404 Not Found", "200 OK"]


@pytest.mark.parametrize(
    "query",
    [
        "/Flag?status=active",  # neither FHIR version has it
        "/Observation?patient=1&unknown=1",
        "/Observation?code:in=x",
        "/Observation?_include=Observation:nothing",
        "/Observation?_include=nonsense",
        "/Observation?date=yesterday",
        "/Observation?_sort=nothing",
        "/Observation?_count=ten",
        "/Observation?_count=-1",
        "/Observation?_summary=text",
        "/Observation?_has:Nothing:patient:code=1",
        "/Observation?patient=%ff",
        "/Observation?code.text=x",
        "/Patient?_filter=x",
    ],
)
async def test_what_is_not_understood_is_a_400_with_an_outcome(gouwe: Ehr, query: str) -> None:
    outcome = await gouwe.get(query, status=400)
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["severity"] == "error"


async def test_leniency_does_not_help_against_unknown_parameters(gouwe: Ehr) -> None:
    async with gouwe.client.get("/r4/Flag?status=active", headers={"Prefer": "handling=lenient"}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("version", ["r4", "stu3"])
async def test_parameters_belong_to_a_fhir_version(start_ehr: StartEhr, version: str) -> None:
    ehr = await start_ehr("gouwe", version)
    await ehr.get("/Consent?scope=x", status=200 if version == "r4" else 400)
    await ehr.get("/Coverage?patient=x", status=200 if version == "r4" else 400)


async def test_a_type_without_records_is_empty_and_an_unknown_type_is_not_there(gouwe: Ehr) -> None:
    empty = await gouwe.get(f"/Procedure?patient={TRUUS}")
    assert empty["total"] == 0
    assert "entry" not in empty
    assert (await gouwe.get("/Nonsense", status=404))["issue"][0]["code"] == "not-found"


async def test_elements_are_a_part_and_say_so(gouwe: Ehr) -> None:
    found = await gouwe.post("/Patient/_search", f"identifier={BSN}|999990135&_elements=id")
    resource = found["entry"][0]["resource"]
    assert set(resource) == {"resourceType", "id", "meta"}
    assert resource["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_a_form_must_be_a_form(gouwe: Ehr) -> None:
    async with gouwe.client.post("/r4/Patient/_search", json={"identifier": "1"}) as answer:
        assert answer.status == 415


async def test_the_self_link_repeats_what_was_asked(gouwe: Ehr) -> None:
    found = await gouwe.get(f"/Flag?patient={TRUUS}")
    assert found["link"][0] == {"relation": "self", "url": f"{gouwe.base}/Flag?patient={TRUUS}"}


async def test_only_json_is_served(gouwe: Ehr) -> None:
    for accepted in ("json", "application/fhir%2Bjson", "application/fhir%2Bjson;fhirVersion=4.0"):
        await gouwe.get(f"/Flag?_format={accepted}")
    await gouwe.get("/Flag?_format=xml", status=406)


async def test_negation_keeps_what_has_no_such_value(gouwe: Ehr) -> None:
    everything = (await gouwe.get("/CareTeam"))["total"]
    active = (await gouwe.get("/CareTeam?status=active"))["total"]
    assert (await gouwe.get("/CareTeam?status:not=active"))["total"] == everything - active > 0


async def test_an_organisation_is_found_by_the_identifier_inside_a_reference(gouwe: Ehr) -> None:
    ura = quote("http://fhir.nl/fhir/NamingSystem/ura|90000105")
    found = await gouwe.get(f"/CareTeam?participant:identifier={ura}")
    assert found["total"] == 2
