"""Why a credential does not fit, in a sentence for whoever has to mend it."""

from typing import Any

import pytest

from credentials.query import NoMatch, explain, match_wallet
from credentials.vc.credential import SignedCredential
from tests.support.query import A_PROOF, HOLDER, definition, descriptor, field, jwt_credential, ld_credential, of_type

X = ld_credential("X", {"v": "secret", "n": 7, "yes": True, "list": ["secret"], "none": [], "object": {"a": 1}})
ELSE = "what is there is something else"


def reason(credential: SignedCredential, *fields: dict[str, Any], **rest: Any) -> str:
    (one,) = explain(definition(descriptor("a", *fields, **rest)), [credential])
    return one.reason


def test_explanations_name_what_failed_and_hold_no_values() -> None:
    parsed = definition(
        descriptor(
            "a",
            of_type("X"),
            field("$.credentialSubject.ura", id="ura", filter={"type": "string", "pattern": "^[0-9]{8}$"}),
            format={"ldp_vc": {}},
        )
    )
    wallet = [
        ld_credential("Y", {}),
        ld_credential("X", {"ura": "secret"}),
        ld_credential("X", {}),
        jwt_credential("X", {}),
        ld_credential("X", {"ura": "00000001"}),
    ]
    explained = explain(parsed, wallet)
    assert [(each.position, each.field_id, each.paths, each.reason) for each in explained] == [
        (0, None, ("$.type",), '$.type is an array, and one of its values has to be "X"; none does'),
        (1, "ura", ("$.credentialSubject.ura",), f'$.credentialSubject.ura has to fit the pattern "^[0-9]{{8}}$"; {ELSE}'),
        (2, "ura", ("$.credentialSubject.ura",), "it has nothing at $.credentialSubject.ura"),
        (3, None, (), "its format is jwt_vc, signed with ES256; accepted: ldp_vc with nothing"),
    ]  # fmt: skip
    with pytest.raises(NoMatch) as refused:
        match_wallet(parsed, wallet[:4])
    assert refused.value.explanations == explained
    assert "secret" not in repr(explained)


@pytest.mark.parametrize(
    ("path", "asked", "sentence"),
    [
        ("v", {"type": "string", "const": "x"}, f'v has to be "x"; {ELSE}'),
        ("v", {"enum": ["x"]}, f'v has to be "x"; {ELSE}'),
        ("v", {"enum": ["x", 1, True]}, f'v has to be "x", 1 or true; {ELSE}'),
        ("v", {"enum": list("bcdfghi")}, f'v has to be "b", "c", "d", "f" or "g" or one of 2 more; {ELSE}'),
        ("v", {"const": "x"}, "the filter for $.credentialSubject.v has no type, so no value passes it"),
        ("v", {"type": "number"}, "v has to be a number; what is there is a text"),
        ("v", {"type": "string", "maxLength": 3}, f"v has to be at most 3 characters long; {ELSE}"),
        ("v", {"type": "string", "pattern": "x" * 99}, f'v has to fit the pattern "{"x" * 80}…"; {ELSE}'),
        ("n", {"type": "string"}, "n has to be a text; what is there is a number"),
        ("n", {"type": "number", "minimum": 8, "exclusiveMaximum": 9}, f"n has to be at least 8 and less than 9; {ELSE}"),
        ("n", {"type": "integer", "const": 8}, f"n has to be 8; {ELSE}"),
        ("n", {"type": "array"}, "n has to be an array; what is there is a number"),
        ("yes", {"type": "boolean", "const": False}, f"yes has to be false; {ELSE}"),
        ("yes", {"type": "number"}, "yes has to be a number; what is there is true or false"),
        ("list", {"type": "number"}, "list is an array, and one of its values has to be a number; none does"),
        ("list", {}, "the filter for $.credentialSubject.list has no type, so no value passes it"),
        ("list", {"type": "array", "contains": {}}, f"list has to contain a value that has to pass a filter without a type; {ELSE}"),
        ("list", {"type": "array", "contains": {"enum": ["x"]}}, f'list has to contain a value that has to be "x"; {ELSE}'),
        ("none", {"type": "string"}, "none is an array, and one of its values has to be a text; none does"),
        ("object", {"type": "string"}, "object has to be a text; what is there is an object"),
        ("nothing", {"type": "string"}, "it has nothing at $.credentialSubject.nothing"),
    ],
)  # fmt: skip
def test_each_way_to_fail_has_its_sentence(path: str, asked: dict[str, Any], sentence: str) -> None:
    said = reason(X, field(f"$.credentialSubject.{path}", filter=asked))
    assert said in (sentence, f"$.credentialSubject.{sentence}")
    assert "secret" not in said


def test_of_several_paths_the_one_with_a_value_is_named() -> None:
    wanted = field("$.a", "$.credentialSubject.v", "$.b", filter={"type": "number"})
    assert reason(X, wanted) == "$.credentialSubject.v has to be a number; what is there is a text"
    assert reason(X, field("$.a", "$.b")) == "it has nothing at $.a or $.b"


@pytest.mark.spec("WIRE §2.15")
def test_the_path_for_the_other_format_is_the_biggest_trap_and_is_told() -> None:
    jwt, ld = jwt_credential("X", {"v": "n"}), ld_credential("X", {"v": "n"})
    said = reason(jwt, field("$.credentialSubject.v"))
    assert said == (
        "it has nothing at $.credentialSubject.v; it would at a path for jwt_vc ($.credentialSubject[0]…), "
        "which the definition does not list"
    )
    assert "a path for ldp_vc ($.credentialSubject…)" in reason(ld, field("$.credentialSubject[0].v"))


@pytest.mark.parametrize(
    ("credential", "formats", "sentence"),
    [
        (
            jwt_credential("X", {}, alg="PS256"),
            {"jwt_vc": {"alg": ["ES256", "EdDSA"]}},
            "jwt_vc, signed with PS256; accepted: jwt_vc with ES256 or EdDSA",
        ),
        (ld_credential("X", {}), {"jwt_vc": {"alg": ["ES256"]}}, "ldp_vc, not signed; accepted: jwt_vc with ES256"),
        (
            ld_credential("X", {}, proof=A_PROOF),
            {"ldp_vc": {"proof_type": ["P"]}, "jwt_vc": {"alg": ["A"]}},
            "ldp_vc, signed with JsonWebSignature2020; accepted: jwt_vc with A; ldp_vc with P",
        ),
        (jwt_credential("X", {}), {"jwt_vp": {"alg": ["ES256"]}}, "jwt_vc, signed with ES256; accepted: no format of credentials"),
    ],
)  # fmt: skip
def test_another_format_is_told_with_what_is_accepted(
    credential: SignedCredential, formats: dict[str, Any], sentence: str
) -> None:
    assert reason(credential, of_type("X"), format=formats) == f"its format is {sentence}"
    (one,) = explain(definition(descriptor("a", of_type("X")), format=formats), [credential])
    assert one.reason == f"its format is {sentence}"


def test_a_credential_of_another_type_is_first_of_all_that() -> None:
    fields = [field("$.credentialSubject.nothing"), of_type("Y")]
    assert reason(X, *fields, format={"jwt_vc": {}}).startswith("$.type is an array")
    (own,) = explain(
        definition({"id": "a", "constraints": {"subject_is_issuer": "required"}}), [jwt_credential("X", {})]
    )
    assert own.reason == "it was issued by somebody else, and only what the subject says of itself is asked for"
    assert explain(definition(descriptor("a")), [ld_credential("X", {}, issuer=HOLDER)]) == ()
