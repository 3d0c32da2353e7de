"""An audit record as FHIR R4 AuditEvent, with what NEN 7513 asks.

That is: what, when, which citizen, which user, from where, why, and how it ended.

The citizen is the pseudonym of this organisation, never a number. The query is left out unless its opened details are handed
over. Mapping: LANDSCAPE §2.6; codes of agents and entities follow IHE BALP (source and destination role, patient, query).
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from node.audit.pseudonym import redact_bsn
from node.audit.search import MINOR_STATES, SUCCESS_STATES, Found

URA_SYSTEM = "http://fhir.nl/fhir/NamingSystem/ura"
ROLE_SYSTEM = "http://fhir.nl/fhir/NamingSystem/uzi-rolcode"
PSEUDONYM_SYSTEM = "urn:hazel:patient-pseudonym"
SUBJECT_SYSTEM = "urn:hazel:subject"
USER_SYSTEM = "urn:hazel:user"

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_REST = {
    "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "code": "rest",
    "display": "RESTful Operation",
}
_TYPES = {
    "token": {"system": _DICOM, "code": "110114", "display": "User Authentication"},
    "consent": {"system": _DICOM, "code": "110110", "display": "Patient Record"},
    "report": {"system": _DICOM, "code": "110101", "display": "Audit Log Used"},
    "change": {"system": _DICOM, "code": "110100", "display": "Application Activity"},
}
_SOURCE_ROLE = {"system": _DICOM, "code": "110153", "display": "Source Role ID"}
_DESTINATION_ROLE = {"system": _DICOM, "code": "110152", "display": "Destination Role ID"}
_HUMAN = {
    "system": "http://terminology.hl7.org/CodeSystem/extra-security-role-type",
    "code": "humanuser",
    "display": "human user",
}
_INTERACTIONS = {
    "read": ("read", "R"),
    "vread": ("vread", "R"),
    "search": ("search-type", "E"),
    "create": ("create", "C"),
    "update": ("update", "U"),
    "patch": ("patch", "U"),
    "delete": ("delete", "D"),
    "history": ("history-instance", "R"),
    "operation": ("operation", "E"),
}
_ROLE_CODE = re.compile(r"[0-9]{2}\.[0-9]{3}\Z")
_REASON_CODE = re.compile(r"[A-Z]{1,20}\Z")
_IP_ADDRESS = re.compile(r"[0-9a-fA-F.:]{2,45}\Z")
_DETAILS = ("usecase", "step", "code", "reference", "exchange_id", "grant_id", "user_evidence", "peer_did")

OutcomeCode = Literal["0", "4", "8"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The organisation that kept the record: its subject name and, where known, URA and name."""

    subject: str
    ura: str | None = None
    name: str | None = None


def outcome_code(found: Found) -> OutcomeCode | None:
    """Return AuditEvent.outcome: 0 success, 4 refused or broken off, 8 failed; ``None`` while it is not known."""
    if found.body.get("decision") == "deny":
        return "4"
    if found.ended is None:
        return "0" if found.body["row"] == "record" else None
    state = found.ended["code"]
    if state in SUCCESS_STATES:
        return "0"
    return "4" if state in MINOR_STATES else "8"


