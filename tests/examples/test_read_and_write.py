"""Read, write, metadata and the token."""

from typing import Any

import pytest

from .conftest import Ehr, StartEhr, ids


async def test_a_read_has_an_etag_and_a_date(gouwe: Ehr) -> None:
    async with gouwe.client.get("/r4/Patient/10421") as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] == 'W/"1"'
        assert answer.headers["Last-Modified"] == "Mon, 06 Jan 2025 08:19:00 GMT"
        assert answer.content_type == "application/fhir+json"
    async with gouwe.client.get("/r4/Patient/10421", headers={"If-None-Match": 'W/"1"'}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize(
    "path", ["/Patient/none", "/Nonsense/1", "/Patient/10421/_history/7", "/nowhere/at/all/here/x"]
)
async def test_what_is_not_there_is_an_outcome(gouwe: Ehr, path: str) -> None:
    assert (await gouwe.get(path, status=404))["resourceType"] == "OperationOutcome"


async def test_percent_encoded_ids_are_read(oever: Ehr) -> None:
    assert (await oever.get("/Patient/Client%2E5b1f0a77%2D135"))["id"] == "Client.5b1f0a77-135"


@pytest.mark.parametrize(("key", "version", "release"), [("gouwe", "r4", "4.0.1"), ("oever", "stu3", "3.0.2")])
async def test_metadata_says_what_it_can_do(start_ehr: StartEhr, key: str, version: str, release: str) -> None:
    from examples.region.ehr.validation import _module

    ehr = await start_ehr(key, version, token="secret")
    statement = await ehr.get("/metadata")
    assert statement["fhirVersion"] == release
    getattr(_module("CapabilityStatement", ehr.fhir), "CapabilityStatement").model_validate(statement)  # noqa: B009  # untyped
    observation = next(one for one in statement["rest"][0]["resource"] if one["type"] == "Observation")
    assert {"_profile", "patient", "category", "date"} <= {one["name"] for one in observation["searchParam"]}
    assert "Observation:patient" in observation["searchInclude"]


async def test_with_a_token_nobody_else_gets_in(start_ehr: StartEhr) -> None:
    ehr = await start_ehr("gouwe", "r4", token="secret")
    await ehr.get("/Patient/10421", status=401)
    for header, status in (("Bearer secret", 200), ("Bearer other", 401), ("secret", 401), ("Bearer sécret", 401)):
        async with ehr.client.get("/r4/Patient/10421", headers={"Authorization": header}) as answer:
            assert answer.status == status


def _a_flag(**members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Flag",
        "id": "new-1",
        "status": "active",
        "code": {"text": "nieuw"},
        "subject": {"reference": "Patient/10421"},
        **members,
    }


async def test_what_is_put_is_found_and_what_is_deleted_is_gone(gouwe: Ehr) -> None:
    async with gouwe.client.put("/r4/Flag/new-1", json=_a_flag()) as answer:
        assert answer.status == 201
    assert "Flag/new-1" in ids(await gouwe.get("/Flag?patient=10421"))
    async with gouwe.client.put("/r4/Flag/new-1", json=_a_flag(status="inactive")) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] == 'W/"2"'
    async with gouwe.client.delete("/r4/Flag/new-1") as answer:
        assert answer.status == 204
    assert "Flag/new-1" not in ids(await gouwe.get("/Flag?patient=10421"))
    assert (await gouwe.get("/Flag/new-1", status=410))["issue"][0]["code"] == "deleted"


async def test_a_created_resource_gets_an_id(gouwe: Ehr) -> None:
    async with gouwe.client.post("/r4/Flag", json=_a_flag()) as answer:
        assert answer.status == 201
        made = await answer.json(content_type=None)
    assert made["id"] != "new-1"
    assert made["meta"]["lastUpdated"].startswith("2026-11-17T09:30:00")


async def test_a_stale_if_match_is_a_conflict(gouwe: Ehr) -> None:
    await gouwe.get("/Flag/alert-1001")
    async with gouwe.client.put(
        "/r4/Flag/alert-1001", json=_a_flag(id="alert-1001"), headers={"If-Match": 'W/"9"'}
    ) as answer:
        assert answer.status == 409


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ({"resourceType": "Flag", "id": "new-1"}, 422),
        (_a_flag(id="other"), 400),
        ({"resourceType": "Patient"}, 400),
        ([], 400),
    ],
)
async def test_what_is_not_sound_is_not_written(gouwe: Ehr, resource: object, status: int) -> None:
    async with gouwe.client.put("/r4/Flag/new-1", json=resource) as answer:
        assert answer.status == status
    await gouwe.get("/Flag/new-1", status=404)
