"""Bytes as text and JSON as bytes: base64url, base64 and canonical JSON.

The decoders accept one spelling per value: no padding where none belongs, no line breaks, no stray bits at the end.
Two spellings of one signed message would otherwise slip past every comparison by text.

msgspec does the decoding: it is as strict as `binascii` in its strict mode but for stray bits, which are looked at here, and takes
a quarter of the time. Most of a presentation is base64 three times over, certificates in a header in a message in a message.
"""

import binascii
import json
from typing import Any, Final

import msgspec

from credentials.errors import MalformedError
from credentials.fields import MAX_INTEGER

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# The last character carries unused low bits, which must be zero: 4 bits after one byte, 2 bits after two.
_LAST: Final = {2: frozenset(_ALPHABET[::16]), 3: frozenset(_ALPHABET[::4])}
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_PADDING: Final = {0: "", 2: "==", 3: "="}


def b64url_encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode()


def b64url_decode(text: str) -> bytes:
    """Undo `b64url_encode`; padding, other characters and stray bits are refused.

    Raises:
        MalformedError: ``text`` is not what `b64url_encode` makes.
    """
    rest = len(text) % 4
    if rest == 1 or (rest and text[-1] not in _LAST[rest]):  # neither "-" nor "_" can be last: their low bits are set
        raise MalformedError("not base64url")
    if "+" in text or "/" in text or "=" in text:
        raise MalformedError("not base64url")
    try:
        return msgspec.convert(text.replace("-", "+").replace("_", "/") + _PADDING[rest], bytes)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise MalformedError("not base64url") from None


def b64_encode(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return binascii.b2a_base64(data, newline=False).decode()


def b64_decode(text: str) -> bytes:
    """Standard base64 with padding (RFC 4648 §4), as in ``x5c``; every other spelling is refused.

    Raises:
        MalformedError: ``text`` is not canonical base64.
    """
    pads = 2 if text.endswith("==") else int(text.endswith("="))
    if pads and text[-pads - 1 : -pads] not in _LAST[4 - pads]:
        raise MalformedError("not base64")
    try:
        return msgspec.convert(text, bytes)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise MalformedError("not base64") from None


def canonical_json(value: Any) -> bytes:
    """Write ``value`` as canonical JSON (RFC 8785), for hashing.

    Args:
        value: text, integer up to 2^53, boolean, None, list, tuple or dict with text keys.

    Raises:
        TypeError: for anything else; numbers with a fraction have no place in what we hash.
        ValueError: an integer beyond 2^53, or a text with a lone surrogate.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def _ordered(value: Any) -> Any:
    match value:
        case dict():
            if not all(isinstance(name, str) for name in value):
                raise TypeError("canonical JSON has text as member names")
            names = value if all(map(str.isascii, value)) else {name: name.encode("utf-16-be") for name in value}
            # RFC 8785 §3.2.3: by UTF-16 code units, which differs from code points beyond the basic plane
            ordered = sorted(value) if names is value else sorted(value, key=names.__getitem__)
            return {name: _ordered(value[name]) for name in ordered}
        case list() | tuple():
            return [_ordered(item) for item in value]
        case bool() | str() | None:
            return value
        case int():
            if abs(value) > MAX_INTEGER:
                raise ValueError("canonical JSON has no integers beyond 2^53")
            return value
        case _:
            raise TypeError(f"canonical JSON has no {type(value).__name__}")
