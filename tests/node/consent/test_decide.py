"""Which consent decides, against a model that is too slow and too simple to be wrong."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.consent.consent import CATEGORIES, Consent, Rule
from node.consent.decide import Requester, decide, takes_away, who_may

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
URAS = ("90000102", "90000103")
KINDS = ("V6", "Z3")


def a_rule(
    *,
    permit: bool,
    organisations: Iterable[str] = (),
    facility_types: Iterable[str] = (),
    categories: Iterable[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
) -> Rule:
    return Rule(
        permit=permit,
        organisations=frozenset(organisations),
        facility_types=frozenset(facility_types),
        categories=frozenset(categories),
        start=start,
        end=end,
    )


def consents_of(*rules: Rule, active: bool = True) -> list[Consent]:
    return [
        Consent(
            id=f"c{number}",
            status="active" if active else "inactive",
            bsn="999990135",
            holders=frozenset(),
            rules=(rule,),
        )
        for number, rule in enumerate(rules)
    ]


RULES = st.builds(
    Rule,
    permit=st.booleans(),
    organisations=st.frozensets(st.sampled_from(URAS), max_size=2),
    facility_types=st.frozensets(st.sampled_from(KINDS), max_size=1),
    categories=st.frozensets(st.sampled_from(CATEGORIES), max_size=2),
    start=st.sampled_from([None, NOW - HOUR, NOW, NOW + HOUR]),
    end=st.sampled_from([None, NOW - HOUR, NOW, NOW + HOUR]),
)
CONSENTS = st.lists(
    st.builds(
        Consent,
        id=st.sampled_from(["a", "b", "c"]),
        status=st.sampled_from(["active", "active", "inactive"]),
        bsn=st.just("999990135"),
        holders=st.just(frozenset[str]()),
        rules=st.lists(RULES, min_size=1, max_size=3).map(tuple),
    ),
    max_size=4,
)
REQUESTERS = st.builds(
    Requester, ura=st.sampled_from([*URAS, "90000104", None]), facility_type=st.sampled_from([*KINDS, "T2", None])
)


def model(consents: list[Consent], requester: Requester, category: str) -> str:
    """Go down the ladder of specificity step by step, for each part of the data."""
    parts = {
        "GGC002": [["GGC002"], ["GGC012", "GGC002"], ["GGC013", "GGC002"]],
        "GGC012": [["GGC012", "GGC002"]],
        "GGC013": [["GGC013", "GGC002"]],
    }[category]
    verdicts = []
    for names in parts:
        verdict = "not_applicable"
        for who in ("organisation", "kind", "everyone"):
            for what in [*names, None]:
                hits = [
                    rule.permit
                    for consent in consents
                    for rule in consent.rules
                    if consent.status == "active"
                    and not (rule.start and rule.start > NOW)
                    and not (rule.end and rule.end <= NOW)
                    and (
                        (who == "organisation" and requester.ura in rule.organisations)
                        or (who == "kind" and requester.facility_type in rule.facility_types)
                        or (who == "everyone" and not rule.organisations and not rule.facility_types)
                    )
                    and (what in rule.categories if what else not rule.categories)
                ]
                if hits and verdict == "not_applicable":
                    verdict = "permit" if all(hits) else "deny"
        verdicts.append(verdict)
    if "deny" in verdicts:
        return "deny"
    return "not_applicable" if "not_applicable" in verdicts else "permit"


@given(CONSENTS, REQUESTERS, st.sampled_from(CATEGORIES))
@settings(max_examples=300, deadline=None)
def test_the_decision_is_that_of_the_naive_model(consents: list[Consent], requester: Requester, category: str) -> None:
    outcome = decide(consents, requester, category=category, now=NOW)
    assert outcome.outcome == model(consents, requester, category)
    if outcome.outcome != "not_applicable":
        assert set(outcome.evidence["consent"].split(",")) <= {consent.id for consent in consents}


@given(CONSENTS, REQUESTERS, st.sampled_from(CATEGORIES), st.randoms())
@settings(max_examples=200, deadline=None)
def test_the_order_of_consents_does_not_matter(
    consents: list[Consent], requester: Requester, category: str, random: Random
) -> None:
    shuffled = list(consents)
    random.shuffle(shuffled)
    assert decide(consents, requester, category=category, now=NOW) == decide(
        shuffled, requester, category=category, now=NOW
    )


ONE = CONSENTS.filter(bool).map(lambda found: found[0])


@given(CONSENTS, st.none() | ONE, ONE, REQUESTERS, st.sampled_from(CATEGORIES))
@settings(max_examples=300, deadline=None)
def test_a_change_that_takes_nothing_away_refuses_nobody_who_was_not_refused(
    others: list[Consent], before: Consent | None, after: Consent, requester: Requester, category: str
) -> None:
    if takes_away(before, after):
        return
    old = decide([*others, before] if before else others, requester, category=category, now=NOW).outcome
    new = decide([*others, after], requester, category=category, now=NOW).outcome
    rank = {"deny": 0, "not_applicable": 1, "permit": 2}
    assert rank[new] >= rank[old]


EVERYONE = Requester(ura="90000104", facility_type="T2")
ORGANISATION = Requester(ura="90000102", facility_type="V6")


@pytest.mark.parametrize(
    ("rules", "requester", "category", "outcome"),
    [
        ([], EVERYONE, "GGC002", "not_applicable"),
        ([a_rule(permit=True)], EVERYONE, "GGC013", "permit"),
        ([a_rule(permit=True), a_rule(permit=False)], EVERYONE, "GGC013", "deny"),
        ([a_rule(permit=False), a_rule(permit=True, facility_types={"V6"})], ORGANISATION, "GGC002", "permit"),
        ([a_rule(permit=True, facility_types={"V6"}), a_rule(permit=False, organisations={"90000102"})], ORGANISATION, "GGC002", "deny"),
        ([a_rule(permit=True, categories={"GGC002"})], EVERYONE, "GGC013", "permit"),
        ([a_rule(permit=True, categories={"GGC013"})], EVERYONE, "GGC002", "not_applicable"),
        ([a_rule(permit=True, categories={"GGC002"}), a_rule(permit=False, categories={"GGC013"})], EVERYONE, "GGC012", "permit"),
        ([a_rule(permit=True, categories={"GGC002"}), a_rule(permit=False, categories={"GGC013"})], EVERYONE, "GGC013", "deny"),
        ([a_rule(permit=True, categories={"GGC002"}), a_rule(permit=False, categories={"GGC013"})], EVERYONE, "GGC002", "deny"),
        ([a_rule(permit=False, categories={"GGC002"}), a_rule(permit=True, categories={"GGC013"})], EVERYONE, "GGC013", "permit"),
        ([a_rule(permit=True, end=NOW)], EVERYONE, "GGC013", "not_applicable"),
        ([a_rule(permit=True, start=NOW + HOUR)], EVERYONE, "GGC013", "not_applicable"),
        ([a_rule(permit=True)], EVERYONE, "GGC099", "permit"),
        ([a_rule(permit=True, categories={"GGC002"})], EVERYONE, "GGC099", "not_applicable"),
    ],
)  # fmt: skip
def test_more_specific_wins_and_an_objection_beats_a_permission_of_equal_specificity(
    rules: list[Rule], requester: Requester, category: str, outcome: str
) -> None:
    assert decide(consents_of(*rules), requester, category=category, now=NOW).outcome == outcome


def test_an_unknown_requester_has_only_what_everyone_has() -> None:
    consents = consents_of(a_rule(permit=True, organisations={"90000102"}))
    assert (
        decide(consents, Requester(ura=None, facility_type=None), category="GGC002", now=NOW).outcome
        == "not_applicable"
    )


def test_who_may_lists_organisations_kinds_and_everyone_per_category() -> None:
    consents = consents_of(
        a_rule(permit=True, organisations={"90000102"}),
        a_rule(permit=False, facility_types={"Z3"}, categories={"GGC013"}),
    )
    lines = [line.to_json() for line in who_may(consents, [("90000103", "GGZ Linde", "Z3")], now=NOW)]
    assert len(lines) == 4 * 3
    first = lines[0]
    assert first["organisation"] == {"ura": "90000102", "name": None, "facility_type": None, "everyone": False}
    assert (first["decision"], first["basis"], first["consent"]) == ("permit", "consent", "c0")
    denied = [line for line in lines if line["decision"] == "deny"]
    assert {str(line["category"]) for line in denied} == {"GGC002", "GGC013"}
    assert lines[-1]["organisation"] == {"ura": None, "name": None, "facility_type": None, "everyone": True}
