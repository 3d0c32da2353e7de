import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from credentials.query.definition import MAX_DEFINITION_BYTES, PresentationDefinition
from tests.support.query import NUTS_ORGANIZATION_AND_EMPLOYEE, definition, descriptor, field, of_type


def test_a_recorded_definition_is_read_and_served_on_as_it_was() -> None:
    parsed = PresentationDefinition.parse(json.dumps(NUTS_ORGANIZATION_AND_EMPLOYEE).encode())
    assert parsed.id == "pd_jwt"
    assert [each.id for each in parsed.input_descriptors] == ["id_org", "id_employee"]
    assert parsed.input_descriptors[0].fields[1].id == "organization_name"
    assert parsed.input_descriptors[0].format == {"jwt_vc": {"alg": ("ES256", "PS256", "EdDSA")}}
    assert parsed.to_wire() == NUTS_ORGANIZATION_AND_EMPLOYEE


def test_members_without_meaning_for_us_are_ignored_and_kept() -> None:
    parsed = definition(
        descriptor("a", field("$.id", intent_to_retain=True, purpose="x"), purpose="y", schema=[]),
        name="z",
        frame={"@context": []},
    )
    assert parsed.to_wire()["name"] == "z"


def test_other_names_of_formats_are_understood() -> None:
    parsed = definition(
        format={
            "jwt_vc_json": {"alg_values_supported": ["ES256"]},
            "ldp_vc": {"proof_type_values_supported": ["JsonWebSignature2020"]},
            "jwt_vp_json": {"alg": ["PS256"]},
        }
    )
    assert parsed.format == {
        "jwt_vc": {"alg": ("ES256",)},
        "ldp_vc": {"proof_type": ("JsonWebSignature2020",)},
        "jwt_vp": {"alg": ("PS256",)},
    }
    assert definition(format={}).format is None


def test_a_definition_that_asks_for_nothing_is_one() -> None:
    assert definition(descriptor("a")).input_descriptors[0].fields == ()
    assert definition({"id": "a"}).input_descriptors[0].fields == ()
    assert definition({"id": "a", "constraints": {}}).input_descriptors[0].fields == ()
    assert definition().input_descriptors == ()


PICK = {"rule": "pick", "count": 1, "from": "A"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": 1}, "id is not a text"),
        ({"id": "x" * 257}, "id is longer"),
        ({"input_descriptors": None}, "input_descriptors is not"),
        ({"input_descriptors": [descriptor(str(n)) for n in range(33)]}, "more than 32 input descriptors"),
        ({"input_descriptors": [descriptor("a"), descriptor("a")]}, "with one id"),
        ({"input_descriptors": [descriptor("a", *[field("$.id")] * 65)]}, "more than 64 fields"),
        ({"input_descriptors": [descriptor("a", field())]}, "not 1 to 16 paths"),
        ({"input_descriptors": [descriptor("a", field(*["$.id"] * 17))]}, "not 1 to 16 paths"),
        ({"input_descriptors": [descriptor("a", field("$..id"))]}, "JSONPath beyond"),
        ({"input_descriptors": [descriptor("a", field("$.id", optional="yes"))]}, "optional is not"),
        ({"input_descriptors": [descriptor("a", field("$.id", id=["x"]))]}, "id is not a text"),
        ({"input_descriptors": [descriptor("a", field("$.id", filter={"pattern": "a"}))]}, "needs type string"),
        (
            {"input_descriptors": [descriptor("a", field("$.id", filter={"type": "string", "pattern": "(?=a)"}))]},
            "look-around",
        ),
        (
            {
                "input_descriptors": [
                    descriptor("a", *[field("$.id", filter={"type": "string", "pattern": r"\W{900}"})] * 8)
                ]
            },
            "too many complex patterns",
        ),
        ({"format": {"jwt_vc": {"alg": "ES256"}}}, "array of texts"),
        ({"format": {"jwt_vc": []}}, "not an object"),
        ({"submission_requirements": [PICK] * 33}, "more than 32 submission requirements"),
        ({"submission_requirements": [{**PICK, "rule": "most"}]}, "rule is not"),
        ({"submission_requirements": [{**PICK, "from_nested": []}]}, "either from or from_nested"),
        ({"submission_requirements": [{"rule": "all"}]}, "either from or from_nested"),
        ({"submission_requirements": [{"rule": "all", "from_nested": [PICK] * 33}]}, "more than 32 members"),
        ({"submission_requirements": [{"rule": "pick", "from": "A"}]}, "needs count, min or max"),
        ({"submission_requirements": [{**PICK, "count": 0}]}, "pick of none"),
        ({"submission_requirements": [{"rule": "pick", "from": "A", "max": 0}]}, "pick of none"),
        ({"submission_requirements": [{"rule": "pick", "from": "A", "min": 2, "max": 1}]}, "max is below min"),
        ({"submission_requirements": [PICK]}, "in no group"),
        (
            {"submission_requirements": [PICK], "input_descriptors": [descriptor("a", group=["A", "B"])]},
            "no submission requirement names",
        ),
        (
            {
                "submission_requirements": [PICK, {**PICK, "from": "B"}],
                "input_descriptors": [descriptor("a", group=["A"])],
            },
            "without input descriptors",
        ),
    ],
)
def test_what_is_no_definition_or_too_much_is_refused(changes: dict[str, Any], reason: str) -> None:
    wire = {"id": "pd", "input_descriptors": [descriptor("a", of_type("X"))], **changes}
    with pytest.raises(MalformedError, match=reason):
        PresentationDefinition.parse(wire)


