"""What a record system was told to do wrong, and to whom; ``/control`` sets it."""

import json
from dataclasses import dataclass
from typing import Literal, Self, get_args

from examples.region.data.elements import Json

Kind = Literal["none", "slow", "silent", "wrong_patient", "broken_json", "endless_pages", "error_500", "html"]
KINDS: tuple[str, ...] = get_args(Kind)

# How long "slow" takes when nothing is said.
DEFAULT_DELAY_MS = 3000
MAX_DELAY_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """One kind of misbehaviour, for all requests or for those whose path begins with one of ``paths``."""

    kind: Kind = "none"
    delay_ms: int = DEFAULT_DELAY_MS
    paths: tuple[str, ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the body of ``POST /control``.

        Raises:
            ValueError: not such a body; the message says what is wrong.
        """
        try:
            given = json.loads(body)
        except ValueError as error:
            msg = "not JSON"
            raise ValueError(msg) from error
        if not isinstance(given, dict) or not given.keys() <= {"misbehave", "delay_ms", "paths"}:
            msg = 'expected an object with "misbehave" and perhaps "delay_ms" and "paths"'
            raise ValueError(msg)
        kind, delay, paths = given.get("misbehave"), given.get("delay_ms", DEFAULT_DELAY_MS), given.get("paths") or []
        if kind not in KINDS:
            msg = f'"misbehave" is one of {", ".join(KINDS)}'
            raise ValueError(msg)
        if type(delay) is not int or not 0 <= delay <= MAX_DELAY_MS:
            msg = f'"delay_ms" is a whole number from 0 to {MAX_DELAY_MS}'
            raise ValueError(msg)
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not all(isinstance(one, str) and one.startswith("/") for one in paths):
            msg = '"paths" is a path or a list of paths, such as "/r4/Observation"'
            raise ValueError(msg)
        return cls(kind=kind, delay_ms=delay, paths=tuple(paths))

    def for_path(self, path: str) -> Kind:
        """What to do wrong with a request for this path."""
        return self.kind if not self.paths or path.startswith(self.paths) else "none"

    def to_wire(self) -> Json:
        """As ``GET /control`` shows it."""
        return {"misbehave": self.kind, "delay_ms": self.delay_ms, "paths": list(self.paths)}
