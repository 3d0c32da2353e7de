"""One emergency as it is kept, and the verdict on it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

DURATION = timedelta(minutes=15)
"""How long one emergency runs; the grant may end before."""

MAX_NOTE = 2_000
MAX_LISTED = 500

Verdict = Literal["justified", "not_justified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """The glass was broken.

    Attributes:
        id: a UUID.
        subject: our organisation.
        grant_id: under which it was declared.
        patient: pseudonym.
        peer_ura: who asked, verified; ``user_id`` and what follows as the requester stated it.
        reason: clear text; sealed where it is stored.
        opened_at: aware UTC; likewise ``ends_at`` and ``reviewed_at``.
        seq: number of the audit record of what left first, in ``lane``.
        verdict: of the review; ``None`` until there is one, as ``reviewed_by`` and ``note``.
    """

    id: str
    subject: str
    grant_id: str
    patient: str
    usecase: str
    peer_ura: str
    peer_name: str
    user_id: str
    user_name: str
    user_role: str
    reason: str = field(repr=False)
    opened_at: datetime
    ends_at: datetime
    lane: str
    seq: int
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    verdict: Verdict | None = None
    note: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return it for our own operator."""
        return {
            "id": self.id,
            "opened_at": _time(self.opened_at),
            "ends_at": _time(self.ends_at),
            "patient": self.patient,
            "usecase": self.usecase,
            "reason": self.reason,
            "requester": {"ura": self.peer_ura, "name": self.peer_name},
            "user": {"identifier": self.user_id, "name": self.user_name, "role": self.user_role},
            "audit": self.seq,
            "review": None
            if self.reviewed_at is None
            else {
                "at": _time(self.reviewed_at),
                "by": self.reviewed_by,
                "verdict": self.verdict,
                "note": self.note,
            },
        }


class Review(BaseModel):
    """What a reviewer says: ``{"verdict": "justified", "reviewer": "P. de Boer", "note": "…"}``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    verdict: Verdict
    reviewer: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE)] = ""


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
