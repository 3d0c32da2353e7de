"""What one rule said, and on what it relied: the smallest piece of an explanation.

Shared by the decision engine (``node/exchange/decide``), consent (``node/consent/decide``) and the audit record, so that what
was decided, what is explained and what is recorded are the same value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["permit", "deny", "not_applicable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """One rule with its outcome (API.md §3).

    Attributes:
        rule: name of the rule, stable ("consent", "allow_list", …).
        outcome: what the rule says on its own.
        code: stable reason, snake_case.
        message: a sentence for our own operator; never holds a citizen number or clinical content.
        evidence: what the rule relied on, by name: identifiers, no content.
    """

    rule: str
    outcome: Verdict
    code: str
    message: str
    evidence: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the shape of API.md §3; empty evidence is an empty object."""
        return {
            "rule": self.rule,
            "outcome": self.outcome,
            "code": self.code,
            "message": self.message,
            "evidence": dict(self.evidence),
        }
