"""Proofs of possession: what a good one is, and every way in which one can be wrong (RFC 9449)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import CredentialError
from credentials.fields import parse_json
from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId, SoftwareKey
from node.oauth.dpop import check_proof, make_proof, normal_url
from tests.support.keys import a_key, ec_private_key, ed25519_private_key, rsa_private_key
from tests.support.world import NOON

KEY = a_key("oever")
URL = "https://wending.example/fhir/wending/r4/Patient"
TOKEN = "a-token"


def proof(**changes: Any) -> str:
    options: dict[str, Any] = {"method": "GET", "url": URL, "access_token": TOKEN, "jti": "jti-1", "now": NOON}
    return make_proof(changes.pop("key", KEY), **(options | changes))


def check(text: str, **changes: Any) -> str:
    options: dict[str, Any] = {
        "method": "GET",
        "url": URL,
        "now": NOON,
        "access_token": TOKEN,
        "jkt": KEY.public.thumbprint(),
    }
    return check_proof(text, **(options | changes)).jkt


def bent(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A proof with other header members and claims, signed well; None leaves one out."""
    head, body, _ = proof().split(".")
    members = parse_json(b64url_decode(head)) | (header or {})
    said = {name: value for name, value in (parse_json(b64url_decode(body)) | claims).items() if value is not None}
    return sign_jws({"kid": None} | members, compact_json(said), KEY)


def test_a_good_proof_passes_and_names_its_key() -> None:
    assert check(proof()) == KEY.public.thumbprint()


def test_every_kind_of_key_can_prove() -> None:
    kid = KeyId("did:web:a.example#k")
    keys = [
        SoftwareKey(kid, ed25519_private_key("a")),
        SoftwareKey(kid, rsa_private_key("oever")),
        SoftwareKey(kid, ec_private_key("a")),
    ]
    for key in keys:
        assert check(proof(key=key), jkt=key.public.thumbprint()) == key.public.thumbprint()


def test_a_proof_has_the_shape_nuts_node_makes() -> None:
    head, body, _ = proof(url=f"{URL}?name=x#y").split(".")
    header, claims = parse_json(b64url_decode(head)), parse_json(b64url_decode(body))
    assert header == {"alg": "ES256", "typ": "dpop+jwt", "jwk": {**KEY.public.to_jwk(), "alg": "ES256"}}
    assert set(claims) == {"htm", "htu", "jti", "iat", "ath"}
    assert claims["htu"] == URL


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "POST"},
        {"method": "get"},
        {"url": URL + "/x"},
        {"url": URL.replace("wending", "oever")},
        {"url": URL.replace("example/", "example:8443/")},
        {"url": "not a url"},
        {"access_token": "another"},
        {"jkt": a_key("other").public.thumbprint()},
        {"now": NOON + timedelta(seconds=61)},
        {"now": NOON - timedelta(seconds=6)},
    ],
)
def test_a_proof_for_another_request_key_token_or_time_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CredentialError):
        check(proof(), **changes)


@pytest.mark.parametrize("age", [-5, 0, 60])
def test_a_proof_passes_within_its_minute_and_the_skew(age: int) -> None:
    check(proof(), now=NOON + timedelta(seconds=age))


@pytest.mark.parametrize(
    "text",
    [
        bent({"typ": "JWT"}),
        bent({"typ": None}),
        bent({"jwk": None}),
        bent({"jwk": "text"}),
        bent({"jwk": {"kty": "oct", "k": "AAAA"}}),
        bent({"jwk": {**KEY.public.to_jwk(), "d": "AAAA"}}),
        bent({"jwk": a_key("other").public.to_jwk()}),
        bent({"crit": ["jwk"]}),
        bent({"x5c": []}),
        bent({"jku": "https://evil.example"}),
        bent(htm=None),
        bent(htu=None),
        bent(htu="https://wending.example@evil.example/fhir/wending/r4/Patient"),
        bent(htu="file:///fhir/wending/r4/Patient"),
        bent(htu="https://[::1"),
        bent(jti=None),
        bent(jti=""),
        bent(jti="j" * 257),
        bent(jti=7),
        bent(iat=None),
        bent(iat="now"),
        bent(iat=True),
        bent(iat=1e300),
        bent(ath=None),
        bent(ath=""),
        proof()[:-4],
        proof() + "=",
        proof() + ".x",
        "x" * 9_000,
        "",
        "..",
    ],
)
def test_a_proof_that_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(CredentialError):
        check(text)


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", "RS256", "", 7])
def test_an_algorithm_that_does_not_fit_the_key_is_refused(alg: object) -> None:
    _, body, signature = proof().split(".")
    head = b64url_encode(compact_json({"alg": alg, "typ": "dpop+jwt", "jwk": KEY.public.to_jwk()}))
    for signed in (signature, ""):
        with pytest.raises(CredentialError):
            check(f"{head}.{body}.{signed}")


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_text_is_a_proof_or_one_clean_error(text: str) -> None:
    with pytest.raises(CredentialError):
        check(text)


def test_the_single_use_of_a_proof_follows_from_what_was_signed() -> None:
    options: dict[str, Any] = {"method": "GET", "url": URL, "access_token": TOKEN, "jkt": None}
    first = check_proof(proof(), now=NOON, **options).single_use
    later = check_proof(proof(), now=NOON + timedelta(seconds=30), **options).single_use
    assert first == later
    assert first.expires_at == NOON + timedelta(seconds=65)
    assert check_proof(proof(jti="jti-2"), now=NOON, **options).single_use.key != first.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/x", "a.example/x"),
        ("https://a.example:443/x", "http://a.example:80/x"),
        ("https://A.Example/x?y=1#z", "https://a.example/x"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example:8443/x", "a.example:8443/x"),
        ("https://a.example/%7Ex%2d", "https://a.example/~x-"),
        ("https://a.example/%3a", "https://a.example/%3A"),
    ],
)
def test_urls_that_mean_the_same_compare_equal(one: str, other: str) -> None:
    assert normal_url(one) == normal_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/x", "https://a.example:8443/x"),
        ("https://a.example/x", "https://a.example/X"),
        ("https://a.example/x", "https://a.example/x/"),
        ("https://a.example/a/b", "https://a.example/a%2Fb"),
        ("https://a.example/x", "https://a.example.evil/x"),
    ],
)
def test_urls_that_differ_compare_unequal(one: str, other: str) -> None:
    assert normal_url(one) != normal_url(other)
