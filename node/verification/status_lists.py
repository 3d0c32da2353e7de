"""Status lists that issuers publish: fetched, verified, and asked for again within a minute.

A list is used for `FRESH_SECONDS` at most, less when its publisher says so, and then revalidated (``If-None-Match``). So a
revocation counts here within 60 s of its publication, however long a publisher lets its lists be kept (nuts-node: 300 s, and it
keeps those of others for 15 minutes). Lists in use are asked for ahead of time by `StatusLists.run`, so that requests
seldom wait for one.

When a publisher can not be reached, its last list goes on counting for the grace of `credentials.status.check`, never silently: a
warning is logged when that begins, and `StatusLists.overdue` tells the operator how long it has lasted. A list is verified
every time, also when its publisher says that it did not change: its key may have been withdrawn since.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

from credentials.errors import CredentialError, UnavailableError
from credentials.status.lists import MAX_LIST_DOCUMENT, StatusList, VerifiedStatusList
from credentials.unavailable import Unavailable
from node.identity.published import max_age
from node.identity.single_flight import SingleFlight
from node.ports import Clock, HttpClient, HttpRequest, PeerError
from node.verification.off_loop import OverloadedError

logger = logging.getLogger(__name__)

FRESH_SECONDS = 45.0
"""Longest that a list is used without asking; with a fetch that takes its whole time this stays under 60."""
MIN_FRESH_SECONDS = 5.0
"""Shortest, whatever a publisher says: nothing makes us ask more often."""
RETRY_SECONDS = 15.0
"""After a failure, how long nobody waits for another attempt."""
TIMEOUT = 4.0
"""Seconds for one list."""
ROUND_SECONDS = 10.0
"""How often lists in use are looked at; one that would grow old before the next round but one is asked for."""
IN_USE_SECONDS = 900.0
"""A list that nobody needed for this long is not asked for ahead of time: as long as a token lives."""
MAX_LISTS = 256
"""Addresses remembered. Ones that gave no list go first, so that a stranger who names many of them pushes out nobody's list."""
MAX_KEPT_BYTES = 33_554_432
"""Memory for all lists, roughly; the least recently used one goes."""
MAX_ETAG = 256
"""Characters of an entity tag that is sent back."""

_MEDIA_TYPES = (
    "application/json",
    "application/ld+json",
    "application/vc+ld+json",
    "application/vc+jwt",
    "application/jwt",
    "text/plain",
)

Verify = Callable[[StatusList, str], Awaitable[VerifiedStatusList]]
"""Verifies a list that was fetched from an address, now; raises `CredentialError`."""


@dataclass(slots=True)
class _Kept:
    """What is known of one address; seconds are of the monotonic clock.

    Attributes:
        found: the last list that was good.
        etag: of it, when its publisher gave one.
        fresh_until: until when it is used without asking.
        tried_at: when its publisher was last asked.
        failure: why that did not give a list; None when it did.
        used_at: when somebody last needed it.
        size: bytes it takes, roughly.
    """

    found: VerifiedStatusList | None = None
    etag: str | None = None
    fresh_until: float = 0.0
    tried_at: float = 0.0
    failure: str | None = None
    used_at: float = 0.0
    size: int = 0


