"""The decision tables: one row per reason, and properties over all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.decide import (
    BreakGlass,
    CareTeamFact,
    ConsentFact,
    Decision,
    Facts,
    Question,
    Requester,
    User,
    decide,
    refuse_early,
)
from node.exchange.decide.question import AgreementFact, EmergencyState, ReferralFact
from node.usecases.conditions import Delegation, OnRequest, Pilot, WhenAway
from node.usecases.load import load_shipped
from node.usecases.model import UseCase

USECASES = {loaded.usecase.id: loaded.usecase for loaded in load_shipped()}
HA_VVT = USECASES["ha-vvt"]
EMERGENCY = UseCase.model_construct(**{**dict(HA_VVT), "break_the_glass": "offered", "purposes": ("TREAT", "BTG")})
TEAM_ONLY = UseCase.model_construct(**{**dict(HA_VVT), "legal_bases": ("care_team",)})
TABLE = HA_VVT.tables[0]
GP = Requester(ura="90000101", name="De Gouwe", registered=True, facility_type="Z3")
DOCTOR = User(id="U-1001", name="J. Jansen", role="01.015", evidence="NutsEmployeeCredential")
QUESTION = Question(
    scope="HuisartsVVTInzage",
    usecase=HA_VVT,
    table=TABLE,
    step=TABLE.step("alerts"),
    holder_type="T2",
    requester=GP,
    user=DOCTOR,
    purpose="TREAT",
)
IN_TEAM = CareTeamFact(uras=frozenset({"90000101", "90000103"}))
NO_CONSENT = ConsentFact(verdict="none")
PERMIT = ConsentFact(verdict="permit", code="permit", evidence={"consent": "c-1"})
DENY = ConsentFact(verdict="deny", code="deny", evidence={"consent": "c-2"})
AWAY = ConsentFact(verdict="unavailable")
FACTS = Facts(in_care=True, care_team=IN_TEAM, consent=NO_CONSENT)
NOT_IN_TEAM = replace(FACTS, care_team=CareTeamFact())
GLASS = BreakGlass(reason="unconscious")


def test_a_registered_gp_of_the_care_team_is_permitted() -> None:
    decision = decide(QUESTION, FACTS)
    assert (decision.permit, decision.code, decision.answer) == (True, "care_team", "data")
    assert [rule.rule for rule in decision.rules] == [
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
    assert refuse_early(QUESTION) is None


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (replace(QUESTION, usecase=None), "use_case_unknown"),
        (replace(QUESTION, scope="bgz"), "use_case_unknown"),
        (replace(QUESTION, table=None), "table_unknown"),
        (replace(QUESTION, step=None), "not_listed"),
        (replace(QUESTION, requester=replace(GP, registered=False)), "requester_not_registered"),
        (replace(QUESTION, requester=replace(GP, facility_type="V6")), "requester_type_not_allowed"),
        (replace(QUESTION, requester=replace(GP, facility_type=None)), "requester_type_not_allowed"),
        (replace(QUESTION, holder_type="Z3"), "holder_type_not_allowed"),
        (replace(QUESTION, user=None), "user_unknown"),
        (replace(QUESTION, user=replace(DOCTOR, id="")), "user_unknown"),
        (replace(QUESTION, user=replace(DOCTOR, role="30.000")), "user_role_not_allowed"),
        (replace(QUESTION, purpose="COC"), "purpose_not_allowed"),
        (replace(QUESTION, purpose="treat"), "purpose_not_allowed"),
        (replace(QUESTION, purpose="BTG"), "purpose_not_allowed"),
        (replace(QUESTION, break_glass=GLASS), "break_glass_not_offered"),
        (replace(QUESTION, usecase=EMERGENCY, break_glass=GLASS), "break_glass_incomplete"),
        (replace(QUESTION, usecase=EMERGENCY, step=TABLE.match, purpose="BTG"), "break_glass_incomplete"),
    ],
)
def test_what_is_wrong_with_the_request_is_refused_before_any_fact(question: Question, code: str) -> None:
    early = refuse_early(question)
    assert early is not None
    for decision in (early, decide(question, FACTS)):
        assert (decision.permit, decision.code, decision.answer) == (False, code, "forbidden")
        assert decision.reason


def test_an_absent_purpose_is_the_first_of_the_use_case_and_recorded_so() -> None:
    decision = decide(replace(QUESTION, purpose=None), FACTS)
    assert decision.permit
    assert decision.rules[5].evidence == {"purpose": "TREAT", "stated": "no"}


@pytest.mark.parametrize(
    ("usecase", "facts", "code"),
    [
        (HA_VVT, FACTS, "care_team"),
        (HA_VVT, replace(FACTS, consent=PERMIT), "care_team"),
        (HA_VVT, replace(NOT_IN_TEAM, consent=PERMIT), "consent"),
        (HA_VVT, replace(FACTS, consent=AWAY), "care_team"),
        (HA_VVT, NOT_IN_TEAM, "no_legal_basis"),
        (HA_VVT, replace(NOT_IN_TEAM, consent=AWAY), "no_legal_basis"),
        (HA_VVT, replace(FACTS, care_team=CareTeamFact(uras=IN_TEAM.uras, available=False)), "no_legal_basis"),
        (HA_VVT, replace(FACTS, consent=DENY), "objection_recorded"),
        (HA_VVT, replace(NOT_IN_TEAM, consent=DENY), "objection_recorded"),
        (HA_VVT, replace(FACTS, in_care=False), "patient_not_in_care"),
        (HA_VVT, replace(FACTS, in_care=False, consent=PERMIT), "patient_not_in_care"),
        (HA_VVT, replace(FACTS, in_care=None), "patient_unavailable"),
        (TEAM_ONLY, replace(NOT_IN_TEAM, consent=PERMIT), "no_legal_basis"),
        (TEAM_ONLY, replace(FACTS, consent=PERMIT), "care_team"),
    ],
)
def test_the_citizen_decides(usecase: UseCase, facts: Facts, code: str) -> None:
    decision = decide(replace(QUESTION, usecase=usecase), facts)
    assert decision.code == code
    assert decision.permit == (code in ("care_team", "consent"))


def test_an_offered_emergency_sets_objection_and_basis_aside_but_nothing_else() -> None:
    emergency = replace(QUESTION, usecase=EMERGENCY, purpose="BTG", break_glass=GLASS)
    decision = decide(emergency, replace(NOT_IN_TEAM, consent=DENY))
    assert (decision.permit, decision.code) == (True, "break_glass")
    assert decision.rules[7].code == "objection_set_aside"
    assert not decide(emergency, replace(FACTS, in_care=False)).permit
    assert not decide(replace(emergency, requester=replace(GP, registered=False)), FACTS).permit


HIDDEN = [
    replace(FACTS, in_care=False),
    replace(FACTS, consent=DENY),
    NOT_IN_TEAM,
    replace(FACTS, care_team=CareTeamFact(available=False)),
]


@pytest.mark.parametrize("facts", HIDDEN)
def test_at_the_match_every_no_about_a_citizen_is_the_same_empty_answer(facts: Facts) -> None:
    assert decide(replace(QUESTION, step=TABLE.match), facts).answer == "empty"
    assert decide(QUESTION, facts).answer == "forbidden"


def test_a_server_that_knows_nobody_now_may_say_so() -> None:
    facts = replace(FACTS, in_care=None)
    assert decide(replace(QUESTION, step=TABLE.match), facts).answer == "unavailable"


def test_messages_are_for_people_and_name_no_citizen() -> None:
    for facts in (FACTS, *HIDDEN):
        for rule in decide(QUESTION, facts).rules:
            assert rule.message.endswith(".")
            assert rule.code == rule.code.lower()


def _expected(question: Question, facts: Facts) -> bool:
    """The same in one line: everything must hold."""
    usecase, person = question.usecase, question.user
    return bool(
        usecase
        and question.scope == usecase.wire_scope
        and question.requester.registered
        and question.requester.facility_type == "Z3"
        and person
        and person.role == "01.015"
        and question.purpose in (None, "TREAT")
        and facts.in_care
        and facts.consent.verdict != "deny"
        and ((facts.care_team.available and "90000101" in facts.care_team.uras) or facts.consent.verdict == "permit")
    )


@given(
    scope=st.sampled_from(["HuisartsVVTInzage", "HuisartsVVTInzage", "other"]),
    registered=st.booleans(),
    kind=st.sampled_from(["Z3", "Z3", "T2", None]),
    role=st.sampled_from(["01.015", "01.015", "30.000", ""]),
    purpose=st.sampled_from(["TREAT", None, "BTG", "COC"]),
    in_care=st.sampled_from([True, True, False, None]),
    uras=st.sampled_from([frozenset({"90000101"}), frozenset({"90000102"}), frozenset[str]()]),
    available=st.booleans(),
    consent=st.sampled_from([NO_CONSENT, PERMIT, DENY, AWAY]),
)
def test_data_leaves_only_when_every_rule_holds(
    scope: str,
    registered: bool,
    kind: str | None,
    role: str,
    purpose: str | None,
    in_care: bool | None,
    uras: frozenset[str],
    available: bool,
    consent: ConsentFact,
) -> None:
    question = replace(
        QUESTION,
        scope=scope,
        requester=replace(GP, registered=registered, facility_type=kind),
        user=replace(DOCTOR, role=role),
        purpose=purpose,
    )
    facts = Facts(in_care=in_care, care_team=CareTeamFact(uras=uras, available=available), consent=consent)
    decision: Decision = decide(question, facts)
    assert decision.permit == _expected(question, facts)
    assert (decision.answer == "data") == decision.permit
    early = refuse_early(question)
    if early is not None:
        assert not decision.permit
        assert early.code == decision.code


OTHER_BASES = UseCase.model_construct(**{**dict(HA_VVT), "legal_bases": ("referral", "agreement")})
REFERRED = replace(NOT_IN_TEAM, referral=ReferralFact(uras=frozenset({"90000101"})))
AGREED = replace(NOT_IN_TEAM, agreement=AgreementFact(id="a-1"))


@pytest.mark.parametrize(
    ("usecase", "facts", "code"),
    [
        (OTHER_BASES, REFERRED, "referral"),
        (OTHER_BASES, AGREED, "agreement"),
        (OTHER_BASES, FACTS, "no_legal_basis"),
        (OTHER_BASES, replace(NOT_IN_TEAM, consent=PERMIT), "no_legal_basis"),
        (OTHER_BASES, replace(NOT_IN_TEAM, referral=ReferralFact(uras=frozenset({"90000102"}))), "no_legal_basis"),
        (OTHER_BASES, replace(REFERRED, referral=ReferralFact(uras=IN_TEAM.uras, available=False)), "no_legal_basis"),
        (OTHER_BASES, replace(REFERRED, consent=DENY), "objection_recorded"),
        (OTHER_BASES, replace(AGREED, consent=DENY), "objection_recorded"),
        (HA_VVT, REFERRED, "no_legal_basis"),
        (HA_VVT, AGREED, "no_legal_basis"),
    ],
)
def test_a_basis_counts_only_where_the_use_case_lists_it(usecase: UseCase, facts: Facts, code: str) -> None:
    decision = decide(replace(QUESTION, usecase=usecase), facts)
    assert decision.code == code
    assert decision.permit == (code in ("referral", "agreement"))


def changed(**members: object) -> UseCase:
    return UseCase.model_construct(**{**dict(HA_VVT), **members})


@pytest.mark.parametrize(
    ("usecase", "user", "code"),
    [
        (changed(assurance="substantial"), DOCTOR, "user_assurance_too_low"),
        (changed(assurance="high"), replace(DOCTOR, evidence="credential"), "user_assurance_too_low"),
        (changed(assurance="high"), replace(DOCTOR, evidence="DeziUserCredential"), "care_team"),
        (changed(assurance="substantial"), replace(DOCTOR, evidence="credential"), "care_team"),
        (changed(assurance="substantial"), replace(DOCTOR, evidence="employer_issued"), "user_assurance_too_low"),
        (changed(assurance="substantial"), replace(DOCTOR, evidence="unheard of"), "user_assurance_too_low"),
        (changed(evidence=("DeziUserCredential",)), DOCTOR, "user_evidence_not_allowed"),
        (changed(evidence=("NutsEmployeeCredential",)), DOCTOR, "care_team"),
    ],
)
def test_how_sure_it_is_who_asks(usecase: UseCase, user: User, code: str) -> None:
    assert decide(replace(QUESTION, usecase=usecase, user=user), FACTS).code == code


def test_a_role_may_ask_in_the_name_of_one_that_may() -> None:
    delegation = Delegation(role="30.000", on_behalf_of=("01.015",), hours=8)
    usecase = changed(delegations=(delegation,))
    nurse = replace(DOCTOR, role="30.000", on_behalf_of="01.015")
    asked = replace(QUESTION, usecase=usecase, user=nurse)
    decision = decide(asked, FACTS)
    assert (decision.permit, decision.rules[3].code) == (True, "user_role_delegated")
    for wrong in (
        replace(nurse, on_behalf_of=""),
        replace(nurse, on_behalf_of="30.000"),
        replace(nurse, role="17.000"),
    ):
        assert decide(replace(asked, user=wrong), FACTS).code == "user_role_not_allowed"


def test_a_pilot_leaves_everybody_else_out() -> None:
    pilot = changed(pilot=Pilot(peers=("90000101",), patients=("k1." + "a" * 22,)))
    asked = replace(QUESTION, usecase=pilot)
    inside = replace(FACTS, patient="k1." + "a" * 22)
    assert decide(asked, inside).permit
    assert decide(asked, replace(inside, patient="k1." + "b" * 22)).code == "patient_not_in_pilot"
    other = replace(asked, requester=replace(GP, ura="90000109"))
    assert decide(other, inside).code == "requester_not_in_pilot"


def test_the_second_tier_needs_a_purpose_that_was_stated() -> None:
    second = TABLE.step("alerts")
    assert second is not None
    step = second.model_copy(update={"tier": "on_request"})
    asked = replace(QUESTION, step=step, usecase=changed(on_request=OnRequest(purposes=("TREAT",))))
    assert decide(asked, FACTS).permit
    assert decide(replace(asked, purpose=None), FACTS).code == "purpose_not_stated"
    other = changed(on_request=OnRequest(purposes=("COC",)), purposes=("TREAT", "COC"))
    assert decide(replace(asked, usecase=other), FACTS).code == "purpose_not_stated"


def test_a_use_case_may_wait_for_a_consent_service_that_is_away() -> None:
    waits = changed(when_away=WhenAway(consent="refuse"))
    assert decide(replace(QUESTION, usecase=waits), replace(FACTS, consent=AWAY)).code == "no_legal_basis"
    assert decide(replace(QUESTION, usecase=waits), FACTS).permit


EMERGENCIES = [("none", True, True), ("none", False, False), ("open", False, True), ("open", True, True),
               ("ended", True, False), ("elsewhere", True, False)]  # fmt: skip


@pytest.mark.parametrize(("state", "declared", "permit"), EMERGENCIES)
def test_an_emergency_runs_once_for_one_citizen(state: EmergencyState, declared: bool, permit: bool) -> None:
    asked = replace(QUESTION, usecase=EMERGENCY, purpose="BTG", break_glass=GLASS if declared else None)
    for facts in (NOT_IN_TEAM, replace(FACTS, consent=DENY)):
        decision = decide(asked, replace(facts, emergency=state))
        assert (decision.permit, decision.breaks_glass) == (permit, permit)
    assert decide(asked, replace(FACTS, emergency=state)).code == "care_team"


@pytest.mark.parametrize(
    ("question", "facts", "offered"),
    [
        (QUESTION, NOT_IN_TEAM, True),
        (QUESTION, replace(FACTS, consent=DENY), True),
        (QUESTION, FACTS, False),
        (QUESTION, replace(FACTS, in_care=False), False),
        (QUESTION, replace(FACTS, in_care=None), False),
        (replace(QUESTION, user=None), NOT_IN_TEAM, False),
        (replace(QUESTION, purpose="BTG", break_glass=GLASS), replace(NOT_IN_TEAM, emergency="elsewhere"), False),
    ],
)
def test_an_emergency_is_offered_only_where_it_would_reveal_more(
    question: Question, facts: Facts, offered: bool
) -> None:
    revealed = UseCase.model_construct(**{**dict(EMERGENCY), "existence": "revealed"})
    assert decide(replace(question, usecase=revealed), facts).offers_break_glass is offered
    assert not decide(replace(question, usecase=EMERGENCY), facts).offers_break_glass, "whom we know is hidden"
