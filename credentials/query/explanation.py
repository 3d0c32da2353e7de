"""Why a credential doesn't fit: one sentence per input descriptor and credential, for whoever has to do something about it.

A sentence names the path, what was asked and what kind of value is there instead, never the value: explanations end up in logs and
audit records. The first reason is given that a person would look at: another type of credential, then another format, then the
field that fails.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from credentials.errors import MalformedError
from credentials.query.candidates import Candidates, Misfit, secured_by
from credentials.query.definition import Field, Formats, InputDescriptor, PresentationDefinition
from credentials.query.filters import Bounds, Filter, Scalar
from credentials.query.paths import ABSENT
from credentials.vc.credential import SignedCredential

MAX_EXPLANATIONS: Final = 256
"""Explanations that an error carries; `explain` gives all."""
MAX_QUOTED: Final = 80
"""Characters quoted of a value or pattern that a definition asks for."""
MAX_LISTED: Final = 5
"""Values quoted of an ``enum``."""

_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "true or false"),
    (str, "a text"),
    (int, "a number"),
    (float, "a number"),
    (list, "an array"),
    (dict, "an object"),
)
_TYPE_NAMES: Final = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "an array",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one credential doesn't fit one descriptor; holds no values of the credential.

    Attributes:
        descriptor_id: what was asked.
        position: of the credential among those tried.
        credential_id: which credential was tried.
        types: its types.
        field_id: what the claim would have been called; None when the field has no name, or it was not a field.
        paths: paths of the field that failed; empty when it was not a field.
        reason: a sentence.
    """

    descriptor_id: str
    position: int
    credential_id: str
    types: tuple[str, ...]
    field_id: str | None
    paths: tuple[str, ...]
    reason: str


def explain(definition: PresentationDefinition, credentials: Sequence[SignedCredential]) -> tuple[Explanation, ...]:
    """Say, per descriptor and credential, why they don't fit; a pair that fits has no entry.

    Raises:
        MalformedError: the definition takes too much work.
    """
    return tuple(_explained(Candidates(definition, credentials), definition.input_descriptors))


def explain_some(candidates: Candidates, descriptors: Sequence[InputDescriptor]) -> tuple[Explanation, ...]:
    """Explain as much as an error carries; less when the definition takes too much work."""
    found: list[Explanation] = []
    try:
        for each in _explained(candidates, descriptors):
            found.append(each)
            if len(found) == MAX_EXPLANATIONS:
                break
    except MalformedError:  # there is an error to raise already, and what was found helps
        pass
    return tuple(found)


def _explained(candidates: Candidates, descriptors: Sequence[InputDescriptor]) -> Iterator[Explanation]:
    for descriptor in descriptors:
        for position, credential in enumerate(candidates.credentials):
            misfit = _misfit(candidates, descriptor, position)
            if misfit is None:
                continue
            field, reason = misfit
            yield Explanation(
                descriptor_id=descriptor.id,
                position=position,
                credential_id=credential.id,
                types=credential.types,
                field_id=None if field is None else field.id,
                paths=() if field is None else tuple(path.text for path in field.paths),
                reason=reason,
            )


def _misfit(candidates: Candidates, descriptor: InputDescriptor, position: int) -> tuple[Field | None, str] | None:
    """Return the first thing that is wrong and the field it is about; None when everything fits."""
    credential = candidates.credentials[position]
    is_other_type = descriptor.types is not None and descriptor.types.isdisjoint(credential.types)
    # (1) the format, unless it is another credential altogether
    if not is_other_type and not candidates.has_format(descriptor, position):
        return None, _format_sentence(credential, descriptor.format, candidates.definition.format)
    # (2) who issued it
    if not is_other_type and not candidates.is_of_issuer(descriptor, position):
        return None, "it was issued by somebody else, and only what the subject says of itself is asked for"
    # (3) the fields, the type first
    fields = descriptor.fields
    if is_other_type:
        fields = tuple(sorted(fields, key=lambda field: not _is_about_type(field)))
    for field in fields:
        outcome = candidates.outcome(field, position)
        if outcome is Misfit.NOTHING:
            return field, _nothing_sentence(field, credential)
        if outcome is Misfit.OTHER and field.filter is not None:  # without a filter every value fits
            return field, _value_sentence(field, field.filter, candidates, position)
    return None


