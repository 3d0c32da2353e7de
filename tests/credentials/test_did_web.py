"""did:web to URL and back."""

import pytest

from credentials.did.did_web import document_url, web_did
from credentials.did.identifier import DID
from credentials.errors import MalformedError

UUID = "6b8705b2-a8f2-45d0-9d30-c10f26c42244"


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:a.example", "https://a.example/.well-known/did.json"),
        ("did:web:a.example:b:c", "https://a.example/b/c/did.json"),
        ("did:web:a.example%3A8443", "https://a.example:8443/.well-known/did.json"),
        ("did:web:a.example%3a8443:iam:x", "https://a.example:8443/iam/x/did.json"),
        ("did:web:localhost:iam:x", "https://localhost/iam/x/did.json"),
        ("did:web:nodeA:iam:x", "https://nodeA/iam/x/did.json"),
        ("did:web:a.example:x%7Ey%2Fz%2E", "https://a.example/x~y%2Fz%2E/did.json"),
    ],
)
def test_the_document_has_one_place(did: str, url: str) -> None:
    assert document_url(DID(did)) == url


@pytest.mark.parametrize(
    "did",
    [
        "did:key:z6Mk",
        "did:web:127.0.0.1",
        "did:web:10.0.0.1%3A80",
        "did:web:2130706433",
        "did:web:0x7f000001",
        "did:web:a.0x",
        "did:web:a.1",
        "did:web:a..b",
        "did:web:.a",
        "did:web:-a.example",
        "did:web:a-.example",
        "did:web:a_b.example",
        "did:web:a%2Eexample",
        "did:web:a%3A",
        "did:web:a%3A0",
        "did:web:a%3A65536",
        "did:web:a%3A080",
        "did:web:a%3A80%3A80",
        "did:web:a%40b",
        "did:web:a%00",
        "did:web:a.example::b",
        "did:web:a.example:..:b",
        "did:web:a.example:.",
        "did:web:a.example:%2e%2E",
        "did:web:a.example:.%2e:b",
        "did:web:a/b",
        "did:web:" + "a." * 127 + "a",
        "did:web:" + "a" * 64,
    ],
)
def test_what_leads_elsewhere_is_refused(did: str) -> None:
    with pytest.raises(MalformedError):
        document_url(DID(did))


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://a.example", f"did:web:a.example:iam:{UUID}"),
        ("https://a.example/", f"did:web:a.example:iam:{UUID}"),
        ("https://a.example:8443/base/x/", f"did:web:a.example%3A8443:base:x:iam:{UUID}"),
    ],
)
def test_a_tenant_is_named_after_the_public_url(url: str, did: str) -> None:
    assert web_did(url, UUID) == did


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "http://a.example",
        "https://",
        "https://1.2.3.4",
        "https://[::1]",
        "https://a.example:99999",
        "https://u@a.example",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://a.example/a b",
        "https://[",
        "https://a.example/../b",
    ],
)
def test_a_public_url_has_to_fit(url: str) -> None:
    with pytest.raises(MalformedError):
        web_did(url, UUID)
