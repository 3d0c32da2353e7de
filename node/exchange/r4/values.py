"""Shapes that changed between STU3 and R4. Each rule takes a value and writes what becomes of it.

A rule is called with the value of a member, the resource (or backbone element) that is made, and :class:`Losses`; it returns nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Made = dict[str, Any]

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
RENAMED_SYSTEMS: Mapping[str, str] = {
    "http://hl7.org/fhir/observation-category": f"{TERMINOLOGY}observation-category",
    "http://hl7.org/fhir/v3/ActCode": f"{TERMINOLOGY}v3-ActCode",
    "http://hl7.org/fhir/v3/RoleCode": f"{TERMINOLOGY}v3-RoleCode",
    "http://hl7.org/fhir/v3/NullFlavor": f"{TERMINOLOGY}v3-NullFlavor",
    "http://hl7.org/fhir/v3/MaritalStatus": f"{TERMINOLOGY}v3-MaritalStatus",
    "http://hl7.org/fhir/v3/ParticipationType": f"{TERMINOLOGY}v3-ParticipationType",
    "http://hl7.org/fhir/v3/ObservationInterpretation": f"{TERMINOLOGY}v3-ObservationInterpretation",
    "http://hl7.org/fhir/v2/0078": f"{TERMINOLOGY}v3-ObservationInterpretation",
    "http://hl7.org/fhir/v2/0203": f"{TERMINOLOGY}v2-0203",
    "http://hl7.org/fhir/condition-category": f"{TERMINOLOGY}condition-category",
    "http://hl7.org/fhir/allergyintolerance-clinical": f"{TERMINOLOGY}allergyintolerance-clinical",
    "http://hl7.org/fhir/data-absent-reason": f"{TERMINOLOGY}data-absent-reason",
}
"""FHIR's and HL7's own code systems that got another address; the codes in them are the same."""
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
"""What stands for a value that R4 demands and the source does not have."""


@dataclass(slots=True)
class Losses:
    """What could not be carried over, by path from the resource; nothing of its content."""

    path: str
    found: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Note that a member was left out."""
        self.found.append(f"{self.path}.{name}")

    def below(self, name: str) -> "Losses":
        """Return the same list, for an element below."""
        return Losses(f"{self.path}.{name}", self.found)


Rule = Callable[[Any, Made, Losses], None]
Rules = Mapping[str, Rule]


def same(name: str) -> Rule:
    """A member that is called ``name`` in R4 and has the same shape."""

    def rule(value: Any, made: Made, _: Losses) -> None:
        made[name] = renamed_systems(value)

    return rule


def listed(name: str) -> Rule:
    """One value that became a list."""

    def rule(value: Any, made: Made, losses: Losses) -> None:
        if isinstance(value, Mapping):
            made[name] = [renamed_systems(value)]
        else:
            losses.add(name)

    return rule


def concept(name: str, system: str, *codes: str) -> Rule:
    """A code that became a CodeableConcept; codes that R4 does not have are lost."""

    def rule(value: Any, made: Made, losses: Losses) -> None:
        if value in codes:
            made[name] = {"coding": [{"system": TERMINOLOGY + system, "code": value}]}
        else:
            losses.add(name)

    return rule


def code(name: str, *codes: str, **others: str) -> Rule:
    """A code of which some got another word (``aborted="stopped"``); codes that R4 does not have are lost."""

    def rule(value: Any, made: Made, losses: Losses) -> None:
        written = others.get(value, value) if isinstance(value, str) else None
        if written in (*codes, *others.values()):
            made[name] = written
        else:
            losses.add(name)

    return rule


def encounter(value: Any, made: Made, losses: Losses) -> None:
    """``context`` became ``encounter``: an episode of care has no place there any more."""
    reference = value.get("reference") if isinstance(value, Mapping) else None
    if isinstance(reference, str) and "EpisodeOfCare/" not in reference:
        made["encounter"] = value
    else:
        losses.add("context")


WRONG = "entered-in-error"


def turned(name: str, status: str, made: Made, losses: Losses) -> None:
    """Write the status that a negation (``name``) became; what was entered in error stays that, and the negation is a loss."""
    if made.get("status") == WRONG:
        losses.add(name)
    else:
        made["status"] = status


def is_turned(name: str, status: str, value: Any, made: Made, losses: Losses) -> bool:
    """Whether a negation says more than the status ``value`` that comes behind it."""
    if made.get("status") != status:
        return False
    if value == WRONG:
        made["status"] = WRONG
        losses.add(name)
    return True


def comment(value: Any, made: Made, losses: Losses) -> None:
    """``comment`` became a note."""
    if isinstance(value, str):
        made["note"] = [*made.get("note", []), {"text": value}]
    else:
        losses.add("comment")


def elements(name: str, rules: Rules) -> Rule:
    """Backbone elements, each with rules of its own."""

    def rule(value: Any, made: Made, losses: Losses) -> None:
        found = value if isinstance(value, list) else [value]
        written = [apply(rules, each, losses.below(name)) for each in found if isinstance(each, Mapping)]
        if written:
            made[name] = written if isinstance(value, list) else written[0]

    return rule


def many(value: Any) -> list[Any]:
    """Return the objects in a list; what is no list has none."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def apply(rules: Rules, element: Any, losses: Losses) -> Made:
    """Return what becomes of an element: every member by its rule, and what has none is a loss."""
    made: Made = {}
    if not isinstance(element, Mapping):
        losses.found.append(losses.path)
        return made
    for name, value in element.items():
        plain = name.removeprefix("_")
        rule = rules.get(plain) or _EVERYWHERE.get(plain)
        if rule is None:
            losses.add(name)
        elif name == plain:
            rule(value, made, losses)
        elif is_same(rule):
            made[name] = value
        else:
            losses.add(name)
    return made


def is_same(rule: Rule) -> bool:
    """Whether a rule leaves a value as it is, so that what stands beside it (``_name``) may stay beside it."""
    return rule.__qualname__.startswith("same.")


def renamed_systems(value: Any) -> Any:
    """Return ``value`` with the code systems that R4 renamed under their new address."""
    if isinstance(value, list):
        return [renamed_systems(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    made = {name: renamed_systems(each) for name, each in value.items()}
    if isinstance(made.get("system"), str) and "code" in made:
        made["system"] = RENAMED_SYSTEMS.get(made["system"], made["system"])
    return made


_EVERYWHERE: Rules = {name: same(name) for name in ("id", "extension", "modifierExtension")}
