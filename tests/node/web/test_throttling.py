"""Who only sends what has to be refused is not looked at for a while; who asks properly never notices."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.oauth.errors import OAuthCode, OAuthError
from node.oauth.refusals import REFUSALS_AT_ONCE, RefusalCounter
from node.web.bodies import read_bytes
from node.web.boundary import boundary
from node.web.caller import address_of
from node.web.replies import RequestError
from node.web.server import listen
from tests.node.bad_input.wire import connected
from tests.support.world import ManualClock

STRANGER, PEER = {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "192.0.2.8"}


class Counting:
    """What was done, and a page that refuses everybody without a name."""

    def __init__(self) -> None:
        self.looked_at = 0

    async def page(self, request: web.Request) -> web.Response:
        self.looked_at += 1
        match request.query.get("who"):
            case None:
                raise RequestError(400, "malformed", "that is nothing")
            case "refused":
                error = OAuthError(OAuthCode.INVALID_REQUEST, "no, and it is on record")
                error.recorded = True
                raise error
            case _:
                return web.Response(text=address_of(request) or "")


async def a_client(
    *, behind_proxy: bool = True
) -> tuple[TestClient[web.Request, web.Application], Counting, ManualClock]:
    clock, counting = ManualClock(datetime(2026, 11, 22, 12, tzinfo=UTC)), Counting()

    def as_request_error(error: Exception) -> RequestError | None:
        return RequestError(400, "refused", str(error)) if isinstance(error, OAuthError) else None

    app = web.Application(
        middlewares=[boundary([], [as_request_error], RefusalCounter(clock), behind_proxy=behind_proxy)]
    )
    app.router.add_get("/page", counting.page)
    client = TestClient(TestServer(app))
    await client.start_server()
    return client, counting, clock


async def test_a_stranger_without_turns_is_told_to_wait_and_its_neighbour_is_served() -> None:
    client, counting, clock = await a_client()
    try:
        for _ in range(REFUSALS_AT_ONCE):
            assert (await client.get("/page", headers=STRANGER)).status == 400
        refused = await client.get("/page?who=stranger", headers=STRANGER)

        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert counting.looked_at == REFUSALS_AT_ONCE
        assert (await client.get("/page?who=peer", headers=PEER)).status == 200
        clock.jump(1)
        assert (await client.get("/page?who=stranger", headers=STRANGER)).status == 200
    finally:
        await client.close()


@pytest.mark.parametrize("who", ["peer", "refused"])
async def test_who_is_served_or_proved_who_they_are_has_turns_without_end(who: str) -> None:
    client, counting, _ = await a_client()
    try:
        for _ in range(REFUSALS_AT_ONCE + 50):
            assert (await client.get(f"/page?who={who}", headers=PEER)).status in (200, 400)

        assert counting.looked_at == REFUSALS_AT_ONCE + 50
    finally:
        await client.close()


async def test_what_no_route_takes_costs_turns_too() -> None:
    client, _, _ = await a_client()
    try:
        for _ in range(REFUSALS_AT_ONCE):
            assert (await client.get("/wp-login.php", headers=STRANGER)).status == 404

        assert (await client.get("/page?who=stranger", headers=STRANGER)).status == 429
    finally:
        await client.close()


async def test_only_the_address_that_our_own_proxy_added_is_believed() -> None:
    client, _, _ = await a_client()
    try:
        claimed = {"X-Forwarded-For": "198.51.100.1, 192.0.2.7"}
        assert await (await client.get("/page?who=peer", headers=claimed)).text() == "192.0.2.7"
        garbled = {"X-Forwarded-For": "localhost; drop"}
        assert await (await client.get("/page?who=peer", headers=garbled)).text() == "127.0.0.1"
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("said", "address"),
    [("192.0.2.7:51234", "192.0.2.7"), ("[2001:db8::7]:51234", "2001:db8::7"), ("[2001:db8::7]", "2001:db8::7")],
)
async def test_a_proxy_may_say_the_port_too(said: str, address: str) -> None:
    client, _, _ = await a_client()
    try:
        assert await (await client.get("/page?who=peer", headers={"X-Forwarded-For": said})).text() == address
    finally:
        await client.close()


@pytest.mark.parametrize("said", [{}, {"X-Forwarded-For": "unknown"}])
async def test_a_stranger_behind_a_proxy_that_does_not_say_who_calls_takes_nobodys_turns(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str]
) -> None:
    """The connection is the proxy's, of which every peer comes: its address is on the record, and has no turns."""
    monkeypatch.setattr(web.BaseRequest, "remote", "10.0.0.2")
    client, counting, _ = await a_client()
    try:
        for _ in range(REFUSALS_AT_ONCE + 1):
            assert (await client.get("/page", headers=said)).status == 400
        assert await (await client.get("/page?who=peer", headers=said)).text() == "10.0.0.2"
        assert counting.looked_at == REFUSALS_AT_ONCE + 2
    finally:
        await client.close()


class Turns:
    """Notes of whom a turn was taken."""

    def __init__(self) -> None:
        self.taken: list[str | None] = []
        self.one_was_taken = asyncio.Event()

    def take(self, address: str | None) -> None:
        self.taken.append(address)
        self.one_was_taken.set()

    def wait(self, _: str | None) -> float:
        return 0.0


async def test_who_breaks_off_in_the_middle_of_a_body_takes_a_turn_and_who_sent_all_of_it_takes_none() -> None:
    turns, started, gone = Turns(), asyncio.Event(), asyncio.Event()

    async def page(request: web.Request) -> web.Response:
        started.set()
        await read_bytes(request)
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return web.Response()

    app = web.Application(middlewares=[boundary([], [], turns, behind_proxy=True)])
    app.router.add_post("/page", page)
    head = b"POST /page HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\nContent-Length: 4\r\n\r\n"
    async with listen(app, ("127.0.0.1", 0)) as port:
        for address, body, over in ((b"192.0.2.7", b"whol", gone), (b"192.0.2.8", b"hal", turns.one_was_taken)):
            started.clear()
            async with connected(port) as (_, writer):
                writer.write(head % address + body)
                await writer.drain()
                await asyncio.wait_for(started.wait(), 5)
                writer.transport.abort()
            await asyncio.wait_for(over.wait(), 5)

    assert turns.taken == ["192.0.2.8"]


async def test_without_a_proxy_nobody_can_say_that_they_are_somebody_else() -> None:
    client, _, _ = await a_client(behind_proxy=False)
    try:
        assert await (await client.get("/page?who=peer", headers=STRANGER)).text() == "127.0.0.1"
    finally:
        await client.close()
