"""The units: an ES256 verification and a parsed page, both bare. What a number means on another machine follows from these."""

from collections.abc import Sequence

from tests.bench.measure import side_by_side
from tests.bench.record_system import large_page
from tests.bench.result import Result
from tests.bench.setting import Setting
from tests.bench.unit import es256_verification, parsing

GROUP = "The units"


async def run(setting: Setting) -> Sequence[Result]:
    """Measure the units."""
    measured = side_by_side(
        {"verification": es256_verification(), "parsing": parsing()},
        repetitions=setting.repetitions,
        seconds=setting.seconds / 2,
    )
    return [
        Result(
            group=GROUP,
            what="One ES256 verification by OpenSSL, 1 KiB, key loaded",
            measured=measured["verification"].scaled(1e6),
            unit="µs",
            note="The measure of OpenSSL's work; 66 µs on the machine that the targets were tried on.",
        ),
        Result(
            group=GROUP,
            what=f"json.loads of a FHIR page of {len(large_page()):,} bytes",
            measured=measured["parsing"].scaled(1e6),
            unit="µs",
            note="The measure of Python's work; 160 µs on that machine.",
        ),
    ]
