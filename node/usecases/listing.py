"""A use case for people and for ``/.well-known/use-cases``: the queries beside the allow-list that follows from them."""

from collections.abc import Iterable
from typing import Any

from node.usecases.load import LoadedUseCase
from node.usecases.model import Alternative, Step, Table


def public_listing(usecases: Iterable[LoadedUseCase]) -> dict[str, Any]:
    """Return what anyone may know: which use cases are known here, in which version, under which name on the wire."""
    return {"use_cases": [_head(loaded) for loaded in usecases]}


def show(loaded: LoadedUseCase) -> dict[str, Any]:
    """Return the whole use case: who, why, and per step what is asked and what is let through."""
    usecase = loaded.usecase
    return {
        **_head(loaded),
        "source": usecase.source.model_dump(),
        "user_roles": list(usecase.user_roles),
        "legal_bases": list(usecase.legal_bases),
        "break_the_glass": usecase.break_the_glass,
        "deadline_ms": usecase.deadline_ms,
        "audit_code": usecase.audit_code,
        "trust_anchors": sorted(usecase.anchors),
        "tables": [_table(table, usecase.roles_of(table)) for table in usecase.tables],
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


def _table(table: Table, roles: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": table.id,
        "title": table.title.model_dump(),
        "fhir_version": table.fhir_version,
        "asker_types": list(table.asker_types),
        "holder_types": list(table.holder_types),
        "user_roles": list(roles),
        "steps": [_step(step) for step in table.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": step.title.model_dump(),
        "tier": step.tier,
        "asks": _request_line(step, Alternative(params=step.send)),
        "lets_through": [_request_line(step, alternative) for alternative in step.alternatives],
        "types": {"matched": list(step.types.matched), "included": list(step.types.included)},
        "binds": {name: list(sources) for name, sources in step.binds.items()},
        "paging": step.paging,
        "max_matched": step.max_matched,
    }


def _request_line(step: Step, alternative: Alternative) -> str:
    """Return one readable line; parameters of a POST stand behind a bar, for they travel in the body."""
    joined = "&".join(parameter.to_text() for parameter in alternative.params)
    if not joined:
        return step.request
    return f"{step.request} | {joined}" if step.method == "POST" else f"{step.request}?{joined}"
