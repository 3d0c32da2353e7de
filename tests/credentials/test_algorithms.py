"""Signatures in the form of JWS, compared with those of another library."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from credentials.algorithms import ALGORITHMS
from credentials.keys import VERIFYING_ALGORITHMS
from tests.support.keys import ec_private_key, ed25519_private_key, rsa_private_key

KEYS: dict[str, Any] = {
    "ES256": ec_private_key("a"),
    "ES384": ec_private_key("a", ec.SECP384R1()),
    "ES512": ec_private_key("a", ec.SECP521R1()),
    "EdDSA": ed25519_private_key("a"),
    **dict.fromkeys(("PS256", "PS384", "PS512", "RS256"), rsa_private_key("a")),
}
HASHES = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES512": hashes.SHA512()}
OTHERS = get_default_algorithms()


def test_there_is_one_list() -> None:
    assert set(ALGORITHMS) == set(VERIFYING_ALGORITHMS) == set(KEYS)


@pytest.mark.parametrize("alg", sorted(KEYS))
def test_what_one_library_signs_the_other_verifies(alg: str) -> None:
    key, other, message = KEYS[alg], OTHERS[alg], b"message"

    assert ALGORITHMS[alg].verify(key.public_key(), other.sign(message, key), message)
    assert other.verify(message, key.public_key(), ALGORITHMS[alg].sign(key, message))


@given(signature=st.binary(max_size=200), alg=st.sampled_from(sorted(KEYS)))
def test_no_other_bytes_are_a_signature(signature: bytes, alg: str) -> None:
    assert not ALGORITHMS[alg].verify(KEYS[alg].public_key(), signature, b"message")


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_an_ecdsa_signature_has_one_length_and_no_other_form(alg: str) -> None:
    key, algorithm = KEYS[alg], ALGORITHMS[alg]
    signature = algorithm.sign(key, b"message")
    size = len(signature) // 2
    der = key.sign(b"message", ec.ECDSA(HASHES[alg]))

    assert algorithm.verify(key.public_key(), signature, b"message")
    for wrong in (
        der,
        b"\0" + signature,
        signature + b"\0",
        signature[:-1],
        signature[:size] + bytes(size),
        bytes(size) + signature[size:],
        bytes(2 * size),
        b"\xff" * (2 * size),
    ):
        assert not algorithm.verify(key.public_key(), wrong, b"message")
