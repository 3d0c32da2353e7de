"""Views made of topics: the five essentials of an emergency (need 5), and the check at discharge of a district nurse (need 10).

A topic that could not be had says so; one that nobody was asked about says that. An empty topic is never just empty.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from node.exchange.views.result import Result

Topics = Mapping[str, tuple[str, str, tuple[str, ...]]]
"""Name of a section: Dutch and English title, and the topics of use case steps that feed it."""

ESSENTIALS: Topics = {
    "medication": ("Medicatie", "Medication", ("medication",)),
    "allergies": ("Allergieën en intoleranties", "Allergies and intolerance", ("allergies", "alerts")),
    "history": ("Voorgeschiedenis", "History", ("problems", "history")),
    "treatment_limits": ("Behandelgrenzen en wilsverklaringen", "Treatment limits", ("treatment-limits", "advance-directives")),
    "what_happened": ("Wat er zojuist gebeurde", "What just happened", ("contacts", "documents", "vital-signs", "results")),
}  # fmt: skip
"""Met Spoed Beschikbaar: medication, allergies, history, treatment directive, what just happened (LANDSCAPE §1.2)."""

DISCHARGE: Topics = {
    "history": ("Voorgeschiedenis", "History", ("history", "contacts")),
    "medication": ("Actueel medicatieoverzicht", "Current medication", ("medication", "allergies")),
    "policy": ("Beleid en waarom", "Policy, and why", ("care-plan", "treatment-limits", "advance-directives", "documents")),
    "network": ("Netwerk, professioneel en sociaal", "Network, professional and social", ("care-team", "social")),
    "comorbidity": ("Bijkomende aandoeningen", "Comorbidity", ("problems",)),
}  # fmt: skip
"""What a district nurse needs at discharge (LANDSCAPE §1.6, need 10); what is missing is a warning."""


def sections(result: Result, topics: Topics) -> list[dict[str, Any]]:
    """Return one section per topic: its items, its state, and what of it is missing."""
    return [
        {
            "section": name,
            "title": {"nl": dutch, "en": english},
            **result.standing(*fed_by),
            "items": [
                entry.to_json() for entry in sorted(result.of(*fed_by), key=lambda each: each.date, reverse=True)
            ],
            "conflicts": [each.to_json() for each in result.conflicts if each.topic in fed_by],
        }
        for name, (dutch, english, fed_by) in topics.items()
    ]


def essentials(result: Result) -> dict[str, Any]:
    """Return the five essentials."""
    return {"sections": sections(result, ESSENTIALS)}


def discharge(result: Result) -> dict[str, Any]:
    """Return the five topics of a discharge, and a warning for each that is not there in full."""
    found = sections(result, DISCHARGE)
    return {"sections": found, "warnings": [_warning(each) for each in _lacking(found)]}


def _lacking(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in found if each["state"] != "ok" or not each["complete"]]


def _warning(section: Mapping[str, Any]) -> dict[str, Any]:
    return {"section": section["section"], "state": section["state"], "title": section["title"]}
