"""Every URL that a peer can name leads to a machine inside: nothing is ever sent there, and what was asked is refused.

A trap listens on loopback; each name is resolved to it, as an attacker's own DNS would. What is not on the simulated internet goes
through the real client for peers, so what is tried here is the node with its guard and not the guard alone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from node.oauth.errors import TokenRefusedError
from node.ports import HttpClient, HttpRequest, HttpResponse, PeerError
from node.web.client import open_peer_client
from tests.interop.agreements import ONE, Agreements
from tests.node.oauth.setting import HOLDER, HOLDER_URL, NodeUnderTest, a_node
from tests.support.foreign_node.asking import Answer
from tests.support.foreign_node.dialect import MASTER
from tests.support.foreign_node.issuing import StatusList, jwt_credential
from tests.support.foreign_node.node import ForeignNode
from tests.support.foreign_node.tenant import Tenant
from tests.support.world import ManualClock, SimulatedInternet, reply, serve

FOREIGN_URL = "https://foreign.example"
ABOUT = {"organization": {"name": "x", "city": "y"}}
DEFINITIONS = {ONE: {"organization": dict(Agreements(uzi_root="A" * 43, hazel="", nuts="").scopes[ONE])}}


@dataclass(slots=True)
class HalfSimulatedInternet(SimulatedInternet):
    """What has no site goes out for real."""

    real: HttpClient | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" in self.sites:
            return await SimulatedInternet.send(self, request)
        assert self.real is not None
        return await self.real.send(request)


@dataclass(slots=True)
class Trap:
    """A machine inside.

    Attributes:
        url: under a name that resolves to it.
        caught: how many connections were opened.
    """

    url: str = ""
    caught: int = 0
    names: list[str] = field(default_factory=list)


@asynccontextmanager
async def a_trap(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trap]:
    trap = Trap()

    async def caught(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trap.caught += 1
        writer.close()

    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def to_the_trap(host: Any, *args: Any, **options: Any) -> Any:
        trap.names.append(str(host))
        return await resolve("127.0.0.1", *args, **options)

    server = await asyncio.start_server(caught, "127.0.0.1", 0)
    async with server:
        trap.url = f"https://inside.example:{server.sockets[0].getsockname()[1]}"
        monkeypatch.setattr(loop, "getaddrinfo", to_the_trap)
        yield trap


@dataclass(slots=True, kw_only=True)
class Setting:
    """The node that is lied to, and the foreign node that lies."""

    node: NodeUnderTest
    foreign: ForeignNode
    internet: HalfSimulatedInternet
    trap: Trap

    async def ask_us(self, holder: Tenant, issuer: Tenant, entries: StatusList) -> Answer:
        """Ask the node for a token, as ``holder`` with a credential of ``issuer``."""
        now = self.node.clock.now()
        holder.wallet.append(jwt_credential(MASTER, issuer, holder.did, ABOUT, now, status=entries.entry()))
        self.foreign.tenants["holder"] = holder
        return await self.foreign.asker("holder").ask(HOLDER, ONE)

    async def ask_them(self, **endpoints: str) -> TokenRefusedError:
        """Let the node ask a server whose metadata says ``endpoints``."""
        server = self.foreign.servers["server"]
        where = urlsplit(server.tenant.issuer)
        path = f"/.well-known/oauth-authorization-server{where.path}"
        behind = self.internet.sites[FOREIGN_URL]

        async def site(request: HttpRequest) -> HttpResponse:
            if urlsplit(request.url).path == path:
                return reply(server.metadata() | endpoints)
            return await behind(request)

        self.internet.sites[FOREIGN_URL] = site
        return await self.refused(server.tenant.issuer)

    async def refused(self, issuer: str) -> TokenRefusedError:
        with pytest.raises(TokenRefusedError) as error:
            await self.node.requester.token("wending", authorization_server=issuer, scope=ONE)
        return error.value


@pytest.fixture
async def setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Setting]:
    clock, internet = ManualClock(), HalfSimulatedInternet()
    foreign = ForeignNode(
        base=FOREIGN_URL,
        dialect=MASTER,
        network=internet,
        now=clock.now,
        definitions={ONE: DEFINITIONS[ONE]["organization"]},
    )
    async with (
        a_trap(monkeypatch) as trap,
        open_peer_client(loopback=False) as internet.real,
        a_node(internet, HOLDER_URL, tmp_path, clock, DEFINITIONS) as node,
        serve(internet, FOREIGN_URL, foreign.app()),
    ):
        did = await node.found("wending")
        issuer = foreign.found("issuer")
        foreign.found("server")
        await node.wallet.load("wending", jwt_credential(MASTER, issuer, did, ABOUT, clock.now()), clock.now())
        yield Setting(node=node, foreign=foreign, internet=internet, trap=trap)


def _at(setting: Setting, name: str) -> Tenant:
    return Tenant(setting.trap.url, name)


async def _holder(setting: Setting) -> object:
    issuer = setting.foreign.tenants["issuer"]
    return (await setting.ask_us(_at(setting, "holder"), issuer, setting.foreign.lists[issuer.did])).error


async def _issuer(setting: Setting) -> object:
    issuer = _at(setting, "issuer")
    return (await setting.ask_us(Tenant(FOREIGN_URL, "holder"), issuer, StatusList(FOREIGN_URL, issuer))).error


async def _status_list(setting: Setting) -> object:
    issuer = setting.foreign.tenants["issuer"]
    return (await setting.ask_us(Tenant(FOREIGN_URL, "holder"), issuer, StatusList(setting.trap.url, issuer))).error


async def _server(setting: Setting) -> object:
    return (await setting.refused(f"{setting.trap.url}/oauth2/x")).step


async def _token_endpoint(setting: Setting) -> object:
    return (await setting.ask_them(token_endpoint=f"{setting.trap.url}/token")).step


async def _definition_endpoint(setting: Setting) -> object:
    return (await setting.ask_them(presentation_definition_endpoint=f"{setting.trap.url}/pd")).step


async def _redirect(setting: Setting) -> object:
    async def site(_request: HttpRequest) -> HttpResponse:
        return reply("", status=307, location=f"{setting.trap.url}/")

    setting.internet.sites[FOREIGN_URL] = site
    return (await setting.refused(setting.foreign.servers["server"].tenant.issuer)).step


WAYS: Mapping[str, tuple[Callable[[Setting], Awaitable[object]], str]] = {
    "the did:web of a holder": (_holder, "invalid_request"),
    "the did:web of an issuer": (_issuer, "invalid_request"),
    "the status list of a credential": (_status_list, "invalid_request"),
    "the address of an authorization server": (_server, "metadata"),
    "its token endpoint": (_token_endpoint, "token"),
    "its definition endpoint": (_definition_endpoint, "definition"),
    "where it redirects to": (_redirect, "metadata"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_no_url_of_a_peer_leads_inside(setting: Setting, way: str) -> None:
    run, refused_with = WAYS[way]
    assert await run(setting) == refused_with
    assert setting.trap.caught == 0
    assert ("inside.example" in setting.trap.names) == (way != "where it redirects to")  # it was on the way there


async def test_the_same_way_leads_there_without_the_guard(setting: Setting) -> None:
    """So it is the guard, and nothing else, that keeps it away: a client that may call loopback walks into the trap."""
    async with open_peer_client(loopback=True) as unguarded:
        with pytest.raises(PeerError):
            await unguarded.send(HttpRequest(method="GET", url=f"{setting.trap.url}/", timeout=2))
    assert setting.trap.caught == 1
