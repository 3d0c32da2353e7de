"""What one step of an examination found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["ok", "warning", "failed", "skipped"]
"""``warning``: it works, and something should be done; ``skipped``: could not be looked at, because of something before it."""

Fact = str | int | bool | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One step.

    Attributes:
        step: what was looked at: ``dns``, ``tls``, ``metadata``, …
        about: which of several: an address, a scope, a DID; empty when there is one.
        code: stable, for programs.
        detail: a sentence.
        remedy: what to do; ``None`` when there is nothing.
        facts: what was seen, by name.
    """

    step: str
    outcome: Outcome
    code: str
    detail: str
    remedy: str | None = None
    about: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def to_json(self, ms: int) -> dict[str, Any]:
        """Return the finding as the API says it; it took ``ms``."""
        return {
            "step": self.step,
            "about": self.about,
            "outcome": self.outcome,
            "code": self.code,
            "detail": self.detail,
            "remedy": self.remedy,
            "facts": dict(self.facts),
            "ms": ms,
        }


def ok(step: str, detail: str, *, about: str = "", **facts: Fact) -> Finding:
    """All is well."""
    return Finding(step=step, outcome="ok", code="ok", detail=detail, about=about, facts=facts)


def failed(step: str, code: str, detail: str, remedy: str, *, about: str = "", **facts: Fact) -> Finding:
    """It does not work."""
    return Finding(step=step, outcome="failed", code=code, detail=detail, remedy=remedy, about=about, facts=facts)


def warning(step: str, code: str, detail: str, remedy: str, *, about: str = "", **facts: Fact) -> Finding:
    """It works, but."""
    return Finding(step=step, outcome="warning", code=code, detail=detail, remedy=remedy, about=about, facts=facts)


def skipped(step: str, code: str, detail: str, remedy: str | None = None, *, about: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(step=step, outcome="skipped", code=code, detail=detail, remedy=remedy, about=about)


def worst(findings: Sequence[Finding]) -> Outcome:
    """Return how it is on the whole."""
    order: tuple[Outcome, ...] = ("failed", "warning", "ok")
    return next((each for each in order if any(one.outcome == each for one in findings)), "skipped")
