"""A use case for people and for ``/.well-known/use-cases``: the queries beside the allow-list that follows from them."""

from collections.abc import Iterable
from typing import Any

from node.usecases.load import LoadedUseCase
from node.usecases.model import Alternative, Step, Table, UseCase


def public_listing(usecases: Iterable[LoadedUseCase]) -> dict[str, Any]:
    """Return what anyone may know: which use cases are known here, in which version, under which name on the wire."""
    return {"use_cases": [_head(loaded) for loaded in usecases]}


def show(loaded: LoadedUseCase) -> dict[str, Any]:
    """Return the whole use case: who, why, and per step what is asked and what is let through."""
    usecase = loaded.usecase
    return {
        **_head(loaded),
        "source": usecase.source.model_dump(),
        "scope_policy": usecase.scope_policy,
        "user_roles": list(usecase.user_roles),
        "delegations": [each.model_dump() for each in usecase.delegations],
        "evidence": list(usecase.evidence),
        "assurance": usecase.assurance,
        "legal_bases": list(usecase.legal_bases),
        "break_the_glass": usecase.break_the_glass,
        "existence": usecase.existence,
        "on_request": list(usecase.on_request.purposes) if usecase.on_request is not None else [],
        "deadline_ms": usecase.deadline_ms,
        "step_deadline_ms": usecase.step_deadline_ms,
        "when_away": usecase.when_away.model_dump(),
        "pilot": usecase.pilot.model_dump(exclude_none=True) if usecase.pilot is not None else None,
        "merge": usecase.merge.model_dump(),
        "imports": list(usecase.imports.types) if usecase.imports is not None else [],
        "write_back": usecase.write_back,
        "audit_code": usecase.audit_code,
        "trust_anchors": sorted(usecase.anchors),
        "tables": [_table(table, usecase) for table in usecase.tables],
    }


def _head(loaded: LoadedUseCase) -> dict[str, Any]:
    usecase = loaded.usecase
    return {
        "id": usecase.id,
        "version": usecase.version,
        "title": usecase.title.model_dump(),
        "wire_scope": usecase.wire_scope,
        "discovery_service": usecase.discovery_service,
        "purposes": list(usecase.purposes),
        "data_category": usecase.data_category,
        "digest": loaded.digest,
    }


def _table(table: Table, usecase: UseCase) -> dict[str, Any]:
    return {
        "id": table.id,
        "title": table.title.model_dump(),
        "fhir_version": table.fhir_version,
        "asker_types": list(table.asker_types),
        "holder_types": list(table.holder_types),
        "user_roles": list(usecase.roles_of(table)),
        "legal_bases": list(usecase.bases_of(table)),
        "steps": [_step(step, usecase) for step in table.steps],
        "writes": [
            {"id": write.id, "title": write.title.model_dump(), "request": write.request, "note": write.note}
            for write in table.writes
        ],
    }


def _step(step: Step, usecase: UseCase) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": step.title.model_dump(),
        "tier": step.tier,
        "topic": step.topic,
        "data_category": usecase.category_of(step),
        "asks": request_line(step, Alternative(params=step.send)),
        "lets_through": [request_line(step, alternative) for alternative in step.alternatives],
        "types": {"matched": list(step.types.matched), "included": list(step.types.included)},
        "binds": {name: list(sources) for name, sources in step.binds.items()},
        "paging": step.paging,
        "max_matched": step.max_matched,
        "note": step.note,
    }


def request_line(step: Step, alternative: Alternative) -> str:
    """Return one readable line; parameters of a POST stand behind a bar, for they travel in the body."""
    request = step.request
    if alternative.operation is not None:
        request = f"GET {step.resource_type}" + (f"/{alternative.operation}" if alternative.operation else "")
    joined = "&".join(parameter.to_text() for parameter in alternative.params)
    if not joined:
        return request
    return f"{request} | {joined}" if step.method == "POST" else f"{request}?{joined}"
