"""Choosing credentials that satisfy a presentation definition, the way nuts-node chooses (WIRE §2.15).

Descriptors in order, for each the FIRST credential in wallet order that fits. Both sides run this, the holder over a wallet
and the verifier over what it received, and they have to come to the same choice. Therefore the chosen credentials keep wallet
order, and the choice is repeated over itself until it stands: what is sent is what the verifier's own run selects.

What a field sees is the credential's evaluation view: a JWT credential with arrays (``$.credentialSubject[0].x``), a JSON-LD
one collapsed (``$.credentialSubject.x``).

Different from nuts-node only where it refuses or crashes: an index beyond an array, a filter on an object, an array without a
fitting element don't abort the whole match but make this path not fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from credentials.errors import CredentialError, MalformedError
from credentials.query.definition import Field, Filter, Formats, InputDescriptor, PresentationDefinition
from credentials.query.paths import ABSENT
from credentials.query.patterns import Pattern
from credentials.query.requirements import UnmetRequirementError, choose
from credentials.vc.credential import SignedCredential

MAX_STEPS: Final = 50_000_000
"""Pattern steps (instructions times characters) of one match: some tenths of a second. A stranger chooses what we look for."""
PATH_STEP: Final = 200
"""What one step of a path counts for, per place it visits."""

Claim = Any
"""What a field yields: a JSON value, usually text; None for an optional field that is absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one credential doesn't fit one descriptor; holds no values of the credential.

    Attributes:
        descriptor_id: what was asked.
        credential_id: which credential was tried.
        types: its types.
        paths: paths of the field that failed; empty when it was not a field.
        reason: a sentence.
    """

    descriptor_id: str
    credential_id: str
    types: tuple[str, ...]
    paths: tuple[str, ...]
    reason: str


class NoMatch(CredentialError):  # noqa: N818  # the outcome, as callers say it
    """The credentials at hand don't satisfy a definition.

    Attributes:
        missing: descriptors without a credential, in order.
        explanations: per descriptor and credential, why not.
    """

    def __init__(self, message: str, missing: tuple[str, ...], explanations: tuple[Explanation, ...]) -> None:
        super().__init__(message)
        self.missing = missing
        self.explanations = explanations


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Credentials that satisfy a definition.

    Attributes:
        selected: descriptor id and its credential, in descriptor order; one credential may serve several.
        credentials: the chosen credentials, each once, in wallet order: put these in the presentation, in this order.
        claims: field id to value, over all chosen credentials.
        origins: field id to the credential it was read from.
    """

    selected: tuple[tuple[str, SignedCredential], ...]
    credentials: tuple[SignedCredential, ...]
    claims: Mapping[str, Claim]
    origins: Mapping[str, SignedCredential]


