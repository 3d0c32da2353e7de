"""The record system misbehaves on request, and only where it was told to."""

import asyncio
import json
import time

import pytest

from .conftest import Ehr, ids, next_link

TRUUS = "10421"


async def test_it_behaves_until_told_otherwise_and_after_none(gouwe: Ehr) -> None:
    async with gouwe.client.get("/control") as answer:
        assert (await answer.json())["misbehave"] == "none"
    await gouwe.control(misbehave="error_500")
    await gouwe.get("/Flag", status=500)
    await gouwe.control(misbehave="none")
    await gouwe.get("/Flag")


async def test_it_can_be_limited_to_paths(gouwe: Ehr) -> None:
    await gouwe.control(misbehave="error_500", paths=["/r4/Observation"])
    await gouwe.get("/Flag")
    outcome = await gouwe.get("/Observation", status=500)
    assert outcome["resourceType"] == "OperationOutcome"


async def test_slow_takes_its_time(gouwe: Ehr) -> None:
    await gouwe.control(misbehave="slow", delay_ms=80)
    begin = time.monotonic()
    await gouwe.get(f"/Flag?patient={TRUUS}")
    assert time.monotonic() - begin >= 0.08


async def test_silent_never_answers(gouwe: Ehr) -> None:
    await gouwe.control(misbehave="silent")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(gouwe.get("/Flag"), 0.1)
    async with gouwe.client.get("/control") as answer:
        assert answer.status == 200


async def test_wrong_patient_adds_somebody_elses_resource(gouwe: Ehr) -> None:
    await gouwe.control(misbehave="wrong_patient")
    found = await gouwe.get(f"/Observation?patient={TRUUS}&_count=3")
    subjects = [entry["resource"]["subject"]["reference"] for entry in found["entry"]]
    assert subjects[:3] == [f"Patient/{TRUUS}"] * 3
    assert subjects[3] != f"Patient/{TRUUS}"
    assert found["entry"][3]["search"]["mode"] == "match"


async def test_wrong_patient_makes_one_up_where_there_is_no_other(oever: Ehr) -> None:
    await oever.control(misbehave="wrong_patient")
    found = await oever.get("/Observation?patient=Client.5b1f0a77-135&_count=1")
    assert [entry["resource"]["subject"]["reference"] for entry in found["entry"]][1] == "Patient/99999"
    patients = await oever.post("/Patient/_search", "identifier=999990135")
    assert len(ids(patients)) == 2
    assert "999990135" not in json.dumps(patients["entry"][1])


async def test_broken_json_breaks_off_under_a_good_status(gouwe: Ehr) -> None:
    await gouwe.control(misbehave="broken_json")
    async with gouwe.client.get("/r4/Flag") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/fhir+json"
        with pytest.raises(ValueError):
            json.loads(await answer.read())


async def test_endless_pages_always_have_a_next_one(oever: Ehr) -> None:
    await oever.control(misbehave="endless_pages", paths=["/stu3/Flag"])
    page = await oever.get("/Flag?_count=2")
    for _ in range(5):
        url = next_link(page)
        assert url is not None
        page = await oever.follow(url)
        assert len(ids(page)) == 2


async def test_html_is_a_login_page_with_status_200(gouwe: Ehr) -> None:
    await gouwe.control(misbehave="html")
    async with gouwe.client.get("/r4/Flag") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"misbehave": "badly"}',
        b'{"misbehave": "slow", "delay_ms": -1}',
        b'{"misbehave": "slow", "delay_ms": true}',
        b'{"misbehave": "slow", "paths": [1]}',
        b'{"misbehave": "slow", "paths": "r4"}',
        b'{"misbehave": "slow", "for": 3}',
    ],
)
async def test_a_wrong_order_is_refused_and_changes_nothing(gouwe: Ehr, body: bytes) -> None:
    async with gouwe.client.post("/control", data=body) as answer:
        assert answer.status == 400
        assert "error" in await answer.json()
    await gouwe.get("/Flag")


async def test_control_shows_what_was_asked(gouwe: Ehr) -> None:
    await gouwe.get(f"/Flag?patient={TRUUS}")
    async with gouwe.client.get("/control") as answer:
        seen = await answer.json()
    assert seen["requests"] == 1
    assert seen["recent"] == [f"GET /r4/Flag?patient={TRUUS}"]
