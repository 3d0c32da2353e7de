"""What every benchmark is given."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.measure import side_by_side
from tests.bench.pair import Pair
from tests.bench.record_system import large_page
from tests.bench.unit import es256_verification


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How long to measure, and on what.

    Attributes:
        repetitions: of everything, at least three.
        seconds: of each repetition.
        pair: two running nodes.
        place: a directory for scratch files, on a real disk.
    """

    repetitions: int
    seconds: float
    pair: Pair
    place: Path

    @cached_property
    def parse(self) -> float:
        """Microseconds of ``json.loads`` on a page of 30 kB, in this run: what Python itself takes on this machine, now."""
        body = large_page()
        measured = side_by_side({"parse": lambda: json.loads(body)}, repetitions=3, seconds=self.seconds / 4)
        return measured["parse"].median * 1e6

    @cached_property
    def unit(self) -> float:
        """Microseconds of one ES256 verification, in this run."""
        measured = side_by_side({"unit": es256_verification()}, repetitions=3, seconds=self.seconds / 4)
        return measured["unit"].median * 1e6
