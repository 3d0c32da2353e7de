"""A world for tests: time that stands still until told, chance that repeats, an internet of plain functions.

Everything here implements a port of the node and behaves like the real thing, badly too when asked::

    internet = SimulatedInternet()
    internet.sites["https://registry.example"] = a_function          # async (HttpRequest) -> HttpResponse
    internet.broken["https://gone.example"] = "unreachable"
    async with serve(internet, "https://gouwe.example", app): ...    # a whole aiohttp application as an origin
"""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.ports import PrivateKey
from node.audit.log import AlreadyUsedError, AuditUnavailableError, Receipt, SingleUse, StaleDecisionError
from node.audit.record import AuditRecord, Outcome
from node.ports import HttpRequest, HttpResponse, KeyNaming, PeerCode, PeerError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

Site = Callable[[HttpRequest], Awaitable[HttpResponse]]


class ManualClock:
    """A clock that moves only when told; who sleeps on it wakes when its time has come."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._seconds = 0.0
        self._sleeping: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The time, aware UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed ``seconds``."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleeping.append((self._seconds + seconds, waiting))
        await waiting

    def jump(self, by: timedelta | float) -> None:
        """Move on without letting anybody run."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._now += step
        self._seconds += step.total_seconds()

    async def advance(self, by: timedelta | float) -> None:
        """Move on, waking sleepers in the order of their time, each at its own time."""
        until = self._seconds + (by.total_seconds() if isinstance(by, timedelta) else by)
        while due := sorted((entry for entry in self._sleeping if entry[0] <= until), key=lambda entry: entry[0]):
            when, waiting = due[0]
            self._sleeping.remove(due[0])
            self.jump(max(0.0, when - self._seconds))
            if not waiting.done():
                waiting.set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
        self.jump(until - self._seconds)
        for _ in range(5):
            await asyncio.sleep(0)


class FixedEntropy:
    """Chance that repeats: the n-th value follows from the seed and n, and no two are equal."""

    def __init__(self, seed: str = "seed") -> None:
        self._seed = seed
        self._count = 0

    def token(self, n_bytes: int) -> bytes:
        """The next ``n_bytes``."""
        self._count += 1
        return hashlib.shake_256(f"{self._seed} {self._count}".encode()).digest(n_bytes)

    def uuid(self) -> str:
        """The next UUID, of version 4 in form."""
        return str(uuid.UUID(bytes=self.token(16), version=4))


@dataclass(slots=True)
class SimulatedInternet:
    """Other people's servers, by origin (``https://host[:port]``); implements ``HttpClient``.

    Attributes:
        sites: what answers.
        broken: origins that fail, and how.
        gates: origins that answer only when their gate is set; a call that may wait is cancelled with its caller.
        calls: every request that was sent, in order.
    """

    sites: dict[str, Site] = field(default_factory=dict)
    broken: dict[str, PeerCode] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    calls: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send ``request`` to the site of its origin, with the limits a real client keeps."""
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        self.calls.append(request)
        await asyncio.sleep(0)
        if origin in self.broken:
            raise PeerError(self.broken[origin], origin)
        if origin in self.gates:
            await self.gates[origin].wait()
        site = self.sites.get(origin)
        if site is None:
            raise PeerError("unreachable", origin)
        response = await site(request)
        if len(response.body) > request.max_bytes:
            raise PeerError("too_large", origin)
        return response

    def called(self, suffix: str) -> int:
        """How many requests went to a path that ends in ``suffix``."""
        return sum(urlsplit(call.url).path.endswith(suffix) for call in self.calls)


def reply(
    body: bytes | str | object, *, status: int = 200, content_type: str = "application/json", **headers: str
) -> HttpResponse:
    """An answer; what is neither bytes nor text becomes JSON. Header names are written ``cache_control=…``."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status=status, headers={"content-type": content_type, **named}, body=content)


def pages(answers: Mapping[str, HttpResponse]) -> Site:
    """A site that answers paths with fixed replies, and everything else with 404."""

    async def site(request: HttpRequest) -> HttpResponse:
        return answers.get(urlsplit(request.url).path, reply({"error": "not_found"}, status=404))

    return site


