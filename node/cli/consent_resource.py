"""A FHIR R4 Consent made of what somebody typed; what the node understands of it: ``node/consent/consent.py``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from node.cli.citizen import patient
from node.cli.output import USAGE, CommandError
from node.consent.consent import CATEGORIES, FACILITY_TYPE_SYSTEMS, MEDICATION, RESULTS, TREATMENT, URA_SYSTEM

CATEGORY_WORDS = {"treatment": TREATMENT, "results": RESULTS, "medication": MEDICATION}
"""Words for the data categories (LANDSCAPE §2.4)."""

CATEGORY_SYSTEM = "urn:oid:2.16.840.1.113883.2.4.3.111.5.10.1"
"""Code system of Mitz's data categories (event codes)."""
FACILITY_TYPE_SYSTEM = next(system for system in sorted(FACILITY_TYPE_SYSTEMS) if system.startswith("http"))

_URA = re.compile(r"[0-9]{8}\Z")
_KIND = re.compile(r"[A-Z][0-9A-Z]{0,3}\Z")
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a citizen wants: allow or refuse, whom (nobody named: everyone), which data (none named: all), when."""

    deny: bool
    organisations: tuple[str, ...]
    kinds: tuple[str, ...]
    categories: tuple[str, ...]
    start: str | None
    end: str | None

    @classmethod
    def parse(
        cls,
        *,
        deny: bool,
        organisations: Sequence[str],
        kinds: Sequence[str],
        categories: Sequence[str],
        start: str | None,
        end: str | None,
    ) -> Self:
        """Check what was typed.

        Raises:
            CommandError: something is not what it should be; names the option.
        """
        if not all(_URA.match(ura) for ura in organisations):
            raise CommandError("--organisation is a URA number of eight digits", code=USAGE)
        if not all(_KIND.match(kind) for kind in kinds):
            raise CommandError("--kind is a Vektis code such as V6", code=USAGE)
        codes = tuple(CATEGORY_WORDS.get(category, category) for category in categories)
        if not all(code in CATEGORIES for code in codes):
            raise CommandError("there is no such --category", f"there are: {', '.join(CATEGORY_WORDS)}", code=USAGE)
        if start is not None and end is not None and end < start:
            raise CommandError("--until is before --from", code=USAGE)
        return cls(
            deny=deny, organisations=tuple(organisations), kinds=tuple(kinds), categories=codes, start=start, end=end
        )


def consent_resource(wish: Wish, *, bsn: str, now: datetime) -> dict[str, Any]:
    """Return the resource that records ``wish``.

    Args:
        wish: checked.
        bsn: of the citizen.
        now: when it was said, aware UTC.
    """
    provision: dict[str, Any] = {"type": "deny" if wish.deny else "permit"}
    period = {name: day for name, day in (("start", wish.start), ("end", wish.end)) if day is not None}
    actors = [_organisation(ura) for ura in wish.organisations] + [_kind(kind) for kind in wish.kinds]
    codes = [{"coding": [{"system": CATEGORY_SYSTEM, "code": code}]} for code in wish.categories]
    provision |= {name: value for name, value in (("period", period), ("actor", actors), ("code", codes)) if value}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": f"{_TERMINOLOGY}/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"identifier": patient(bsn)},
        "policyRule": {
            "coding": [{"system": f"{_TERMINOLOGY}/v3-ActCode", "code": "OPTOUT" if wish.deny else "OPTIN"}]
        },
        "dateTime": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "provision": provision,
    }


def withdrawn(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``resource`` as it is when it has no effect any more."""
    return {**resource, "status": "inactive"}


def _organisation(ura: str) -> dict[str, Any]:
    return {"role": _ROLE, "reference": {"identifier": {"system": URA_SYSTEM, "value": ura}}}


def _kind(code: str) -> dict[str, Any]:
    return {
        "role": {"coding": [{"system": FACILITY_TYPE_SYSTEM, "code": code}]},
        "reference": {"display": "every organisation of this kind"},
    }


_ROLE = {"coding": [{"system": f"{_TERMINOLOGY}/v3-ParticipationType", "code": "IRCP"}]}
"""R4 wants a role of every actor: who receives the information."""
