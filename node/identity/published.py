"""Documents that others publish: fetched once, parsed once, kept as long as their ``Cache-Control`` allows.

Used for DID documents, server metadata and presentation definitions. Our own bound of 300 s holds whatever a peer says, and a
failure is remembered for at most 5 s, so that a peer that is down does not cost every request a timeout while one that comes
back is seen at once. Who misses something in what is remembered may have it fetched again, past the caches in between, once in
5 s per document. Redirects are not followed: the client hands them over as the answer they are, and they are refused here.

What is kept is *read*, not believed: a parsed document says what its origin says, and nothing about whether that is true.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Generic, TypeVar

from credentials.errors import CredentialError
from node.identity.single_flight import SingleFlight
from node.ports import MAX_PEER_REPLY, Clock, HttpClient, HttpRequest, HttpResponse, PeerError

MAX_AGE = 300.0
"""Seconds a document is kept at most; what nuts-node publishes allows exactly that (WIRE §2.1)."""

FAILURE_AGE = 5.0
"""Seconds a failure is remembered at most."""

AGAIN_AFTER = 5.0
"""Seconds between two fetches of one document that somebody missed something in."""

MAX_DOCUMENTS = 1_000
"""Documents of one kind kept in memory; the least recently used one goes."""

Document = TypeVar("Document")


class NotPublishedError(Exception):
    """The origin answered, but not with a document of this kind.

    Attributes:
        status: the HTTP status of the answer.
    """

    def __init__(self, status: int) -> None:
        super().__init__("the answer is not such a document")
        self.status = status


def _itself(name: str) -> str:
    return name


class _Kept(Generic[Document]):
    """One remembered outcome: a document, or why there is none."""

    __slots__ = ("document", "error", "fetched", "until")

    def __init__(self, document: Document | None, error: Exception | None, fetched: float, until: float) -> None:
        self.document = document
        self.error = error
        self.fetched = fetched
        self.until = until


class Published(Generic[Document]):
    """Documents of one kind, by name.

    Args:
        peers: reaches other organisations.
        clock: measures age.
        parse: name and body to document; raises :class:`CredentialError` for anything else.
        locate: name to URL; by default a document's name is its URL.
        media_types: content types that count.
        timeout: seconds for one fetch.
        max_bytes: limit of a body.
        keep: seconds a document is kept at most; 0 keeps none.
    """

    def __init__(
        self,
        peers: HttpClient,
        clock: Clock,
        parse: Callable[[str, bytes], Document],
        *,
        media_types: tuple[str, ...],
        timeout: float,
        max_bytes: int = MAX_PEER_REPLY,
        locate: Callable[[str], str] = _itself,
        keep: float = MAX_AGE,
    ) -> None:
        self._peers = peers
        self._clock = clock
        self._parse = parse
        self._media_types = media_types
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._locate = locate
        self._keep_for = keep
        self._again: OrderedDict[str, float] = OrderedDict()
        self._kept: OrderedDict[str, _Kept[Document]] = OrderedDict()
        self._flights: SingleFlight[str, Document] = SingleFlight()

    async def get(self, name: str, *, younger_than: float | None = None) -> Document:
        """Return the document called ``name``, from memory or from the web.

        Args:
            name: what ``locate`` and ``parse`` understand; an absolute URL by default.
            younger_than: seconds; a remembered document of that age or older is fetched again. Nothing makes us fetch more
                often than every :data:`FAILURE_AGE` seconds.

        Raises:
            PeerError: no whole answer.
            NotPublishedError: another status or content type than a document has.
            CredentialError: the body is not such a document.
        """
        kept = self._recall(name, younger_than)
        if kept is None:
            return await self._flights.run(name, lambda: self._fetch(name))
        if kept.error is not None:
            raise kept.error.with_traceback(None)  # raised many times: it must not collect every caller's frames
        assert kept.document is not None
        return kept.document

    async def get_again(self, name: str, missed_in: Document) -> Document:
        """Return a newer document than ``missed_in``, or that one when it was fetched again less than 5 s ago.

        The first miss fetches at once, however young the document is: its origin may have changed it a moment ago.

        Args:
            name: as for :meth:`get`.
            missed_in: the document that lacks what the caller looks for.

        A fetch that fails leaves everything as it was: whoever makes up key ids must not make us forget a good document.
        """
        kept = self._kept.get(name)
        if kept is not None and kept.document is not None and kept.document is not missed_in:
            return kept.document  # somebody else looked again since
        flight = f"again {name}"  # a fetch that began before the change would show the old document
        now = self._clock.monotonic()
        if flight not in self._flights and now - self._again.get(name, -AGAIN_AFTER) < AGAIN_AFTER:
            return missed_in
        self._again[name] = now
        self._again.move_to_end(name)
        while len(self._again) > MAX_DOCUMENTS:
            self._again.popitem(last=False)
        try:
            return await self._flights.run(flight, lambda: self._fetch(name, past_caches=True))
        except (PeerError, NotPublishedError, CredentialError):
            return missed_in

    async def recent(self, name: str, *, within: float) -> tuple[Document, float]:
        """Return the document as it was less than ``within`` seconds ago, and when that was (``monotonic``).

        It is fetched past the caches in between, whatever its ``Cache-Control``; a fetch that fails leaves everything as it was.

        Raises:
            PeerError, NotPublishedError, CredentialError: as :meth:`get`.
        """
        kept, now = self._kept.get(name), self._clock.monotonic()
        if kept is not None and kept.document is not None and now - kept.fetched < within:
            return kept.document, kept.fetched
        return await self._flights.run(f"again {name}", lambda: self._fetch(name, past_caches=True)), now

    def _recall(self, name: str, younger_than: float | None) -> _Kept[Document] | None:
        kept = self._kept.get(name)
        if kept is None:
            return None
        now = self._clock.monotonic()
        if now >= kept.until:
            del self._kept[name]
            return None
        if younger_than is not None and now - kept.fetched >= max(younger_than, FAILURE_AGE):
            return None
        self._kept.move_to_end(name)
        return kept

    async def _fetch(self, name: str, *, past_caches: bool = False) -> Document:
        headers = {"Accept": ", ".join(self._media_types)}
        if past_caches:
            headers["Cache-Control"] = "no-cache"  # RFC 9111 §5.2.1.4
        try:
            response = await self._peers.send(
                HttpRequest(
                    method="GET",
                    url=self._locate(name),
                    headers=headers,
                    max_bytes=self._max_bytes,
                    timeout=self._timeout,
                )
            )
            document = self._read(name, response)
        except (PeerError, NotPublishedError, CredentialError) as error:
            if not past_caches:
                self._keep(name, None, error, FAILURE_AGE)
            raise
        self._keep(name, document, None, min(max_age(response.headers), self._keep_for))
        return document

    def _read(self, name: str, response: HttpResponse) -> Document:
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotPublishedError(response.status)
        if response.media_type not in self._media_types:
            raise NotPublishedError(response.status)
        return self._parse(name, response.body)

    def _keep(self, name: str, document: Document | None, error: Exception | None, age: float) -> None:
        if age <= 0:
            self._kept.pop(name, None)
            return
        now = self._clock.monotonic()
        self._kept[name] = _Kept(document, error, now, now + age)
        self._kept.move_to_end(name)
        while len(self._kept) > MAX_DOCUMENTS:
            self._kept.popitem(last=False)


def max_age(headers: Mapping[str, str]) -> float:
    """Return the seconds that ``Cache-Control`` allows; 0 when it says nothing we understand (RFC 9111 §5.2.2)."""
    age = 0.0
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-store", "no-cache", "private"):
            return 0.0
        digits = value.strip('"')
        if name == "max-age" and digits.isascii() and digits.isdigit() and len(digits) <= 9:  # noqa: PLR2004  # 31 years
            age = float(digits)
    return age