@asynccontextmanager
async def serve(
    internet: SimulatedInternet, origin: str, app: web.Application
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """Run ``app`` on loopback and let ``origin`` lead to it."""
    async with TestClient(TestServer(app), cookie_jar=None) as client:

        async def site(request: HttpRequest) -> HttpResponse:
            parts = urlsplit(request.url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            async with client.request(
                request.method,
                URL(target, encoded=True),
                headers={**request.headers, "Host": parts.netloc},
                data=request.body,
                allow_redirects=False,
            ) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return HttpResponse(status=answer.status, headers=headers, body=await answer.read())

        internet.sites[origin] = site
        try:
            yield client
        finally:
            del internet.sites[origin]


class MemoryVault:
    """A ``KeyVault`` in a dict."""

    def __init__(self) -> None:
        self.keys: dict[KeyId, SoftwareKey] = {}

    async def create(self, kid: KeyId | KeyNaming) -> PublicKey:
        """Make a P-256 key."""
        made = SoftwareKey.generate(kid if isinstance(kid, str) else KeyId(""))
        name = kid if isinstance(kid, str) else kid(made.public)
        self.keys[name] = made.renamed(name)
        return made.public

    async def key(self, kid: KeyId) -> PrivateKey:
        """The key, or ``KeyError``."""
        return self.keys[kid]

    async def remove(self, kid: KeyId) -> None:
        """Forget it."""
        self.keys.pop(kid, None)

    def secret(self, name: str) -> bytes:
        """32 bytes that follow from the name."""
        return hashlib.sha256(name.encode()).digest()

    def close(self) -> None:
        """Nothing is open."""


class RecordingAuditLog:
    """An ``AuditLog`` in lists; single use is atomic, and it can be told to fail.

    Attributes:
        records: what was promised or recorded, in order.
        outcomes: how promises ended, by sequence number.
        used: single-use values.
        available: set to False and nothing is promised any more.
    """

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.outcomes: dict[int, Outcome] = {}
        self.used: set[tuple[datetime, str, bytes]] = set()
        self.available = True
        self._epoch = 0

    async def promise(
        self, record: AuditRecord, *, once: Sequence[SingleUse] = (), epoch: int | None = None
    ) -> Receipt:
        """All of it, or nothing and an error."""
        await asyncio.sleep(0)  # others run in between, as they do while a disk writes
        if not self.available:
            raise AuditUnavailableError
        values = [(use.expires_at, use.kind, use.key) for use in once]
        for value in values:
            if value in self.used:
                raise AlreadyUsedError(value[1])
        if epoch is not None and epoch != self._epoch:
            raise StaleDecisionError
        self.used.update(values)
        self.records.append(record)
        return Receipt(seq=len(self.records), lane="test", epoch=self._epoch)

    def outcome(self, receipt: Receipt, outcome: Outcome) -> None:
        """Remember how a promise ended."""
        self.outcomes[receipt.seq] = outcome

    async def record(self, record: AuditRecord, once: Sequence[SingleUse] = ()) -> Receipt:
        """As `promise`."""
        return await self.promise(record, once=once)

    def current_epoch(self) -> int:
        """How often something was taken away."""
        return self._epoch

    async def raise_epoch(self) -> int:
        """Something was taken away."""
        self._epoch += 1
        return self._epoch

    async def stage_epoch(self, connection: AsyncConnection) -> int | None:
        """The epoch is not in that database."""
        return None

    async def settle_epoch(self, staged: int | None) -> None:
        """So it is raised now."""
        await self.raise_epoch()

    async def aclose(self) -> None:
        """Nothing waits."""

    def of_kind(self, kind: str) -> list[AuditRecord]:
        """Records of one kind."""
        return [record for record in self.records if record.kind == kind]


def everything_in(value: Any) -> str:
    """All of a value as one text, to search it for what should not be there."""
    return json.dumps(value, default=str)
