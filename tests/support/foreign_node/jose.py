"""Compact JWS with P-256, and DPoP proofs, by hand: nothing of Hazel's own reading or signing is used here."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

_SIZE = 32
_HASH = ec.ECDSA(hashes.SHA256())


class ForeignRefusalError(Exception):
    """What the other side sent is refused; the text is for the test that failed."""


def encoded(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Undo :func:`encoded`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The key as it stands in a DID document."""
    numbers = key.public_numbers()
    x, y = (encoded(each.to_bytes(_SIZE, "big")) for each in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638, SHA-256."""
    wanted = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return encoded(hashlib.sha256(json.dumps(wanted, sort_keys=True, separators=(",", ":")).encode()).digest())


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    """Sign with ES256, keys sorted as Go writes them."""
    parts = ({"alg": "ES256", **header}, claims)
    head, body = (encoded(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()) for part in parts)
    r, s = decode_dss_signature(key.sign(f"{head}.{body}".encode(), _HASH))
    return f"{head}.{body}.{encoded(r.to_bytes(_SIZE, 'big') + s.to_bytes(_SIZE, 'big'))}"


def opened(compact: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, nothing verified.

    Raises:
        ForeignRefusalError: it is no compact JWS of JSON objects.
    """
    try:
        head, body, _ = compact.split(".")
        header, claims = json.loads(decoded(head)), json.loads(decoded(body))
    except ValueError as error:
        raise ForeignRefusalError("no compact JWS") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ForeignRefusalError("no JSON objects")
    return header, claims


def verified(compact: str, jwk: Mapping[str, str]) -> dict[str, Any]:
    """Claims of a JWS that this P-256 key signed.

    Raises:
        ForeignRefusalError: it did not.
    """
    header, claims = opened(compact)
    if header.get("alg") != "ES256":
        raise ForeignRefusalError("not ES256")
    x, y = (int.from_bytes(decoded(jwk[name]), "big") for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    signing_input, _, signature = compact.rpartition(".")
    raw = decoded(signature)
    der = encode_dss_signature(int.from_bytes(raw[:_SIZE], "big"), int.from_bytes(raw[_SIZE:], "big"))
    try:
        key.verify(der, signing_input.encode(), _HASH)
    except InvalidSignature as error:
        raise ForeignRefusalError("the signature does not fit the key") from error
    return claims


def proof_of(
    key: ec.EllipticCurvePrivateKey,
    method: str,
    url: str,
    now: datetime,
    *,
    token: str | None = None,
    header: Mapping[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A DPoP proof as nuts-node makes it (WIRE §2.8); ``header`` and ``claims`` replace the good ones."""
    said: dict[str, Any] = {"htm": method, "htu": url, "iat": int(now.timestamp()), "jti": token_urlsafe(32)}
    if token is not None:
        said["ath"] = encoded(hashlib.sha256(token.encode()).digest())
    jwk = {"alg": "ES256", **public_jwk(key.public_key())}
    return signed({"typ": "dpop+jwt", "jwk": jwk, **(header or {})}, said | claims, key)
