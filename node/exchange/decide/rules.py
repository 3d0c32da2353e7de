"""The rules, in the order in which they are evaluated.

About the request, knowable before anything is looked up:

1. ``use_case``      the grant's scope is a use case here, and the request a step of its table
2. ``registration``  the requester stands in the use case's discovery service, and a pilot does not leave it out
3. ``organisation``  its kind may ask our kind through this table
4. ``user``          a person is named, in a role that may, or in one that may ask in the name of those
5. ``evidence``      how we know that person is of a kind, and as sure, as the use case asks
6. ``purpose``       a purpose that the use case names; stated for the second tier; an emergency only where it is offered

About the citizen:

7. ``patient``       our own record of exactly this citizen, and a pilot does not leave them out
8. ``objection``     a recorded objection beats every basis, except an emergency that the use case offers
9. ``legal_basis``   one that the use case lists for this direction: care team, the citizen's explicit permission, a referral
   in our own record, a standing agreement with the requester; at last an emergency, where one was declared. A permission
   recorded where ``consent`` is not listed changes nothing. Whether a consent service was away matters only when no other
   basis suffices (ARCHITECTURE.md §8), unless the use case says otherwise; an objection recorded *here* is always known,
   for it lies in our own store.

An emergency (break the glass) has a reason, is about one citizen per grant, and runs 15 minutes (``emergency.py``). It sets
aside objection and missing basis, nothing else, and is named as the basis only where no other suffices.

Each rule says ``permit``, ``deny`` or ``not_applicable``, with a stable code and a sentence. None reads anything but its
arguments, so each can be tested alone. Messages name organisations and rules, never the citizen.
"""

from collections.abc import Callable, Mapping

from node.audit.rules import RuleOutcome, Verdict
from node.exchange.decide.question import BREAK_GLASS_PURPOSE, Facts, Question
from node.usecases.model import LegalBasis
from node.usecases.vocabulary import ASSURANCES, Assurance

ASSURANCE_OF: Mapping[str, Assurance] = {
    "self_attested": "low",
    "employer_issued": "low",
    "credential": "substantial",
    "DeziUserCredential": "high",
    "DeziIDToken2024": "high",
    "DeziIDToken2024Credential": "high",
}
"""How sure the ways are in which we know a person (NEN 7512); one that isn't listed is of low assurance.

The first three are what a grant says (``node/oauth/claimed.py``): an employer's own word, however it is signed, is no more than that.
"""

RequestRule = Callable[[Question], RuleOutcome]
CitizenRule = Callable[[Question, Facts], RuleOutcome]


def _outcome(rule: str, outcome: Verdict, code: str, message: str, **evidence: str) -> RuleOutcome:
    return RuleOutcome(rule=rule, outcome=outcome, code=code, message=message, evidence=evidence)


def use_case(question: Question) -> RuleOutcome:
    """The grant's scope is a use case here, and the request a step of its table."""
    if question.usecase is None or question.usecase.wire_scope != question.scope:
        return _outcome(
            "use_case",
            "deny",
            "use_case_unknown",
            "The grant is for a use case that is not offered here.",
            scope=question.scope,
        )
    known = {"usecase": question.usecase.id, "version": question.usecase.version}
    if question.table is None:
        return _outcome(
            "use_case", "deny", "table_unknown", "The use case has no queries for these two organisations.", **known
        )
    if question.step is None:
        return _outcome(
            "use_case",
            "deny",
            "not_listed",
            "The request is not one of the queries that the use case lists.",
            table=question.table.id,
            **known,
        )
    return _outcome(
        "use_case",
        "permit",
        "listed",
        f"The request is step {question.step.id} of the use case.",
        table=question.table.id,
        step=question.step.id,
        **known,
    )


def registration(question: Question) -> RuleOutcome:
    """The requester stands in the use case's discovery service."""
    service = question.usecase.discovery_service if question.usecase else ""
    requester = question.requester
    if not requester.registered:
        return _outcome(
            "registration",
            "deny",
            "requester_not_registered",
            "The requester is not registered in the discovery service of this use case.",
            ura=requester.ura,
            service=service,
        )
    if question.usecase is not None and not question.usecase.admits_peer(requester.ura):
        return _outcome(
            "registration", "deny", "requester_not_in_pilot", "The pilot leaves the requester out.", ura=requester.ura
        )
    return _outcome(
        "registration",
        "permit",
        "requester_registered",
        "The requester is registered.",
        ura=requester.ura,
        service=service,
    )


