"""What and may it: what isn't listed or isn't allowed is refused, recorded, and says nothing that the peer may not know."""

import json
from typing import Any

import pytest

from node.exchange.decide.question import ConsentFact
from node.exchange.incoming import Reply
from node.exchange.outcome import REFERENCE_HEADER, as_operation_outcome
from node.usecases.identifiers import BSN_SYSTEM
from node.usecases.model import Step, UseCase
from node.web.replies import RequestError
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.setting import (
    HOFSTEDE,
    LINDE,
    MATCH,
    OBJECTION,
    OEVER,
    PERMISSION,
    SCOPE,
    UNKNOWN_BSN,
    Holder,
    Peer,
    a_care_team,
    a_holder,
    book_with,
)
from tests.support.fhir_server import fhir, searchset
from tests.support.world import everything_in

REASON = "dW5jb25zY2lvdXM"  # "unconscious"


@pytest.fixture
def holder() -> Holder:
    return a_holder()


@pytest.fixture
async def peer(holder: Holder) -> Peer:
    return await holder.peer()


async def is_refused(peer: Peer, code: str, *request: str, status: int = 403, **changes: Any) -> RequestError:
    """Ask, and see that it is refused, recorded under its reference number, and not forwarded."""
    holder = peer.holder
    before = len(holder.audit.records)
    with pytest.raises(RequestError) as refused:
        await peer.ask(*(request or ("GET", "Flag", "patient=p1")), **changes)
    error = refused.value
    assert (error.status, error.code) == (status, code)
    assert holder.forwarded == []
    assert len(holder.audit.records) == before + 1
    record = holder.audit.records[-1]
    assert (record.kind, record.decision, record.code) == ("refusal", "deny", code)
    assert record.reference == error.headers[REFERENCE_HEADER]
    assert (record.grant_id, record.peer_ura) == (peer.grant.grant_id, peer.grant.organization_ura)
    assert holder.counter.totals() == {}, "who proved who they are is recorded, not counted"
    outcome = json.loads(as_operation_outcome(error).body)
    assert outcome["issue"][0]["diagnostics"] == f"reference {record.reference}"
    assert code not in json.dumps(outcome), "the peer does not learn why"
    return error


class TestWhoMayAsk:
    async def test_an_organisation_that_is_not_registered(self, holder: Holder, peer: Peer) -> None:
        holder.neighbours.registrations.clear()
        await is_refused(peer, "requester_not_registered")
        rules = {rule.rule: rule.outcome for rule in holder.audit.records[-1].rules}
        assert rules["registration"] == "deny"

    async def test_registered_for_something_else_is_not_registered(self, holder: Holder, peer: Peer) -> None:
        holder.neighbours.registrations.clear()
        holder.neighbours.register(OEVER, service="medicatieoverdracht-gf")
        await is_refused(peer, "requester_not_registered")

    async def test_without_a_proven_number(self, holder: Holder) -> None:
        await is_refused(await holder.peer(ura=None), "requester_not_registered")

    async def test_of_the_wrong_kind(self, holder: Holder) -> None:
        holder.neighbours.register(HOFSTEDE)
        await is_refused(await holder.peer("hofstede", ura=HOFSTEDE), "table_unknown")
        holder.neighbours.register(LINDE)  # a GP practice, as we are
        await is_refused(await holder.peer("linde", ura=LINDE), "table_unknown")

    async def test_a_person_in_another_role(self, holder: Holder) -> None:
        await is_refused(await holder.peer(role="01.015"), "user_role_not_allowed")

    async def test_nobody_in_particular(self, holder: Holder) -> None:
        await is_refused(await holder.peer(role=None), "user_unknown")

    async def test_with_a_token_for_a_use_case_that_is_not_ours(self, holder: Holder) -> None:
        await is_refused(await holder.peer(scope="nobody-has-this"), "use_case_unknown")

    async def test_with_a_token_for_another_use_case_of_ours(self, holder: Holder) -> None:
        holder.neighbours.register(OEVER, service="medicatieoverdracht-gf")
        await is_refused(await holder.peer(scope="medicatieoverdracht-gf"), "table_unknown")

    async def test_in_the_other_fhir_version(self, holder: Holder, peer: Peer) -> None:
        allowed = {
            table.id for usecase in [holder.point._usecases.by_scope(SCOPE)] if usecase for table in usecase.tables
        }
        assert "home-care-reads-gp-stu3" in allowed
        await is_refused(
            peer,
            "parameters_not_listed",
            "GET",
            "EpisodeOfCare",
            "patient=p1&_include=EpisodeOfCare:condition",
            version="stu3",
        )


