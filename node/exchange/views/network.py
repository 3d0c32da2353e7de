"""The people and organisations around a patient, each once, with telephone numbers (need 9).

From the care teams, related persons and practitioners of all holders, and the holders themselves. A telephone number comes from the
resource or, for an organisation, from the care services directory; which of the two is said.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from node.exchange.views.codes import words
from node.exchange.views.conflicts import by_reference
from node.exchange.views.picking import members, objects, pick, text_at
from node.exchange.views.result import Entry, Result
from node.usecases.identifiers import URA_SYSTEM

_PEOPLE = ("RelatedPerson", "Practitioner", "PractitionerRole", "Organization")
MAX_SAID = 1_000
"""Times that holders name somebody; more are not looked at, and that is said: a stranger could name a million."""
MAX_EACH = 16
"""Identifiers, roles and telephone numbers of one of them."""
MAX_LEVELS = 3
"""From a care team to a role to the person in it."""


def network(result: Result) -> dict[str, Any]:
    """Return the members by who they are; each with what every holder says of them."""
    found: dict[str, dict[str, Any]] = {}
    for ura, name in ((each.ura, each.name) for each in result.plan.holders):
        _add(found, _of_organisation(ura, name), said_by=ura)
    referenced = by_reference(result.entries)
    said = ((entry, member) for entry in result.entries for member in _members(entry, referenced.get(entry.holder, {})))
    for entry, member in islice(said, MAX_SAID):
        _add(found, member, said_by=entry.holder)
    more = next(said, None) is not None
    for member in found.values():
        telephone = result.telephones.get(member["ura"] or "")
        if telephone and telephone not in [each["number"] for each in member["telephones"]]:
            member["telephones"].append({"number": telephone, "from": "directory"})
    standing = result.standing("care-team")
    whole = {**standing, "complete": standing["complete"] and not more, "more": more}
    return {"network": {**whole, "members": list(found.values())}}


def organisations(result: Result) -> set[str]:
    """Return the URA numbers of the organisations in the network."""
    return {member["ura"] for member in network(result)["network"]["members"] if member["ura"]}


def _members(entry: Entry, referenced: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    if entry.type in _PEOPLE:
        yield _described(entry.body, referenced)
    if entry.type != "CareTeam":
        return
    contained = {f"#{text_at(each, 'id')}": each for each in members(entry.body, "contained")}
    for participant in members(entry.body, "participant"):
        role = words(next(iter(objects(participant, "role")), None))
        for name in ("member", "onBehalfOf"):
            reference = pick(participant, name)
            target = text_at(reference, "reference")
            body = contained.get(target) or referenced.get("/".join(target.split("/")[-2:]))
            if body is not None and body.get("resourceType") != "Patient":
                member = _described(body, referenced)
            elif reference is not None and "Patient/" not in target:
                member = _of_reference(reference)
            else:
                continue
            yield {**member, "roles": [*member["roles"], *([role] if role and name == "member" else [])]}


def _described(body: Mapping[str, Any], referenced: Mapping[str, Mapping[str, Any]], level: int = 1) -> dict[str, Any]:
    kind = text_at(body, "resourceType")
    if kind == "PractitionerRole" and level < MAX_LEVELS:
        roles = [words(each) for each in (*objects(body, "code"), *objects(body, "specialty"))]
        person = _behind(pick(body, "practitioner"), referenced, level)
        organisation = _behind(pick(body, "organization"), referenced, level)
        own = _telephones(body)
        return {
            **person,
            "organisation": organisation["name"] or None,
            "roles": [each for each in roles if each],
            "telephones": [*own, *person["telephones"]],
        }
    identifiers = [f"{text_at(each, 'system')}|{text_at(each, 'value')}" for each in objects(body, "identifier")]
    ura = next((each.partition("|")[2] for each in identifiers if each.startswith(f"{URA_SYSTEM}|")), None)
    return {
        "kind": "organisation" if kind == "Organization" else "relative" if kind == "RelatedPerson" else "professional",
        "name": _name(pick(body, "name")),
        "ura": ura,
        "identifiers": identifiers,
        "organisation": None,
        "roles": [text for each in objects(body, "relationship") if (text := words(each))],
        "telephones": _telephones(body),
    }


def _behind(reference: Any, referenced: Mapping[str, Mapping[str, Any]], level: int) -> dict[str, Any]:
    body = referenced.get("/".join(text_at(reference, "reference").split("/")[-2:]))
    return _described(body, referenced, level + 1) if body is not None else _of_reference(reference)


def _of_reference(reference: Any) -> dict[str, Any]:
    system, value = text_at(reference, "identifier", "system"), text_at(reference, "identifier", "value")
    member = _of_organisation(value, text_at(reference, "display")) if system == URA_SYSTEM else None
    return member or {
        "kind": "organisation" if "Organization/" in text_at(reference, "reference") else "professional",
        "name": text_at(reference, "display"),
        "ura": None,
        "identifiers": [f"{system}|{value}"] if value else [],
        "organisation": None,
        "roles": [],
        "telephones": [],
    }


def _of_organisation(ura: str, name: str) -> dict[str, Any]:
    return {
        "kind": "organisation",
        "name": name,
        "ura": ura,
        "identifiers": [f"{URA_SYSTEM}|{ura}"],
        "organisation": None,
        "roles": [],
        "telephones": [],
    }


def _add(found: dict[str, dict[str, Any]], member: dict[str, Any], *, said_by: str) -> None:
    """Put a member with the one who shares an identifier, else with the same name and kind."""
    if not member["name"] and not member["identifiers"]:
        return
    member = {**member, **{name: member[name][:MAX_EACH] for name in ("identifiers", "roles", "telephones")}}
    for known in found.values():
        is_same = bool(set(known["identifiers"]) & set(member["identifiers"])) or (
            known["name"].casefold() == member["name"].casefold()
            and known["kind"] == member["kind"]
            and not (known["identifiers"] and member["identifiers"])
        )
        if is_same:
            known["name"] = known["name"] or member["name"]
            known["organisation"] = known["organisation"] or member["organisation"]
            for name in ("identifiers", "roles", "telephones"):
                known[name] += [each for each in member[name] if each not in known[name]][: MAX_EACH - len(known[name])]
            known["said_by"] = list(dict.fromkeys((*known["said_by"], said_by)))
            return
    found[f"{len(found)}"] = {
        **member,
        **{name: list(member[name]) for name in ("identifiers", "roles", "telephones")},
        "said_by": [said_by],
    }


def _telephones(body: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"number": text_at(each, "value"), "from": "source"}
        for each in objects(body, "telecom")
        if text_at(each, "system") in ("phone", "sms") and text_at(each, "value")
    ]


def _name(name: Any) -> str:
    if isinstance(name, str):
        return name
    first = next(iter(objects(name)), None)
    if first is None:
        return ""
    given = [each for each in members(first, "given") if isinstance(each, str)]
    return text_at(first, "text") or " ".join([*given, text_at(first, "family")]).strip()
