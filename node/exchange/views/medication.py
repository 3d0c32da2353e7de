"""Medication of all holders side by side, one line per holder and statement, with what differs (need 3)."""

from typing import Any

from node.exchange.events import COMPLETE
from node.exchange.views.codes import codings, dosage_of, medication_of, status_of, words
from node.exchange.views.conflicts import MEDICATION, by_reference, substances
from node.exchange.views.picking import pick
from node.exchange.views.result import Entry, Result


def medication(result: Result) -> dict[str, Any]:
    """Return medication grouped by substance, and allergies beside it.

    A group says ``only_at`` where holders that told their whole medication do not have it; ``conflicts`` are those of the answer that
    concern it. Nothing is left out: what is stopped stands there as stopped.
    """
    entries = [entry for entry in result.entries if entry.type in MEDICATION]
    referenced = by_reference(result.entries)
    told = _who_told_all(result)
    groups = []
    conflicts = [(frozenset(each.full_urls), each.to_json()) for each in result.conflicts]
    for group in substances(entries, result.entries):
        concept = medication_of(group[0].body, referenced.get(group[0].holder, {}))
        holders = {entry.holder for entry in group}
        urls = {entry.fetched.full_url for entry in group}
        groups.append(
            {
                "substance": words(concept) or group[0].text,
                "codes": [{"system": system, "code": code} for system, code in codings(concept)],
                "lines": [_line(entry) for entry in group],
                "holders": sorted(holders),
                "not_at": sorted(told - holders),
                "conflicts": [each for about, each in conflicts if urls & about],
            }
        )
    return {
        "medication": {**result.standing("medication"), "groups": groups},
        "allergies": {
            **result.standing("allergies"),
            "items": [entry.to_json() for entry in result.of("allergies")],
            "conflicts": [each.to_json() for each in result.conflicts if each.topic == "allergies"],
        },
    }


def _line(entry: Entry) -> dict[str, Any]:
    category = pick(entry.body, "category")
    return {
        **entry.to_json(),
        "kind": words(category[0] if isinstance(category, list) and category else category) or entry.type,
        "status": status_of(entry.body),
        "dosage": dosage_of(entry.body),
    }


def _who_told_all(result: Result) -> set[str]:
    """Return the holders that answered every step about medication."""
    about = [
        source
        for source in result.sources
        if (step := result.step_of(source)) is not None and set(step.types.matched) & MEDICATION
    ]
    return {source.holder for source in about} - {source.holder for source in about if source.state not in COMPLETE}
