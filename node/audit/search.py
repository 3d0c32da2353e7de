"""Asking the log: newest first, page by page, with the filters of API.md §4. SQL that SQLite and PostgreSQL both read.

A cursor is the place of the last entry of a page. It names no citizen and grants nothing: every page is asked with the subject
of the path again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self

from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import MalformedError
from credentials.fields import parse_json
from node.audit.chain import StoredRow, decode_body
from node.audit.record import OUTCOME_UNKNOWN, milliseconds

MAX_COUNT = 500
"""Entries on a page; the same limit as for pages of data (ARCHITECTURE §2)."""

DEFAULT_COUNT = 50

SUCCESS_STATES = ("delivered", "ok", "none_recorded", "issued", "done")
"""Outcomes that are FHIR AuditEvent.outcome 0."""

MINOR_STATES = ("refused", "cut_off", "not_available", "not_offered", "not_asked", "cancelled")
"""Outcomes that are FHIR AuditEvent.outcome 4; every other one is 8."""

SERIOUS_STATES = ("failed", "timeout", "unreachable", "mismatch", "decision_unstable", OUTCOME_UNKNOWN)
"""Outcomes that are FHIR AuditEvent.outcome 8, beside those that say what our own server did (:data:`SERIOUS_PREFIXES`)."""

SERIOUS_PREFIXES = ("own_server_", "withheld_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The place of an entry in the order of answers."""

    at: int
    lane: str
    seq: int

    def to_text(self) -> str:
        """Return the opaque form."""
        return b64url_encode(json.dumps([self.at, self.lane, self.seq]).encode())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the opaque form.

        Raises:
            MalformedError: we did not make it.
        """
        match parse_json(b64url_decode(text[:256]), max_bytes=256):
            case [int(at), str(lane), int(seq)] if abs(at) < 2**53 and abs(seq) < 2**53:
                return cls(at=at, lane=lane, seq=seq)
            case _:
                raise MalformedError("not a cursor of ours")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuestion:
    """What is asked of the log.

    Attributes:
        subject: whose log; always given.
        since: from this moment on; ``until``: before this moment.
        patient: pseudonym.
        peer: URA of the other organisation.
        outcome: ``permit`` or ``deny``, ``0``, ``4`` or ``8`` (FHIR), or the state word of an outcome.
        count: entries on the page.
        cursor: continue after this entry.
    """

    subject: str
    since: datetime | None = None
    until: datetime | None = None
    patient: str | None = None
    peer: str | None = None
    outcome: str | None = None
    reference: str | None = None
    seq: int | None = None
    lane: str | None = None
    count: int = DEFAULT_COUNT
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One access as the log has it: the record and, once known, how it ended. Bodies are as stored."""

    lane: str
    seq: int
    epoch: int
    at: int
    body: Mapping[str, Any]
    ended: Mapping[str, Any] | None

    @property
    def cursor(self) -> Cursor:
        """Its place in the order of answers."""
        return Cursor(at=self.at, lane=self.lane, seq=self.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries newest first, and where to go on; ``following`` is ``None`` on the last page."""

    entries: tuple[Found, ...]
    following: Cursor | None


class AuditReader(Protocol):
    """Reads what the writers wrote; never waits for them."""

    async def find(self, question: AuditQuestion) -> Page:
        """Answer ``question``."""
        ...

    async def lanes(self) -> Sequence[str]:
        """Return the names of all lanes."""
        ...

    async def rows(self, lane: str, after: int, limit: int) -> Sequence[StoredRow]:
        """Return up to ``limit`` rows of ``lane`` behind number ``after``, in order, with index columns and hash."""
        ...

    async def span(self, lane: str, since: datetime | None, until: datetime | None) -> tuple[int, int] | None:
        """Return the first and last number in ``lane`` between two moments; ``None`` when there is nothing."""
        ...

    async def heads(self, lane: str) -> Sequence[str]:
        """Return the signed heads of ``lane`` in order, as stored."""
        ...

    async def kept_keys(self) -> set[tuple[str, bytes, int]]:
        """Return (kind, key, expiry in milliseconds) of every single-use value still kept."""
        ...


def find_sql(table: str, question: AuditQuestion) -> tuple[str, list[object]]:
    """Return the statement for one page (one entry more than asked, to see whether there is another) and its values.

    Columns: lane, seq, epoch, at, body, body of the outcome. Placeholders are ``$1``, ``$2``, ….
    """
    values: list[object] = []

    def put(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    where = [f"a.subject = {put(question.subject)}", "a.row IN ('promise', 'record')"]
    if question.since is not None:
        where.append(f"a.at >= {put(milliseconds(question.since))}")
    if question.until is not None:
        where.append(f"a.at < {put(milliseconds(question.until))}")
    for column, value in (
        ("patient", question.patient), ("peer", question.peer), ("reference", question.reference), ("seq", question.seq),
        ("lane", question.lane),
    ):  # fmt: skip
        if value is not None:
            where.append(f"a.{column} = {put(value)}")
    if question.outcome is not None:
        where.append(_outcome_sql(question.outcome, put))
    if question.cursor is not None:
        at, lane, seq = put(question.cursor.at), put(question.cursor.lane), put(question.cursor.seq)
        where.append(f"(a.at < {at} OR (a.at = {at} AND (a.lane < {lane} OR (a.lane = {lane} AND a.seq < {seq}))))")
    statement = (
        "SELECT a.lane, a.seq, a.epoch, a.at, a.body, o.body "  # noqa: S608  # names are ours, values are bound
        f"FROM {table} a LEFT JOIN {table} o ON o.lane = a.lane AND o.refers = a.seq "
        f"WHERE {' AND '.join(where)} ORDER BY a.at DESC, a.lane DESC, a.seq DESC LIMIT {put(question.count + 1)}"
    )
    return statement, values


def _outcome_sql(outcome: str, put: Any) -> str:
    success = ", ".join(f"'{state}'" for state in SUCCESS_STATES)
    minor = ", ".join(f"'{state}'" for state in MINOR_STATES)
    match outcome:
        case "permit" | "deny":
            return f"a.decision = {put(outcome)}"
        case "0":
            return f"(a.decision = 'permit' AND (a.row = 'record' OR o.code IN ({success})))"
        case "4":
            return f"(a.decision = 'deny' OR o.code IN ({minor}))"
        case "8":
            return f"(a.decision = 'permit' AND o.code NOT IN ({success}, {minor}))"
        case _:
            return f"o.code = {put(outcome)}"


def page_of(rows: Sequence[Sequence[Any]], question: AuditQuestion) -> Page:
    """Make a page of what :func:`find_sql` returned."""
    entries = tuple(
        Found(
            lane=lane,
            seq=seq,
            epoch=epoch,
            at=at,
            body=decode_body(body),
            ended=decode_body(ended) if ended is not None else None,
        )
        for lane, seq, epoch, at, body, ended in rows[: question.count]
    )
    return Page(entries=entries, following=entries[-1].cursor if len(rows) > question.count else None)
