"""The audit log from the terminal, against the real audit API on a log with made-up accesses."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from credentials.did.document import build_document
from credentials.did.identifier import DID
from credentials.keys import KeyId, PublicKey
from node.audit.fhir import Site
from node.audit.head import HeadKeeper
from node.audit.pseudonym import pseudonym
from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.record import Outcome
from node.audit.routes import AUDIT, ROUTES, as_request_error
from node.audit.service import AuditService
from node.audit.writer_sqlite import SqliteAuditLog
from node.cli.audit_lines import event_details, event_row, show_report
from node.web.boundary import boundary
from tests.node.audit.setting import BSN, KID, NOW, Keys, SetClock, a_log, a_record, a_sealer, change
from tests.node.cli.desk import Desk

SECRET = b"p" * 32
CITIZEN = pseudonym(SECRET, BSN)
EXPORT = "/internal/audit/v1/gouwe/export"


class Archive:
    """A node's audit log with its keys."""

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
            log=self.log, reader=SqliteAuditReader(self.log.path), heads=self.heads, keys=self.public, sites=self.site,
            sealer=a_sealer(), pseudonym_secret=SECRET, clock=self.clock,
        )  # fmt: skip
        app.add_routes(ROUTES)
        return app

    async def fill(self, count: int = 3) -> None:
        for number in range(count):
            self.clock.at = NOW + timedelta(minutes=number)
            receipt = await self.log.promise(a_record(at=self.clock.at, patient=CITIZEN))
            self.log.outcome(receipt, Outcome(state="delivered", status=200, count=2, ms=7))
        refused = a_record(at=self.clock.at, kind="refusal", decision="deny", code="not_in_use_case", query=None)
        await self.log.record(refused)


@asynccontextmanager
async def an_archive(path: Path) -> AsyncIterator[Archive]:
    clock = SetClock()
    async with a_log(path, clock=clock) as log:
        archive = Archive(log, clock)
        await archive.fill()
        yield archive


@pytest.fixture
async def archive(desk: Desk) -> AsyncIterator[Archive]:
    """A running node with a filled log."""
    (desk.directory / "data").mkdir()
    async with an_archive(desk.directory / "data" / "audit.db") as archive:
        server = TestServer(archive.app(), host="127.0.0.1")
        await server.start_server()
        desk.write_config(f"127.0.0.1:{server.port}")
        yield archive
        await server.close()


@pytest.fixture
async def closed(desk: Desk) -> Archive:
    """A filled log with a signed head, of a node that does not run."""
    (desk.directory / "data").mkdir()
    async with an_archive(desk.directory / "data" / "audit.db") as archive:
        await archive.heads.sign()
    return archive


async def test_accesses_are_listed_newest_first(desk: Desk, archive: Archive) -> None:
    ran = await desk.hazel("audit", "list")
    rows = [line.split() for line in ran.out.splitlines()[1:]]
    assert ran.code == 0
    assert [row[-2:] for row in rows] == [["deny", "not_in_use_case"], *[["permit", "delivered"]] * 3]
    assert "inbound    J. Jansen U-1001 (30.000)  Zorggroep Oever 90000102" in ran.out
    assert "ha-vvt blood-pressure search Observation" in ran.out


