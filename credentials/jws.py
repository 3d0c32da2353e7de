"""Compact JWS (RFC 7515): parse without believing, sign.

Parsing keeps the signed bytes as they came. What a header may say is a short list: an algorithm that
`credentials.keys` verifies, a key id, a type. Members that point at or carry a key (``jwk``, ``jku``, ``x5u``,
``x5c``) are refused unless the caller names them, ``crit`` always, since we implement no extension, and with it
``b64`` (RFC 7797), which changes what is signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import msgspec

from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import MalformedError
from credentials.fields import MAX_JSON_BYTES, Fields
from credentials.keys import VERIFYING_ALGORITHMS
from credentials.ports import PrivateKey

MAX_JWS_BYTES: Final = MAX_JSON_BYTES
"""Longest compact JWS accepted, in bytes."""
MAX_HEADER_BYTES: Final = 65_536
"""Longest header, decoded; a chain of eight certificates fits in it."""

_ENCODER = msgspec.json.Encoder()
_NEVER = frozenset({"crit", "b64"})
_REFUSED = _NEVER | {"jwk", "jku", "x5u", "x5c"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedJWS:
    """A compact JWS, parsed and **not** verified.

    Attributes:
        compact: as received.
        header: the protected header; ``alg`` is one we verify, ``kid`` a text or absent.
        payload: decoded, not interpreted.
        signature: decoded; ECDSA as raw ``r || s``.
        signing_input: the ASCII bytes the signature is over.
    """

    compact: str
    header: Mapping[str, Any]
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)

    @classmethod
    def parse(cls, compact: str, *, max_bytes: int = MAX_JWS_BYTES, allow: frozenset[str] = frozenset()) -> Self:
        """Take a compact JWS apart.

        Args:
            compact: three base64url parts with dots between.
            max_bytes: longest ``compact`` accepted.
            allow: header members among jwk, jku, x5u and x5c that the caller handles itself.

        Raises:
            MalformedError: not a compact JWS, or a header that is not accepted.
        """
        # (1) size and shape
        if len(compact) > max_bytes:
            raise MalformedError(f"JWS is larger than {max_bytes} bytes")
        parts = compact.split(".", 3)
        if len(parts) != 3:  # noqa: PLR2004  # header, payload, signature
            raise MalformedError("JWS does not have three parts")
        # (2) header
        header = Fields.from_json(b64url_decode(parts[0]), max_bytes=MAX_HEADER_BYTES, what="JWS header")
        if header.text("alg") not in VERIFYING_ALGORITHMS:
            raise MalformedError("JWS alg is not accepted")
        header.optional_text("kid")
        header.optional_text("typ")
        for name in _REFUSED & header.value.keys():
            if name in _NEVER or name not in allow:
                raise MalformedError(f"JWS header has {name}, which is not accepted")
        # (3) the rest, which only the signature can vouch for
        return cls(
            compact=compact,
            header=header.value,
            payload=b64url_decode(parts[1]),
            signature=b64url_decode(parts[2]),
            signing_input=compact[: compact.rindex(".")].encode(),
        )

    @property
    def alg(self) -> str:
        """The algorithm the header claims; it has to fit the key that verifies."""
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        """The key id the header claims, if any."""
        return self.header.get("kid")

    @property
    def typ(self) -> str | None:
        """The type the header claims, if any."""
        return self.header.get("typ")


def sign_jws(header: Mapping[str, Any], payload: bytes, key: PrivateKey) -> str:
    """Make a compact JWS over ``payload``.

    Args:
        header: members beside ``alg``, which is always that of the key. A ``kid`` here replaces the key's own; None leaves
            it out.
        payload: signed as is.
        key: signs.
    """
    members = {"alg": None, "kid": key.kid, **header} | {"alg": key.alg}
    if members["kid"] is None:
        del members["kid"]
    signing_input = f"{b64url_encode(compact_json(members))}.{b64url_encode(payload)}"
    return f"{signing_input}.{b64url_encode(key.sign(signing_input.encode()))}"


def compact_json(value: Mapping[str, Any]) -> bytes:
    """JSON without white space, members in the order given. What is not a number becomes ``null``; parsed JSON never holds one."""
    return _ENCODER.encode(value)
