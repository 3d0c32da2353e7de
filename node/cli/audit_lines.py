"""Audit records and access reports as lines for people. The shapes: ``node/audit/fhir.py`` and ``node/audit/report.py``."""

import base64
from collections.abc import Iterator
from typing import Any

from node.cli.output import NOTHING, members, pick, show, show_pairs, show_table, word

EVENT_HEADS = ("SEQ", "TIME", "DIRECTION", "PERSON", "ORGANISATION", "WHAT", "DECISION", "OUTCOME")
_OUTCOMES = {"0": "done", "4": "refused or broken off", "8": "failed", NOTHING: "not known yet"}
_DESTINATION = "110152"
"""DICOM role of the organisation that gets the data; the other one of an inbound event."""
_PERSON = "humanuser"
_PATIENT_SYSTEM = "urn:hazel:patient-pseudonym"


def event_row(event: Any) -> tuple[str, ...]:
    """Return one AuditEvent as a row under :data:`EVENT_HEADS`."""
    details = _details(event)
    what = [details.get("usecase"), details.get("step"), _asked(event)]
    return (
        word(event, "id").rpartition("-")[2] or NOTHING,
        word(event, "recorded")[:19],
        _direction(event),
        _people(event),
        _others(event),
        " ".join(each for each in what if each) or NOTHING,
        details.get("decision", NOTHING),
        word(event, "outcomeDesc"),
    )


def event_details(event: Any) -> list[tuple[str, str]]:
    """Return all that one AuditEvent says, as names and values."""
    lane, _, seq = word(event, "id").rpartition("-")
    query = next((text for entity in members(event, "entity") if (text := word(entity, "query")) != NOTHING), None)
    return [
        ("record", seq),
        ("lane", lane),
        ("recorded", word(event, "recorded")),
        ("ended", word(event, "period", "end")),
        ("direction", _direction(event)),
        ("person", _people(event)),
        ("organisation", _others(event)),
        ("address", _address(event)),
        ("purpose", word(event, "purposeOfEvent", 0, "coding", 0, "code")),
        ("citizen", _citizen(event)),
        ("asked", _asked(event) or NOTHING),
        ("query", _opened(query) if query is not None else NOTHING),
        ("outcome", _OUTCOMES.get(word(event, "outcome"), word(event, "outcome"))),
        ("outcome code", word(event, "outcomeDesc")),
        *((name.replace("_", " "), value) for name, value in _details(event).items()),
    ]


def show_report(report: Any) -> None:
    """Print a citizen's access report."""
    organisation = pick(report, "organisation")
    show(f"Access report of {word(organisation, 'name')} (URA {word(organisation, 'ura')})")
    show_pairs([("from", word(report, "from")), ("to", word(report, "to")), ("made at", word(report, "made_at"))])
    summary = pick(report, "summary")
    show(
        f"{word(summary, 'permitted')} permitted, {word(summary, 'refused')} refused, "
        f"{word(summary, 'break_glass')} in an emergency"
    )
    if pick(report, "complete") is not True:
        show("NOT COMPLETE: only the newest are shown; ask again with --to")
    entries = members(report, "entries")
    if entries:
        show("")
        show_table(
            ("TIME", "ORGANISATION", "PERSON", "WHAT", "WHY", "DECISION", "OUTCOME", "COUNT"),
            [_access(entry) for entry in entries],
        )


def _access(entry: Any) -> tuple[str, ...]:
    who, what, why = (pick(entry, name) for name in ("who", "what", "why"))
    return (
        word(entry, "at")[:19],
        _joined([word(who, "organisation"), word(who, "ura")]),
        _joined([word(who, "user"), word(who, "role")]),
        _joined([word(what, "usecase"), word(what, "step"), word(what, "interaction")]),
        _joined(list(_reasons(why))),
        word(entry, "decision"),
        word(entry, "outcome"),
        word(what, "count"),
    )


def _reasons(why: Any) -> Iterator[str]:
    yield word(why, "purpose")
    yield word(why, "basis").replace("_", " ")
    if pick(why, "break_glass") is True:
        yield f"EMERGENCY: {word(why, 'reason')}"


def _people(event: Any) -> str:
    """Return the persons of an event, with their roles."""
    found = []
    for agent in members(event, "agent"):
        if _type(agent) == _PERSON:
            role = word(agent, "role", 0, "coding", 0, "code")
            found.append(_named(agent) if role == NOTHING else f"{_named(agent)} ({role})")
    return ", ".join(found) or NOTHING


def _others(event: Any) -> str:
    """Return the other organisation; our own kept the record, so it goes without saying."""
    own = word(event, "source", "observer", "identifier", "value")
    organisations = [agent for agent in members(event, "agent") if _type(agent) != _PERSON]
    others = [_named(agent) for agent in organisations if word(agent, "who", "identifier", "value") != own]
    return ", ".join(others) or NOTHING


def _direction(event: Any) -> str:
    """Return which way the question went: whoever gets the data asked for it (node/audit/fhir.py)."""
    roles = [_type(agent) for agent in members(event, "agent") if _type(agent) != _PERSON]
    if len(roles) < 2:  # noqa: PLR2004  # ours alone: nobody else took part
        return "local"
    return "inbound" if roles[0] == _DESTINATION else "outbound"


def _address(event: Any) -> str:
    return next(
        (text for agent in members(event, "agent") if (text := word(agent, "network", "address")) != NOTHING), NOTHING
    )


def _type(agent: Any) -> str:
    return word(agent, "type", "coding", 0, "code")


def _named(agent: Any) -> str:
    return _joined([word(agent, "who", "display"), word(agent, "who", "identifier", "value")])


def _citizen(event: Any) -> str:
    for entity in members(event, "entity"):
        if word(entity, "what", "identifier", "system") == _PATIENT_SYSTEM:
            return word(entity, "what", "identifier", "value")
    return NOTHING


def _asked(event: Any) -> str | None:
    for entity in members(event, "entity"):
        if (text := word(entity, "description")) != NOTHING:
            return text
    return None


def _details(event: Any) -> dict[str, str]:
    return {
        word(detail, "type"): word(detail, "valueString")
        for entity in members(event, "entity")
        for detail in members(entity, "detail")
    }


def _opened(query: str) -> str:
    try:
        return base64.b64decode(query, validate=True).decode()
    except ValueError:
        return query


def _joined(words: list[str]) -> str:
    return " ".join(each for each in words if each != NOTHING) or NOTHING
