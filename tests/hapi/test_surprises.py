"""What a real FHIR server does that the node in front of it must survive; each was met, none is a fault of HAPI.

They state why the node allows interactions from a list, never trusts the query to have been obeyed, and checks the
subject of everything that comes back.
"""

from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from examples.region.hapi.client import send
from tests.hapi.family import ASKED, OBSERVATIONS, OTHER, PAGE, TEMPERATURE
from tests.hapi.pages import entries, next_link, whose

pytestmark = [pytest.mark.hapi, pytest.mark.timeout(900)]

TEMPERATURES = quote(f"http://loinc.org|{TEMPERATURE}", safe="")


def test_lastn_ignores_patient_and_code_and_answers_with_everything(hapi_server: str) -> None:
    found = [
        entry["resource"] for entry in entries(f"{hapi_server}/Observation/$lastn?patient={ASKED}&code={TEMPERATURES}")
    ]
    assert {f"Patient/{ASKED}", f"Patient/{OTHER}"} <= {observation["subject"]["reference"] for observation in found}
    assert {coding["code"] for observation in found for coding in observation["code"]["coding"]} > {TEMPERATURE}


def test_the_next_link_names_neither_type_nor_patient(hapi_server: str) -> None:
    link = next_link(send("GET", f"{hapi_server}/Observation?patient={ASKED}").body)
    assert link is not None
    parts = urlsplit(link)
    assert parts.path == urlsplit(hapi_server).path  # the base itself
    assert "_getpages=" in parts.query
    assert ASKED not in link
    assert "Observation" not in link


def test_whoever_has_the_next_link_gets_the_page(hapi_server: str) -> None:
    link = next_link(send("GET", f"{hapi_server}/Observation?patient={OTHER}").body)
    assert link is not None
    assert {entry["resource"]["subject"]["reference"] for entry in send("GET", link).body["entry"]} == {
        f"Patient/{OTHER}"
    }


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(f"Observation?patient={ASKED},{OTHER}", id="two patients in one value"),
        pytest.param(f"Observation?patient.name={OTHER}", id="a chain"),
        pytest.param("Observation", id="no patient at all"),
        pytest.param(f"Patient?_id={ASKED}&_revinclude=Patient:link", id="a reverse include"),
        pytest.param(f"Patient?_id={ASKED}&_include=*", id="everything referred to"),
        pytest.param(f"Patient/{ASKED}/$everything", id="everything about one"),
        pytest.param(f"Patient?_has:Observation:patient:code={TEMPERATURES}", id="a reverse chain"),
    ],
)
def test_the_other_patient_comes_along_with(hapi_server: str, query: str) -> None:
    assert OTHER in whose(entries(f"{hapi_server}/{query}"))


def test_revinclude_answers_with_more_than_was_searched(hapi_server: str) -> None:
    found = list(entries(f"{hapi_server}/Patient?_id={ASKED}&_revinclude=Observation:patient"))
    modes = [(entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in found]
    assert modes.count(("Patient", "match")) == 1
    assert modes.count(("Observation", "include")) == OBSERVATIONS


def test_a_batch_reads_what_its_own_address_does_not_show(hapi_server: str) -> None:
    batch: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": f"Patient/{OTHER}"}}],
    }
    answer = send("POST", hapi_server, resource=batch)
    assert answer.status == 200
    assert answer.body["entry"][0]["resource"]["id"] == OTHER


def test_a_search_by_form_also_obeys_the_url(hapi_server: str) -> None:
    url = f"{hapi_server}/Observation/_search?patient={OTHER}"
    by_url = send("POST", url, form={})
    assert {entry["resource"]["subject"]["reference"] for entry in by_url.body["entry"]} == {f"Patient/{OTHER}"}
    # Combined, not replaced: nothing is about both.
    assert send("POST", url, form={"patient": ASKED}).body.get("entry", []) == []


def test_an_unknown_parameter_is_refused_even_when_leniency_is_asked(hapi_server: str) -> None:
    url = f"{hapi_server}/Observation?patient={ASKED}&colour=blue"
    assert send("GET", url, headers={"Prefer": "handling=lenient"}).status == 400


def test_a_search_is_cut_at_ten_without_being_asked(hapi_server: str) -> None:
    assert len(send("GET", f"{hapi_server}/Observation?patient={OTHER}").body["entry"]) == PAGE


def test_a_stale_if_match_is_a_conflict_and_no_failed_precondition(hapi_server: str) -> None:
    url = f"{hapi_server}/Patient/hapi-stale"
    patient = {"resourceType": "Patient", "id": "hapi-stale"}
    assert send("PUT", url, resource=patient).status == 201
    changed = {**patient, "active": True}
    assert send("PUT", url, resource=changed, headers={"If-Match": 'W/"7"'}).status == 409
    assert send("PUT", url, resource=changed, headers={"If-Match": 'W/"1"'}).status == 200
