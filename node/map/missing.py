"""What may keep two organisations from exchanging something, and what it takes to mend it. Pure."""

from dataclasses import dataclass
from typing import Any, Final, Literal

Code = Literal[
    "not_in_pilot",
    "not_active",
    "we_not_registered",
    "service_unknown",
    "no_own_fhir",
    "no_credential",
    "not_registered",
    "no_authorization_server",
    "no_fhir_base",
    "fhir_away",
    "fhir_lacks",
]

COSTS: Final[dict[Code, int]] = {
    "not_in_pilot": 1,
    "not_active": 2,
    "we_not_registered": 3,
    "service_unknown": 4,
    "no_own_fhir": 5,
    "no_credential": 6,
    "not_registered": 7,
    "no_authorization_server": 8,
    "no_fhir_base": 9,
    "fhir_away": 10,
    "fhir_lacks": 11,
}
"""Cheapest first: a line of configuration, a command, a file, a server, something that has to be issued to us; then what others do."""

_THEIRS = frozenset({"not_registered", "no_authorization_server", "no_fhir_base", "fhir_away", "fhir_lacks"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One step that is missing.

    Attributes:
        detail: a sentence.
        remedy: what to do.
    """

    code: Code
    detail: str
    remedy: str

    @property
    def is_ours(self) -> bool:
        """Whether we can do it ourselves."""
        return self.code not in _THEIRS

    def to_json(self) -> dict[str, Any]:
        """Return it as the API says it."""
        return {
            "code": self.code,
            "whose": "ours" if self.is_ours else "theirs",
            "detail": self.detail,
            "remedy": self.remedy,
        }


def cheapest_first(steps: list[Missing]) -> list[Missing]:
    """Return ``steps`` in the order in which somebody would take them."""
    return sorted(steps, key=lambda each: COSTS[each.code])
