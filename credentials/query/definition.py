"""Presentation definitions: what a verifier asks for (DIF Presentation Exchange 2.0, as far as nuts-node goes, WIRE §2.15).

A definition may come from a stranger, so parsing is total, everything in it has a limit, and every path and pattern is
compiled here, once. Nothing is skipped in silence where that would weaken what the author asked:

- a filter has the keywords of `credentials.query.filters`; another one that restricts values is refused, annotations are
  ignored;
- of the constraints beside ``fields``, ``subject_is_issuer`` is evaluated. ``is_holder``, ``same_subject`` and ``statuses``
  hold by themselves here: the signer of a presentation is the subject of every credential in it, and status is always
  checked (`credentials.vc.verify`). ``limit_disclosure`` and ``predicate`` have no meaning for credentials shown whole;
- other members (``name``, ``purpose``, ``frame``, …) are ignored, and kept for whoever serves the definition on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Self

from credentials.errors import MalformedError
from credentials.fields import Fields, parse_json
from credentials.query.filters import Filter, parse_filter
from credentials.query.paths import Path, Wildcard, parse_path
from credentials.query.requirements import SubmissionRequirement, groups_of, parse_requirements

MAX_DEFINITION_BYTES: Final = 65_536
"""Bytes of one definition as received; also characters of text in one that was parsed already."""
MAX_DESCRIPTORS: Final = 32
MAX_FIELDS: Final = 64
"""Fields of one input descriptor."""
MAX_PATHS: Final = 16
"""Paths of one field."""
MAX_ID_LENGTH: Final = 256
"""Characters of an id."""
MAX_WORDS: Final = 500
"""Characters kept of a name or purpose."""
MAX_PROGRAM: Final = 60_000
"""RE2 instructions of all patterns of one definition together."""

_TYPE_PATHS: Final = frozenset({("type",), ("type", Wildcard.WILDCARD)})
# Names of OpenID4VP and DIF for the same thing (WIRE §2.5.4).
_FORMAT_ALIASES: Final = {"jwt_vp_json": "jwt_vp", "jwt_vc_json": "jwt_vc"}
_LIST_ALIASES: Final = {"alg_values_supported": "alg", "proof_type_values_supported": "proof_type"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing asked of a credential.

    Attributes:
        id: name of the claim this yields; None when the value is not handed on.
        paths: tried in order.
        filter: None accepts any value that is there.
        optional: whether the credential may lack it.
        key: equal for fields that ask the same, whatever the claim is called.
    """

    id: str | None
    paths: tuple[Path, ...]
    filter: Filter | None
    optional: bool
    key: str


