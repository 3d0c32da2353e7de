"""Sealing at rest: AES-256-GCM under a secret of the vault, for what is stored but must not be read from the disk.

Used for query text and break-glass reasons (audit), consents and credentials. A sealed value is bound to its place by associated data,
so it can not be moved to another row. Layout: version (1 byte) | salt (16) | nonce (12) | ciphertext and tag.

The key of a value is HKDF-SHA-256 of the vault's secret with the salt and the purpose. A salt is drawn per process and renewed
long before random nonces could repeat (NIST SP 800-38D §8.3 allows 2^32 per key).
"""

import hashlib
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from node.ports import Entropy

_VERSION = b"\x01"
_SALT_BYTES = 16
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER_BYTES = 1 + _SALT_BYTES + _NONCE_BYTES
_VALUES_PER_SALT = 2**28
"""Renewed after this many values: 1/16 of what SP 800-38D allows, for counters that are read without a lock."""

SECRET_BYTES = 32


class SealError(Exception):
    """A sealed value does not open: changed, moved, or sealed under another secret."""


class Sealer:
    """Seals and opens values for one purpose.

    Args:
        secret: 32 bytes, the vault's ``seal``.
        purpose: separates keys, so that a consent never opens as an audit detail.
        entropy: for salts and nonces.
    """

    def __init__(self, secret: bytes, *, purpose: str, entropy: Entropy) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError("the sealing secret has 32 bytes")
        self._entropy = entropy
        info = b"hazel seal 1 " + purpose.encode()

        @lru_cache(maxsize=256)
        def cipher(salt: bytes) -> AESGCM:
            return AESGCM(HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(secret))

        self._cipher = cipher
        self._digest_key = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=b"hazel digest 1 " + purpose.encode()
        ).derive(secret)
        self._renew()

    def _renew(self) -> None:
        self._salt = self._entropy.token(_SALT_BYTES)
        self._sealing = self._cipher(self._salt)
        self._left = _VALUES_PER_SALT

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Seal ``plain``; the same ``bound_to`` is needed to open it."""
        self._left -= 1
        if self._left < 0:
            self._renew()
        salt, cipher = self._salt, self._sealing
        nonce = self._entropy.token(_NONCE_BYTES)
        return _VERSION + salt + nonce + cipher.encrypt(nonce, plain, bound_to)

    def digest(self, plain: bytes) -> bytes:
        """Return 32 bytes that are the same for the same ``plain`` and purpose: for finding what must not be readable."""
        return hmac.digest(self._digest_key, plain, hashlib.sha256)

    def unseal(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Open what :meth:`seal` made.

        Raises:
            SealError: it does not open.
        """
        if len(sealed) < _HEADER_BYTES + _TAG_BYTES or sealed[:1] != _VERSION:
            raise SealError("not a sealed value")
        salt = sealed[1 : 1 + _SALT_BYTES]
        nonce = sealed[1 + _SALT_BYTES : _HEADER_BYTES]
        try:
            return self._cipher(salt).decrypt(nonce, sealed[_HEADER_BYTES:], bound_to)
        except InvalidTag as error:
            raise SealError("the sealed value was changed or moved, or another secret sealed it") from error
