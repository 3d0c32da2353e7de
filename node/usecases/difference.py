"""What changes when one use case file takes the place of another: per member, in the words of the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from node.usecases.listing import request_line
from node.usecases.model import Alternative, Step, Table, UseCase

_HEAD = (
    "version", "wire_scope", "scope_policy", "discovery_service", "purposes", "user_roles", "delegations", "evidence",
    "assurance", "legal_bases", "break_the_glass", "existence", "data_category", "deadline_ms", "step_deadline_ms", "on_request",
    "audit_code", "when_away", "pilot", "merge", "imports", "write_back", "source", "title", "presentation_definitions",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change.

    Attributes:
        path: of the member; tables, steps and writes by their ids.
        kind: ``added`` and ``removed`` for whole parts and lines that are let through.
    """

    path: str
    kind: Literal["added", "removed", "changed"]
    before: str = ""
    after: str = ""


def differences(before: UseCase | None, after: UseCase) -> tuple[Change, ...]:
    """Return what changes, in the order of the file; against nothing, everything is added."""
    return tuple(_usecase(before, after))


def _usecase(before: UseCase | None, after: UseCase) -> Iterator[Change]:
    for name in _HEAD if before is not None else ():
        yield from _member(name, getattr(before, name), getattr(after, name))
    tables = {table.id: table for table in before.tables} if before is not None else {}
    for table in after.tables:
        yield from _table(tables.pop(table.id, None), table)
    for gone in tables:
        yield Change(path=f"tables.{gone}", kind="removed")


def _table(before: Table | None, after: Table) -> Iterator[Change]:
    path = f"tables.{after.id}"
    if before is None:
        yield Change(path=path, kind="added")
    else:
        for name in ("title", "asker_types", "holder_types", "fhir_version", "user_roles", "legal_bases"):
            yield from _member(f"{path}.{name}", getattr(before, name), getattr(after, name))
    steps = {step.id: step for step in before.steps} if before is not None else {}
    for step in after.steps:
        yield from _step(f"{path}.steps.{step.id}", steps.pop(step.id, None), step)
    for gone in steps:
        yield Change(path=f"{path}.steps.{gone}", kind="removed")
    old = {write.id: write.request for write in before.writes} if before is not None else {}
    new = {write.id: write.request for write in after.writes}
    yield from _lines(f"{path}.writes", old, new)


def _step(path: str, before: Step | None, after: Step) -> Iterator[Change]:
    if before is None:
        yield Change(path=path, kind="added", after=request_line(after, after.alternatives[0]))
    else:
        yield from _member(f"{path}.asks", _asks(before), _asks(after))
        for name in (
            "types",
            "binds",
            "paging",
            "max_matched",
            "max_pages",
            "tier",
            "topic",
            "data_category",
            "note",
            "title",
        ):
            yield from _member(f"{path}.{name}", getattr(before, name), getattr(after, name))
    yield from _lines(f"{path}.lets_through", _let_through(before) if before else {}, _let_through(after))


def _asks(step: Step) -> str:
    return request_line(step, step.alternatives[0])


def _let_through(step: Step) -> dict[str, str]:
    return {_key(each): request_line(step, each) for each in step.accept}


def _key(alternative: Alternative) -> str:
    return (
        "&".join(sorted(parameter.to_text() for parameter in alternative.params))
        + f"{alternative.forward}{alternative.operation}"
    )


def _lines(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for key, line in before.items():
        if after.get(key) != line:
            yield Change(path=path, kind="removed", before=line)
    for key, line in after.items():
        if before.get(key) != line:
            yield Change(path=path, kind="added", after=line)


def _member(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before != after:
        yield Change(path=path, kind="changed", before=_text(before), after=_text(after))


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if hasattr(value, "model_dump"):
        return _text(value.model_dump(exclude_none=True))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(each)}" for name, each in value.items()) or "nothing"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_text(each) for each in value) + "]"
    return str(value)
