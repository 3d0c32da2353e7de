"""What every benchmark is given."""

from dataclasses import dataclass
from pathlib import Path

from tests.bench.pair import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
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
