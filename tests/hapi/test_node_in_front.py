"""The node in front of a FHIR server that nobody here wrote, with a second patient's data present."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from examples.region.hapi import load
from tests.hapi.family import ASKED, BSN, OTHER
from tests.hapi.two_nodes import BSN_SYSTEM, USER, TwoNodes, two_nodes

pytestmark = [
    pytest.mark.hapi,
    pytest.mark.timeout(900),  # the first test of a run waits for HAPI to start
    pytest.mark.xdist_group("hapi"),
    pytest.mark.asyncio(loop_scope="module"),
]

SCT = "http://snomed.info/sct"
PAGES = 12  # more than HAPI puts on one page


def _medication(patient: str) -> Iterator[dict[str, Any]]:
    for number in range(PAGES):
        yield {
            "resourceType": "MedicationRequest",
            "id": f"{patient}-medication-{number}",
            "status": "active",
            "intent": "order",
            "category": [{"coding": [{"system": SCT, "code": "16076005"}]}],
            "medicationCodeableConcept": {"text": f"metoprolol for {patient}"},
            "subject": {"reference": f"Patient/{patient}"},
            "authoredOn": f"2026-11-{number + 1:02}",
        }


def _care_team(patient: str) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": f"{patient}-team",
        "status": "active",
        "subject": {"reference": f"Patient/{patient}"},
        "participant": [
            {"member": {"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "90000103"}}}
        ],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nodes(hapi_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwoNodes]:
    load(hapi_server, [*_medication(ASKED), *_medication(OTHER), _care_team(ASKED)])
    async with two_nodes(Path(tmp_path_factory.mktemp("two nodes")), hapi_server) as running:
        yield running


def _lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


async def test_a_question_is_answered_over_all_pages_and_only_about_the_patient(nodes: TwoNodes) -> None:
    question = {
        "patient": {"system": BSN_SYSTEM, "value": BSN[ASKED]},
        "user": USER,
        "purpose": "TREAT",
        "holders": ["90000105"],
    }
    answer = await nodes.call("/exchange/v1/linde/medication", question)
    lines = _lines(answer.body)
    agreements = [line for line in lines if line["type"] == "resource" and line["step"] == "medication-agreements"]
    assert lines[-1]["type"] == "end"
    assert lines[-1]["complete"], lines[-1]
    assert len(agreements) == PAGES
    assert {line["resource"]["subject"]["reference"] for line in agreements} == {f"Patient/{ASKED}"}
    assert OTHER not in answer.body.decode()


async def test_a_patient_whose_care_team_does_not_name_us_is_answered_as_unknown(nodes: TwoNodes) -> None:
    token = await nodes.token()
    known = await nodes.fhir(token, "POST", "Patient/_search", form=f"identifier={BSN_SYSTEM}|{BSN[OTHER]}")
    unknown = await nodes.fhir(token, "POST", "Patient/_search", form=f"identifier={BSN_SYSTEM}|999990160")
    assert (known.status, known.body) == (unknown.status, unknown.body) == (200, known.body)
    assert "entry" not in json.loads(known.body)


@pytest.mark.parametrize(
    ("method", "target", "form"),
    [
        ("GET", f"MedicationRequest?patient={ASKED},{OTHER}&category={SCT}|16076005&_include=MedicationRequest:medication", None),
        ("GET", f"MedicationRequest?patient={OTHER}&category={SCT}|16076005&_include=MedicationRequest:medication", None),
        ("GET", f"MedicationRequest?patient={ASKED}&category={SCT}|16076005", None),
        (
            "GET",
            (
                f"MedicationRequest?patient={ASKED}&category={SCT}|16076005&_include=MedicationRequest:medication"
                "&_revinclude=Observation:based-on"
            ),
            None,
        ),
        ("GET", f"MedicationRequest?patient.name={OTHER}", None),
        ("GET", "MedicationRequest", None),
        ("GET", f"Patient/{ASKED}/$everything", None),
        ("GET", f"Patient?_id={ASKED}&_revinclude=Patient:link", None),
        ("GET", f"Patient?_id={ASKED}&_include=*", None),
        ("GET", f"Patient/{OTHER}", None),
        ("GET", f"Observation?patient={ASKED}", None),
        ("GET", "Observation/$lastn?max=1", None),
        ("GET", f"Patient?_has:Observation:patient:code={OTHER}", None),
        ("GET", "?_getpages=00000000-0000-0000-0000-000000000000", None),
        ("POST", f"MedicationRequest/_search?patient={OTHER}", f"category={SCT}|16076005"),
        ("POST", f"Patient/_search?identifier={BSN_SYSTEM}|{BSN[OTHER]}", f"identifier={BSN_SYSTEM}|{BSN[ASKED]}"),
        ("POST", "Patient/_search", f"identifier={BSN_SYSTEM}|{BSN[ASKED]},{BSN_SYSTEM}|{BSN[OTHER]}"),
        ("POST", "", '{"resourceType":"Bundle","type":"batch"}'),
    ],
)  # fmt: skip
async def test_nothing_of_the_other_patient_comes_out_whatever_is_asked(
    nodes: TwoNodes, method: str, target: str, form: str | None
) -> None:
    answer = await nodes.fhir(await nodes.token(), method, target.replace("|", "%7C"), form=form)
    assert answer.status in (400, 403), answer.status
    assert OTHER not in answer.body.decode()
    assert json.loads(answer.body)["resourceType"] == "OperationOutcome"


async def test_a_paging_link_is_ours_and_shows_nothing_of_the_server_behind(nodes: TwoNodes, hapi_server: str) -> None:
    token = await nodes.token()
    query = f"MedicationRequest?patient={ASKED}&category={SCT}%7C16076005&_include=MedicationRequest:medication"
    first = await nodes.fhir(token, "GET", query)
    assert first.status == 200
    assert hapi_server not in first.body.decode()
    assert "_getpages" not in first.body.decode()
    link = json.loads(first.body)["link"][0]["url"].partition("/r4/")[2]
    second = await nodes.fhir(token, "GET", link)
    assert len(json.loads(first.body)["entry"]) + len(json.loads(second.body)["entry"]) == PAGES
    other = await nodes.fhir(await _other_token(nodes), "GET", link)
    assert other.status == 403


async def _other_token(nodes: TwoNodes) -> tuple[str, str]:
    """Return a token of another grant: another person, the same organisation."""
    answer = await nodes.call(
        "/auth/v2/linde/request-service-access-token",
        {
            "authorization_server": f"{nodes.holder}/oauth2/hofstede",
            "scope": "medicatieoverdracht-gf",
            "credentials": [
                {
                    "@context": ["https://www.w3.org/2018/credentials/v1", "https://nuts.nl/credentials/v1"],
                    "type": ["VerifiableCredential", "NutsEmployeeCredential"],
                    "credentialSubject": {"identifier": "U-3002", "name": "Q. Bos", "roleName": "01.016"},
                }
            ],
        },
    )
    token = json.loads(answer.body)
    return token["access_token"], token["dpop_kid"]
