"""What the way in asks of the holder's own books, in its own words (``opening.py`` puts them together)."""

from typing import Protocol

from node.exchange.decide.question import EmergencyState
from node.exchange.forwarding import Promised


class Emergencies(Protocol):
    """Where the glass was broken."""

    async def state(self, *, grant_id: str, patient: str) -> EmergencyState:
        """Return what was declared under a grant, seen from one citizen (pseudonym).

        Raises:
            RequestError: 503, nobody can say.
        """
        ...

    async def open(self, promised: Promised, *, reason: str) -> None:
        """Write down that the glass is broken, unless it is already, for this citizen.

        Raises:
            RequestError: 503, it could not be written, so nothing may leave.
        """
        ...


class Agreements(Protocol):
    """Standing agreements with other organisations."""

    async def with_requester(self, *, subject: str, ura: str, usecase: str) -> str | None:
        """Return the id of an agreement that runs now; ``None`` when there is none.

        Raises:
            RequestError: 503, nobody can say.
        """
        ...
