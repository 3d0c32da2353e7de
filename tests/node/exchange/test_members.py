"""Duplicate members are found, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.exchange.members import DuplicateMemberError, refuse_duplicate_members

KEYS = st.text('ab":\\{}é', max_size=3)
PAIRS = st.recursive(
    st.none()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('x":\\,{}\n\u2028', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=3).map(tuple),
    max_leaves=10,
)


def _write(value: Any, ascii_only: bool) -> str:
    """Write JSON in which an object is a tuple of pairs, so that a name may stand twice."""
    if isinstance(value, tuple):
        return (
            "{"
            + ", ".join(f"{json.dumps(k, ensure_ascii=ascii_only)}: {_write(v, ascii_only)}" for k, v in value)
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_write(v, ascii_only) for v in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def _has_double(value: Any) -> bool:
    if isinstance(value, tuple):
        names = [name for name, _ in value]
        return len(set(names)) != len(names) or any(_has_double(inner) for _, inner in value)
    return isinstance(value, list) and any(map(_has_double, value))


def _ends_in_backslash(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(name.endswith("\\") or _ends_in_backslash(inner) for name, inner in value)
    return isinstance(value, list) and any(map(_ends_in_backslash, value))


@given(PAIRS, st.booleans())
def test_found_exactly_when_there_is_one(value: Any, ascii_only: bool) -> None:
    body = _write(value, ascii_only).encode()
    try:
        refuse_duplicate_members(body)
    except DuplicateMemberError:
        assert _has_double(value)
        return
    assert not _has_double(value) or _ends_in_backslash(value)


@given(st.binary(max_size=60))
def test_any_bytes_pass_or_give_a_value_error(body: bytes) -> None:
    try:
        refuse_duplicate_members(body)
    except ValueError:
        return


def test_depth_is_an_error_not_a_crash() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        refuse_duplicate_members(b"[" * 200_000)
