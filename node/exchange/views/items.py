"""A FHIR resource in one line: type, date, short text. For reading along; the resource itself is what counts.

Reads R4 and STU3 alike, takes nothing for granted, and never hides what turns a meaning around: statuses are shown as they
stand ("entered-in-error", "refuted", "not-done"), and a resource with modifier extensions says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from node.exchange.views.picking import NOTHING, members, pick

MAX_TEXT = 100
"""Characters of a text; ``--json`` has everything."""

_DATES = (
    "effectiveDateTime", "effectiveInstant", "effectivePeriod", "occurrenceDateTime", "occurrencePeriod",
    "performedDateTime", "performedPeriod", "onsetDateTime", "onsetPeriod", "assertedDate", "recordedDate", "authoredOn",
    "dateTime", "date", "period", "whenHandedOver", "issued", "created", "indexed", "start", "dateAsserted", "authored",
)  # fmt: skip
_CONCEPTS = (
    "code", "medicationCodeableConcept", "medicationReference", "vaccineCode", "type", "serviceType", "category",
)  # fmt: skip
_STATUSES = ("status", "clinicalStatus", "verificationStatus", "intent")
_FLAGS = ("notDone", "notGiven", "doNotPerform", "notTaken", "wasNotTaken")
_VALUES = (
    "valueQuantity", "valueCodeableConcept", "valueString", "valueInteger", "valueDecimal", "valueBoolean", "valueDateTime",
    "valueRange", "valueRatio",
)  # fmt: skip
_OF_KINDS = frozenset({"MedicationRequest", "MedicationDispense", "MedicationStatement"})
"""Types whose category says what they are: in MP9 an agreement and a dispense are both a MedicationDispense."""
_NAMED = frozenset({"Patient", "Practitioner", "Organization", "RelatedPerson", "Location", "HealthcareService"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line.

    Attributes:
        date: as the source wrote it; :data:`NOTHING` when it wrote none.
        text: statuses in brackets behind it.
    """

    type: str
    date: str
    text: str


def describe(resource: Any) -> Item:
    """Describe ``resource``, parsed JSON of whatever shape."""
    named = pick(resource, "resourceType")
    kind = named if isinstance(named, str) else "?"
    texts = [text for text in _texts(resource, kind) if text]
    text = ": ".join(texts[:1]) + (f": {', '.join(texts[1:])}" if len(texts) > 1 else "")
    if len(text) > MAX_TEXT:
        text = f"{text[: MAX_TEXT - 1]}…"
    marks = ", ".join(_marks(resource))
    return Item(
        type=kind,
        date=next((date for date in _dates(resource) if date), NOTHING),
        text=" ".join(each for each in (text, f"[{marks}]" if marks else "") if each) or NOTHING,
    )


def _texts(resource: Any, kind: str) -> Iterator[str]:
    """Yield what the resource is about, then what it says."""
    if kind in _NAMED:
        yield _name(pick(resource, "name"))
        yield str(pick(resource, "birthDate") or "")
        return
    if kind in _OF_KINDS:
        yield _concept(pick(resource, "category")) or _concept(pick(resource, "category", 0))
    title = pick(resource, "title")
    yield title if isinstance(title, str) else _about(resource)
    yield _value(resource)
    for component in members(resource, "component"):
        yield " ".join(each for each in (_concept(pick(component, "code")), _value(component)) if each)
    for dosage in (*members(resource, "dosageInstruction"), *members(resource, "dosage")):
        yield _text(pick(dosage, "text"))
    for reaction in members(resource, "reaction"):
        for manifestation in members(reaction, "manifestation"):
            yield _concept(manifestation)
    for member in (resource, *members(resource, "note"), *members(resource, "payload")):
        yield _text(pick(member, "comment")) or _text(pick(member, "text")) or _text(pick(member, "contentString"))
    yield _text(pick(resource, "description"))


def _about(resource: Any) -> str:
    for name in _CONCEPTS:
        found = pick(resource, name)
        for concept in found if isinstance(found, list) else [found]:
            if text := _concept(concept) or _referenced(resource, concept):
                return text
    return _text(pick(resource, "name")) or _text(pick(resource, "name", 0, "text"))


def _concept(concept: Any) -> str:
    """Return a CodeableConcept, Coding or Reference in words, its code where it has none."""
    if isinstance(concept, str):
        return concept
    first = pick(concept, "coding", 0)
    for place in (
        pick(concept, "text"), pick(first, "display"), pick(concept, "display"), pick(first, "code"), pick(concept, "code"),
    ):  # fmt: skip
        if text := _text(place):
            return text
    return ""


def _referenced(resource: Any, reference: Any) -> str:
    """Return the words of a contained resource that ``reference`` names, such as a medication."""
    target = pick(reference, "reference")
    for contained in members(resource, "contained"):
        if target == f"#{pick(contained, 'id')}":
            return _concept(pick(contained, "code"))
    return ""


def _value(element: Any) -> str:
    for name in _VALUES:
        value = pick(element, name)
        if value is None:
            continue
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str | int | float):
            return str(value)
        return _quantity(value) or _concept(value)
    return _concept(pick(element, "dataAbsentReason"))


def _quantity(value: Any) -> str:
    """Return a Quantity, Range or Ratio in words."""
    if text := _number(value):
        return text
    for first, between, second in (("low", "to", "high"), ("numerator", "per", "denominator")):
        parts = (_number(pick(value, first)), _number(pick(value, second)))
        if any(parts):
            return f"{parts[0] or '?'} {between} {parts[1] or '?'}"
    return ""


def _number(quantity: Any) -> str:
    """Return a Quantity in words; a comparator belongs to the number."""
    number = pick(quantity, "value")
    if not isinstance(number, int | float | str):
        return ""
    unit = _text(pick(quantity, "unit")) or _text(pick(quantity, "code"))
    return f"{_text(pick(quantity, 'comparator'))}{number} {unit}".rstrip()


def _name(name: Any) -> str:
    if isinstance(name, str):
        return name
    if (text := _text(pick(name, 0, "text"))) != "":
        return text
    given = [each for each in members(name, 0, "given") if isinstance(each, str)]
    return " ".join([*given, _text(pick(name, 0, "family"))]).strip()


def _marks(resource: Any) -> Iterator[str]:
    for name in _STATUSES:
        if text := _concept(pick(resource, name)):
            yield text
    for name in _FLAGS:
        if pick(resource, name) in (True, "y"):
            yield {"notDone": "not done", "notGiven": "not given"}.get(
                name, "not taken" if "aken" in name else "do NOT"
            )
    if pick(resource, "taken") == "n":  # STU3 MedicationStatement
        yield "not taken"
    if pick(resource, "modifierExtension"):
        yield "modified: read the original"


def _dates(resource: Any) -> Iterator[str]:
    """Yield dates that may be the one of the resource, the most telling first."""
    yield from (_date(pick(resource, name)) for name in _DATES)
    for name in ("dosageInstruction", "dosage"):  # a medication agreement is known by its period of use
        yield _date(pick(resource, name, 0, "timing", "repeat", "boundsPeriod"))


def _date(value: Any) -> str:
    if isinstance(value, str):
        return value
    start, end = _text(pick(value, "start")), _text(pick(value, "end"))
    return f"{start} to {end}" if start and end else start or (f"until {end}" if end else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
