"""Runs the rules. The first that denies decides; the others are evaluated all the same, for the explanation."""

from dataclasses import replace

from node.audit.rules import RuleOutcome
from node.exchange.decide.question import BREAK_GLASS_PURPOSE, Answer, BreakGlass, Decision, Facts, Question
from node.exchange.decide.rules import CITIZEN_RULES, REQUEST_RULES


def refuse_early(question: Question) -> Decision | None:
    """Decide what needs no facts about a citizen: a refusal, or ``None`` to go and fetch them.

    Fetching costs a search in the organisation's own server, and how long that takes would tell something; so what can
    be refused without is refused without.
    """
    rules = tuple(rule(question) for rule in REQUEST_RULES)
    refusal = _first_denial(rules)
    if refusal is None:
        return None
    return Decision(permit=False, code=refusal.code, rules=rules, answer="forbidden")


def decide(question: Question, facts: Facts) -> Decision:
    """Decide on ``question``, given ``facts``. Permits only when no rule denies and a legal basis permits."""
    about_request = tuple(rule(question) for rule in REQUEST_RULES)
    about_citizen = tuple(rule(question, facts) for rule in CITIZEN_RULES)
    rules = (*about_request, *about_citizen)
    if refusal := _first_denial(about_request):
        return Decision(permit=False, code=refusal.code, rules=rules, answer="forbidden")
    if refusal := _first_denial(about_citizen):
        return Decision(
            permit=False,
            code=refusal.code,
            rules=rules,
            answer=_answer(question, facts),
            offers_break_glass=_would_reveal_more(question, facts),
        )
    basis = about_citizen[-1]
    if any(rule.outcome != "permit" for rule in about_request) or basis.outcome != "permit":
        return Decision(permit=False, code="undecided", rules=rules, answer="forbidden")
    return Decision(permit=True, code=basis.code, rules=rules, answer="data")


def _answer(question: Question, facts: Facts) -> Answer:
    """Unknown, not in care and not to be shared are one answer; where the patient is not looked for, one refusal."""
    if facts.in_care is None:
        return "unavailable"
    return "empty" if question.step is not None and question.step.is_match else "forbidden"


def _would_reveal_more(question: Question, facts: Facts) -> bool:
    """Whether the peer may hear that breaking the glass would help: only where it would, and only where that is no secret."""
    usecase = question.usecase
    if usecase is None or usecase.existence != "revealed" or question.purpose == BREAK_GLASS_PURPOSE:
        return False
    emergency = replace(question, purpose=BREAK_GLASS_PURPOSE, break_glass=BreakGlass(reason="what if"))
    return decide(emergency, facts).permit


def _first_denial(rules: tuple[RuleOutcome, ...]) -> RuleOutcome | None:
    return next((rule for rule in rules if rule.outcome == "deny"), None)
