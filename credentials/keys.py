"""Keys: JWK in and out (RFC 7517), thumbprints (RFC 7638), and the list of algorithms we accept.

The algorithm always has to fit the key, so a message cannot choose how its own signature is checked: P-256 verifies
ES256 and nothing else. RS256 is verified, since older credentials carry it, and never made. RSA keys have at least 2048
bits. How each algorithm signs and verifies stands in `credentials.algorithms`.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, NewType, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from credentials.algorithms import ALGORITHMS
from credentials.encoding import b64url_decode, b64url_encode, canonical_json
from credentials.errors import MalformedError, UntrustedError
from credentials.fields import Fields

KeyId = NewType("KeyId", str)
"""Absolute key id: ``<did>#<fragment>``."""

SIGNING_ALGORITHMS: Final = ("ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512")
"""What we sign with."""
VERIFYING_ALGORITHMS: Final = frozenset({*SIGNING_ALGORITHMS, "RS256"})
"""What we accept on a message."""
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""Verifying costs time with the size of a key that a stranger chooses."""
MAX_RSA_EXPONENT_BITS: Final = 64
"""And with the size of its exponent, which is 17 bits in practice."""

PublicKeyType = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
_CURVE_NAMES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_CURVE_ALGORITHMS = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",)}
_RSA_ALGORITHMS = ("PS256", "PS384", "PS512", "RS256")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def _jwk_of(key: PublicKeyType) -> dict[str, str]:
    match key:
        case ec.EllipticCurvePublicKey():
            crv = _CURVE_NAMES[key.curve.name]
            size = (key.curve.key_size + 7) // 8
            point = key.public_numbers()
            x, y = (b64url_encode(number.to_bytes(size, "big")) for number in (point.x, point.y))
            return {"kty": "EC", "crv": crv, "x": x, "y": y}
        case rsa.RSAPublicKey():
            numbers = key.public_numbers()
            n, e = (
                b64url_encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
                for number in (numbers.n, numbers.e)
            )
            return {"kty": "RSA", "n": n, "e": e}
        case _:
            return {"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(key.public_bytes_raw())}


def _read_jwk(fields: Fields) -> PublicKeyType:
    """Read the members of RFC 7518 §6 and RFC 8037 §2; numbers have to have their full or their shortest length."""

    def octets(name: str, size: int) -> bytes:
        data = b64url_decode(fields.text(name))
        if len(data) != size:
            raise MalformedError(f"{fields.what}: {name} is not {size} bytes")
        return data

    kty, crv = fields.text("kty"), fields.optional_text("crv")
    if kty == "EC" and crv in _CURVES:
        curve = _CURVES[crv]()
        size = (curve.key_size + 7) // 8
        x, y = (int.from_bytes(octets(name, size), "big") for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()  # refuses points off the curve
    if kty == "OKP" and crv == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(octets("x", 32))
    if kty == "RSA":
        n, e = (b64url_decode(fields.text(name)) for name in ("n", "e"))
        if n[:1] in (b"", b"\0") or e[:1] in (b"", b"\0") or len(n) * 8 > MAX_RSA_BITS:  # RFC 7518 §2
            raise MalformedError(f"{fields.what}: n or e is not an accepted number")
        return rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()
    raise MalformedError(f"{fields.what}: kty and crv are not supported")


def refuse_private(jwk: Mapping[str, object]) -> None:
    """Refuse a JWK that shows what only its owner may know: whoever publishes that has no key any more.

    Raises:
        MalformedError: it holds a private or symmetric key.
    """
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise MalformedError("jwk holds a private or symmetric key")


class PublicKey:
    """A public key and the JWS algorithms that fit it. Equal keys are equal values; never changed after it is made."""

    __slots__ = ("_key", "_thumbprint", "algorithms")

    algorithms: tuple[str, ...]
    """JWS algorithms whose signatures this key verifies; the first is the one to sign with."""

    def __init__(self, key: PublicKeyType, algorithms: tuple[str, ...]) -> None:
        self._key = key
        self._thumbprint: str | None = None
        self.algorithms = algorithms

    @classmethod
    def from_key(cls, key: object) -> Self:
        """Take a public key of the `cryptography` package.

        Raises:
            MalformedError: the kind, curve or size of the key is not accepted.
        """
        match key:
            case ec.EllipticCurvePublicKey() if key.curve.name in _CURVE_NAMES:
                return cls(key, _CURVE_ALGORITHMS[_CURVE_NAMES[key.curve.name]])
            case rsa.RSAPublicKey():
                if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
                    raise MalformedError(f"RSA key does not have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
                if key.public_numbers().e.bit_length() > MAX_RSA_EXPONENT_BITS:
                    raise MalformedError("RSA key has an exponent that is not accepted")
                return cls(key, _RSA_ALGORITHMS)
            case ed25519.Ed25519PublicKey():
                return cls(key, ("EdDSA",))
            case _:
                raise MalformedError("this kind of key is not supported")

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read a public JWK. Members that only describe the key (``kid``, ``alg``, ``use``, …) are not looked at.

        Raises:
            MalformedError: not a public key of a kind, curve and size that is accepted.
        """
        refuse_private(jwk)
        fields = Fields.of(jwk, "jwk")
        try:
            key = _read_jwk(fields)
        except (ValueError, UnsupportedAlgorithm):
            raise MalformedError("jwk is not a valid key") from None
        return cls.from_key(key)

    @property
    def native(self) -> PublicKeyType:
        """The key as the `cryptography` package has it, to write it in another form."""
        return self._key

    def to_jwk(self) -> dict[str, str]:
        """The JWK with its required members only, no ``kid`` and no ``alg`` (WIRE shape of did:web documents)."""
        return _jwk_of(self._key)

    def thumbprint(self) -> str:
        """RFC 7638 SHA-256 thumbprint, base64url."""
        if self._thumbprint is None:  # the same value whoever computes it, so no lock
            self._thumbprint = b64url_encode(hashlib.sha256(canonical_json(self.to_jwk())).digest())
        return self._thumbprint

    def verify(self, signature: bytes, signing_input: bytes, alg: str) -> None:
        """Check a signature in JWS form.

        Raises:
            UntrustedError: ``alg`` does not fit this key, or the signature does not match.
        """
        if alg not in self.algorithms:
            raise UntrustedError("alg does not fit the key")
        if not ALGORITHMS[alg].verify(self._key, signature, signing_input):
            raise UntrustedError("signature does not match")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self.thumbprint())

    def __repr__(self) -> str:
        return f"PublicKey({self.thumbprint()!r})"


