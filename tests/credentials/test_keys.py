"""JWK in and out, thumbprints, and algorithms that have to fit the key."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import MalformedError, UntrustedError
from credentials.keys import SIGNING_ALGORITHMS, KeyId, PrivateKeyType, PublicKey, SoftwareKey
from tests.support.keys import a_key, ec_private_key, ed25519_private_key, rsa_private_key

KID = KeyId("did:web:example.org#k")
PRIVATE_KEYS: dict[str, PrivateKeyType] = {
    "ES256": ec_private_key("a"),
    "ES384": ec_private_key("a", ec.SECP384R1()),
    "ES512": ec_private_key("a", ec.SECP521R1()),
    "EdDSA": ed25519_private_key("a"),
    "PS256": rsa_private_key("a"),
    "PS384": rsa_private_key("a"),
    "PS512": rsa_private_key("a"),
}


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_what_a_key_signs_its_public_half_verifies_and_nothing_else(alg: str) -> None:
    key = SoftwareKey(KID, PRIVATE_KEYS[alg], alg)
    signature = key.sign(b"message")
    key.public.verify(signature, b"message", alg)
    PublicKey.from_jwk(key.public.to_jwk()).verify(signature, b"message", alg)
    for wrong, message in ((signature, b"massage"), (signature[:-1], b"message"), (b"", b"message")):
        with pytest.raises(UntrustedError, match="signature"):
            key.public.verify(wrong, message, alg)
    with pytest.raises(UntrustedError, match="signature"):
        key.public.verify(bytes([signature[0] ^ 1]) + signature[1:], b"message", alg)


@pytest.mark.parametrize(
    ("key_of", "alg"),
    [("ES256", "ES384"), ("ES256", "PS256"), ("PS256", "ES256"), ("EdDSA", "none"), ("ES384", "HS256")],
)
def test_the_algorithm_has_to_fit_the_key(key_of: str, alg: str) -> None:
    key = SoftwareKey(KID, PRIVATE_KEYS[key_of])
    with pytest.raises(UntrustedError, match="alg does not fit"):
        key.public.verify(key.sign(b"m"), b"m", alg)


def test_rs256_is_verified_and_never_made() -> None:
    private = rsa_private_key("a")
    signature = private.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
    PublicKey.from_key(private.public_key()).verify(signature, b"m", "RS256")
    with pytest.raises(ValueError, match="does not sign RS256"):
        SoftwareKey(KID, private, "RS256")


def test_a_key_signs_with_the_algorithm_of_its_curve_by_default() -> None:
    assert a_key("x").alg == "ES256"
    assert SoftwareKey(KID, rsa_private_key("a")).alg == "PS256"
    assert SoftwareKey.generate(KID).alg == "ES256"
    with pytest.raises(ValueError, match="ES384"):
        SoftwareKey(KID, ec_private_key("a"), "ES384")


@pytest.mark.spec("RFC 7638 §3.1")
def test_thumbprint_of_the_example_in_the_rfc() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn6"
        "4tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91"
        "CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = PublicKey.from_jwk({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    assert key.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert key.to_jwk() == {"kty": "RSA", "n": n, "e": "AQAB"}
    assert repr(key) == f"PublicKey({key.thumbprint()!r})"


@pytest.mark.spec("RFC 8037 §A.3")
def test_thumbprint_of_an_ed25519_key() -> None:
    key = PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    assert key.thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_equal_keys_are_equal_values() -> None:
    public = a_key("x").public
    assert public == PublicKey.from_jwk(public.to_jwk())
    assert len({public, PublicKey.from_jwk(public.to_jwk()), a_key("y").public}) == 2
    assert public != "a key"


EC = a_key("x").public.to_jwk()
RSA = PublicKey.from_key(rsa_private_key("a").public_key()).to_jwk()


@pytest.mark.parametrize(
    ("jwk", "reason"),
    [
        ({}, "kty is missing"),
        ({"kty": "oct", "k": "AAAA"}, "private or symmetric"),
        (EC | {"d": "AAAA"}, "private or symmetric"),
        (EC | {"crv": "secp256k1"}, "not supported"),
        (EC | {"crv": 5}, "crv is not a text"),
        (EC | {"kty": "EC2"}, "not supported"),
        (EC | {"x": EC["y"]}, "not a valid key"),
        (EC | {"x": b64url_encode(b64url_decode(EC["x"]) + b"\0")}, "x is not 32 bytes"),
        (EC | {"x": "A" + EC["x"]}, "not base64url|x is not"),
        (EC | {"y": None}, "y is not a text"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "x is not 32 bytes"),
        ({"kty": "OKP", "crv": "X25519", "x": b64url_encode(bytes(32))}, "not supported"),
        (RSA | {"e": "AQAC"}, "not a valid key"),
        (RSA | {"e": ""}, "not an accepted number"),
        (RSA | {"e": "AAEAAQ"}, "not an accepted number"),
        (RSA | {"n": b64url_encode(b"\0" + b64url_decode(RSA["n"]))}, "not an accepted number"),
        (RSA | {"n": b64url_encode(b"\xff" * 1025)}, "not an accepted number"),
        (RSA | {"n": b64url_encode(b"\xff" * 255)}, "2048 to 8192 bits"),
    ],
)
def test_a_jwk_that_is_no_key_of_ours_is_refused(jwk: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        PublicKey.from_jwk(jwk)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(),
        ec.derive_private_key(7, ec.SECP256K1()).public_key(),
        ed448.Ed448PrivateKey.from_private_bytes(bytes(57)).public_key(),
        "a text",
    ],
)
def test_weak_and_unknown_kinds_of_keys_are_refused(key: object) -> None:
    with pytest.raises(MalformedError):
        PublicKey.from_key(key)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "PS256"])
def test_a_private_key_survives_its_file(alg: str) -> None:
    key = SoftwareKey(KID, PRIVATE_KEYS[alg])
    again = SoftwareKey.from_pem(key.to_pem(), KID)
    assert (again.public, again.alg, again.kid) == (key.public, alg, KID)
    assert SoftwareKey.from_pem(SoftwareKey(KID, PRIVATE_KEYS["PS256"]).to_pem(), KID, "PS512").alg == "PS512"


def test_an_unreadable_file_is_not_a_key() -> None:
    encrypted = ec_private_key("a").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    foreign = dsa.generate_private_key(1024).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for pem in (b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", encrypted, foreign, weak):
        with pytest.raises(MalformedError):
            SoftwareKey.from_pem(pem, KID)


def test_the_repr_of_a_private_key_shows_its_name_only() -> None:
    assert (
        repr(SoftwareKey(KID, ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))))
        == f"SoftwareKey({KID!r}, 'EdDSA')"
    )


def test_a_key_signs_on_under_another_name() -> None:
    key = SoftwareKey(KID, PRIVATE_KEYS["PS384"], "PS384")
    other = KeyId("did:web:example.org#other")
    renamed = key.renamed(other)
    assert (renamed.kid, renamed.alg, key.kid) == (other, "PS384", KID)
    key.public.verify(renamed.sign(b"message"), b"message", "PS384")