def test_requirements_nested_too_deep_are_refused() -> None:
    nested: dict[str, Any] = {"rule": "all", "from": "A"}
    for _ in range(4):
        nested = {"rule": "all", "from_nested": [nested]}
    with pytest.raises(MalformedError, match="nested deeper"):
        definition(descriptor("a", group=["A"]), submission_requirements=[nested])


def test_the_limit_on_size_holds_for_bytes_and_for_parsed_json() -> None:
    wire = {"id": "pd", "input_descriptors": [], "name": "x" * MAX_DEFINITION_BYTES}
    with pytest.raises(MalformedError, match="larger"):
        PresentationDefinition.parse(wire)
    with pytest.raises(MalformedError, match="larger"):
        PresentationDefinition.parse(json.dumps(wire).encode())


def _near_misses() -> st.SearchStrategy[bytes]:
    values: st.SearchStrategy[object] = st.sampled_from(
        [None, 1, "x", [], {}, ["x"], [{}], [{"id": "a"}], True, "$.a", {"type": "string"}]
    )

    def spoil(place: tuple[object, ...], value: object) -> bytes:
        wire: Any = json.loads(json.dumps(NUTS_ORGANIZATION_AND_EMPLOYEE))
        inner = wire
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value
        return json.dumps(wire).encode()

    constraints = ("input_descriptors", 0, "constraints")
    places: list[tuple[object, ...]] = [
        ("id",),
        ("format",),
        ("input_descriptors",),
        ("submission_requirements",),
        ("input_descriptors", 0),
        ("input_descriptors", 0, "group"),
        ("input_descriptors", 0, "format"),
        constraints,
        (*constraints, "fields"),
        (*constraints, "subject_is_issuer"),
        (*constraints, "fields", 0),
        (*constraints, "fields", 0, "path"),
        (*constraints, "fields", 0, "filter"),
        (*constraints, "fields", 0, "filter", "type"),
        (*constraints, "fields", 0, "filter", "enum"),
        (*constraints, "fields", 0, "filter", "pattern"),
    ]
    return st.builds(spoil, st.sampled_from(places), values)


@given(st.binary(max_size=200) | _near_misses())
def test_any_bytes_give_a_definition_or_are_malformed(body: bytes) -> None:
    try:
        parsed = PresentationDefinition.parse(body)
    except MalformedError:
        return
    assert PresentationDefinition.parse(parsed.to_wire()) == parsed
