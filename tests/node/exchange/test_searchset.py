"""The page that leaves shows nothing of the server behind us."""

import json

from node.exchange.identity import citizens_in
from node.exchange.response import check_page
from node.exchange.searchset import empty_searchset, write_resource, write_searchset
from tests.node.exchange.cases import BASE, BASES, BSN, OTHER_BSN, a_page, a_patient, a_step, an_entry, an_observation

PUBLIC = "https://gouwe.example/fhir/gouwe/r4"
ORIGIN, HOST = "https://gouwe.localhost", "https://gouwe.example"


def test_links_and_addresses_of_the_inner_server_stay_inside() -> None:
    body = a_page(
        an_entry(an_observation(subject=f"{BASE}/Patient/1", valueDecimal=1.10), fullUrl=f"{BASE}/Observation/o1"),
        link=[
            {"relation": "self", "url": f"{BASE}/Observation?patient=1"},
            {"relation": "next", "url": f"{BASE}?_getpages=1"},
        ],
        total=12,
    )
    step = a_step("home-care-reads-gp-r4", "results")
    page = check_page(
        body, step=step, fhir_version="r4", patient_ids=frozenset({"1"}), bases=BASES, origin="own_server"
    )
    sent = write_searchset(page, public_base=PUBLIC, inner_bases=BASES.urls, next_url=f"{PUBLIC}/Observation?_cursor=x")
    read = json.loads(sent)
    assert BASE.encode() not in sent
    assert read["link"] == [{"relation": "next", "url": f"{PUBLIC}/Observation?_cursor=x"}]
    assert read["total"] == 12
    assert read["entry"][0]["fullUrl"] == f"{PUBLIC}/Observation/o1"
    assert read["entry"][0]["resource"]["subject"] == {"reference": f"{PUBLIC}/Patient/1"}
    again = check_page(
        sent,
        step=step,
        fhir_version="r4",
        patient_ids=frozenset({"1"}),
        bases=type(BASES).of([PUBLIC]),
        origin="peer",
    )
    assert again.next_link == "Observation?_cursor=x"


def test_the_question_is_not_repeated_in_the_answer() -> None:
    body = a_page(an_entry(a_patient()), link=[{"relation": "self", "url": f"{BASE}/Patient?identifier=bsn|{BSN}"}])
    step = a_step("gp-reads-home-care", "patient")
    page = check_page(
        body, step=step, fhir_version="stu3", patient_ids=frozenset(), bases=BASES, bsn=BSN, origin="own_server"
    )
    read = json.loads(write_searchset(page, public_base=PUBLIC, inner_bases=BASES.urls, next_url=None))
    assert "link" not in read


def test_a_page_without_matches_and_the_hiding_answer_are_the_same_bytes() -> None:
    step = a_step("gp-reads-home-care", "patient")
    page = check_page(
        a_page(total=0),
        step=step,
        fhir_version="stu3",
        patient_ids=frozenset(),
        bases=BASES,
        bsn=BSN,
        origin="own_server",
    )
    assert write_searchset(page, public_base=PUBLIC, inner_bases=BASES.urls, next_url=None) == empty_searchset()


def test_a_read_passes_with_its_bytes() -> None:
    body = b'{ "resourceType":"Practitioner", "id":"hp", "x": 1.10 }'
    step = a_step("home-care-reads-gp-r4", "general-practitioner")
    page = check_page(
        body, step=step, fhir_version="r4", patient_ids=frozenset(), bases=BASES, read_id="hp", origin="own_server"
    )
    assert write_resource(page, public_base=PUBLIC, inner_bases=BASES.urls) == body


def test_a_record_with_exactly_one_bsn_is_that_citizens() -> None:
    two = a_patient("3") | {"identifier": [*a_patient()["identifier"], *a_patient(bsn=OTHER_BSN)["identifier"]]}
    none = {"resourceType": "Patient", "id": "4"}
    false = a_patient("5", bsn="999990136")
    body = a_page(
        *(an_entry(p) for p in (a_patient("1"), a_patient("2"), two, none, false)),
        an_entry({"resourceType": "Organization", "id": "o"}, "include"),
    )
    assert citizens_in(body, fhir_version="r4") == {"1": BSN, "2": BSN}
    assert citizens_in(json.dumps(a_patient("9")).encode(), fhir_version="stu3") == {"9": BSN}


def test_of_an_outcome_only_codes_leave() -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "id": "x",
        "text": {"status": "generated", "div": "<div>Truus</div>"},
        "issue": [
            {"severity": "warning", "code": "not-supported", "diagnostics": f"at {BASE}: {OTHER_BSN}"},
            {"severity": "Truus!", "details": {"text": "Truus"}},
        ],
    }
    page = check_page(
        a_page(an_entry(an_observation()), an_entry(outcome, "outcome")),
        step=a_step("home-care-reads-gp-r4", "results"),
        fhir_version="r4",
        patient_ids=frozenset({"1"}),
        bases=BASES,
        origin="own_server",
    )
    sent = write_searchset(page, public_base=PUBLIC, inner_bases=BASES.urls, next_url=None)
    assert json.loads(sent)["entry"][1] == {
        "resource": {
            "resourceType": "OperationOutcome",
            "issue": [
                {"severity": "warning", "code": "not-supported"},
                {"severity": "information", "code": "informational"},
            ],
        },
        "search": {"mode": "outcome"},
    }


def test_other_addresses_of_the_inner_server_stay_inside_too() -> None:
    words = f"{ORIGIN}/ids/1 {ORIGIN} {ORIGIN}:9 {ORIGIN}.example {BASE}/Binary/1"
    body = a_page(an_entry(an_observation(valueString=words)))
    for received in (body, body.replace(b"/", b"\\/")):
        page = check_page(
            received,
            step=a_step("home-care-reads-gp-r4", "results"),
            fhir_version="r4",
            patient_ids=frozenset({"1"}),
            bases=BASES,
            origin="own_server",
        )
        bases = (*BASES.urls, *(url.replace("/", "\\/") for url in BASES.urls))  # as outgoing.py gives them
        sent = json.loads(write_searchset(page, public_base=PUBLIC, inner_bases=bases, next_url=None))
        assert sent["entry"][0]["resource"]["valueString"] == (
            f"{HOST}/ids/1 {HOST} {ORIGIN}:9 {ORIGIN}.example {PUBLIC}/Binary/1"
        ), "another port, and a longer name, are other servers"
