"""Aïcha's objection: a Consent at GGZ De Wending that denies De Gouwe everything (LANDSCAPE §6.1, P3).

It is put there when the region is made, as the only consent there is; everybody else is served because of their care teams.
"""

from typing import Any

from examples.region.organisations import GOUWE, WENDING, Organisation
from examples.region.patients import AICHA, BSN_SYSTEM, Citizen
from examples.region.vendor import Vendor

URA_SYSTEM = "http://fhir.nl/fhir/NamingSystem/ura"


def consent(citizen: Citizen, *, holder: Organisation, against: Organisation) -> dict[str, Any]:
    """Return a FHIR R4 Consent: ``holder`` may not share anything on ``citizen`` with ``against``."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"},
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"identifier": {"system": BSN_SYSTEM, "value": citizen.bsn}},
        "dateTime": "2026-03-17",
        "organization": [_organisation(holder)],
        "provision": {
            "type": "deny",
            "actor": [
                {
                    "role": {
                        "coding": [
                            {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}
                        ]
                    },
                    "reference": _organisation(against),
                }
            ],
        },
    }


async def object_for_aicha(wending: Vendor) -> None:
    """Let De Wending's own software record that Aïcha does not want De Gouwe to see anything."""
    await wending.post(
        f"/consent/v1/{WENDING.key}/Consent",
        consent(AICHA, holder=WENDING, against=GOUWE),
        media_type="application/fhir+json",
    )


def _organisation(one: Organisation) -> dict[str, Any]:
    return {"identifier": {"system": URA_SYSTEM, "value": one.ura}, "display": one.name}