async def test_the_list_is_narrowed_and_goes_on_over_pages(
    desk: Desk, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.audit.PAGE", 1)
    assert len((await desk.hazel("audit", "list", "--json")).json) == 4
    assert len((await desk.hazel("audit", "list", "--json", "--count", "2")).json) == 2
    assert len((await desk.hazel("audit", "list", "--json", "--outcome", "deny")).json) == 1
    assert (await desk.hazel("audit", "list", "--json", "--peer", "90000109")).json == []
    assert (await desk.hazel("audit", "list", "--json", "--to", "2026-11-21")).json == []
    assert (await desk.hazel("audit", "list", "--count", "0")).code == 2


async def test_a_citizens_accesses_are_found_by_the_number_and_shown_without_it(desk: Desk, archive: Archive) -> None:
    ran = await desk.hazel("audit", "list", "--patient", "--json", stdin=BSN)
    assert len(ran.json) == 3
    assert BSN not in ran.out + ran.err
    assert (await desk.hazel("audit", "list", "--patient", stdin="1")).code == 2


async def test_a_parameter_that_the_node_refuses_is_told(desk: Desk, archive: Archive) -> None:
    ran = await desk.hazel("audit", "list", "--peer", "x")
    assert (ran.code, "URA" in ran.err) == (2, True)


async def test_a_record_is_shown_with_its_query(desk: Desk, archive: Archive) -> None:
    seq = (await desk.hazel("audit", "list", "--json", "--outcome", "delivered")).json[0]["id"].rpartition("-")[2]
    ran = await desk.hazel("audit", "show", seq)
    assert ran.code == 0
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    for line in (
        "query patient=abc&code=http://loinc.org|85354-9",
        f"citizen {CITIZEN}",
        "address 192.0.2.7",
        "rule consent permit: consented",
        "outcome done",
    ):
        assert line in lines
    assert (await desk.hazel("audit", "show", seq, "--lane", "main", "--json")).json["resourceType"] == "AuditEvent"
    assert (await desk.hazel("audit", "show", "9999")).code == 1
    assert (await desk.hazel("audit", "show", "x")).code == 2


async def test_a_citizens_report_says_who_what_why_and_how_it_ended(desk: Desk, archive: Archive) -> None:
    ran = await desk.hazel("audit", "report", stdin=BSN)
    assert ran.code == 0
    assert ran.out.startswith("Access report of Huisartsenpraktijk De Gouwe (URA 90000101)\n")
    assert "permitted, 0 refused, 0 in an emergency" in ran.out
    assert (
        "Zorggroep Oever 90000102  J. Jansen 30.000  ha-vvt blood-pressure search Observation  TREAT consent" in ran.out
    )
    assert "NOT COMPLETE" not in ran.out
    assert BSN not in ran.out + ran.err
    assert (await desk.hazel("audit", "report", "--json", "--from", "2030-01-01", stdin=BSN)).json["entries"] == []


def test_an_emergency_and_a_report_that_was_cut_off_stand_out(capsys: pytest.CaptureFixture[str]) -> None:
    entry = {"who": {}, "what": {}, "why": {"purpose": "BTG", "break_glass": True, "reason": "unconscious"}}
    show_report({"complete": False, "summary": {"break_glass": 1}, "entries": [entry]})
    out = capsys.readouterr().out
    assert "BTG EMERGENCY: unconscious" in out
    assert "NOT COMPLETE" in out
    show_report({"complete": True})
    assert "NOT COMPLETE" not in capsys.readouterr().out


def test_an_event_of_another_shape_is_shown_as_far_as_it_goes() -> None:
    assert event_row({}) == ("-",) * 2 + ("local",) + ("-",) * 5
    assert event_row({"agent": [3, {"who": 4}, {}], "entity": [5, {"detail": [6]}]})[2] == "outbound"
    assert dict(event_details({"entity": [{"query": "not base64"}]}))["query"] == "not base64"


async def test_that_a_report_was_made_is_recorded_with_who_made_it(desk: Desk, archive: Archive) -> None:
    await desk.hazel("audit", "report", "--user", "U-9", "--role", "01.015", stdin=BSN)
    (newest, *_) = (await desk.hazel("audit", "list", "--json", "--count", "1")).json
    assert newest["outcomeDesc"] == "log_read"
    assert newest["agent"][0]["who"]["identifier"]["value"] == "U-9"


async def test_a_running_node_is_asked_whether_its_log_is_whole(desk: Desk, archive: Archive) -> None:
    ran = await desk.hazel("audit", "verify")
    assert (ran.code, "whole: every record is as it was written" in ran.out) == (0, True)
    assert "NOT checked" not in ran.out
    change(archive.log.path, "UPDATE audit SET code = 'other' WHERE row = 'record'")
    ran = await desk.hazel("audit", "verify")
    assert ran.code == 1
    assert "TOUCHED" in ran.out
    assert (await desk.hazel("audit", "verify", "--json")).json["whole"] is False


def a_document(desk: Desk, archive: Archive) -> Path:
    file = desk.directory / "did.json"
    did = DID(KID.partition("#")[0])
    file.write_text(json.dumps(build_document(did, tuple(archive.keys.public.items()))))
    return file


async def test_an_export_is_written_whole_and_proves_itself(desk: Desk, archive: Archive) -> None:
    file = desk.directory / "export.ndjson"
    ran = await desk.hazel("audit", "export", file)
    assert (ran.code, ran.out) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    document = a_document(desk, archive)
    desk.config.unlink()  # on another machine
    ran = desk.run("audit", "verify", "--export", file, "--keys", document)
    assert (ran.code, "NOT checked" in ran.out) == (0, False)
    ran = desk.run("audit", "verify", "--export", file)
    assert (ran.code, "signatures were NOT checked" in ran.out) == (0, True)
    file.write_bytes(file.read_bytes().replace(b"permit", b"deny", 1))
    assert desk.run("audit", "verify", "--export", file, "--keys", document).code == 1


async def test_keys_of_somebody_else_do_not_vouch_for_an_export(desk: Desk, archive: Archive) -> None:
    file = desk.directory / "export.ndjson"
    await desk.hazel("audit", "export", file)
    archive.keys = Keys()
    assert desk.run("audit", "verify", "--export", file, "--keys", a_document(desk, archive)).code == 1


async def test_an_export_never_replaces_a_file(desk: Desk, archive: Archive) -> None:
    file = desk.directory / "export.ndjson"
    file.write_text("precious")
    assert (await desk.hazel("audit", "export", file)).code == 1
    assert file.read_text() == "precious"
    assert (await desk.hazel("audit", "export", desk.directory / "nowhere" / "x")).code == 1


async def test_an_export_of_a_period_without_records_writes_nothing(desk: Desk, archive: Archive) -> None:
    file = desk.directory / "export.ndjson"
    ran = await desk.hazel("audit", "export", file, "--from", "2030-01-01")
    assert (ran.code, "nothing to export" in ran.err, file.exists()) == (1, True, False)


START = b'{"type":"export","version":1}\n'


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (START + b'{"type":"row"}\n', 200, "broke off"),
        (START + b'{"type":"ro', 200, "broke off"),
        (b"<html></html>\n", 200, "not an export"),
        (
            b'{"status":503,"detail":"the audit log can not be used","remedy":"look at the disk"}',
            503,
            "look at the disk",
        ),
        (b"Unauthorized", 401, "not an export"),
    ],
)
async def test_an_export_that_is_not_whole_leaves_no_file(node: Desk, body: bytes, status: int, said: str) -> None:
    node.says("GET", EXPORT, body, status=status)
    file = node.directory / "export.ndjson"
    ran = await node.hazel("audit", "export", file)
    assert ran.code == 1
    assert said in ran.err
    assert [one.name for one in node.directory.iterdir() if "export" in one.name] == []


