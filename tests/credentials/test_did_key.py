"""did:key: every kind of key in and out, one spelling each, and what is refused."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from credentials.did.base58 import base58_decode, base58_encode
from credentials.did.did_key import did_key, key_id_of_did_key, resolve_did_key
from credentials.did.identifier import DID
from credentials.errors import MalformedError
from credentials.keys import PublicKey
from tests.support.keys import ec_private_key, ed25519_private_key, rsa_private_key

ED25519 = DID("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")  # an example of the did:key specification
P256 = DID("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169")  # the same
X25519 = DID("did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc")  # the same

KEYS: dict[str, Any] = {
    "Ed25519": ed25519_private_key("a"),
    "P-256": ec_private_key("a"),
    "P-384": ec_private_key("a", ec.SECP384R1()),
    "P-521": ec_private_key("a", ec.SECP521R1()),
    "RSA": rsa_private_key("a"),
}


@pytest.mark.spec("did:key §3.1.2")
@pytest.mark.parametrize("kind", KEYS)
def test_every_kind_of_key_has_one_did_and_comes_back_from_it(kind: str) -> None:
    key = PublicKey.from_key(KEYS[kind].public_key())
    did = did_key(key)
    assert resolve_did_key(did) == {key_id_of_did_key(did): key}
    assert key_id_of_did_key(did) == f"{did}#{did.removeprefix('did:key:')}"


@pytest.mark.spec("did:key §3.1.2")
@pytest.mark.parametrize(("did", "alg"), [(ED25519, "EdDSA"), (P256, "ES256")])
def test_keys_of_the_specification_are_read(did: DID, alg: str) -> None:
    [(kid, key)] = resolve_did_key(did).items()
    assert kid == f"{did}#{did.removeprefix('did:key:')}"
    assert key.algorithms[0] == alg
    assert did_key(key) == did


def test_a_key_for_encryption_signs_nothing() -> None:
    assert resolve_did_key(X25519) == {}


def of(code: bytes, material: bytes) -> str:
    return f"did:key:z{base58_encode(code + material)}"


def point(form: int, curve: ec.EllipticCurve, data: bytes) -> bytes:
    return bytes([form]) + data.rjust((curve.key_size + 7) // 8, b"\0")


def pkcs1(key: rsa.RSAPrivateKey) -> bytes:
    return base58_decode(did_key(PublicKey.from_key(key.public_key())).removeprefix("did:key:z"))[2:]


SMALL = rsa.RSAPublicNumbers(65537, rsa_private_key("a").private_numbers().p).public_key()


@pytest.mark.parametrize(
    "did",
    [
        "did:web:a.example",
        "did:key:",
        "did:key:z",
        "did:key:6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        f"{ED25519}0",
        ED25519.replace("z6", "z16"),
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",  # secp256k1
        of(b"\xed\x01", b"\1" * 31),
        of(b"\xec\x01", b"\1" * 31),
        of(b"\x80\x24", point(2, ec.SECP256R1(), b"\xff" * 32)),
        of(b"\x80\x24", point(5, ec.SECP256R1(), b"\1")),
        of(b"\x80\x24", point(4, ec.SECP256R1(), b"") + b"\0" * 32),
        of(b"\x81\x24", point(2, ec.SECP256R1(), b"\1")),
        of(b"\x85\x24", b""),
        of(b"\x85\x24", pkcs1(rsa_private_key("a")) + b"\0"),
        of(b"\x85\x24", b"\x30\x03\x02\x01\x05"),
        of(b"\x85\x24", b"\x30\x81" + b"\1" * 200),
        f"did:key:z{'2' * 2030}",
    ],
)
def test_what_is_no_key_we_verify_with_is_refused(did: str) -> None:
    with pytest.raises(MalformedError):
        resolve_did_key(DID(did))


def test_an_rsa_key_under_2048_bits_is_refused() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    short = SMALL.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    with pytest.raises(MalformedError):
        resolve_did_key(DID(of(b"\x85\x24", short)))


@given(st.binary(max_size=200))
def test_base58_has_one_spelling(data: bytes) -> None:
    assert base58_decode(base58_encode(data)) == data


def test_base58_of_the_specification() -> None:
    assert base58_encode(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert base58_encode(b"\0\0\x28\x7f\xb4\xcd") == "11233QC4"


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "é", " ", "1" * 2049])
def test_text_that_is_not_base58_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        base58_decode(text)


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda data: f"z{base58_encode(data)}"))
def test_any_text_is_a_key_or_malformed(text: str) -> None:
    try:
        resolve_did_key(DID(f"did:key:{text}"))
    except MalformedError:
        return


def test_an_rsa_key_with_a_huge_exponent_is_refused() -> None:
    """Verifying with it would take as long as signing."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    slow = rsa.RSAPublicNumbers((1 << 200) + 1, rsa_private_key("a").public_key().public_numbers().n).public_key()
    with pytest.raises(MalformedError, match="exponent"):
        resolve_did_key(DID(of(b"\x85\x24", slow.public_bytes(Encoding.DER, PublicFormat.PKCS1))))
