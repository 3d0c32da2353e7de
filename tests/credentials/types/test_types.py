"""Schemas of credential types: what each asks, and what an operator's own file may say."""

import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import credentials.types
from credentials.errors import CredentialError, MalformedError
from credentials.types.catalogue import CredentialTypes
from credentials.types.schema import TypeSchema
from credentials.types.shipped import SHIPPED, shipped_schema
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential
from credentials.vc.issue import self_attested
from tests.credentials.types.examples import BAD, GOOD, HOLDER
from tests.support.keys import a_did
from tests.support.world import NOON

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def a_credential(type_: str, subject: dict[str, Any]) -> SignedCredential:
    return SignedCredential.parse(
        self_attested(
            holder=a_did("oever"),
            types=(type_,),
            subject=subject,
            credential_id="1",
            now=NOON,
            contexts=(NUTS_CONTEXT,),
        )
    )


def own(**members: Any) -> bytes:
    return json.dumps({"$schema": DRAFT, "title": "OwnCredential", **members}).encode()


def test_every_file_beside_the_catalogue_is_a_shipped_type() -> None:
    folder = Path(str(credentials.types.__file__)).parent
    assert sorted(file.stem for file in folder.glob("*.json")) == sorted(SHIPPED)
    assert set(GOOD) == set(SHIPPED)
    assert len(SHIPPED) == 12


@pytest.mark.parametrize("type_", SHIPPED)
def test_a_shipped_schema_has_the_name_of_its_type_and_says_what_it_is(type_: str) -> None:
    schema = json.loads(pkgutil.get_data("credentials.types", f"{type_}.json") or b"")
    assert (schema["title"], schema["$schema"]) == (type_, DRAFT)
    assert schema["description"].endswith(".")
    assert shipped_schema(type_) is shipped_schema(type_)


@pytest.mark.parametrize(("type_", "subject"), [(type_, each) for type_, all_ in GOOD.items() for each in all_])
def test_a_good_credential_of_every_shipped_type_fits(type_: str, subject: dict[str, Any]) -> None:
    CredentialTypes().check(a_credential(type_, subject))


@pytest.mark.parametrize(("type_", "subject", "sentence"), BAD)
def test_what_does_not_fit_is_said_in_a_sentence(type_: str, subject: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MalformedError) as refused:
        CredentialTypes().check(a_credential(type_, subject))
    assert sentence in str(refused.value)


def test_a_complaint_repeats_neither_values_nor_names_that_the_schema_does_not_know() -> None:
    with pytest.raises(MalformedError) as refused:
        CredentialTypes().check(a_credential("X509Credential", {"san": {"otherName": {"zq7": "zq8"}}, "zq9": "zq10"}))
    assert "zq" not in str(refused.value)


@pytest.mark.parametrize(
    ("type_", "subject", "sentence"),
    [
        (
            "NutsUraCredential",
            {"organization": {"ura": "zq7", "name": "n", "city": "c"}},
            "credentialSubject.organization.ura does not have the form wanted (URA number)",
        ),
        ("X509Credential", {}, "credentialSubject does not fit; nearest: credentialSubject.subject is missing"),
    ],
)
def test_a_complaint_has_the_words_of_the_schema_and_the_nearest_alternative(
    type_: str, subject: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(MalformedError) as refused:
        CredentialTypes().check(a_credential(type_, subject))
    assert str(refused.value) == f"{type_}: {sentence}"


def test_of_two_alternatives_the_one_that_lacks_less_is_told_and_the_one_of_another_kind_last() -> None:
    alternatives = [
        {"type": "array"},
        {"required": ["a", "b"], "properties": {"a": {}, "b": {}}},
        {"required": ["c"], "properties": {"c": {}}},
    ]
    where = {"description": "Either form.", "anyOf": alternatives}
    types = CredentialTypes({"OwnCredential": own(properties={"credentialSubject": {"properties": {"x": where}}})})
    with pytest.raises(MalformedError) as refused:
        types.check(a_credential("OwnCredential", {"x": {}}))
    said = "credentialSubject.x does not fit (Either form); nearest: credentialSubject.x.c is missing"
    assert str(refused.value) == f"OwnCredential: {said}"


def test_every_subject_of_a_credential_is_checked() -> None:
    subjects = [{"id": HOLDER, "roleCodeNL": "Z3"}, {"id": HOLDER, "roleCodeNL": "?"}]
    document = {**a_credential("HealthcareProviderRoleTypeCredential", {"roleCodeNL": "Z3"}).body}
    CredentialTypes().check(SignedCredential.parse({**document, "credentialSubject": subjects[:1]}))
    with pytest.raises(MalformedError):
        CredentialTypes().check(SignedCredential.parse({**document, "credentialSubject": subjects}))


def test_an_unknown_type_asks_nothing() -> None:
    CredentialTypes().check(a_credential("NobodyKnowsCredential", {"any": ["thing"]}))


def test_an_operators_schema_adds_a_type() -> None:
    schema = own(
        properties={"credentialSubject": {"required": ["level"], "properties": {"level": {"enum": ["a", "b"]}}}}
    )
    types = CredentialTypes({"OwnCredential": schema})
    assert "OwnCredential" in types.names
    types.check(a_credential("OwnCredential", {"level": "a"}))
    for wrong in ({}, {"level": "c"}):
        with pytest.raises(MalformedError, match=r"credentialSubject\.level is"):
            types.check(a_credential("OwnCredential", wrong))


@pytest.mark.parametrize(
    ("type_", "body", "message"),
    [
        ("NutsOrganizationCredential", own(), "can not be replaced"),
        ("OwnCredential", b"{", "JSON"),
        ("OwnCredential", b"[]", "object"),
        ("OwnCredential", own(title="Other"), "title"),
        ("OwnCredential", own(**{"$schema": "https://evil.example/schema"}), "dialect"),
        ("OwnCredential", own(**{"$ref": "https://evil.example/schema"}), "leads out"),
        ("OwnCredential", own(properties={"a": {"$ref": "file:///etc/passwd"}}), "leads out"),
        ("OwnCredential", own(**{"$ref": "#/nowhere"}), "not a JSON Schema"),
        ("OwnCredential", own(**{"$ref": "#"}), "not a JSON Schema"),
        ("OwnCredential", own(type="nonsense"), "not a JSON Schema"),
        ("OwnCredential", own(properties={"a": {"pattern": "(a)\\1"}}), "pattern"),
        ("OwnCredential", own(patternProperties={"(a+)+$": {}}), "patternProperties"),
        ("OwnCredential", own(properties={"a": {"description": "x" * 70_000}}), "larger"),
    ],
)
def test_an_operators_schema_that_can_not_be_used_says_why(type_: str, body: bytes, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        CredentialTypes({type_: body})


def test_a_pattern_that_backtracks_elsewhere_ends_at_once() -> None:
    schema = own(
        properties={"credentialSubject": {"properties": {"a": {"pattern": "^(([a-z])+)+$".replace("(([", "(?:(?:[")}}}}
    )
    with pytest.raises(MalformedError, match="does not have the form"):
        CredentialTypes({"OwnCredential": schema}).check(a_credential("OwnCredential", {"a": "a" * 50_000 + "!"}))


@given(
    st.binary(max_size=256)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_any_bytes_are_a_schema_or_one_error(body: bytes) -> None:
    try:
        TypeSchema.parse(body, "OwnCredential")
    except CredentialError:
        return
