"""One round at one directory: its pages, one request at a time, stored as they come (LANDSCAPE §2.1.1).

A type's stamp counts once its last page was stored. Errors name the directory's origin and what went wrong, never what it said.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from credentials.errors import MalformedError
from node.directory.replica import Followed, Replica, TooManyError
from node.ports import Clock, HttpClient, HttpRequest, HttpResponse, PeerError
from registry.mcsd.bundle import MAX_PAGE_BYTES, DirectoryPage
from registry.mcsd.changes import chronological
from registry.mcsd.errors import FollowError
from registry.mcsd.following import (
    ATTEMPTS,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MAX_PAGES,
    Step,
    parse_retry_after,
    round_of,
    stamp_after,
    went_back,
)
from registry.mcsd.resource import ResourceType

TIMEOUT: Final = 30.0
"""Seconds for one page."""
PATIENCE: Final = timedelta(seconds=30)
"""A directory that asks us to wait longer is asked again in the next round."""

_AGAIN: Final = frozenset({429, 500, 502, 503, 504})

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Round:
    """How a round went.

    Attributes:
        stored: changes that were stored.
        stamps: of all types, as far as it came.
        refused: why entries were passed over, and how often.
        error: why it broke off; None when it did not.
        retry_after: what the directory asked for.
    """

    stored: int = 0
    stamps: dict[ResourceType, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    retry_after: timedelta | None = None


class _BrokenOffError(Exception):
    """The round can not go on now."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Follower:
    """Follows directories, one request at a time each."""

    def __init__(self, replica: Replica, client: HttpClient, clock: Clock) -> None:
        self._replica = replica
        self._client = client
        self._clock = clock

    async def follow(self, followed: Followed) -> Round:
        """Make one round, and store what came of it; never raises for what the directory does."""
        done = Round(stamps=dict(followed.stamps))
        try:
            for step in round_of(followed.stamps):
                await self._type(followed, step, done)
            if followed.ready_at is None:  # what changed while it was loaded (LANDSCAPE §2.1.1)
                for step in round_of(done.stamps):
                    await self._type(followed, step, done)
        except (_BrokenOffError, FollowError, MalformedError, PeerError) as error:
            done.error = str(error)
            done.retry_after = getattr(error, "retry_after", None)
        except TooManyError:
            done.error = "the directory has more resources than are held here"
        if done.error is not None:
            logger.warning(
                "directory not followed", extra={"origin": _origin(followed.source.url), "error": done.error}
            )
            await self._replica.failed(followed.source, done.error, done.stamps)
        return done

    async def _type(self, followed: Followed, step: Step, done: Round) -> None:
        """All pages of one type."""
        source = followed.source
        first = await self._first_page(step, source.url)
        stamp = stamp_after(step, first)
        # (1) a clock that ran backwards: what changed in between was never told
        if went_back(step, stamp):
            logger.warning("directory went back in time, loaded again", extra={"origin": _origin(source.url)})
            done.stamps.pop(step.type, None)
            await self._type(followed, Step(type=step.type, since=None), done)
            return
        # (2) page by page
        page, visited = first, {step.address(source.url)}
        while True:
            stored, refused = await self._replica.apply(source, step.type, chronological(page.changes))
            done.stored += stored
            done.refused.update(_kind(reason) for reason in (*page.refused, *refused))
            if page.next is None:
                break
            if page.next in visited or len(visited) >= MAX_PAGES:
                raise FollowError("the pages of the directory have no end")
            visited.add(page.next)
            page = DirectoryPage.parse(await self._get(page.next), step.type, source.url)
        # (3) only now
        if stamp is not None:
            done.stamps[step.type] = stamp

    async def _first_page(self, step: Step, base: str) -> DirectoryPage:
        try:
            body = await self._get(step.address(base))
        except _RefusedError:
            body = await self._get(step.address(base, count=None))  # some take no parameters on a load
        return DirectoryPage.parse(body, step.type, base)

    async def _get(self, url: str) -> bytes:
        """A page, tried again where that may help."""
        failures = 0
        while True:
            pause = FIRST_PAUSE * 2**failures
            try:
                answer = await self._client.send(_request(url))
            except PeerError as error:
                failed: Exception = error
                if error.code not in {"unreachable", "timeout"}:
                    raise
            else:
                if answer.status == HTTPStatus.OK:
                    return answer.body
                wait = parse_retry_after(answer.headers.get("retry-after"), self._clock.now())
                failed = _as_error(answer, wait)
                if answer.status not in _AGAIN or (wait is not None and wait > PATIENCE):
                    raise failed
                pause = wait or pause
            failures += 1
            if failures >= ATTEMPTS:
                raise failed
            await self._clock.sleep(min(pause, LONGEST_PAUSE).total_seconds())


class _RefusedError(_BrokenOffError):
    """The directory did not like the request itself."""


def _request(url: str) -> HttpRequest:
    headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}  # else some answer from an older search
    return HttpRequest(method="GET", url=url, headers=headers, max_bytes=MAX_PAGE_BYTES, timeout=TIMEOUT)


def _as_error(answer: HttpResponse, wait: timedelta | None) -> _BrokenOffError:
    message = f"the directory answered {answer.status}"
    if answer.status == HTTPStatus.BAD_REQUEST:
        return _RefusedError(message)
    return _BrokenOffError(message, wait)


def _kind(reason: str) -> str:
    """The reason without the number of the entry, so that the same ones are counted together."""
    return reason.partition(": ")[2] if reason.startswith("entry ") else reason


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])
