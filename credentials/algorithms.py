"""The JWS algorithms that we know, on the `cryptography` package, which calls OpenSSL (RFC 7518 §3, RFC 8037 §3.1).

Nothing is chosen here: `credentials.keys` ties each algorithm to the kind and curve of a key. What belongs to JWS is only the form of
an ECDSA signature (``r || s``, each as long as the curve's order) and the length of the salt (that of the hash).
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature


class Algorithm(Protocol):
    """One algorithm. The key has to be of its kind."""

    def sign(self, key: Any, content: bytes) -> bytes:
        """Sign with a private key of the `cryptography` package."""

    def verify(self, key: Any, signature: bytes, content: bytes) -> bool:
        """Whether ``signature`` matches under a public key of that package."""


@dataclass(frozen=True, slots=True)
class Ecdsa:
    """ECDSA on one curve; ``size`` is that of its order in bytes."""

    scheme: ec.ECDSA
    size: int

    def sign(self, key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
        """See `Algorithm`."""
        r, s = decode_dss_signature(key.sign(content, self.scheme))
        return r.to_bytes(self.size, "big") + s.to_bytes(self.size, "big")

    def verify(self, key: ec.EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
        """See `Algorithm`."""
        size = self.size
        if len(signature) != 2 * size:
            return False
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        try:
            key.verify(encode_dss_signature(r, s), content, self.scheme)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Rsa:
    """RSA with one padding and hash."""

    scheme: padding.PSS | padding.PKCS1v15
    hash: hashes.HashAlgorithm

    def sign(self, key: Any, content: bytes) -> bytes:
        """See `Algorithm`."""
        signature: bytes = key.sign(content, self.scheme, self.hash)
        return signature

    def verify(self, key: Any, signature: bytes, content: bytes) -> bool:
        """See `Algorithm`."""
        try:
            key.verify(signature, content, self.scheme, self.hash)
        except InvalidSignature:
            return False
        return True


class Ed25519:
    """EdDSA on Ed25519."""

    def sign(self, key: Any, content: bytes) -> bytes:
        """See `Algorithm`."""
        signature: bytes = key.sign(content)
        return signature

    def verify(self, key: Any, signature: bytes, content: bytes) -> bool:
        """See `Algorithm`."""
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


def _pss(algorithm: hashes.HashAlgorithm) -> Rsa:
    return Rsa(padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)


ALGORITHMS: Final[dict[str, Algorithm]] = {
    "ES256": Ecdsa(ec.ECDSA(hashes.SHA256()), 32),
    "ES384": Ecdsa(ec.ECDSA(hashes.SHA384()), 48),
    "ES512": Ecdsa(ec.ECDSA(hashes.SHA512()), 66),
    "EdDSA": Ed25519(),
    "PS256": _pss(hashes.SHA256()),
    "PS384": _pss(hashes.SHA384()),
    "PS512": _pss(hashes.SHA512()),
    "RS256": Rsa(padding.PKCS1v15(), hashes.SHA256()),
}
"""By their names in JOSE headers. There is no other list."""