PrivateKeyType = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class SoftwareKey:
    """A private key held in this process; implements `credentials.ports.PrivateKey`. Its repr hides the key."""

    __slots__ = ("_key", "alg", "kid", "public")

    def __init__(self, kid: KeyId, key: PrivateKeyType, alg: str | None = None) -> None:
        self.kid = kid
        self.public = PublicKey.from_key(key.public_key())
        self.alg = alg if alg is not None else self.public.algorithms[0]
        if self.alg not in self.public.algorithms or self.alg not in SIGNING_ALGORITHMS:
            raise ValueError(f"this key does not sign {self.alg}")
        self._key = key

    @classmethod
    def generate(cls, kid: KeyId) -> Self:
        """Make a P-256 key; the randomness is that of the `cryptography` package."""
        return cls(kid, ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes, kid: KeyId, alg: str | None = None) -> Self:
        """Read an unencrypted PEM private key.

        Args:
            pem: PKCS #8, SEC 1 or PKCS #1.
            kid: the key id it signs under.
            alg: algorithm to sign with; by default the one of the curve, PS256 for RSA.

        Raises:
            MalformedError: not a readable private key of an accepted kind.
            ValueError: ``alg`` does not fit the key.
        """
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise MalformedError("not an unencrypted PEM private key") from None
        if not isinstance(key, PrivateKeyType):
            raise MalformedError("this kind of key is not supported")
        return cls(kid, key, alg)

    def renamed(self, kid: KeyId) -> Self:
        """The same key under another id: of did:key and did:jwk the id follows from the key."""
        return type(self)(kid, self._key, self.alg)

    def to_pem(self) -> bytes:
        """PKCS #8, unencrypted: for a file that only its owner reads."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, signing_input: bytes) -> bytes:
        """Sign; the result is in JWS form (ECDSA as raw ``r || s``)."""
        return ALGORITHMS[self.alg].sign(self._key, signing_input)

    def __repr__(self) -> str:
        return f"SoftwareKey({self.kid!r}, {self.alg!r})"
