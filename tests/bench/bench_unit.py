"""The unit: one ES256 verification, bare. What a number means on another machine follows from this one."""

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.bench.measure import side_by_side
from tests.bench.result import Result
from tests.bench.setting import Setting

MESSAGE = b"." * 1024


def es256_verification() -> Callable[[], object]:
    """Return what verifies one signature over 1 KiB with a key that is loaded."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    public = key.public_key()

    def verify() -> None:
        public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))

    return verify


async def run(setting: Setting) -> Sequence[Result]:
    """Measure the unit."""
    verify = es256_verification()
    measured = side_by_side({"unit": verify}, repetitions=setting.repetitions, seconds=setting.seconds / 4)
    series = measured["unit"].scaled(1e6)
    return [
        Result(group="The unit", what="One ES256 verification by OpenSSL, 1 KiB, key loaded", measured=series, unit="µs")
    ]
