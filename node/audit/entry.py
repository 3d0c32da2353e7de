"""From a record to the bytes that are stored: canonical JSON once, sensitive parts sealed, index columns beside it.

Four kinds of rows share one chain: ``promise`` (an access that may go on, its outcome follows), ``record`` (final at once),
``outcome`` (how a promise ended) and ``mark`` (the writer started, or noted up to where every promise is closed).
Every index column is a copy of something in the body; :func:`index_of` says of what, and verification compares them.

No citizen number gets in: prose that comes from outside (interaction, messages) is searched for them, and the query and the
break-glass reason are sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import msgspec

from credentials.encoding import b64_encode
from node.audit.log import SingleUse
from node.audit.pseudonym import redact_bsn
from node.audit.record import OUTCOME_UNKNOWN, AuditRecord, Outcome, milliseconds
from node.audit.seal import Sealer

PROMISE, RECORD, OUTCOME, MARK = "promise", "record", "outcome", "mark"

INDEXED = ("row", "refers", "subject", "at", "kind", "patient", "peer", "decision", "code", "reference")
"""Names of the index columns, in the order of :attr:`Entry.index`."""

Index = tuple[str, int | None, str | None, int, str | None, str | None, str | None, str | None, str | None, str | None]

MAX_BODY_BYTES = 32_768
"""Above this, texts are cut to :data:`MAX_TEXT`; a peer must not be able to fill the disk with one request."""

MAX_TEXT = 1_000
MAX_SEALED_TEXT = 16_384
"""Characters kept of a query or reason; a request target has at most 8,000 (node/web/boundary.py)."""

_TEXTS = (
    "kind", "direction", "subject", "at", "decision", "code", "usecase", "step", "purpose", "patient", "peer_ura", "peer_name",
    "peer_did", "address", "user_id", "user_name", "user_role", "user_evidence", "interaction", "reference", "exchange_id",
    "grant_id",
)  # fmt: skip
_texts_of = attrgetter(*_TEXTS)
_PROSE = frozenset({"interaction", "step", "code", "message", "evidence", "usecase", "purpose", "peer_name", "address"})
"""Members that may hold what somebody else wrote; identifiers of people and organisations are left as they are."""

_encoder = msgspec.json.Encoder(order="deterministic")
_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_NINE_DIGITS = b" 000000000 "


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that is ready but for its place in the chain: canonical JSON and its index columns."""

    body: bytes
    index: Index


def sealed_place(subject: str, at: int, patient: str | None) -> bytes:
    """Return what sealed details are bound to, so that they can not be moved to another record; ``at`` in milliseconds."""
    return f"audit|{subject}|{at}|{patient or ''}".encode("utf-8", "replace")


def record_entry(record: AuditRecord, *, final: bool, once: Sequence[SingleUse], sealer: Sealer) -> Entry:
    """Encode ``record``; ``final`` says that no outcome follows."""
    body: dict[str, Any] = {
        name: value for name, value in zip(_TEXTS, _texts_of(record), strict=True) if value is not None
    }
    body["row"] = RECORD if final else PROMISE
    at = milliseconds(record.at)
    if record.rules:
        body["rules"] = [
            {
                "rule": rule.rule,
                "outcome": rule.outcome,
                "code": rule.code,
                "message": rule.message,
                "evidence": dict(rule.evidence),
            }
            for rule in record.rules
        ]
    if once:
        body["once"] = [[use.kind, use.key.hex(), milliseconds(use.expires_at)] for use in once]
    if record.query is not None or record.reason is not None:
        details = {
            name: text[:MAX_SEALED_TEXT].encode("utf-8", "replace").decode()
            for name, text in (("query", record.query), ("reason", record.reason))
            if text is not None
        }
        place = sealed_place(record.subject, at, record.patient)
        body["sealed"] = b64_encode(sealer.seal(_encoder.encode(details), place))
    try:
        encoded = _encoder.encode(body)
    except UnicodeEncodeError:  # a lone surrogate from a peer's path must not stop the record
        encoded = b"\\u0000"
    if len(encoded) > MAX_BODY_BYTES or b"\\u0000" in encoded or _has_nine_digits(_prose_of(body)):
        sealed = body.pop("sealed", None)
        body = {name: _clean(name, value) for name, value in body.items()}
        if sealed is not None:
            body["sealed"] = sealed
        encoded = _encoder.encode(body)
    return Entry(
        encoded,
        (
            body["row"],
            None,
            body["subject"],
            at,
            record.kind,
            body.get("patient"),
            body.get("peer_ura"),
            record.decision,
            body["code"],
            body.get("reference"),
        ),
    )


def outcome_entry(refers: int, outcome: Outcome, at: datetime) -> Entry:
    """Encode how the promise with number ``refers`` ended."""
    body: dict[str, Any] = {"row": OUTCOME, "refers": refers, "at": at, "code": outcome.state}
    numbers = (("status", outcome.status), ("count", outcome.count), ("ms", outcome.ms))
    body.update((name, value) for name, value in numbers if value is not None)
    return Entry(
        _encoder.encode(body),
        (OUTCOME, refers, None, milliseconds(at), None, None, None, None, outcome.state, None),
    )


def unknown_entry(refers: int, at: datetime) -> Entry:
    """Encode that nobody will ever know how a promise ended: its node stopped first."""
    return outcome_entry(refers, Outcome(state=OUTCOME_UNKNOWN), at)


def mark_entry(code: str, open_from: int, at: datetime) -> Entry:
    """Encode that every promise before number ``open_from`` has its outcome; ``code`` is ``start`` or ``progress``."""
    body = {"row": MARK, "code": code, "at": at, "open_from": open_from}
    return Entry(_encoder.encode(body), (MARK, None, None, milliseconds(at), None, None, None, None, code, None))


def index_of(body: Mapping[str, Any]) -> Index:
    """Derive the index columns from a parsed body.

    Raises:
        ValueError, KeyError, TypeError: this is not a body that we wrote.
    """
    at = datetime.fromisoformat(body["at"])
    return (
        body["row"],
        body.get("refers"),
        body.get("subject"),
        milliseconds(at.astimezone(UTC)),
        body.get("kind"),
        body.get("patient"),
        body.get("peer_ura"),
        body.get("decision"),
        body["code"],
        body.get("reference"),
    )


def _prose_of(body: Mapping[str, Any]) -> bytes:
    """Return all text of ``body`` that :func:`_clean` would look for citizen numbers in; digests and sealed parts are full of digits."""
    prose = [body[name] for name in _PROSE & body.keys()]
    for rule in body.get("rules", ()):
        prose += rule["code"], rule["message"], *rule["evidence"], *rule["evidence"].values()
    return "\n".join(prose).encode("utf-8", "replace")


def _has_nine_digits(text: bytes) -> bool:
    """Say whether a run of exactly nine digits is in it. A regular expression takes 80 µs for this, it takes 3."""
    return _NINE_DIGITS in b" %b " % text.translate(_DIGITS)


def _clean(name: str, value: Any) -> Any:
    """Return ``value`` without NUL, lone surrogates, overlong text or (in prose) citizen numbers."""
    match value:
        case str():
            text = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
            if len(text) > MAX_TEXT:
                text = text[:MAX_TEXT] + "…"
            return redact_bsn(text) if name in _PROSE else text
        case dict():
            return {
                _clean("evidence", key): _clean("evidence" if name == "evidence" else key, item)
                for key, item in value.items()
            }
        case list():
            return [_clean(name, item) for item in value]
        case _:
            return value
