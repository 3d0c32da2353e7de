"""The region's two discovery services: the definition files that every participant has.

A registration says "offers and asks this": who the organisation is (X509Credential, under the region's root) and where its node
is (DiscoveryRegistrationCredential). The files are what the regional organisation would hand out.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.region.organisations import HA_VVT, MEDICATION

SERVICES = (HA_VVT, MEDICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherService:
    """A discovery service beyond those of the story, for who wants to show more.

    Attributes:
        service: its id.
        usecase: id of the use case of its members.
        members: keys of the organisations that take part.
    """

    service: str
    usecase: str
    members: frozenset[str]


MAX_VALIDITY_SECONDS = 3_600
"""In the real world three days; an hour suits a demo."""


def write_definitions(
    directory: Path, *, host_url: str, uzi_root: str, further: Iterable[str] = ()
) -> tuple[Path, ...]:
    """Write one definition file per service.

    Args:
        directory: created when absent.
        host_url: public base URL of the node that hosts the services.
        uzi_root: SHA-256 (base64url) of the root certificate that vouches for members.
        further: ids of services beyond the two of the story.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for service in (*SERVICES, *further):
        file = directory / f"{service}.json"
        file.write_text(json.dumps(_definition(service, host_url, uzi_root), indent=2) + "\n", encoding="utf-8")
        written.append(file)
    return tuple(written)


def _definition(service: str, host_url: str, uzi_root: str) -> Mapping[str, Any]:
    return {
        "id": service,
        "endpoint": f"{host_url}/discovery/{service}",
        "presentation_max_validity": MAX_VALIDITY_SECONDS,
        "did_methods": ["web"],
        "presentation_definition": {
            "id": f"pd_discovery_{service}",
            "format": {
                "jwt_vp": {"alg": ["ES256"]},
                "jwt_vc": {"alg": ["PS256", "ES256"]},
                "ldp_vc": {"proof_type": ["JsonWebSignature2020"]},
            },
            "input_descriptors": [_organisation(uzi_root), _registration()],
        },
    }


def _organisation(uzi_root: str) -> Mapping[str, Any]:
    return {
        "id": "id_x509credential",
        "constraints": {
            "fields": [
                _type("X509Credential"),
                {
                    "path": ["$.issuer"],
                    "filter": {"type": "string", "pattern": f"^did:x509:0:sha256:{uzi_root}::.*$"},
                },
                {
                    "id": "organization_ura",
                    "path": _subject("san.otherName"),
                    "filter": {"type": "string", "pattern": r"^[0-9.]+-\d+-\d+-S-(\d+)-00\.000-\d+$"},
                },
                _field("organization_name", "subject.O"),
                _field("organization_city", "subject.L"),
            ]
        },
    }


def _registration() -> Mapping[str, Any]:
    return {
        "id": "id_discoveryregistration",
        "constraints": {
            "fields": [
                _type("DiscoveryRegistrationCredential"),
                _field("auth_server_url", "authServerURL"),
                _field("fhir_base_url_r4", "fhir_base_url_r4") | {"optional": True},
                _field("fhir_base_url_stu3", "fhir_base_url_stu3") | {"optional": True},
                _field("organization_facility_type", "organization_facility_type") | {"optional": True},
            ]
        },
    }


def _type(name: str) -> Mapping[str, Any]:
    return {"path": ["$.type"], "filter": {"type": "string", "const": name}}


def _field(identifier: str, path: str) -> dict[str, Any]:
    return {"id": identifier, "path": _subject(path), "filter": {"type": "string"}}


def _subject(path: str) -> list[str]:
    return [f"$.credentialSubject[0].{path}", f"$.credentialSubject.{path}"]
