"""did:jwk: in both alphabets, never a private key."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from credentials.did.did_jwk import did_jwk, key_id_of_did_jwk, resolve_did_jwk
from credentials.did.identifier import DID
from credentials.encoding import b64url_encode
from credentials.errors import MalformedError
from credentials.keys import PublicKey
from tests.support.keys import a_key, ec_private_key, ed25519_private_key, rsa_private_key

JWK = a_key("a").public.to_jwk()


def did_of(jwk: Any) -> DID:
    return DID(f"did:jwk:{b64url_encode(json.dumps(jwk).encode())}")


@pytest.mark.parametrize(
    "private",
    [ec_private_key("a"), ec_private_key("a", ec.SECP521R1()), ed25519_private_key("a"), rsa_private_key("a")],
    ids=["P-256", "P-521", "Ed25519", "RSA"],
)
def test_every_kind_of_key_has_a_did_and_comes_back_from_it(private: Any) -> None:
    key = PublicKey.from_key(private.public_key())
    did = did_jwk(key)
    assert resolve_did_jwk(did) == {key_id_of_did_jwk(did): key}
    assert key_id_of_did_jwk(did) == f"{did}#0"


def test_members_that_only_describe_the_key_change_the_did_and_not_the_key() -> None:
    assert set(resolve_did_jwk(did_of({**JWK, "use": "sig", "kid": "x", "alg": "ES256"})).values()) == {
        a_key("a").public
    }


def test_the_standard_alphabet_is_read_too() -> None:
    """nuts-node decodes that one (WIRE §2.3); its two characters have to be escaped in a DID."""
    body = json.dumps({**JWK, "kid": "\u00bf\u00bf??>>~~"}, ensure_ascii=False).encode()
    standard = base64.b64encode(body).decode().rstrip("=")
    assert set("+/") & set(standard)
    did = DID("did:jwk:" + standard.replace("+", "%2B").replace("/", "%2f"))
    assert resolve_did_jwk(did) == {f"{did}#0": a_key("a").public}


def test_the_two_alphabets_are_not_mixed() -> None:
    for text in ("e30-%2B", "e30_%2F", "e30%3D", "e30%2", "e30%2B%41"):
        with pytest.raises(MalformedError):
            resolve_did_jwk(DID(f"did:jwk:{text}"))


@pytest.mark.parametrize("jwk", [{**JWK, "use": "enc"}, {"kty": "OKP", "crv": "X25519", "x": b64url_encode(bytes(32))}])
def test_a_key_for_encryption_signs_nothing(jwk: dict[str, Any]) -> None:
    assert resolve_did_jwk(did_of(jwk)) == {}


@pytest.mark.parametrize("member", ["d", "k", "p", "oth"])
def test_a_private_key_is_refused_also_where_it_would_not_sign(member: str) -> None:
    for jwk in (JWK, {**JWK, "use": "enc"}):
        with pytest.raises(MalformedError, match="private"):
            resolve_did_jwk(did_of({**jwk, member: "AAAA"}))


@pytest.mark.parametrize(
    "did",
    [
        "did:key:z6Mk",
        "did:jwk:",
        "did:jwk:e30",
        did_of([]),
        did_of({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        did_of({"kty": "oct"}),
        did_of({**JWK, "crv": ["P-256"], "kty": {}}),
        f"did:jwk:{b64url_encode(b'{' + json.dumps(JWK).encode()[1:-1] + b', ' + json.dumps(JWK).encode()[1:])}",
        did_of({**JWK, "note": "x" * 2000}),
        f"{did_of(JWK)}#0",
    ],
)
def test_what_is_no_public_jwk_is_refused(did: str) -> None:
    with pytest.raises(MalformedError):
        resolve_did_jwk(DID(did))


@given(st.text(max_size=80) | st.binary(max_size=60).map(b64url_encode))
def test_any_text_is_a_key_or_malformed(text: str) -> None:
    try:
        resolve_did_jwk(DID(f"did:jwk:{text}"))
    except MalformedError:
        return
