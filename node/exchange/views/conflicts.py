"""What two organisations say differently about the same thing: medication, allergies, treatment limits. Marked, never resolved.

Only differences between holders count: what one organisation says twice is its own affair. Each rule is a stable code::

    other_substance    two substances of one therapeutic group (ATC, four characters), each at a holder that lacks the other's
    other_status       the same substance, allergy or treatment: active here, not there
    other_dosage       the same substance in use, in other doses
    none_known         no allergy is known here, one is there
    other_criticality  the same allergy, another risk
    other_decision     the same treatment: wanted here, not there
    more               there are more differences than are listed
    not_compared       there is too much to compare
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import combinations, islice
from typing import Any

from node.exchange.merge import Conflict
from node.exchange.views.codes import (
    ATC,
    ATC_GROUP,
    ATC_SUBSTANCE,
    SNOMED,
    Code,
    code_of,
    codings,
    dosage_of,
    medication_of,
    status_of,
    treatment_ids,
    treatment_of,
    words,
)
from node.exchange.views.picking import pick
from node.exchange.views.result import Entry

MEDICATION = frozenset({"MedicationRequest", "MedicationDispense", "MedicationStatement"})
NO_KNOWN_ALLERGY = frozenset({(SNOMED, "716186003"), (SNOMED, "409137002"), (SNOMED, "160244002")})
"""No known allergy; no known drug allergy; no known allergies (situation)."""
_OVER = frozenset({"stopped", "completed", "cancelled", "inactive", "resolved", "refuted", "on-hold"})
_WRONG = frozenset({"entered-in-error"})
MAX_CONFLICTS = 200
"""Per topic; more are not listed, and that is said: two strangers could make up thousands."""
MAX_COMPARED = 400
"""Entries per topic; with more nothing is compared, and that is said."""


def find_conflicts(entries: Sequence[Entry]) -> list[Conflict]:
    """Return everything that holders say differently, in the order of the rules."""
    current = [entry for entry in entries if not _WRONG & set(status_of(entry.body).split(", "))]
    found: list[Conflict] = []
    for topic, rule in _RULES.items():
        of_topic = [entry for entry in current if entry.type in _TYPES[topic]]
        if len(of_topic) > MAX_COMPARED:
            found.append(Conflict(topic=topic, code="not_compared", detail="too many to compare", full_urls=()))
            continue
        differing = rule(of_topic, current)
        found += differing[:MAX_CONFLICTS]
        if len(differing) > MAX_CONFLICTS:
            found.append(Conflict(topic=topic, code="more", detail="more differences than are listed", full_urls=()))
    return found


def substances(entries: Sequence[Entry], every: Sequence[Entry]) -> list[list[Entry]]:
    """Return medication grouped by what it is: a shared code, a shared treatment identifier, or the same words."""
    referenced = by_reference(every)
    keys: dict[str, set[Hashable]] = {}
    for entry in entries:
        concept = medication_of(entry.body, referenced.get(entry.holder, {}))
        found: set[Hashable] = {("code", *each) for each in _substance_codes(concept)}
        found |= {("treatment", *each) for each in treatment_ids(entry.body)}
        if not found:
            found = {("words", words(concept).casefold() or entry.fetched.full_url)}
        keys[entry.fetched.full_url] = found
    return _grouped(entries, lambda entry: keys[entry.fetched.full_url])


def by_reference(entries: Iterable[Entry]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return parsed resources by holder and ``Type/id``."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for entry in entries:
        found.setdefault(entry.holder, {})[entry.local] = entry.body
    return found


def _medication(entries: Sequence[Entry], every: Sequence[Entry]) -> list[Conflict]:
    groups = substances(entries, every)
    referenced = by_reference(every)
    found: list[Conflict] = []
    # (1) the same substance, said differently
    for group in groups:
        found += _differing(group, "medication", "other_status", _is_over)
        in_use = [entry for entry in group if not _is_over(entry) and dosage_of(entry.body)]
        found += _differing(in_use, "medication", "other_dosage", lambda entry: dosage_of(entry.body).casefold())
    # (2) two substances of one therapeutic group that no holder has both of
    in_use_groups = [[entry for entry in group if not _is_over(entry)] for group in groups]
    compared = [(group, _therapeutic(group, referenced), {entry.holder for entry in group}) for group in in_use_groups]
    differing = (
        _conflict("medication", "other_substance", [*one, *other])
        for (one, kinds, holders), (other, other_kinds, other_holders) in combinations(compared, 2)
        if kinds & other_kinds and not holders & other_holders
    )
    return [*found, *islice(differing, MAX_CONFLICTS + 1)]


def _allergies(entries: Sequence[Entry], _: Sequence[Entry]) -> list[Conflict]:
    none_known = [entry for entry in entries if NO_KNOWN_ALLERGY & set(codings(pick(entry.body, "code")))]
    others = [entry for entry in entries if entry not in none_known]
    found: list[Conflict] = []
    there = [entry for entry in others if not _is_over(entry)]
    if {entry.holder for entry in there} - {entry.holder for entry in none_known} and none_known:
        found.append(_conflict("allergies", "none_known", [*none_known, *there]))
    for group in _grouped(others, lambda entry: _concept_keys(pick(entry.body, "code"), entry)):
        found += _differing(group, "allergies", "other_status", _is_over)
        current = [entry for entry in group if not _is_over(entry) and pick(entry.body, "criticality")]
        found += _differing(current, "allergies", "other_criticality", lambda entry: str(entry.body["criticality"]))
    return found


def _treatment_limits(entries: Sequence[Entry], _: Sequence[Entry]) -> list[Conflict]:
    directives = [entry for entry in entries if treatment_of(entry.body)[0] is not None]
    found: list[Conflict] = []
    for group in _grouped(directives, lambda entry: _concept_keys(treatment_of(entry.body)[0], entry)):
        current = [entry for entry in group if not _is_over(entry) and treatment_of(entry.body)[1]]
        found += _differing(current, "treatment-limits", "other_decision", lambda entry: treatment_of(entry.body)[1])
        found += _differing(group, "treatment-limits", "other_status", _is_over)
    return found


def _differing(group: Sequence[Entry], topic: str, code: str, says: Callable[[Entry], Hashable]) -> list[Conflict]:
    """Return a conflict when some holder says something that another does not say of the same thing."""
    said: dict[str, set[Hashable]] = {}
    for entry in group:
        said.setdefault(entry.holder, set()).add(says(entry))
    if all(one == other for one, other in combinations(said.values(), 2)):
        return []
    return [_conflict(topic, code, group)]


def _conflict(topic: str, code: str, entries: Sequence[Entry]) -> Conflict:
    says = "; ".join(f"{entry.fetched.lineage.holder_name or entry.holder}: {entry.text}" for entry in entries[:8])
    return Conflict(
        topic=topic, code=code, detail=says, full_urls=tuple(dict.fromkeys(e.fetched.full_url for e in entries))
    )


def _is_over(entry: Entry) -> bool:
    return bool(_OVER & set(status_of(entry.body).split(", ")))


def _substance_codes(concept: Any) -> set[Code]:
    return {
        (system, code[:ATC_SUBSTANCE] if system == ATC else code)
        for system, code in codings(concept)
        if system != ATC or len(code) >= ATC_SUBSTANCE
    }


def _therapeutic(group: Sequence[Entry], referenced: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> set[str]:
    concepts = (medication_of(entry.body, referenced.get(entry.holder, {})) for entry in group)
    return {code[:ATC_GROUP] for concept in concepts for system, code in codings(concept) if system == ATC}


def _concept_keys(concept: Any, entry: Entry) -> set[Hashable]:
    return {("code", *each) for each in codings(concept)} or {
        ("words", (words(concept) or code_of(concept)).casefold() or entry.fetched.full_url)
    }


def _grouped(entries: Sequence[Entry], keys: Callable[[Entry], set[Hashable]]) -> list[list[Entry]]:
    """Return groups of entries that share a key, directly or through others, in order of appearance."""
    groups: dict[int, list[Entry]] = {}
    owners: dict[Hashable, int] = {}
    keys_of: dict[int, set[Hashable]] = {}
    for number, entry in enumerate(entries):
        mine = keys(entry)
        first, *others = sorted({owners[key] for key in mine if key in owners}) or [number]
        for other in others:  # this entry shows that they are one
            groups[first] += groups.pop(other)
            moved = keys_of.pop(other)
            owners.update(dict.fromkeys(moved, first))
            keys_of[first] |= moved
        groups.setdefault(first, []).append(entry)
        keys_of.setdefault(first, set()).update(mine)
        owners.update(dict.fromkeys(mine, first))
    return list(groups.values())


_TYPES: Mapping[str, frozenset[str]] = {
    "medication": MEDICATION,
    "allergies": frozenset({"AllergyIntolerance"}),
    "treatment-limits": frozenset({"Consent"}),
}
_RULES: Mapping[str, Callable[[Sequence[Entry], Sequence[Entry]], list[Conflict]]] = {
    "medication": _medication,
    "allergies": _allergies,
    "treatment-limits": _treatment_limits,
}
