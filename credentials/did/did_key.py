"""did:key (W3C CCG did:key, WIRE §2.3): the identifier is the key itself, so nothing has to be fetched and nothing can change.

``did:key:z`` and base58btc of a multicodec number with the key's bytes; the one key id is ``did:key:z…#z…``. A key for encryption
(X25519) is a DID without a key to sign with. secp256k1 and BLS are refused.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from credentials.did.base58 import base58_decode, base58_encode
from credentials.did.identifier import DID, did_method, did_of_key, parse_did
from credentials.errors import MalformedError
from credentials.keys import KeyId, PublicKey

_X25519_BYTES: Final = 32
_RSA_PREFIX: Final = bytes.fromhex("300d06092a864886f70d0101010500")
"""AlgorithmIdentifier of rsaEncryption: did:key has the bare PKCS #1 key, and readers want it wrapped (RFC 5280 §4.1.2.7)."""
_DER_LONG: Final = 0x80


def did_key(key: PublicKey) -> DID:
    """The did:key of a public key."""
    match key.native:
        case ec.EllipticCurvePublicKey() as native:
            point = native.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            body = _CURVE_CODES[native.curve.name] + point
        case rsa.RSAPublicKey() as native:
            body = b"\x85\x24" + native.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        case _:
            body = b"\xed\x01" + key.native.public_bytes_raw()
    return DID(f"did:key:z{base58_encode(body)}")


def key_id_of_did_key(did: DID) -> KeyId:
    """The id of the one key of a did:key."""
    return KeyId(f"{did}#{did.removeprefix('did:key:')}")


def resolve_did_key(did: DID) -> Mapping[KeyId, PublicKey]:
    """The key that may sign for a did:key, by its id; empty for a key that only encrypts.

    Raises:
        MalformedError: not a did:key, or of a kind, curve, size or form that is not accepted.
    """
    parse_did(did)
    if did_method(did) != "key" or not did.startswith("did:key:z"):
        raise MalformedError("not a did:key in base58btc")
    kid = key_id_of_did_key(did)
    did_of_key(kid)  # refuses what is too long to be named in a message
    body = base58_decode(did.removeprefix("did:key:z"))
    code, material = body[:2], body[2:]
    if base58_encode(body) != did.removeprefix("did:key:z") or code not in _READERS:
        raise MalformedError("did:key: this kind of key is not supported")
    try:
        key = _READERS[code](material)
    except (ValueError, UnsupportedAlgorithm):
        raise MalformedError("did:key: not a valid key") from None
    return {} if key is None else {kid: key}


def _read_ed25519(material: bytes) -> PublicKey:
    return PublicKey.from_key(ed25519.Ed25519PublicKey.from_public_bytes(material))


def _read_x25519(material: bytes) -> None:
    """Such a key agrees on secrets and signs nothing."""
    if len(material) != _X25519_BYTES:
        raise MalformedError("did:key: not a valid key")


def _read_point(curve: ec.EllipticCurve) -> Callable[[bytes], PublicKey]:
    size = 1 + (curve.key_size + 7) // 8

    def read(material: bytes) -> PublicKey:
        if len(material) != size:  # an uncompressed point would be a second spelling of the same key
            raise MalformedError("did:key: not a compressed point")
        return PublicKey.from_key(ec.EllipticCurvePublicKey.from_encoded_point(curve, material))

    return read


def _read_rsa(material: bytes) -> PublicKey:
    bits = _der(0x03, b"\0" + material)
    native = load_der_public_key(_der(0x30, _RSA_PREFIX + bits))  # strict DER: one spelling per key
    assert isinstance(native, rsa.RSAPublicKey)  # that is what the prefix says
    return PublicKey.from_key(native)


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < _DER_LONG:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, _DER_LONG | size]) + length.to_bytes(size, "big") + content


_CURVE_CODES: Final = {"secp256r1": b"\x80\x24", "secp384r1": b"\x81\x24", "secp521r1": b"\x82\x24"}
_READERS: Final[dict[bytes, Callable[[bytes], PublicKey | None]]] = {
    b"\xed\x01": _read_ed25519,
    b"\xec\x01": _read_x25519,
    b"\x80\x24": _read_point(ec.SECP256R1()),
    b"\x81\x24": _read_point(ec.SECP384R1()),
    b"\x82\x24": _read_point(ec.SECP521R1()),
    b"\x85\x24": _read_rsa,
}
"""By the varint of the multicodec number: 0xed, 0xec, 0x1200, 0x1201, 0x1202, 0x1205."""
