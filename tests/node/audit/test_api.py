"""The audit API over HTTP (API.md §4), on a log with made-up accesses."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle

from credentials.keys import KeyId, PublicKey
from node.audit.export import verify_export
from node.audit.fhir import Site
from node.audit.head import HeadKeeper, SignedHead
from node.audit.pseudonym import pseudonym
from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.record import Outcome
from node.audit.routes import AUDIT, ROUTES, as_request_error
from node.audit.rules import RuleOutcome
from node.audit.service import AuditService
from node.audit.writer_sqlite import SqliteAuditLog
from node.web.boundary import boundary
from tests.node.audit.places import DELIVERED
from tests.node.audit.setting import BSN, NOW, Keys, SetClock, a_log, a_record, a_sealer

SECRET = b"p" * 32
CITIZEN = pseudonym(SECRET, BSN)
BASE = "/internal/audit/v1/gouwe"
BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"
Client = TestClient[web.Request, web.Application]


class House:
    """An audit log with a few accesses and the API in front of it."""

    def __init__(self, log: SqliteAuditLog, clock: SetClock) -> None:
        self.log = log
        self.clock = clock
        self.keys = Keys()
        self.heads = HeadKeeper(log, self.keys.signing, clock=clock)

    async def site(self, subject: str) -> Site:
        return Site(subject=subject, ura="90000101", name="Huisartsenpraktijk De Gouwe")

    async def public(self) -> Mapping[KeyId, PublicKey]:
        return self.keys.public

    def app(self) -> web.Application:
        app = web.Application(middlewares=[boundary((), (as_request_error,))])
        app[AUDIT] = AuditService(
            log=self.log,
            reader=SqliteAuditReader(self.log.path),
            heads=self.heads,
            keys=self.public,
            sites=self.site,
            sealer=a_sealer(),
            pseudonym_secret=SECRET,
            clock=self.clock,
        )
        app.add_routes(ROUTES)
        return app


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = SetClock()
    async with a_log(tmp_path / "audit.db", clock=clock) as log:
        house = House(log, clock)
        for minute in range(5):
            clock.at = NOW + timedelta(minutes=minute)
            log.outcome(await log.promise(a_record(at=clock.at, patient=CITIZEN, query=f"code=hiv&x={BSN}")), DELIVERED)
        clock.at = NOW + timedelta(minutes=10)
        await log.record(
            a_record(
                kind="refusal",
                at=clock.at,
                patient=CITIZEN,
                decision="deny",
                code="objection",
                peer_ura="90000103",
                peer_name="GGZ Linde",
                reference="R-1",
            )
        )
        glass = RuleOutcome(rule="break_glass", outcome="permit", code="broken", message="emergency")
        log.outcome(
            await log.promise(
                a_record(at=clock.at, patient=CITIZEN, purpose="BTG", reason="bewusteloos", rules=(glass,))
            ),
            Outcome(state="failed", status=502),
        )
        await log.record(a_record(at=clock.at, subject="oever", patient=CITIZEN, user_name="Geheim"))
        await log.record(a_record(at=clock.at, patient="k1.BBBBBBBBBBBBBBBBBBBBBB", kind="token", peer_ura=None))
        yield house


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    async with TestClient(TestServer(house.app())) as client:
        yield client


async def get(client: Client, path: str, **parameters: str) -> tuple[int, Any]:
    reply = await client.get(BASE + path, params=parameters)
    return reply.status, await reply.json()


async def post(client: Client, path: str, **form: str) -> tuple[int, Any]:
    reply = await client.post(BASE + path, data=form)
    return reply.status, await reply.json()


def events(bundle: Any) -> list[Any]:
    Bundle.model_validate(bundle)
    return [entry["resource"] for entry in bundle.get("entry", ())]


async def test_the_log_is_read_newest_first_as_audit_events_that_are_valid_fhir(client: Client) -> None:
    status, bundle = await get(client, "")
    assert status == 200
    found = events(bundle)
    assert len(found) == 8
    for event in found:
        AuditEvent.model_validate(event)
    assert [event["recorded"] for event in found] == sorted((event["recorded"] for event in found), reverse=True)


async def test_an_audit_event_says_what_nen_7513_asks(client: Client) -> None:
    _, bundle = await post(client, "/_search", **{"patient-id": BSN, "outcome": "delivered", "_count": "1"})
    (event,) = events(bundle)
    user, peer, own = event["agent"]
    assert (user["who"]["identifier"]["value"], user["name"], user["requestor"]) == ("U-1001", "J. Jansen", True)
    assert user["role"][0]["coding"][0] == {"system": "http://fhir.nl/fhir/NamingSystem/uzi-rolcode", "code": "30.000"}
    assert peer["who"]["identifier"] == {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "90000102"}
    assert peer["network"] == {"address": "192.0.2.7", "type": "2"}
    assert own["who"]["identifier"]["value"] == "90000101"
    assert [agent["requestor"] for agent in event["agent"]] == [True, False, False]
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    assert (event["action"], event["subtype"][0]["code"], event["outcome"]) == ("E", "search-type", "0")
    assert event["source"]["site"] == "90000101"
    assert event["entity"][0]["what"]["identifier"]["value"] == CITIZEN
    details = {detail["type"]: detail["valueString"] for detail in event["entity"][1]["detail"]}
    assert (details["usecase"], details["rule consent"], details["count"]) == ("ha-vvt", "permit: consented", "3")
    assert event["period"]["start"] <= event["period"]["end"]
    assert "query" not in event["entity"][1]


async def test_pages_follow_each_other_without_gap_or_repeat(client: Client) -> None:
    seen: list[str] = []
    reply = await client.get(BASE, params={"_count": "3"})
    bundle = await reply.json()
    while True:
        seen += [event["id"] for event in events(bundle)]
        following = [link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"]
        if not following:
            break
        bundle = await (await client.get(following[0])).json()
    assert len(seen) == 8
    assert len(set(seen)) == 8


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({}, 8), ({"peer": "90000103"}, 1), ({"peer": "http://fhir.nl/fhir/NamingSystem/ura|90000102"}, 6), ({"outcome": "deny"}, 1),
        ({"outcome": "permit"}, 7), ({"outcome": "0"}, 6), ({"outcome": "4"}, 1), ({"outcome": "8"}, 1), ({"outcome": "failed"}, 1),
        ({"from": "2026-11-22T12:02:00Z"}, 6), ({"to": "2026-11-22T12:02:00+00:00"}, 2), ({"from": "2026-11-23"}, 0),
        ({"from": "2026-11-22", "to": "2026-11-23"}, 8), ({"patient-id": CITIZEN}, 7),
        ({"patient-id": f"urn:hazel:patient-pseudonym|{CITIZEN}"}, 7),
    ],
)  # fmt: skip
async def test_filters_narrow(client: Client, parameters: dict[str, str], count: int) -> None:
    for bundle in ((await get(client, "", **parameters))[1], (await post(client, "/_search", **parameters))[1]):
        assert len(events(bundle)) == count


@pytest.mark.parametrize("value", [BSN, f"{BSN_SYSTEM}|{BSN}", "123456782", f"x{BSN}"])
async def test_a_citizen_number_in_an_address_is_refused_with_the_remedy(client: Client, value: str) -> None:
    for reply in (
        await client.get(BASE, params={"patient-id": value}),
        await client.post(f"{BASE}/_search", params={"patient-id": value}, data={"_count": "1"}),
    ):
        problem = await reply.json()
        assert (reply.status, problem["code"]) == (400, "bsn_in_url")
        assert "_search" in problem["remedy"]
        assert value not in json.dumps(problem)


@pytest.mark.parametrize("value", [BSN, f"{BSN_SYSTEM}|{BSN}"])
async def test_a_citizen_number_in_a_form_is_welcome_and_links_hold_a_pseudonym(client: Client, value: str) -> None:
    status, bundle = await post(client, "/_search", **{"patient-id": value, "_count": "2"})
    assert status == 200
    assert BSN not in json.dumps(bundle)
    assert CITIZEN in bundle["link"][0]["url"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"unknown": "1"}, {"from": "gisteren"}, {"from": "2026-11-22T12:00:00"}, {"to": "2026-13-01"}, {"_count": "0"}, {"_count": "-1"},
        {"_count": "9" * 5_000}, {"_cursor": "x"}, {"_cursor": "W10"}, {"_cursor": "e30"}, {"peer": "1"}, {"outcome": "a b"},
        {"outcome": "delivred"},
        {"patient-id": "x"},
        {"patient-id": f"http://other|{CITIZEN}"}, {"from": "0001-01-01T00:00:00+23:00"},
    ],
)  # fmt: skip
async def test_what_we_do_not_understand_is_refused(client: Client, parameters: dict[str, str]) -> None:
    reply = await client.post(f"{BASE}/_search", data=parameters)
    assert reply.status == 400
    assert (await reply.json())["code"]


async def test_a_parameter_given_twice_is_refused(client: Client) -> None:
    assert (await client.get(f"{BASE}?peer=90000102&peer=90000103")).status == 400


async def test_other_organisations_of_this_node_see_their_own_log(client: Client) -> None:
    reply = await client.get("/internal/audit/v1/oever")
    assert [event["agent"][0]["name"] for event in events(await reply.json())] == ["Geheim"]
    assert events(await (await client.get("/internal/audit/v1/nobody")).json()) == []


async def test_one_record_is_opened_with_its_query_and_that_is_recorded(client: Client) -> None:
    _, bundle = await get(client, "", outcome="delivered", _count="1")
    lane, seq = events(bundle)[0]["id"].split("-")
    reply = await client.get(f"{BASE}/entries/{seq}", params={"lane": lane})
    event = await reply.json()
    AuditEvent.model_validate(event)
    assert base64.b64decode(event["entity"][1]["query"]) == b"code=hiv&x=[bsn]"
    newest = events((await get(client, "", _count="1"))[1])[0]
    assert newest["type"]["code"] == "110101"
    assert (await client.get(f"{BASE}/entries/999999")).status == 404
    assert (await client.get(f"/internal/audit/v1/oever/entries/{seq}")).status == 404


def a_request(**more: Any) -> dict[str, Any]:
    return {"patient": {"system": BSN_SYSTEM, "value": BSN}, **more}


async def test_a_citizen_sees_who_looked_when_why_and_what_was_refused(client: Client) -> None:
    reply = await client.post(f"{BASE}/report", json=a_request(user={"name": "P. Officer"}))
    assert reply.status == 200
    report = await reply.json()
    assert BSN not in json.dumps(report)
    assert report["complete"] is True
    assert (report["summary"]["permitted"], report["summary"]["refused"], report["summary"]["break_glass"]) == (7, 1, 1)
    looked = [entry for entry in report["entries"] if entry["kind"] == "report"]
    assert [entry["who"]["user"] for entry in looked] == [
        "P. Officer"
    ]  # this report is in it: reading the log is an access
    (refused,) = [entry for entry in report["entries"] if entry["decision"] == "deny"]
    assert (refused["who"]["organisation"], refused["code"]) == ("GGZ Linde", "objection")
    (broken,) = [entry for entry in report["entries"] if entry["why"]["break_glass"]]
    assert (broken["why"]["reason"], broken["why"]["basis"], broken["outcome"]) == (
        "bewusteloos",
        "break_glass",
        "failed",
    )
    given = next(entry for entry in report["entries"] if entry["outcome"] == "delivered")
    assert (given["why"]["basis"], given["why"]["purpose"], given["what"]["count"]) == ("consent", "TREAT", 3)
    assert "hiv" not in json.dumps(report)


async def test_a_report_is_a_valid_fhir_bundle_when_fhir_is_asked_for(client: Client) -> None:
    reply = await client.post(f"{BASE}/report", json=a_request(), headers={"Accept": "application/fhir+json"})
    assert reply.content_type == "application/fhir+json"
    found = events(await reply.json())
    assert len(found) == 8
    for event in found:
        AuditEvent.model_validate(event)


async def test_a_period_narrows_a_report_and_nothing_is_an_empty_one(client: Client) -> None:
    asked = a_request(**{"from": "2026-11-22T12:01:00Z", "to": "2026-11-22T12:03:00Z"})
    assert len((await (await client.post(f"{BASE}/report", json=asked)).json())["entries"]) == 2
    asked = {"patient": {"system": BSN_SYSTEM, "value": "176286603"}, "to": "2020-01-01"}
    reply = await client.post(f"{BASE}/report", json=asked, headers={"Accept": "application/fhir+json"})
    assert events(await reply.json()) == []


async def test_a_long_report_says_that_it_was_cut_off(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.audit.service.MAX_ENTRIES", 3)
    monkeypatch.setattr("node.audit.service.MAX_COUNT", 2)
    report = await (await client.post(f"{BASE}/report", json=a_request())).json()
    assert (report["complete"], len(report["entries"])) == (False, 3)
    reply = await client.post(f"{BASE}/report", json=a_request(), headers={"Accept": "application/fhir+json"})
    resources = events(await reply.json())
    assert [resource["resourceType"] for resource in resources].count("OperationOutcome") == 1


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"patient": BSN}, {"patient": {"system": BSN_SYSTEM}}, {"patient": {"system": "x", "value": BSN}}, a_request(more=1),
        a_request(**{"from": 3}), a_request(user="x"), {"patient": {"system": BSN_SYSTEM, "value": "12345678"}},
    ],
)  # fmt: skip
async def test_a_report_request_that_we_do_not_understand_is_refused_without_quoting_it(
    client: Client, body: Any
) -> None:
    reply = await client.post(f"{BASE}/report", json=body)
    assert reply.status == 400
    assert BSN not in await reply.text()


async def test_a_report_in_a_shape_that_we_do_not_have_is_refused(client: Client) -> None:
    reply = await client.post(f"{BASE}/report", json=a_request(), headers={"Accept": "application/pdf"})
    assert reply.status == 406


async def test_the_head_is_signed_and_covers_everything(client: Client, house: House) -> None:
    _, head = await get(client, "/head")
    signed = SignedHead.parse(head["jws"])
    signed.verify(house.keys.public)
    assert (signed.seq, signed.hash.hex(), signed.lane) == (head["seq"], head["hash"], head["lane"])
    assert (await get(client, "/head"))[1] == head  # nothing happened since


async def test_an_export_verifies_without_the_database(client: Client, house: House) -> None:
    reply = await client.get(f"{BASE}/export")
    assert reply.content_type == "application/x-ndjson"
    lines = (await reply.read()).splitlines(keepends=True)
    report = verify_export(lines, house.keys.public)
    assert report.is_whole, report.findings
    assert b"hiv" not in b"".join(lines)
    assert BSN.encode() not in b"".join(lines)
    assert b"Geheim" not in b"".join(lines)


async def test_the_running_log_can_be_verified(client: Client) -> None:
    reply = await client.post(f"{BASE}/verify")
    report = await reply.json()
    assert (report["whole"], report["signatures_checked"], report["lanes"][0]["unsigned"]) == (True, True, 0)


async def test_a_log_that_can_not_be_written_gives_no_report(client: Client, house: House) -> None:
    await house.log.aclose()
    reply = await client.post(f"{BASE}/report", json=a_request())
    problem = await reply.json()
    assert (reply.status, problem["code"]) == (503, "audit_unavailable")
    assert problem["remedy"]


async def test_nothing_sensitive_is_on_the_disk(house: House) -> None:
    await house.heads.sign()
    await house.log.aclose()
    disk = b"".join(file.read_bytes() for file in house.log.path.parent.iterdir() if file.is_file())
    for secret in (BSN.encode(), b"hiv", b"bewusteloos"):
        assert secret not in disk
