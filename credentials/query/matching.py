"""Choosing credentials that satisfy a presentation definition, the way nuts-node chooses (WIRE §2.15).

Descriptors in order, for each the FIRST credential in wallet order that fits. Both sides run this, the holder over a wallet
and the verifier over what it received, and they have to come to the same choice. Therefore the chosen credentials keep wallet
order, and the choice is repeated over itself until it stands: what is sent is what the verifier's own run selects. A selection
by field id (`credentials.query.selection`) narrows the holder's choice; where the verifier's run would then find another one first,
the selected credentials go in front, and if that doesn't help nothing is sent.

Different from nuts-node only where it refuses or crashes: an index beyond an array, a filter on an object, an array without a
fitting element don't abort the whole match but make this path not fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from credentials.errors import CredentialError
from credentials.query.candidates import Candidates, Claim
from credentials.query.definition import InputDescriptor, PresentationDefinition
from credentials.query.explanation import Explanation, explain_some
from credentials.query.requirements import UnmetRequirementError, choose
from credentials.query.selection import is_selected, wanted_of
from credentials.vc.credential import SignedCredential

_EVERYTHING: Final[Mapping[str, str]] = MappingProxyType({})

_Fits = dict[str, int]
"""Descriptor id to the position of its credential."""


class NoMatch(CredentialError):  # noqa: N818  # the outcome, as callers say it
    """The credentials at hand don't satisfy a definition.

    Attributes:
        missing: descriptors without a credential, in order.
        explanations: per descriptor and credential, why not; the first ones of a large wallet.
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
        credentials: the chosen credentials, each once: put these in the presentation, in this order.
        claims: field id to value, over all chosen credentials.
        origins: field id to the credential it was read from.
    """

    selected: tuple[tuple[str, SignedCredential], ...]
    credentials: tuple[SignedCredential, ...]
    claims: Mapping[str, Claim]
    origins: Mapping[str, SignedCredential]


def match_wallet(
    definition: PresentationDefinition,
    credentials: Sequence[SignedCredential],
    *,
    selection: Mapping[str, str] = _EVERYTHING,
) -> Match:
    """Choose credentials.

    Args:
        definition: what is asked.
        credentials: what there is, all of one holder, in the order of preference; whether they are verified is the caller's
            business and does not change the choice.
        selection: field id to the text its claim has to be; keys that this definition has no field for are passed over
            (`credentials.query.selection.check_selection` is for those).

    Raises:
        NoMatch: the definition can't be satisfied, or ``selection`` leaves none or several.
        MalformedError: the definition takes too much work.
    """
    candidates = Candidates(definition, credentials)
    everything = range(len(credentials))
    fits, order = _settle(candidates, everything, selection)
    narrowed = [each.id for each in definition.input_descriptors if wanted_of(each, selection)]
    if narrowed and _settle(candidates, order, _EVERYTHING)[0] != fits:
        first = [position for position in everything if any(fits.get(name) == position for name in narrowed)]
        rest = [position for position in everything if position not in first]
        fits, order = _settle(candidates, [*first, *rest], selection)
        if _settle(candidates, order, _EVERYTHING)[0] != fits:
            raise NoMatch(
                "the verifier would not find the selected credentials: others that it asks for fit too", (), ()
            )
    return _as_match(candidates, fits, order)


def _settle(candidates: Candidates, order: Sequence[int], selection: Mapping[str, str]) -> tuple[_Fits, Sequence[int]]:
    """Choose until the choice selects itself: a smaller wallet may fit differently."""
    while True:
        fits = _choose(candidates, order, selection)
        used = set(fits.values())
        chosen = [position for position in order if position in used]
        if len(chosen) == len(order):
            return fits, order
        order = chosen


def _choose(candidates: Candidates, order: Sequence[int], selection: Mapping[str, str]) -> _Fits:
    """One round: the first fitting candidate per descriptor, then the requirements."""
    definition = candidates.definition
    fits: _Fits = {}
    for descriptor in definition.input_descriptors:
        position = _first(candidates, descriptor, order, wanted_of(descriptor, selection))
        if position is not None:
            fits[descriptor.id] = position
    missing = tuple(each for each in definition.input_descriptors if each.id not in fits)
    if not definition.submission_requirements:
        if missing:
            raise _no_match(
                f"no credential fits input descriptor {', '.join(each.id for each in missing)}", missing, candidates
            )
        return fits
    members = [(each.id, each.groups, each.id in fits) for each in definition.input_descriptors]
    try:
        picked = choose(definition.submission_requirements, members)
    except UnmetRequirementError as unmet:
        raise _no_match(str(unmet), missing, candidates) from unmet
    # A credential that is shown anyway also counts for the other descriptors it fits (nuts-node maps those too).
    shown = {fits[each] for each in picked}
    return {each: position for each, position in fits.items() if position in shown}


def _first(
    candidates: Candidates, descriptor: InputDescriptor, order: Sequence[int], wanted: Mapping[str, str]
) -> int | None:
    """Return the first position that fits; of a descriptor that a selection narrows, the only one."""
    found: int | None = None
    for position in candidates.of_types(descriptor, order):
        if not candidates.fits(descriptor, position):
            continue
        if not wanted:
            return position
        if is_selected(candidates.claims(descriptor, position), wanted):
            if found is not None:
                raise NoMatch(f"the selection leaves several credentials for input descriptor {descriptor.id}", (), ())
            found = position
    return found


def _no_match(message: str, missing: tuple[InputDescriptor, ...], candidates: Candidates) -> NoMatch:
    return NoMatch(message, tuple(each.id for each in missing), explain_some(candidates, missing))


def _as_match(candidates: Candidates, fits: _Fits, order: Sequence[int]) -> Match:
    claims: dict[str, Claim] = {}
    origins: dict[str, SignedCredential] = {}
    answered = [each for each in candidates.definition.input_descriptors if each.id in fits]
    for descriptor in answered:
        position = fits[descriptor.id]
        for identifier, value in candidates.claims(descriptor, position).items():
            if claims.get(identifier) is None:
                claims[identifier] = value
                origins[identifier] = candidates.credentials[position]
            elif value is not None and value != claims[identifier]:
                raise NoMatch(f"two credentials disagree on field {identifier}", (), ())
    return Match(
        selected=tuple((each.id, candidates.credentials[fits[each.id]]) for each in answered),
        credentials=tuple(candidates.credentials[position] for position in order),
        claims=claims,
        origins=origins,
    )