async def test_an_export_that_is_cut_off_on_its_way_leaves_no_file(node: Desk) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(START)
        assert request.transport is not None
        request.transport.close()
        return response

    node.answers["GET", EXPORT] = cut
    file = node.directory / "export.ndjson"
    ran = await node.hazel("audit", "export", file)
    assert (ran.code, "broke off" in ran.err, file.exists()) == (1, True, False)


def test_an_export_from_a_node_that_does_not_run_ends_with_3(desk: Desk) -> None:
    assert desk.run("audit", "export", desk.directory / "x").code == 3
    assert not (desk.directory / "x").exists()


def test_a_log_is_verified_offline_by_its_file(desk: Desk, closed: Archive) -> None:
    file = desk.directory / "data" / "audit.db"
    document = a_document(desk, closed)
    ran = desk.run("audit", "verify", "--database", file, "--keys", document)
    assert (ran.code, "whole" in ran.out) == (0, True)
    change(file, "DELETE FROM audit WHERE seq = 2")
    ran = desk.run("audit", "verify", "--database", file, "--keys", document)
    assert (ran.code, "missing" in ran.out) == (1, True)


def test_without_a_running_node_the_data_directory_is_read(desk: Desk, closed: Archive) -> None:
    ran = desk.run("audit", "verify")
    assert ran.code == 0
    assert "does not answer" in ran.err
    assert "audit.db" in ran.err
    assert "signatures were NOT checked" in ran.out  # there is no database with our keys here, and that is said
    assert not (desk.directory / "data" / "hazel.db").exists()  # looking makes nothing


def test_without_a_node_and_without_a_log_the_node_is_unreachable(desk: Desk) -> None:
    assert desk.run("audit", "verify").code == 3


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\x00 or not", b"x" * 5000])
def test_a_file_that_is_no_log_is_refused(desk: Desk, content: bytes | None) -> None:
    file = desk.directory / "some.db"
    if content is not None:
        file.write_bytes(content)
    for option in ("--database", "--export"):
        ran = desk.run("audit", "verify", option, file)
        assert ran.code == 1
        assert "Traceback" not in ran.err


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"id":"did:web:x","verificationMethod":3}'])
def test_keys_that_can_not_be_read_are_refused(desk: Desk, content: bytes | None) -> None:
    file = desk.directory / "did.json"
    if content is not None:
        file.write_bytes(content)
    assert desk.run("audit", "verify", "--export", desk.config, "--keys", file).code == 1


def test_one_thing_is_verified_at_a_time(desk: Desk) -> None:
    assert desk.run("audit", "verify", "--export", "a", "--database", "b").code == 2
