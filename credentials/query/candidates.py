"""The credentials at hand as a definition sees them, and whether one of them fits a descriptor.

A wallet may hold a thousand credentials and a definition ask for ten, so nothing is computed twice: what a path finds in a
credential, and what a field makes of it, is kept for the length of one match; credentials of another type than a descriptor
names are not looked at. And a stranger chooses what we look for, so every step is counted (`Work`).

What a field sees is the credential's evaluation view (WIRE §2.15): a JWT credential with arrays
(``$.credentialSubject[0].x``), a JSON-LD one collapsed (``$.credentialSubject.x``).
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from credentials.errors import MalformedError
from credentials.jsonld.proof import PROOF_TYPE
from credentials.query.definition import Field, Formats, InputDescriptor, PresentationDefinition
from credentials.query.filters import Filter
from credentials.query.paths import ABSENT, Path
from credentials.vc.credential import SignedCredential

MAX_STEPS: Final = 50_000_000
"""Pattern steps (instructions times characters) of one match: some tenths of a second."""
PATH_STEP: Final = 200
"""What one step of a path counts for, per place it visits."""

Claim = Any
"""What a field yields: a JSON value, usually text; None for an optional field that is absent."""


class Misfit(Enum):
    """Why a field makes a credential not fit."""

    NOTHING = "nothing there"
    OTHER = "another value"


class _Unknown(Enum):
    UNKNOWN = "not looked at yet"


class Work:
    """Counts what we do, so that no definition keeps us busy for long."""

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Count ``steps``.

        Raises:
            MalformedError: there have been too many.
        """
        self.left -= steps
        if self.left < 0:
            raise MalformedError("presentation definition takes too much work")


