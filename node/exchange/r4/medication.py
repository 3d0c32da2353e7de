"""Medication of STU3 (zib2017) as R4."""

from collections.abc import Mapping
from typing import Any

from node.exchange.r4.values import (
    Losses,
    Made,
    Rule,
    Rules,
    apply,
    code,
    comment,
    elements,
    encounter,
    is_turned,
    listed,
    many,
    same,
    turned,
)

_IN_DOSE = ("doseQuantity", "doseRange", "rateRatio", "rateRange", "rateQuantity")

_DOSAGE: Rules = {
    name: same(name)
    for name in (
        "sequence", "text", "additionalInstruction", "patientInstruction", "timing", "asNeededBoolean",
        "asNeededCodeableConcept", "site", "route", "method", "maxDosePerPeriod", "maxDosePerAdministration",
        "maxDosePerLifetime",
    )
}  # fmt: skip


def dosages(name: str) -> Rule:
    """Dosage: dose and rate moved into ``doseAndRate``."""

    def rule(value: Any, made: Made, losses: Losses) -> None:
        made[name] = [_dosage(each, losses.below(name)) for each in many(value)]

    return rule


def _dosage(element: Mapping[str, Any], losses: Losses) -> Made:
    dose = {name: element[name] for name in _IN_DOSE if name in element}
    made = apply(_DOSAGE, {name: value for name, value in element.items() if name not in dose}, losses)
    return {**made, "doseAndRate": [dose]} if dose else made


def _requester(value: Any, made: Made, losses: Losses) -> None:
    if not isinstance(value, Mapping) or "agent" not in value:
        losses.add("requester")
        return
    made["requester"] = value["agent"]
    for name in value.keys() - {"agent"}:
        losses.add(f"requester.{name}")


def _substitution(value: Any, made: Made, losses: Losses) -> None:
    made["substitution"] = apply(
        {"allowed": same("allowedBoolean"), "reason": same("reason")}, value, losses.below("substitution")
    )


def _taken(value: Any, made: Made, losses: Losses) -> None:
    """``taken`` went into the status: only "not taken" says something that the status does not."""
    if value == "n":
        turned("taken", "not-taken", made, losses)
    elif value != "y":
        losses.add("taken")


def _statement_status(value: Any, made: Made, losses: Losses) -> None:
    if not is_turned("taken", "not-taken", value, made, losses):  # "not taken" is stronger than when
        made["status"] = value


def _not_done(value: Any, made: Made, losses: Losses) -> None:
    if value is True:
        turned("notDone", "declined", made, losses)


def _dispense_status(value: Any, made: Made, losses: Losses) -> None:
    if not is_turned("notDone", "declined", value, made, losses):
        code("status", "preparation", "in-progress", "on-hold", "completed", "entered-in-error", "stopped")(
            value, made, losses
        )


def _ordered(made: Made, losses: Losses) -> None:
    """R4 demands a status."""
    if "status" not in made:
        losses.add("status (not stated)")
        made["status"] = "unknown"


AFTERWARDS = {"MedicationRequest": _ordered}

_INGREDIENT: Rules = {
    "itemCodeableConcept": same("itemCodeableConcept"),
    "itemReference": same("itemReference"),
    "isActive": same("isActive"),
    "amount": same("strength"),
}

MEDICATION: Mapping[str, Rules] = {
    "Medication": {
        **{name: same(name) for name in ("code", "status", "manufacturer", "form")},
        "ingredient": elements("ingredient", _INGREDIENT),
    },
    "MedicationRequest": {
        **{
            name: same(name)
            for name in (
                "identifier", "basedOn", "groupIdentifier", "status", "intent", "priority", "medicationCodeableConcept",
                "medicationReference", "subject", "supportingInformation", "authoredOn", "recorder", "reasonCode",
                "reasonReference", "note", "dispenseRequest", "priorPrescription", "detectedIssue", "eventHistory",
            )
        },
        "category": listed("category"),
        "context": encounter,
        "requester": _requester,
        "dosageInstruction": dosages("dosageInstruction"),
        "substitution": _substitution,
    },
    "MedicationStatement": {
        **{
            name: same(name)
            for name in (
                "identifier", "basedOn", "partOf", "context", "category", "medicationCodeableConcept",
                "medicationReference", "effectiveDateTime", "effectivePeriod", "dateAsserted", "informationSource",
                "subject", "derivedFrom", "reasonCode", "reasonReference", "note",
            )
        },
        "status": _statement_status,
        "taken": _taken,
        "reasonNotTaken": same("statusReason"),
        "dosage": dosages("dosage"),
    },
    "MedicationDispense": {
        **{
            name: same(name)
            for name in (
                "identifier", "partOf", "category", "medicationCodeableConcept", "medicationReference", "subject",
                "context", "supportingInformation", "authorizingPrescription", "type", "quantity", "daysSupply",
                "whenPrepared", "whenHandedOver", "destination", "receiver", "note", "detectedIssue",
            )
        },
        "status": _dispense_status,
        "notDone": _not_done,
        "performer": elements("performer", {"actor": same("actor")}),
        "dosageInstruction": dosages("dosageInstruction"),
        "substitution": elements(
            "substitution",
            {name: same(name) for name in ("wasSubstituted", "type", "reason", "responsibleParty")},
        ),
        "comment": comment,
    },
}  # fmt: skip
