"""base58btc: bytes as text without look-alike characters (did:key, ids of services).

Decoding costs time with the square of the length, so the length is bounded here.
"""

from typing import Final

from credentials.errors import MalformedError

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
MAX_LENGTH: Final = 2048
"""Longest text decoded, in characters; no DID is longer."""

_DIGITS: Final = {character: number for number, character in enumerate(ALPHABET)}


def base58_encode(data: bytes) -> str:
    """Write ``data``; every leading zero byte is a ``1``."""
    number = int.from_bytes(data, "big")
    digits: list[str] = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(ALPHABET[digit])
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + "".join(reversed(digits))


def base58_decode(text: str) -> bytes:
    """Undo `base58_encode`.

    Raises:
        MalformedError: another character, or longer than `MAX_LENGTH`.
    """
    if len(text) > MAX_LENGTH:
        raise MalformedError("base58 text is too long")
    number = 0
    try:
        for character in text:
            number = number * 58 + _DIGITS[character]
    except KeyError:
        raise MalformedError("not base58") from None
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
