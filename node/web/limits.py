"""How much one caller may take: turns that come back with time, and how many may be served at once.

Who proved nothing yet is told apart by address only, and addresses are cheap; so only *refusals* cost a turn
(`Strangers`, kept by ``node.oauth.refusals``): who asks properly is never slowed down by it, who sends garbage soon is answered
before anything of it is read. Who proved who they are has turns of their own.

Loopback addresses are never limited: behind them is a proxy that does not say for whom it asks, or development.
"""

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from math import ceil
from typing import Protocol

from node.web.replies import RequestError

MAX_CALLERS = 10_000
"""Callers told apart at one moment; who has not called for longest is forgotten, and begins anew."""

IPV6_PREFIX = 64
"""Bits of an IPv6 address that one caller has to itself."""


class Turns:
    """Turns by caller: ``burst`` at once, then ``per_second``.

    Args:
        burst: turns of who was not seen before.
        per_second: how fast they come back.
    """

    def __init__(self, *, burst: int, per_second: float) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str, now: datetime) -> float:
        """Return in how many seconds ``caller`` has a turn again: 0 when there is one."""
        left = self._of(caller, now.timestamp())
        return 0.0 if left >= 1 else (1 - left) / self._per_second

    def take(self, caller: str, now: datetime) -> None:
        """Take one turn of ``caller``, if it has any left."""
        moment = now.timestamp()
        self._left[caller] = (max(0.0, self._of(caller, moment) - 1), moment)
        self._left.move_to_end(caller)
        while len(self._left) > MAX_CALLERS:
            self._left.popitem(last=False)

    def _of(self, caller: str, moment: float) -> float:
        known = self._left.get(caller)
        if known is None:
            return self._burst
        left, then = known
        return min(self._burst, left + max(0.0, moment - then) * self._per_second)


class Strangers(Protocol):
    """Keeps turns of addresses from which nothing was proved."""

    def take(self, address: str | None) -> None:
        """Take a turn: something from ``address`` was refused."""
        ...

    def wait(self, address: str | None) -> float:
        """Return for how many seconds nothing of ``address`` is looked at: 0 when it may ask."""
        ...


class AtOnce:
    """How many requests of one kind are under way at once.

    Args:
        most: in all.
        each: of one caller.
    """

    def __init__(self, *, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def of(self, address: str | None) -> Iterator[None]:
        """Be one of them until the block is left.

        Raises:
            RequestError: 503 with ``Retry-After``: there are as many as we can do.
        """
        caller = caller_of(address)
        limited = caller is not None and self._under_way[caller] >= self._each
        if limited or self._under_way.total() >= self._most:
            raise RequestError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too_busy",
                "too many requests are under way",
                "try again in a second",
                headers={"Retry-After": "1"},
            )
        name = caller or ""
        self._under_way[name] += 1
        try:
            yield
        finally:
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name]


def throttled(seconds: float) -> RequestError:
    """Return the refusal of a caller who has to wait."""
    return RequestError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "throttled",
        "too many requests of this caller were refused, or it asks too often",
        "wait as long as Retry-After says",
        headers={"Retry-After": str(max(1, ceil(seconds)))},
    )


def caller_of(address: str | None) -> str | None:
    """Return the name by which a caller is told apart; ``None`` for one that is not limited.

    Args:
        address: numeric; an IPv6 address stands for its network.
    """
    if address is None:
        return None
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return caller_of(str(parsed.ipv4_mapped))
        if not parsed.is_loopback:
            return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return None if parsed.is_loopback else str(parsed)
