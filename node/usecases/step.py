"""One query of a use case file, and one write: what is sent, what is let through, what may come back."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from node.usecases.identifiers import is_resource_type
from node.usecases.parameters import BSN, PATIENT
from node.usecases.vocabulary import (
    BindingName,
    BindingSource,
    Count,
    DataCategory,
    Note,
    Part,
    ResourceType,
    Slug,
    Tier,
    Title,
    Topic,
    Written,
)

MAX_COUNT = 500
"""Entries on one page, whatever a file says (ARCHITECTURE.md §2)."""

SEARCHING_OPERATIONS = frozenset({"$lastn"})
"""Operations that a file may name: asked by GET on a type, answered with a searchset about one patient."""

_REQUEST = re.compile(
    r"(?P<method>GET|POST) (?P<type>[A-Za-z]+)(?P<rest>/_search|/(?P<operation>\$[a-z][a-z\-]*)|/\{(?P<binding>[a-z][a-z_]*)\})?\Z"
)
_WRITE = re.compile(r"(?P<method>POST|PUT) (?P<type>[A-Za-z]+)(?:/\{(?P<binding>[a-z][a-z_]*)\})?\Z")


class Alternative(Part):
    """Another form in which a holder lets a step through.

    Attributes:
        params: the exact parameters.
        forward: ``itself`` sends this form to the own FHIR server; ``send`` sends the step's own form instead, for forms
            that specifications print and servers answer wrongly (REAL.md). Either way the text is ours, never the peer's.
        operation: ``$lastn`` where this form is asked by operation; empty where a plain search may stand in for the step's
            operation; ``None``: as the step is asked.
    """

    params: tuple[Written, ...]
    operation: Literal["$lastn", ""] | None = None
    forward: Literal["itself", "send"] = "itself"


class Types(Part):
    """Resource types that may come back: ``matched`` by the query, ``included`` beside it."""

    matched: Annotated[tuple[ResourceType, ...], Field(min_length=1)]
    included: tuple[ResourceType, ...] = ()


class Step(Part):
    """One query of a table.

    Attributes:
        request: ``POST Patient/_search``, ``GET Flag``, ``GET Observation/$lastn`` or ``GET Practitioner/{practitioner}``.
        send: the one form in which it is asked, in this order.
        accept: other forms that a holder lets through.
        binds: for later steps: name -> where its ids stand on a checked page.
        paging: ``follow`` reads all pages, ``first_page`` is complete as it is (the latest five).
        max_matched: more matches than this on a page are an error of the server; ``None``: only the limit of a page.
        max_pages: an asker stops there and says the step is not complete.
        tier: ``handed_over`` at once, or ``on_request`` with a purpose that was stated.
        topic: what it is about, for screens.
        data_category: that a consent is about, where it is narrower than the use case's.
        note: a defect of the published query, or what a plain server needs for it.
    """

    id: Slug
    title: Title
    request: str
    send: tuple[Written, ...] = ()
    accept: tuple[Alternative, ...] = ()
    binds: Mapping[BindingName, tuple[BindingSource, ...]] = Field(default_factory=dict)
    types: Types
    paging: Literal["follow", "first_page"] = "follow"
    max_matched: Count | None = None
    max_pages: Count = 20
    tier: Tier = "handed_over"
    topic: Topic | None = None
    data_category: DataCategory | None = None
    note: Note | None = None

    @property
    def method(self) -> str:
        """``GET`` or ``POST``."""
        return self._request["method"]

    @property
    def resource_type(self) -> str:
        """The type in the path."""
        return self._request["type"]

    @property
    def operation(self) -> str:
        """``$lastn`` and the like; empty for a plain search or a read."""
        return self._request["operation"]

    def operation_of(self, alternative: Alternative) -> str:
        """Return the operation by which this form is asked; empty for a plain search."""
        return self.operation if alternative.operation is None else alternative.operation

    @property
    def kind(self) -> Literal["search", "read"]:
        """A search, by GET, POST or operation, or a read by id."""
        return "read" if self._request["binding"] else "search"

    @property
    def read_binding(self) -> str | None:
        """For a read: the binding that gives the id."""
        return self._request["binding"] or None

    @property
    def is_match(self) -> bool:
        """Whether this step finds the patient by BSN."""
        return any(parameter.placeholder == BSN for parameter in self.send)

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """All forms that a holder lets through, the sent one first."""
        return (Alternative(params=self.send), *self.accept)

    @property
    def needs(self) -> frozenset[str]:
        """Names of the bindings without which the step can not be asked."""
        placeholders = {parameter.placeholder for parameter in self.send if parameter.placeholder}
        return frozenset(placeholders | ({self.read_binding} if self.read_binding else set()))

    @cached_property
    def _request(self) -> Mapping[str, str]:
        found = _REQUEST.match(self.request)
        assert found is not None  # the validator below saw it
        return {name: value or "" for name, value in found.groupdict().items()}

    @model_validator(mode="after")
    def _one_of_four_shapes(self) -> Self:
        found = _REQUEST.match(self.request)
        if found is None or not is_resource_type(found["type"]):
            raise ValueError(
                f"request {self.request!r} is not 'GET Type', 'POST Type/_search', 'GET Type/$lastn' or "
                "'GET Type/{binding}'"
            )
        if (found["rest"] == "/_search") != (found["method"] == "POST"):
            raise ValueError("POST goes with /_search, GET without")
        if found["operation"] and found["operation"] not in SEARCHING_OPERATIONS:
            raise ValueError(f"of the operations only {', '.join(sorted(SEARCHING_OPERATIONS))} can be named")
        if self.kind == "read" and (self.send or self.accept):
            raise ValueError("a read by id has no parameters")
        if self.kind == "search" and not self.send:
            raise ValueError("a search without parameters asks for every patient")
        if self.is_match and (self.method != "POST" or self.resource_type != "Patient"):
            raise ValueError("a BSN travels only in the body of POST Patient/_search")
        if self.is_match and self.paging != "first_page":
            raise ValueError("the patient match has paging: first_page")
        if self.kind == "search" and self.needs not in (frozenset({BSN}), frozenset({PATIENT})):
            raise ValueError("a search is about one patient: {bsn} in the match, {patient} elsewhere")
        if self.max_matched is not None and self.max_matched > MAX_COUNT:
            raise ValueError(f"max_matched is at most {MAX_COUNT}")
        for alternative in self.alternatives:
            names = {parameter.placeholder for parameter in alternative.params if parameter.placeholder}
            if alternative.operation is not None and (self.is_match or self.kind == "read"):
                raise ValueError("only searches beside the match are asked by operation")
            if self.kind == "search" and names != self.needs:
                raise ValueError("every form of a step fills the same placeholders")
        for sources in self.binds.values():
            for source in sources:
                if source.partition(".")[0] not in (*self.types.matched, *self.types.included):
                    raise ValueError(f"binds {source}: that type does not come back in this step")
        return self


class Write(Part):
    """What a peer may write here: one resource type, made new, or changed where a checked page named it.

    A change always states the version it changes (``If-Match``). The resource must be about the patient of the grant.

    Attributes:
        request: ``POST Observation`` or ``PUT Task/{task}``, where ``task`` is bound by an earlier step.
        profiles: ``meta.profile`` must name one of these; none: it needs none.
        note: what a server needs for it.
    """

    id: Slug
    title: Title
    request: str
    profiles: tuple[str, ...] = ()
    note: Note | None = None

    @property
    def method(self) -> str:
        """``POST`` or ``PUT``."""
        return self._request["method"]

    @property
    def resource_type(self) -> str:
        """The type in the path, and of the resource."""
        return self._request["type"]

    @property
    def binding(self) -> str | None:
        """For a change: the binding that gives the id."""
        return self._request["binding"] or None

    @cached_property
    def _request(self) -> Mapping[str, str]:
        found = _WRITE.match(self.request)
        assert found is not None  # the validator below saw it
        return {name: value or "" for name, value in found.groupdict().items()}

    @model_validator(mode="after")
    def _one_of_two_shapes(self) -> Self:
        found = _WRITE.match(self.request)
        if found is None or not is_resource_type(found["type"]) or (found["method"] == "PUT") != bool(found["binding"]):
            raise ValueError(f"request {self.request!r} is not 'POST Type' or 'PUT Type/{{binding}}'")
        if found["type"] == "Patient" or found["binding"] in (BSN, PATIENT):
            raise ValueError("nobody writes the patient's own record")
        return self
