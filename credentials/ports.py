"""What pure code asks of the world around it: a key that signs, and a memory of signatures that matched."""

from typing import Protocol

from credentials.keys import KeyId, PublicKey


class PrivateKey(Protocol):
    """A key that signs; its private part may live elsewhere (a file, a vault, a smart card)."""

    @property
    def kid(self) -> KeyId:
        """Absolute key id: ``<did>#<fragment>``."""

    @property
    def alg(self) -> str:
        """JWS algorithm this key signs with, one of `credentials.keys.SIGNING_ALGORITHMS`."""

    @property
    def public(self) -> PublicKey:
        """The public half."""

    def sign(self, signing_input: bytes) -> bytes:
        """Sign; the result is in JWS form (ECDSA as raw ``r || s``, RFC 7518 §3.4)."""


class SignatureCache(Protocol):
    """Remembers digests of (signed bytes, signature, key) that were verified once; a plain ``set`` will do.

    It never says that a credential is acceptable: dates, audience, subject and policies are checked every time. The
    implementation bounds its size.
    """

    def __contains__(self, digest: object, /) -> bool:
        """Whether the signature behind this SHA-256 digest matched before."""

    def add(self, digest: bytes, /) -> None:
        """Remember that it matched."""
