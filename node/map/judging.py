"""One organisation, one use case, one direction: ready, or what is missing. Pure.

The endpoint is chosen as a question would choose it (``registry/directory.py``), so what is shown as ready is what would be asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from node.map.missing import Missing, cheapest_first
from node.usecases.model import UseCase
from node.usecases.table import Table
from node.usecases.vocabulary import FhirVersion
from registry.directory import Choice, Directory

Direction = Literal["ask", "answer"]
"""Seen from here: we ask them, they ask us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ourselves:
    """Our own part in every cell.

    Attributes:
        kind: our Vektis code.
        fhir: versions in which we answer.
        active: ids of the use cases of this node.
        services: that this node follows or hosts; ``registered`` those where we are registered.
        lacking: wire scope to what our wallet lacks for it, by our own definitions; absent when it lacks nothing.
    """

    kind: str
    fhir: frozenset[str]
    active: frozenset[str]
    services: frozenset[str]
    registered: frozenset[str]
    lacking: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What becomes of one direction.

    Attributes:
        missing: cheapest first; empty when it can be done now, as far as is known.
        base: FHIR address of theirs that would be asked.
        needed: types of resources that would be asked for there.
    """

    missing: tuple[Missing, ...]
    base: str | None = None
    fhir_version: FhirVersion | None = None
    needed: frozenset[str] = field(default_factory=frozenset)

    def to_json(self, statement: str | None) -> dict[str, Any]:
        """Return the cell as the API says it; ``statement`` tells what is known of their FHIR server."""
        return {
            "state": "missing" if self.missing else "ready",
            "next": self.missing[0].to_json() if self.missing else None,
            "missing": [each.to_json() for each in self.missing],
            "endpoint": self.base,
            "fhir_version": self.fhir_version,
            "statement": statement,
        }


def judge(
    direction: Direction, usecase: UseCase, ours: Ourselves, ura: str, kind: str | None, directory: Directory
) -> Cell | None:
    """Judge one cell.

    Args:
        direction: who asks.
        usecase: for what.
        ours: our own part.
        ura: whom.
        kind: their Vektis code, as they say.
        directory: who is registered where.

    Returns:
        ``None`` where this use case has nothing to ask between these kinds of organisations.
    """
    asker, holder = (ours.kind, kind) if direction == "ask" else (kind, ours.kind)
    tables = [each for each in usecase.tables if asker in each.asker_types and holder in each.holder_types]
    if not tables:
        return None
    missing = _our_part(usecase, ours, ura)
    if direction == "answer":
        return Cell(missing=tuple(cheapest_first(missing + _to_answer(usecase, ours, ura, tables, directory))))
    scope = usecase.wire_scope
    if scope in ours.lacking:
        missing.append(
            Missing(
                code="no_credential",
                detail=f"our wallet does not have what {scope} asks: {ours.lacking[scope]}",
                remedy=f"hazel credential explain {scope}",
            )
        )
    versions: list[FhirVersion] = list(dict.fromkeys(each.fhir_version for each in tables))
    choice = directory.choose(ura, usecase.discovery_service, versions)
    if choice.endpoint is None:
        missing.append(_no_endpoint(choice, usecase.discovery_service, versions))
        return Cell(missing=tuple(cheapest_first(missing)))
    version = choice.endpoint.fhir_version
    needed = {step.resource_type for each in tables if each.fhir_version == version for step in each.steps}
    return Cell(
        missing=tuple(cheapest_first(missing)),
        base=choice.endpoint.fhir_base,
        fhir_version=version,
        needed=frozenset(needed),
    )


def _our_part(usecase: UseCase, ours: Ourselves, ura: str) -> list[Missing]:
    service = usecase.discovery_service
    missing: list[Missing] = []
    if usecase.id not in ours.active:
        missing.append(
            Missing(
                code="not_active",
                detail=f"{usecase.id} is not active here",
                remedy=f"add {usecase.id} to usecases in hazel.yaml, and restart",
            )
        )
    if not usecase.admits_peer(ura):
        missing.append(
            Missing(
                code="not_in_pilot",
                detail=f"{usecase.id} is limited to a pilot here, without them",
                remedy=f"add {ura} to pilot in the file of {usecase.id}",
            )
        )
    if service not in ours.services:
        missing.append(
            Missing(
                code="service_unknown",
                detail=f"this node has no definition of {service}",
                remedy=f"ask the organisation that runs {service} for its definition file; it goes into discovery.definitions",
            )
        )
    elif service not in ours.registered:
        missing.append(
            Missing(
                code="we_not_registered",
                detail=f"we are not registered in {service}",
                remedy=f"hazel discovery join {service}",
            )
        )
    return missing


def _to_answer(
    usecase: UseCase, ours: Ourselves, ura: str, tables: Sequence[Table], directory: Directory
) -> list[Missing]:
    versions = sorted({each.fhir_version for each in tables})
    missing: list[Missing] = []
    if not ours.fhir & set(versions):
        missing.append(
            Missing(
                code="no_own_fhir",
                detail=f"we have no FHIR server for {' or '.join(versions)}",
                remedy=f"set fhir.{versions[0]} in hazel.yaml, and restart",
            )
        )
    if directory.find(ura, usecase.discovery_service) is None:
        missing.append(_not_registered(usecase.discovery_service))
    return missing


def _no_endpoint(choice: Choice, service: str, versions: Sequence[FhirVersion]) -> Missing:
    there = next((each.outcome for each in choice.considered if each.outcome != "not_in_service"), None)
    match there:
        case "no_authorization_server":
            return Missing(
                code="no_authorization_server",
                detail="their registration names no authorization server",
                remedy=f"ask them to register in {service} with authServerURL",
            )
        case None:
            return _not_registered(service)
        case _:
            return Missing(
                code="no_fhir_base",
                detail=f"their registration names no FHIR address for {' or '.join(versions)}",
                remedy=f"ask them to register in {service} with {' or '.join(f'fhir_base_url_{each}' for each in versions)}",
            )


def _not_registered(service: str) -> Missing:
    return Missing(
        code="not_registered",
        detail=f"they are not registered in {service}",
        remedy=f"ask them to register in {service}",
    )
