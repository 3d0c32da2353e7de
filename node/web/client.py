"""The only module that opens connections: outbound HTTP with limits, and with the SSRF guard for peers.

Two clients leave this file. :func:`open_peer_client` reaches other organisations: HTTPS only (http for what is signed, when the
request says so), addresses checked when dialled.
:func:`open_own_client` reaches what the operator named in the configuration (our own FHIR servers): exact origins, any address.
Both: no redirects, no cookies, no compression (a bomb is longer than it looks), a byte limit while reading and one deadline for
the whole call. The answer is returned whole; errors name the origin and never quote what came back.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from node.ports import HttpRequest, HttpResponse, PeerCode, PeerError
from node.version import USER_AGENT
from node.web.guard import address_allowed, is_loopback_name

CONNECTIONS_PER_PEER = 16
CONNECTIONS = 512
IDLE_SECONDS = 30.0
MAX_HEADER_BYTES = 16_384


_Opening = AbstractAsyncContextManager[aiohttp.ClientResponse]


class _RefusedAddressError(OSError):
    """The guard said no; an ``OSError`` so that the connector reports it like any failed connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """One of our own servers: what it wants of us.

    Attributes:
        base: its base URL without trailing slash.
        tls: with a certificate of ours; ``True`` for what the client has anyway.
    """

    base: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | bool = True

    def is_at(self, url: str) -> bool:
        """Tell whether ``url`` is the server's; another path of the same host is another server."""
        return url.startswith(self.base) and url[len(self.base) : len(self.base) + 1] in ("", "/", "?")


_NOTHING_OWN = _Own()


class Client:
    """An open client (:class:`node.ports.HttpClient`).

    Attributes:
        origins: when given, the only origins that may be called.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        schemes: frozenset[str],
        origins: frozenset[str] | None = None,
        loopback: bool = False,
        own: Collection["_Own"] = (),
    ) -> None:
        self._session = session
        self._schemes = schemes
        self._origins = origins
        self._loopback = loopback
        self._own = tuple(sorted(own, key=lambda each: -len(each.base)))  # the longest base that fits is the one

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send ``request`` and read the whole answer (see :class:`node.ports.HttpClient`)."""
        origin = self._checked_origin(request)
        try:
            async with self._open(request) as response:
                body = await _whole(response, request, origin)
                received: dict[str, str] = {}
                for name, value in response.headers.items():
                    received.setdefault(name.lower(), value)
                return HttpResponse(status=response.status, headers=received, body=body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PeerError(_code_of(error), origin) from error

    async def lines(self, request: HttpRequest) -> AsyncIterator[bytes]:
        """Send ``request`` and yield the lines of a successful answer as they arrive; another answer comes as its one body.

        Raises:
            PeerError: as for :meth:`send`; lines that were yielded before stay valid.
        """
        origin = self._checked_origin(request)
        try:
            async with self._open(request) as response:
                rest = b""
                async for chunk in _limited(response, request.max_bytes, origin):
                    rest += chunk
                    if response.status == HTTPStatus.OK:
                        *whole, rest = rest.split(b"\n")
                        for line in whole:
                            yield line
                if rest:
                    yield rest
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PeerError(_code_of(error), origin) from error

    def _open(self, request: HttpRequest) -> _Opening:
        own = next((each for each in self._own if each.is_at(request.url)), _NOTHING_OWN)
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **own.headers, **request.headers}
        return self._session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=headers,
            data=request.body,
            allow_redirects=False,
            ssl=own.tls,
            timeout=_timeout(request.timeout),
        )

    def _checked_origin(self, request: HttpRequest) -> str:
        """Return the origin of a request when it has a scheme we speak, no user information, and may be called."""
        parts, origin = _origin(_up_to_path(request.url))
        is_spoken = parts.scheme in self._schemes or (parts.scheme == "http" and request.plain_http)
        if not is_spoken or "@" in parts.netloc:
            raise PeerError("refused_address", origin)
        if self._origins is None:
            self._check_literal(parts.hostname or "", origin)
        elif origin not in self._origins:
            raise PeerError("refused_address", origin)
        return origin

    def _check_literal(self, host: str, origin: str) -> None:
        """Refuse what needs no resolving: the connector dials literal addresses without asking the resolver."""
        if is_loopback_name(host):
            if not self._loopback:
                raise PeerError("refused_address", origin)
            return
        try:
            ip_address(host)
        except ValueError:
            return
        if not address_allowed(host, loopback=self._loopback):
            raise PeerError("refused_address", origin)


@asynccontextmanager
async def open_peer_client(*, loopback: bool, ca_file: str | None = None) -> AsyncIterator[Client]:
    """Open the client for other organisations.

    Args:
        loopback: allow 127.0.0.0/8 and names under ``.localhost`` (``unsafe_loopback_peers``).
        ca_file: PEM file with authorities trusted beside the system's.
    """
    context = tls_context(ca_file)

    def dial(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _name, address = info
        if not address_allowed(str(address[0]), loopback=loopback):
            raise _RefusedAddressError("address refused")
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        ssl=context,
        resolver=_Resolver(),
        use_dns_cache=False,
        limit=CONNECTIONS,
        limit_per_host=CONNECTIONS_PER_PEER,
        keepalive_timeout=IDLE_SECONDS,
        socket_factory=dial,
    )
    async with _session(connector) as session:
        yield Client(session, schemes=frozenset({"https"}), loopback=loopback)


