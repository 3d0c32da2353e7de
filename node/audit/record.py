"""What is recorded about one access decision, and about how it ended (NEN 7513, LANDSCAPE §2.6).

A record is what the code that decides fills in; it is a value, not yet stored. ``query`` and ``reason`` are clear text here and
sealed before they are stored. Citizens appear as pseudonyms only.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from node.audit.rules import RuleOutcome

Kind = Literal["disclosure", "request", "token", "refusal", "consent", "report", "change"]
Direction = Literal["inbound", "outbound", "local"]
Decision = Literal["permit", "deny"]

OUTCOME_UNKNOWN = "unknown"
"""State of a promise whose node stopped before it could say how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who asked for what about whom, why, and what we decided.

    Attributes:
        kind: what happened: data left us (``disclosure``), we asked others (``request``), a token was asked (``token``),
            somebody was refused (``refusal``), a consent changed (``consent``), a log was read (``report``), the node changed
            (``change``).
        direction: seen from us.
        subject: the organisation hosted here that it concerns.
        at: when it was decided, aware UTC.
        purpose: HL7 v3 ActReason code as stated by the asker.
        patient: pseudonym ``k1.…`` or ``None``.
        peer_ura: the other organisation; verified, 8 digits. ``peer_name`` and ``peer_did`` likewise.
        address: network address of the caller.
        user_id: the person; ``user_evidence`` says how we know ("NutsEmployeeCredential", "stated by caller").
        interaction: what was asked in words without content, e.g. "search Observation".
        query: the exact query; clinical, therefore SEALED before it is stored.
        reason: why the glass was broken; SEALED before it is stored.
        decision: what we decided.
        code: stable reason code.
        rules: every rule with its outcome, in the order of evaluation.
        reference: number that a refused peer was given.
        exchange_id: ties the records of one exchange together.
        grant_id: the access token's grant.
    """

    kind: Kind
    direction: Direction
    subject: str
    at: datetime
    decision: Decision
    code: str
    usecase: str | None = None
    step: str | None = None
    purpose: str | None = None
    patient: str | None = None
    peer_ura: str | None = None
    peer_name: str | None = None
    peer_did: str | None = None
    address: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    user_role: str | None = None
    user_evidence: str | None = None
    interaction: str | None = None
    query: str | None = None
    reason: str | None = None
    rules: tuple[RuleOutcome, ...] = ()
    reference: str | None = None
    exchange_id: str | None = None
    grant_id: str | None = None

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError("the time of a record is aware UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a promised access ended.

    Attributes:
        state: stable word: ``delivered``, ``refused``, ``withheld``, ``cut_off``, ``failed``, ``timeout``, …; ``unknown`` is
            kept for promises that a crash left open.
        status: HTTP status that was sent or received.
        count: resources delivered.
        ms: whole milliseconds from promise to end.
    """

    state: str
    status: int | None = None
    count: int | None = None
    ms: int | None = None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970, rounded down: how times are indexed."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(count: int) -> datetime:
    """Return the moment ``count`` milliseconds after 1970, aware UTC."""
    return _EPOCH + count * _MILLISECOND
