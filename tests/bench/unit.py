"""The unit of everything: one ES256 verification, bare."""

from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

MESSAGE = b"." * 1024


def es256_verification() -> Callable[[], object]:
    """Return what verifies one signature over 1 KiB with a key that is loaded."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    public = key.public_key()

    def verify() -> None:
        public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))

    return verify
