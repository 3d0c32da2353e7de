"""What a clinical resource is about, in codes: R4 and STU3 alike."""

from collections.abc import Iterator, Mapping
from typing import Any

from node.exchange.views.picking import members, objects, pick, text_at

ATC = "http://www.whocc.no/atc"
ATC_SUBSTANCE = 7
"""Characters of an ATC code that name a substance; the first four name the therapeutic group."""
ATC_GROUP = 4
MAX_CODINGS = 64
"""Codes of one concept, and extensions of one resource, that are looked at; the resource itself has them all."""
SNOMED = "http://snomed.info/sct"

_TREATMENT = (
    "ext-PharmaceuticalTreatmentIdentifier",
    "ext-PharmaceuticalTreatment.Identifier",
    "zib-Medication-MedicationTreatment",
)
"""Extensions with the identifier of a pharmaceutical treatment (MP9: all building blocks of one treatment share it)."""

Code = tuple[str, str]


def codings(concept: Any) -> list[Code]:
    """Return system and code of a CodeableConcept or Coding."""
    found = [*objects(concept, "coding")[:MAX_CODINGS], concept]
    return [
        (text_at(each, "system"), text_at(each, "code"))
        for each in found
        if text_at(each, "system") and text_at(each, "code")
    ]


def words(concept: Any) -> str:
    """Return a CodeableConcept or Coding in words, or its code."""
    for place in (("text",), ("coding", 0, "display"), ("display",), ("coding", 0, "code"), ("code",)):
        if found := text_at(concept, *place):
            return found
    return ""


def code_of(concept: Any) -> str:
    """Return the first code of a CodeableConcept, Coding or plain code."""
    if isinstance(concept, str):
        return concept
    return next((code for _, code in codings(concept)), "")


def medication_of(resource: Mapping[str, Any], referenced: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the CodeableConcept of what a medication resource is about.

    Args:
        resource: MedicationRequest, MedicationDispense or MedicationStatement.
        referenced: resources of the same holder by ``Type/id``.
    """
    if concept := pick(resource, "medicationCodeableConcept"):
        return concept
    reference = text_at(resource, "medicationReference", "reference")
    for contained in members(resource, "contained"):
        if reference == f"#{text_at(contained, 'id')}":
            return pick(contained, "code")
    target = referenced.get("/".join(reference.split("/")[-2:]))
    if target is not None:
        return pick(target, "code")
    return {"text": text_at(resource, "medicationReference", "display")}


def treatment_ids(resource: Mapping[str, Any]) -> Iterator[Code]:
    """Yield the identifiers of the pharmaceutical treatment that a building block belongs to."""
    for extension in members(resource, "extension")[:MAX_CODINGS]:
        if text_at(extension, "url").endswith(_TREATMENT):
            identifier = pick(extension, "valueIdentifier")
            if text_at(identifier, "value"):
                yield text_at(identifier, "system"), text_at(identifier, "value")


def dosage_of(resource: Mapping[str, Any]) -> str:
    """Return the dosage in words, as the resource says it."""
    found = (*members(resource, "dosageInstruction"), *members(resource, "dosage"))
    return "; ".join(text for text in (text_at(each, "text") for each in found) if text)


def status_of(resource: Mapping[str, Any]) -> str:
    """Return the statuses that turn a meaning around, in their own words."""
    found = [code_of(pick(resource, name)) for name in ("status", "clinicalStatus", "verificationStatus")]
    return ", ".join(each for each in found if each)


def treatment_of(resource: Mapping[str, Any]) -> tuple[Any, str]:
    """Return which treatment a directive (Consent) is about and whether it is wanted, as far as it says.

    R4: ``provision.code`` and ``provision.type``; STU3 (zib2017): extensions for both.
    """
    concept: Any = next(iter(objects(resource, "provision", "code")), None)
    verdict = text_at(resource, "provision", "type")
    for extension in (*members(resource, "extension"), *members(resource, "modifierExtension")):
        url = text_at(extension, "url")
        if url.endswith("TreatmentDirective-Treatment"):
            concept = concept or pick(extension, "valueCodeableConcept")
        elif url.endswith(("TreatmentPermitted", "TreatmentDirective-TreatmentPermitted")):
            verdict = verdict or code_of(pick(extension, "valueCodeableConcept"))
    return concept, verdict