@asynccontextmanager
async def open_own_client(
    origins: Collection[str],
    *,
    headers: Mapping[str, Mapping[str, str]] | None = None,
    certificates: Mapping[str, str] | None = None,
    ca_file: str | None = None,
) -> AsyncIterator[Client]:
    """Open the client for our own servers.

    Args:
        origins: the exact origins (``scheme://host:port``) that may be called.
        headers: sent along per base URL, for example ``Authorization``.
        certificates: per base URL, the PEM file with the certificate by which that server knows us, and its key.
        ca_file: PEM file with authorities trusted beside the system's.
    """
    needs_tls = any(urlsplit(origin).scheme == "https" for origin in origins)
    connector = aiohttp.TCPConnector(
        ssl=tls_context(ca_file) if needs_tls else True,
        resolver=_Resolver(),
        limit=CONNECTIONS,
        limit_per_host=CONNECTIONS_PER_PEER * 4,
        keepalive_timeout=IDLE_SECONDS,
    )
    async with _session(connector) as session:
        allowed = frozenset(_origin(origin)[1] for origin in origins)
        wanted, shown = headers or {}, certificates or {}
        own = [
            _Own(base=base.rstrip("/"), headers=wanted.get(base, {}), tls=_with_certificate(shown.get(base), ca_file))
            for base in {*wanted, *shown}
        ]
        yield Client(session, schemes=frozenset({"http", "https"}), origins=allowed, own=own)


def _with_certificate(file: str | None, ca_file: str | None) -> ssl.SSLContext | bool:
    if file is None:
        return True
    context = tls_context(ca_file)
    context.load_cert_chain(file)
    return context


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those in ``ca_file``."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


@lru_cache(maxsize=64)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    """Return a deadline for a whole call; the same few are used all the time."""
    return aiohttp.ClientTimeout(total=seconds)


class _Resolver(AbstractResolver):
    """The system's resolver, except that names under ``.localhost`` are this machine (RFC 6761 §6.3)."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if is_loopback_name(host):
            return [
                ResolveResult(
                    hostname=host,
                    host="127.0.0.1",
                    port=port,
                    family=socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
            ]
        return await self._system.resolve(host, port, family)

    async def close(self) -> None:
        await self._system.close()


@asynccontextmanager
async def _session(connector: aiohttp.TCPConnector) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_field_size=MAX_HEADER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        trust_env=False,
    ) as session:
        yield session
    await asyncio.sleep(0)  # lets the transports notice that they are closed


async def _whole(response: aiohttp.ClientResponse, request: HttpRequest, origin: str) -> bytes:
    """Return the whole body, as :func:`_limited` yields it; one whose length was told needs no counting."""
    _check_announced(response, request.max_bytes, origin)
    announced = response.content_length
    if request.room is not None:
        await request.room.take(request.max_bytes if announced is None else announced)
    if announced is not None:
        return await response.content.read()  # no longer than was told: the parser sees to it
    body = b"".join([chunk async for chunk in _limited(response, request.max_bytes, origin)])
    if request.room is not None:
        request.room.settle(len(body))
    return body


def _check_announced(response: aiohttp.ClientResponse, max_bytes: int, origin: str) -> None:
    """Refuse what is said to be compressed, or longer than ``max_bytes``."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise PeerError("broken", origin)
    if response.content_length is not None and response.content_length > max_bytes:
        raise PeerError("too_large", origin)


async def _limited(response: aiohttp.ClientResponse, max_bytes: int, origin: str) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; refuse one that is compressed or longer than ``max_bytes``."""
    _check_announced(response, max_bytes, origin)
    received = 0
    async for chunk in response.content.iter_any():
        received += len(chunk)
        if received > max_bytes:
            raise PeerError("too_large", origin)
        yield chunk


def _up_to_path(url: str) -> str:
    """Return ``url`` as far as it says whom to call: the same for most requests, so that reading it can be remembered."""
    start = url.find("//")
    ends = [end for mark in "/?#" if (end := url.find(mark, start + 2)) >= 0] if start >= 0 else []
    return url[: min(ends)] if ends else url


@lru_cache(maxsize=1_024)
def _origin(url: str) -> tuple[SplitResult, str]:
    """Return the parts of ``url`` and its origin with the port written out; hostile text gives a refused origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError as error:
        raise PeerError("refused_address", "an unreadable address") from error
    return parts, f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _code_of(error: Exception) -> PeerCode:
    if isinstance(error, TimeoutError):
        return "timeout"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _RefusedAddressError):
            return "refused_address"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.InvalidURL):
        return "refused_address"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "tls"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "unreachable"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
        return "unreachable"
    return "broken"