def _is_about_type(field: Field) -> bool:
    return all(path.steps[:1] == ("type",) for path in field.paths)


def _format_sentence(credential: SignedCredential, *asked: Formats | None) -> str:
    kind, ways = secured_by(credential)
    signed = f"signed with {_listed(sorted(ways))}" if ways else "not signed"
    wanted = next(formats for formats in asked if formats is not None and not _takes(formats, kind, ways))
    accepted = [
        f"{name} with {_listed([one for values in lists.values() for one in values])}"
        for name, lists in sorted(wanted.items())
        if name.endswith("_vc")
    ]
    return f"its format is {kind}, {signed}; accepted: {'; '.join(accepted) or 'no format of credentials'}"


def _takes(formats: Formats, kind: str, ways: frozenset[str]) -> bool:
    lists = formats.get(kind)
    return lists is not None and (not ways or any(not ways.isdisjoint(values) for values in lists.values()))


def _nothing_sentence(field: Field, credential: SignedCredential) -> str:
    said = f"it has nothing at {_listed([path.text for path in field.paths[:MAX_LISTED]])}"
    other = _other_shape(credential)
    if all(path.is_wild or path.find(other) in (ABSENT, None) for path in field.paths):
        return said
    here = "$.credentialSubject[0]…" if credential.jws is not None else "$.credentialSubject…"
    return f"{said}; it would at a path for {credential.format} ({here}), which the definition does not list"


def _other_shape(credential: SignedCredential) -> dict[str, Any]:
    """The credential as it would look in the other format: one subject where there is an array, or the other way round."""
    subjects = list(credential.subjects)
    view = dict(credential.evaluation_view())
    return view | {"credentialSubject": subjects[0] if credential.jws is not None else subjects}


def _value_sentence(field: Field, asked: Filter, candidates: Candidates, position: int) -> str:
    """Say what is wrong with the last value that was found: the other paths lead nowhere, or to something as wrong."""
    path, value = next(
        (path, value)
        for path in reversed(field.paths)
        if (value := candidates.value(path, position)) is not ABSENT and value is not None
    )
    if asked.enum is None and asked.type is None:
        return f"the filter for {path.text} has no type, so no value passes it"
    if isinstance(value, list) and (asked.type != "array" or asked.enum is not None):
        return f"{path.text} is an array, and one of its values has to {_wanted(asked)}; none does"
    kind = next(name for of, name in _KINDS if isinstance(value, of))
    wanted_kind = "" if asked.type is None or asked.enum is not None else _TYPE_NAMES[asked.type]
    if wanted_kind and kind != wanted_kind and (kind, wanted_kind) != ("a number", "a whole number"):
        return f"{path.text} has to be {wanted_kind}; what is there is {kind}"
    return f"{path.text} has to {_wanted(asked)}; what is there is something else"


def _wanted(asked: Filter) -> str:
    """What a value has to do to pass, as an infinitive."""
    if asked.enum is not None:
        more = f" or one of {len(asked.enum) - MAX_LISTED} more" if len(asked.enum) > MAX_LISTED else ""
        return f"be {_listed([_quoted(each) for each in asked.enum[:MAX_LISTED]])}{more}"
    if asked.type is None:
        return "pass a filter without a type"
    parts = []
    if asked.const is not None:
        parts.append(f"be {_quoted(asked.const)}")
    if asked.pattern is not None:
        parts.append(f"fit the pattern {_quoted(asked.pattern.source)}")
    if asked.length is not None:
        parts.append(f"be {_bounds(asked.length)} characters long")
    if asked.size is not None:
        parts.append(f"be {_bounds(asked.size)}")
    if asked.contains is not None:
        parts.append(f"contain a value that has to {_wanted(asked.contains)}")
    return " and ".join(parts) or f"be {_TYPE_NAMES[asked.type]}"


def _bounds(bounds: Bounds) -> str:
    said = [
        f"{word} {limit}"
        for word, limit in (
            ("at least", bounds.least),
            ("at most", bounds.most),
            ("more than", bounds.above),
            ("less than", bounds.below),
        )
        if limit is not None
    ]
    return " and ".join(said)


def _quoted(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    return f'"{value}"' if len(value) <= MAX_QUOTED else f'"{value[:MAX_QUOTED]}…"'


def _listed(words: Sequence[str]) -> str:
    *most, last = words or ["nothing"]
    return f"{', '.join(most)} or {last}" if most else last
