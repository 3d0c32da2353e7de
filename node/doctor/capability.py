"""A CapabilityStatement, as far as an asker needs it: which FHIR, and which types of resources. Pure; read, not believed."""

from dataclasses import dataclass
from typing import Self

from credentials.errors import MalformedError
from credentials.fields import Fields
from node.usecases.vocabulary import FhirVersion

MAX_STATEMENT = 8_388_608
"""Bytes; that of a server with every resource and profile has two million."""

MAX_VALUES = 500_000

_VERSIONS: tuple[tuple[str, FhirVersion], ...] = (("4.0", "r4"), ("3.0", "stu3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What a FHIR server says of itself.

    Attributes:
        version: ``None`` for one that no use case has.
        types: of the resources that it serves.
    """

    version: FhirVersion | None
    types: frozenset[str]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the body at ``/metadata``.

        Raises:
            MalformedError: no CapabilityStatement.
        """
        fields = Fields.from_json(body, max_bytes=MAX_STATEMENT, max_values=MAX_VALUES, what="CapabilityStatement")
        if fields.text("resourceType") != "CapabilityStatement":
            raise MalformedError("this is no CapabilityStatement")
        said = fields.text("fhirVersion")
        rest = fields.children("rest") if fields.raw("rest") is not None else ()
        return cls(
            version=next((version for prefix, version in _VERSIONS if said.startswith(prefix)), None),
            types=frozenset(
                resource.text("type")
                for one in rest
                if one.raw("resource") is not None
                for resource in one.children("resource")
            ),
        )