class TestStatedPurpose:
    @pytest.mark.parametrize("purpose", ["ETREAT", "COC", "HRESCH"])
    async def test_a_purpose_that_the_use_case_does_not_name(self, peer: Peer, purpose: str) -> None:
        await is_refused(peer, "purpose_not_allowed", purpose=(purpose,))
        assert peer.holder.audit.records[-1].purpose == purpose

    @pytest.mark.parametrize("values", [("TREAT", "TREAT"), ("999990135",), ("T" * 33,), ("",), ("TRÉAT",), ("A B",)])
    async def test_what_is_no_code_is_refused_and_not_written_down(self, peer: Peer, values: tuple[str, ...]) -> None:
        await is_refused(peer, "purpose_malformed", purpose=values)
        assert peer.holder.audit.records[-1].purpose is None

    async def test_breaking_the_glass_where_it_is_not_offered(self, peer: Peer) -> None:
        await is_refused(
            peer,
            "break_glass_not_offered",
            "POST",
            "Patient/_search",
            "",
            MATCH,
            purpose=("BTG",),
            break_glass=(REASON,),
        )
        assert peer.holder.audit.records[-1].reason == "unconscious"

    @pytest.mark.parametrize("values", [(REASON, REASON), ("!",), ("",), ("_w",), ("IA",), ("YQ" * 400,)])
    async def test_a_reason_that_can_not_be_read(self, peer: Peer, values: tuple[str, ...]) -> None:
        await is_refused(peer, "break_glass_malformed", break_glass=values)
        assert peer.holder.audit.records[-1].reason is None

    async def test_an_emergency_that_the_use_case_offers_sets_an_objection_aside(self) -> None:
        def offer(usecase: UseCase) -> UseCase:
            return usecase.model_copy(update={"break_the_glass": "offered", "purposes": ("TREAT", "BTG")})

        holder = a_holder(usecases=book_with(offer))
        holder.consents.fact = lambda: OBJECTION
        peer = await holder.peer()
        await peer.match(OTHER_BSN, purpose=("BTG",), break_glass=(REASON,))
        record = holder.audit.records[-1]
        assert (record.kind, record.code, record.purpose, record.reason) == (
            "disclosure",
            "break_glass",
            "BTG",
            "unconscious",
        )


