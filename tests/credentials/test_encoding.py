"""One spelling per value."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import b64_decode, b64_encode, b64url_decode, b64url_encode, canonical_json
from credentials.errors import MalformedError
from credentials.fields import MAX_INTEGER

ALPHABETS = st.text("ABCDwxyz0189-_+/= \n", max_size=12)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_bytes_survive_base64(data: bytes) -> None:
    assert b64url_decode(b64url_encode(data)) == data
    assert b64_decode(b64_encode(data)) == data


@settings(deadline=None)
@given(ALPHABETS | st.text(max_size=12))
def test_base64url_is_canonical_or_malformed(text: str) -> None:
    try:
        data = b64url_decode(text)
    except MalformedError:
        assert base64.urlsafe_b64encode(b"").decode() != text
        return
    assert b64url_encode(data) == text


@settings(deadline=None)
@given(ALPHABETS | st.text(max_size=12))
def test_base64_is_canonical_or_malformed(text: str) -> None:
    try:
        data = b64_decode(text)
    except MalformedError:
        return
    assert b64_encode(data) == text


@pytest.mark.parametrize("text", ["A", "AA==", "AB", "AAB", "A+", "A/", "AA\n", "AA AA", "é", "\ud800", "AAAA="])
def test_other_spellings_of_base64url_are_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="base64url"):
        b64url_decode(text)


@pytest.mark.parametrize(
    "text",
    ["A", "AA", "AB==", "AAB=", "A-==", "AA==\n", "=", "==", "AAAA====", "AA==AA==", "é", "\ud800", "C+Zg=", "C+9Q=="],
)
def test_other_spellings_of_base64_are_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="base64"):
        b64_decode(text)


@pytest.mark.spec("RFC 8785 §3.2.3")
def test_members_are_sorted_by_utf16_code_units() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7}
    assert list(json.loads(canonical_json(value))) == ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.spec("RFC 8785 §3.2.2.2")
def test_texts_are_escaped_as_little_as_possible() -> None:
    assert canonical_json('\u20ac$\x0f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


def test_nested_values_are_written_without_white_space() -> None:
    assert (
        canonical_json({"b": [1, True, None, ("x",)], "a": {"d": -0, "c": {}}})
        == b'{"a":{"c":{},"d":0},"b":[1,true,null,["x"]]}'
    )


@pytest.mark.parametrize("value", [1.0, {1: 2}, {"a": b"x"}, object()])
def test_what_has_no_canonical_form_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("value", [MAX_INTEGER + 1, -MAX_INTEGER - 1, "\ud800"])
def test_what_others_would_round_or_refuse_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)