class StatusLists:
    """Lists by address.

    Args:
        peers: reaches other organisations.
        clock: measures age.
        verify: see `Verify`.
    """

    def __init__(self, peers: HttpClient, clock: Clock, verify: Verify) -> None:
        self._peers = peers
        self._clock = clock
        self._verify = verify
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._flights: SingleFlight[str, None] = SingleFlight()

    async def get(self, urls: Iterable[str]) -> Mapping[str, VerifiedStatusList | Unavailable]:
        """Return the list at each address, or why it can not be had; all are fetched side by side.

        Raises:
            OverloadedError: we have too much to do to verify one.
        """
        wanted = sorted(set(urls))
        now = self._clock.monotonic()
        stale = []
        for url in wanted:
            kept = self._kept.get(url)
            if kept is None or not self._will_do(kept, now):
                stale.append(url)
        if stale:
            await asyncio.gather(*(self._flights.run(url, partial(self._refresh, url)) for url in stale))
        return {url: self._use(url) for url in wanted}

    def forget(self, url: str) -> None:
        """Ask for a list again when it is needed next: its publisher is this node, and it has just changed."""
        self._kept.pop(url, None)

    def overdue(self) -> Mapping[str, tuple[datetime, str]]:
        """Lists in use whose publisher can not be reached: when it was last heard of, and why not."""
        now = self._clock.monotonic()
        return {
            url: (kept.found.as_of, kept.failure)
            for url, kept in self._kept.items()
            if kept.found is not None and kept.failure is not None and now - kept.used_at < IN_USE_SECONDS
        }

    async def run(self) -> None:
        """Ask for lists that are in use before they grow old, for as long as the node lives."""
        while True:
            await self._clock.sleep(ROUND_SECONDS)
            now = self._clock.monotonic()
            due = [
                url
                for url, kept in self._kept.items()
                if now - kept.used_at < IN_USE_SECONDS and now + 2 * ROUND_SECONDS >= kept.fresh_until
            ]
            await asyncio.gather(
                *(self._flights.run(url, partial(self._refresh, url)) for url in due), return_exceptions=True
            )

    def _will_do(self, kept: _Kept, now: float) -> bool:
        """Whether nobody has to wait: fresh, or its publisher failed a moment ago."""
        return now < kept.fresh_until or (kept.failure is not None and now - kept.tried_at < _pause(kept))

    def _use(self, url: str) -> VerifiedStatusList | Unavailable:
        kept = self._kept.get(url)
        if kept is None:  # pushed out by others while it was fetched
            return Unavailable("too many status lists at once")
        kept.used_at = self._clock.monotonic()
        self._kept.move_to_end(url)
        return kept.found if kept.found is not None else Unavailable(kept.failure or "not fetched")

    async def _refresh(self, url: str) -> None:
        """Ask the publisher; what comes of it is in ``_kept``."""
        kept = self._kept.setdefault(url, _Kept(used_at=self._clock.monotonic()))
        failure: str | None = None
        fresh = FRESH_SECONDS
        try:
            fresh = await self._fetch(url, kept)
        except OverloadedError:  # that is us, not its publisher: no grace, and nobody is told that it is away
            kept.fresh_until = 0.0
            raise
        except (PeerError, CredentialError, _NotAListError) as error:
            failure = str(error)
            if isinstance(error, CredentialError) and not isinstance(error, UnavailableError):
                # it answers, and not with a list of its own: what it said before is over
                kept.found = kept.etag = None
                kept.size = 0
        self._note(url, kept, failure)
        kept.tried_at = self._clock.monotonic()
        kept.fresh_until = kept.tried_at + (fresh if failure is None else 0.0)
        self._kept[url] = kept  # another's fetch may have pushed it out meanwhile
        self._make_room()

    async def _fetch(self, url: str, kept: _Kept) -> float:
        """Fetch and verify; returns for how many seconds the list may be used."""
        headers = {"Accept": ", ".join(_MEDIA_TYPES), "Cache-Control": "no-cache"}
        if kept.found is not None and kept.etag is not None:
            headers["If-None-Match"] = kept.etag
        answer = await self._peers.send(
            HttpRequest(method="GET", url=url, headers=headers, max_bytes=MAX_LIST_DOCUMENT, timeout=TIMEOUT)
        )
        if answer.status == HTTPStatus.NOT_MODIFIED and "If-None-Match" in headers and kept.found is not None:
            signed, etag = kept.found.list, kept.etag
        elif answer.status == HTTPStatus.OK and answer.media_type in _MEDIA_TYPES:
            signed, etag = StatusList.parse(answer.body), _usable(answer.headers.get("etag"))
        else:
            raise _NotAListError(answer.status)
        # Both at once, and only when the list is good: the tag of a newer list beside an older one would keep the older for ever.
        kept.found, kept.etag = await self._verify(signed, url), etag
        if answer.body:
            kept.size = len(signed.bits) + 4 * len(answer.body)  # as text, as bytes, and taken apart
        fresh = FRESH_SECONDS
        if "cache-control" in answer.headers:
            fresh = min(fresh, max_age(answer.headers))
        if signed.ttl is not None:
            fresh = min(fresh, signed.ttl.total_seconds())
        return max(fresh, MIN_FRESH_SECONDS)

    def _make_room(self) -> None:
        """Forget what nobody misses most: addresses without a list, then the least recently used."""
        total = sum(kept.size for kept in self._kept.values())
        while len(self._kept) > MAX_LISTS or total > MAX_KEPT_BYTES:
            useless = (url for url, kept in self._kept.items() if kept.found is None)
            url = next(useless, None) if len(self._kept) > MAX_LISTS else None
            total -= self._kept.pop(url if url is not None else next(iter(self._kept))).size

    def _note(self, url: str, kept: _Kept, failure: str | None) -> None:
        """Say once when a publisher goes away, and once when it is back."""
        if failure is not None and kept.failure is None:
            logger.warning("status list can not be had", extra={"origin": url, "cause": failure})
        if failure is None and kept.failure is not None:
            logger.info("status list is back", extra={"origin": url})
        kept.failure = failure


class _NotAListError(Exception):
    """The publisher answered, but not with a status list."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the answer has status {status}, or is not a credential")


def _pause(kept: _Kept) -> float:
    """Seconds until another attempt is worth waiting for: longer where an older list can do meanwhile."""
    return MIN_FRESH_SECONDS if kept.found is None else RETRY_SECONDS


def _usable(etag: str | None) -> str | None:
    return etag if etag and len(etag) <= MAX_ETAG and etag.isascii() and etag.isprintable() else None
