"""The units of everything: an ES256 verification, which is OpenSSL's work, and a parsed page of 30 kB, which is Python's."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.bench.measure import side_by_side
from tests.bench.record_system import large_page

MESSAGE = b"." * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What both take at one moment, in microseconds."""

    verification: float
    parsing: float


def measure_units(*, seconds: float) -> Units:
    """Measure both, now."""
    measured = side_by_side(
        {"verification": es256_verification(), "parsing": parsing()}, repetitions=1, seconds=seconds
    )
    return Units(
        verification=measured["verification"].median * 1e6,
        parsing=measured["parsing"].median * 1e6,
    )


def es256_verification() -> Callable[[], object]:
    """Return what verifies one signature over 1 KiB with a key that is loaded."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    public = key.public_key()

    def verify() -> None:
        public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))

    return verify


def parsing() -> Callable[[], object]:
    """Return what parses the page."""
    body = large_page()
    return lambda: json.loads(body)
