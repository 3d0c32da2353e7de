"""Which consent decides. Pure (LANDSCAPE §2.4, Nuts GF Consent "Processing multiple consents").

The most specific rule wins: a named organisation before a kind of organisation before everyone; among these a part of the
treatment data before treatment data before all data. At equal specificity an objection beats a permission.

Asking for a category is asking for each of its parts: GGC002 is GGC012, GGC013 and the rest of the treatment data. One part
refused refuses the whole, since an answer that is short of one part would read as complete; a part that nobody decided on
leaves it open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from node.audit.rules import RuleOutcome
from node.consent.consent import CATEGORIES, MEDICATION, RESULTS, TREATMENT, Consent, Rule

RULE = "consent"

_REST = "GGC002 other than results and medication"
_PARTS = {TREATMENT: (_REST, RESULTS, MEDICATION)}
_COVERED_BY = {
    _REST: frozenset({TREATMENT}),
    RESULTS: frozenset({TREATMENT, RESULTS}),
    MEDICATION: frozenset({TREATMENT, MEDICATION}),
}

EVERYONE, KIND, ORGANISATION = 0, 1, 2
ALL_DATA, WHOLE_CATEGORY, PART = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who wants to see: a verified URA, and the kind of organisation as it states itself; either may be unknown."""

    ura: str | None
    facility_type: str | None


@dataclass(frozen=True, slots=True)
class _Match:
    """A rule that applies, in the order in which rules win."""

    who: int
    what: int
    permit: bool
    consent: str

    @property
    def rank(self) -> tuple[int, int, bool]:
        return (self.who, self.what, not self.permit)


def decide(consents: Iterable[Consent], requester: Requester, *, category: str, now: datetime) -> RuleOutcome:
    """Decide whether one citizen's consents allow ``requester`` to see data of ``category``.

    Args:
        consents: of this citizen, at this holder; inactive ones are skipped.
        requester: who asks.
        category: ``GGC002``, ``GGC012``, ``GGC013``; another code is covered only by rules about all data.
        now: aware UTC.

    Returns:
        ``permit``, ``deny`` (an objection) or ``not_applicable`` (nothing was said); evidence ``consent`` holds the ids of what
        decided.
    """
    current = [
        (rule, consent.id)
        for consent in consents
        if consent.is_active
        for rule in consent.rules
        if rule.is_current(now)
    ]
    winners = [_winner(current, requester, part) for part in _PARTS.get(category, (category,))]
    refused = [winner for winner in winners if winner is not None and not winner.permit]
    if refused:
        return RuleOutcome(
            rule=RULE,
            outcome="deny",
            code="objection",
            message="the citizen objects to this",
            evidence=_evidence(refused, category),
        )
    decided = [winner for winner in winners if winner is not None]
    if len(decided) < len(winners):
        return RuleOutcome(
            rule=RULE,
            outcome="not_applicable",
            code="no_consent",
            message="no consent covers this",
            evidence={"category": category},
        )
    return RuleOutcome(
        rule=RULE,
        outcome="permit",
        code="consented",
        message="the citizen consented to this",
        evidence=_evidence(decided, category),
    )


def _evidence(winners: Sequence[_Match], category: str) -> dict[str, str]:
    return {"consent": ",".join(sorted({winner.consent for winner in winners})), "category": category}


def _winner(rules: Iterable[tuple[Rule, str]], requester: Requester, part: str) -> _Match | None:
    """Return the rule that decides about one part of the data; among equals the one with the lowest consent id."""
    winner: _Match | None = None
    for rule, consent in rules:
        who = _who(rule, requester)
        what = _what(rule, part)
        if who is None or what is None:
            continue
        match = _Match(who, what, rule.permit, consent)
        if winner is None or match.rank > winner.rank or (match.rank == winner.rank and consent < winner.consent):
            winner = match
    return winner


def _who(rule: Rule, requester: Requester) -> int | None:
    if requester.ura is not None and requester.ura in rule.organisations:
        return ORGANISATION
    if requester.facility_type is not None and requester.facility_type in rule.facility_types:
        return KIND
    return EVERYONE if rule.is_for_everyone else None


def _what(rule: Rule, part: str) -> int | None:
    if not rule.categories:
        return ALL_DATA
    if part in rule.categories:
        return PART
    return WHOLE_CATEGORY if rule.categories & _COVERED_BY.get(part, frozenset()) else None


_Atom = tuple[str, str, datetime | None, datetime | None]


def takes_away(before: Consent | None, after: Consent) -> bool:
    """Say whether something may be refused after this change that was not before it.

    Errs on the side of yes: a permission that is not there any more exactly as it was, or an objection that was not there.
    """
    old = before.rules if before is not None and before.is_active else ()
    new = after.rules if after.is_active else ()
    return bool(
        _atoms(old, permit=True) - _atoms(new, permit=True) or _atoms(new, permit=False) - _atoms(old, permit=False)
    )


def _atoms(rules: Iterable[Rule], *, permit: bool) -> set[_Atom]:
    return {
        (who, what, rule.start, rule.end)
        for rule in rules
        if rule.permit is permit
        for who in (
            {f"ura {one}" for one in rule.organisations} | {f"kind {one}" for one in rule.facility_types}
            or {"everyone"}
        )
        for what in (rule.categories or {"all"})
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoMay:
    """One line of "who may see what": a requester (``None`` members: everyone), a category and what decides."""

    requester: Requester
    name: str | None
    category: str
    outcome: RuleOutcome

    def to_json(self) -> dict[str, object]:
        """Return the line for programs."""
        return {
            "organisation": {
                "ura": self.requester.ura,
                "name": self.name,
                "facility_type": self.requester.facility_type,
                "everyone": self.requester.ura is None and self.requester.facility_type is None,
            },
            "category": self.category,
            "decision": self.outcome.outcome,
            "basis": self.outcome.rule if self.outcome.outcome == "permit" else None,
            "code": self.outcome.code,
            "consent": self.outcome.evidence.get("consent"),
        }


def who_may(
    consents: Sequence[Consent], organisations: Iterable[tuple[str, str | None, str | None]], *, now: datetime
) -> tuple[WhoMay, ...]:
    """List per organisation and category what is allowed.

    Args:
        consents: of one citizen.
        organisations: (URA, name, kind) of those who could ask; those that the consents name are added.
        now: aware UTC.

    Returns:
        Organisations by URA, then kinds that the consents name, then everyone else.
    """
    known: dict[str, tuple[str | None, str | None]] = {ura: (name, kind) for ura, name, kind in organisations}
    kinds: set[str] = set()
    for consent in consents:
        for rule in consent.rules if consent.is_active else ():
            kinds |= rule.facility_types
            for ura in rule.organisations:
                known.setdefault(ura, (None, None))
    asked: list[tuple[Requester, str | None]] = [
        (Requester(ura=ura, facility_type=known[ura][1]), known[ura][0]) for ura in sorted(known)
    ]
    asked += [(Requester(ura=None, facility_type=kind), None) for kind in sorted(kinds)]
    asked.append((Requester(ura=None, facility_type=None), None))
    return tuple(
        WhoMay(
            requester=requester,
            name=name,
            category=category,
            outcome=decide(consents, requester, category=category, now=now),
        )
        for requester, name in asked
        for category in CATEGORIES
    )
