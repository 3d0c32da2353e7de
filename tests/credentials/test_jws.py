"""Compact JWS: what a header may say."""

import json
from typing import Any

import pytest

from credentials.encoding import b64url_encode
from credentials.errors import MalformedError
from credentials.jws import SignedJWS, sign_jws
from tests.support.keys import a_key

KEY = a_key("signer")


def a_compact(header: dict[str, Any] | bytes, payload: bytes = b"{}", signature: bytes = b"s") -> str:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return ".".join(map(b64url_encode, (head, payload, signature)))


def test_what_is_signed_is_kept_byte_by_byte() -> None:
    compact = sign_jws({"typ": "JWT"}, b'{"a" : 1}', KEY)
    jws = SignedJWS.parse(compact)
    assert (jws.alg, jws.kid, jws.typ, jws.payload, jws.compact) == ("ES256", KEY.kid, "JWT", b'{"a" : 1}', compact)
    KEY.public.verify(jws.signature, jws.signing_input, jws.alg)


def test_a_header_can_name_another_key_or_none() -> None:
    assert SignedJWS.parse(sign_jws({"kid": "did:x#0"}, b"", KEY)).kid == "did:x#0"
    anonymous = SignedJWS.parse(sign_jws({"kid": None}, b"", KEY))
    assert anonymous.kid is None
    assert anonymous.typ is None
    assert "kid" not in anonymous.header


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_header_with_a_key_is_refused_unless_expected(member: str) -> None:
    compact = a_compact({"alg": "ES256", member: "x"})
    with pytest.raises(MalformedError, match=member):
        SignedJWS.parse(compact)
    assert SignedJWS.parse(compact, allow=frozenset({member})).header[member] == "x"


@pytest.mark.parametrize("member", ["crit", "b64"])
def test_extensions_are_refused_even_if_allowed(member: str) -> None:
    with pytest.raises(MalformedError, match=member):
        SignedJWS.parse(a_compact({"alg": "ES256", member: ["x"]}), allow=frozenset({member}))


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES256K", "RS384", "", 5, None, ["ES256"]])
def test_only_listed_algorithms_are_accepted(alg: object) -> None:
    with pytest.raises(MalformedError, match="alg"):
        SignedJWS.parse(a_compact({"alg": alg}))


@pytest.mark.parametrize(
    ("compact", "reason"),
    [
        ("", "three parts"),
        ("a.b", "three parts"),
        ("a.b.c.d", "three parts"),
        ("*.b.c", "base64url"),
        (a_compact(b"[]"), "not an object"),
        (a_compact(b'{"alg":"ES256","alg":"ES256"}'), "duplicate"),
        (a_compact({"alg": "ES256", "kid": 1}), "kid"),
        (a_compact({"alg": "ES256", "typ": 1}), "typ"),
        (a_compact({"alg": "ES256"}) + "=", "base64url"),
        (a_compact({"alg": "ES256"}, b"").replace(".", ".*", 1), "base64url"),
    ],
)
def test_what_is_no_compact_jws_is_refused(compact: str, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        SignedJWS.parse(compact)


def test_a_jws_has_a_largest_size() -> None:
    with pytest.raises(MalformedError, match="larger than 10 bytes"):
        SignedJWS.parse(a_compact({"alg": "ES256"}), max_bytes=10)
    with pytest.raises(MalformedError, match="larger than"):
        SignedJWS.parse(a_compact({"alg": "ES256", "x": "y" * 70_000}))