def organisation(question: Question) -> RuleOutcome:
    """The requester's kind may ask our kind through this table."""
    table, kind = question.table, question.requester.facility_type
    if table is None:
        return _outcome("organisation", "not_applicable", "no_table", "There is no query table to look in.")
    evidence = {"requester_type": kind or "not stated", "holder_type": question.holder_type, "table": table.id}
    if kind not in table.asker_types:
        return _outcome(
            "organisation",
            "deny",
            "requester_type_not_allowed",
            "This kind of organisation may not ask this.",
            **evidence,
        )
    if question.holder_type not in table.holder_types:
        return _outcome(
            "organisation",
            "deny",
            "holder_type_not_allowed",
            "Our kind of organisation doesn't answer this.",
            **evidence,
        )
    return _outcome("organisation", "permit", "organisation_types_fit", "Both kinds of organisation fit.", **evidence)


def user(question: Question) -> RuleOutcome:
    """A person is named, in a role that may ask."""
    person = question.user
    if person is None or not person.id:
        return _outcome("user", "deny", "user_unknown", "The requester doesn't say which person asks.")
    if question.usecase is None or question.table is None:
        return _outcome("user", "not_applicable", "no_table", "There is no query table that names roles.")
    evidence = {"role": person.role, "evidence": person.evidence}
    roles = question.usecase.roles_of(question.table)
    if person.role in roles:
        return _outcome("user", "permit", "user_role_allowed", "The person's role may ask this.", **evidence)
    for delegation in question.usecase.delegations:
        if delegation.role == person.role and person.on_behalf_of in delegation.on_behalf_of:
            evidence |= {"on_behalf_of": person.on_behalf_of}
            if person.on_behalf_of in roles:
                return _outcome(
                    "user", "permit", "user_role_delegated", "The person may ask in another's name.", **evidence
                )
    return _outcome("user", "deny", "user_role_not_allowed", "A person in this role may not ask this.", **evidence)


def evidence(question: Question) -> RuleOutcome:
    """How we know the person is of a kind, and as sure, as the use case asks."""
    person, usecase = question.user, question.usecase
    if person is None or usecase is None:
        return _outcome("evidence", "not_applicable", "no_user", "Nobody is named.")
    found = ASSURANCE_OF.get(person.evidence, "low")
    known = {"evidence": person.evidence, "assurance": found, "needed": usecase.assurance}
    if usecase.evidence and person.evidence not in usecase.evidence:
        return _outcome(
            "evidence", "deny", "user_evidence_not_allowed", "The person is not known in a way that counts.", **known
        )
    if ASSURANCES.index(found) < ASSURANCES.index(usecase.assurance):
        return _outcome(
            "evidence", "deny", "user_assurance_too_low", "It is not sure enough who the person is.", **known
        )
    return _outcome("evidence", "permit", "user_evidence_allowed", "It is sure enough who the person is.", **known)


def purpose(question: Question) -> RuleOutcome:
    """A purpose that the use case names; an emergency only where it is offered."""
    if question.usecase is None:
        return _outcome("purpose", "not_applicable", "no_use_case", "There is no use case that names purposes.")
    stated = question.stated_purpose or ""
    evidence = {"purpose": stated, "stated": "yes" if question.purpose else "no"}
    if question.break_glass is not None and question.usecase.break_the_glass != "offered":
        return _outcome(
            "purpose", "deny", "break_glass_not_offered", "This use case knows no emergency access.", **evidence
        )
    if stated not in question.usecase.purposes:
        return _outcome("purpose", "deny", "purpose_not_allowed", "The use case doesn't name this purpose.", **evidence)
    at_match = question.step is not None and question.step.is_match
    if (question.break_glass is not None and stated != BREAK_GLASS_PURPOSE) or (
        at_match and stated == BREAK_GLASS_PURPOSE and question.break_glass is None
    ):
        return _outcome(
            "purpose", "deny", "break_glass_incomplete", "An emergency needs both its purpose and a reason.", **evidence
        )
    if question.step is not None and question.step.tier == "on_request":
        second = question.usecase.on_request
        if second is None or question.purpose is None or stated not in second.purposes:
            return _outcome(
                "purpose", "deny", "purpose_not_stated", "More than what is handed over needs a purpose.", **evidence
            )
    return _outcome("purpose", "permit", "purpose_allowed", "The use case names this purpose.", **evidence)


def patient(question: Question, facts: Facts) -> RuleOutcome:
    """Our own record of exactly this citizen."""
    if facts.in_care is None:
        return _outcome(
            "patient", "deny", "patient_unavailable", "Our own FHIR server could not say whose record this is."
        )
    if not facts.in_care:
        return _outcome("patient", "deny", "patient_not_in_care", "We have no record of exactly this citizen.")
    if question.usecase is not None and not question.usecase.admits_patient(facts.patient):
        return _outcome("patient", "deny", "patient_not_in_pilot", "The pilot leaves this citizen out.")
    return _outcome("patient", "permit", "patient_in_care", "We have a record of exactly this citizen.")


