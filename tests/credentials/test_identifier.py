"""DID syntax."""

import pytest

from credentials.did.identifier import did_method, did_of_key, parse_did
from credentials.errors import MalformedError


@pytest.mark.parametrize(
    "text",
    [
        "did:web:example.org",
        "did:web:h%3A8443:iam:1",
        "did:key:z6Mk",
        "did:x509:0:sha256:a_-::subject:O:a%20b",
        "did:x:a::b",
    ],
)
def test_identifiers_of_any_method_are_read(text: str) -> None:
    assert parse_did(text) == text
    assert did_of_key(f"{text}#key-1") == text
    assert did_method(text) == text.split(":")[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did:",
        "did:web",
        "did:web:",
        "did:web:a:",
        "did:WEB:a",
        "DID:web:a",
        "did::a",
        "web:a",
        "did:web:a/b",
        "did:web:a?b",
        "did:web:a#b",
        "did:web:a%3",
        "did:web:a%zz",
        "did:web:a b",
        "did:web:a+b",
        "did:web:é",
        "did:web:a\n",
        " did:web:a",
        "did:web:" + "a" * 2048,
    ],
)
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="not a DID"):
        parse_did(text)


@pytest.mark.parametrize(
    "kid", ["", "#", "#key", "did:web:a", "did:web:a#", "did:web:a#b#c", "did:web:a# ", "did:web:a#" + "b" * 2048]
)
def test_a_key_id_has_to_be_absolute(kid: str) -> None:
    with pytest.raises(MalformedError, match=r"absolute|not a DID"):
        did_of_key(kid)
