"""The rules, in the order in which they are evaluated.

About the request, knowable before anything is looked up:

1. ``use_case``      the grant's scope is a use case here, and the request a step of its table
2. ``registration``  the requester stands in the use case's discovery service
3. ``organisation``  its kind may ask our kind through this table
4. ``user``          a person is named, in a role that may
5. ``purpose``       a purpose that the use case names; an emergency only where it is offered

About the citizen:

6. ``patient``       our own record of exactly this citizen
7. ``objection``     a recorded objection beats every basis, except an emergency that the use case offers
8. ``legal_basis``   one that the use case lists: care team, or the citizen's explicit permission. A permission recorded
   where ``consent`` is not listed changes nothing. Whether a consent service was away matters only when no other basis
   suffices (ARCHITECTURE.md §8); an objection recorded *here* is always known, for it lies in our own store.

Each rule says ``permit``, ``deny`` or ``not_applicable``, with a stable code and a sentence. None reads anything but its
arguments, so each can be tested alone. Messages name organisations and rules, never the citizen.
"""

from collections.abc import Callable

from node.audit.rules import RuleOutcome, Verdict
from node.exchange.decide.question import Facts, Question
from node.usecases.model import LegalBasis

BREAK_GLASS_PURPOSE = "BTG"

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
    if person.role not in question.usecase.roles_of(question.table):
        return _outcome("user", "deny", "user_role_not_allowed", "A person in this role may not ask this.", **evidence)
    return _outcome("user", "permit", "user_role_allowed", "The person's role may ask this.", **evidence)


def purpose(question: Question) -> RuleOutcome:
    """A purpose that the use case names; an emergency only where it is offered."""
    if question.usecase is None:
        return _outcome("purpose", "not_applicable", "no_use_case", "There is no use case that names purposes.")
    stated = question.purpose or question.usecase.purposes[0]
    evidence = {"purpose": stated, "stated": "yes" if question.purpose else "no"}
    if question.break_glass is not None and question.usecase.break_the_glass != "offered":
        return _outcome(
            "purpose", "deny", "break_glass_not_offered", "This use case knows no emergency access.", **evidence
        )
    if stated not in question.usecase.purposes:
        return _outcome("purpose", "deny", "purpose_not_allowed", "The use case doesn't name this purpose.", **evidence)
    if (stated == BREAK_GLASS_PURPOSE) != (question.break_glass is not None):
        return _outcome(
            "purpose", "deny", "break_glass_incomplete", "An emergency needs both its purpose and a reason.", **evidence
        )
    return _outcome("purpose", "permit", "purpose_allowed", "The use case names this purpose.", **evidence)


def patient(_question: Question, facts: Facts) -> RuleOutcome:
    """Our own record of exactly this citizen."""
    if facts.in_care is None:
        return _outcome(
            "patient", "deny", "patient_unavailable", "Our own FHIR server could not say whose record this is."
        )
    if not facts.in_care:
        return _outcome("patient", "deny", "patient_not_in_care", "We have no record of exactly this citizen.")
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
    if _is_emergency(question):
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
    """One basis that the use case lists suffices; the first that does is named."""
    if question.usecase is None:
        return _outcome("legal_basis", "not_applicable", "no_use_case", "There is no use case that lists bases.")
    if _is_emergency(question):
        return _outcome(
            "legal_basis",
            "permit",
            "break_glass",
            "An emergency was declared; it will be reviewed.",
            basis="break_glass",
        )
    looked_at: dict[str, str] = {}
    for basis in question.usecase.legal_bases:
        found = _basis_outcome(basis, question, facts)
        if found.outcome == "permit":
            return found
        looked_at[basis] = found.code
    return RuleOutcome(
        rule="legal_basis",
        outcome="deny",
        code="no_legal_basis",
        message="None of the legal bases that the use case lists was found.",
        evidence=looked_at,
    )


def _basis_outcome(basis: LegalBasis, question: Question, facts: Facts) -> RuleOutcome:
    ura = question.requester.ura
    if basis == "care_team":
        if not facts.care_team.available:
            return _outcome(
                "legal_basis",
                "not_applicable",
                "care_team_unavailable",
                "Our FHIR server could not show the care team.",
            )
        if ura in facts.care_team.uras:
            return _outcome(
                "legal_basis",
                "permit",
                "care_team",
                "The requester is in the citizen's care team.",
                basis=basis,
                ura=ura,
            )
        return _outcome("legal_basis", "not_applicable", "not_in_care_team", "The requester is not in the care team.")
    consent = facts.consent
    if consent.verdict == "permit":
        return RuleOutcome(
            rule="legal_basis",
            outcome="permit",
            code="consent",
            message=consent.message or "The citizen allows sharing this with the requester.",
            evidence={**consent.evidence, "basis": basis},
        )
    code = "consent_unavailable" if consent.verdict == "unavailable" else "no_consent"
    return _outcome("legal_basis", "not_applicable", code, "No permission of the citizen is known.")


def _is_emergency(question: Question) -> bool:
    """Whether the glass is broken where it may be."""
    return (
        question.break_glass is not None
        and question.usecase is not None
        and question.usecase.break_the_glass == "offered"
        and question.purpose == BREAK_GLASS_PURPOSE
    )


REQUEST_RULES: tuple[RequestRule, ...] = (use_case, registration, organisation, user, purpose)
CITIZEN_RULES: tuple[CitizenRule, ...] = (patient, objection, legal_basis)
