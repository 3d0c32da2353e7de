"""A service with a log on a simulated network: a host, mirrors, followers; and hosts that lie.

>>> world = LogWorld(mirrors=2); await world.host.accept("care", a_registration("oever")); await world.follower().follow("care")
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from registry.client import RegistryClient
from registry.errors import RejectedError, TransferError
from registry.host import RegistryHost
from registry.memory import MemoryStore
from registry.messages import parse_registration
from registry.service import ServiceDefinition
from registry.transparency.hosting import LogHost
from registry.transparency.keys import LogKeys
from tests.support.registry import ENDPOINT, NOW, SimulatedDocuments, SimulatedRegistrants, a_service
from tests.support.world import FixedEntropy, ManualClock

HOST_URL = "https://region.example"
Answer = Callable[[str], bytes | None]


def url_of(number: int) -> str:
    return f"https://mirror{number}.example"


def a_secret(name: str) -> bytes:
    return name.encode().ljust(32, b".")


@dataclass(slots=True)
class Party:
    """One node's part in the service."""

    url: str
    store: MemoryStore
    logs: LogHost
    host: RegistryHost
    client: RegistryClient


@dataclass(slots=True)
class LogPeers:
    """The network: addresses of lists to parties.

    Attributes:
        parties: by address of their copy of the list.
        away: addresses that can't be reached.
        lies: by address; gets the rest of the URL and answers instead, None to be honest.
        calls: of every GET.
    """

    world: "LogWorld"
    parties: dict[str, Party] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    lies: dict[str, Answer] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    sent: int = 0

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        self.calls.append(url)
        for address, party in self.parties.items():
            if url.startswith(address):
                body = await self._answer(address, party, url.removeprefix(address))
                if len(body) > max_bytes:
                    raise TransferError(f"{address}: too long")
                self.sent += len(body)
                return body
        raise TransferError(f"{url}: unreachable")

    async def _answer(self, address: str, party: Party, rest: str) -> bytes:
        if address in self.away:
            raise TransferError(f"{address}: unreachable")
        lie = self.lies[address](rest) if address in self.lies else None
        if lie is not None:
            return lie
        try:
            if rest == "/log/checkpoint":
                return await party.logs.checkpoint(self.world.service)
            if rest.startswith("/log/tile/"):
                return await party.logs.tile(self.world.service, rest.removeprefix("/log/tile/"))
            after = int(rest.removeprefix("?timestamp="))
            if self.world.service.id in party.host.services:
                return (await party.host.page("care", after)).to_wire()
            return (await party.logs.page(self.world.service, after)).to_wire()
        except RejectedError as error:
            raise TransferError(f"{address}: 404", 404) from error

    async def post(self, url: str, body: bytes) -> None:
        if url in self.away:
            raise TransferError(f"{url}: unreachable")
        try:
            await self.parties[url].host.accept("care", parse_registration(body))
        except RejectedError as error:
            raise TransferError(f"{url}: 400", 400) from error


class LogWorld:
    """The service "care" with a log."""

    def __init__(self, *, mirrors: int = 0, quorum: int = 0, store: Callable[[], Any] = MemoryStore) -> None:
        self.clock = ManualClock(NOW)
        self.peers = LogPeers(self)
        self._store = store
        keys = LogKeys(secret=a_secret("host"), url=HOST_URL)
        addresses = [LogKeys(secret=b"", url=url_of(number)).own_url("care") for number in range(mirrors)]
        witnesses = [
            str(LogKeys(secret=a_secret(f"mirror{number}"), url=url_of(number)).witness().verifier)
            for number in range(mirrors)
        ]
        self.service: ServiceDefinition = a_service(
            log_key=str(keys.log(a_service()).verifier),
            mirrors=addresses,
            witnesses=witnesses,
            witness_quorum=quorum,
        )
        self.services = {"care": self.service}
        self.party = self.a_party(HOST_URL, "host", hosts=True)
        self.peers.parties[ENDPOINT] = self.party
        self.mirrors = [self.a_party(url_of(number), f"mirror{number}") for number in range(mirrors)]
        for address, mirror in zip(addresses, self.mirrors, strict=True):
            self.peers.parties[address] = mirror

    @property
    def host(self) -> RegistryHost:
        return self.party.host

    def redefine(self, **changes: Any) -> ServiceDefinition:
        """From now on everybody has another definition."""
        wire = {**self.service.raw, **changes}
        self.service = a_service(**wire)
        self.services["care"] = self.service
        return self.service

    def a_party(self, url: str, name: str, *, hosts: bool = False, store: Any = None) -> Party:
        store = store if store is not None else self._store()
        logs = LogHost(store, LogKeys(secret=a_secret(name), url=url), self.clock)
        documents = SimulatedDocuments(self.clock)
        host = RegistryHost(
            self.services if hosts else {},
            store=store,
            verifier=documents,
            clock=self.clock,
            entropy=FixedEntropy(name),
        )
        client = RegistryClient(
            self.services,
            store=store,
            peers=self.peers,
            verifier=documents,
            registrants=SimulatedRegistrants(),
            clock=self.clock,
            entropy=FixedEntropy(name),
            host=host,
            log_host=logs,
        )
        return Party(url=url, store=store, logs=logs, host=host, client=client)

    def follower(self, name: str = "follower", *, store: Any = None) -> Party:
        return self.a_party(f"https://{name}.example", name, store=store)

    async def mirror_all(self) -> None:
        """Every mirror does a round."""
        for mirror in self.mirrors:
            await mirror.client.follow("care")
