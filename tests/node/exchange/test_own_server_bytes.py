"""Our own FHIR server on the wire: compressed, chunked, truncated, mislabelled and endless answers, byte by byte.

The enforcement point talks through its real client to a socket that says what it is told.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from node.exchange.bulkhead import CALLS_AT_ONCE, Bulkhead
from node.exchange.facts import OwnServer
from node.exchange.forwarding import Forwarder
from node.exchange.outcome import as_operation_outcome
from node.exchange.rooms import COPIES, NoRoomError, PageBudget
from node.exchange.turns import ASKED_AT_ONCE, AskerTurns
from node.ports import HttpRequest, HttpResponse, PeerError
from node.web.client import open_own_client
from node.web.replies import RequestError
from tests.node.exchange.setting import LINDE, PERMISSION, Peer, a_flag, a_holder
from tests.support.fhir_server import fhir, searchset

PAGE = searchset(a_flag()).body
LIMIT = 100_000
Script = Callable[[asyncio.StreamWriter], object]


def answer(*headers: str, body: bytes = PAGE, status: str = "200 OK") -> list[bytes]:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""])
    return [head.encode(), body]


def length(size: int = len(PAGE)) -> str:
    return f"Content-Length: {size}"


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


@asynccontextmanager
async def a_server(pieces: list[bytes], *, forever: bool = False, hang: bool = False) -> AsyncIterator[int]:
    """A socket that reads a request and says ``pieces``; then hangs up, goes on for ever, or hangs."""
    gone = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while forever:
                writer.write(chunked(b" " * 65_536, end=b""))
                await writer.drain()
            if hang:
                await gone.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def asking(port: int, *, timeout: float = 5.0, budget: PageBudget | None = None) -> AsyncIterator[Peer]:
    """A peer of a holder whose pages come from that port; facts come from where they always do."""
    holder = a_holder()
    base = f"http://127.0.0.1:{port}/fhir"
    async with open_own_client([base]) as client:
        holder.point._forwarder = Forwarder(
            client, {"r4": OwnServer(version="r4", url=base)}, timeout=timeout, page_bytes=LIMIT
        )
        holder.point._pages = budget or PageBudget()
        yield await holder.peer()


async def said(peer: Peer) -> tuple[int, str]:
    """Ask for flags; return status and reason, and see that a refusal shows nothing."""
    with peer.holder.point.room() as room:
        try:
            reply = await peer.ask("GET", "Flag", "patient=p1", room=room)
        except RequestError as error:
            shown = as_operation_outcome(error).body
            assert b"clinical" not in shown
            assert b"127.0.0.1" not in shown
            return error.status, error.code
    assert json.loads(reply.body)["entry"][0]["resource"] == a_flag()
    return 200, ""


GOOD = {
    "with a length": answer(length()),
    "without one, until the end": answer("Connection: close"),
    "in chunks": answer("Transfer-Encoding: chunked", body=chunked(PAGE[:7], PAGE[7:])),
    "in chunks with extensions and trailers": answer(
        "Transfer-Encoding: chunked", body=b"%x;x=y\r\n%s\r\n0\r\nX-T: 1\r\n\r\n" % (len(PAGE), PAGE)
    ),
    "labelled as something else": answer(length(), "Content-Type: text/html"),
    "said not to be compressed": answer(length(), "Content-Encoding: identity"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_a_whole_answer_leaves_however_it_is_wrapped(name: str) -> None:
    async with a_server(GOOD[name]) as port, asking(port) as peer:
        assert await said(peer) == (200, "")


XML = b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"><type value="searchset"/></Bundle>'
BAD = {
    "gzip": (answer(length(len(gzip.compress(PAGE))), "Content-Encoding: gzip", body=gzip.compress(PAGE)), "broken"),
    "deflate": (answer("Content-Encoding: deflate", body=zlib.compress(PAGE)), "broken"),
    "unheard of": (answer("Content-Encoding: x-zip", body=PAGE), "broken"),
    "compressed and not said": (answer(length(len(gzip.compress(PAGE))), body=gzip.compress(PAGE)), "not_json"),
    "shorter than it said": (answer(length(len(PAGE) + 1)), "broken"),
    "longer than it said": (answer(length(len(PAGE) - 3)), "not_a_searchset or broken"),
    "cut off in a chunk": (answer("Transfer-Encoding: chunked", body=b"fff\r\n" + PAGE), "broken"),
    "without the last chunk": (answer("Transfer-Encoding: chunked", body=chunked(PAGE, end=b"")), "broken"),
    "a chunk of no size": (answer("Transfer-Encoding: chunked", body=b"xyz\r\n" + PAGE), "broken"),
    "two lengths": (answer(length(), length(3)), "broken"),
    "a negative length": (answer("Content-Length: -1"), "broken"),
    "too long, and said so": (answer(length(LIMIT + 1), body=b" " * 10), "too_large"),
    "too long, and not said": (answer("Connection: close", body=b" " * (LIMIT + 1)), "too_large"),
    "XML": (answer(length(len(XML)), "Content-Type: application/fhir+xml", body=XML), "not_a_searchset"),
    "XML, said to be JSON": (
        answer(length(len(XML)), "Content-Type: application/fhir+json", body=XML),
        "not_a_searchset",
    ),
    "JSON in UTF-16": (answer("Connection: close", body=PAGE.decode().encode("utf-16")), "not_json"),
    "a page and another": (answer(length(2 * len(PAGE)), body=PAGE + PAGE), "not_a_searchset"),
    "headers without end": (answer(*[f"X-{n}: {'y' * 1000}" for n in range(100)], "Z: " + "z" * 20_000), "broken"),
    "no HTTP": ([b"clinical data\r\n\r\n"], "broken"),
    "nothing": ([], "unreachable"),
    "a redirect": (answer("Location: http://127.0.0.1/clinical", length(0), body=b"", status="307 Go"), "307"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_not_whole_does_not_leave(name: str) -> None:
    pieces, code = BAD[name]
    async with a_server(pieces) as port, asking(port) as peer:
        status, reason = await said(peer)
    assert status == 502
    assert reason in {f"own_server_{each}" for each in code.split(" or ")}


async def test_an_answer_without_end_is_given_up_at_the_limit() -> None:
    async with a_server(answer("Transfer-Encoding: chunked", body=b""), forever=True) as port, asking(port) as peer:
        assert await said(peer) == (502, "own_server_too_large")


async def test_an_answer_that_never_goes_on_ends_with_its_time() -> None:
    for pieces in (answer(length(), body=PAGE[:10]), []):
        async with a_server(pieces, hang=True) as port, asking(port, timeout=0.2) as peer:
            assert await said(peer) == (504, "own_server_timeout")


class TestMemory:
    async def test_pages_that_do_not_fit_wait_and_are_then_told_to_come_back(self) -> None:
        budget = PageBudget(len(PAGE) * COPIES * 2, wait=0.05)
        async with a_server(GOOD["with a length"]) as port, asking(port, budget=budget) as peer:
            first, second = budget.room(), budget.room()
            await first.take(len(PAGE))
            await second.take(len(PAGE))
            assert await said(peer) == (503, "pages_full")
            with first:
                pass
            assert await said(peer) == (200, "")
            with second:
                pass
        assert budget.used == 0, "what is refused or sent is given back"

    async def test_an_answer_of_unknown_length_counts_in_full_until_it_is_known(self) -> None:
        budget = PageBudget(LIMIT * COPIES - 1, wait=0.01)
        async with a_server(GOOD["in chunks"]) as port, asking(port, budget=budget) as peer:
            assert await said(peer) == (503, "pages_full")

    async def test_two_hundred_large_pages_share_one_budget(self) -> None:
        page, budget = 8 * 1_048_576, PageBudget(wait=30.0)
        most = 0

        async def one() -> None:
            nonlocal most
            with budget.room() as room:
                await room.take(page)
                most = max(most, budget.used)
                await asyncio.sleep(0)

        await asyncio.gather(*(one() for _ in range(200)))
        assert most == 256 * 1_048_576
        assert budget.used == 0

    async def test_who_gives_up_waiting_loses_nothing_and_lets_others_by(self) -> None:
        budget = PageBudget(10, wait=5.0)
        await budget.take(8)
        large = asyncio.ensure_future(budget.take(9))
        small = asyncio.ensure_future(budget.take(2))
        await asyncio.sleep(0)
        assert not small.done(), "in order: else large pages would wait for ever"
        large.cancel()
        await small
        assert budget.used == 10
        with pytest.raises(NoRoomError):
            await budget.take(11)


class TestBulkhead:
    async def test_a_server_that_hangs_holds_up_only_its_own_callers(self) -> None:
        gate = asyncio.Event()

        class Servers:
            async def send(self, request: HttpRequest) -> HttpResponse:
                if "slow" in request.url:
                    await gate.wait()
                return fhir({})

        wall = Bulkhead(Servers(), at_once=2, waiting=1, wait=0.05)
        slow = HttpRequest(method="GET", url="http://slow.internal/fhir/Flag")
        calls = [asyncio.ensure_future(wall.send(slow)) for _ in range(4)]
        await asyncio.sleep(0)
        assert (await wall.send(HttpRequest(method="GET", url="http://other.internal/fhir/Flag"))).status == 200
        with pytest.raises(PeerError) as full:
            await calls[3]
        assert full.value.code == "busy", "the line is full: told at once"
        with pytest.raises(PeerError):
            await calls[2]  # waited its time
        gate.set()
        assert [each.status for each in await asyncio.gather(*calls[:2])] == [200, 200]
        assert (await wall.send(slow)).status == 200
        assert set(wall.waiting.values()) == {0}

    async def test_an_asker_who_asks_a_lot_at_once_waits_for_itself_and_keeps_nobody_out(self) -> None:
        gate, asked = asyncio.Event(), 0

        async def slow(_: HttpRequest) -> HttpResponse:
            nonlocal asked
            asked += 1
            await gate.wait()
            return searchset(a_flag())

        holder = a_holder()
        holder.point._turns = AskerTurns(at_once=3, waiting=2, wait=5.0)
        holder.server.instead["Flag"] = slow
        holder.consents.fact = lambda: PERMISSION
        holder.neighbours.register(LINDE, kind="T2")
        greedy, other = await holder.peer(), await holder.peer("linde", ura=LINDE)
        many = [asyncio.ensure_future(said(greedy)) for _ in range(6)]
        one = asyncio.ensure_future(said(other))
        for _ in range(200):
            await asyncio.sleep(0)
        assert asked == 3 + 1
        gate.set()
        assert await one == (200, "")
        assert sorted([await each for each in many]) == [*[(200, "")] * 5, (503, "asker_busy")]
        assert holder.point._turns.askers == 0, "who has nothing under way is forgotten"

    async def test_who_waits_too_long_for_its_own_requests_is_told_to_come_back(self) -> None:
        turns = AskerTurns(at_once=1, waiting=1, wait=0.01)
        async with turns.of("oever"):
            with pytest.raises(RequestError) as busy:
                async with turns.of("oever"):
                    raise AssertionError
            assert (busy.value.status, busy.value.headers["Retry-After"]) == (503, "5")
        async with turns.of("oever"):
            assert turns.askers == 1
        assert turns.askers == 0

    def test_one_asker_can_not_take_every_place_at_a_server(self) -> None:
        assert ASKED_AT_ONCE < CALLS_AT_ONCE

    async def test_a_busy_server_is_said_to_be_busy(self) -> None:
        holder = a_holder()
        holder.server.instead["Flag"] = "busy"
        assert await said(await holder.peer()) == (503, "own_server_busy")
