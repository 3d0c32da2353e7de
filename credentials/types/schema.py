"""One type's JSON Schema: read, checked against its own meta-schema, compiled once; complaints in a sentence of ours.

`jsonschema` is loaded with the first schema that is used: it takes a fifth of a second and several MiB that a node which issues
nothing does not need. References lead nowhere but into the schema itself; nothing is ever fetched. Patterns are ECMAScript and
run on RE2, like those of presentation definitions.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self, cast

from credentials.errors import MalformedError
from credentials.fields import parse_json
from credentials.query.patterns import compile_pattern

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

MAX_SCHEMA_BYTES: Final = 65_536
"""Largest schema file."""
MAX_TYPE_LENGTH: Final = 128
"""Characters of a type's name."""

_DIALECTS: Final = frozenset(
    {
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-07/schema#",
    }
)
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_ALTERNATIVES: Final = frozenset({"anyOf", "oneOf"})
_DESCRIBED: Final = _ALTERNATIVES | {"pattern", "const", "enum"}
"""Faults that say little without the schema's own words."""
_MAX_DESCRIPTION: Final = 200
"""Characters of those words."""
_FAULTS: Final[Mapping[str, str]] = {
    "type": "is of the wrong kind",
    "const": "is not the one value accepted",
    "enum": "is not one of the values accepted",
    "pattern": "does not have the form wanted",
    "minLength": "is too short",
    "maxLength": "is too long",
    "minItems": "has too few items",
    "maxItems": "has too many items",
    "minProperties": "is empty",
    "additionalProperties": "has a member that is not accepted",
    "propertyNames": "has a member that is not accepted",
    "unevaluatedProperties": "has a member that is not accepted",
}


class TypeSchema:
    """What a credential of one type has to look like.

    Attributes:
        type: name of the type, as in ``type`` of a credential.
    """

    __slots__ = ("_names", "_schema", "_validator", "type")

    def __init__(self, type_: str, schema: dict[str, Any]) -> None:
        self.type = type_
        self._schema = schema
        self._names = frozenset(_property_names(schema))
        self._validator: Validator | None = None

    @classmethod
    def parse(cls, body: bytes, type_: str) -> Self:
        """Read a schema file.

        Args:
            body: the file as it stands.
            type_: the type that its name promises; ``title`` has to be the same.

        Raises:
            MalformedError: not a JSON Schema of a dialect we know, of another type, or one that refers outside itself.
        """
        schema = parse_json(body, max_bytes=MAX_SCHEMA_BYTES)
        # (1) says which type and which dialect
        if not isinstance(schema, dict):
            raise MalformedError("a schema is a JSON object")
        if schema.get("title") != type_ or not 0 < len(type_) <= MAX_TYPE_LENGTH:
            raise MalformedError(f"title of the schema is not {type_}")
        if schema.get("$schema") not in _DIALECTS:
            raise MalformedError("$schema is not a dialect of JSON Schema that is known here: use draft 2020-12")
        # (2) stands by itself
        if any(name in _REFERENCES and not str(value).startswith("#") for name, value in _keywords(schema)):
            raise MalformedError("a $ref leads out of the schema")
        # (3) has patterns that run in linear time, and none where they would not
        for keyword, value in _keywords(schema):
            if keyword == "patternProperties":
                raise MalformedError("patternProperties is not supported: use properties, or propertyNames")
            if keyword == "pattern" and isinstance(value, str):
                compile_pattern(value)
        # (4) is a schema
        made = cls(type_, schema)
        made._compiled()  # its own method: a mistake in the file shows now, not with the first credential
        return made

    def check(self, credential: Mapping[str, Any]) -> None:
        """Check a credential as JSON-LD writes it, with ``credentialSubject`` as one object.

        Raises:
            MalformedError: it does not fit; names members that the schema names, never a value.
        """
        from jsonschema.exceptions import best_match  # see the module's docstring

        found = best_match(self._compiled().iter_errors(credential))
        if found is not None:
            raise MalformedError(f"{self.type}: {self._sentence(found)}")

    def _compiled(self) -> "Validator":
        if self._validator is None:
            from jsonschema import Draft202012Validator, SchemaError  # see the module's docstring
            from jsonschema.validators import extend, validator_for
            from referencing import Registry
            from referencing.exceptions import Unresolvable

            made = validator_for(self._schema, default=Draft202012Validator)
            try:
                made.check_schema(self._schema)
                strict = extend(made, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # the stubs leave it out
                validator: Validator = strict(self._schema, registry=Registry())  # an empty one: nothing is fetched
                list(validator.iter_errors({"credentialSubject": {}}))
            except (SchemaError, Unresolvable, RecursionError) as error:
                raise MalformedError(f"this is not a JSON Schema: {type(error).__name__}") from error
            self._validator = validator
        return self._validator

    def _sentence(self, error: "ValidationError") -> str:
        """``credentialSubject.organization.city is missing``."""
        path = [str(part) if part in self._names or isinstance(part, int) else "*" for part in error.absolute_path]
        fault = _FAULTS.get(str(error.validator), "does not fit")
        if error.validator == "required" and isinstance(error.instance, dict):
            missing = [name for name in cast("list[str]", error.validator_value) if name not in error.instance]
            path, fault = [*path, missing[0]], "is missing"
        elif "propertyNames" in error.absolute_schema_path:
            fault = _FAULTS["propertyNames"]
        elif error.validator in _DESCRIBED:
            fault += _description(error)
        sentence = f"{'.'.join(path) or 'the credential'} {fault}"
        if error.validator in _ALTERNATIVES and error.context:
            sentence += f"; nearest: {self._sentence(_nearest(error.context))}"
        return sentence


def _description(error: "ValidationError") -> str:
    """What the schema calls the member, in brackets."""
    described = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return f" ({described.rstrip('.')[:_MAX_DESCRIPTION]})" if isinstance(described, str) and described else ""


def _nearest(errors: "Sequence[ValidationError]") -> "ValidationError":
    """The first fault of the alternative that lacks least; one of another kind altogether comes last."""
    branches: dict[object, list[ValidationError]] = {}
    for error in errors:
        branches.setdefault(error.schema_path[0], []).append(error)
    of_other_kind = {
        branch: any(error.validator == "type" and not error.path for error in faults)
        for branch, faults in branches.items()
    }
    nearest = min(branches, key=lambda branch: (of_other_kind[branch], len(branches[branch])))
    return branches[nearest][0]


def _pattern(_validator: object, pattern: str, instance: object, _schema: object) -> "Iterator[ValidationError]":
    """The keyword ``pattern`` on RE2."""
    from jsonschema.exceptions import ValidationError  # see the module's docstring

    if isinstance(instance, str) and _compile(pattern).search(instance) is None:
        yield ValidationError("does not match")


_compile = lru_cache(maxsize=256)(compile_pattern)


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every member anywhere in a schema; a property that happens to have a keyword's name is taken for one."""
    match schema:
        case dict():
            yield from schema.items()
            for value in schema.values():
                yield from _keywords(value)
        case list():
            for value in schema:
                yield from _keywords(value)
        case _:
            pass


def _property_names(schema: Mapping[str, Any]) -> Iterator[str]:
    """Names of members that the schema itself mentions."""
    for keyword, value in _keywords(schema):
        if keyword == "properties" and isinstance(value, dict):
            yield from value
