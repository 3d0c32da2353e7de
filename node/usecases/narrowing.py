"""Whether a local file only takes away from a shipped one: nothing may be asked, or leave, that the shipped file does not let.

Compared member by member; what can not be compared (presentation definitions, names on the wire) has to be the same. A use case
file decides what leaves, so an operator may be stricter than the shipped one without asking anybody, and wider only under
another id, signed or pinned (``load.py``).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from node.usecases.definitions import read_once
from node.usecases.model import Alternative, Step, Table, UseCase, Write
from node.usecases.parameters import Parameter
from node.usecases.vocabulary import ASSURANCES

_SAME = (
    "id", "wire_scope", "scope_policy", "discovery_service", "data_category", "audit_code",
)  # fmt: skip
"""Members that may not differ: others rely on them."""
_FEWER = ("purposes", "user_roles", "legal_bases")
"""Lists from which may only be taken."""


def widenings(shipped: UseCase, local: UseCase) -> tuple[str, ...]:
    """Return every place where ``local`` lets more than ``shipped``, as ``path: what``; empty when it only narrows."""
    return tuple(_usecase(shipped, local))


def _usecase(shipped: UseCase, local: UseCase) -> Iterator[str]:
    for name in _SAME:
        if getattr(shipped, name) != getattr(local, name):
            yield f"{name}: must stay {getattr(shipped, name)}"
    if read_once(shipped.presentation_definitions) != read_once(local.presentation_definitions):
        yield "presentation_definitions: must stay as they are"
    for name in _FEWER:
        yield from _more(name, getattr(shipped, name), getattr(local, name))
    if shipped.break_the_glass == "not_offered" != local.break_the_glass:
        yield "break_the_glass: is offered"
    if shipped.existence == "hidden" != local.existence:
        yield "existence: is revealed"
    if ASSURANCES.index(local.assurance) < ASSURANCES.index(shipped.assurance):
        yield f"assurance: is less than {shipped.assurance}"
    if shipped.evidence and not set(local.evidence) & set(shipped.evidence):
        yield "evidence: any kind suffices"
    elif shipped.evidence:
        yield from _more("evidence", shipped.evidence, local.evidence)
    yield from _more("delegations", map(str, shipped.delegations), map(str, local.delegations))
    if shipped.on_request is not None and local.on_request is not None:
        yield from _more("on_request.purposes", shipped.on_request.purposes, local.on_request.purposes)
    if shipped.write_back == "none" != local.write_back:
        yield "write_back: is added"
    yield from _conditions(shipped, local)
    for table in local.tables:
        yield from _table(shipped, local, table)


def _conditions(shipped: UseCase, local: UseCase) -> Iterator[str]:
    if local.when_away.status_list_grace_ms > shipped.when_away.status_list_grace_ms:
        yield "when_away.status_list_grace_ms: is longer"
    if shipped.when_away.consent == "refuse" != local.when_away.consent:
        yield "when_away.consent: no longer refuses"
    if shipped.when_away.localisation == "refuse" != local.when_away.localisation:
        yield "when_away.localisation: no longer refuses"
    if shipped.pilot is not None:
        for name in ("peers", "patients"):
            before, after = getattr(shipped.pilot, name), getattr(local.pilot, name, None)
            if before is not None and (after is None or set(after) - set(before)):
                yield f"pilot.{name}: is wider"


def _table(shipped: UseCase, local: UseCase, table: Table) -> Iterator[str]:
    path = f"tables.{table.id}"
    original = shipped.table(table.id)
    if original is None:
        yield f"{path}: is new"
        return
    if original.fhir_version != table.fhir_version:
        yield f"{path}.fhir_version: must stay {original.fhir_version}"
    yield from _more(f"{path}.asker_types", original.asker_types, table.asker_types)
    yield from _more(f"{path}.holder_types", original.holder_types, table.holder_types)
    yield from _more(f"{path}.user_roles", shipped.roles_of(original), local.roles_of(table))
    yield from _more(f"{path}.legal_bases", shipped.bases_of(original), local.bases_of(table))
    for step in table.steps:
        yield from _step(f"{path}.steps.{step.id}", original.step(step.id), step, shipped, local)
    writes = {write.id: write for write in original.writes}
    for write in table.writes:
        yield from _write(f"{path}.writes.{write.id}", writes.get(write.id), write)


def _step(path: str, original: Step | None, step: Step, shipped: UseCase, local: UseCase) -> Iterator[str]:
    if original is None:
        yield f"{path}: is new"
        return
    if original.request != step.request:
        yield f"{path}.request: must stay {original.request}"
    known = _forwarded(original)
    for form, (forwarded, written) in _forwarded(step).items():
        if form not in known:
            yield f"{path}: {written} is new"
        elif forwarded != known[form][0]:
            yield f"{path}: {written} is forwarded otherwise"
    yield from _more(f"{path}.types.matched", original.types.matched, step.types.matched)
    yield from _more(f"{path}.types.included", original.types.included, step.types.included)
    for name, sources in step.binds.items():
        yield from _more(f"{path}.binds.{name}", original.binds.get(name, ()), sources)
    if original.max_matched is not None and (step.max_matched is None or step.max_matched > original.max_matched):
        yield f"{path}.max_matched: is more than {original.max_matched}"
    if original.paging == "first_page" != step.paging:
        yield f"{path}.paging: follows"
    if original.tier == "on_request" != step.tier:
        yield f"{path}.tier: is handed over"
    if shipped.category_of(original) != local.category_of(step):
        yield f"{path}.data_category: must stay {shipped.category_of(original)}"


def _write(path: str, original: Write | None, write: Write) -> Iterator[str]:
    if original is None or original.request != write.request:
        yield f"{path}: is new"
        return
    if original.profiles and not write.profiles:
        yield f"{path}.profiles: any will do"
    elif original.profiles:
        yield from _more(f"{path}.profiles", original.profiles, write.profiles)


def _more(path: str, before: Iterable[Any], after: Iterable[Any]) -> Iterator[str]:
    known = set(before)
    for each in after:
        if each not in known:
            yield f"{path}: {each} is new"


def _forwarded(step: Step) -> dict[tuple[str, ...], tuple[tuple[str, ...], str]]:
    """Per form that is let through: what the own server is asked for it, and the form as written."""
    asked = Alternative(params=step.send)
    return {
        _form(step, each): (_form(step, asked if each.forward == "send" else each), _written(each.params))
        for each in step.alternatives
    }


def _form(step: Step, alternative: Alternative) -> tuple[str, ...]:
    return (step.operation_of(alternative), *sorted(parameter.to_text() for parameter in alternative.params))


def _written(params: tuple[Parameter, ...]) -> str:
    return "&".join(parameter.to_text() for parameter in params) or "no parameters"