UNLISTED = [
    ("one parameter more", "parameters_not_listed", ("GET", "Flag", "patient=p1&status=active")),
    ("another value", "parameters_not_listed", ("GET", "Observation", "patient=p1&category=x")),
    ("a parameter less", "parameters_not_listed", ("GET", "MedicationRequest", "patient=p1")),
    ("two patients", "parameters_not_listed", ("GET", "Flag", "patient=p1,p2")),
    ("two patients, twice", "parameters_not_listed", ("GET", "Flag", "patient=p1&patient=p2")),
    ("no patient", "parameters_not_listed", ("GET", "Flag")),
    ("by subject", "parameters_not_listed", ("GET", "Flag", "subject=Patient/p1")),
    ("chained", "parameters_not_listed", ("GET", "Flag", "patient.name=jansen")),
    ("a modifier", "parameters_not_listed", ("GET", "Flag", "patient:Patient=p1")),
    ("_revinclude", "parameters_not_listed", ("GET", "Flag", "patient=p1&_revinclude=Observation:subject")),
    ("_include", "parameters_not_listed", ("GET", "Flag", "patient=p1&_include=*")),
    ("_has", "parameters_not_listed", ("GET", "Flag", "patient=p1&_has:Observation:patient:code=1")),
    ("_filter", "parameters_not_listed", ("GET", "Flag", "patient=p1&_filter=x")),
    ("_content", "parameters_not_listed", ("GET", "Flag", "patient=p1&_content=x")),
    ("_elements", "parameters_not_listed", ("GET", "Flag", "patient=p1&_elements=id")),
    ("another format", "format_not_allowed", ("GET", "Flag", "patient=p1&_format=xml")),
    ("another type", "type_not_listed", ("GET", "DocumentReference", "patient=p1")),
    ("a read", "read_not_listed", ("GET", "Flag/f1")),
    ("the patient by id", "read_not_listed", ("GET", "Patient/p1")),
    ("$everything", "operation_not_allowed", ("GET", "Patient/p1/$everything")),
    ("$lastn", "operation_not_allowed", ("GET", "Observation/$lastn", "patient=p1")),
    ("history", "history_not_allowed", ("GET", "Flag/f1/_history/1")),
    ("a compartment", "compartment_not_allowed", ("GET", "Patient/p1/Flag")),
    ("a batch", "batch_not_allowed", ("POST", "", "", '{"resourceType":"Bundle","type":"batch"}')),
    ("the whole server", "system_search_not_allowed", ("GET", "", "patient=p1")),
    ("the server's own paging link", "system_search_not_allowed", ("GET", "", "_getpages=0")),
    ("HEAD", "method_not_allowed", ("HEAD", "Flag", "patient=p1")),
    ("OPTIONS", "method_not_allowed", ("OPTIONS", "Flag")),
    ("PUT", "write_not_allowed", ("PUT", "Flag/f1", "", "{}")),
    ("PATCH", "write_not_allowed", ("PATCH", "Flag/f1", "", "[]")),
    ("DELETE", "write_not_allowed", ("DELETE", "Flag/f1")),
    ("a method of no one", "method_not_allowed", ("B999990135", "Flag")),
    ("a create", "write_not_allowed", ("POST", "Flag", "", "x=1")),
    ("the BSN in the URL", "bsn_in_url", ("GET", "Patient", f"identifier={BSN_SYSTEM}%7C{BSN}")),
    ("the BSN in the URL of a post", "bsn_in_url", ("POST", "Patient/_search", f"identifier={BSN_SYSTEM}%7C{BSN}", "")),
    ("a number alone in the URL", "bsn_in_url", ("GET", "Patient", f"identifier={BSN}")),
    ("a number in the path", "read_not_listed", ("GET", f"Patient/{BSN}")),
    ("in both places", "parameter_twice", ("POST", "Patient/_search", "_include=Patient:general-practitioner", MATCH)),
    (
        "half in the URL, another patient",
        "parameters_not_listed",
        ("POST", "Flag/_search", "patient=p1", "_count=1&x=1"),
    ),
    ("two numbers", "parameters_not_listed", ("POST", "Patient/_search", "", f"{MATCH},{BSN_SYSTEM}|{OTHER_BSN}")),
    ("a body with a GET", "body_not_allowed", ("GET", "Flag", "patient=p1", "patient=p2")),
    ("climbing", "path_not_plain", ("GET", "Flag/../Patient")),
    ("an encoded slash", "path_not_plain", ("GET", "Flag%2F..%2FPatient")),
    ("an empty part", "path_not_plain", ("GET", "Flag//f1")),
    ("a semicolon", "path_not_plain", ("GET", "Flag;x=1")),
    ("an at sign", "path_not_plain", ("GET", "@evil.example/Flag")),
    ("lower case", "not_listed", ("GET", "flag", "patient=p1")),
    ("an id that climbs", "parameters_not_listed", ("GET", "Flag", "patient=..")),
    ("an id with a slash", "parameters_not_listed", ("GET", "Flag", "patient=Patient/p1/../p2")),
    ("a query behind the id", "parameters_not_listed", ("GET", "Flag", "patient=p1%26patient=p2")),
    ("a long path", "too_long", ("GET", "F" * 300)),
    ("a made-up paging link", "cursor_not_valid", ("GET", "Flag", "_cursor=AAAA")),
    ("a practitioner that no page named", "not_named", ("GET", "Practitioner/d1")),
]


