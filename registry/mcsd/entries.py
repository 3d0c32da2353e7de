"""Our own entries, from what a node knows about its organisation: who we are, where, and where to reach us.

Ids follow from the URA number, so that publishing again changes what is there. Codes are those of the Dutch profiles (LANDSCAPE §2.1):
the authorization server is told by its connection type, the FHIR version by the payload's mime type, never by a name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry.mcsd.ownership import CAPABILITIES, UPDATE_CLIENT, URA_SYSTEM
from registry.mcsd.resource import Resource

VEKTIS: Final = "http://nictiz.nl/fhir/NamingSystem/organization-type"
CONNECTION_TYPES: Final = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
AUTHORIZATION_SERVERS: Final = "http://minvws.github.io/generiekefuncties-docs/CodeSystem/nl-gf-authorization-server-cs"
PAYLOAD_TYPES: Final = "http://terminology.hl7.org/CodeSystem/endpoint-payload-type"
PARTICIPANT_TYPES: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

FHIR_MIME_TYPES: Final[Mapping[str, str]] = {
    "r4": "application/fhir+json; fhirVersion=4.0",
    "stu3": "application/fhir+json; fhirVersion=3.0",
}
_CLOSED: Final[Mapping[str, tuple[str, Any]]] = {
    "Organization": ("active", False),
    "HealthcareService": ("active", False),
    "OrganizationAffiliation": ("active", False),
    "Location": ("status", "inactive"),
    "Endpoint": ("status", "off"),
}

Content = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrganisation:
    """What a node knows about its organisation.

    Attributes:
        facility_type: Vektis code.
        directory: address of the small directory where these entries stand; identifiers are of it.
        authorization_server: issuer URL.
        fhir_bases: by version, ``r4`` or ``stu3``.
    """

    ura: str
    name: str
    city: str
    facility_type: str
    directory: str
    authorization_server: str
    fhir_bases: Mapping[str, str]


def own_entries(own: OwnOrganisation) -> tuple[Content, ...]:
    """The resources of an organisation, in the order in which they are loaded; without version and time."""
    endpoints = [
        _endpoint(own, f"fhir-{version}", base, [FHIR_MIME_TYPES[version]], _coding(CONNECTION_TYPES, "hl7-fhir-rest"))
        for version, base in sorted(own.fhir_bases.items())
    ]
    endpoints.append(
        _endpoint(own, "oauth", own.authorization_server, (), _coding(AUTHORIZATION_SERVERS, "oauth-nuts"))
    )
    directory = _endpoint(
        own, "directory", own.directory, [FHIR_MIME_TYPES["r4"]], _coding(CONNECTION_TYPES, "hl7-fhir-rest")
    )
    endpoints.append(directory | {"payloadType": [{"coding": [_coding(CAPABILITIES, UPDATE_CLIENT)]}]})
    organization = {
        "resourceType": "Organization",
        "id": f"org-{own.ura}",
        "identifier": [{"use": "official", "system": URA_SYSTEM, "value": own.ura}, _assigned(own, f"org-{own.ura}")],
        "active": True,
        "type": [
            {"coding": [_coding(VEKTIS, own.facility_type)]},
            {"coding": [_coding("http://terminology.hl7.org/CodeSystem/organization-type", "prov")]},
        ],
        "name": own.name,
        "address": [{"city": own.city, "country": "NL"}],
        "endpoint": [{"reference": f"Endpoint/{each['id']}"} for each in endpoints],
    }
    location = {
        "resourceType": "Location",
        "id": f"loc-{own.ura}",
        "identifier": [_assigned(own, f"loc-{own.ura}")],
        "status": "active",
        "name": own.name,
        "mode": "instance",
        "address": {"city": own.city, "country": "NL"},
        "managingOrganization": {"reference": f"Organization/org-{own.ura}"},
    }
    return (organization, location, *endpoints)


def withdrawn(content: Mapping[str, Any]) -> Content:
    """The same entry, not in use any more; nothing is ever deleted."""
    name, value = _CLOSED[content["resourceType"]]
    return {**content, name: value}


def not_published_any_more(
    standing: Iterable[Resource], wanted: Iterable[Mapping[str, Any]], ura: str
) -> list[Content]:
    """What stands as made here and is not wanted any more, withdrawn; entries that somebody put there by hand stay."""
    kept = {(each["resourceType"], each["id"]) for each in wanted}
    made = (f"org-{ura}", f"loc-{ura}", f"ep-{ura}-")
    return [
        withdrawn(each.content)
        for each in standing
        if each.id.startswith(made) and (each.type, each.id) not in kept and not each.is_withdrawn
    ]


def _endpoint(
    own: OwnOrganisation, name: str, address: str, mime_types: Iterable[str], connection: Mapping[str, str]
) -> Content:
    identifier = f"ep-{own.ura}-{name}"
    types = list(mime_types)
    return {
        "resourceType": "Endpoint",
        "id": identifier,
        "identifier": [_assigned(own, identifier)],
        "status": "active",
        "connectionType": dict(connection),
        "managingOrganization": {"reference": f"Organization/org-{own.ura}"},
        "payloadType": [{"coding": [_coding(PAYLOAD_TYPES, "any")]}],
        **({"payloadMimeType": types} if types else {}),
        "address": address,
    }


def _assigned(own: OwnOrganisation, value: str) -> Content:
    """The identifier that its custodian gave it: the key under which replicas merge."""
    return {
        "use": "official",
        "system": own.directory,
        "value": value,
        "assigner": {
            "identifier": {
                "type": {"coding": [_coding(PARTICIPANT_TYPES, "custodian")]},
                "system": URA_SYSTEM,
                "value": own.ura,
            }
        },
    }


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}