class _MismatchError(Exception):
    """This credential doesn't fit this descriptor; never leaves the module."""

    def __init__(self, reason: str, paths: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.paths = paths


class _Work:
    """Counts what we do, so that no definition keeps us busy for long."""

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise MalformedError("presentation definition takes too much work")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One credential as the definition sees it, made once per match."""

    credential: SignedCredential
    view: Mapping[str, Any]
    size: int

    @classmethod
    def of(cls, credential: SignedCredential) -> Self:
        view = credential.evaluation_view()
        return cls(credential, view, _size(view))


_Fits = dict[str, tuple[_Candidate, dict[str, Claim]]]


def match_wallet(definition: PresentationDefinition, credentials: Sequence[SignedCredential]) -> Match:
    """Choose credentials.

    Args:
        definition: what is asked.
        credentials: what there is, all of one holder, in the order of preference; whether they are verified is the caller's
            business and does not change the choice.

    Raises:
        NoMatch: the definition can't be satisfied.
        MalformedError: the patterns take too much work.
    """
    work = _Work()
    candidates = [_Candidate.of(credential) for credential in credentials]
    while True:
        fits = _choose(definition, candidates, work)
        chosen = [candidate for candidate in candidates if any(candidate is fit for fit, _ in fits.values())]
        if len(chosen) == len(candidates):
            break
        candidates = chosen  # a smaller wallet may fit differently: go on until the choice selects itself
    return _as_match(definition, fits, candidates)


def explain(definition: PresentationDefinition, credentials: Sequence[SignedCredential]) -> tuple[Explanation, ...]:
    """Say, per descriptor and credential, why they don't fit; a pair that fits has no entry.

    Raises:
        MalformedError: the patterns take too much work.
    """
    work = _Work()
    explanations = []
    candidates = [_Candidate.of(credential) for credential in credentials]
    for descriptor in definition.input_descriptors:
        for candidate in candidates:
            try:
                _fit(definition, descriptor, candidate, work)
            except _MismatchError as mismatch:
                explanations.append(_explained(descriptor, candidate.credential, mismatch))
    return tuple(explanations)


def _choose(definition: PresentationDefinition, candidates: Sequence[_Candidate], work: _Work) -> _Fits:
    """One round: the first fitting candidate per descriptor, then the requirements."""
    fits: _Fits = {}
    explanations: list[Explanation] = []
    for descriptor in definition.input_descriptors:
        for candidate in candidates:
            try:
                fits[descriptor.id] = candidate, _fit(definition, descriptor, candidate, work)
                break
            except _MismatchError as mismatch:
                explanations.append(_explained(descriptor, candidate.credential, mismatch))
    missing = tuple(each.id for each in definition.input_descriptors if each.id not in fits)
    relevant = tuple(each for each in explanations if each.descriptor_id in missing)
    if not definition.submission_requirements:
        if missing:
            raise NoMatch(f"no credential fits input descriptor {', '.join(missing)}", missing, relevant)
        return fits
    members = [(each.id, each.groups, each.id in fits) for each in definition.input_descriptors]
    try:
        picked = choose(definition.submission_requirements, members)
    except UnmetRequirementError as unmet:
        raise NoMatch(str(unmet), missing, relevant) from unmet
    # A credential that is shown anyway also counts for the other descriptors it fits (nuts-node maps those too).
    shown = [fits[each][0] for each in picked]
    return {each: fit for each, fit in fits.items() if any(fit[0] is candidate for candidate in shown)}


def _as_match(definition: PresentationDefinition, fits: _Fits, candidates: Sequence[_Candidate]) -> Match:
    claims: dict[str, Claim] = {}
    origins: dict[str, SignedCredential] = {}
    for candidate, values in fits.values():
        for identifier, value in values.items():
            if claims.get(identifier) is None:
                claims[identifier] = value
                origins[identifier] = candidate.credential
            elif value is not None and value != claims[identifier]:
                raise NoMatch(f"two credentials disagree on field {identifier}", (), ())
    return Match(
        selected=tuple(
            (each.id, fits[each.id][0].credential) for each in definition.input_descriptors if each.id in fits
        ),
        credentials=tuple(candidate.credential for candidate in candidates),
        claims=claims,
        origins=origins,
    )


def _size(view: Mapping[str, Any]) -> int:
    """Values in a document; its depth was limited when it was parsed."""
    total, left = 0, [view]
    while left:
        value: Any = left.pop()
        total += 1
        if isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return total


def _explained(descriptor: InputDescriptor, credential: SignedCredential, mismatch: _MismatchError) -> Explanation:
    return Explanation(
        descriptor_id=descriptor.id,
        credential_id=credential.id,
        types=credential.types,
        paths=mismatch.paths,
        reason=mismatch.reason,
    )


def _fit(
    definition: PresentationDefinition, descriptor: InputDescriptor, candidate: _Candidate, work: _Work
) -> dict[str, Claim]:
    """Return the claims that the candidate yields for the descriptor.

    Raises:
        _MismatchError: it doesn't fit.
        MalformedError: the patterns take too much work.
    """
    credential = candidate.credential
    # (1) the format, of the descriptor and of the whole definition
    for formats in (descriptor.format, definition.format):
        if formats is not None and not _has_format(formats, credential):
            raise _MismatchError(f"format {credential.format} is not asked for with this algorithm or proof type")
    # (2) who issued it
    if descriptor.subject_is_issuer and credential.subject_id != credential.issuer:
        raise _MismatchError("the subject did not issue it itself")
    # (3) every field
    claims: dict[str, Claim] = {}
    for field in descriptor.fields:
        value = _field_value(field, candidate, work)
        if field.id is not None:
            claims[field.id] = value
    return claims


def _has_format(formats: Formats, credential: SignedCredential) -> bool:
    lists = formats.get(credential.format)
    if lists is None:
        return False
    if credential.jws is not None:
        return credential.jws.alg in lists.get("alg", ())
    # Without a proof there is no type to compare: it only has to be JSON-LD.
    return not credential.has_proof or not _proof_types(credential).isdisjoint(lists.get("proof_type", ()))


def _proof_types(credential: SignedCredential) -> frozenset[str]:
    proofs = credential.body.get("proof")
    return frozenset(
        str(proof.get("type"))
        for proof in (proofs if isinstance(proofs, list) else [proofs])
        if isinstance(proof, Mapping)
    )


def _field_value(field: Field, candidate: _Candidate, work: _Work) -> Claim:
    """The first path that leads to a fitting value decides."""
    reason = "nothing there"
    for path in field.paths:
        work.spend(PATH_STEP * len(path.steps) * (candidate.size if path.is_wild else 1))
        value = path.find(candidate.view)
        if value is ABSENT or value is None:
            continue
        if field.filter is None:
            return value
        fitting = _filtered(field.filter, value, work)
        if fitting is not ABSENT:
            return fitting
        reason = _wanted(field.filter)
    if field.optional and reason == "nothing there":
        return None
    raise _MismatchError(reason, tuple(path.text for path in field.paths))


def _wanted(asked: Filter) -> str:
    if asked.enum is not None:
        return "the value is not one of the enum"
    if asked.type is None:
        return "the filter has no type, so no value passes it"
    if asked.const is not None:
        return f"the value is not the {asked.type} asked for"
    if asked.pattern is not None:
        return "the value does not fit the pattern"
    return f"the value is not a {asked.type}"


def _filtered(asked: Filter, value: Any, work: _Work) -> Any:
    """The claim a value yields, or `ABSENT` when it doesn't pass.

    An array passes with any element, and is then the claim as a whole.
    """
    if isinstance(value, list):
        for element in value:
            if not isinstance(element, list | Mapping) and _filtered(asked, element, work) is not ABSENT:
                return value
        return ABSENT
    if asked.enum is not None:
        return value if isinstance(value, str) and value in asked.enum else ABSENT
    match value:
        case bool():
            return value if asked.type == "boolean" and asked.const is None else ABSENT
        case int() | float():
            return value if asked.type == "number" and asked.const is None else ABSENT
        case str() if asked.type == "string" and asked.const in {None, value}:
            return value if asked.pattern is None else _captured(asked.pattern, value, work)
        case _:
            return ABSENT


def _captured(pattern: Pattern, value: str, work: _Work) -> Any:
    work.spend(pattern.cost * (len(value) + 1))
    captured = pattern.search(value)
    return ABSENT if captured is None else captured
