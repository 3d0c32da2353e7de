"""Selection by field id: which of several fitting credentials is meant (nuts-node's ``credential_selection``).

A wallet holds one PatientEnrollmentCredential per patient, all of which fit; the caller names one by what a field yields:
``{"patient_id": "123456789"}``. It narrows the choice of every descriptor that has a field with this id, and has to leave one
credential there. Unlike nuts-node, where two definitions are answered with one selection each takes the keys that it knows, and a
key has to be known to one of them (issue 4253 of nuts-node).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from credentials.errors import MalformedError
from credentials.query.definition import InputDescriptor, PresentationDefinition

MAX_SELECTION: Final = 32
"""Keys of one selection."""
MAX_SELECTED_LENGTH: Final = 1_024
"""Characters of one value."""


def check_selection(selection: Mapping[str, str], definitions: Iterable[PresentationDefinition]) -> None:
    """Check that a selection can narrow anything.

    Args:
        selection: field id to the text its claim has to be.
        definitions: all that will be answered with it.

    Raises:
        MalformedError: too large, or a key that no definition has a field for; the message names the fields that there are,
            since the wrong patient's credential would be shown if a misspelt key were passed over.
    """
    if len(selection) > MAX_SELECTION or any(len(value) > MAX_SELECTED_LENGTH for value in selection.values()):
        raise MalformedError(f"credential selection has more than {MAX_SELECTION} keys, or a value that is too long")
    known = {
        field.id
        for definition in definitions
        for descriptor in definition.input_descriptors
        for field in descriptor.fields
        if field.id is not None
    }
    if not selection.keys() <= known:
        names = ", ".join(sorted(known)) or "none"
        raise MalformedError(f"credential selection has a key that no field is called; there are: {names}"[:500])


def wanted_of(descriptor: InputDescriptor, selection: Mapping[str, str]) -> Mapping[str, str]:
    """Return the part of ``selection`` that narrows ``descriptor``; empty when it doesn't."""
    names = [field.id for field in descriptor.fields if field.id is not None]
    return {name: selection[name] for name in names if name in selection}


def is_selected(claims: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Tell whether all claims are the texts wanted."""
    return all(_text(claims[name]) == text for name, text in wanted.items())


def _text(claim: Any) -> str | None:
    """The claim as nuts-node compares it: numbers without exponent; None for arrays, objects and what is absent."""
    match claim:
        case str():
            return claim
        case bool():
            return "true" if claim else "false"
        case int():
            return str(claim)
        case float():
            plain = format(Decimal(repr(claim)), "f")
            return plain.rstrip("0").rstrip(".") if "." in plain else plain
        case _:
            return None
