"""What a query table lets through: an Interaction is one of the listed requests, exactly, or it is refused.

Deny by default: parameter sets are compared whole, as multisets. Added to a listed form may be only ``_format`` (JSON; it is
not forwarded) and, where the form doesn't fix it, ``_count`` from 1 to 100. What is forwarded is built from the table and the
checked values (``FhirRequest``), so no byte of the peer's request reaches the FHIR server.

A search may come by GET or by POST ``_search``, which FHIR declares equal, except the patient match: its BSN travels only
in a body, and ``interaction.py`` has refused it elsewhere. An operation that searches (``$lastn``) comes by GET. Every other kind
of request, from ``$everything`` and ``_history`` to a batch, is refused in its own name (``unlisted.py``).

Writes have a door of their own (:meth:`AllowList.permit_write`): what is read can't become a write by another method.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from node.exchange.interaction import Interaction
from node.exchange.unlisted import UNLISTABLE, NotAllowedError
from node.usecases.model import Alternative, Step, Table, Write
from node.usecases.parameters import BSN, PATIENT, Parameter
from node.usecases.plan import FhirRequest, build_request

MAX_PAGE_SIZE = 100
"""The largest ``_count`` a peer may ask."""

FORMATS = frozenset({"json", "application/fhir+json", "application/fhir json"})
"""``_format`` values; the last is what an unencoded plus sign becomes."""

_PAGE_SIZE = re.compile(r"[1-9][0-9]{0,2}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class BySearch:
    """The patient is looked for by BSN."""

    bsn: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLogicalId:
    """The patient is named by the holder's own logical id; whose that is, the holder's own Patient says."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ByReference:
    """A resource is read that must have been named by a checked page under the same grant."""

    type: str
    id: str


PatientSelector = BySearch | ByLogicalId | ByReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """A request that the table lists.

    Attributes:
        patient: how the request says whom it is about.
        request: what to forward, of our own making.
        page_size: what the peer asked as ``_count`` beyond the table, if anything.
    """

    table: Table
    step: Step
    patient: PatientSelector
    request: FhirRequest
    page_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PermittedWrite:
    """A write that the table lists; what stands in it is still to be checked (type, patient, profile, version).

    Attributes:
        id: logical id of what is changed, which a checked page must have named; empty for something new.
    """

    table: Table
    write: Write
    id: str


