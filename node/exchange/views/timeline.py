"""Contacts, recent events and current data of all holders by date, the newest first (need 1)."""

from typing import Any

from node.exchange.views.picking import NOTHING
from node.exchange.views.result import Entry, Result

_NO_EVENT = frozenset(
    {"Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Medication", "RelatedPerson", "Device", "Substance"}
)  # fmt: skip
"""Types that are somebody or something, and no event."""


def timeline(result: Result) -> dict[str, Any]:
    """Return every event as a line with date and source; what has no date stands last and says so."""
    events = [entry for entry in result.entries if entry.type not in _NO_EVENT]
    dated = sorted((each for each in events if _has_date(each)), key=lambda each: each.date, reverse=True)
    undated = [each for each in events if not _has_date(each)]
    return {"items": [{**entry.to_json(), "topic": entry.topic} for entry in (*dated, *undated)]}


def _has_date(entry: Entry) -> bool:
    return entry.date != NOTHING and not entry.date.startswith("until")
