"""Nonces that we give for proofs of possession (RFC 9449 §8, §9): sealed times, so that every replica knows its own and others' ones.

A proof made in advance, by somebody who had a key for a moment, is good for later; one with a nonce of ours in it can not have been
made before we gave that nonce. nuts-node knows no nonces, so one is *offered* with every answer to a token request that brought a proof,
*honoured* wherever a proof has one, and *demanded* of a proof only whose own time is not believed: that one would be refused anyway.
A clock that is wrong then costs a second request, not the answer.

Nothing is kept: a nonce is a time in seconds and a MAC over it. A proof with one still works once, by its ``jti``.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from credentials.claims import CLOCK_SKEW
from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import MalformedError

LIFETIME: Final = timedelta(seconds=1_200)
"""How long a nonce may be in a proof: longer than a token, so that who asks for the next one has one that is good. A proof whose own
time is not believed takes one that was made within the last minute."""

HEADER: Final = "DPoP-Nonce"

_TIME_BYTES: Final = 5  # seconds until the year 36812
_MAC_BYTES: Final = 16
_LENGTH: Final = 28  # characters of 21 bytes in base64url


class ServerNonces:
    """Makes and recognises nonces.

    Args:
        secret: of the node, the same on every replica; a key for this purpose is derived from it.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"hazel: nonces for DPoP proofs, 1", hashlib.sha256)

    def offer(self, now: datetime) -> str:
        """Return a nonce that was made ``now`` (aware UTC)."""
        moment = int(now.timestamp()).to_bytes(_TIME_BYTES, "big")
        return b64url_encode(moment + self._mac(moment))

    def made_at(self, nonce: str, now: datetime) -> datetime | None:
        """Return when one of our nonces was made; ``None`` when it is not one of ours, or not of this time."""
        if len(nonce) != _LENGTH:
            return None
        try:
            sealed = b64url_decode(nonce)
        except MalformedError:
            return None
        moment, mac = sealed[:_TIME_BYTES], sealed[_TIME_BYTES:]
        if not hmac.compare_digest(mac, self._mac(moment)):
            return None
        made = datetime.fromtimestamp(int.from_bytes(moment, "big"), UTC)
        return made if now - LIFETIME <= made <= now + CLOCK_SKEW else None

    def _mac(self, moment: bytes) -> bytes:
        return hmac.digest(self._key, moment, hashlib.sha256)[:_MAC_BYTES]
