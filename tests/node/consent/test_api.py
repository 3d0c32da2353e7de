"""The consent API over HTTP (API.md §4)."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.consent import Consent as FhirConsent

from node.audit.fhir import Site
from node.audit.log import AuditLog
from node.audit.pseudonym import pseudonym
from node.audit.routes import as_request_error
from node.audit.search import AuditQuestion
from node.consent.book import ConsentBook
from node.consent.routes import CONSENTS, ROUTES
from node.consent.service import ConsentService
from node.consent.store import ConsentStore
from node.web.boundary import boundary
from tests.node.audit.setting import CountingEntropy, a_sealer
from tests.node.consent.conftest import House
from tests.node.consent.setting import BSN, OTHER_BSN, a_consent, a_provision, an_organisation

SECRET = b"p" * 32
CITIZEN = pseudonym(SECRET, BSN)
BASE = "/internal/consent/v1/gouwe"
Client = TestClient[web.Request, web.Application]


async def site(subject: str) -> Site:
    return Site(subject=subject, ura="90000101", name="De Gouwe")


async def organisations(_subject: str) -> Iterable[tuple[str, str | None, str | None]]:
    return [("90000103", "GGZ Linde", "G5")]


@pytest.fixture
async def log(house: House) -> AuditLog:
    return await house.log()


@pytest.fixture
async def client(house: House, log: AuditLog) -> AsyncIterator[Client]:
    store = ConsentStore(house.database, sealer=a_sealer("consent"), log=log)
    app = web.Application(middlewares=[boundary((), (as_request_error,))])
    app[CONSENTS] = ConsentService(
        store=store,
        book=ConsentBook(store, log, clock=house.place.clock),
        log=log,
        sites=site,
        organisations=organisations,
        pseudonym_secret=SECRET,
        clock=house.place.clock,
        entropy=CountingEntropy(),
    )
    app.add_routes(ROUTES)
    async with TestClient(TestServer(app)) as client:
        yield client


PERMIT = a_consent(a_provision("permit", actors=[an_organisation("90000102")]))


async def create(client: Client, resource: Any = PERMIT) -> dict[str, Any]:
    reply = await client.post(f"{BASE}/Consent", json=resource, headers={"Content-Type": "application/fhir+json"})
    assert reply.status == 201, await reply.text()
    created: dict[str, Any] = await reply.json()
    return created


async def test_a_consent_is_created_read_changed_and_read_again(client: Client) -> None:
    reply = await client.post(f"{BASE}/Consent", json=PERMIT)
    created = await reply.json()
    FhirConsent.model_validate(created)
    assert (reply.status, reply.content_type, reply.headers["ETag"]) == (201, "application/fhir+json", 'W/"1"')
    address = f"{BASE}/Consent/{created['id']}"
    assert reply.headers["Location"] == f"{address}/_history/1"
    assert await (await client.get(address)).json() == created
    reply = await client.put(address, json=created | {"status": "inactive"}, headers={"If-Match": 'W/"1"'})
    assert (reply.status, reply.headers["ETag"]) == (200, 'W/"2"')
    assert (await (await client.get(address)).json())["status"] == "inactive"
    assert (await (await client.get(f"{address}/_history/1")).json())["status"] == "active"


async def test_a_change_of_an_older_version_is_refused(client: Client) -> None:
    created = await create(client)
    address = f"{BASE}/Consent/{created['id']}"
    assert (await client.put(address, json=created)).status == 200
    reply = await client.put(address, json=created, headers={"If-Match": 'W/"1"'})
    assert (reply.status, (await reply.json())["code"]) == (412, "version_conflict")
    assert (await client.put(address, json=created, headers={"If-Match": "nonsense"})).status == 400


async def test_a_change_can_not_move_to_another_citizen_or_id(client: Client) -> None:
    created = await create(client)
    address = f"{BASE}/Consent/{created['id']}"
    moved = created | {
        "patient": {"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": OTHER_BSN}}
    }
    for body in (moved, created | {"id": "other"}, PERMIT):
        reply = await client.put(address, json=body)
        assert (reply.status, (await reply.json())["code"]) == (422, "invalid_consent")


async def test_unknown_consents_are_not_found(client: Client) -> None:
    assert (await client.get(f"{BASE}/Consent/none")).status == 404
    assert (await client.put(f"{BASE}/Consent/none", json=PERMIT | {"id": "none"})).status == 404
    created = await create(client)
    assert (await client.get(f"/internal/consent/v1/oever/Consent/{created['id']}")).status == 404


async def test_a_refused_resource_is_told_which_member_and_never_its_value(client: Client) -> None:
    wrong = a_consent(a_provision("permit", purpose=[{"code": "x"}]))
    reply = await client.post(f"{BASE}/Consent", json=wrong)
    problem = await reply.json()
    assert reply.status == 422
    assert "Consent.provision.purpose" in problem["detail"]
    assert BSN not in json.dumps(problem)


async def test_a_consent_at_another_holder_is_refused(client: Client) -> None:
    def held_by(ura: str) -> list[dict[str, Any]]:
        return [{"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": ura}}]

    await create(client, PERMIT | {"organization": held_by("90000101")})
    assert (await client.post(f"{BASE}/Consent", json=PERMIT | {"organization": held_by("90000102")})).status == 422


async def test_search_takes_a_pseudonym_in_the_address_and_a_number_in_a_form_only(client: Client) -> None:
    created = await create(client)
    reply = await client.get(f"{BASE}/Consent", params={"patient-id": CITIZEN})
    bundle = await reply.json()
    Bundle.model_validate(bundle)
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == [created["id"]]
    for value in (BSN, f"http://fhir.nl/fhir/NamingSystem/bsn|{BSN}"):
        refused = await client.get(f"{BASE}/Consent", params={"patient-id": value})
        assert (refused.status, (await refused.json())["code"]) == (400, "bsn_in_url")
        found = await (
            await client.post(f"{BASE}/Consent/_search", data={"patient-id": value, "status": "active"})
        ).json()
        assert found["total"] == 1
    empty = await (await client.post(f"{BASE}/Consent/_search", data={"patient-id": BSN, "status": "draft"})).json()
    assert empty == {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert (await client.get(f"{BASE}/Consent")).status == 400


async def test_who_may_says_per_organisation_and_category_what_is_allowed_and_why(client: Client) -> None:
    created = await create(client)
    for reply in (
        await client.get(f"{BASE}/who-may", params={"patient-id": CITIZEN}),
        await client.post(f"{BASE}/who-may", data={"patient-id": BSN}),
    ):
        body = await reply.json()
        assert BSN not in json.dumps(body)
        lines = {
            (entry["organisation"]["ura"], entry["category"]): (entry["decision"], entry["basis"], entry["consent"])
            for entry in body["entries"]
        }
        assert lines["90000102", "GGC013"] == ("permit", "consent", created["id"])
        assert lines["90000103", "GGC002"] == ("not_applicable", None, None)
    assert (await client.get(f"{BASE}/who-may", params={"patient-id": BSN})).status == 400


async def test_every_change_is_in_the_audit_log_with_how_it_ended(client: Client, house: House, log: AuditLog) -> None:
    created = await create(client)
    address = f"{BASE}/Consent/{created['id']}"
    await client.put(address, json=created, headers={"If-Match": 'W/"7"'})
    await log.aclose()
    page = await (await house.place.reader()).find(AuditQuestion(subject="gouwe", patient=CITIZEN))
    assert [
        (found.body["kind"], found.body["interaction"], found.ended and found.ended["code"])
        for found in reversed(page.entries)
    ] == [
        ("consent", f"create Consent/{created['id']}", "done"),
        ("consent", f"update Consent/{created['id']}", "refused"),
    ]


async def test_without_an_audit_log_nothing_is_changed(client: Client, log: AuditLog) -> None:
    created = await create(client)
    await log.aclose()
    address = f"{BASE}/Consent/{created['id']}"
    assert (await client.put(address, json=created | {"status": "inactive"})).status == 503
    assert (await (await client.get(address)).json())["status"] == "active"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":1,"a":2}', b"x" * 70_000])
async def test_a_body_that_is_not_a_resource_is_refused(client: Client, body: bytes) -> None:
    reply = await client.post(f"{BASE}/Consent", data=body, headers={"Content-Type": "application/fhir+json"})
    assert reply.status in (400, 413, 422)