class Candidates:
    """Credentials by position, and what one definition makes of them; lives as long as one match."""

    def __init__(self, definition: PresentationDefinition, credentials: Sequence[SignedCredential]) -> None:
        self.definition = definition
        self.credentials = credentials
        self.work = Work()
        self._views: list[Mapping[str, Any] | None] = [None] * len(credentials)
        self._sizes: dict[int, int] = {}
        self._values: dict[str, list[Any]] = {}
        self._outcomes: dict[str, list[Any]] = {}
        self._claims: dict[str, dict[str, Any]] = {}
        self._hints: dict[str, Field] = {}
        self._formats: dict[tuple[int, str, frozenset[str]], bool] = {}
        self._by_type: dict[str, set[int]] | None = None

    def of_types(self, descriptor: InputDescriptor, positions: Sequence[int]) -> Sequence[int]:
        """Return those of ``positions`` that may fit by their type, in the same order."""
        if descriptor.types is None:
            return positions
        if self._by_type is None:
            self._by_type = {}
            for position, credential in enumerate(self.credentials):
                for name in credential.types:
                    self._by_type.setdefault(name, set()).add(position)
        named: set[int] = set().union(*(self._by_type.get(name, ()) for name in descriptor.types))
        return [position for position in positions if position in named]

    def fits(self, descriptor: InputDescriptor, position: int) -> bool:
        """Tell whether the credential at ``position`` fits ``descriptor``.

        Args:
            descriptor: what is asked.
            position: one that `of_types` returned for it.

        Raises:
            MalformedError: the definition takes too much work.
        """
        # (1) every field beside the type, first the one that the credential before this one failed on
        hint = self._hints.get(descriptor.id)
        for field in descriptor.beside_type if hint is None else (hint, *descriptor.beside_type):
            outcome = self.outcome(field, position)
            if outcome is Misfit.OTHER or outcome is Misfit.NOTHING:
                self._hints[descriptor.id] = field
                return False
        # (2) who issued it, (3) the format
        return self.is_of_issuer(descriptor, position) and self.has_format(descriptor, position)

    def is_of_issuer(self, descriptor: InputDescriptor, position: int) -> bool:
        """Tell whether the subject issued the credential itself, where ``descriptor`` asks that."""
        credential = self.credentials[position]
        return not descriptor.subject_is_issuer or credential.subject_id == credential.issuer

    def has_format(self, descriptor: InputDescriptor, position: int) -> bool:
        """Tell whether its format is one of the descriptor's and of the whole definition's."""
        for formats in (descriptor.format, self.definition.format):
            if formats is None:
                continue
            kind, ways = secured_by(self.credentials[position])
            key = (id(formats), kind, ways)
            known = self._formats.get(key)
            if known is None:
                known = self._formats[key] = _accepts(formats, kind, ways)
            if not known:
                return False
        return True

    def claims(self, descriptor: InputDescriptor, position: int) -> dict[str, Claim]:
        """Return what a credential that fits ``descriptor`` yields: field id to value."""
        return {field.id: self.outcome(field, position) for field in descriptor.fields if field.id is not None}

    def outcome(self, field: Field, position: int) -> Any:
        """Return the claim that ``field`` yields, or a `Misfit`.

        Raises:
            MalformedError: the definition takes too much work.
        """
        outcomes = self._outcomes.get(field.key)
        if outcomes is None:
            outcomes = self._outcomes[field.key] = [_Unknown.UNKNOWN] * len(self.credentials)
        known = outcomes[position]
        if known is _Unknown.UNKNOWN:
            known = outcomes[position] = self._look(field, position)
        return known

    def value(self, path: Path, position: int) -> Any:
        """Return what ``path`` finds in the credential at ``position``, or `ABSENT`.

        Raises:
            MalformedError: the definition takes too much work.
        """
        values = self._values.get(path.text)
        if values is None:
            values = self._values[path.text] = [_Unknown.UNKNOWN] * len(self.credentials)
        known = values[position]
        if known is _Unknown.UNKNOWN:
            self.work.spend(PATH_STEP * len(path.steps) * (self._size(position) if path.is_wild else 1))
            known = values[position] = self._find(path, position)
        return known

    def _find(self, path: Path, position: int) -> Any:
        if not path.is_wild and path.root is not None:
            member = quick_member(self.credentials[position], path.root)
            if member is not ABSENT:
                return path.find_below(member)
        return path.find(self._view(position))

    def _view(self, position: int) -> Mapping[str, Any]:
        view = self._views[position]
        if view is None:
            view = self._views[position] = self.credentials[position].evaluation_view()
        return view

    def _look(self, field: Field, position: int) -> Any:
        """The first path that leads to a fitting value decides."""
        misfit = Misfit.NOTHING
        for path in field.paths:
            value = self.value(path, position)
            if value is ABSENT or value is None:
                continue
            claim = value if field.filter is None else self._claim(field, field.filter, value)
            if claim is not ABSENT:
                return claim
            misfit = Misfit.OTHER
        return None if field.optional and misfit is Misfit.NOTHING else misfit

    def _claim(self, field: Field, asked: Filter, value: Any) -> Any:
        """What a value yields; the same text occurs in many credentials, an issuer most of all."""
        if not isinstance(value, str):
            return asked.claim(value, self.work.spend)
        claims = self._claims.setdefault(field.key, {})
        known = claims.get(value, _Unknown.UNKNOWN)
        if known is _Unknown.UNKNOWN:
            known = claims[value] = asked.claim(value, self.work.spend)
        return known

    def _size(self, position: int) -> int:
        """Values in the credential; its depth was limited when it was parsed."""
        known = self._sizes.get(position)
        if known is None:
            left: list[Any] = [self._view(position)]
            known = 0
            while left:
                value = left.pop()
                known += 1
                if isinstance(value, dict):
                    left.extend(value.values())
                elif isinstance(value, list):
                    left.extend(value)
            self._sizes[position] = known
        return known


def quick_member(credential: SignedCredential, name: str) -> Any:
    """Return a member of the evaluation view without making the view, which takes ten times as long; `ABSENT` is "make it"."""
    if credential.jws is None:
        return ABSENT
    match name:
        case "credentialSubject":
            return list(credential.subjects)
        case "issuer":
            return credential.issuer
        case "type":
            return list(credential.types)
        case _:
            return ABSENT


def secured_by(credential: SignedCredential) -> tuple[str, frozenset[str]]:
    """Return the format and how the credential is signed: the algorithm, or the type of its proof; nothing when unsigned."""
    if credential.jws is not None:
        return credential.format, frozenset({credential.jws.alg})
    return credential.format, frozenset({PROOF_TYPE} if credential.has_proof else ())


def _accepts(formats: Formats, kind: str, ways: frozenset[str]) -> bool:
    lists = formats.get(kind)
    if lists is None:
        return False
    # Without a proof there is no type to compare: it only has to be JSON-LD.
    return not ways or not ways.isdisjoint(lists.get("alg" if kind == "jwt_vc" else "proof_type", ()))
