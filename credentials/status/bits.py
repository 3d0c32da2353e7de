"""Bit strings as text: gzip (RFC 1952) in base64url, bounded while unpacking.

Index 0 is the highest bit of the first byte. StatusList2021 is written without padding and read with or without it, in either
base64 alphabet, since its drafts disagree; Bitstring Status List 1.0 puts the multibase letter ``u`` in front.
"""

import gzip
import zlib
from collections.abc import Iterable
from typing import Final

from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import MalformedError

MIN_LIST_BYTES: Final = 16_384
"""Shortest list, 131,072 entries: both specifications demand it, so that a look-up tells little about whom it is for."""
MAX_LIST_BYTES: Final = 131_072
"""Longest list read, about a million entries; what unpacks to more is a bomb to us."""
MULTIBASE_BASE64URL: Final = "u"

_GZIP: Final = zlib.MAX_WBITS | 16  # a gzip header is demanded, a bare zlib stream refused
_TO_URL: Final = str.maketrans("+/", "-_")


def encode_bits(bits: bytes, *, multibase: bool = False) -> str:
    """Write a bit string; the same bits always give the same text.

    Args:
        bits: uncompressed.
        multibase: whether to put ``u`` in front, as Bitstring Status List 1.0 wants.
    """
    return MULTIBASE_BASE64URL * multibase + b64url_encode(gzip.compress(bits, mtime=0))


def decode_bits(text: str, *, multibase: bool = False) -> bytes:
    """Read a bit string of a stranger. At most `MAX_LIST_BYTES` are ever unpacked.

    Args:
        text: as in ``encodedList``.
        multibase: whether ``u`` has to stand in front.

    Raises:
        MalformedError: another encoding, not exactly one whole gzip member, or a list that is too short or too long.
    """
    # (1) base64, with at most the padding that belongs there
    if multibase:
        if not text.startswith(MULTIBASE_BASE64URL):
            raise MalformedError("encodedList does not start with u")
        text = text.removeprefix(MULTIBASE_BASE64URL)
    bare = text.rstrip("=")
    if len(bare) != len(text) and (multibase or len(text) % 4 or len(text) - len(bare) > 2):  # noqa: PLR2004  # RFC 4648 §4
        raise MalformedError("encodedList has padding where none belongs")
    packed = b64url_decode(bare.translate(_TO_URL))
    # (2) one gzip member, never unpacking more than a list may have
    unpacking = zlib.decompressobj(_GZIP)
    try:
        bits = unpacking.decompress(packed, MAX_LIST_BYTES + 1)
    except zlib.error:
        raise MalformedError("encodedList is not gzip") from None
    if len(bits) > MAX_LIST_BYTES:
        raise MalformedError(f"encodedList unpacks to more than {MAX_LIST_BYTES} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedError("encodedList is not one whole gzip member")
    # (3) long enough to hide in
    if len(bits) < MIN_LIST_BYTES:
        raise MalformedError(f"encodedList unpacks to less than {MIN_LIST_BYTES} bytes")
    return bits


def bits_with(indexes: Iterable[int], *, size: int = MIN_LIST_BYTES) -> bytes:
    """A bit string of ``size`` bytes in which exactly ``indexes`` are set.

    Raises:
        ValueError: an index lies outside.
    """
    bits = bytearray(size)
    for index in indexes:
        if not 0 <= index < size * 8:
            raise ValueError(f"a list of {size} bytes has no index {index}")
        bits[index // 8] |= 0x80 >> index % 8
    return bytes(bits)


def is_set(bits: bytes, index: int) -> bool:
    """Whether the bit at ``index`` is set.

    Raises:
        MalformedError: the list has no such index.
    """
    if not 0 <= index < len(bits) * 8:
        raise MalformedError("statusListIndex lies outside the list")
    return bool(bits[index // 8] & 0x80 >> index % 8)
