"""Bit strings: which bit is whose, both encodings, and what a stranger may not do with them."""

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import b64_encode, b64url_encode
from credentials.errors import MalformedError
from credentials.status.bits import (
    MAX_LIST_BYTES,
    MIN_LIST_BYTES,
    bits_with,
    decode_bits,
    encode_bits,
    is_set,
)

W3C_EMPTY_LIST = "H4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
"""``encodedList`` of the examples in StatusList2021 and Bitstring Status List 1.0 (W3C Document License)."""
NUTS_NODE_FIRST_TWO_SET = "H4sIAAAAAAAA_-zAsQAAAAACsPypQgujZ2sAAAAAAAAAAAAAAAAAAACAtwUAAP__VZxIAQBAAAA"
"""What nuts-node 6.2.10 publishes after revoking the credentials at 0 and 1."""


def packed(data: bytes) -> str:
    return b64url_encode(gzip.compress(data, mtime=0))


@pytest.mark.spec("WIRE §5: status list")
def test_the_empty_list_of_the_specification_is_16_kib_of_zeroes() -> None:
    assert decode_bits(W3C_EMPTY_LIST) == bytes(MIN_LIST_BYTES)
    assert decode_bits("u" + W3C_EMPTY_LIST, multibase=True) == bytes(MIN_LIST_BYTES)


def test_a_list_of_nuts_node_has_its_revocations_at_the_front() -> None:
    bits = decode_bits(NUTS_NODE_FIRST_TWO_SET)
    assert [index for index in range(100) if is_set(bits, index)] == [0, 1]


@pytest.mark.spec("WIRE §2.13: bit order")
@pytest.mark.parametrize(
    ("index", "byte", "value"), [(0, 0, 0x80), (7, 0, 0x01), (8, 1, 0x80), (131_071, 16_383, 0x01)]
)
def test_the_first_index_is_the_highest_bit_of_the_first_byte(index: int, byte: int, value: int) -> None:
    assert bits_with([index])[byte] == value


@settings(deadline=None, max_examples=30)
@given(st.sets(st.integers(0, 131_071), max_size=20), st.booleans())
def test_what_is_written_is_read_back(indexes: set[int], multibase: bool) -> None:
    bits = bits_with(indexes)
    text = encode_bits(bits, multibase=multibase)
    assert text == encode_bits(bits, multibase=multibase)
    assert decode_bits(text, multibase=multibase) == bits
    assert {index for index in range(131_072) if bits[index // 8] and is_set(bits, index)} == indexes


def test_padding_and_the_other_alphabet_are_read_too() -> None:
    data = gzip.compress(bits_with(range(0, 131_072, 5)), mtime=0) + b""
    padded = b64_encode(data)
    assert decode_bits(padded) == decode_bits(padded.rstrip("=")) == decode_bits(b64url_encode(data))


@pytest.mark.parametrize(
    ("text", "multibase"),
    [
        (f"{W3C_EMPTY_LIST}=", False),
        (f"{W3C_EMPTY_LIST}====", False),
        (f"u{W3C_EMPTY_LIST}====", True),
        ("=" * 4, False),
        ("AAA=====", False),
    ],
)
def test_padding_belongs_only_where_it_fills_up(text: str, multibase: bool) -> None:
    with pytest.raises(MalformedError, match="padding"):
        decode_bits(text, multibase=multibase)


def test_multibase_needs_its_letter() -> None:
    with pytest.raises(MalformedError, match="does not start with u"):
        decode_bits(W3C_EMPTY_LIST, multibase=True)
    with pytest.raises(MalformedError):
        decode_bits(f"u{W3C_EMPTY_LIST}")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed(bytes(200_000_000))
    with pytest.raises(MalformedError, match=f"more than {MAX_LIST_BYTES}"):
        decode_bits(bomb)
    assert len(decode_bits(packed(bytes(MAX_LIST_BYTES)))) == MAX_LIST_BYTES
    with pytest.raises(MalformedError, match="more than"):
        decode_bits(packed(bytes(MAX_LIST_BYTES + 1)))


def test_a_list_that_is_too_short_to_hide_in_is_refused() -> None:
    with pytest.raises(MalformedError, match=f"less than {MIN_LIST_BYTES}"):
        decode_bits(packed(bytes(MIN_LIST_BYTES - 1)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not gzip",
        zlib.compress(bytes(MIN_LIST_BYTES)),
        gzip.compress(bytes(MIN_LIST_BYTES))[:-1],
        gzip.compress(bytes(MIN_LIST_BYTES)) + b"more",
        gzip.compress(bytes(MIN_LIST_BYTES)) * 2,
        gzip.compress(bytes(MIN_LIST_BYTES))[:-8] + bytes(8),
    ],
    ids=["nothing", "noise", "zlib", "cut off", "something behind", "two members", "wrong checksum"],
)
def test_anything_but_one_whole_gzip_member_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match="gzip"):
        decode_bits(b64url_encode(data))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40) | st.binary(max_size=60).map(b64url_encode), st.booleans())
def test_any_text_is_a_list_or_malformed(text: str, multibase: bool) -> None:
    with pytest.raises(MalformedError):  # nothing this short unpacks to 16 KiB
        decode_bits(text, multibase=multibase)


@pytest.mark.parametrize("index", [-1, 131_072])
def test_an_index_outside_is_nobodys(index: int) -> None:
    with pytest.raises(MalformedError, match="outside"):
        is_set(bytes(MIN_LIST_BYTES), index)
    with pytest.raises(ValueError, match="no index"):
        bits_with([index])
