"""A citizen's access report: who looked at what, when, why, and what was refused. Pure; the service reads and records.

Two shapes: JSON for screens (plain words, one entry per access) and a FHIR Bundle of AuditEvents for other programs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from node.audit.fhir import Site, audit_event, outcome_code
from node.audit.search import Found

MAX_ENTRIES = 10_000
"""Accesses in one report; a longer one says so and is asked again with dates."""

LEGAL_BASES = ("break_glass", "consent", "care_team", "agreement", "referral")
"""Rules that can make an access lawful (ARCHITECTURE §4), the most remarkable first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedAccess:
    """One access with its opened details (``query`` is never among them: it is for our operator)."""

    found: Found
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """Everything that happened around one citizen's data in a period.

    Attributes:
        is_complete: ``False`` when :data:`MAX_ENTRIES` cut it off.
    """

    site: Site
    since: datetime | None
    until: datetime | None
    made_at: datetime
    accesses: Sequence[ReportedAccess]
    is_complete: bool

    def to_json(self) -> dict[str, Any]:
        """Return the report for screens."""
        entries = [_entry(access) for access in self.accesses]
        return {
            "organisation": {"subject": self.site.subject, "ura": self.site.ura, "name": self.site.name},
            "from": _time(self.since),
            "to": _time(self.until),
            "made_at": _time(self.made_at),
            "complete": self.is_complete,
            "summary": _summary(entries),
            "entries": entries,
        }

    def to_bundle(self) -> dict[str, Any]:
        """Return the report as FHIR R4 Bundle of type ``collection``."""
        bundle: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": _time(self.made_at),
        }
        entries: list[dict[str, Any]] = [
            {
                "fullUrl": f"urn:hazel:audit:{access.found.lane}:{access.found.seq}",
                "resource": audit_event(
                    access.found, self.site, {"reason": access.reason} if access.reason is not None else None
                ),
            }
            for access in self.accesses
        ]
        if not self.is_complete:
            entries.append({"fullUrl": "urn:hazel:audit:incomplete", "resource": _incomplete()})
        if entries:  # FHIR has no empty arrays
            bundle["entry"] = entries
        return bundle


def _entry(access: ReportedAccess) -> dict[str, Any]:
    found, body = access.found, access.found.body
    # A basis is a rule of its own (consent/decide) or the code of the rule that chose one (exchange/decide).
    granted = {
        str(rule[name]) for rule in body.get("rules", ()) if rule["outcome"] == "permit" for name in ("rule", "code")
    }
    return {
        "lane": found.lane,
        "seq": found.seq,
        "at": body["at"],
        "kind": body["kind"],
        "direction": body["direction"],
        "who": {
            "organisation": body.get("peer_name"),
            "ura": body.get("peer_ura"),
            "user": body.get("user_name"),
            "user_id": body.get("user_id"),
            "role": body.get("user_role"),
            "evidence": body.get("user_evidence"),
        },
        "what": {
            "usecase": body.get("usecase"),
            "step": body.get("step"),
            "interaction": body.get("interaction"),
            "count": found.ended.get("count") if found.ended is not None else None,
        },
        "why": {
            "purpose": body.get("purpose"),
            "basis": next((basis for basis in LEGAL_BASES if basis in granted), None),
            "break_glass": access.reason is not None or "break_glass" in granted,
            "reason": access.reason,
        },
        "decision": body["decision"],
        "code": body["code"],
        "outcome": found.ended["code"] if found.ended is not None else ("final" if body["row"] == "record" else "open"),
        "outcome_code": outcome_code(found),
    }


def _summary(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    organisations: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    for entry in entries:  # newest first
        who = entry["who"]
        if who["ura"] is None and who["organisation"] is None:
            continue
        counted = organisations.setdefault(
            (who["ura"], who["organisation"]),
            {"ura": who["ura"], "name": who["organisation"], "permitted": 0, "refused": 0, "last": entry["at"]},
        )
        counted["refused" if entry["decision"] == "deny" else "permitted"] += 1
    return {
        "permitted": sum(entry["decision"] == "permit" for entry in entries),
        "refused": sum(entry["decision"] == "deny" for entry in entries),
        "break_glass": sum(bool(entry["why"]["break_glass"]) for entry in entries),
        "organisations": list(organisations.values()),
    }


def _incomplete() -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "warning",
                "code": "too-long",
                "diagnostics": f"only the newest {MAX_ENTRIES} accesses are shown; ask again with an earlier end",
            }
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None
