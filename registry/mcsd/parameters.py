"""The search parameters of the directory: the union of what the Dutch query clients use (LANDSCAPE §2.1.2), as FHIR R4 defines them.

``_id`` and ``_lastUpdated`` exist for every type and are no part of the table. ``paths`` are member names; arrays on the way are walked
through.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from registry.mcsd.resource import ResourceType

Kind = Literal["token", "string", "reference", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One search parameter of one type.

    Attributes:
        name: as in the address.
        kind: how values are compared.
        paths: where the values stand.
        targets: of a reference: the types it may lead to.
    """

    type: ResourceType
    name: str
    kind: Kind
    paths: tuple[str, ...]
    targets: tuple[ResourceType, ...] = ()

    @property
    def key(self) -> str:
        """Its name among all types: ``Organization.name``."""
        return f"{self.type}.{self.name}"


def _of(of_type: ResourceType, *parameters: tuple[str, Kind, str, tuple[ResourceType, ...]]) -> dict[str, Parameter]:
    return {
        name: Parameter(type=of_type, name=name, kind=kind, paths=tuple(paths.split()), targets=targets)
        for name, kind, paths, targets in parameters
    }


PARAMETERS: Final[Mapping[ResourceType, Mapping[str, Parameter]]] = MappingProxyType(
    {
        "Organization": _of(
            "Organization",
            ("active", "token", "active", ()),
            ("endpoint", "reference", "endpoint", ("Endpoint",)),
            ("identifier", "token", "identifier", ()),
            ("name", "string", "name alias", ()),
            ("partof", "reference", "partOf", ("Organization",)),
            ("type", "token", "type", ()),
        ),
        "Location": _of(
            "Location",
            ("endpoint", "reference", "endpoint", ("Endpoint",)),
            ("identifier", "token", "identifier", ()),
            ("name", "string", "name alias", ()),
            ("organization", "reference", "managingOrganization", ("Organization",)),
            ("partof", "reference", "partOf", ("Location",)),
            ("status", "token", "status", ()),
            ("type", "token", "type", ()),
        ),
        "HealthcareService": _of(
            "HealthcareService",
            ("active", "token", "active", ()),
            ("endpoint", "reference", "endpoint", ("Endpoint",)),
            ("identifier", "token", "identifier", ()),
            ("location", "reference", "location", ("Location",)),
            ("name", "string", "name", ()),
            ("organization", "reference", "providedBy", ("Organization",)),
            ("service-type", "token", "type", ()),
            ("specialty", "token", "specialty", ()),
        ),
        "Endpoint": _of(
            "Endpoint",
            ("connection-type", "token", "connectionType", ()),
            ("identifier", "token", "identifier", ()),
            ("organization", "reference", "managingOrganization", ("Organization",)),
            ("payload-type", "token", "payloadType", ()),
            ("status", "token", "status", ()),
        ),
        "OrganizationAffiliation": _of(
            "OrganizationAffiliation",
            ("active", "token", "active", ()),
            ("date", "date", "period", ()),
            ("endpoint", "reference", "endpoint", ("Endpoint",)),
            ("identifier", "token", "identifier", ()),
            ("location", "reference", "location", ("Location",)),
            ("participating-organization", "reference", "participatingOrganization", ("Organization",)),
            ("primary-organization", "reference", "organization", ("Organization",)),
            ("role", "token", "code", ()),
            ("service", "reference", "healthcareService", ("HealthcareService",)),
        ),
    }
)
"""By type and name."""


def references_of(kind: ResourceType) -> tuple[Parameter, ...]:
    """The parameters of a type that lead to other resources."""
    return tuple(each for each in PARAMETERS[kind].values() if each.kind == "reference")
