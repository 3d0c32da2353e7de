"""What callers of the audit API ask, parsed: search parameters (URL or form) and the body of a report.

A citizen number never stands in an address: addresses end up in logs of proxies. A value that looks like one is refused there,
with the remedy; in a form or JSON body it is welcome and becomes a pseudonym at once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from credentials.errors import MalformedError
from credentials.fields import Fields
from node.audit.fhir import PSEUDONYM_SYSTEM, URA_SYSTEM
from node.audit.pseudonym import BSN_SYSTEM, is_pseudonym, pseudonym
from node.audit.search import (
    DEFAULT_COUNT,
    MAX_COUNT,
    MINOR_STATES,
    SERIOUS_PREFIXES,
    SERIOUS_STATES,
    SUCCESS_STATES,
    AuditQuestion,
    Cursor,
)
from node.web.replies import RequestError

PARAMETERS = frozenset({"from", "to", "patient-id", "peer", "outcome", "_count", "_cursor"})

_NINE_DIGITS = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
_BSN = re.compile(r"[0-9]{9}\Z")
_URA = re.compile(r"[0-9]{8}\Z")
_STATE = re.compile(r"[a-z0-9_]{1,40}\Z")
_OUTCOMES = ("permit", "deny", "0", "4", "8", *SUCCESS_STATES, *MINOR_STATES, *SERIOUS_STATES)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def refuse_bsn_in_url(texts: Iterable[str]) -> None:
    """Refuse a request whose address holds what looks like a citizen number.

    Raises:
        RequestError: 400 ``bsn_in_url``; does not repeat the number.
    """
    if any(_NINE_DIGITS.search(text) for text in texts):
        raise RequestError(
            400,
            "bsn_in_url",
            "a citizen number does not belong in an address",
            "POST the same parameters as a form to …/_search",
        )


def patient_of(value: str, secret: bytes) -> str:
    """Return the pseudonym for a ``patient-id``: ``k1.…``, nine digits, or ``system|value``.

    Raises:
        RequestError: 400 ``patient``.
    """
    system, bar, identifier = value.rpartition("|")
    if bar and system not in (BSN_SYSTEM, PSEUDONYM_SYSTEM):
        raise RequestError(400, "patient", "patient-id has an unknown system", f"use {BSN_SYSTEM}")
    if system != BSN_SYSTEM and is_pseudonym(identifier):
        return identifier
    if system != PSEUDONYM_SYSTEM and _BSN.match(identifier):
        return pseudonym(secret, identifier)
    raise RequestError(400, "patient", "patient-id is neither a citizen number nor a pseudonym k1.…")


def parse_search(subject: str, pairs: Iterable[tuple[str, str]], secret: bytes) -> AuditQuestion:
    """Parse search parameters (API.md §4); each at most once, unknown ones are refused.

    Raises:
        RequestError: 400; names the parameter.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in PARAMETERS:
            known = ", ".join(sorted(PARAMETERS))
            raise RequestError(400, "unknown_parameter", "an unknown search parameter", f"known: {known}")
        if name in given:
            raise RequestError(400, "repeated_parameter", f"{name} is given twice")
        given[name] = value
    peer = given.get("peer")
    if peer is not None:
        peer = peer.removeprefix(f"{URA_SYSTEM}|")
        if _URA.match(peer) is None:
            raise RequestError(400, "peer", "peer is a URA of eight digits")
    outcome = given.get("outcome")
    if outcome is not None and not _is_outcome(outcome):
        raise RequestError(
            400, "outcome", "no entry can have this outcome", f"known: {', '.join(_OUTCOMES)}, own_server_…, withheld_…"
        )
    try:
        cursor = Cursor.parse(given["_cursor"]) if "_cursor" in given else None
    except MalformedError as error:
        raise RequestError(400, "cursor", "_cursor is not one of ours", "start without it") from error
    return AuditQuestion(
        subject=subject,
        since=parse_moment("from", given.get("from")),
        until=parse_moment("to", given.get("to")),
        patient=patient_of(given["patient-id"], secret) if "patient-id" in given else None,
        peer=peer,
        outcome=outcome,
        count=_count(given.get("_count")),
        cursor=cursor,
    )


def _is_outcome(word: str) -> bool:
    """Tell whether an entry could have this outcome: a word that none can have would find nothing, and look like good news."""
    return word in _OUTCOMES or (word.startswith(SERIOUS_PREFIXES) and _STATE.match(word) is not None)


def parse_moment(name: str, value: str | None) -> datetime | None:
    """Parse a date (its first moment, UTC) or an RFC 3339 time.

    Raises:
        RequestError: 400; names the parameter.
    """
    if value is None:
        return None
    text = f"{value}T00:00:00Z" if _DATE.match(value) else value
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone")  # noqa: TRY301  # one message for all of it
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RequestError(400, "time", f"{name} is not a date or an RFC 3339 time with its zone") from error


def _count(value: str | None) -> int:
    if value is None:
        return DEFAULT_COUNT
    if not re.fullmatch(r"[0-9]{1,6}", value) or int(value) == 0:
        raise RequestError(400, "count", f"_count is a number from 1 to {MAX_COUNT}")
    return min(int(value), MAX_COUNT)


def _only(fields: Fields, *known: str) -> None:
    """Refuse members that are not known: a misspelt one must not quietly widen what is asked for."""
    if fields.names() - set(known):
        raise MalformedError(f"an unknown member; known: {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The person on whose behalf a program calls, as it says."""

    identifier: str | None = None
    name: str | None = None
    role: str | None = None

    @classmethod
    def parse(cls, fields: Fields | None) -> Self:
        """Parse ``{"identifier", "name", "role"}``, all optional here; absent is nobody.

        Raises:
            MalformedError: a member is not a text.
        """
        if fields is None:
            return cls()
        _only(fields, "identifier", "name", "role")
        return cls(
            identifier=fields.optional_text("identifier"),
            name=fields.optional_text("name"),
            role=fields.optional_text("role"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """``POST …/report``: ``{"patient": {"system", "value"}, "from", "to", "user"}``; only the patient is required."""

    patient: str
    since: datetime | None
    until: datetime | None
    user: User

    @classmethod
    def parse(cls, value: object, secret: bytes) -> Self:
        """Parse the body; the citizen number does not survive this call.

        Raises:
            RequestError: 400; names the member.
        """
        try:
            fields = Fields.of(value, "report")
            patient = fields.child("patient")
            _only(fields, "patient", "from", "to", "user")
            _only(patient, "system", "value")
            return cls(
                patient=patient_of(f"{patient.text('system')}|{patient.text('value')}", secret),
                since=parse_moment("from", fields.optional_text("from")),
                until=parse_moment("to", fields.optional_text("to")),
                user=User.parse(fields.optional_child("user")),
            )
        except MalformedError as error:
            raise RequestError(400, "invalid_member", str(error)) from error
