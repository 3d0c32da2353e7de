"""Filters: what a value in a credential has to look like (JSON Schema, as far as presentation definitions need it).

Supported: ``type`` (string, number, integer, boolean, array), ``const`` and ``enum`` (texts, numbers, booleans), ``pattern``,
``minLength``, ``maxLength``, ``minimum``, ``maximum``, ``exclusiveMinimum``, ``exclusiveMaximum``, and ``contains`` for arrays.
Annotations are ignored; any other keyword restricts values in a way that we would not check, and is refused.

What nuts-node does with the keywords that it knows, this does too (WIRE §2.15): without ``type`` only ``enum`` lets a value pass;
``enum`` does not look at ``type``; an array passes with any element, and is then the claim as a whole; an object never passes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.query.paths import ABSENT
from credentials.query.patterns import Pattern, compile_pattern

MAX_ENUM: Final = 256
"""Values in one ``enum``."""

FilterType = Literal["string", "number", "integer", "boolean", "array"]
Scalar = str | int | float | bool
Spend = Callable[[int], None]
"""Counts the steps that a pattern takes; raises when there are too many."""

_TYPES: Final[Mapping[str, FilterType]] = MappingProxyType(
    {"string": "string", "number": "number", "integer": "integer", "boolean": "boolean", "array": "array"}
)
_ANNOTATIONS: Final = frozenset(
    {"$comment", "$id", "$schema", "title", "description", "default", "examples", "readOnly", "writeOnly", "format"}
)
_NUMERIC: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
# Keywords that mean something for one kind of value only, and would be no check at all beside another type.
_NEEDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(("pattern", "minLength", "maxLength"), frozenset({"string"})),
        **dict.fromkeys(_NUMERIC, frozenset({"number", "integer"})),
        "contains": frozenset({"array"}),
    }
)
_KEYWORDS: Final = frozenset({"type", "const", "enum", *_NEEDS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a number, or how long a text, may be; None is no limit.

    Attributes:
        least: not below.
        most: not above.
        above: larger than this.
        below: smaller than this.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def admit(self, value: float) -> bool:
        """Tell whether ``value`` is within them."""
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a value has to look like. Make one with `parse_filter`.

    Attributes:
        type: kind of value; without it only ``enum`` matches anything, as in nuts-node.
        const: the only value accepted.
        enum: the only values accepted; nothing else is then looked at.
        pattern: found somewhere in the text; what it captures is the claim.
        length: of a text, in characters.
        size: of a number.
        contains: what at least one element of an array looks like.
    """

    type: FilterType | None
    const: Scalar | None
    enum: tuple[Scalar, ...] | None
    pattern: Pattern | None
    length: Bounds | None
    size: Bounds | None
    contains: "Filter | None"

    @property
    def cost(self) -> int:
        """Steps per character that its patterns take at most."""
        inner = 0 if self.contains is None else self.contains.cost
        return inner if self.pattern is None else self.pattern.cost

    @property
    def texts(self) -> frozenset[str] | None:
        """The texts of which one has to be there for a value to pass; None when that can't be said."""
        if self.enum is not None:
            return frozenset(each for each in self.enum if isinstance(each, str))
        if self.type == "string" and isinstance(self.const, str):
            return frozenset({self.const})
        return None if self.contains is None else self.contains.texts

    def claim(self, value: Any, spend: Spend) -> Any:
        """Return the claim that ``value`` yields, or `ABSENT` when it doesn't pass.

        Args:
            value: what a path found; arrays are looked into, one level deep.
            spend: is told the steps of each pattern before it runs.
        """
        if not isinstance(value, list):
            return self._scalar(value, spend)
        if self.type == "array" and self.enum is None:
            return value if self.contains is None or _any(self.contains, value, spend) else ABSENT
        return value if _any(self, value, spend) else ABSENT

    def _scalar(self, value: Any, spend: Spend) -> Any:
        if self.enum is not None:
            return value if any(_same(each, value) for each in self.enum) else ABSENT
        if not _is_of(value, self.type) or (self.const is not None and not _same(self.const, value)):
            return ABSENT
        if self.size is not None and not self.size.admit(value):
            return ABSENT
        if self.length is not None and not self.length.admit(len(value)):
            return ABSENT
        if self.pattern is None:
            return value
        spend(self.pattern.cost * (len(value) + 1))
        captured = self.pattern.search(value)
        return ABSENT if captured is None else captured


