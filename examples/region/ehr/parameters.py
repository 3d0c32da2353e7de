"""Search parameters per resource type: the standard ones that the region's use cases touch, and their neighbours.

A path is dotted and steps through lists by itself; ``effectiveDateTime`` and its like are written out per type of
value. Parameters that exist in one FHIR version only are marked. A type without records still has its parameters, so
that a search for it is answered with an empty Bundle and not with an error.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from examples.region.organisations import FhirVersion

Kind = Literal["token", "reference", "date", "string", "uri"]


class Parameter(NamedTuple):
    """One search parameter.

    Attributes:
        kind: how its values are compared.
        paths: where the values are found.
        only: the FHIR version that has it, None for both.
        patients_only: counts references to a Patient and no others.
    """

    kind: Kind
    paths: tuple[str, ...]
    only: FhirVersion | None = None
    patients_only: bool = False


def _token(*paths: str, only: FhirVersion | None = None) -> Parameter:
    return Parameter("token", paths, only)


def _reference(*paths: str, only: FhirVersion | None = None) -> Parameter:
    return Parameter("reference", paths, only)


def _patient(path: str, only: FhirVersion | None = None) -> Parameter:
    return Parameter("reference", (path,), only, patients_only=True)


def _date(*paths: str, only: FhirVersion | None = None) -> Parameter:
    return Parameter("date", paths, only)


def _string(*paths: str) -> Parameter:
    return Parameter("string", paths)


IDENTIFIER = _token("identifier")

COMMON: Mapping[str, Parameter] = {
    "_id": _token("id"),
    "_lastUpdated": _date("meta.lastUpdated"),
    "_profile": Parameter("uri", ("meta.profile",)),
    "_tag": _token("meta.tag"),
    "_security": _token("meta.security"),
}

SUBJECT: Mapping[str, Parameter] = {
    "identifier": IDENTIFIER,
    "patient": _patient("subject"),
    "subject": _reference("subject"),
}

_MEDICATION: Mapping[str, Parameter] = {
    **SUBJECT,
    "status": _token("status"),
    "category": _token("category"),
    "code": _token("medicationCodeableConcept"),
    "medication": _reference("medicationReference"),
}

PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    "Patient": {
        "identifier": IDENTIFIER,
        "active": _token("active"),
        "name": _string("name.family", "name.given", "name.text"),
        "family": _string("name.family"),
        "given": _string("name.given"),
        "birthdate": _date("birthDate"),
        "gender": _token("gender"),
        "address-city": _string("address.city"),
        "address-postalcode": _string("address.postalCode"),
        "general-practitioner": _reference("generalPractitioner"),
        "organization": _reference("managingOrganization"),
    },
    "RelatedPerson": {
        "identifier": IDENTIFIER,
        "patient": _patient("patient"),
        "name": _string("name.family", "name.given"),
    },
    "Practitioner": {
        "identifier": IDENTIFIER,
        "active": _token("active"),
        "name": _string("name.family", "name.given", "name.text"),
        "family": _string("name.family"),
    },
    "PractitionerRole": {
        "identifier": IDENTIFIER,
        "practitioner": _reference("practitioner"),
        "organization": _reference("organization"),
        "specialty": _token("specialty"),
        "role": _token("code"),
    },
    "Organization": {
        "identifier": IDENTIFIER,
        "active": _token("active"),
        "name": _string("name"),
        "type": _token("type"),
        "partof": _reference("partOf"),
    },
    "CareTeam": {
        **SUBJECT,
        "status": _token("status"),
        "category": _token("category"),
        "date": _date("period"),
        "participant": _reference("participant.member"),
        "encounter": _reference("encounter", "context"),
    },
    "Condition": {
        **SUBJECT,
        "clinical-status": _token("clinicalStatus"),
        "verification-status": _token("verificationStatus"),
        "category": _token("category"),
        "code": _token("code"),
        "onset-date": _date("onsetDateTime"),
        "abatement-date": _date("abatementDateTime"),
        "asserter": _reference("asserter"),
        "encounter": _reference("encounter", "context"),
    },
    "EpisodeOfCare": {
        "identifier": IDENTIFIER,
        "patient": _patient("patient"),
        "status": _token("status"),
        "type": _token("type"),
        "date": _date("period"),
        "condition": _reference("diagnosis.condition"),
        "organization": _reference("managingOrganization"),
        "care-manager": _reference("careManager"),
    },
    "Encounter": {
        **SUBJECT,
        "status": _token("status"),
        "class": _token("class"),
        "type": _token("type"),
        "date": _date("period"),
        "participant": _reference("participant.individual"),
        "practitioner": _reference("participant.individual"),
        "service-provider": _reference("serviceProvider"),
        "episode-of-care": _reference("episodeOfCare", only="r4"),
        "reason-code": _token("reasonCode", only="r4"),
    },
    "AllergyIntolerance": {
        "identifier": IDENTIFIER,
        "patient": _patient("patient"),
        "category": _token("category"),
        "code": _token("code", "reaction.substance"),
        "criticality": _token("criticality"),
        "clinical-status": _token("clinicalStatus"),
        "verification-status": _token("verificationStatus"),
        "date": _date("recordedDate", "assertedDate"),
        "recorder": _reference("recorder"),
    },
    # A Flag has neither status nor category as a search parameter; real servers say 400 too.
    "Flag": {
        **SUBJECT,
        "date": _date("period"),
        "author": _reference("author"),
        "encounter": _reference("encounter"),
    },
    "Observation": {
        **SUBJECT,
        "status": _token("status"),
        "category": _token("category"),
        "code": _token("code"),
        "component-code": _token("component.code"),
        "combo-code": _token("code", "component.code"),
        "value-concept": _token("valueCodeableConcept"),
        "date": _date("effectiveDateTime", "effectivePeriod"),
        "performer": _reference("performer"),
        "encounter": _reference("encounter", "context"),
        "specimen": _reference("specimen"),
        "has-member": _reference("hasMember", only="r4"),
        "related-target": _reference("related.target", only="stu3"),
    },
    "Composition": {
        **SUBJECT,
        "status": _token("status"),
        "type": _token("type"),
        "date": _date("date"),
        "title": _string("title"),
        "author": _reference("author"),
        "encounter": _reference("encounter"),
        "entry": _reference("section.entry"),
        "section": _token("section.code"),
        "category": _token("category", only="r4"),
        "class": _token("class", only="stu3"),
    },
    "Consent": {
        "identifier": IDENTIFIER,
        "patient": _patient("patient"),
        "status": _token("status"),
        "category": _token("category"),
        "scope": _token("scope", only="r4"),
        "date": _date("dateTime"),
        "actor": _reference("provision.actor.reference", "actor.reference"),
        "consentor": _reference("consentingParty", only="stu3"),
    },
    "Coverage": {
        "identifier": IDENTIFIER,
        "patient": _patient("beneficiary", only="r4"),
        "beneficiary": _reference("beneficiary"),
        "status": _token("status", only="r4"),
        "type": _token("type"),
        "payor": _reference("payor"),
    },
    "Medication": {
        "identifier": Parameter("token", ("identifier",), "r4"),
        "code": _token("code"),
        "status": _token("status"),
    },
    "MedicationRequest": {
        **_MEDICATION,
        "intent": _token("intent"),
        "authoredon": _date("authoredOn"),
        "requester": _reference("requester", "requester.agent"),
        "encounter": _reference("encounter", "context"),
    },
    "MedicationDispense": {
        **_MEDICATION,
        "type": _token("type"),
        "whenhandedover": _date("whenHandedOver"),
        "performer": _reference("performer.actor"),
        "prescription": _reference("authorizingPrescription"),
    },
    "MedicationStatement": {
        **_MEDICATION,
        "effective": _date("effectiveDateTime", "effectivePeriod"),
        "source": _reference("informationSource"),
    },
    "DocumentReference": {
        **SUBJECT,
        "status": _token("status"),
        "type": _token("type"),
        "category": _token("category", only="r4"),
        "date": _date("date", only="r4"),
        "indexed": _date("indexed", only="stu3"),
        "author": _reference("author"),
    },
    # Nothing is recorded in these, and nobody need know that from an error.
    "Communication": {**SUBJECT, "status": _token("status")},
    "DeviceUseStatement": {**SUBJECT, "device": _reference("device")},
    "Goal": {**SUBJECT, "category": _token("category")},
    "Immunization": {"identifier": IDENTIFIER, "patient": _patient("patient"), "status": _token("status")},
    "Location": {"identifier": IDENTIFIER, "name": _string("name"), "status": _token("status")},
    "NutritionOrder": {"identifier": IDENTIFIER, "patient": _patient("patient"), "status": _token("status")},
    "Procedure": {**SUBJECT, "status": _token("status"), "category": _token("category"), "code": _token("code")},
    "Task": {"identifier": IDENTIFIER, "patient": _patient("for"), "status": _token("status"), "code": _token("code")},
}


def parameters_of(kind: str, version: FhirVersion) -> Mapping[str, Parameter]:
    """All parameters of a resource type in one version, the common ones first.

    Raises:
        KeyError: no such resource type here.
    """
    own = {name: p for name, p in PARAMETERS[kind].items() if p.only in (None, version)}
    return {**COMMON, **own}
