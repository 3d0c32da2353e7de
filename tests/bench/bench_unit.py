"""The unit: one ES256 verification, bare. What a number means on another machine follows from this one."""

from collections.abc import Sequence

from tests.bench.measure import side_by_side
from tests.bench.result import Result
from tests.bench.setting import Setting
from tests.bench.unit import es256_verification


async def run(setting: Setting) -> Sequence[Result]:
    """Measure the unit."""
    measured = side_by_side(
        {"unit": es256_verification()}, repetitions=setting.repetitions, seconds=setting.seconds / 4
    )
    return [
        Result(
            group="The unit",
            what="One ES256 verification by OpenSSL, 1 KiB, key loaded",
            measured=measured["unit"].scaled(1e6),
            unit="µs",
        )
    ]