def audit_event(found: Found, site: Site, details: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Map one record with its outcome.

    Args:
        found: as the log has it.
        site: who kept it.
        details: opened ``query`` and ``reason``; citizen numbers in the query are redacted.
    """
    body = found.body
    interaction = str(body.get("interaction", ""))
    subtype, action = _INTERACTIONS.get(interaction.partition(" ")[0], (None, "E"))
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"{found.lane}-{found.seq}",
        "type": _TYPES.get(body["kind"], _REST),
        "action": action,
        "recorded": body["at"],
    }
    if subtype is not None:
        event["subtype"] = [{"system": "http://hl7.org/fhir/restful-interaction", "code": subtype}]
    if found.ended is not None:
        event["period"] = {"start": body["at"], "end": found.ended["at"]}
    code = outcome_code(found)
    if code is not None:
        event["outcome"] = code
    event["outcomeDesc"] = str(found.ended["code"]) if found.ended is not None else str(body["code"])
    if "purpose" in body:
        event["purposeOfEvent"] = [_purpose(str(body["purpose"]))]
    event["agent"] = _agents(body, site)
    event["source"] = _source(site)
    event["entity"] = _entities(found, details or {})
    return event


def _purpose(purpose: str) -> dict[str, Any]:
    if _REASON_CODE.match(purpose):
        return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose}]}
    return {"text": purpose}


def _agents(body: Mapping[str, Any], site: Site) -> list[dict[str, Any]]:
    """Return the user, the other organisation and ours; exactly one of them asked."""
    agents: list[dict[str, Any]] = []
    inbound = body["direction"] == "inbound"
    has_user = "user_id" in body or "user_name" in body
    if has_user:
        who: dict[str, Any] = {}
        if "user_id" in body:
            who["identifier"] = {"system": USER_SYSTEM, "value": body["user_id"]}
        if "user_name" in body:
            who["display"] = body["user_name"]
        user: dict[str, Any] = {"type": {"coding": [_HUMAN]}, "who": who, "requestor": True}
        if "user_role" in body:
            role = str(body["user_role"])
            user["role"] = [
                {"coding": [{"system": ROLE_SYSTEM, "code": role}]} if _ROLE_CODE.match(role) else {"text": role}
            ]
        if "user_name" in body:
            user["name"] = body["user_name"]
        agents.append(user)
    if any(name in body for name in ("peer_ura", "peer_name", "peer_did")):
        who = {}
        if "peer_ura" in body:
            who["identifier"] = {"system": URA_SYSTEM, "value": body["peer_ura"]}
        elif "peer_did" in body:
            who["identifier"] = {"system": "urn:ietf:rfc:3986", "value": body["peer_did"]}
        if "peer_name" in body:
            who["display"] = body["peer_name"]
        peer: dict[str, Any] = {
            "type": {"coding": [_DESTINATION_ROLE if inbound else _SOURCE_ROLE]},
            "who": who,
            "requestor": inbound and not has_user,
        }
        _add_address(peer, body)
        agents.append(peer)
    own: dict[str, Any] = {
        "type": {"coding": [_SOURCE_ROLE if inbound else _DESTINATION_ROLE]},
        "who": _site_reference(site),
        "requestor": not any(agent["requestor"] for agent in agents),
    }
    if len(agents) == int(has_user):  # no peer: the address is where our own caller sat
        _add_address(own, body)
    agents.append(own)
    return agents


def _add_address(agent: dict[str, Any], body: Mapping[str, Any]) -> None:
    if "address" in body:
        address = str(body["address"])
        agent["network"] = {"address": address, "type": "2" if _IP_ADDRESS.match(address) else "1"}


def _site_reference(site: Site) -> dict[str, Any]:
    identifier = (
        {"system": URA_SYSTEM, "value": site.ura} if site.ura else {"system": SUBJECT_SYSTEM, "value": site.subject}
    )
    return {"identifier": identifier, "display": site.name or site.subject}


def _source(site: Site) -> dict[str, Any]:
    return {
        "site": site.ura or site.subject,
        "observer": _site_reference(site),
        "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}],
    }


def _entities(found: Found, details: Mapping[str, str]) -> list[dict[str, Any]]:
    body = found.body
    entities: list[dict[str, Any]] = []
    if "patient" in body:
        entities.append(
            {
                "what": {"identifier": {"system": PSEUDONYM_SYSTEM, "value": body["patient"]}},
                "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1"},
                "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
            }
        )
    asked: dict[str, Any] = {
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "2"},
        "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "24"},
    }
    if "interaction" in body:
        asked["description"] = body["interaction"]
    if "query" in details:
        asked["query"] = base64.b64encode(redact_bsn(details["query"]).encode()).decode()
    detail = [{"type": name, "valueString": str(body[name])} for name in _DETAILS if body.get(name)]
    detail.append({"type": "decision", "valueString": str(body["decision"])})
    if details.get("reason"):
        detail.append({"type": "break_glass_reason", "valueString": redact_bsn(details["reason"])})
    if found.ended is not None:
        detail += [
            {"type": name, "valueString": str(found.ended[name])}
            for name in ("status", "count", "ms")
            if name in found.ended
        ]
    detail += [
        {"type": f"rule {rule['rule']}", "valueString": f"{rule['outcome']}: {rule['code']}"}
        for rule in body.get("rules", ())
    ]
    asked["detail"] = detail
    entities.append(asked)
    return entities
