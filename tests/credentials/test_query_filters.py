"""What passes a filter, what it then yields, and which filters are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.query import NoMatch, match_wallet
from credentials.query.filters import MAX_ENUM, Filter, parse_filter
from credentials.query.paths import ABSENT
from tests.support.query import definition, descriptor, field, ld_credential


def parsed(asked: dict[str, Any]) -> Filter:
    return parse_filter(Fields.of(asked, "filter"))


def claim(value: object, asked: dict[str, Any]) -> object:
    return parsed(asked).claim(value, lambda _steps: None)


@pytest.mark.spec("WIRE §2.15")
@pytest.mark.parametrize(
    ("value", "asked", "yielded"),
    [
        ("abc", {"type": "string"}, "abc"),
        ("abc", {"type": "string", "const": "abc"}, "abc"),
        ("abc", {"type": "string", "pattern": "b"}, "b"),
        ("abc", {"type": "string", "pattern": "b(.)"}, "c"),
        ("abc", {"enum": ["x", "abc"]}, "abc"),
        ("abc", {"enum": ["abc"], "type": "number"}, "abc"),  # enum ignores type, and with it everything else
        ("abc", {"enum": ["abc"], "minimum": 7}, "abc"),
        (7, {"type": "number"}, 7),
        (7.5, {"type": "number"}, 7.5),
        (True, {"type": "boolean"}, True),
        (False, {"type": "boolean"}, False),
        (["x", "abc"], {"type": "string", "const": "abc"}, ["x", "abc"]),  # one fits: the whole array
        (["x", 1], {"type": "number"}, ["x", 1]),
        (["x", "abc"], {"enum": ["abc"]}, ["x", "abc"]),
    ],
)
def test_what_nuts_node_lets_pass_passes(value: object, asked: dict[str, Any], yielded: object) -> None:
    assert claim(value, asked) == yielded


@pytest.mark.spec("WIRE §2.15")
@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("abc", {"type": "string", "const": "ABC"}),
        ("abc", {"type": "string", "pattern": "x"}),
        ("abc", {"type": "number"}),
        ("abc", {"const": "abc"}),  # without a type no scalar passes, as in nuts-node
        ("abc", {}),
        ("abc", {"enum": ["x"]}),
        ("1", {"type": "boolean"}),
        (1, {"type": "string"}),
        (1, {"type": "boolean"}),
        (True, {"type": "number"}),
        (1, {"type": "number", "const": "1"}),
        (True, {"type": "boolean", "const": "true"}),
        (1, {"enum": ["1"]}),
        ([1, {"a": "abc"}, ["abc"]], {"type": "string"}),  # nuts-node panics with a pattern, or lets it pass
        ([1], {"type": "string", "pattern": "."}),
        ([], {"type": "string"}),
        ({"a": "abc"}, {"type": "string"}),
        ({"a": "abc"}, {"enum": ["a"]}),
    ],
)
def test_what_nuts_node_stops_is_stopped(value: object, asked: dict[str, Any]) -> None:
    assert claim(value, asked) is ABSENT


@pytest.mark.parametrize(
    ("asked", "passing", "failing"),
    [
        ({"type": "number", "const": 1}, [1, 1.0], [True, 2, "1"]),
        ({"type": "boolean", "const": True}, [True], [1, False, "true"]),
        ({"type": "boolean", "const": False}, [False], [0, True, None]),
        ({"type": "integer"}, [1, 1.0, -3], [1.5, True, "1"]),
        ({"type": "integer", "minimum": 2, "maximum": 4}, [2, 3, 4], [1, 5, 2.5]),
        ({"type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 4}, [2.1, 3.9], [2, 4]),
        ({"type": "number", "minimum": 0.5}, [0.5, 7], [0, 0.4, True]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "abc", "éé"], ["a", "abcd", 12]),
        ({"enum": [1, True, "x"]}, [1, 1.0, True, "x"], [0, False, "y", None]),
        ({"type": "array"}, [[], ["x"], [{}]], ["x", {}]),
        ({"type": "array", "contains": {"type": "string", "const": "x"}}, [["x"], [1, "x"]], [[], ["y"], [["x"]], "x"]),
        ({"type": "array", "contains": {"type": "number", "minimum": 3}}, [[1, 3]], [[1], [True]]),
        ({"type": "array", "enum": ["x"]}, ["x", ["x"]], ["y", ["y"]]),
    ],
)
def test_numbers_booleans_lengths_and_arrays_are_compared_as_json_schema_says(
    asked: dict[str, Any], passing: list[object], failing: list[object]
) -> None:
    for value in passing:
        assert claim(value, asked) == value
    for value in failing:
        assert claim(value, asked) is ABSENT, value


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"type": "object"}, "type is not string"),
        ({"type": ["string", "number"]}, "type is not a text"),
        ({"type": "string", "not": {"const": "x"}}, "keyword"),
        ({"properties": {}}, "keyword"),
        ({"$ref": "#/$defs/x"}, "keyword"),
        ({"enum": ["x"] * (MAX_ENUM + 1)}, "256 values"),
        ({"enum": [[]]}, "enum is not"),
        ({"enum": "x"}, "enum is not"),
        ({"enum": [None]}, "enum is not"),
        ({"type": "string", "const": ["x"]}, "const is not"),
        ({"pattern": "a"}, "pattern needs type string"),
        ({"type": "boolean", "pattern": "true"}, "pattern needs type string"),
        ({"minLength": 1}, "minLength needs type string"),
        ({"type": "string", "minimum": 1}, "minimum needs type integer or number"),
        ({"type": "string", "contains": {}}, "contains needs type array"),
        ({"type": "array", "contains": {"type": "array", "contains": {}}}, "contains is nested"),
        ({"type": "array", "contains": []}, "not an object"),
        ({"type": "number", "maximum": "1"}, "maximum is not a number"),
        ({"type": "number", "maximum": True}, "maximum is not a number"),
        ({"type": "string", "minLength": -1}, "whole number"),
    ],
)
def test_a_filter_that_would_go_unchecked_is_refused(asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parsed(asked)


def test_annotations_are_ignored() -> None:
    assert claim("x", {"type": "string", "format": "date", "title": "t", "$comment": "c"}) == "x"


@pytest.mark.parametrize(
    ("value", "asked", "fits"),
    [
        ({"a": 1}, None, True),
        ([], None, True),
        (None, None, False),
        (None, {"type": "string"}, False),
        ("x", {"type": "string"}, True),
    ],
)
def test_without_a_filter_whatever_is_there_is_the_claim(
    value: object, asked: dict[str, Any] | None, *, fits: bool
) -> None:
    wanted = field("$.credentialSubject.v", id="claim") | ({} if asked is None else {"filter": asked})
    credential = ld_credential("X", {"v": value})
    if fits:
        assert match_wallet(definition(descriptor("a", wanted)), [credential]).claims == {"claim": value}
    else:
        with pytest.raises(NoMatch, match="input descriptor a"):
            match_wallet(definition(descriptor("a", wanted)), [credential])


def test_fields_that_differ_only_in_a_number_and_a_boolean_are_told_apart() -> None:
    wanted = [field("$.credentialSubject.v", id=str(value), filter={"enum": [value]}) for value in (1, True)]
    for wanted_one, other in (wanted, reversed(wanted)):
        parsed_definition = definition(descriptor("a", wanted_one), descriptor("b", other))
        with pytest.raises(NoMatch, match=r"input descriptor [ab]$"):
            match_wallet(parsed_definition, [ld_credential("X", {"v": True})])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)
KEYWORDS = [
    "type",
    "const",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "exclusiveMaximum",
    "contains",
    "not",
]
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "array"])


@given(
    st.dictionaries(st.sampled_from(KEYWORDS), VALUES | TYPES | st.fixed_dictionaries({"type": TYPES}), max_size=4),
    VALUES,
)
def test_any_filter_is_refused_or_says_yes_or_no_to_any_value(asked: dict[str, Any], value: object) -> None:
    try:
        made = parsed(asked)
    except MalformedError:
        return
    made.claim(value, lambda _steps: None)