@pytest.mark.parametrize(("request_", "code"), [pytest.param(row[2], row[1], id=row[0]) for row in UNLISTED])
async def test_what_is_not_listed_is_refused_and_not_forwarded(
    peer: Peer, request_: tuple[str, ...], code: str
) -> None:
    await is_refused(peer, code, *request_)
    assert peer.holder.server.calls == [], "it needs no look at a citizen"
    record = peer.holder.audit.records[-1]
    assert BSN not in f"{record.interaction}{record.code}{record.rules}{record.peer_name}{record.purpose}"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", "{}"),
        ("application/json", ""),
        ("multipart/form-data", "--x"),
        (None, "x=1"),
        ("text/plain", MATCH),
    ],
)
async def test_a_search_is_posted_as_a_form(peer: Peer, content_type: str | None, body: str) -> None:
    await is_refused(peer, "content_type_not_allowed", "POST", "Patient/_search", "", body, content_type=content_type)


async def test_a_body_that_could_not_be_read_is_refused_like_everything_else(peer: Peer) -> None:
    await is_refused(peer, "too_large", "POST", "Patient/_search", unreadable="too_large")


async def test_a_refusal_that_can_not_be_recorded_is_not_said_either(holder: Holder, peer: Peer) -> None:
    holder.audit.available = False
    with pytest.raises(RequestError) as refused:
        await peer.ask("GET", "Patient/p1/$everything")
    assert (refused.value.status, refused.value.code) == (503, "audit_unavailable")
    assert REFERENCE_HEADER not in refused.value.headers


