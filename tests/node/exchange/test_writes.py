"""Writes that a use case names: about one patient who may be written about, in the version that the peer saw, and nothing else."""

import json
from typing import Any

import pytest

from node.exchange.incoming import Reply
from node.exchange.outcome import as_operation_outcome
from node.ports import HttpRequest, HttpResponse
from node.usecases.model import Step, UseCase, Write
from node.web.replies import RequestError
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.setting import OBJECTION, PUBLIC_BASE, Holder, Peer, a_holder, book_with
from tests.support.fhir_server import fhir, searchset

TITLE = {"nl": "Taken", "en": "Tasks"}
PROFILE = "http://example.org/report"
JSON = "application/fhir+json"


def with_writes(usecase: UseCase) -> UseCase:
    tasks = Step.model_validate(
        {
            "id": "tasks",
            "title": TITLE,
            "request": "GET Task",
            "send": ["patient={patient}"],
            "binds": {"task": ["Task.id"]},
            "types": {"matched": ["Task"]},
        }
    )
    writes = tuple(
        Write.model_validate({"title": TITLE, **each})
        for each in (
            {"id": "report", "request": "POST Observation", "profiles": [PROFILE]},
            {"id": "task-update", "request": "PUT Task/{task}"},
        )
    )
    tables = tuple(
        table.model_copy(update={"steps": (*table.steps, tasks), "writes": writes}) for table in usecase.tables
    )
    return usecase.model_copy(update={"tables": tables, "break_the_glass": "offered", "purposes": ("TREAT", "BTG")})


def a_report(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "meta": {"profile": [PROFILE]},
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "valueString": "clinical words",
        **more,
    }


def a_task(patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": "t1",
        "status": "completed",
        "for": {"reference": f"Patient/{patient}"},
        **more,
    }


class Server:
    """Makes what is posted, changes what is put, in version 2."""

    def __init__(self, holder: Holder) -> None:
        self.status = 201
        self.received: list[HttpRequest] = []
        self.tampered: dict[str, Any] = {}
        self.tasks = [a_task(status="requested")]
        holder.server.instead |= {"Observation": self.write, "Task": self.write}

    async def write(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET":
            return searchset(*self.tasks)
        self.received.append(request)
        if self.status not in (200, 201):
            return fhir({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "clinical"}]}, self.status)
        made = {"id": "o9", **json.loads(request.body or b""), **self.tampered}
        answer = fhir(made, self.status)
        return HttpResponse(status=self.status, headers={**answer.headers, "etag": 'W/"2"'}, body=answer.body)


@pytest.fixture
def holder() -> Holder:
    return a_holder(usecases=book_with(with_writes))


@pytest.fixture
def server(holder: Holder) -> Server:
    return Server(holder)


@pytest.fixture
async def peer(holder: Holder, server: Server) -> Peer:
    return await holder.peer()


async def create(peer: Peer, resource: Any, *, path: str = "Observation", **more: Any) -> Reply:
    body = resource if isinstance(resource, str) else json.dumps(resource)
    return await peer.ask("POST", path, "", body, **{"content_type": JSON, **more})


async def change(
    peer: Peer, resource: Any, *, version: str | None = 'W/"1"', path: str = "Task/t1", **more: Any
) -> Reply:
    tags = (version,) if version is not None else ()
    return await peer.ask("PUT", path, "", json.dumps(resource), content_type=JSON, if_match=tags, **more)


async def refused(work: Any) -> tuple[int, str]:
    with pytest.raises(RequestError) as found:
        await work
    shown = as_operation_outcome(found.value).body
    assert b"clinical" not in shown
    return found.value.status, found.value.code


OTHERS = {
    "of another patient": (a_report(subject={"reference": "Patient/p2"}), "no_legal_basis"),
    "of nobody here": (a_report(subject={"reference": "Patient/nobody"}), "patient_not_in_care"),
    "without a patient": (a_report(subject=None), "write_without_patient"),
    "by number alone": (
        a_report(subject={"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": BSN}}),
        "write_without_patient",
    ),
    "elsewhere": (a_report(subject={"reference": "http://elsewhere/fhir/Patient/p1"}), "write_without_patient"),
    "with another's number": (
        a_report(
            subject={
                "reference": "Patient/p1",
                "identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": OTHER_BSN},
            }
        ),
        "write_other_patient",
    ),
    "another as performer": (a_report(performer=[{"reference": "Patient/p2"}]), "write_other_patient"),
    "another contained": (
        a_report(contained=[a_patient("c", OTHER_BSN)], performer=[{"reference": "#c"}]),
        "write_other_patient",
    ),
    "with an id": (a_report(id="o1"), "write_other_id"),
    "without the profile": (a_report(meta={}), "write_profile"),
    "of another type": (a_task(), "write_malformed"),
    "a Bundle": ({"resourceType": "Bundle", "type": "batch"}, "write_malformed"),
    "twice": ('{"resourceType":"Observation","subject":{"reference":"Patient/p1"},"subject":{}}', "write_malformed"),
    "not JSON": ("<Observation/>", "write_malformed"),
    "an array": ("[]", "write_malformed"),
    "nesting": ("[" * 5_000, "write_malformed"),
    "too long": (a_report(valueString="x" * 17_000), "too_long"),
}  # fmt: skip


