"""What both nodes have agreed to take part in: discovery services at either, and scopes that each gives tokens for.

The same presentation definitions stand in a nuts-node's policy file and in Hazel's use case files, so that each scope can be asked
in both directions.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.usecases.load import FOLDER

AT_HAZEL, AT_NUTS = "interop-at-hazel", "interop-at-nuts"
AT_HAZEL_LDP, AT_NUTS_LDP = f"{AT_HAZEL}-ldp", f"{AT_NUTS}-ldp"
"""Discovery services by who hosts them: for organisations by their certificate, and by a JSON-LD credential."""

MAX_VALIDITY_SECONDS = 3_600

X509, JWT, LDP, ONE, MIXED = "interop-x509", "interop-jwt", "interop-ldp", "interop-one", "interop-mixed"
"""Scopes: a certificate's credential; everything as JWT; everything as JSON-LD; one credential alone; a JWT presentation of JSON-LD."""

TWO = "interop-two"
"""A scope with two presentations: the organisation's, and that of the service provider that it mandated (WIRE §2.5.6)."""

MANDATE = "NutsUraCredential"
"""What an organisation gives its service provider: its own number and name, issued by itself to the other."""

_EMPLOYEE_FIELDS = {"employee_identifier": "identifier", "employee_name": "name", "employee_role": "roleName"}
_ORGANIZATION_FIELDS = {"organization_name": "organization.name", "organization_city": "organization.city"}
_JWT = {"jwt_vp": {"alg": ["ES256"]}, "jwt_vc": {"alg": ["ES256", "PS256"]}}
_LDP_VC = {"ldp_vc": {"proof_type": ["JsonWebSignature2020"]}}
_LDP = {"ldp_vp": {"proof_type": ["JsonWebSignature2020"]}, **_LDP_VC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    """All services and all scopes, for one run.

    Attributes:
        uzi_root: SHA-256 (base64url) of the root that vouches for both organisations.
        hazel: Hazel's public base URL; ``nuts`` that of the nuts-node.
    """

    uzi_root: str
    hazel: str
    nuts: str

    def write_services(self, folder: Path) -> tuple[Path, ...]:
        """Write a definition file per discovery service."""
        folder.mkdir(parents=True)
        written = []
        for host, by_certificate, by_credential in (
            (self.hazel, AT_HAZEL, AT_HAZEL_LDP),
            (self.nuts, AT_NUTS, AT_NUTS_LDP),
        ):
            for service, who in ((by_certificate, self._certified()), (by_credential, _organization(_LDP_VC))):
                file = folder / f"{service}.json"
                file.write_text(json.dumps(_service(service, host, who), indent=2), encoding="utf-8")
                written.append(file)
        return tuple(written)

    def write_policy(self, folder: Path, *, providers: bool = True) -> None:
        """Write a nuts-node's policy file; release 6.2 knows no service providers."""
        folder.mkdir(parents=True)
        policy = {scope: owners for scope, owners in self.profiles.items() if providers or scope != TWO}
        (folder / "policy.json").write_text(json.dumps(policy, indent=2), encoding="utf-8")

    def write_usecases(self, folder: Path) -> tuple[str, ...]:
        """Write Hazel's use case files and return their pinned names: the shipped medication use case, asking for something else."""
        folder.mkdir(parents=True)
        pinned = []
        shipped = (FOLDER / "medication.yaml").read_text(encoding="utf-8")
        before, _, after = shipped.partition("presentation_definitions: |\n")
        tables = "tables:\n" + after.partition("\ntables:\n")[2]
        for scope, owners in self.profiles.items():
            head = (
                before.replace("id: medication\n", f"id: {scope}\n")
                .replace("wire_scope: medicatieoverdracht-gf\n", f"wire_scope: {scope}\n")
                .replace("discovery_service: medicatieoverdracht-gf\n", f"discovery_service: {AT_HAZEL}\n")
            )
            text = json.dumps(owners, indent=2)
            indented = "".join(f"  {line}\n" for line in text.splitlines())
            body = f"{head}presentation_definitions: |\n{indented}\n{tables}"
            (folder / f"{scope}.yaml").write_text(body, encoding="utf-8")
            pinned.append(f"{scope}@sha256:{hashlib.sha256(body.encode()).hexdigest()}")
        return tuple(pinned)

    @property
    def profiles(self) -> Mapping[str, Mapping[str, Any]]:
        """Presentation definitions of each scope, by whose wallet they are for."""
        return {
            **{scope: {"organization": definition} for scope, definition in self.scopes.items()},
            TWO: self.mandated,
        }

    @property
    def mandated(self) -> Mapping[str, Any]:
        """The two definitions of ``TWO``: the service provider shows a credential that this very organisation issued to it."""
        certified = self._certified()
        own = {
            "id": "id_x509",
            "constraints": {"fields": [*certified["constraints"]["fields"], _field("mandated_by", "id")]},
        }
        issued = {"id": "mandated_by", "path": ["$.issuer"], "filter": {"type": "string"}}
        # Every field that the first has: a nuts-node looks for the values of the first among those of the second.
        named = [_field(f"organization_{name}", f"organization.{name}") for name in ("ura", "name", "city")]
        mandate = {"id": "id_mandate", "constraints": {"fields": [_kind(MANDATE), issued, *named]}}
        return {
            "organization": _definition(TWO, _JWT, [own]),
            "service_provider": _definition(f"{TWO}-provider", _JWT, [mandate]),
        }

    @property
    def scopes(self) -> Mapping[str, Mapping[str, Any]]:
        """Presentation definition of each scope that takes one presentation."""
        return {
            X509: _definition(X509, {**_JWT, **_LDP_VC}, [self._certified(), _employee()]),
            JWT: _definition(JWT, {**_JWT, **_LDP_VC}, [_organization({"jwt_vc": _JWT["jwt_vc"]}), _employee()]),
            LDP: _definition(LDP, _LDP, [_organization(_LDP_VC), _employee()]),
            ONE: _definition(ONE, _JWT, [_organization({"jwt_vc": _JWT["jwt_vc"]})]),
            MIXED: _definition(MIXED, {**_JWT, **_LDP_VC}, [_organization(_LDP_VC), _employee()]),
        }

    def _certified(self) -> Mapping[str, Any]:
        """The organisation, by its certificate under our root."""
        fields = [
            _kind("X509Credential"),
            {
                "path": ["$.issuer"],
                "filter": {"type": "string", "pattern": f"^did:x509:0:sha256:{self.uzi_root}::.*$"},
            },
            {
                **_field("organization_ura", "san.otherName"),
                "filter": {"type": "string", "pattern": r"^[0-9.]+-\d+-\d+-S-(\d+)-00\.000-\d+$"},
            },
            _field("organization_name", "subject.O"),
            _field("organization_city", "subject.L"),
        ]
        return {"id": "id_x509", "constraints": {"fields": fields}}


def _service(service: str, host: str, who: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "id": service,
        "endpoint": f"{host}/discovery/{service}",
        "presentation_max_validity": MAX_VALIDITY_SECONDS,
        "did_methods": ["web"],
        "presentation_definition": _definition(service, {**_JWT, **_LDP_VC}, [who, _registration()]),
    }


def _definition(name: str, formats: Mapping[str, Any], descriptors: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {"id": f"pd_{name}", "format": formats, "input_descriptors": list(descriptors)}


def _organization(formats: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = [_kind("NutsOrganizationCredential"), *(_field(*each) for each in _ORGANIZATION_FIELDS.items())]
    return {"id": "id_organization", "format": formats, "constraints": {"fields": fields}}


def _employee() -> Mapping[str, Any]:
    fields = [_kind("NutsEmployeeCredential"), *(_field(*each) for each in _EMPLOYEE_FIELDS.items())]
    return {"id": "id_employee", "constraints": {"fields": fields}}


def _registration() -> Mapping[str, Any]:
    fields = [
        _kind("DiscoveryRegistrationCredential"),
        _field("auth_server_url", "authServerURL"),
        *({**_field(name, name), "optional": True} for name in ("fhir_base_url_r4", "organization_facility_type")),
    ]
    return {"id": "id_registration", "constraints": {"fields": fields}}


def _kind(name: str) -> dict[str, Any]:
    return {"path": ["$.type"], "filter": {"type": "string", "const": name}}


def _field(name: str, path: str) -> dict[str, Any]:
    paths = [f"$.credentialSubject.{path}", f"$.credentialSubject[0].{path}"]
    return {"id": name, "path": paths, "filter": {"type": "string"}}
