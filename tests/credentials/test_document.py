"""DID documents: which keys may sign."""

import json
from typing import Any

import pytest

from credentials.did.document import DIDDocument, build_document
from credentials.did.identifier import DID
from credentials.errors import MalformedError
from tests.support.keys import a_did, a_key

ME = a_did("oever")
FIRST, SECOND = a_key("oever", "1"), a_key("oever", "2")
PAIRS = [(FIRST.kid, FIRST.public), (SECOND.kid, SECOND.public)]


def read(document: dict[str, Any], expected: DID = ME) -> DIDDocument:
    return DIDDocument.parse(json.dumps(document).encode(), expected)


def changed(**members: Any) -> dict[str, Any]:
    document = build_document(ME, PAIRS) | members
    return {name: value for name, value in document.items() if value is not None}


def method(**members: Any) -> dict[str, Any]:
    return {
        "id": FIRST.kid,
        "type": "JsonWebKey2020",
        "controller": ME,
        "publicKeyJwk": FIRST.public.to_jwk(),
    } | members


def test_a_document_of_ours_is_read_back() -> None:
    service = {"id": f"{ME}#s", "type": "example", "serviceEndpoint": "https://oever.example"}
    document = read(build_document(ME, PAIRS, [service]))
    assert document.id == ME
    assert dict(document.assertion_keys) == dict(PAIRS)
    assert list(document.assertion_keys) == [FIRST.kid, SECOND.kid]
    assert document.services == (service,)


def test_our_document_has_the_shape_of_nuts_node() -> None:
    document = build_document(ME, PAIRS[:1])
    assert document["verificationMethod"] == [method()]
    for relationship in ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation"):
        assert document[relationship] == [FIRST.kid]
    assert "keyAgreement" not in document
    assert "service" not in document


def test_only_keys_under_assertion_method_may_sign() -> None:
    assert dict(read(changed(assertionMethod=[SECOND.kid])).assertion_keys) == dict(PAIRS[1:])
    assert not read(changed(assertionMethod=None, verificationMethod=None)).assertion_keys
    assert dict(read(changed(assertionMethod=[method()], verificationMethod=None)).assertion_keys) == dict(PAIRS[:1])
    assert dict(read(changed(assertionMethod=[FIRST.kid, method()])).assertion_keys) == dict(PAIRS[:1])


@pytest.mark.parametrize(
    "other",
    [
        method(id="#1"),
        method(id=f"{a_did('linde')}#1"),
        method(controller=a_did("linde")),
        method(publicKeyJwk=None),
        method(publicKeyJwk={"kty": "EC", "crv": "secp256k1", "x": "", "y": ""}),
        method(publicKeyJwk={"kty": "OKP", "crv": "X25519", "x": ""}),
        method(publicKeyJwk={"kty": ["EC"], "crv": {}}),
        method(publicKeyMultibase="z6Mk", publicKeyJwk="x"),
    ],
)
def test_keys_that_are_not_ours_to_use_are_passed_over(other: dict[str, Any]) -> None:
    document = read(
        changed(
            verificationMethod=[other, method(id=SECOND.kid, publicKeyJwk=SECOND.public.to_jwk())],
            assertionMethod=[other["id"], SECOND.kid, "#x"],
        )
    )
    assert dict(document.assertion_keys) == dict(PAIRS[1:])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (changed(id=a_did("linde")), "another DID"),
        (changed(id=None), "id is missing"),
        (changed(verificationMethod="x"), "not an array"),
        (changed(verificationMethod=[method(), method()]), "two verification methods"),
        (changed(verificationMethod=[{}]), "id is missing"),
        (changed(verificationMethod=[method(publicKeyJwk={"kty": "EC", "crv": "P-256"})]), "x is missing"),
        (changed(assertionMethod="x"), "assertionMethod"),
        (changed(assertionMethod=[5]), "not an object"),
        (changed(assertionMethod=[FIRST.kid] * 65), "at most 64"),
        (changed(assertionMethod=[FIRST.kid, method(publicKeyJwk=SECOND.public.to_jwk())]), "two keys with one id"),
        (changed(service={}), "service is not an array"),
    ],
)
def test_a_document_that_is_unclear_is_refused(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        read(document)
