"""The CapabilityStatement at ``/fhir/{subject}/{version}/metadata``: public, made from the query tables, the same for everybody.

It says what the use cases let through and nothing of the server behind (API.md §5).
"""

import json
from collections.abc import Sequence

from node.usecases.model import FhirVersion, Table, UseCase
from node.version import VERSION

_FHIR_VERSIONS: dict[FhirVersion, str] = {"r4": "4.0.1", "stu3": "3.0.2"}
_CONTROLS = frozenset({"_include", "_sort", "_count"})
"""Parameters that say how to answer, not what to look for; a statement doesn't list them."""
_KINDS = {"patient": "reference", "subject": "reference", "_profile": "uri"}
PUBLISHED = "2026-11-22"
"""Date of this statement's form; FHIR demands one."""


def capability_statement(usecases: Sequence[UseCase], version: FhirVersion, *, holder_type: str) -> bytes:
    """Return the statement as FHIR JSON."""
    tables = [
        table
        for usecase in usecases
        for table in usecase.tables
        if table.fhir_version == version and holder_type in table.holder_types
    ]
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Hazel", "version": VERSION},
        "implementation": {"description": "Answers what the listed use cases ask, and nothing else."},
        "fhirVersion": _FHIR_VERSIONS[version],
        "format": ["application/fhir+json"],
        "rest": [{"mode": "server", "resource": _resources(tables, version), **_operations(tables, version)}],
    }
    if version == "stu3":
        statement["acceptUnknown"] = "no"
    return json.dumps(statement, ensure_ascii=False, separators=(",", ":")).encode()


def _operations(tables: Sequence[Table], version: FhirVersion) -> dict[str, object]:
    """Return the operations as STU3 lists them: of the server, not of a type."""
    found = sorted({(step.resource_type, step.operation) for table in tables for step in table.steps if step.operation})
    if version != "stu3" or not found:
        return {}
    return {
        "operation": [{"name": name[1:], "definition": {"reference": _definition(kind, name)}} for kind, name in found]
    }


def _definition(resource_type: str, operation: str) -> str:
    return f"http://hl7.org/fhir/OperationDefinition/{resource_type}-{operation[1:]}"


def _resources(tables: Sequence[Table], version: FhirVersion) -> list[dict[str, object]]:
    interactions: dict[str, dict[str, None]] = {}
    parameters: dict[str, dict[str, None]] = {}
    operations: dict[str, set[str]] = {}
    for table in tables:
        for step in table.steps:
            for alternative in step.alternatives if version == "r4" else ():
                if operation := step.operation_of(alternative):
                    operations.setdefault(step.resource_type, set()).add(operation)
            kind = "read" if step.kind == "read" else "search-type"
            interactions.setdefault(step.resource_type, {})[kind] = None
            for parameter in step.send:
                if parameter.name not in _CONTROLS:
                    parameters.setdefault(step.resource_type, {})[parameter.name] = None
    return [
        {
            "type": name,
            "interaction": [{"code": kind} for kind in kinds],
            **(
                {"searchParam": [{"name": each, "type": _KINDS.get(each, "token")} for each in parameters[name]]}
                if parameters.get(name)
                else {}
            ),
            **(
                {"operation": [{"name": e[1:], "definition": _definition(name, e)} for e in sorted(operations[name])]}
                if name in operations
                else {}
            ),
        }
        for name, kinds in sorted(interactions.items())
    ]
