"""Typed reads from untrusted JSON, with one error.

`parse_json` is stricter than the standard library: it refuses duplicate members (the last would win silently), NaN
and infinities, lone surrogates, numbers that other readers would round, and deep nesting. `Fields` reads members of
an object by name and kind. Both raise `MalformedError` and nothing else.

>>> fields = Fields.from_json(b'{"id": "a", "entries": {}}', max_bytes=1024, what="page")
>>> fields.text("id")
'a'
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Self

from credentials.errors import MalformedError

MAX_JSON_BYTES: Final = 1_048_576
"""Largest message read from a peer, in bytes (nuts-node's own limit for bodies is the same 1 MiB)."""
MAX_JSON_DEPTH: Final = 32
"""Deepest nesting of objects and arrays."""
MAX_JSON_VALUES: Final = 20_000
"""Most values in one text, each up to a microsecond; a page of a thousand registrations has some two thousand."""
MAX_INTEGER: Final = 2**53
"""Largest integer every JSON reader keeps exactly (RFC 8259 §6)."""

# Possessive, and an unterminated string runs to the end: linear on any input.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_LONG = 4_096
_TEXT = frozenset({str})
_MAX_INTEGER_DIGITS = len(str(MAX_INTEGER)) + 1  # and a sign


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("JSON has a duplicate member")
    return members


def _integer(text: str) -> int:
    value = int(text) if len(text) <= _MAX_INTEGER_DIGITS else MAX_INTEGER + 1
    if abs(value) > MAX_INTEGER:
        raise MalformedError("JSON has an integer beyond 2^53")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedError("JSON has a number out of range")
    return value


def _constant(text: str) -> NoReturn:
    raise MalformedError(f"JSON has {text}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
_WHITE_SPACE = " \t\n\r"  # RFC 8259 §2


def _has_many_brackets(text: str, limit: int) -> bool:
    """Whether one kind of opening bracket occurs more than ``limit`` times: only then can the nesting be deeper than twice that."""
    if len(text) < _LONG:
        return text.count("[") > limit or text.count("{") > limit
    return _has_more(text, "[", limit) or _has_more(text, "{", limit)


def _has_more(text: str, character: str, limit: int) -> bool:
    """Whether ``character`` occurs more than ``limit`` times in a long text, where counting all takes longer."""
    position = -1
    for _ in range(limit + 1):
        position = text.find(character, position + 1)
        if position < 0:
            return False
    return True


def _has_more_values(text: str, limit: int) -> bool:
    """Whether there are more values than ``limit``: each but the first comes after a comma or a bracket outside the strings."""
    # (1) in all the text, strings included: enough for nearly all. Values and names can be no more strings than two for each value
    if text.count(",") + text.count("[") + text.count("{") < limit and text.count('"') <= 4 * limit:
        return False
    # (2) escapes away, from the left as they are read: each quote that is left begins or ends a string
    plain = text.replace("\\\\", "").replace('\\"', "")
    if plain.count('"') > 4 * limit:
        return True
    # (3) every other piece is outside the strings. A backslash there is no JSON, and nothing after it is read
    between = "".join(plain.split('"')[::2])
    return between.count(",") + between.count("[") + between.count("{") >= limit


def parse_json(
    data: bytes | str,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    max_depth: int = MAX_JSON_DEPTH,
    max_values: int = MAX_JSON_VALUES,
) -> Any:
    """Read one JSON text of a stranger.

    Args:
        data: UTF-8 without byte order mark, or text.
        max_bytes: longest text accepted, in bytes (in characters, when ``data`` is text).
        max_depth: deepest nesting accepted; a bare scalar has depth 0.
        max_values: most values accepted, an object or array and each in it; a name is none.

    Raises:
        MalformedError: for anything else than one strict JSON value.
    """
    # (1) size, before anything is decoded
    if len(data) > max_bytes:
        raise MalformedError(f"JSON is larger than {max_bytes} bytes")
    # (2) strict UTF-8; text must be encodable, so that it holds no surrogates of its own
    try:
        text = data.decode() if isinstance(data, bytes) else data
        if isinstance(data, str) and not data.isascii():
            data.encode()
    except UnicodeError:
        raise MalformedError("JSON is not UTF-8") from None
    # (3) how many values, since each costs more than a byte; a short text can not have too many
    if len(text) > max_values and _has_more_values(text, max_values):
        raise MalformedError(f"JSON has more than {max_values} values")
    # (4) nesting, before the parser recurses; few messages have enough brackets to need the count
    if _has_many_brackets(text, max_depth // 2):
        brackets = _STRING.sub("", text).encode().translate(_AS_SQUARE, _NO_BRACKETS)
        for _ in range(max_depth):  # each round takes away the innermost level
            brackets = brackets.replace(b"[]", b"")
        if brackets:
            raise MalformedError(f"JSON is nested deeper than {max_depth} levels, or its brackets do not match")
    # (5) grammar, duplicates, numbers
    text = text.strip(_WHITE_SPACE)
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError:
        raise MalformedError("not JSON") from None
    if end != len(text):
        raise MalformedError("not JSON")
    # (6) an escape can still smuggle in half a surrogate pair
    if "\\" in text and "\\u" in text:  # the first look is the faster one, and mostly ends it
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeError:
            raise MalformedError("JSON has a lone surrogate") from None
    return value


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one JSON object, read by name and kind.

    ``null`` counts as absent for the ``optional_`` readers. Members nobody asks for are ignored.

    Attributes:
        value: the object as parsed.
        what: what the object is, for messages ("vp", "vc.credentialSubject").
    """

    value: dict[str, Any]
    what: str

    @classmethod
    def from_json(
        cls,
        body: bytes | str,
        *,
        max_bytes: int = MAX_JSON_BYTES,
        max_values: int = MAX_JSON_VALUES,
        what: str = "message",
    ) -> Self:
        """Parse ``body`` as one JSON object of at most ``max_bytes`` and ``max_values``."""
        return cls.of(parse_json(body, max_bytes=max_bytes, max_values=max_values), what)

    @classmethod
    def of(cls, value: object, what: str) -> Self:
        """Take a parsed value that has to be an object with text as names."""
        if isinstance(value, dict):
            return cls(value, what)
        if isinstance(value, Mapping):
            return cls(dict(value), what)
        raise MalformedError(f"{what} is not an object")

    def names(self) -> frozenset[str]:
        """The names of all members."""
        return frozenset(self.value)

    def raw(self, name: str, default: Any = None) -> Any:
        """The member as parsed, unchecked."""
        return self.value.get(name, default)

    def text(self, name: str) -> str:
        """A text, which may be empty."""
        value = self.value.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, or None when absent."""
        return None if self.value.get(name) is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of texts, which may be empty."""
        value = self.value.get(name)
        if not isinstance(value, list) or not _TEXT.issuperset(map(type, value)):
            raise self._wrong(name, "an array of texts")
        return tuple(value)

    def optional_texts(self, name: str) -> tuple[str, ...]:
        """An array of texts; absent is the same as empty."""
        return () if self.value.get(name) is None else self.texts(name)

    def one_or_more_texts(self, name: str) -> tuple[str, ...]:
        """A text, or an array of at least one text: JSON-LD writes one element either way."""
        value = self.value.get(name)
        if isinstance(value, str):
            return (value,)
        found = self.texts(name)
        if not found:
            raise self._wrong(name, "at least one text")
        return found

    def count(self, name: str) -> int:
        """A whole number, zero or more."""
        value = self.value.get(name)
        if type(value) is not int or value < 0:  # a bool is an int to isinstance
            raise self._wrong(name, "a whole number")
        return value

    def optional_count(self, name: str) -> int | None:
        """A whole number, zero or more, or None when absent."""
        return None if self.value.get(name) is None else self.count(name)

    def flag(self, name: str, default: bool | None = None) -> bool:  # noqa: FBT001  # reads as flag("optional", False)
        """True or false; ``default`` when absent, unless there is none."""
        value = self.value.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def child(self, name: str) -> "Fields":
        """A member object."""
        return Fields.of(self.value.get(name), f"{self.what}.{name}")

    def optional_child(self, name: str) -> "Fields | None":
        """A member object, or None when absent."""
        return None if self.value.get(name) is None else self.child(name)

    def children(self, name: str) -> "tuple[Fields, ...]":
        """An array of objects, which may be empty."""
        value = self.value.get(name)
        if not isinstance(value, list):
            raise self._wrong(name, "an array of objects")
        return tuple(Fields.of(item, f"{self.what}.{name}[{index}]") for index, item in enumerate(value))

    def one_or_more_children(self, name: str) -> "tuple[Fields, ...]":
        """An object, or an array of at least one object: JSON-LD writes one element either way."""
        if not isinstance(self.value.get(name), list):
            return (self.child(name),)
        found = self.children(name)
        if not found:
            raise self._wrong(name, "at least one object")
        return found

    def _wrong(self, name: str, expected: str) -> MalformedError:
        fault = f"is not {expected}" if name in self.value else "is missing"
        return MalformedError(f"{self.what}: {name} {fault}")
