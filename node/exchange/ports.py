"""What both ways of the exchange ask of other rooms, in their own words."""

from datetime import datetime
from typing import Protocol

from node.exchange.decide.question import ConsentFact
from node.oauth.peer_token import PeerToken
from node.oauth.user import User
from registry.directory import Directory


class Registered(Protocol):
    """Who is registered where, as of now; from memory."""

    @property
    def directory(self) -> Directory:
        """Everybody who is registered in the services that we follow."""
        ...


class Consents(Protocol):
    """What citizens recorded here."""

    async def verdict(
        self, *, subject: str, patient: str, ura: str, facility_type: str | None, category: str, now: datetime
    ) -> ConsentFact:
        """Return what the citizen (by pseudonym) recorded about this requester and data category."""
        ...


class Tokens(Protocol):
    """Where tokens of other organisations come from."""

    async def token(
        self, subject: str, *, authorization_server: str, scope: str, user: User | None = None, fresh: bool = False
    ) -> PeerToken:
        """Return a token, from memory unless ``fresh``.

        Raises:
            TokenRefusedError: there is none to be had.
        """
        ...
