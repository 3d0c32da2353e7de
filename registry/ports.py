"""What this package asks of the world. Everything here is a protocol; `node` and the tests implement them.

`RegistryStore` speaks the words of the domain. Where a decision depends on what is stored, the store calls the decision back
inside its transaction, so that reading, deciding and writing are one: two registrations of one holder can't both win. The
in-memory store (`registry.memory`) is the reference; ``tests/registry/store_contract.py`` says what every store does.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from credentials.ports import PrivateKey
from credentials.vc.credential import SignedCredential
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from registry.admission import Admission
from registry.entry import Entry, Registered
from registry.errors import RejectedError
from registry.log import LogSlice
from registry.search import Condition
from registry.sync import Cursor, SyncStep
from registry.transparency.ports import LogStore

Signed = TypeVar("Signed")

Decide = Callable[[Entry | None, Container[str]], Admission]
"""The decision on a message, given the holder's latest message that is still valid and the ids of earlier ones.

Raises `RejectedError` to refuse.
"""


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets others go first."""
        ...


class Entropy(Protocol):
    """Chance, fit for secrets."""

    def token(self, n_bytes: int) -> bytes:
        """Return ``n_bytes`` unpredictable bytes."""
        ...

    def uuid(self) -> str:
        """Return a random UUID in its text form."""
        ...


class Verifier(Protocol):
    """Verification of what others send, with whatever has to be fetched for it."""

    async def verify(
        self, presentations: Sequence[SignedPresentation], *, audience: str
    ) -> Sequence[VerifiedPresentation | CredentialError]:
        """Verify presentations, side by side.

        Returns:
            For each, in order, the verified presentation or why it is refused. `UnavailableError` is when something could not
            be had that it takes: another time the answer may be different.
        """
        ...


class Peers(Protocol):
    """Other hosts. Sizes, times and addresses are limited by whoever implements this."""

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        """Return the body of a 200 reply.

        Raises:
            TransferError: unreachable, too long, or another status.
        """
        ...

    async def post(self, url: str, body: bytes) -> None:
        """Send ``body`` as application/json; the reply has to be a success and its body is not looked at.

        Raises:
            TransferError: unreachable, or refused.
        """
        ...


class Signing(Protocol):
    """Runs what signs, where that may wait: a key may live in a device."""

    async def __call__(self, make: Callable[[], Signed], /) -> Signed:
        """Return what ``make`` makes.

        Raises:
            TransferError: the device does not answer now.
        """
        ...


async def sign_here(make: Callable[[], Signed], /) -> Signed:
    """Sign at once, with a key in memory."""
    return make()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrant:
    """One of our own organisations, as it registers.

    Attributes:
        key: signs; its ``kid`` belongs to ``did``.
        credentials: its wallet, in order of preference.
        authorization_server: issuer URL, published as ``authServerURL``.
        signing: runs what signs with ``key``.
    """

    did: DID
    key: PrivateKey
    credentials: tuple[SignedCredential, ...]
    authorization_server: str
    signing: Signing = sign_here


class Registrants(Protocol):
    """Our own organisations."""

    async def registrant(self, did: DID) -> Registrant:
        """Return one of them.

        Raises:
            RejectedError: we don't host it (``unknown_holder``).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A verified entry of a followed log, with the decision on it."""

    timestamp: int
    holder: DID
    decide: Decide = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An entry of a followed log that could not be verified yet.

    Attributes:
        expires_at: as the entry says; it is not tried any longer.
        reason: why not, for the operator.
    """

    timestamp: int
    compact: str = field(repr=False)
    expires_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An entry of a followed log that was not taken."""

    timestamp: int
    error: RejectedError


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRegistration:
    """A registration of one of our own organisations, wanted or standing.

    Attributes:
        parameters: as the vendor gave them.
        presentation_id: of the message that stands; None when none was accepted yet.
        registered_at: when it was accepted.
        expires_at: until when it counts.
        due_at: when something has to be done: renew, try again, or withdraw.
        failures: in a row.
        error: of the last attempt; None when it succeeded or there was none.
        leaving: whether it is to be withdrawn.
    """

    service: str
    holder: DID
    parameters: Mapping[str, Any]
    presentation_id: str | None
    registered_at: datetime | None
    expires_at: datetime | None
    due_at: datetime
    failures: int
    error: str | None
    leaving: bool


