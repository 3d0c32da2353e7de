"""Services: ids as nuts-node makes them, and what can not stand in a document."""

from typing import Any

import pytest

from credentials.did.identifier import DID
from credentials.did.service import Service
from credentials.errors import MalformedError

ME = DID("did:web:a.example:iam:1")


def test_the_id_is_the_one_that_nuts_node_gives() -> None:
    """As recorded of a live nuts-node 6.2.10."""
    service = Service.of("fhir", "https://node-a.test/fhir")
    assert service.fragment == "2Xs2hkcLADyGXJunWwfk3AAL398hTtaMzJ65ryZ5euLt"
    assert service.to_json(ME) == {
        "id": f"{ME}#2Xs2hkcLADyGXJunWwfk3AAL398hTtaMzJ65ryZ5euLt",
        "type": "fhir",
        "serviceEndpoint": "https://node-a.test/fhir",
    }


def test_the_order_of_members_does_not_matter_and_the_content_does() -> None:
    first, second = (
        Service.of("a", {"x": "1", "y": {"p": "2", "q": "3"}}),
        Service.of("a", {"y": {"q": "3", "p": "2"}, "x": "1"}),
    )
    assert first == second
    assert first.fragment == second.fragment
    others = [("b", first.endpoint), ("a", {"x": "2"}), ("a", ["x"]), ("a", "x&y<z>"), ("a", "x&y")]
    assert len({Service.of(kind, endpoint).fragment for kind, endpoint in others} | {first.fragment}) == 6


def test_characters_that_go_escapes_are_hashed_escaped() -> None:
    """Computed with Go's encoding/json: ``{"id":"","serviceEndpoint":"https://a.example/?x=1\\u0026y=2","type":"é\\u003cb\\u003e"}``."""
    import hashlib

    from credentials.did.base58 import base58_encode

    written = '{"id":"","serviceEndpoint":"https://a.example/?x=1\\u0026y=2","type":"é\\u003cb\\u003e"}'
    expected = base58_encode(hashlib.sha256(written.encode()).digest())
    assert Service.of("é<b>", "https://a.example/?x=1&y=2").fragment == expected


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        ("", "x"),
        ("x" * 257, "x"),
        ("a\0", "x"),
        (5, "x"),
        (None, "x"),
        ("a", ""),
        ("a", None),
        ("a", 5),
        ("a", True),
        ("a", {}),
        ("a", []),
        ("a", "x" * 16_384),
    ],
)
def test_what_can_not_stand_in_a_document_is_refused(kind: Any, endpoint: Any) -> None:
    with pytest.raises(MalformedError):
        Service.of(kind, endpoint)
