"""What the holder's side keeps in its database, in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from node.exchange.decide.question import EmergencyState
from node.exchange.emergency.emergency import DURATION
from node.exchange.forwarding import Promised
from node.exchange.refusal import later
from node.ports import Clock
from node.web.replies import RequestError


@dataclass(slots=True)
class MemoryEmergencies:
    """Emergencies by grant: citizen, end and reason.

    Attributes:
        away: nothing can be read or written.
    """

    clock: Clock
    opened: dict[str, tuple[str, datetime, str]] = field(default_factory=dict)
    away: bool = False

    async def state(self, *, grant_id: str, patient: str) -> EmergencyState:
        if grant_id not in self.opened:
            return "none"
        whom, until, _ = self.opened[grant_id]
        if whom != patient:
            return "elsewhere"
        return "open" if self.clock.now() < until else "ended"

    async def open(self, promised: Promised, *, reason: str) -> None:
        if self.away:
            raise later("emergencies_unavailable")
        self.opened.setdefault(
            promised.grant.grant_id, (promised.about.pseudonym or "", self.clock.now() + DURATION, reason)
        )


@dataclass(slots=True)
class MemoryAgreements:
    """Agreements by URA and use case."""

    running: dict[tuple[str, str], str] = field(default_factory=dict)

    async def with_requester(self, *, subject: str, ura: str, usecase: str) -> str | None:
        return self.running.get((ura, usecase))


@dataclass(slots=True)
class MemoryNamed:
    """Digests of what pages named."""

    kept: dict[bytes, tuple[bytes, datetime]] = field(default_factory=dict)

    async def keep(self, digests: Iterable[bytes], about: bytes, expires_at: datetime) -> None:
        self.kept.update(dict.fromkeys(digests, (about, expires_at)))

    async def find(self, digest: bytes) -> tuple[bytes, datetime] | None:
        return self.kept.get(digest)


@dataclass(frozen=True, slots=True)
class Hosted:
    """The one organisation that is hosted here, where routes ask for it."""

    name: str = "gouwe"

    async def get(self, name: str) -> "Hosted":
        if name != self.name:
            raise RequestError(404, "unknown_subject", "this organisation is not hosted here")
        return self