class TestNew:
    async def test_a_report_is_written_as_it_came_and_given_back(
        self, holder: Holder, peer: Peer, server: Server
    ) -> None:
        reply = await create(peer, a_report())
        assert (reply.status, reply.headers) == (
            201,
            {"ETag": 'W/"2"', "Location": f"{PUBLIC_BASE}/Observation/o9"},
        )
        assert json.loads(reply.body)["id"] == "o9"
        (sent,) = server.received
        assert (sent.method, json.loads(sent.body or b""), sent.headers["Content-Type"]) == ("POST", a_report(), JSON)
        record = holder.audit.records[-1]
        assert (record.interaction, record.step, record.code) == ("create Observation", "report", "care_team")
        assert "clinical" not in str(record.query)

    @pytest.mark.parametrize("name", OTHERS)
    async def test_anything_else_is_refused_and_not_forwarded(self, peer: Peer, server: Server, name: str) -> None:
        resource, code = OTHERS[name]
        assert await refused(create(peer, resource)) == (403, code)
        assert server.received == []
        assert peer.holder.audit.records[-1].kind == "refusal"

    @pytest.mark.parametrize(
        ("path", "more", "code"),
        [
            ("Flag", {}, "write_not_allowed"),
            ("Observation", {"content_type": "application/x-www-form-urlencoded"}, "content_type_not_allowed"),
            ("Observation", {"content_type": "application/fhir+xml"}, "content_type_not_allowed"),
            ("Observation", {"if_match": ('W/"1"',)}, "write_version"),
        ],
    )
    async def test_only_the_listed_write(
        self, peer: Peer, server: Server, path: str, more: dict[str, Any], code: str
    ) -> None:
        assert (await refused(create(peer, a_report(), path=path, **more)))[1] == code
        assert server.received == []

    async def test_an_objection_and_an_emergency_let_nobody_write(
        self, holder: Holder, peer: Peer, server: Server
    ) -> None:
        holder.consents.fact = lambda: OBJECTION
        assert await refused(create(peer, a_report())) == (403, "objection_recorded")
        declared: dict[str, Any] = {"purpose": ("BTG",), "break_glass": ("dW5jb25zY2lvdXM",)}
        assert await refused(create(peer, a_report(), **declared)) == (403, "write_in_emergency")
        assert server.received == []

    async def test_where_no_use_case_names_it_nothing_is_written(self) -> None:
        holder = a_holder()
        server = Server(holder)
        assert (await refused(create(await holder.peer(), a_report())))[0] == 403
        assert server.received == []

    @pytest.mark.parametrize(
        ("status", "told"), [(400, 422), (422, 422), (500, 502), (401, 502), (204, 502), (409, 412)]
    )
    async def test_what_our_server_refuses_is_told_without_its_words(
        self, peer: Peer, server: Server, status: int, told: int
    ) -> None:
        server.status = status
        assert (await refused(create(peer, a_report())))[0] == told

    async def test_what_our_server_made_of_it_is_checked_too(self, peer: Peer, server: Server) -> None:
        server.tampered = {"subject": {"reference": "Patient/p2"}}
        assert await refused(create(peer, a_report())) == (502, "withheld_other_patient")


class TestChanged:
    @pytest.fixture(autouse=True)
    async def seen(self, peer: Peer, server: Server) -> None:
        await peer.ask("GET", "Task", "patient=p1")
        server.status = 200

    async def test_what_a_page_named_is_changed_in_the_version_that_was_seen(self, peer: Peer, server: Server) -> None:
        reply = await change(peer, a_task())
        assert (reply.status, reply.headers) == (200, {"ETag": 'W/"2"'})
        assert (server.received[0].method, server.received[0].headers["If-Match"]) == ("PUT", 'W/"1"')

    @pytest.mark.parametrize(
        ("resource", "path", "version", "code"),
        [
            (a_task(), "Task/t1", None, "write_version"),
            (a_task(), "Task/t1", "*", "if_match_malformed"),
            (a_task(), "Task/t1", '"1"', "if_match_malformed"),
            (a_task(id="t2"), "Task/t1", 'W/"1"', "write_other_id"),
            (a_task(id="t2"), "Task/t2", 'W/"1"', "not_named"),
            (a_task("p2"), "Task/t1", 'W/"1"', "write_other_patient"),
            (a_task(focus={"reference": "Patient/p2"}), "Task/t1", 'W/"1"', "write_other_patient"),
            (a_report(id="o1"), "Observation/o1", 'W/"1"', "write_not_allowed"),
        ],
    )
    async def test_anything_else_is_refused(
        self, peer: Peer, server: Server, resource: Any, path: str, version: str | None, code: str
    ) -> None:
        assert await refused(change(peer, resource, path=path, version=version)) == (403, code)
        assert server.received == []

    @pytest.mark.parametrize("status", [409, 412])
    async def test_an_older_version_is_a_failed_precondition_whatever_our_server_calls_it(
        self, peer: Peer, server: Server, status: int
    ) -> None:
        server.status = status
        assert (await refused(change(peer, a_task())))[0] == 412

    async def test_under_another_grant_it_was_not_named(self, holder: Holder, peer: Peer, server: Server) -> None:
        assert await refused(change(await holder.peer(), a_task())) == (403, "not_named")

    async def test_only_a_write_names_a_version(self, peer: Peer, server: Server) -> None:
        assert (await refused(peer.ask("GET", "Task", "patient=p1", if_match=('W/"1"',)))) == (
            403,
            "if_match_not_allowed",
        )
