"""What an examination asks of the network beside HTTP: names to addresses, and a handshake."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

TlsFault = Literal["expired", "not_yet_valid", "wrong_name", "unknown_authority", "revoked", "no_tls", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What a name leads to.

    Attributes:
        allowed: addresses that may be dialled, in the resolver's order.
        refused: those that the guard refuses: not public.
    """

    allowed: tuple[str, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """A TLS connection that was made, and trusted.

    Attributes:
        version: for example ``TLSv1.3``.
        issuer: organisation of the authority, as its certificate says; may be empty.
        expires_at: of the server's certificate, aware UTC.
    """

    version: str
    issuer: str
    expires_at: datetime


class TlsError(Exception):
    """There was a connection, but no handshake that can be trusted.

    Attributes:
        fault: why.
    """

    def __init__(self, fault: TlsFault) -> None:
        super().__init__(fault)
        self.fault: TlsFault = fault


class Probe(Protocol):
    """Looks names up and shakes hands; sends nothing."""

    async def addresses(self, host: str) -> Addresses:
        """Return where ``host`` leads.

        Raises:
            PeerError: ``unreachable`` when it leads nowhere, ``timeout``.
        """
        ...

    async def handshake(self, host: str, port: int, address: str) -> Handshake:
        """Connect to ``address`` and let it prove to be ``host``.

        Raises:
            TlsError: it does not.
            PeerError: no connection.
        """
        ...
