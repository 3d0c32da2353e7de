"""Searching registrations by what their credentials say (WIRE §2.10.6).

A condition is a path without ``$.`` and a text: ``credentialSubject.organization.name=*gouwe*``. A star at either end is a
wildcard, a lone star asks only that there is a value. All conditions have to hold on one and the same credential. Exact texts
compare as they are; with a wildcard case does not matter.

`properties_of` says which values of a credential can be found; `Condition.holds` is the meaning that a store's statements have to
reproduce.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

from credentials.errors import MalformedError
from credentials.vc.credential import VC_TYPE, SignedCredential

MAX_CONDITIONS: Final = 16
"""Conditions in one search."""
MAX_PATH_LENGTH: Final = 500
"""Characters of a path that can be searched for."""
MAX_VALUE_LENGTH: Final = 1_000
"""Characters of a text to search for."""
MAX_INDEXED_BYTES: Final = 2_000
"""UTF-8 bytes of path and value together that are indexed: PostgreSQL's index rows hold 2,704."""
MAX_PROPERTIES: Final = 256
"""Values indexed per credential."""

Property = tuple[str, str]
"""Path without ``$.``, and value."""


class Comparison(Enum):
    """How a condition compares."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    CONTAINS = "contains"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a search.

    Attributes:
        path: where to look, without ``$.``.
        comparison: how.
        value: what to look for: as given when exact, case-folded with a wildcard, empty when any value will do.
    """

    path: str
    comparison: Comparison
    value: str

    @classmethod
    def parse(cls, path: str, text: str) -> Self:
        """Read one query parameter.

        Raises:
            MalformedError: the path or the text is too long or empty.
        """
        path = path.removeprefix("$.")
        if not path or len(path) > MAX_PATH_LENGTH or len(text) > MAX_VALUE_LENGTH:
            raise MalformedError("search condition is empty or too long")
        if "\0" in path or "\0" in text:  # PostgreSQL has no NUL in texts
            raise MalformedError("search condition holds a NUL")
        if text == "*":
            return cls(path=path, comparison=Comparison.EXISTS, value="")
        starts, ends = text.endswith("*"), text.startswith("*")
        if not starts and not ends:
            return cls(path=path, comparison=Comparison.EXACT, value=text)
        kind = Comparison.CONTAINS if starts and ends else Comparison.PREFIX if starts else Comparison.SUFFIX
        return cls(path=path, comparison=kind, value=text[ends : len(text) - starts].casefold())

    def holds(self, properties: Sequence[Property]) -> bool:
        """Whether a credential with these properties fits."""
        return any(path == self.path and self._fits(value) for path, value in properties)

    def _fits(self, value: str) -> bool:
        match self.comparison:
            case Comparison.EXACT:
                return value == self.value
            case Comparison.PREFIX:
                return value.casefold().startswith(self.value)
            case Comparison.SUFFIX:
                return value.casefold().endswith(self.value)
            case Comparison.CONTAINS:
                return self.value in value.casefold()
            case Comparison.EXISTS:
                return True


def parse_conditions(query: Sequence[tuple[str, str]]) -> tuple[Condition, ...]:
    """Read the query parameters of a search.

    Raises:
        MalformedError: too many, or one is not a condition.
    """
    if len(query) > MAX_CONDITIONS:
        raise MalformedError(f"search has more than {MAX_CONDITIONS} conditions")
    return tuple(Condition.parse(path, text) for path, text in query)


def properties_of(credential: SignedCredential) -> tuple[Property, ...]:
    """The values of a credential that a search can find: texts of id, issuer, type and ``credentialSubject``."""
    found: dict[Property, None] = {("id", credential.id): None, ("issuer", credential.issuer): None}
    for kind in credential.types:
        if kind != VC_TYPE:
            found["type", kind] = None
    for subject in credential.subjects:
        for each in _texts("credentialSubject", subject):
            found[each] = None
    return tuple(each for each in found if _is_indexable(*each))[:MAX_PROPERTIES]


def _is_indexable(path: str, value: str) -> bool:
    if len(path) > MAX_PATH_LENGTH or "\0" in path or "\0" in value:  # PostgreSQL has no NUL in texts
        return False
    return max(len(f"{path}{each}".encode()) for each in (value, value.casefold())) <= MAX_INDEXED_BYTES


def _texts(path: str, value: Any) -> Iterator[Property]:
    """Texts below ``value``; elements of an array share its path. Depth was limited when the message was parsed."""
    match value:
        case str():
            yield path, value
        case Mapping():
            for name, below in value.items():
                yield from _texts(f"{path}.{name}", below)
        case list():
            for below in value:
                yield from _texts(path, below)
        case _:  # numbers and flags can't be searched for
            return