class TestNoOracle:
    """At the patient match, unknown, not in care and not to be shared are one answer."""

    @staticmethod
    async def answers(holder: Holder) -> dict[str, Reply]:
        peer = await holder.peer()
        found = {"unknown": await peer.match(UNKNOWN_BSN), "not in care": await peer.match(OTHER_BSN)}
        holder.consents.fact = lambda: OBJECTION
        found["objection"] = await peer.match(BSN)
        holder.consents.fact = lambda: ConsentFact(verdict="deny", code="consent_unreadable")
        found["consents can not be read"] = await peer.match(BSN)
        return found

    async def test_one_answer_byte_for_byte(self, holder: Holder) -> None:
        answers = await self.answers(holder)
        assert {(each.body, tuple(each.headers.items())) for each in answers.values()} == {
            (b'{"resourceType":"Bundle","type":"searchset","total":0}', ())
        }
        assert holder.forwarded == []

    async def test_our_own_record_tells_them_apart(self, holder: Holder) -> None:
        await self.answers(holder)
        assert [(each.kind, each.code) for each in holder.audit.records] == [
            ("refusal", "patient_not_in_care"),
            ("refusal", "no_legal_basis"),
            ("refusal", "objection_recorded"),
            ("refusal", "objection_recorded"),
        ]
        assert all(each.reference for each in holder.audit.records)
        assert all(each.patient for each in holder.audit.records)

    @pytest.mark.parametrize(("takes", "leaves_at"), [(0.01, 0.1), (0.033, 0.1), (0.05, 0.1), (0.051, 0.2), (0.4, 0.8)])
    async def test_it_leaves_at_the_next_tenth_of_a_second(self, takes: float, leaves_at: float) -> None:
        moments = []
        for bsn, objects in ((OTHER_BSN, False), (BSN, True)):
            holder = a_holder()
            holder.server.takes = takes  # twice: the patient and the care team
            holder.consents.fact = lambda objects=objects: OBJECTION if objects else ConsentFact(verdict="none")  # type: ignore[misc]  # bound now
            await (await holder.peer()).match(bsn)
            moments.append(holder.clock.monotonic())
        assert moments == pytest.approx([leaves_at, leaves_at])

    async def test_who_is_unknown_takes_as_long_though_less_is_looked_up(self) -> None:
        holder = a_holder()
        holder.server.takes = 0.033
        await (await holder.peer()).match(UNKNOWN_BSN)
        assert holder.clock.monotonic() == pytest.approx(0.1)

    async def test_a_patient_with_two_numbers_or_none_is_nobody(self, holder: Holder) -> None:
        two = a_patient("p3", BSN)
        two["identifier"].append({"system": BSN_SYSTEM, "value": OTHER_BSN})
        holder.server.resources = [two, a_care_team("p3", OEVER)]
        answer = await (await holder.peer()).match(BSN)
        assert b"p3" not in answer.body
        assert holder.audit.records[-1].code == "patient_not_in_care"

    async def test_behind_the_match_there_is_one_refusal(self, holder: Holder, peer: Peer) -> None:
        errors = [
            await is_refused(peer, "no_legal_basis", "GET", "Flag", "patient=p2"),
            await is_refused(peer, "patient_not_in_care", "GET", "Flag", "patient=nobody"),
        ]
        holder.consents.fact = lambda: OBJECTION
        errors.append(await is_refused(peer, "objection_recorded", "GET", "Flag", "patient=p1"))
        replies = [as_operation_outcome(error) for error in errors]
        numbers = [error.headers[REFERENCE_HEADER] for error in errors]
        told = {
            (each.status, each.body.replace(number.encode(), b"#"), tuple(each.headers))
            for each, number in zip(replies, numbers, strict=True)
        }
        assert len(told) == 1
        assert len({len(number) for number in numbers}) == 1

    async def test_it_too_leaves_at_a_tenth_of_a_second(self) -> None:
        for patient in ("p2", "nobody"):
            holder = a_holder()
            holder.server.takes = 0.02
            with pytest.raises(RequestError):
                await (await holder.peer()).ask("GET", "Flag", f"patient={patient}")
            assert holder.clock.monotonic() == pytest.approx(0.1)

    async def test_a_read_of_the_patient_by_id_is_one_refusal_too(self) -> None:
        """No shipped use case lists it; one that does keeps the rule."""
        read = Step.model_validate(
            {
                "id": "patient-by-id",
                "title": {"nl": "Patiënt", "en": "Patient"},
                "request": "GET Patient/{patient}",
                "types": {"matched": ["Patient"]},
            }
        )

        def with_read(usecase: UseCase) -> UseCase:
            tables = tuple(each.model_copy(update={"steps": (*each.steps, read)}) for each in usecase.tables)
            return usecase.model_copy(update={"tables": tables})

        holder = a_holder(usecases=book_with(with_read))
        peer = await holder.peer()
        refused = [
            await is_refused(peer, "no_legal_basis", "GET", "Patient/p2"),
            await is_refused(peer, "patient_not_in_care", "GET", "Patient/nobody"),
        ]
        assert {(each.status, str(each), tuple(each.headers)) for each in refused} == {
            (403, "refused", (REFERENCE_HEADER,))
        }
        assert b"p1" in (await peer.ask("GET", "Patient/p1")).body


