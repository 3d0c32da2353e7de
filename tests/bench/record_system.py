"""A FHIR R4 server that answers a handful of fixed pages as fast as Python can: ``python -m tests.bench.record_system --port N``.

What it costs itself is in both sides of every comparison, so the less the better. One citizen, whose care team has the asker.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from examples.region.organisations import GOUWE, OEVER
from examples.region.patients import TRUUS
from node.usecases.identifiers import BSN_SYSTEM, URA_SYSTEM

BSN = TRUUS.bsn
PATIENT = "1"
PATH = "/r4"
SMALL_STEP, LARGE_STEP = "attention-flags", "results"
LARGE_TARGET = f"Observation?patient={PATIENT}&category=http%3A%2F%2Fterminology.hl7.org%2FCodeSystem%2Fobservation-category%7Cvital-signs"
SMALL_TARGET = f"Flag?patient={PATIENT}"
LARGE_BYTES = 30_000


def patient() -> Mapping[str, Any]:
    """The citizen."""
    return {
        "resourceType": "Patient",
        "id": PATIENT,
        "identifier": [{"system": BSN_SYSTEM, "value": BSN}],
        "name": [{"family": TRUUS.family.own_name, "given": [TRUUS.given]}],
        "birthDate": TRUUS.birth_date,
    }


def flag() -> Mapping[str, Any]:
    """Something small about the citizen."""
    return {
        "resourceType": "Flag",
        "id": "flag-1",
        "status": "active",
        "code": {"text": "Valt snel"},
        "subject": {"reference": f"Patient/{PATIENT}"},
    }


def observation(number: int) -> Mapping[str, Any]:
    """A blood pressure, about 1 kB."""
    loinc = "http://loinc.org"

    def part(code: str, display: str, value: int) -> Mapping[str, Any]:
        return {
            "code": {"coding": [{"system": loinc, "code": code, "display": display}]},
            "valueQuantity": {
                "value": value,
                "unit": "mm[Hg]",
                "system": "http://unitsofmeasure.org",
                "code": "mm[Hg]",
            },
        }

    return {
        "resourceType": "Observation",
        "id": f"bp-{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-01T10:00:00+01:00"},
        "identifier": [{"system": "https://gouwe.example/observations", "value": f"{number:08d}"}],
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        "code": {"coding": [{"system": loinc, "code": "85354-9", "display": "Blood pressure panel"}]},
        "subject": {"reference": f"Patient/{PATIENT}", "display": TRUUS.name},
        "performer": [{"display": "J. Jansen, huisarts"}],
        "effectiveDateTime": f"2026-{1 + number % 12:02d}-03T09:{number % 60:02d}:00+01:00",
        "component": [
            part("8480-6", "Systolic blood pressure", 120 + number),
            part("8462-4", "Diastolic", 70 + number),
        ],
    }


def care_team() -> Mapping[str, Any]:
    """Who takes part in the citizen's care: the asker."""
    return {
        "resourceType": "CareTeam",
        "id": "team-1",
        "status": "active",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "participant": [
            {
                "member": {
                    "type": "Organization",
                    "identifier": {"system": URA_SYSTEM, "value": organisation.ura},
                    "display": organisation.name,
                }
            }
            for organisation in (GOUWE, OEVER)
        ],
    }


def page(*resources: Mapping[str, Any]) -> bytes:
    """A searchset of matches."""
    entries = [
        {
            "fullUrl": f"http://own.example/r4/{one['resourceType']}/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in resources
    ]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}).encode()


def large_page() -> bytes:
    """A searchset of about :data:`LARGE_BYTES`."""
    count = 1
    while len(made := page(*map(observation, range(count)))) < LARGE_BYTES:
        count += 1
    return made


def application() -> web.Application:
    """The server."""
    pages = {
        "Patient": page(patient()),
        "CareTeam": page(care_team()),
        "Flag": page(flag()),
        "Observation": large_page(),
    }

    async def answer(request: web.Request) -> web.Response:
        found = pages.get(request.match_info["type"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found, content_type="application/fhir+json")

    read = json.dumps(patient()).encode()

    async def read_patient(_request: web.Request) -> web.Response:
        return web.Response(body=read, content_type="application/fhir+json")

    async def metadata(_request: web.Request) -> web.Response:
        return web.json_response(
            {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}, content_type="application/fhir+json"
        )

    app = web.Application()
    app.router.add_get(f"{PATH}/metadata", metadata)
    app.router.add_get(f"{PATH}/Patient/{PATIENT}", read_patient)
    app.router.add_post(f"{PATH}/{{type}}/_search", answer)
    app.router.add_get(f"{PATH}/{{type}}", answer)
    return app


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.record_system")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    web.run_app(application(), host="127.0.0.1", port=options.port, access_log=None, print=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
