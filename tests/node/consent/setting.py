"""Made-up consents."""

from typing import Any

BSN = "999990135"
OTHER_BSN = "176286603"


def an_organisation(ura: str) -> dict[str, Any]:
    return {
        "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "PRCP"}]},
        "reference": {"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": ura}},
    }


def a_kind(code: str) -> dict[str, Any]:
    return {
        "role": {"coding": [{"system": "http://nictiz.nl/fhir/NamingSystem/organization-type", "code": code}]},
        "reference": {"display": "every organisation of this kind"},
    }


def a_provision(kind: str, *, actors: Any = None, codes: Any = None, **more: Any) -> dict[str, Any]:
    provision: dict[str, Any] = {"type": kind}
    if actors is not None:
        provision["actor"] = actors
    if codes is not None:
        provision["code"] = [{"coding": [{"system": "urn:oid:mitz", "code": code}]} for code in codes]
    return provision | more


def a_consent(provision: dict[str, Any], *, status: str = "active", bsn: str = BSN, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "status": status,
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": bsn}},
        "dateTime": "2026-11-22",
        "policyRule": {"text": "WGBO"},
        "provision": provision,
    } | more
