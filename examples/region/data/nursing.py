"""What a home care organisation writes down: reports, living situation, self-care, the advance directive."""

from collections.abc import Sequence

from examples.region.data import codes
from examples.region.data.administration import Professional, practitioner
from examples.region.data.codes import NICTIZ, TERMINOLOGY, Code
from examples.region.data.dossier import Dossier
from examples.region.data.elements import Json, concept, extension, moment, reference, term
from examples.region.data.vitals import remark

NURSING_REPORT_PROFILE = "https://nuts.nl/fhir/StructureDefinition/nl-core-nursingreport"
LAW = "https://wetten.overheid.nl/"


def report(dossier: Dossier, at: str, text: str, *, by: Professional) -> Json:
    """Add a nursing report: one Observation whose value is what was written."""
    return dossier.add(
        "Observation",
        "report",
        profile=NURSING_REPORT_PROFILE,
        at=at,
        status="final",
        code=concept(codes.REPORT, text="Rapportage"),
        subject=dossier.patient,
        effectiveDateTime=moment(at),
        performer=[reference(practitioner(dossier.cabinet, by), by.name)],
        valueString=text,
    )


def living_situation(
    dossier: Dossier,
    at: str,
    *,
    house: Code,
    conditions: Sequence[Code],
    adaptions: Sequence[Code],
    note: str,
    by: Professional,
) -> Json:
    """Add the living situation: components in STU3's zib, members of their own in R4's."""
    parts = [(codes.HOUSE_TYPE, "HouseType", house)]
    parts += [(codes.LIVING_CONDITION, "LivingCondition", one) for one in conditions]
    parts += [(codes.HOUSE_ADAPTION, "HouseAdaption", one) for one in adaptions]
    person = reference(practitioner(dossier.cabinet, by), by.name)
    if dossier.version == "stu3":
        detail: dict[str, object] = {
            "component": [{"code": concept(code), "valueCodeableConcept": concept(value)} for code, _, value in parts]
        }
    else:
        members = [
            dossier.add(
                "Observation",
                "living",
                profile=f"{NICTIZ}/nl-core-LivingSituation.{name}",
                at=at,
                status="final",
                code=concept(code),
                subject=dossier.patient,
                effectiveDateTime=moment(at),
                valueCodeableConcept=concept(value),
            )
            for code, name, value in parts
        ]
        detail = {"hasMember": [reference(member) for member in members]}
    return dossier.add(
        "Observation",
        "living",
        profile=dossier.profile(r4="nl-core-LivingSituation", stu3="zib-LivingSituation"),
        at=at,
        status="final",
        code=concept(codes.LIVING_SITUATION),
        subject=dossier.patient,
        effectiveDateTime=moment(at),
        performer=[person],
        **remark(dossier, note),
        **detail,
    )


def barthel(dossier: Dossier, at: str, score: int, *, by: Professional) -> Json:
    """Add the Barthel index of self-care (0 to 20)."""
    return dossier.add(
        "Observation",
        "barthel",
        profile=dossier.profile(r4="nl-core-BarthelADLIndex", stu3="zib-BarthelADLIndex"),
        at=at,
        status="final",
        code=concept(codes.BARTHEL),
        subject=dossier.patient,
        effectiveDateTime=moment(at),
        performer=[reference(practitioner(dossier.cabinet, by), by.name)],
        valueQuantity={"value": score, "system": codes.UCUM, "code": "{score}", "unit": "punten"},
    )


def advance_directive(dossier: Dossier, since: str, *, kind: Code, note: str, representative: Json) -> Json:
    """Add a living will, as a Consent of the clinical kind: it permits nothing to other organisations."""
    if dossier.version == "stu3":
        return dossier.add(
            "Consent",
            "directive",
            profile=f"{NICTIZ}/zib-AdvanceDirective",
            at=since,
            extension=[extension(f"{NICTIZ}/Comment", "String", note)],
            status="active",
            category=[concept(codes.ADVANCE_DIRECTIVE), concept(kind)],
            patient=dossier.patient,
            dateTime=since,
            consentingParty=[reference(representative, dossier.citizen.contact.given)],
            policy=[{"uri": LAW}],
        )
    return dossier.add(
        "Consent",
        "directive",
        profile=f"{NICTIZ}/nl-core-AdvanceDirective",
        at=since,
        extension=[extension(f"{NICTIZ}/ext-Comment", "String", note)],
        status="active",
        scope=term(f"{TERMINOLOGY}/consentscope", "adr"),
        category=[term(f"{TERMINOLOGY}/consentcategorycodes", "acd")],
        patient=dossier.patient,
        dateTime=since,
        policy=[{"uri": LAW}],
        provision={
            "actor": [
                {
                    "role": term(f"{TERMINOLOGY}/v3-RoleCode", "RESPRSN"),
                    "reference": reference(representative, dossier.citizen.contact.given),
                }
            ],
            "code": [concept(kind)],
        },
    )


def treatment_limit(dossier: Dossier, since: str, treatment: Code, *, permitted: bool) -> Json:
    """Add one agreement on a treatment (R4): to be given, or not."""
    return dossier.add(
        "Consent",
        "limit",
        profile=f"{NICTIZ}/nl-core-TreatmentDirective2",
        at=since,
        status="active",
        scope=term(f"{TERMINOLOGY}/consentscope", "treatment"),
        category=[concept(codes.TREATMENT_LIMITS)],
        patient=dossier.patient,
        dateTime=since,
        policy=[{"uri": LAW}],
        provision={"type": "permit" if permitted else "deny", "code": [concept(treatment)]},
    )
