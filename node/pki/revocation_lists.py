"""Revocation lists of CAs: fetched under limits, kept until the next is due, asked for again hourly.

A list counts until the moment that it names itself (``nextUpdate``). CAs publish the next one well before, so a list is asked for
again after an hour, or sooner when its publisher says so. :meth:`RevocationLists.run` does that ahead of time, so that requests
seldom wait. A CA that can not be reached is not waited for while its last list is current; afterwards the list stays for what it
revokes, and `credentials.x509.revocation` refuses the rest.

An older list never replaces a newer one: over plain http anybody can play back what a CA once signed.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from itertools import pairwise
from urllib.parse import urljoin

from credentials.did.certificate_chain import CertificateChain, ChainCertificate
from credentials.errors import CredentialError
from credentials.ports import SignatureCache
from credentials.unavailable import Unavailable
from credentials.x509.distribution_points import MAX_URL, distribution_urls
from credentials.x509.revocation_list import MAX_LIST_BYTES, RevocationList
from node.identity.published import max_age
from node.identity.single_flight import SingleFlight
from node.pki.known_authorities import KnownAuthorities
from node.ports import Clock, HttpClient, HttpRequest, HttpResponse, PeerError

logger = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds for one list (nuts-node: the same)."""
FRESH_SECONDS = 3_600.0
"""Longest that a list is used without asking whether there is a newer one (nuts-node: the same)."""
MIN_FRESH_SECONDS = 5.0
"""Shortest, whatever a publisher says."""
RETRY_SECONDS = 60.0
"""After a failure, until a list that still counts is asked for again."""
ROUND_SECONDS = 30.0
"""How often lists are looked at."""
MAX_LISTS = 64
"""Lists kept in memory; the least recently used one goes."""
MAX_KEPT_BYTES = 67_108_864
"""Size of all lists kept in memory."""
MAX_ON_LOOP = 65_536
"""Bytes of a list that is read on the event loop; a longer one takes milliseconds and is read beside it."""
MAX_REDIRECTS = 3
"""Addresses that one list may be moved through; each is checked as the first one is."""
MAX_ETAG = 256
"""Characters of an entity tag that is sent back."""

_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)

Place = tuple[str, bytes, str]
"""An address and whose list should be there: name and key of the CA. Two CAs never share what is kept."""


@dataclass(slots=True)
class _Kept:
    """What is known of one place; seconds are of the monotonic clock.

    Attributes:
        issuer: the CA.
        found: the newest list that was good.
        etag: of it, when its publisher gave one.
        fresh_until: until when it is used without asking.
        tried_at: when its publisher was last asked.
        failure: why that did not give a list; None when it did.
    """

    issuer: ChainCertificate
    found: RevocationList | None = None
    etag: str | None = None
    fresh_until: float = 0.0
    tried_at: float = 0.0
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """How one list is, for the operator.

    Attributes:
        due: when the list that is kept stops counting; None when there is none.
        failure: why its publisher gave none when it was last asked.
    """

    url: str
    due: datetime | None
    failure: str | None


