"""Why: every refusal can be looked up by the number that the peer was given, and what would happen can be asked beforehand."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from node.audit.log import Receipt
from node.audit.reader_sqlite import SqliteAuditReader
from node.audit.record import AuditRecord, Outcome
from node.audit.seal import Sealer
from node.audit.search import AuditQuestion
from node.audit.writer_sqlite import SqliteAuditLog
from node.exchange.explaining import Explainer, ExplainRequest
from node.exchange.outcome import REFERENCE_HEADER
from node.usecases.identifiers import BSN_SYSTEM
from node.web.replies import RequestError
from tests.node.exchange.cases import BSN, OTHER_BSN
from tests.node.exchange.setting import (
    LINDE,
    MATCH,
    OBJECTION,
    OEVER,
    SCOPE,
    UNKNOWN_BSN,
    Holder,
    Journal,
    a_holder,
    book_with,
)
from tests.support.world import FixedEntropy, ManualClock, everything_in

RULES = [
    "use_case",
    "registration",
    "organisation",
    "user",
    "evidence",
    "purpose",
    "patient",
    "objection",
    "legal_basis",
]


class KeptJournal(Journal):
    """A journal that also writes to a real audit log."""

    def __init__(self, steps: list[str], log: SqliteAuditLog) -> None:
        super().__init__(steps)
        self._log = log

    async def promise(self, record: AuditRecord, *, once: Any = (), epoch: int | None = None) -> Receipt:
        await super().promise(record, once=once, epoch=epoch)
        return await self._log.promise(record)

    async def record(self, record: AuditRecord, once: Any = ()) -> Receipt:
        await super().promise(record, once=once)
        return await self._log.record(record)

    def outcome(self, receipt: Receipt, outcome: Outcome) -> None:
        self._log.outcome(receipt, outcome)


class Setting:
    def __init__(self, holder: Holder, path: Path) -> None:
        self.holder = holder
        self.explainer = Explainer({"gouwe": holder.point}, SqliteAuditReader(path), holder.clock)

    async def explain(self, **asked: Any) -> dict[str, Any]:
        return await self.explainer.explain("gouwe", ExplainRequest.model_validate(asked))

    async def described(self, **changes: Any) -> dict[str, Any]:
        """Explain a described request; a good one unless changed."""
        return await self.explain(
            **{
                "requester_ura": OEVER,
                "scope": SCOPE,
                "user": {"role": "30.000"},
                "path": "Flag",
                "query": "patient=p1",
                **changes,
            }
        )


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    path = tmp_path / "audit.db"
    sealer = Sealer(b"s" * 32, purpose="audit", entropy=FixedEntropy())
    log = SqliteAuditLog(path, sealer=sealer, clock=ManualClock())
    await log.open()
    yield Setting(a_holder(audit=lambda steps: KeptJournal(steps, log)), path)
    await log.aclose()


def outcomes(explained: dict[str, Any]) -> dict[str, str]:
    return {rule["rule"]: rule["outcome"] for rule in explained["rules"]}


class TestRecorded:
    async def test_a_refusal_is_found_by_its_reference_number(self, setting: Setting) -> None:
        peer = await setting.holder.peer()
        setting.holder.consents.fact = lambda: OBJECTION
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Flag", "patient=p1")
        explained = await setting.explain(reference=refused.value.headers[REFERENCE_HEADER])
        assert (explained["decision"], explained["code"]) == ("deny", "objection_recorded")
        assert [rule["rule"] for rule in explained["rules"]] == RULES
        assert outcomes(explained)["legal_basis"] == "permit", (
            "rules behind the refusal are evaluated for the explanation"
        )
        assert explained["rules"][7]["message"] == "The citizen objects."
        assert explained["record"]["peer_ura"] == OEVER
        assert explained["record"]["reference"] == refused.value.headers[REFERENCE_HEADER]
        assert BSN not in everything_in(explained)

    async def test_an_empty_answer_is_found_by_its_place_in_the_log(self, setting: Setting) -> None:
        await (await setting.holder.peer()).match(OTHER_BSN)
        explained = await setting.explain(audit=await self.last(setting))
        assert (explained["decision"], explained["code"]) == ("deny", "no_legal_basis")
        assert explained["rules"][8]["evidence"] == {"care_team": "not_in_care_team", "consent": "no_consent"}
        assert OTHER_BSN not in everything_in(explained)

    async def test_what_was_allowed_is_explained_too(self, setting: Setting) -> None:
        await (await setting.holder.peer()).match()
        explained = await setting.explain(audit=await self.last(setting))
        assert (explained["decision"], explained["code"]) == ("permit", "care_team")

    async def test_what_was_no_listed_request_has_its_code(self, setting: Setting) -> None:
        peer = await setting.holder.peer()
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Patient/p1/$everything")
        explained = await setting.explain(reference=refused.value.headers[REFERENCE_HEADER])
        assert (explained["decision"], explained["code"]) == ("deny", "operation_not_allowed")

    @pytest.mark.parametrize("asked", [{"audit": 999}, {"reference": "0" * 16}])
    async def test_what_is_not_there_is_not_found(self, setting: Setting, asked: dict[str, Any]) -> None:
        with pytest.raises(RequestError) as refused:
            await setting.explain(**asked)
        assert (refused.value.status, refused.value.code) == (404, "unknown_record")

    async def test_nor_is_an_organisation_that_is_not_hosted_here(self, setting: Setting) -> None:
        with pytest.raises(RequestError) as refused:
            await setting.explainer.explain("linde", ExplainRequest(audit=1))
        assert (refused.value.status, refused.value.code) == (404, "unknown_subject")

    @staticmethod
    async def last(setting: Setting) -> int:
        page = await setting.explainer._reader.find(AuditQuestion(subject="gouwe"))
        return page.entries[0].seq


class TestDescribed:
    async def test_what_would_be_allowed(self, setting: Setting) -> None:
        explained = await setting.described()
        assert (explained["decision"], explained["code"]) == ("permit", "care_team")
        assert [rule["rule"] for rule in explained["rules"]] == RULES

    async def test_nothing_is_forwarded_and_nothing_recorded(self, setting: Setting) -> None:
        await setting.described()
        await setting.described(query="patient=p2")
        assert setting.holder.forwarded == []
        assert setting.holder.audit.records == []

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"query": "patient=p2"}, "no_legal_basis"),
            ({"query": "patient=nobody"}, "patient_not_in_care"),
            ({"query": "patient=p1&_revinclude=Observation:subject"}, "parameters_not_listed"),
            ({"path": "Patient/p1/$everything"}, "operation_not_allowed"),
            ({"method": "DELETE"}, "write_not_allowed"),
            ({"requester_ura": LINDE}, "requester_not_registered"),
            ({"scope": "zorginzage"}, "use_case_unknown"),
            ({"user": {"role": "01.015"}}, "user_role_not_allowed"),
            ({"user": None}, "user_unknown"),
            ({"purpose": "ETREAT"}, "purpose_not_allowed"),
            ({"purpose": "BTG", "break_glass": "unconscious"}, "break_glass_not_offered"),
            ({"fhir_version": "stu3"}, "version_not_offered"),
            ({"path": "Practitioner/d1", "query": ""}, "not_named"),
        ],
    )
    async def test_what_would_be_refused_and_why(self, setting: Setting, changes: dict[str, Any], code: str) -> None:
        explained = await setting.described(**changes)
        assert (explained["decision"], explained["code"]) == ("deny", code)
        assert explained["rules"], "there is always a rule to read"

    async def test_it_tells_the_same_as_a_request_does(self, setting: Setting) -> None:
        peer = await setting.holder.peer()
        for query in ("patient=p1", "patient=p2", "patient=nobody", "patient=p1&x=1"):
            explained = await setting.described(query=query)
            if query == "patient=p1":
                await peer.ask("GET", "Flag", query)
            else:
                with pytest.raises(RequestError):
                    await peer.ask("GET", "Flag", query)
            record = setting.holder.audit.records[-1]
            assert (explained["decision"], explained["code"]) == (record.decision, record.code)

    async def test_how_the_person_is_known_is_described_too(self, tmp_path: Path) -> None:
        book = book_with(lambda usecase: usecase.model_copy(update={"assurance": "substantial"}))
        setting = Setting(a_holder(usecases=book), tmp_path / "none.db")
        for evidence, code in (("self_attested", "user_assurance_too_low"), ("credential", "care_team")):
            peer = await setting.holder.peer(user_evidence=evidence)
            with suppress(RequestError):  # what it said stands in the record
                await peer.ask("GET", "Flag", "patient=p1")
            explained = await setting.described(user={"role": "30.000", "evidence": evidence})
            assert explained["code"] == setting.holder.audit.records[-1].code == code

    async def test_the_match_is_described_by_its_form(self, setting: Setting) -> None:
        match = {"method": "POST", "path": "Patient/_search", "query": "", "body": MATCH}
        assert (await setting.described(**match))["decision"] == "permit"
        unknown = await setting.described(**match | {"body": MATCH.replace(BSN, UNKNOWN_BSN)})
        assert unknown["code"] == "patient_not_in_care"

    @pytest.mark.parametrize(
        ("bsn", "decision", "code"),
        [
            (BSN, "permit", "care_team"),
            (OTHER_BSN, "deny", "no_legal_basis"),
            (UNKNOWN_BSN, "deny", "patient_not_in_care"),
        ],
    )
    async def test_a_citizen_can_stand_for_their_record(
        self, setting: Setting, bsn: str, decision: str, code: str
    ) -> None:
        patient = {"system": BSN_SYSTEM, "value": bsn}
        by_id = await setting.described(query="patient={patient}", patient=patient)
        body = MATCH.replace(BSN, "{bsn}")
        by_number = await setting.described(method="POST", path="Patient/_search", query="", body=body, patient=patient)
        assert (by_id["decision"], by_id["code"]) == (decision, code)
        assert (by_number["decision"], by_number["code"]) == (decision, code)
        assert bsn not in everything_in([by_id, by_number])

    async def test_our_own_server_being_away_is_said(self, setting: Setting) -> None:
        setting.holder.server.instead["Patient"] = "timeout"
        assert (await setting.described())["code"] == "patient_unavailable"
        patient = {"system": BSN_SYSTEM, "value": BSN}
        explained = await setting.described(query="patient={patient}", patient=patient)
        assert (explained["decision"], explained["code"]) == ("deny", "patient_unavailable")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"audit": 1, "reference": "0" * 16},
        {"audit": 1, "path": "Flag", "scope": SCOPE, "requester_ura": OEVER},
        {"path": "Flag"},
        {"path": "Flag", "scope": SCOPE},
        {"reference": "x"},
        {"requester_ura": "1", "scope": SCOPE, "path": "Flag"},
        {"audit": 1, "holder": "gouwe"},
    ],
)
def test_what_is_to_be_explained_is_said_in_one_way(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExplainRequest.model_validate(asked)


def test_a_described_citizen_is_not_shown_in_a_text_of_the_request() -> None:
    asked = ExplainRequest.model_validate(
        {
            "path": "Patient/_search",
            "scope": SCOPE,
            "requester_ura": OEVER,
            "body": MATCH,
            "patient": {"system": BSN_SYSTEM, "value": BSN},
        }
    )
    assert BSN not in repr(asked)
