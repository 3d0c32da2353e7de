"""The world as the node sees it: time, chance, the network and the vault.

Everything that differs between a real node and a test is behind one of these protocols, and they are handed over as one
:class:`World` by the composition root. Tests replace the world as a whole (``tests/support/world.py``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from credentials.keys import KeyId, PublicKey
from credentials.ports import PrivateKey

MAX_PEER_REPLY = 1_048_576
"""Bytes of a peer's answer that we read unless a caller says otherwise (nuts-node's own limit, WIRE §2.1)."""

PEER_TIMEOUT = 10.0
"""Seconds for one call to a peer, unless the caller has less time left."""

PeerCode = Literal["unreachable", "timeout", "too_large", "refused_address", "tls", "broken", "busy"]
"""``busy`` is our own word: too many calls of that server at once (``node/exchange/bulkhead.py``)."""


class Clock(Protocol):
    """Time. ``now`` is aware UTC; ``monotonic`` is seconds for measuring; ``sleep`` waits."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        ...


class Entropy(Protocol):
    """Chance, fit for secrets."""

    def token(self, n_bytes: int) -> bytes:
        """Return ``n_bytes`` unpredictable bytes."""
        ...

    def uuid(self) -> str:
        """Return a random UUID (version 4) in its text form."""
        ...


class PeerError(Exception):
    """A call to another machine failed; names the origin and never quotes what it said.

    Attributes:
        code: what went wrong, one of :data:`PeerCode`.
        origin: scheme, host and port that was called.
    """

    def __init__(self, code: PeerCode, origin: str) -> None:
        super().__init__(f"{origin}: {code}")
        self.code = code
        self.origin = origin


class Room(Protocol):
    """Memory that an answer needs, asked for before it is read."""

    async def take(self, size: int) -> None:
        """Take memory for a body of ``size`` bytes; waits, or raises what the caller of the client handles."""
        ...

    def settle(self, size: int) -> None:
        """Give back what was taken beyond ``size`` bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One outbound request.

    Attributes:
        headers: sent as they are; the client adds ``User-Agent`` and ``Accept-Encoding: identity``.
        max_bytes: the answer's body may not be longer.
        timeout: seconds for the whole call.
        room: where memory for the answer comes from; ``None`` for answers that are small or few.
        plain_http: the answer is signed, and the caller checks that: ``http`` will do, as for revocation lists of CAs.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    max_bytes: int = MAX_PEER_REPLY
    timeout: float = PEER_TIMEOUT
    plain_http: bool = False
    room: Room | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One answer, whole. Header names are lower case; a repeated header keeps its first value."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower case; empty when absent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class HttpClient(Protocol):
    """Outbound HTTP. Redirects are never followed: they come back as the answer they are."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send ``request``.

        Raises:
            PeerError: no whole answer within the limits.
        """
        ...


KeyNaming = Callable[[PublicKey], KeyId]
"""Finds the id of a key that was just made, where the id follows from the key (did:key, did:jwk)."""


class KeyVault(Protocol):
    """Private keys and symmetric secrets of this node. A private key is used through the vault, never exported.

    What signs on the event loop goes through ``node/keys/signing.py``, since a key may live in a device.
    """

    async def create(self, kid: KeyId | KeyNaming) -> PublicKey:
        """Make a P-256 key under ``kid`` and return its public half.

        Raises:
            VaultError: it can not be made, or the vault does not answer.
        """
        ...

    async def key(self, kid: KeyId) -> PrivateKey:
        """Return the key to sign with.

        Raises:
            KeyError: there is no key under ``kid``.
            VaultError: it can not be used, or the vault does not answer.
        """
        ...

    async def remove(self, kid: KeyId) -> None:
        """Take a key away for good; does nothing when there is none.

        Raises:
            VaultError: the vault does not answer.
        """
        ...

    def secret(self, name: str) -> bytes:
        """Return the 32-byte secret called ``name`` ("pseudonym", "seal"), made when the node was."""
        ...

    def close(self) -> None:
        """Let go of the device, when there is one; does not wait for it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Time, chance and the network: replaced as a whole in tests.

    Attributes:
        peers: reaches other organisations; only addresses that the SSRF guard allows.
        own: reaches our own FHIR servers; only the exact origins in the configuration.
    """

    clock: Clock
    entropy: Entropy
    peers: HttpClient
    own: HttpClient
