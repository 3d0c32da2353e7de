"""What every benchmark is given."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.measure import side_by_side
from tests.bench.pair import Pair
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
    def unit(self) -> float:
        """Microseconds of one ES256 verification, in this run."""
        measured = side_by_side({"unit": es256_verification()}, repetitions=3, seconds=self.seconds / 4)
        return measured["unit"].median * 1e6