class RevocationLists:
    """Lists by address and CA.

    Args:
        peers: reaches publishers.
        clock: measures age, and tells which lists count; kept for whoever asks when that was.
        known: CAs whose lists are worth asking for.
        signatures: remembers which chains held.
    """

    def __init__(
        self, peers: HttpClient, clock: Clock, known: KnownAuthorities, *, signatures: SignatureCache | None = None
    ) -> None:
        self._peers = peers
        self.clock = clock
        self._known = known
        self._signatures = signatures
        self._kept: OrderedDict[Place, _Kept] = OrderedDict()
        self._flights: SingleFlight[Place, None] = SingleFlight()

    async def for_chain(self, chain: CertificateChain) -> Mapping[str, RevocationList | Unavailable]:
        """Return the list at each address that the certificates of a chain name, or why it can not be had.

        A chain that does not hold, or that ends in a root which nobody here named, is not looked into. Lists may be out of date.
        """
        issuers: dict[str, ChainCertificate] = {}
        for certificate, issuer in pairwise(chain.certificates):
            for url in distribution_urls(certificate) or ():
                issuers.setdefault(url, issuer)
        if not issuers:
            return {}
        try:
            chain.validate(self.clock.now(), signatures=self._signatures)
        except CredentialError as error:
            return dict.fromkeys(issuers, Unavailable(f"not asked for: {error}"))
        if not self._known.vouch_for(chain):
            return dict.fromkeys(issuers, Unavailable("not asked for: nothing here names a CA of the chain"))
        places = [(url, issuer.parts.subject, issuer.key.thumbprint()) for url, issuer in issuers.items()]
        for place, issuer in zip(places, issuers.values(), strict=True):
            self._kept.setdefault(place, _Kept(issuer))
            self._kept.move_to_end(place)
        known = [(place, self._kept[place]) for place in places]
        await asyncio.gather(*(self._refresh(place, kept) for place, kept in known if not self._will_do(kept)))
        return {place[0]: self._use(place) for place in places}

    def states(self) -> tuple[ListState, ...]:
        """How every list is that is kept, in the order of addresses."""
        return tuple(
            ListState(url=url, due=None if kept.found is None else kept.found.next_update, failure=kept.failure)
            for (url, _, _), kept in sorted(self._kept.items(), key=lambda item: item[0])
        )

    async def run(self) -> None:
        """Ask for lists before they grow old, for as long as the node lives."""
        while True:
            await self.clock.sleep(ROUND_SECONDS)
            now = self.clock.monotonic()
            due = [
                (place, kept)
                for place, kept in self._kept.items()
                if now + 2 * ROUND_SECONDS >= kept.fresh_until
                and (kept.failure is None or now - kept.tried_at >= RETRY_SECONDS)
            ]
            await asyncio.gather(*(self._refresh(place, kept) for place, kept in due))

    def _will_do(self, kept: _Kept) -> bool:
        """Whether nobody has to wait: there is a list that counts, and it is fresh or its publisher away; or it failed just now."""
        now = self.clock.monotonic()
        if kept.found is not None and self.clock.now() < kept.found.next_update:
            return now < kept.fresh_until or kept.failure is not None
        return kept.failure is not None and now - kept.tried_at < MIN_FRESH_SECONDS

    def _use(self, place: Place) -> RevocationList | Unavailable:
        kept = self._kept.get(place)
        if kept is None:  # pushed out by others while it was fetched
            return Unavailable("too many lists at once")
        return kept.found if kept.found is not None else Unavailable(kept.failure or "not fetched")

    async def _refresh(self, place: Place, kept: _Kept) -> None:
        await self._flights.run(place, partial(self._fetch, place[0], kept))

    async def _fetch(self, url: str, kept: _Kept) -> None:
        """Ask the publisher; what comes of it is in ``kept``."""
        failure: str | None = None
        fresh = 0.0
        try:
            fresh = await self._ask(url, kept)
        except (PeerError, CredentialError, _NotAListError) as error:
            failure = str(error)
        if failure is not None and kept.failure is None:
            logger.warning("revocation list can not be had", extra={"origin": url, "cause": failure})
        if failure is None and kept.failure is not None:
            logger.info("revocation list is back", extra={"origin": url})
        kept.failure = failure
        kept.tried_at = self.clock.monotonic()
        kept.fresh_until = kept.tried_at + fresh
        self._make_room()

    async def _ask(self, url: str, kept: _Kept) -> float:
        """Fetch and read; returns for how many seconds the list is used without asking."""
        headers = {"Accept": "application/pkix-crl, */*"}
        if kept.found is not None and kept.etag is not None:
            headers["If-None-Match"] = kept.etag
        answer = await self._follow(url, headers)
        if answer.status == HTTPStatus.OK:
            if len(answer.body) > MAX_ON_LOOP:
                found = await asyncio.to_thread(RevocationList.parse, answer.body, kept.issuer)
            else:
                found = RevocationList.parse(answer.body, kept.issuer)
            if kept.found is not None and found.this_update < kept.found.this_update:
                raise _NotAListError("the list is older than the one before")
            kept.found, kept.etag = found, _usable(answer.headers.get("etag"))
        elif answer.status != HTTPStatus.NOT_MODIFIED or "If-None-Match" not in headers:
            raise _NotAListError(f"the answer has status {answer.status}")
        fresh = FRESH_SECONDS
        if "cache-control" in answer.headers:
            fresh = min(fresh, max_age(answer.headers))
        return max(fresh, MIN_FRESH_SECONDS)

    async def _follow(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Fetch an address, or where it was moved to: the answer is signed, so it does not matter who gives it."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._peers.send(
                HttpRequest(
                    method="GET",
                    url=url,
                    headers=headers,
                    max_bytes=MAX_LIST_BYTES,
                    timeout=TIMEOUT,
                    plain_http=True,
                )
            )
            moved = answer.headers.get("location") if answer.status in _REDIRECTS else None
            if moved is None:
                return answer
            try:
                url = urljoin(url, moved)
            except ValueError:
                break
            if len(url) > MAX_URL:
                break
        raise _NotAListError("the list was moved too often")

    def _make_room(self) -> None:
        """Forget the least recently used lists until the rest is within bounds."""
        while len(self._kept) > MAX_LISTS or (
            len(self._kept) > 1
            and sum(0 if kept.found is None else kept.found.size for kept in self._kept.values()) > MAX_KEPT_BYTES
        ):
            self._kept.popitem(last=False)


class _NotAListError(Exception):
    """The publisher answered, but not with a list that is of use."""


def _usable(etag: str | None) -> str | None:
    return etag if etag and len(etag) <= MAX_ETAG and etag.isascii() and etag.isprintable() else None
