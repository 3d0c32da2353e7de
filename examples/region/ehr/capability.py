"""The CapabilityStatement at ``[base]/metadata``, made from what the search really knows."""

from examples.region.data.elements import Json
from examples.region.ehr.parameters import PARAMETERS, parameters_of
from examples.region.organisations import FhirVersion, Organisation

# When this server last learned something; a CapabilityStatement needs a date.
DATE = "2026-11-17"
FHIR_RELEASES = {"r4": "4.0.1", "stu3": "3.0.2"}


def capability_statement(organisation: Organisation, version: FhirVersion, *, base: str) -> Json:
    """Say what this server can do."""
    statement: Json = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "publisher": organisation.name,
        "kind": "instance",
        "software": {"name": "Example record system"},
        "implementation": {"description": f"Dossiers van {organisation.name}", "url": base},
        "fhirVersion": FHIR_RELEASES[version],
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(kind, version) for kind in sorted(PARAMETERS)],
                "interaction": [{"code": "batch"}],
            }
        ],
    }
    if version == "stu3":
        statement["acceptUnknown"] = "no"
    return statement


def _resource(kind: str, version: FhirVersion) -> Json:
    parameters = parameters_of(kind, version)
    referring = [
        f"{other}:{name}"
        for other in sorted(PARAMETERS)
        for name, parameter in parameters_of(other, version).items()
        if parameter.kind == "reference" and (not parameter.patients_only or kind == "Patient")
    ]
    return {
        "type": kind,
        "interaction": [{"code": one} for one in ("read", "vread", "create", "update", "delete", "search-type")],
        "versioning": "versioned",
        "searchInclude": ["*", *(f"{kind}:{name}" for name, p in parameters.items() if p.kind == "reference")],
        "searchRevInclude": referring,
        "searchParam": [{"name": name, "type": p.kind} for name, p in sorted(parameters.items())],
    }