class RegistryStore(LogStore, Protocol):
    """What is kept about discovery services and their logs.

    Every method is one transaction; times are aware UTC, kept to the millisecond.
    """

    # -- a log that we host

    async def accept(self, service: str, holder: DID, now: datetime, *, seed: str, decide: Decide) -> Entry:
        """Put a message in a log.

        Args:
            service: whose log; it begins with this when it has none.
            holder: who signed.
            now: what expired before is not shown to ``decide``.
            seed: for a log that begins.
            decide: called once, inside the transaction; what it raises leaves everything as it was.

        Returns:
            The entry, which took the next number. The holder's earlier message left the log, and its id is spent until it expires.
            What the Merkle log says about it is written at the same moment.

        Raises:
            RejectedError: what is here is a copy of another's log.
        """
        ...

    async def log_after(self, service: str, after: int, now: datetime, *, limit: int) -> LogSlice:
        """Read at most ``limit`` unexpired entries with a number above ``after``, lowest first; of a copy also those that are pending."""
        ...

    # -- a log that we follow

    async def cursor(self, service: str) -> Cursor | None:
        """Where we are; None at the very beginning."""
        ...

    async def advance(
        self,
        service: str,
        before: Cursor | None,
        step: SyncStep,
        candidates: Sequence[Candidate],
        pending: Sequence[Pending],
        now: datetime,
    ) -> tuple[Refusal, ...] | None:
        """Apply one page.

        Everything known from the log goes first where ``step`` says so. Candidates are decided in the order given and keep
        their number; one that is not above the holder's stored message is passed over. ``pending`` is kept for later.

        Returns:
            The candidates that were refused; None when another had moved the cursor from ``before``, and nothing was done.
        """
        ...

    async def pending(self, service: str, now: datetime) -> tuple[Pending, ...]:
        """Entries to try again, lowest first, without those that expired."""
        ...

    async def settle(
        self, service: str, candidates: Sequence[Candidate], settled: Sequence[int], now: datetime
    ) -> tuple[Refusal, ...]:
        """Decide on entries that were pending, as `advance` does, and forget the numbers in ``settled``.

        A candidate that is not pending any longer is passed over: another did it, or the log began anew.
        """
        ...

    # -- what is registered, hosted or followed

    async def search(
        self, service: str, conditions: Sequence[Condition], now: datetime, *, limit: int
    ) -> tuple[Registered, ...]:
        """Unexpired registrations of which one credential meets all conditions, by number."""
        ...

    async def entry_of(self, service: str, holder: DID, now: datetime) -> Entry | None:
        """The latest message of a holder that is still valid."""
        ...

    async def prune(self, now: datetime) -> None:
        """Remove what has expired: messages, spent ids, entries to try again. Logs of our own get a leaf for each message."""
        ...

    # -- our own registrations

    async def join(self, service: str, holder: DID, parameters: Mapping[str, Any], now: datetime) -> OwnRegistration:
        """Note that we want to be registered, due now; what stands stays."""
        ...

    async def leave(self, service: str, holder: DID, now: datetime) -> OwnRegistration | None:
        """Note that we want to withdraw, due now; None when we neither are nor want to be registered."""
        ...

    async def own(self, service: str, holder: DID) -> OwnRegistration | None:
        """One of our registrations."""
        ...

    async def owned(self, service: str | None = None) -> tuple[OwnRegistration, ...]:
        """All our registrations, or those in one service, by service and holder."""
        ...

    async def due(self, now: datetime) -> tuple[OwnRegistration, ...]:
        """Those for which something has to be done, longest overdue first."""
        ...

    async def registered(
        self,
        service: str,
        holder: DID,
        *,
        presentation_id: str,
        registered_at: datetime,
        expires_at: datetime,
        due_at: datetime,
    ) -> None:
        """Note that the host accepted a registration. Does not undo a wish to leave, but makes it due now."""
        ...

    async def failed(self, service: str, holder: DID, *, error: str, due_at: datetime) -> None:
        """Note a failure, one more in a row."""
        ...

    async def left(self, service: str, holder: DID) -> None:
        """Note that we are out; does nothing when we want to be in again."""
        ...
