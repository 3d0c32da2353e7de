import pytest

from credentials.errors import MalformedError
from registry.search import (
    MAX_INDEXED_BYTES,
    MAX_PROPERTIES,
    Comparison,
    Condition,
    parse_conditions,
    properties_of,
)
from tests.support.query import HOLDER, ISSUER, jwt_credential, ld_credential


@pytest.mark.parametrize(
    ("text", "comparison", "value"),
    [
        ("De Oever", Comparison.EXACT, "De Oever"),
        ("De*", Comparison.PREFIX, "de"),
        ("*OEVER", Comparison.SUFFIX, "oever"),
        ("*Oe*", Comparison.CONTAINS, "oe"),
        ("*", Comparison.EXISTS, ""),
        ("**", Comparison.CONTAINS, ""),
        ("a*b", Comparison.EXACT, "a*b"),
        ("", Comparison.EXACT, ""),
    ],
)
def test_a_star_at_either_end_is_a_wildcard(text: str, comparison: Comparison, value: str) -> None:
    assert Condition.parse("p", text) == Condition(path="p", comparison=comparison, value=value)


@pytest.mark.parametrize(
    ("path", "text"), [("", "x"), ("$.", "x"), ("p" * 501, "x"), ("p", "x" * 1001), ("p\0", "x"), ("p", "\0")]
)
def test_what_can_never_be_found_is_no_condition(path: str, text: str) -> None:
    with pytest.raises(MalformedError, match="search condition"):
        Condition.parse(path, text)


def test_there_is_an_end_to_conditions() -> None:
    assert len(parse_conditions([("p", "x")] * 16)) == 16
    with pytest.raises(MalformedError, match="more than 16"):
        parse_conditions([("p", "x")] * 17)


def test_both_formats_are_searched_by_the_same_paths() -> None:
    organization = {"organization": {"name": "De Oever", "tags": ["a", ["b"]], "beds": 3, "open": True, "none": None}}
    for credential in (jwt_credential("X", organization), ld_credential("X", organization, issuer=ISSUER)):
        assert set(properties_of(credential)) == {
            ("id", credential.id),
            ("issuer", ISSUER),
            ("type", "X"),
            ("credentialSubject.id", HOLDER),
            ("credentialSubject.organization.name", "De Oever"),
            ("credentialSubject.organization.tags", "a"),
            ("credentialSubject.organization.tags", "b"),
        }


def test_what_no_index_can_hold_is_left_out() -> None:
    long, widened, path = "x" * MAX_INDEXED_BYTES, "ŉ" * 700, "p" * 500  # case folding makes three bytes of two
    subject = {"long": long, "widened": widened, path: "v", "nul": "a\0b", "nul\0": "c", "fine": "d"}
    found = properties_of(ld_credential("X", subject))
    assert [value for place, value in found if place.startswith("credentialSubject.")] == ["d", HOLDER]
    many = properties_of(ld_credential("X", {str(number): "v" for number in range(1_000)}))
    assert len(many) == MAX_PROPERTIES
