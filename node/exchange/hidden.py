"""What a page may hold where no rule looks: a reference to somebody else in a note or an extension, a resource inside another.

The tables of patient fields (``patient_fields.py``) name the places where FHIR puts patients; annotations, extensions, forms without
end and members that nobody knows are further ones. So the text of the whole page is searched, after all that is listed was checked:
every ``reference`` to a Patient, by address or by number, and every ``resourceType``, must be one that was checked, or one of ours.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from node.exchange.references import Bases, read_reference
from node.usecases.identifiers import BSN_SYSTEMS

_REFERENCE = re.compile(rb'"reference"\s*:\s*"([^"]*)"')
_RESOURCE = b'"resourceType"'
_RESOURCE_MEMBER = re.compile(rb'"resourceType"\s*:')  # inside a string its quotes would be escaped
_IDENTIFIER = re.compile(r'"identifier"\s*:\s*\{')  # of a reference; those of a resource stand in a list
_NUMBERS = (b"/bsn", b"2.16.840.1.113883.2.4.6.3")
_READER = json.JSONDecoder()
_OF_A_PATIENT = re.compile(r"Patient[/?]")


class _Holding(msgspec.Struct, frozen=True, gc=False):
    contained: tuple[msgspec.Raw, ...] = ()


_HOLDING = msgspec.json.Decoder(_Holding)


def names_another_patient(body: bytes, *, ids: frozenset[str], known: Iterable[str], bases: Bases) -> bool:
    """Tell whether a reference anywhere in ``body`` leads to a Patient that is not ours.

    Args:
        body: JSON, already decoded once, so that it is known to be some.
        ids: logical ids of our patient.
        known: references that were looked at elsewhere, as they stand: other records of the same person.
        bases: addresses of the server that answered.
    """
    found = set(_REFERENCE.findall(body))
    return any(
        text not in known and _leads_to_another(text, ids, bases)
        for text in (_decoded(raw) for raw in found if b"Patient" in raw or b"\\" in raw)
    )


def names_another_number(body: bytes, *, bsn: str) -> bool:
    """Tell whether a reference anywhere in ``body`` names somebody by another citizen service number.

    Args:
        body: JSON, already decoded once.
        bsn: of our patient.
    """
    if not any(mark in body for mark in _NUMBERS):
        return False
    text = body.decode()
    for found in _IDENTIFIER.finditer(text):
        identifier, _ = _READER.raw_decode(text, found.end() - 1)
        if identifier.get("system") in BSN_SYSTEMS and identifier.get("value") != bsn:
            return True
    return False


def holds_more(body: bytes, *, around: int, resources: Sequence[Any]) -> bool:
    """Tell whether more resources stand in ``body`` than the checked ones, what they contain, and ``around`` more.

    Args:
        body: JSON, already decoded once.
        around: a Bundle, and outcomes, which hold none.
        resources: JSON of those that were checked.
    """
    if body.count(_RESOURCE) == around + len(resources):
        return False
    counted = sum(1 + _contained_in(raw) for raw in resources)
    return len(_RESOURCE_MEMBER.findall(body)) != around + counted


def _contained_in(raw: bytes | msgspec.Raw) -> int:
    """Count what is contained, at any depth; how deep that may be was checked before."""
    return sum(1 + _contained_in(each) for each in _HOLDING.decode(raw).contained)


def _leads_to_another(text: str, ids: frozenset[str], bases: Bases) -> bool:
    target = read_reference(text, bases)
    if target.kind == "foreign":
        return _OF_A_PATIENT.search(text) is not None
    return target.kind == "local" and target.type == "Patient" and target.id not in ids


def _decoded(raw: bytes) -> str:
    """Return a JSON string's text; what an escaped quote cut short is read as it stands."""
    if b"\\" not in raw:
        return raw.decode()
    try:
        return msgspec.json.decode(b'"' + raw + b'"', type=str)
    except msgspec.MsgspecError:
        return raw.decode()
