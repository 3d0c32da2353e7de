"""From the table of patient fields to decoders: per resource type a msgspec Struct that names only what is looked at.

A decoder reads 30 kB in tens of microseconds because everything else is skipped (SPEED.md §1). Types are told apart by
``resourceType``; one that a decoder doesn't know is an error of msgspec, which ``response.py`` explains.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Union

import msgspec

from node.exchange.care_fields import CARE_FIELDS
from node.exchange.patient_fields import FIELDS, PatientFields
from node.usecases.model import FhirVersion

OUTCOME = "OperationOutcome"


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """A business identifier."""

    system: str | None = None
    value: str | None = None


class ReferenceShape(msgspec.Struct, frozen=True, gc=False):
    """A Reference."""

    reference: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Meta(msgspec.Struct, frozen=True, gc=False):
    """Of ``meta`` only the time of the last change."""

    lastUpdated: str | None = None  # noqa: N815  # FHIR's name


class Header(msgspec.Struct, frozen=True, gc=False):
    """What any resource says about itself."""

    resourceType: str = ""  # noqa: N815  # FHIR's name
    id: str = ""


class Issue(msgspec.Struct, frozen=True, gc=False):
    """What an OperationOutcome says, without its words."""

    severity: str = ""
    code: str = ""


OUTCOME_SHAPE = msgspec.defstruct(
    OUTCOME,
    [("id", str, ""), ("issue", tuple[Issue, ...], ())],
    tag_field="resourceType",
    tag=OUTCOME,
    frozen=True,
    gc=False,
)
"""An OperationOutcome on a page: only its codes are looked at, and only they leave a holder."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A path of ``patient_fields.py``, ready to walk."""

    top: str
    rest: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "FieldPath":
        """Read ``a[].b``."""
        top, *rest = (part.removesuffix("[]") for part in text.split("."))
        return cls(top, tuple(rest))

    def references(self, resource: Any) -> Sequence[ReferenceShape]:
        """Return the references that stand at this path of a decoded resource."""
        top = getattr(resource, self.top, None)
        if top is None:
            return ()
        if not self.rest:
            return top if isinstance(top, tuple) else (top,)
        return tuple(_walk(top, self.rest))


def _walk(value: Any, rest: tuple[str, ...]) -> Iterator[ReferenceShape]:
    if value is None:
        return
    if isinstance(value, tuple):
        for item in value:
            yield from _walk(item, rest)
    elif rest:
        yield from _walk(getattr(value, rest[0], None), rest[1:])
    else:
        yield value


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRules:
    """One resource type, compiled.

    Attributes:
        shape: the Struct that its JSON is decoded into; has ``id``, ``meta``, ``identifier``, ``contained`` and the fields.
    """

    name: str
    owner: str | None
    owner_optional: bool
    among: FieldPath | None
    others: tuple[FieldPath, ...]
    links: tuple[FieldPath, ...]
    recorder: tuple[FieldPath, ...]
    shape: type[msgspec.Struct]


@cache
def rules_of(version: FhirVersion) -> dict[str, TypeRules]:
    """Return the rules of every known type of ``version``."""
    return {name: _compile(name, fields) for name, fields in {**FIELDS[version], **CARE_FIELDS[version]}.items()}


@cache
def rules_by_shape(version: FhirVersion) -> dict[type, TypeRules]:
    """Return the rules by the Struct that a resource was decoded into."""
    return {rules.shape: rules for rules in rules_of(version).values()}


@cache
def decoder_for(version: FhirVersion, types: frozenset[str], *, outcomes: bool = False) -> msgspec.json.Decoder[Any]:
    """Return a decoder for resources of ``types``.

    Args:
        version: of FHIR.
        types: resource types to admit.
        outcomes: admit OperationOutcome besides.

    Raises:
        ValueError: there are no rules for one of them.
    """
    rules = rules_of(version)
    if unknown := types - rules.keys():
        raise ValueError(f"no patient fields are listed for {', '.join(sorted(unknown))} in {version}")
    shapes: list[Any] = [rules[name].shape for name in sorted(types)]
    if outcomes:
        shapes.append(OUTCOME_SHAPE)
    return msgspec.json.Decoder(Union[tuple(shapes)])  # noqa: UP007  # built at run time


@cache
def decoder_for_all(version: FhirVersion) -> msgspec.json.Decoder[Any]:
    """Return a decoder for every type there are rules for: what may be contained."""
    return decoder_for(version, frozenset(rules_of(version)))


def _compile(name: str, fields: PatientFields) -> TypeRules:
    owner = tuple(each for each in (fields.owner, fields.among) if each)
    return TypeRules(
        name=name,
        owner=fields.owner,
        owner_optional=fields.owner_optional,
        among=FieldPath.parse(fields.among) if fields.among else None,
        others=tuple(map(FieldPath.parse, fields.others)),
        links=tuple(map(FieldPath.parse, fields.links)),
        recorder=tuple(map(FieldPath.parse, fields.recorder)),
        shape=_resource_shape(name, (*owner, *fields.others, *fields.links, *fields.recorder)),
    )


def _resource_shape(name: str, paths: Iterable[str]) -> type[msgspec.Struct]:
    members: list[Any] = [
        ("id", str, ""),
        ("meta", Meta | None, None),
        # Composition has one identifier, most types a list of them.
        ("identifier", tuple[Identifier, ...] | Identifier | None, None),
        ("contained", tuple[msgspec.Raw, ...], ()),
        *_members(name, paths),
    ]
    return msgspec.defstruct(name, members, tag_field="resourceType", tag=name, frozen=True, gc=False)


def _members(owner: str, paths: Iterable[str]) -> list[tuple[str, Any, None]]:
    """Return Struct members for ``paths``; what they share becomes one nested Struct."""
    tree: dict[str, list[str]] = {}
    for path in paths:
        head, _, tail = path.partition(".")
        tree.setdefault(head, [])
        if tail:
            tree[head].append(tail)
    members: list[tuple[str, Any, None]] = []
    for head, tails in tree.items():
        name = head.removesuffix("[]")
        inner: Any = ReferenceShape
        if tails:
            inner = msgspec.defstruct(f"{owner}_{name}", _members(f"{owner}_{name}", tails), frozen=True, gc=False)
        members.append((name, (tuple[inner, ...] if head.endswith("[]") else inner) | None, None))
    return members
