"""The numbers by which people and organisations are known, and FHIR's own ids (LANDSCAPE.md §2.3, §6.2).

Recognising a citizen service number (BSN) lives here so that every place that must refuse one in a URL, or compare one
with what came back, means the same thing. ASCII digits only: look-alike digits of other scripts are no digits.
"""

import re

BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"
BSN_SYSTEMS = frozenset({BSN_SYSTEM, "urn:oid:2.16.840.1.113883.2.4.6.3"})
"""The naming system and its legacy OID: a record may carry either."""
BSN_MARKS = ("fhir.nl/fhir/namingsystem/bsn", "2.16.840.1.113883.2.4.6.3")
"""What gives a BSN away in a URL, in lower case."""

URA_SYSTEM = "http://fhir.nl/fhir/NamingSystem/ura"
URA_SYSTEMS = frozenset({URA_SYSTEM, "urn:oid:2.16.528.1.1007.3.3"})
URA_DIGITS = 8

_BSN_DIGITS = 9
_BSN_PATTERN = re.compile(r"[0-9]{9}\Z")
_URA_PATTERN = re.compile(r"[0-9]{1,8}\Z")
_FHIR_ID_PATTERN = re.compile(r"(?=[.\-]*[A-Za-z0-9])[A-Za-z0-9.\-]{1,64}\Z")
_TYPE_PATTERN = re.compile(r"[A-Z][A-Za-z]{0,63}\Z")


def is_bsn(text: str) -> bool:
    """Tell whether ``text`` is nine ASCII digits that pass the eleven test (elfproef)."""
    if _BSN_PATTERN.match(text) is None or text == "0" * _BSN_DIGITS:
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(weight * int(digit) for weight, digit in zip(weights, text, strict=True)) % 11 == 0


def is_fhir_id(text: str) -> bool:
    """Tell whether ``text`` may stand as a logical id in a path.

    FHIR's own grammar admits ``.`` and ``..``; those would climb out of the path, so one letter or digit is demanded.
    """
    return _FHIR_ID_PATTERN.match(text) is not None


def is_resource_type(text: str) -> bool:
    """Tell whether ``text`` has the shape of a FHIR resource type."""
    return _TYPE_PATTERN.match(text) is not None


def normal_ura(text: str) -> str | None:
    """Return an URA number as eight digits, zero-padded; ``None`` when it is no URA number."""
    return text.zfill(URA_DIGITS) if _URA_PATTERN.match(text) else None