def parse_filter(fields: Fields, *, within_array: bool = False) -> Filter:
    """Read a filter.

    Args:
        fields: the member ``filter`` of a field, or ``contains`` of one.
        within_array: whether it is a ``contains``, which may not hold another.

    Raises:
        MalformedError: not a filter, or it asks something that we can't check.
    """
    # (1) nothing that would go unchecked
    unknown = fields.names() - _KEYWORDS - _ANNOTATIONS
    if unknown:
        raise MalformedError(f"{fields.what} has a keyword that is not supported (only {', '.join(sorted(_KEYWORDS))})")
    kind = fields.optional_text("type")
    if kind is not None and kind not in _TYPES:
        raise MalformedError(f"{fields.what}: type is not string, number, integer, boolean or array")
    # (2) the values it names
    enum = _enum(fields)
    const = fields.raw("const")
    if const is not None and not isinstance(const, Scalar):
        raise MalformedError(f"{fields.what}: const is not a text, a number or a boolean")
    # (3) keywords beside the type that they are for; beside enum they are not looked at
    for name, types in _NEEDS.items():
        if fields.raw(name) is not None and kind not in types and enum is None:
            raise MalformedError(f"{fields.what}: {name} needs type {' or '.join(sorted(types))}")
    contains = fields.optional_child("contains")
    if contains is not None and within_array:
        raise MalformedError(f"{fields.what}: contains is nested")
    pattern = fields.optional_text("pattern")
    return Filter(
        type=None if kind is None else _TYPES[kind],
        const=const,
        enum=enum,
        pattern=None if pattern is None else compile_pattern(pattern),
        length=_length(fields),
        size=_size(fields),
        contains=None if contains is None else parse_filter(contains, within_array=True),
    )


def _any(asked: Filter, elements: list[Any], spend: Spend) -> bool:
    return any(not isinstance(each, list) and asked._scalar(each, spend) is not ABSENT for each in elements)  # noqa: SLF001  # of this file


def _is_of(value: Any, kind: FilterType | None) -> bool:
    """Whether ``value`` is a scalar of ``kind``; Python counts booleans as numbers, JSON doesn't."""
    match value:
        case bool():
            return kind == "boolean"
        case str():
            return kind == "string"
        case int():
            return kind in {"number", "integer"}
        case float():
            return kind == "number" or (kind == "integer" and value.is_integer())
        case _:
            return False


def _same(wanted: Scalar, value: Any) -> bool:
    """Equality of JSON: 1 is 1.0, and neither is true."""
    return wanted == value and isinstance(wanted, bool) == isinstance(value, bool)


def _enum(fields: Fields) -> tuple[Scalar, ...] | None:
    values = fields.raw("enum")
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(each, Scalar) for each in values):
        raise MalformedError(f"{fields.what}: enum is not an array of texts, numbers or booleans")
    if len(values) > MAX_ENUM:
        raise MalformedError(f"{fields.what}: enum has more than {MAX_ENUM} values")
    return tuple(values)


def _length(fields: Fields) -> Bounds | None:
    least, most = fields.optional_count("minLength"), fields.optional_count("maxLength")
    return None if least is None and most is None else Bounds(least=least, most=most)


def _size(fields: Fields) -> Bounds | None:
    limits: list[float | None] = []
    for name in _NUMERIC:
        value = fields.raw(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise MalformedError(f"{fields.what}: {name} is not a number")
        limits.append(value)
    least, most, above, below = limits
    return None if limits == [None] * len(_NUMERIC) else Bounds(least=least, most=most, above=above, below=below)