class AllowList:
    """The allow-list that follows from one table; made once, asked for every request."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._searches: dict[tuple[str, str], list[tuple[Step, Alternative]]] = {}
        self._reads: dict[str, Step] = {}
        self._writes = {(write.resource_type, write.binding is not None): write for write in table.writes}
        for step in table.steps:
            if step.kind == "read":
                self._reads.setdefault(step.resource_type, step)
            else:
                for alternative in step.alternatives:
                    asked = (step.resource_type, step.operation_of(alternative))
                    self._searches.setdefault(asked, []).append((step, alternative))

    def permit(self, interaction: Interaction) -> Permitted:
        """Return the listed request that ``interaction`` is.

        Raises:
            NotAllowedError: it is none of them.
        """
        # (1) the table is about one FHIR version
        if interaction.fhir_version != self.table.fhir_version:
            raise NotAllowedError("version_not_listed", "this query table is about another FHIR version")
        # (2) reads by id: the patient, or what a checked page named
        if interaction.kind == "read":
            return self._permit_read(interaction)
        # (3) searches only, plain or by a listed operation on a type; everything else is refused in its own name
        listed = self._listed(interaction)
        # (4) what may be added to any form
        asked = _without_format(interaction.params)
        # (5) one of the listed forms, whole
        for step, alternative in listed:
            permitted = self._match(step, alternative, asked)
            if permitted is not None:
                return permitted
        raise NotAllowedError("parameters_not_listed", "the parameters are not exactly those of a listed query")

    def permit_write(self, interaction: Interaction) -> PermittedWrite:
        """Return the listed write that ``interaction`` is.

        Raises:
            NotAllowedError: it is none of them; no use case writes by conditions, patches or deletes.
        """
        if interaction.fhir_version != self.table.fhir_version:
            raise NotAllowedError("version_not_listed", "this query table is about another FHIR version")
        changes = interaction.kind == "update"
        write = self._writes.get((interaction.type, changes)) if interaction.kind in ("create", "update") else None
        if write is None or changes != bool(interaction.id) or (changes and write.method != "PUT"):
            raise NotAllowedError(*UNLISTABLE.get(interaction.kind, ("not_listed", "this is no write")))
        if _without_format(interaction.params):
            raise NotAllowedError("parameters_not_listed", "a write takes no parameters")
        if not interaction.json:
            raise NotAllowedError("content_type_not_allowed", "a resource is written as FHIR JSON")
        return PermittedWrite(table=self.table, write=write, id=interaction.id)

    def _listed(self, interaction: Interaction) -> list[tuple[Step, Alternative]]:
        """Return the forms of the searches on this type."""
        if interaction.kind == "search":
            found = self._searches.get((interaction.type, ""))
            if found is None:
                raise NotAllowedError("type_not_listed", "this resource type is not in the query table")
            return found
        if interaction.kind == "operation" and interaction.get and not interaction.id:
            found = self._searches.get((interaction.type, interaction.operation))
            if found is not None:
                return found
        unlistable = ("not_listed", "this interaction is not in the query table")
        raise NotAllowedError(*UNLISTABLE.get(interaction.kind, unlistable))

    def _permit_read(self, interaction: Interaction) -> Permitted:
        step = self._reads.get(interaction.type)
        if step is None or step.read_binding is None:
            raise NotAllowedError("read_not_listed", "this resource type is not read by id in the query table")
        if _without_format(interaction.params):
            raise NotAllowedError("parameters_not_listed", "a read takes no parameters")
        selector: PatientSelector = ByReference(type=interaction.type, id=interaction.id)
        if step.read_binding == PATIENT:
            selector = ByLogicalId(id=interaction.id)
        request = build_request(step, Alternative(params=()), {step.read_binding: interaction.id})
        return Permitted(table=self.table, step=step, patient=selector, request=request)

    def _match(self, step: Step, alternative: Alternative, asked: tuple[tuple[str, str], ...]) -> Permitted | None:
        fixes_count = any(parameter.name == "_count" for parameter in alternative.params)
        page_size = None
        if not fixes_count:
            page_size, asked = _take_page_size(asked)
        bound = _recognise(alternative.params, asked)
        if bound is None:
            return None
        forwarded = Alternative(params=step.send) if alternative.forward == "send" else alternative
        extra = () if page_size is None else (("_count", str(page_size)),)
        return Permitted(
            table=self.table,
            step=step,
            patient=_selector(bound),
            request=build_request(step, forwarded, bound, extra=extra),
            page_size=page_size,
        )


def _selector(bound: Mapping[str, str]) -> PatientSelector:
    if BSN in bound:
        return BySearch(bsn=bound[BSN])
    return ByLogicalId(id=bound[PATIENT])


def _without_format(params: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return ``params`` without ``_format``, which may stand there once and ask for JSON."""
    formats = [value for name, value in params if name == "_format"]
    if len(formats) > 1 or any(value not in FORMATS for value in formats):
        raise NotAllowedError("format_not_allowed", "answers are FHIR JSON")
    return tuple((name, value) for name, value in params if name != "_format")


def _take_page_size(params: tuple[tuple[str, str], ...]) -> tuple[int | None, tuple[tuple[str, str], ...]]:
    """Take ``_count`` out of ``params`` where it is one fitting number; otherwise leave it, and it will match nothing."""
    sizes = [value for name, value in params if name == "_count"]
    if len(sizes) != 1 or _PAGE_SIZE.match(sizes[0]) is None or int(sizes[0]) > MAX_PAGE_SIZE:
        return None, params
    return int(sizes[0]), tuple((name, value) for name, value in params if name != "_count")


def _recognise(listed: tuple[Parameter, ...], asked: tuple[tuple[str, str], ...]) -> Mapping[str, str] | None:
    """Match ``asked`` to ``listed`` one to one; return what the placeholders bound, ``None`` if they are not the same.

    Listed parameters of one name differ in their constant, so the first that fits is the only one that does; two that
    bind the same placeholder must bind the same value.
    """
    if len(listed) != len(asked):
        return None
    bound: dict[str, str] = {}
    left = list(listed)
    for name, value in asked:
        for parameter in left:
            found = parameter.recognise(value) if parameter.name == name else None
            if found is not None:
                break
        else:
            return None
        if any(bound.get(key, text) != text for key, text in found.items()):
            return None
        bound.update(found)
        left.remove(parameter)
    return bound
