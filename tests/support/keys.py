"""Test keys, made at run time: no private key is stored in the repository.

EC keys follow from a name, so a message built twice from the same name verifies under the same key. RSA keys cannot
be derived and cost a tenth of a second; each name gets one per process.
"""

import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from credentials.did.identifier import DID
from credentials.keys import KeyId, SoftwareKey

_ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def ec_private_key(name: str, curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """A deterministic EC key (P-256 unless another curve is given)."""
    number = int.from_bytes(hashlib.sha512(name.encode()).digest(), "big") % (_ORDER_P256 - 1) + 1
    return ec.derive_private_key(number, curve or ec.SECP256R1())


def ed25519_private_key(name: str) -> ed25519.Ed25519PrivateKey:
    """A deterministic Ed25519 key."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


@cache
def rsa_private_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key; the same one for the same name within this process, another one for another name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def a_did(name: str) -> DID:
    """The did:web of a test party: ``did:web:<name>.example:iam:<uuid from the name>``."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return DID(
        f"did:web:{name}.example:iam:{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    )


def a_key(name: str, fragment: str = "key-1") -> SoftwareKey:
    """The P-256 key of a test party, under its did:web."""
    return SoftwareKey(KeyId(f"{a_did(name)}#{fragment}"), ec_private_key(f"{name}#{fragment}"))
