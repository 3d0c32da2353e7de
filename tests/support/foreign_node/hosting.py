"""The host of a discovery service on a foreign node (WIRE §2.10): a list with a seed and a counter, nothing paged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from tests.support.foreign_node.jose import ForeignRefusalError, opened

_RETRACTION = "RetractedVerifiablePresentation"


@dataclass(slots=True, kw_only=True)
class Host:
    """One service.

    Attributes:
        service: its id.
        seed: empty until somebody registers, as with a nuts-node.
        entries: presentations by timestamp.
        timestamp: of the newest.
        lies: what it puts on the list beside that, by timestamp; :meth:`lie` adds one.
    """

    service: str
    max_validity: int
    now: Callable[[], datetime]
    seed: str = ""
    entries: dict[int, str] = field(default_factory=dict)
    timestamp: int = 0
    lies: dict[int, str] = field(default_factory=dict)

    def lie(self, entry: str) -> None:
        """Put something on the list that nobody posted."""
        self.timestamp += 1
        self.lies[self.timestamp] = entry

    def page(self, after: int) -> dict[str, Any]:
        """Everything after a timestamp."""
        entries = {str(when): entry for when, entry in sorted({**self.entries, **self.lies}.items()) if when > after}
        return {"entries": entries, "seed": self.seed, "timestamp": self.timestamp}

    def post(self, presentation: str) -> None:
        """Take a registration or a retraction; a new one of the same holder replaces the last.

        Raises:
            ForeignRefusalError: it is not for this service, or not for now.
        """
        _, claims = opened(presentation)
        audience = claims.get("aud")
        if self.service not in (audience if isinstance(audience, list) else [audience]):
            raise ForeignRefusalError("for another service")
        left = claims["exp"] - self.now().timestamp()
        if not 0 < left <= self.max_validity:
            raise ForeignRefusalError("out of its time, or for too long")
        mine = {when: opened(entry)[1] for when, entry in self.entries.items()}
        types: Any = claims["vp"]["type"]
        if _RETRACTION in types and all(said["jti"] != claims["retract_jti"] for said in mine.values()):
            raise ForeignRefusalError("nothing to retract")
        for when, said in mine.items():
            if said["sub"] == claims["sub"]:
                del self.entries[when]
        self.seed = self.seed or str(uuid4())
        self.timestamp += 1
        self.entries[self.timestamp] = presentation

    def lose_everything(self) -> None:
        """Begin again, as after a lost database: another seed, an empty list."""
        self.seed, self.timestamp = str(uuid4()), 0
        self.entries.clear()

    def holders(self) -> Mapping[str, str]:
        """Who is registered, with their presentation; who retracted is not."""
        said = {entry: opened(entry)[1] for entry in self.entries.values()}
        return {claims["sub"]: entry for entry, claims in said.items() if _RETRACTION not in claims["vp"]["type"]}
