"""Patient fields of the types that the basic data set, care plans, forms and documents bring (``patient_fields.py`` says how to read this).

An Appointment is about whoever takes part in it, so one of its participants must be our patient, and no other patient may be.
A QuestionnaireResponse nests without end; answers are looked at four items deep, and below the items of an answer.
"""

from collections.abc import Mapping

from node.exchange.patient_fields import PatientFields
from node.usecases.model import FhirVersion

_ANSWERS = (
    "item[].answer[].valueReference",
    "item[].answer[].item[].answer[].valueReference",
    "item[].item[].answer[].valueReference",
    "item[].item[].item[].answer[].valueReference",
    "item[].item[].item[].item[].answer[].valueReference",
)

_COMMON: Mapping[str, PatientFields] = {
    "Coverage": PatientFields(
        owner="beneficiary", others=("policyHolder", "subscriber", "payor[]"), recorder=("payor[]",)
    ),
    "NutritionOrder": PatientFields(owner="patient", recorder=("orderer",)),
    "ImmunizationRecommendation": PatientFields(owner="patient"),
    "Appointment": PatientFields(among="participant[].actor", recorder=("participant[].actor",)),
    "Communication": PatientFields(
        owner="subject", others=("recipient[]", "sender", "payload[].contentReference"), recorder=("sender",)
    ),
    "Goal": PatientFields(owner="subject", others=("expressedBy",), recorder=("expressedBy",)),
    "QuestionnaireResponse": PatientFields(
        owner="subject", others=("author", "source", *_ANSWERS), recorder=("author", "source")
    ),
    "DeviceUseStatement": PatientFields(owner="subject", others=("source",), links=("device",), recorder=("source",)),
    "MedicationAdministration": PatientFields(
        owner="subject", others=("performer[].actor",), recorder=("performer[].actor",)
    ),
}

R4: Mapping[str, PatientFields] = {
    **_COMMON,
    "Immunization": PatientFields(owner="patient", others=("performer[].actor",), recorder=("performer[].actor",)),
    "DeviceRequest": PatientFields(owner="subject", others=("requester", "performer"), recorder=("requester",)),
    "ServiceRequest": PatientFields(owner="subject", others=("requester", "performer[]"), recorder=("requester",)),
    "DocumentReference": PatientFields(
        owner="subject",
        others=("author[]", "authenticator", "context.sourcePatientInfo", "context.related[]"),
        recorder=("author[]", "custodian"),
    ),
    "DiagnosticReport": PatientFields(
        owner="subject", others=("performer[]", "resultsInterpreter[]"), recorder=("performer[]",)
    ),
    "CarePlan": PatientFields(
        owner="subject",
        others=("author", "contributor[]", "activity[].detail.performer[]"),
        recorder=("author", "contributor[]"),
    ),
}

STU3: Mapping[str, PatientFields] = {
    **_COMMON,
    "Immunization": PatientFields(
        owner="patient", others=("practitioner[].actor",), recorder=("practitioner[].actor",)
    ),
    "DeviceRequest": PatientFields(
        owner="subject", others=("requester.agent", "performer"), recorder=("requester.agent",)
    ),
    "ProcedureRequest": PatientFields(
        owner="subject", others=("requester.agent", "performer"), recorder=("requester.agent",)
    ),
    "DocumentReference": PatientFields(
        owner="subject",
        others=("author[]", "authenticator", "context.sourcePatientInfo", "context.related[].ref"),
        recorder=("author[]", "custodian"),
    ),
    "DiagnosticReport": PatientFields(owner="subject", others=("performer[].actor",), recorder=("performer[].actor",)),
    "CarePlan": PatientFields(
        owner="subject", others=("author[]", "activity[].detail.performer[]"), recorder=("author[]",)
    ),
}

CARE_FIELDS: Mapping[FhirVersion, Mapping[str, PatientFields]] = {"r4": R4, "stu3": STU3}
