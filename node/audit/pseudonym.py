"""A citizen in our books: a keyed pseudonym instead of a citizen number (LANDSCAPE §6.6).

``k1.`` + base64url of the first 16 bytes of HMAC-SHA-256 over ``bsn|<9 digits>``, under a 256-bit key of this organisation
alone (vault secret ``pseudonym``), so that the logs of two organisations can not be joined on it. ``k1`` names the key: when it
is ever rotated the old one stays, for the old records.
"""

import hashlib
import hmac
import re

from credentials.encoding import b64url_encode

BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"
"""FHIR system of a citizen number (LANDSCAPE §2.3)."""

PREFIX = "k1."
_BYTES = 16
_NINE_DIGITS = re.compile(r"[0-9]{9}\Z")
_RUN_OF_NINE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9])[0-9]{9}(?![0-9])"
)  # a UUID is passed over whole: nine digits within one are nobody's number
_PSEUDONYM = re.compile(r"k1\.[A-Za-z0-9_-]{22}\Z")
_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
"""Weights of the elfproef; the weighted sum is a multiple of 11."""

REDACTED = "[bsn]"


def is_bsn(text: str) -> bool:
    """Say whether ``text`` is a citizen number: nine ASCII digits that pass the elfproef, not all zero."""
    if _NINE_DIGITS.match(text) is None or text == "000000000":
        return False
    return sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=True)) % 11 == 0


def holds_bsn(text: str) -> bool:
    """Say whether a citizen number stands anywhere in ``text`` as a run of exactly nine digits."""
    return any(is_bsn(run) for run in _RUN_OF_NINE.findall(text))


def redact_bsn(text: str) -> str:
    """Return ``text`` with every citizen number in it replaced by ``[bsn]``."""
    return _RUN_OF_NINE.sub(lambda run: REDACTED if is_bsn(run[0]) else run[0], text)


def is_pseudonym(text: str) -> bool:
    """Say whether ``text`` has the form of a pseudonym; says nothing about whose it is."""
    return _PSEUDONYM.match(text) is not None


def pseudonym(secret: bytes, bsn: str) -> str:
    """Return the pseudonym of the citizen with number ``bsn``.

    Args:
        secret: 32 bytes, the vault's ``pseudonym``.
        bsn: nine digits. The elfproef is the caller's business: a source may hold a number that fails it.

    Raises:
        ValueError: not nine ASCII digits; the message does not repeat them.
    """
    if _NINE_DIGITS.match(bsn) is None:
        raise ValueError("a citizen number has nine digits")
    digest = hmac.digest(secret, b"bsn|" + bsn.encode("ascii"), hashlib.sha256)
    return PREFIX + b64url_encode(digest[:_BYTES])
