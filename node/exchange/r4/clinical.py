"""Clinical types of STU3 (zib2017) as R4."""

from collections.abc import Callable, Mapping
from typing import Any

from node.exchange.r4.values import (
    ABSENT,
    TERMINOLOGY,
    Losses,
    Made,
    Rules,
    apply,
    code,
    comment,
    concept,
    elements,
    encounter,
    is_turned,
    listed,
    many,
    same,
    turned,
)

_VALUES = (
    "valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueRange", "valueRatio",
    "valueSampledData", "valueTime", "valueDateTime", "valuePeriod",
)  # fmt: skip
_RELATED = {"has-member": "hasMember", "derived-from": "derivedFrom"}
_SCOPES = {
    "11341000146107": "adr",
    "11291000146105": "treatment",
}
"""SNOMED CT category of a zib2017 directive -> scope of a Consent in R4."""
_IN_PROVISION = ("actor", "action", "securityLabel", "purpose", "dataPeriod", "data", "class", "code")


def _related(value: Any, made: Made, losses: Losses) -> None:
    for each in value if isinstance(value, list) else ():
        name = _RELATED.get(str(each.get("type"))) if isinstance(each, Mapping) else None
        if name is None or "target" not in each:
            losses.add("related")
        else:
            made.setdefault(name, []).append(each["target"])


def _stage(value: Any, made: Made, losses: Losses) -> None:
    listed("stage")(value, made, losses)


def _attesters(value: Any, made: Made, losses: Losses) -> None:
    """One attester with several modes became several with one."""
    for each in many(value):
        for mode in each.get("mode") if isinstance(each.get("mode"), list) else ():
            made.setdefault("attester", []).append({**each, "mode": mode})
    if "attester" not in made:
        losses.add("attester")


def _not_done(value: Any, made: Made, losses: Losses) -> None:
    if value is True:
        turned("notDone", "not-done", made, losses)


def _procedure_status(value: Any, made: Made, losses: Losses) -> None:
    if not is_turned("notDone", "not-done", value, made, losses):
        code("status", "preparation", "in-progress", "completed", "entered-in-error", "unknown", suspended="on-hold", aborted="stopped")(
            value, made, losses
        )  # fmt: skip


def _provision(name: str) -> Callable[[Any, Made, Losses], None]:
    def rule(value: Any, made: Made, _: Losses) -> None:
        made.setdefault("provision", {})[name] = value

    return rule


def _except(value: Any, made: Made, losses: Losses) -> None:
    rules: Rules = {"type": same("type"), "period": same("period"), **{name: same(name) for name in _IN_PROVISION}}
    found = [apply(rules, each, losses.below("except")) for each in many(value)]
    made.setdefault("provision", {})["provision"] = found


def _policy_rule(value: Any, made: Made, losses: Losses) -> None:
    if isinstance(value, str):
        made["policyRule"] = {"text": value}
    else:
        losses.add("policyRule")


def _consent(made: Made, losses: Losses) -> None:
    """R4 demands a scope, and a policy or rule."""
    codes = [coding.get("code") for category in many(made.get("category")) for coding in many(category.get("coding"))]
    scope = next((_SCOPES[each] for each in codes if isinstance(each, str) and each in _SCOPES), None)
    if scope is None:
        losses.add("scope (not stated)")
        made["scope"] = dict(ABSENT)
    else:
        made["scope"] = {"coding": [{"system": f"{TERMINOLOGY}consentscope", "code": scope}]}
    if not made.get("category"):
        made["category"] = [dict(ABSENT)]
    if "policy" not in made and "policyRule" not in made:
        made["policyRule"] = dict(ABSENT)


AFTERWARDS = {"Consent": _consent}

_OBSERVED: Rules = {
    **{name: same(name) for name in (*_VALUES, "code", "dataAbsentReason", "referenceRange")},
    "interpretation": listed("interpretation"),
}

CLINICAL: Mapping[str, Rules] = {
    "Flag": {
        **{name: same(name) for name in ("identifier", "status", "code", "subject", "period", "encounter", "author")},
        "category": listed("category"),
    },
    "AllergyIntolerance": {
        **{
            name: same(name)
            for name in (
                "identifier", "type", "category", "criticality", "code", "patient", "onsetDateTime", "onsetAge",
                "onsetPeriod", "onsetRange", "onsetString", "recorder", "asserter", "lastOccurrence", "note", "reaction",
            )
        },
        "clinicalStatus": concept("clinicalStatus", "allergyintolerance-clinical", "active", "inactive", "resolved"),
        "verificationStatus": concept(
            "verificationStatus", "allergyintolerance-verification", "unconfirmed", "confirmed", "refuted",
            "entered-in-error",
        ),
        "assertedDate": same("recordedDate"),
    },
    "Observation": {
        **_OBSERVED,
        **{
            name: same(name)
            for name in (
                "identifier", "basedOn", "status", "category", "subject", "effectiveDateTime", "effectivePeriod", "issued",
                "performer", "bodySite", "method", "specimen", "device",
            )
        },
        "context": encounter,
        "comment": comment,
        "related": _related,
        "component": elements("component", _OBSERVED),
    },
    "Condition": {
        **{
            name: same(name)
            for name in (
                "identifier", "category", "severity", "code", "bodySite", "subject", "onsetDateTime", "onsetAge",
                "onsetPeriod", "onsetRange", "onsetString", "abatementDateTime", "abatementAge", "abatementPeriod",
                "abatementRange", "abatementString", "asserter", "evidence", "note",
            )
        },
        "clinicalStatus": concept(
            "clinicalStatus", "condition-clinical", "active", "recurrence", "inactive", "remission", "resolved"
        ),
        "verificationStatus": concept(
            "verificationStatus", "condition-ver-status", "provisional", "differential", "confirmed", "refuted",
            "entered-in-error",
        ),
        "context": encounter,
        "assertedDate": same("recordedDate"),
        "stage": _stage,
    },
    "Procedure": {
        **{
            name: same(name)
            for name in (
                "identifier", "basedOn", "partOf", "category", "code", "subject", "performedDateTime", "performedPeriod",
                "location", "reasonCode", "reasonReference", "bodySite", "outcome", "report", "complication",
                "complicationDetail", "followUp", "note", "focalDevice", "usedReference", "usedCode",
            )
        },
        "status": _procedure_status,
        "notDone": _not_done,
        "notDoneReason": same("statusReason"),
        "context": encounter,
        "performer": elements(
            "performer", {"role": same("function"), "actor": same("actor"), "onBehalfOf": same("onBehalfOf")}
        ),
    },
    "Composition": {
        **{
            name: same(name)
            for name in (
                "identifier", "status", "type", "subject", "encounter", "date", "author", "title", "confidentiality",
                "custodian", "relatesTo", "event", "section",
            )
        },
        "class": listed("category"),
        "attester": _attesters,
    },
    "Consent": {
        **{
            name: same(name)
            for name in (
                "status", "category", "patient", "dateTime", "organization", "sourceAttachment", "sourceReference",
                "policy",
            )
        },
        "identifier": listed("identifier"),
        "consentingParty": same("performer"),
        "policyRule": _policy_rule,
        "period": _provision("period"),
        "actor": _provision("actor"),
        "action": _provision("action"),
        "securityLabel": _provision("securityLabel"),
        "purpose": _provision("purpose"),
        "dataPeriod": _provision("dataPeriod"),
        "data": _provision("data"),
        "except": _except,
    },
}  # fmt: skip
