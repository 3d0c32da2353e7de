"""Answers side by side: nothing merged away, origins kept, gaps said."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from node.exchange.merge import Fetched, Missing, MixedVersionsError, collection_bundle, lineage_of, same_facts
from node.exchange.references import Bases
from node.exchange.response import check_page
from node.usecases.model import FhirVersion
from tests.node.exchange.cases import a_page, a_step, an_entry

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = "0b0f2a0e-8d5c-4c0e-9a35-1a2b3c4d5e6f"


def _fetch(
    holder: str, *resources: Any, version: FhirVersion = "r4", step: str = "medication-agreements"
) -> list[Fetched]:
    endpoint = f"https://{holder}.example/fhir"
    page = check_page(
        a_page(*(an_entry(resource) for resource in resources)),
        step=a_step("medication-r4", "medication-agreements"),
        fhir_version="r4",
        patient_ids=frozenset({"1"}),
        bases=Bases.of([endpoint]),
        origin="peer",
    )
    return [
        Fetched(
            step=step,
            fhir_version=version,
            resource=resource,
            lineage=lineage_of(
                resource, holder_ura=holder, holder_name=f"Holder {holder}", endpoint=endpoint, fetched_at=NOW
            ),
        )
        for resource in page.resources
    ]


def _medication(resource_id: str, *identifiers: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": resource_id,
        "subject": {"reference": "Patient/1"},
        "identifier": [{"system": "urn:mbh", "value": value} for value in identifiers],
        **more,
    }


def test_lineage_says_where_a_resource_came_from() -> None:
    (one,) = _fetch("90000101", _medication("m", meta={"lastUpdated": "2026-10-01"}, recorder={"display": "J. Jansen"}))
    assert one.lineage.to_json() == {
        "holder_ura": "90000101",
        "holder_name": "Holder 90000101",
        "endpoint": "https://90000101.example/fhir",
        "fetched_at": "2026-11-22T12:00:00.000Z",
        "last_updated": "2026-10-01",
        "recorder": "J. Jansen",
    }


def test_the_same_fact_of_two_holders_is_marked_and_kept_twice() -> None:
    fetched = [*_fetch("90000101", _medication("a", "x", "only")), *_fetch("90000105", _medication("b", "x"))]
    (same,) = same_facts(fetched)
    assert (same.type, same.identifier) == ("MedicationRequest", "urn:mbh|x")
    assert same.full_urls == (
        "https://90000101.example/fhir/MedicationRequest/a",
        "https://90000105.example/fhir/MedicationRequest/b",
    )
    read = json.loads(collection_bundle(fetched, [], bundle_id=ID, now=NOW))
    kinds = [entry["resource"]["resourceType"] for entry in read["entry"]]
    assert kinds == ["MedicationRequest", "MedicationRequest", "Provenance", "Provenance", "OperationOutcome"]
    assert read["entry"][-1]["resource"]["issue"][0]["code"] == "duplicate"


def test_one_holder_with_two_versions_of_a_fact_is_no_double() -> None:
    assert same_facts(_fetch("90000101", _medication("a", "x"), _medication("b", "x"))) == ()


def test_the_bundle_names_its_sources_and_what_is_missing() -> None:
    fetched = _fetch("90000101", _medication("a"), _medication("b"))
    missing = [Missing(holder_ura="90000103", holder_name="De Linde", step=None, state="timeout")]
    read = json.loads(collection_bundle(fetched, missing, bundle_id=ID, now=NOW))
    assert (read["type"], read["id"], read["timestamp"]) == ("collection", ID, "2026-11-22T12:00:00.000Z")
    provenance, outcome = (entry["resource"] for entry in read["entry"][2:])
    assert [target["reference"] for target in provenance["target"]] == [entry["fullUrl"] for entry in read["entry"][:2]]
    assert provenance["agent"][0]["who"]["identifier"]["value"] == "90000101"
    assert outcome["issue"][0]["details"]["text"] == "De Linde (90000103): not available (timeout)"


def test_an_empty_answer_is_a_bundle_too() -> None:
    assert "entry" not in json.loads(collection_bundle([], [], bundle_id=ID, now=NOW))


def test_versions_are_not_mixed() -> None:
    fetched = [*_fetch("90000101", _medication("a")), *_fetch("90000102", _medication("b"), version="stu3")]
    with pytest.raises(MixedVersionsError):
        collection_bundle(fetched, [], bundle_id=ID, now=NOW)


def test_resources_keep_their_numbers_and_lose_their_line_breaks() -> None:
    (one,) = _fetch("90000101", _medication("a", x=1.5))
    assert b"\n" not in one.line
    assert b'"x": 1.5' in one.line
