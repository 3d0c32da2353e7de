"""What we know of an address of another organisation: whether calling it makes sense now.

A circuit breaker per address: after :data:`FAILURES` failures in a row it is left alone for :data:`OPEN_SECONDS`, then one call tries
again. So a server that is away costs a question milliseconds instead of its whole deadline. An address that asks us to wait
(``Retry-After``) is left alone until then. In memory only; an emergency is not held up by what others found::

    with health.call(base) as call:         # raises NotNowError
        answer = await send(...)
        call.answered() or call.failed()    # neither: the caller went away, which says nothing about the address
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from node.ports import Clock

FAILURES = 5
"""In a row, after which an address is left alone."""
OPEN_SECONDS = 15.0
MAX_ADDRESSES = 1_024
"""Addresses remembered; the one that was called longest ago goes."""
MAX_RETRY_AFTER = 120.0
"""Seconds; who asks for more is asked again after this."""
MAX_RETRY_AFTER_TEXT = 64


class NotNowError(Exception):
    """The address is left alone now.

    Attributes:
        reason: ``circuit_open`` (it kept failing) or ``throttled`` (it asked us to wait).
        seconds: until it may be called again, as far as known.
    """

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


@dataclass(slots=True)
class _Address:
    """Attributes: failures in a row; moments on the monotonic clock until which it is left alone; one call tries."""

    failures: int = 0
    closed_until: float = 0.0
    wait_until: float = 0.0
    trying: bool = False


class Call:
    """One call that is under way; say how it went."""

    def __init__(self, address: _Address, clock: Clock) -> None:
        self._address = address
        self._clock = clock

    def answered(self) -> None:
        """It answered, whatever it said: it is there."""
        self._address.failures = 0
        self._address.closed_until = 0.0

    def failed(self) -> None:
        """It did not answer, or said that it can't."""
        address = self._address
        address.failures += 1
        if address.failures >= FAILURES:
            address.closed_until = self._clock.monotonic() + OPEN_SECONDS

    def asked_to_wait(self, seconds: float) -> None:
        """It answered that it wants to be asked later."""
        self._address.wait_until = self._clock.monotonic() + min(seconds, MAX_RETRY_AFTER)


class PeerHealth:
    """Circuit breakers and waiting times by address; one for all questions of a node."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def is_away(self, address: str) -> bool:
        """Whether ``address`` kept failing and is left alone now: others come before it."""
        known = self._addresses.get(address)
        return known is not None and known.closed_until > self._clock.monotonic()

    @property
    def away(self) -> tuple[str, ...]:
        """Addresses that are left alone because they kept failing."""
        return tuple(address for address in self._addresses if self.is_away(address))

    @contextmanager
    def call(self, address: str, *, urgent: bool = False, at_once: bool = False) -> Iterator[Call]:
        """Call ``address``, unless it is left alone now.

        Args:
            address: FHIR base or issuer URL.
            urgent: an emergency: called also when it kept failing.
            at_once: called also when it asked others for time; whom it asked itself waits.

        Raises:
            NotNowError: it is left alone.
        """
        known = self._known(address)
        now = self._clock.monotonic()
        # (1) it asked for time
        if known.wait_until > now and not at_once:
            raise NotNowError("throttled", known.wait_until - now)
        # (2) it kept failing; once the time is over, one call finds out for all
        was_closed = known.failures >= FAILURES
        if was_closed and not urgent and (known.closed_until > now or known.trying):
            raise NotNowError("circuit_open", max(0.0, known.closed_until - now))
        tries = was_closed and not known.trying
        known.trying = known.trying or tries
        try:
            yield Call(known, self._clock)
        finally:
            if tries:
                known.trying = False

    def _known(self, address: str) -> _Address:
        known = self._addresses.setdefault(address, _Address())
        self._addresses.move_to_end(address)
        while len(self._addresses) > MAX_ADDRESSES:
            self._addresses.popitem(last=False)
        return known


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that an answer asks us to wait (RFC 9110 §10.2.3), ``None`` where it doesn't say in a readable way.

    Args:
        headers: of the answer, names in lower case.
        now: aware UTC.
    """
    text = headers.get("retry-after", "").strip()
    if not text or len(text) > MAX_RETRY_AFTER_TEXT:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