class TestOwnServerAway:
    """When our own server can't say, everybody hears the same."""

    @pytest.mark.parametrize("code", ["unreachable", "timeout", "tls", "broken", "too_large"])
    async def test_everybody_hears_that_it_is_not_available(self, code: Any) -> None:
        told = set()
        for request in (
            ("POST", "Patient/_search", "", MATCH),
            ("POST", "Patient/_search", "", MATCH.replace(BSN, OTHER_BSN)),
            ("POST", "Patient/_search", "", MATCH.replace(BSN, UNKNOWN_BSN)),
            ("GET", "Flag", "patient=p1"),
            ("GET", "Flag", "patient=p2"),
        ):
            holder = a_holder()
            holder.server.instead["Patient"] = code
            error = await is_refused(await holder.peer(), "patient_unavailable", *request, status=502)
            reply = as_operation_outcome(error)
            told.add((reply.status, reply.body.replace(error.headers[REFERENCE_HEADER].encode(), b"#")))
        assert len(told) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            fhir({"resourceType": "OperationOutcome"}, status=500),
            fhir("<html>", content_type="text/html"),
            fhir(b'{"resourceType":"Bundle","type":"searchset","entry":[{'),
            searchset(a_patient("p1"), link=[{"relation": "next", "url": "http://ehr.internal:8080/fhir?_getpages=1"}]),
            fhir({}, status=302),
            fhir({}, status=401),
        ],
    )
    async def test_what_is_no_answer_is_not_taken_for_one(self, holder: Holder, peer: Peer, answer: Any) -> None:
        holder.server.instead["Patient"] = answer
        await is_refused(peer, "patient_unavailable", "POST", "Patient/_search", "", MATCH, status=502)

    async def test_a_care_team_that_can_not_be_read_lends_no_basis(self, holder: Holder, peer: Peer) -> None:
        holder.server.instead["CareTeam"] = "timeout"
        assert b'"total":0' in (await peer.match()).body
        rules = {rule.rule: rule for rule in holder.audit.records[-1].rules}
        assert rules["legal_basis"].evidence["care_team"] == "care_team_unavailable"

    async def test_but_a_recorded_permission_still_does(self, holder: Holder, peer: Peer) -> None:
        holder.server.instead["CareTeam"] = "timeout"
        holder.consents.fact = lambda: PERMISSION
        assert b"p1" in (await peer.match()).body
        assert holder.audit.records[-1].code == "consent"


class TestConsent:
    async def test_an_objection_beats_the_care_team(self, holder: Holder, peer: Peer) -> None:
        assert b'"p1"' in (await peer.match()).body
        holder.consents.fact = lambda: OBJECTION
        assert b'"p1"' not in (await peer.match()).body

    async def test_a_permission_suffices_without_a_care_team(self, holder: Holder, peer: Peer) -> None:
        holder.consents.fact = lambda: PERMISSION
        assert b'"p2"' in (await peer.match(OTHER_BSN)).body
        assert holder.audit.records[-1].code == "consent"

    async def test_it_is_asked_for_this_organisation_kind_and_category(self, holder: Holder, peer: Peer) -> None:
        await peer.match()
        assert holder.consents.asked == [(OEVER, "T2", "GGC002")]

    async def test_a_number_without_its_leading_zeros_is_the_same_organisation(self, holder: Holder) -> None:
        registration = holder.neighbours.registrations[SCOPE, OEVER]
        assert registration.claims["organization_ura"] == OEVER
        holder.neighbours.registrations.clear()
        holder.neighbours.registrations[SCOPE, "00000102"] = type(registration)(
            **{name: getattr(registration, name) for name in registration.__dataclass_fields__ if name != "claims"},
            claims={"organization_ura": "00000102"},
        )
        holder.server.resources = [a_patient("p1", BSN), a_care_team("p1", "00000102")]
        peer = await holder.peer(ura="102")
        assert b'"p1"' in (await peer.match()).body
        assert holder.consents.asked == [("00000102", "T2", "GGC002")]


async def test_no_refusal_leaves_a_citizen_number_in_the_log(
    holder: Holder, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await peer.match()
    await peer.match(OTHER_BSN)
    await peer.match(UNKNOWN_BSN)
    stranger = await holder.peer()
    for row in UNLISTED:
        with pytest.raises(RequestError):
            await stranger.ask(*row[2])
    holder.server.instead["Patient"] = "timeout"
    holder.clock.jump(61)
    with pytest.raises(RequestError):
        await peer.match()
    written = everything_in([vars(each) for each in caplog.records]) + caplog.text
    for bsn in (BSN, OTHER_BSN, UNKNOWN_BSN):
        assert bsn not in written