def objection(question: Question, facts: Facts) -> RuleOutcome:
    """A recorded objection beats every basis, except an emergency that the use case offers."""
    consent = facts.consent
    if consent.verdict != "deny":
        return RuleOutcome(
            rule="objection",
            outcome="not_applicable",
            code="no_objection",
            message="No objection is recorded.",
            evidence=consent.evidence if consent.verdict == "permit" else {},
        )
    if _glass(question, facts) is None:
        return RuleOutcome(
            rule="objection",
            outcome="not_applicable",
            code="objection_set_aside",
            message="An objection is recorded; the emergency sets it aside, and it will be reviewed.",
            evidence=consent.evidence,
        )
    return RuleOutcome(
        rule="objection",
        outcome="deny",
        code="objection_recorded",
        message=consent.message or "The citizen objects to sharing this with the requester.",
        evidence=consent.evidence,
    )


def legal_basis(question: Question, facts: Facts) -> RuleOutcome:
    """One basis that the use case lists suffices; the first that does is named, an emergency last."""
    usecase = question.usecase
    if usecase is None:
        return _outcome("legal_basis", "not_applicable", "no_use_case", "There is no use case that lists bases.")
    looked_at: dict[str, str] = {}
    if usecase.when_away.consent == "refuse" and facts.consent.verdict == "unavailable":
        looked_at["consent"] = "consent_unavailable"  # an objection may lie there: the use case waits for it
    else:
        for basis in usecase.bases_of(question.table):
            found = _BASES[basis](question, facts)
            if found.outcome == "permit" and not (question.is_emergency and facts.consent.verdict == "deny"):
                return found  # an objection leaves no basis but an emergency
            looked_at[basis] = found.code
    if question.is_emergency:
        closed = _glass(question, facts)
        if closed is None:
            return _outcome(
                "legal_basis",
                "permit",
                "break_glass",
                "An emergency was declared; it will be reviewed.",
                basis="break_glass",
                emergency="running" if facts.emergency == "open" else "begins",
            )
        looked_at["break_glass"] = closed
    return RuleOutcome(
        rule="legal_basis",
        outcome="deny",
        code=looked_at.get("break_glass", "no_legal_basis"),
        message="None of the legal bases that the use case lists was found.",
        evidence=looked_at,
    )


def _glass(question: Question, facts: Facts) -> str | None:
    """Return why the glass is not broken for this citizen, ``None`` when it is."""
    if not question.is_emergency:
        return "no_emergency"
    if facts.emergency == "open":
        return None
    if facts.emergency == "elsewhere":
        return "break_glass_other_patient"
    if facts.emergency == "ended":
        return "break_glass_ended"
    return None if question.break_glass is not None else "break_glass_not_declared"


def _care_team(question: Question, facts: Facts) -> RuleOutcome:
    if not facts.care_team.available:
        return _no_basis("care_team_unavailable", "Our FHIR server could not show the care team.")
    if question.requester.ura in facts.care_team.uras:
        return _basis("care_team", "The requester is in the citizen's care team.", question)
    return _no_basis("not_in_care_team", "The requester is not in the care team.")


def _consent(_question: Question, facts: Facts) -> RuleOutcome:
    consent = facts.consent
    if consent.verdict == "permit":
        return RuleOutcome(
            rule="legal_basis",
            outcome="permit",
            code="consent",
            message=consent.message or "The citizen allows sharing this with the requester.",
            evidence={**consent.evidence, "basis": "consent"},
        )
    away = consent.verdict == "unavailable"
    return _no_basis("consent_unavailable" if away else "no_consent", "No permission of the citizen is known.")


def _referral(question: Question, facts: Facts) -> RuleOutcome:
    if not facts.referral.available:
        return _no_basis("referral_unavailable", "Our FHIR server could not show the referrals.")
    if question.requester.ura in facts.referral.uras:
        return _basis("referral", "The citizen was referred to the requester.", question)
    return _no_basis("not_referred", "No running referral leads to the requester.")


def _agreement(question: Question, facts: Facts) -> RuleOutcome:
    if facts.agreement.id is None:
        return _no_basis("no_agreement", "There is no agreement with the requester about this use case.")
    return _basis("agreement", "There is an agreement with the requester.", question, agreement=facts.agreement.id)


def _basis(basis: LegalBasis, message: str, question: Question, **evidence: str) -> RuleOutcome:
    return _outcome("legal_basis", "permit", basis, message, basis=basis, ura=question.requester.ura, **evidence)


def _no_basis(code: str, message: str) -> RuleOutcome:
    return _outcome("legal_basis", "not_applicable", code, message)


_BASES: Mapping[LegalBasis, CitizenRule] = {
    "care_team": _care_team,
    "consent": _consent,
    "referral": _referral,
    "agreement": _agreement,
}

REQUEST_RULES: tuple[RequestRule, ...] = (use_case, registration, organisation, user, evidence, purpose)
CITIZEN_RULES: tuple[CitizenRule, ...] = (patient, objection, legal_basis)
