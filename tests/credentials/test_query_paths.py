from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from credentials.query.paths import ABSENT, MAX_PATH_LENGTH, MAX_PATH_STEPS, parse_path

DOCUMENT: dict[str, Any] = {
    "@context": ["a", "b"],
    "credentialSubject": [{"id": "x", "organization": {"name": "Gouwe"}, "null": None}, {"id": "y"}],
    "it's": {"0": "zero", "a.b": 1},
    "": "empty",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.credentialSubject[0].organization.name", "Gouwe"),
        ("$['credentialSubject'][1]['id']", "y"),
        ('$["it\'s"]["a.b"]', 1),
        ("$.@context[1]", "b"),
        ('$["it\'s"].0', "zero"),
        ("$['']", "empty"),
        ("$.credentialSubject[0].null", None),
        ("$.credentialSubject[*].id", ["x", "y"]),
        ("$.credentialSubject[*].organization.name", ["Gouwe"]),
        ('$["it\'s"].*', ["zero", 1]),
        ("$.credentialSubject[2]", ABSENT),  # beyond the end: nothing there
        ("$.credentialSubject.id", ABSENT),
        ("$.@context.a", ABSENT),
        ("$.@context[0].a", ABSENT),
        ("$.@context[0][0]", ABSENT),
        ("$.@context[*].a", ABSENT),
        ("$.@context[0][*]", ABSENT),
        ('$["it\'s"][0]', ABSENT),
        ("$.nothing", ABSENT),
    ],
)
def test_a_path_finds_what_it_points_to(path: str, value: object) -> None:
    assert parse_path(path).find(DOCUMENT) == value


@pytest.mark.parametrize(
    "path",
    [
        "",
        "credentialSubject",
        "$..id",
        "$.a[?(@.b)]",
        "$.a[-1]",
        "$.a[01]",
        "$.a[1000000]",
        "$.a[0:1]",
        "$.a[0,1]",
        "$.",
        "$.a b",
        "$['a",
        "$.a]",
        "$" + ".a" * (MAX_PATH_STEPS + 1),
        "$." + "a" * MAX_PATH_LENGTH,
    ],
)
def test_paths_beyond_the_subset_are_refused(path: str) -> None:
    with pytest.raises(MalformedError, match="path"):
        parse_path(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.text(max_size=30) | st.from_regex(r"\A\$(\.[a-z]|\[[0-9]\]|\[\*\]){0,4}\Z"), JSON)
def test_any_path_and_document_give_a_value_or_one_error(text: str, document: object) -> None:
    try:
        path = parse_path(text)
    except MalformedError:
        return
    path.find(document)