Formats = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Format name ("jwt_vc", "ldp_vc", "jwt_vp", …) to its lists ("alg", "proof_type")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDescriptor:
    """One credential asked for.

    Attributes:
        groups: names that submission requirements choose from.
        format: None accepts every format.
        subject_is_issuer: the subject has to have issued it itself.
        name: what its author calls it, for people; empty when absent.
        purpose: why it is asked, for people; empty when absent.
        types: the credential types of which it has to have one; None when the fields don't say.
        beside_type: the fields that ``types`` doesn't say already.
    """

    id: str
    name: str
    purpose: str
    fields: tuple[Field, ...]
    types: frozenset[str] | None
    beside_type: tuple[Field, ...]
    groups: frozenset[str]
    format: Formats | None
    subject_is_issuer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationDefinition:
    """A parsed definition; make one with `parse`.

    Attributes:
        id: what a submission names.
        format: formats for credentials and presentations; None accepts every format.
        submission_requirements: which descriptors suffice; empty asks for all of them.
        raw: the JSON object as received.
    """

    id: str
    input_descriptors: tuple[InputDescriptor, ...]
    format: Formats | None
    submission_requirements: tuple[SubmissionRequirement, ...]
    raw: Mapping[str, Any]

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a definition from JSON (bytes) or from a parsed JSON object.

        Raises:
            MalformedError: not a definition, beyond a limit, or it asks something that we can't evaluate.
        """
        # (1) size
        if isinstance(value, bytes):
            value = parse_json(value, max_bytes=MAX_DEFINITION_BYTES)
        elif _text_size(value) > MAX_DEFINITION_BYTES:
            raise MalformedError(f"presentation definition is larger than {MAX_DEFINITION_BYTES} bytes")
        fields = Fields.of(value, "presentation definition")
        # (2) descriptors, with ids that a submission can name
        children = fields.children("input_descriptors")
        if len(children) > MAX_DESCRIPTORS:
            raise MalformedError(f"presentation definition has more than {MAX_DESCRIPTORS} input descriptors")
        descriptors = tuple(_descriptor(child) for child in children)
        if len({descriptor.id for descriptor in descriptors}) != len(descriptors):
            raise MalformedError("presentation definition has two input descriptors with one id")
        # (3) the work that all patterns together can cause
        if sum(_program(descriptor) for descriptor in descriptors) > MAX_PROGRAM:
            raise MalformedError("presentation definition has too many complex patterns")
        # (4) requirements that name groups which exist, and leave no descriptor out
        requirements = parse_requirements(fields)
        if requirements:
            _check_groups(descriptors, requirements)
        return cls(
            id=_identifier(fields),
            input_descriptors=descriptors,
            format=_formats(fields),
            submission_requirements=requirements,
            raw=fields.value,
        )

    def to_wire(self) -> Mapping[str, Any]:
        """The JSON object as received, with the members that we ignore."""
        return self.raw


def _text_size(value: object) -> int:
    """Characters of text in a parsed JSON value, without recursion."""
    total, left = 0, [value]
    while left:
        item = left.pop()
        total += 1
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, Mapping):
            left.extend(item.keys())
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return total


def _identifier(fields: Fields) -> str:
    text = fields.text("id")
    if len(text) > MAX_ID_LENGTH:
        raise MalformedError(f"{fields.what}: id is longer than {MAX_ID_LENGTH} characters")
    return text


def _descriptor(fields: Fields) -> InputDescriptor:
    constraints = fields.optional_child("constraints")
    children: tuple[Fields, ...] = ()
    subject_is_issuer = False
    if constraints is not None:
        if constraints.raw("fields") is not None:
            children = constraints.children("fields")
        subject_is_issuer = constraints.optional_text("subject_is_issuer") == "required"
    if len(children) > MAX_FIELDS:
        raise MalformedError(f"{fields.what} has more than {MAX_FIELDS} fields")
    asked = tuple(_field(child) for child in children)
    about_type = next((field for field in asked if _is_about_type(field)), None)
    return InputDescriptor(
        id=_identifier(fields),
        name=_words(fields, "name"),
        purpose=_words(fields, "purpose"),
        fields=asked,
        types=about_type.filter.texts if about_type is not None and about_type.filter is not None else None,
        beside_type=tuple(field for field in asked if field is not about_type),
        groups=frozenset(fields.optional_texts("group")),
        format=_formats(fields),
        subject_is_issuer=subject_is_issuer,
    )


def _field(fields: Fields) -> Field:
    paths = fields.texts("path")
    if not 1 <= len(paths) <= MAX_PATHS:
        raise MalformedError(f"{fields.what} has not 1 to {MAX_PATHS} paths")
    asked = fields.optional_child("filter")
    parsed = None if asked is None else parse_filter(asked)
    optional = fields.flag("optional", default=False)
    return Field(
        id=_identifier(fields) if fields.raw("id") is not None else None,
        paths=tuple(parse_path(path) for path in paths),
        filter=parsed,
        optional=optional,
        key=repr((paths, parsed, optional)),  # equality would take 1 for true
    )


def _is_about_type(field: Field) -> bool:
    """Whether a credential passes the field exactly when it has one of the types that the field names."""
    asked = field.filter
    return (
        not field.optional
        and asked is not None
        and asked.contains is None
        and asked.texts is not None
        and all(path.steps in _TYPE_PATHS for path in field.paths)
    )


def _words(fields: Fields, name: str) -> str:
    """A text for people, shortened; anything else is no text."""
    value = fields.raw(name)
    return value[:MAX_WORDS] if isinstance(value, str) else ""


def _formats(fields: Fields) -> Formats | None:
    """The member ``format`` with aliases resolved; empty is the same as absent, as in nuts-node."""
    child = fields.optional_child("format")
    if child is None or not child.names():
        return None
    formats: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for name in sorted(child.names()):
        entry = child.child(name)
        lists = {_LIST_ALIASES.get(kind, kind): entry.texts(kind) for kind in sorted(entry.names())}
        formats[_FORMAT_ALIASES.get(name, name)] = MappingProxyType(lists)
    return MappingProxyType(formats)


def _program(descriptor: InputDescriptor) -> int:
    return sum(field.filter.cost for field in descriptor.fields if field.filter is not None)


def _check_groups(descriptors: tuple[InputDescriptor, ...], requirements: tuple[SubmissionRequirement, ...]) -> None:
    named = groups_of(requirements)
    for descriptor in descriptors:
        if not descriptor.groups:
            raise MalformedError("an input descriptor is in no group, so no submission requirement asks for it")
        if not descriptor.groups <= named:
            raise MalformedError("an input descriptor is in a group that no submission requirement names")
    if not named <= {group for descriptor in descriptors for group in descriptor.groups}:
        raise MalformedError("a submission requirement names a group without input descriptors")
