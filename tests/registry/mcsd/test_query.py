"""A search as it was asked: conditions out, or one error that says what can be asked."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.mcsd.errors import SearchError
from registry.mcsd.query import DateIs, IsMissing, RefersTo, Search, TextIs, Through, TokenIs
from registry.mcsd.resource import LOAD_ORDER

NAMES = [
    "name",
    "name:exact",
    "identifier",
    "partof",
    "partof.name",
    "_id",
    "_count",
    "_include",
    "_lastUpdated",
    "type:not",
]
VALUES = [
    "a",
    "a|b",
    "|b",
    "a|",
    "a,b",
    "a\\,b",
    ",",
    "Organization/1",
    "ge2026-01-01",
    "2026-13",
    "5",
    "*",
    "Organization:partof",
    "",
]


def _one(name: str, value: str) -> object:
    (condition,) = Search.parse("Organization", [(name, value)]).conditions
    return condition


def test_each_kind_of_parameter_becomes_a_condition() -> None:
    token = _one("identifier", "s|c,|d,e,s|,a\\|b")
    assert isinstance(token, TokenIs)
    assert token.tokens == (("s", "c"), ("", "d"), (None, "e"), ("s", None), (None, "a|b"))
    negated = _one("type:not", "x")
    assert isinstance(negated, TokenIs)
    assert negated.negated
    text = _one("name:contains", "CAFÉ\\,x,Ó")
    assert isinstance(text, TextIs)
    assert (text.mode, text.texts) == ("contains", ("cafe,x", "o"))
    exact = _one("name:exact", "Café")
    assert isinstance(exact, TextIs)
    assert exact.texts == ("Café",)
    reference = _one("partof", "1,Organization/2")
    assert isinstance(reference, RefersTo)
    assert reference.targets == ("Organization/1", "Organization/2")
    assert isinstance(_one("partof:missing", "true"), IsMissing)
    through = _one("endpoint:Endpoint.status", "active")
    assert isinstance(through, Through)
    assert through.conditions[0][0] == "Endpoint"
    moment = _one("_lastUpdated", "2026-02,gt2026,le2026-11-22T12:00:00.5Z,sa2026-12")
    assert isinstance(moment, DateIs)
    assert [each[0] for each in moment.spans] == ["eq", "gt", "le", "sa"]
    (period,) = Search.parse("OrganizationAffiliation", [("date", "2026-12-31")]).conditions
    assert isinstance(period, DateIs)


def test_what_is_about_the_answer_is_no_condition() -> None:
    pairs = [
        ("_count", "9999"),
        ("_cursor", "7"),
        ("_format", "application/fhir+json"),
        ("_total", "accurate"),
        ("_id", "a,b"),
    ]
    search = Search.parse("Organization", pairs)
    assert (search.count, search.after, search.wants_total, search.ids, search.conditions) == (
        500,
        7,
        True,
        (("a", "b"),),
        (),
    )
    assert not Search.parse("Organization", [("_count", "0")]).wants_entries
    counted = Search.parse("Organization", [("_summary", "count"), ("_total", "none")])
    assert (counted.wants_total, counted.wants_entries) == (True, False)
    assert Search.parse("Organization", [("_summary", "false")]).wants_entries
    both = Search.parse(
        "Organization", [("_include", "*"), ("_revinclude", "*"), ("_revinclude", "Location:organization:Organization")]
    )
    assert {each.key for each in both.includes} == {"Organization.endpoint", "Organization.partof"}
    assert {each.key for each in both.reverse} >= {
        "Location.organization",
        "Endpoint.organization",
        "Organization.partof",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "x"), ("name:sounds", "x"), ("active:exact", "true"), ("name", ""), ("name", "a,"), ("identifier", "|"),
        ("identifier", ",".join("x" * 51)), ("_count", "-1"), ("_count", "٣"), ("_cursor", "1" * 19), ("_id", "../x"),
        ("_include", "Patient:x"), ("_include", "Location:organization"), ("_include", "Organization:name"),
        ("_revinclude", "Location:status"), ("_lastUpdated", "soon"), ("_lastUpdated", "0000"), ("_total", "x"), ("_summary", "true"),
        ("_format", "xml"), ("partof", "Location/1"), ("partof", "a/b/c"), ("partof.partof.name", "x"), ("name.x", "y"),
        ("partof:Location.name", "x"), ("name:missing", "x"), ("na\0me", "x"), ("name", "\0"), ("_sort", "name"),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_is_told_with_what_can(name: str, value: str) -> None:
    with pytest.raises(SearchError) as refused:
        Search.parse("Organization", [(name, value)])
    assert refused.value.remedy
    assert "colour" not in f"{refused.value} {refused.value.remedy}"


def test_a_parameter_about_the_answer_is_given_once_and_there_are_not_too_many() -> None:
    with pytest.raises(SearchError, match="twice"):
        Search.parse("Location", [("_count", "1"), ("_count", "2")])
    with pytest.raises(SearchError, match="more than 32"):
        Search.parse("Location", [("name", "x")] * 33)
    with pytest.raises(SearchError):
        Search.parse("OrganizationAffiliation", [("date:missing", "x")])
    with pytest.raises(SearchError):
        Search.parse("OrganizationAffiliation", [("date:not", "2026")])


@given(
    st.sampled_from(LOAD_ORDER),
    st.lists(
        st.tuples(st.sampled_from(NAMES) | st.text(max_size=20), st.sampled_from(VALUES) | st.text(max_size=40)),
        max_size=4,
    ),
)
def test_any_parameters_either_are_a_search_or_one_error(kind: str, pairs: list[tuple[str, str]]) -> None:
    with suppress(SearchError):
        assert Search.parse(kind, pairs).count <= 500  # type: ignore[arg-type]  # a type of the directory
