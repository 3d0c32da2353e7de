"""What a JSON-LD document may look like before anything interprets it.

JSON-LD can say one thing in many ways, and a reader of JSON sees only one of them. A holder could rewrite a signed credential
so that the signature still matches while ``credentialStatus`` hides behind a full IRI, or a nested context gives a word
another meaning. So the grammar is narrowed to what issuers of this network write: names are plain terms, contexts are
texts at the top of a credential or presentation, and nothing else starts with ``@``.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from credentials.errors import MalformedError
from credentials.fields import MAX_INTEGER, MAX_JSON_BYTES, MAX_JSON_DEPTH
from credentials.jsonld.contexts import EMBEDDED

MAX_CONTEXTS: Final = 8
"""Most contexts one document names; there are not many more that we know."""
MAX_VALUES: Final = 2_048
"""Most members and elements in one document; a presentation with 32 credentials has about 1,000."""
MAX_TEXT: Final = MAX_JSON_BYTES
"""Most characters in all texts of one document."""

_CONTEXT = "@context"
_CARRIES = "verifiableCredential"
_MAY_BE_EMPTY = frozenset({_CARRIES, "credentialStatus"})
"""Members at the top whose empty array everybody reads as absent."""


def checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Check the shape of a document and copy it, so that nobody changes it meanwhile.

    Numbers that are whole become integers, as JSON-LD sees them (JSON-LD 1.1 API §8.2.2).

    Raises:
        MalformedError: it is too large or too deep, has a keyword other than ``@context``, a context that is not embedded or
            not at the top of a credential or presentation, a name with a colon, or null.
    """
    return _Walk().members(document, 0, may_name_contexts=True)


def check_together(documents: Iterable[Mapping[str, Any]]) -> None:
    """Check that documents that come in one message are together no larger than one may be: each costs its own canonical form.

    Raises:
        MalformedError: they have more than `MAX_VALUES` members and elements in all.
    """
    values = 0
    waiting: list[object] = list(documents)
    while waiting:
        found = waiting.pop()
        inside: Collection[object] = ()
        if isinstance(found, Mapping):
            inside = found.values()
        elif isinstance(found, list | tuple):
            inside = found
        values += len(inside)
        if values > MAX_VALUES:
            raise MalformedError(f"JSON-LD: more than {MAX_VALUES} values in the credentials of one message")
        waiting.extend(inside)


class _Walk:
    """One pass over one document; counts as it goes."""

    __slots__ = ("characters", "values")

    def __init__(self) -> None:
        self.values = 0
        self.characters = 0

    def members(self, found: Mapping[str, Any], depth: int, *, may_name_contexts: bool) -> dict[str, Any]:
        """Copy one object; ``depth`` counts objects and arrays around it, and bounds the recursion."""
        self._enter(depth, len(found))
        copy: dict[str, Any] = {}
        for name, value in found.items():
            # (1) names: plain terms. A full or compact IRI would hide a member from everyone who reads JSON.
            if not isinstance(name, str):
                raise MalformedError("JSON-LD: the name of a member is not a text")
            if name == _CONTEXT:
                if not may_name_contexts:
                    raise MalformedError(
                        "JSON-LD: @context is only accepted at the top of a credential or presentation"
                    )
                copy[name] = _contexts(value)
                continue
            if name.startswith("@"):
                raise MalformedError("JSON-LD: keywords other than @context are not accepted as names")
            if ":" in name:
                raise MalformedError("JSON-LD: a member is named by an IRI, not by a term")
            self.characters += len(name)
            # (2) values; the credentials in a presentation have contexts of their own
            if depth == 0 and name in _MAY_BE_EMPTY and value == []:
                copy[name] = []
                continue
            copy[name] = self.value(value, depth + 1, carried=depth == 0 and name == _CARRIES)
        return copy

    def value(self, found: object, depth: int, *, carried: bool) -> Any:
        """Copy one value; ``carried`` ones may be credentials."""
        match found:
            case str():
                self.characters += len(found)
                if self.characters > MAX_TEXT:
                    raise MalformedError(f"JSON-LD: more than {MAX_TEXT} characters")
                return found
            case bool() | int():
                return found
            case float():
                if not math.isfinite(found):
                    raise MalformedError("JSON-LD: a number is out of range")
                return int(found) if found.is_integer() and abs(found) < MAX_INTEGER else found
            case Mapping():
                return self.members(found, depth, may_name_contexts=carried)
            case list() | tuple():
                # (3) no statement is made of an empty array, or of an array in an array: a holder could add one to what was signed
                if not found:
                    raise MalformedError("JSON-LD: an empty array is not accepted; no signature covers it")
                if any(isinstance(item, list | tuple) for item in found):
                    raise MalformedError("JSON-LD: an array in an array is not accepted; no signature covers it")
                self._enter(depth, len(found))
                return [self.value(item, depth + 1, carried=carried) for item in found]
            case None:
                raise MalformedError("JSON-LD: null is not accepted; no signature covers it")
            case _:
                raise MalformedError("JSON-LD: a value is not JSON")

    def _enter(self, depth: int, values: int) -> None:
        if depth > MAX_JSON_DEPTH:
            raise MalformedError(f"JSON-LD: nested deeper than {MAX_JSON_DEPTH} levels")
        self.values += values
        if self.values > MAX_VALUES:
            raise MalformedError(f"JSON-LD: more than {MAX_VALUES} values")


def _contexts(value: object) -> list[str]:
    """``@context`` as an array of embedded URLs, each once."""
    found = value if isinstance(value, list | tuple) else [value]
    if not 0 < len(found) <= MAX_CONTEXTS:
        raise MalformedError(f"JSON-LD: a document names between 1 and {MAX_CONTEXTS} contexts")
    for context in found:
        if not isinstance(context, str):
            raise MalformedError("JSON-LD: a context is not a text; inline contexts are not accepted")
        if context not in EMBEDDED:
            raise MalformedError("JSON-LD: a context is not one of the embedded ones")
    if len(set(found)) != len(found):
        raise MalformedError("JSON-LD: a context is named twice")
    return list(found)
