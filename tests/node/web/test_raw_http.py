"""Bytes on a socket, against a real listener: what is no HTTP, what two readers could read differently, and what never comes."""

import asyncio
import logging
import socket
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.region.certificates import prepare_certificates
from node.web import bodies
from node.web.bodies import read_bytes
from node.web.boundary import boundary
from node.web.connection import HEADER_SECONDS
from node.web.server import KEEP_ALIVE_SECONDS, TlsFiles, listen
from node.world import SystemClock
from tests.node.bad_input.dialects import CANARY, check_refusal, check_silence
from tests.node.bad_input.wire import Answer, connected, exchange, parse_answer

LOCAL = ("127.0.0.1", 0)
C = CANARY.encode()


class Listener:
    """A listener with two doors, which remembers what came through them."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.reading = asyncio.Event()
        self.port = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.reading.set()
        body = await read_bytes(request, max_bytes=1_000)
        self.seen.append((request.method, request.path, body))
        return web.Response(text="fine", headers={"Cache-Control": "no-store"})

    def app(self) -> web.Application:
        app = web.Application(middlewares=[boundary([])])
        app.router.add_get("/door", self.handle)
        app.router.add_post("/door", self.handle)
        return app


@asynccontextmanager
async def listening(header_seconds: float = HEADER_SECONDS, tls: TlsFiles | None = None) -> AsyncIterator[Listener]:
    listener = Listener()
    async with listen(listener.app(), LOCAL, tls, header_seconds=header_seconds) as port:
        listener.port = port
        yield listener


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listening() as opened:
        yield opened


def answers_in(raw: bytes) -> list[Answer]:
    """Every answer on one connection."""
    found = []
    while raw:
        answer = parse_answer(raw)
        found.append(answer)
        raw = raw[raw.index(b"\r\n\r\n") + 4 + len(answer.body) :]
    return found


HOST = b"Host: node.example\r\n"
GET = b"GET /door HTTP/1.1\r\n" + HOST
POST = b"POST /door HTTP/1.1\r\n" + HOST
CLOSE = b"Connection: close\r\n"
SMUGGLED = b"GET /door?" + C + b" HTTP/1.1\r\n" + HOST + b"\r\n"

NO_HTTP = {
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "a length in hexadecimal": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "a length beyond numbers": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\nabc",
    "a length that is a word": POST + b"Content-Length: " + C + b"\r\n\r\nabc",
    "an empty length": POST + b"Content-Length:\r\n\r\n" + SMUGGLED,
    "length, then chunks": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks, then length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and something": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "nearly chunks": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n" + SMUGGLED,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a space before the name": POST + b" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a tab in the name": POST + b"Transfer\tEncoding: chunked\r\n\r\n0\r\n\r\n",
    "a name of nothing": GET + b": " + C + b"\r\n\r\n",
    "a line without colon": GET + C + b"\r\n\r\n",
    "a folded header": GET + b"X-A: b\r\n  " + C + b"\r\n\r\n",
    "a bare line feed in a header": GET + b"X-A: b\nX-B: " + C + b"\r\n\r\n",
    "bare line feeds": b"GET /door HTTP/1.1\nHost: node.example\n\n",
    "a bare carriage return": GET + b"X-A: b\rX-B: " + C + b"\r\n\r\n",
    "NUL in a header": GET + b"X-A: \0" + C + b"\r\n\r\n",
    "NUL in the path": b"GET /door\0" + C + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab in the path": b"GET /door\t HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw UTF-8 in the path": "GET /dóór HTTP/1.1\r\nHost: node.example\r\n\r\n".encode(),
    "no path": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "two paths": b"GET /door /" + C + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a relative path": b"GET door HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unreadable address": b"GET http://[::1/door HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": C + b" /door HTTP/1.1\r\n" + HOST + b"\r\n",
    "a small method": b"get /door HTTP/1.1\r\n" + HOST + b"\r\n",
    "an endless method": C * 5_000 + b" /door HTTP/1.1\r\n" + HOST + b"\r\n",
    "another protocol": b"GET /door ICY/1.1\r\n" + HOST + b"\r\n",
    "a version to come": b"GET /door HTTP/3.7\r\n" + HOST + b"\r\n",
    "HTTP/2 in clear": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "no host": b"GET /door HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: " + C + b"\r\n\r\n",
    "an endless first line": b"GET /" + C * 5_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "an endless header": GET + b"X-A: " + C * 5_000 + b"\r\n\r\n",
    "an endless header name": GET + b"X" * 30_000 + b": a\r\n\r\n",
    "headers without end": GET + b"".join(b"X-%d: " % n + C + b"\r\n" for n in range(500)) + b"\r\n",
    "TLS where none is": bytes.fromhex("16030100c8010000c40303") + b"\0" * 200,
    "a piece that is no number": POST + b"Transfer-Encoding: chunked\r\n\r\n" + C + b"\r\nabc\r\n0\r\n\r\n",
    "a piece beyond numbers": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 20 + b"\r\nabc\r\n0\r\n\r\n",
    "a piece with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
    "a piece longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n" + C + b"\r\n0\r\n\r\n",
    "pieces with bare line feeds": POST + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
}


@pytest.mark.parametrize("data", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_no_http_gets_one_fixed_answer_and_the_end(listener: Listener, data: bytes) -> None:
    (answer,) = answers_in(await exchange(listener.port, data))
    check_refusal(answer, "problem")
    assert (answer.status, answer.json()["code"]) == (400, "malformed_http")
    assert not listener.seen


REFUSED = {
    "a whole address": (b"GET http://" + C + b".example/door HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400),
    "a whole address with a name": (b"GET http://a:b@node.example/door HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400),
    "a tunnel": (b"CONNECT " + C + b".example:443 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400),
    "no address": (b"OPTIONS * HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400),
    "two slashes": (b"GET //" + C + b".example/door HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400),
    "a fragment": (b"GET /door#" + C + b" HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400),
    "the oldest protocol": (b"GET /door\r\n\r\n", 400),
    "pieces in the old protocol": (
        b"POST /door HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "packed pieces": (POST + CLOSE + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "a body with GET": (GET + CLOSE + b"Content-Length: 6\r\n\r\n" + C, 400),
    "packed": (POST + CLOSE + b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\n" + C, 415),
    "packed as nobody does": (POST + CLOSE + b"Content-Encoding: br\r\nContent-Length: 6\r\n\r\n" + C, 415),
    "longer than allowed": (POST + CLOSE + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001, 413),
    "longer than allowed, in pieces": (
        POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
        413,
    ),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_http_and_not_acceptable_is_refused_by_the_boundary(
    listener: Listener, data: bytes, status: int
) -> None:
    answers = answers_in(await exchange(listener.port, data + (b"" if b"CONNECT" not in data else b"\r\n")))
    check_refusal(answers[0], "problem")
    assert answers[0].status == status
    assert all(answer.status == 400 for answer in answers[1:])
    assert not listener.seen


ODD_AND_FINE = {
    "empty lines first": b"\r\n\r\n" + GET + CLOSE + b"\r\n",
    "an expectation": GET + CLOSE + b"Expect: " + C + b"\r\n\r\n",
    "two expectations": GET + CLOSE + b"Expect: 100-continue\r\nExpect: " + C + b"\r\n\r\n",
    "an offer to change the protocol": GET + CLOSE + b"Upgrade: websocket\r\n\r\n",
    "an offer of HTTP/2": GET
    + b"Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n",
    "the old protocol": b"GET /door HTTP/1.0\r\n\r\n",
    "a broken cookie": GET + CLOSE + b'Cookie: "' + C + b"\r\n\r\n",
    "raw bytes in a header": GET + CLOSE + b"X-A: \xff\xfe" + C + b"\r\n\r\n",
    "a named piece": POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n3;" + C + b"\r\nabc\r\n0\r\n\r\n",
    "a trailer": POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: " + C + b"\r\n\r\n",
}


@pytest.mark.parametrize("data", ODD_AND_FINE.values(), ids=ODD_AND_FINE)
async def test_what_is_odd_and_means_one_thing_is_answered_as_if_it_were_not_there(
    listener: Listener, data: bytes
) -> None:
    (answer,) = answers_in(await exchange(listener.port, data))
    check_silence(answer)
    assert (answer.status, answer.body) == (200, b"fine")
    assert len(listener.seen) == 1


async def test_requests_behind_each_other_are_answered_in_turn_until_one_is_none(listener: Listener) -> None:
    body = POST + b"Content-Length: 3\r\n\r\nabc"
    async with connected(listener.port) as (reader, writer):
        writer.write(GET + b"\r\n" + body + body)
        for _ in range(3):
            assert parse_answer(await reader.readuntil(b"fine")).status == 200
        writer.write(C + b" / HTTP/1.1\r\n\r\n" + GET + b"\r\n")
        (answer,) = answers_in(await reader.read())
        check_refusal(answer, "problem")
    assert [seen[2] for seen in listener.seen] == [b"", b"abc", b"abc"]


async def test_a_request_in_one_piece_with_what_is_none_is_not_begun(listener: Listener) -> None:
    (answer,) = answers_in(await exchange(listener.port, GET + b"\r\n" + C + b" / HTTP/1.1\r\n\r\n"))
    check_refusal(answer, "problem")
    assert not listener.seen


async def test_a_body_is_never_read_as_the_next_request(listener: Listener) -> None:
    for framing in (b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED, _chunks(SMUGGLED)):
        listener.seen.clear()
        (answer,) = answers_in(await exchange(listener.port, POST + CLOSE + framing))
        assert answer.status == 200
        assert listener.seen == [("POST", "/door", SMUGGLED)]


async def test_a_body_that_was_refused_unread_is_not_read_as_the_next_request(listener: Listener) -> None:
    refused = POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED
    answers = answers_in(await exchange(listener.port, refused + GET + CLOSE + b"\r\n"))
    assert [answer.status for answer in answers] == [415, 200]
    assert [seen[1:] for seen in listener.seen] == [("/door", b"")]


def _chunks(body: bytes) -> bytes:
    return b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


async def test_a_request_may_come_in_pieces_of_any_size(listener: Listener) -> None:
    async with connected(listener.port) as (reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in POST + CLOSE + b"Content-Length: 3\r\n\r\nabc":
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert parse_answer(await reader.read()).status == 200


async def test_a_body_that_breaks_off_while_it_is_read_is_refused(listener: Listener) -> None:
    async with connected(listener.port) as (reader, writer):
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        await listener.reading.wait()
        writer.write(C + b"\r\n")
        (answer,) = answers_in(await reader.read())
        check_refusal(answer, "problem")
        assert (answer.status, answer.json()["code"]) == (400, "malformed_body")
    assert not listener.seen


async def test_a_head_that_never_ends_ends_the_connection() -> None:
    async with listening(header_seconds=0.05) as listener, connected(listener.port) as (reader, writer):
        writer.write(GET + b"X-A: " + C)
        answer = parse_answer(await reader.read())
        check_refusal(answer, "problem")
        assert answer.status == 408


async def test_bytes_now_and_then_do_not_buy_time() -> None:
    async with listening(header_seconds=0.1) as listener, connected(listener.port) as (reader, writer):
        received = asyncio.create_task(reader.read())
        sent = 0
        while not received.done() and sent < 500:
            writer.write(b"GET /door?"[sent : sent + 1] or b"x")
            sent += 1
            await asyncio.wait([received], timeout=0.01)
        (ended,) = await asyncio.gather(received, return_exceptions=True)
        said = isinstance(ended, bytes) and parse_answer(ended).status == 408
        assert said or isinstance(ended, ConnectionResetError)  # we may be in the middle of a word
        assert sent < 100


async def test_every_head_on_a_connection_is_watched_and_an_idle_connection_is_not() -> None:
    async with listening(header_seconds=0.05) as listener, connected(listener.port) as (reader, writer):
        for _ in range(2):
            writer.write(GET + b"\r\n")
            assert parse_answer(await reader.readuntil(b"fine")).status == 200
            with pytest.raises(TimeoutError):  # nothing is said, and the connection stays
                await asyncio.wait_for(reader.read(1), timeout=0.15)
        writer.write(GET)
        assert parse_answer(await reader.read()).status == 408
    assert KEEP_ALIVE_SECONDS > HEADER_SECONDS


async def test_a_body_that_never_comes_is_given_up(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    async with connected(listener.port) as (reader, writer):
        writer.write(POST + CLOSE + b"Content-Length: 10\r\n\r\n" + C[:3])
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 408 ")
    assert not listener.seen


async def test_somebody_who_hangs_up_in_the_middle_leaves_nothing_behind(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    half = POST + b"Content-Length: 10\r\n\r\nabc"
    for data in (b"", b"G", GET, half, POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n"):
        async with connected(listener.port) as (_, writer):
            writer.write(data)
            await writer.drain()
            writer.transport.abort()
    (answer,) = answers_in(await exchange(listener.port, GET + CLOSE + b"\r\n"))
    assert answer.status == 200
    assert [seen[2] for seen in listener.seen] == [b""]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[TlsFiles, Path]:
    made = prepare_certificates(tmp_path_factory.mktemp("certificates"), now=SystemClock().now())
    files = made.organisations["gouwe"]
    return TlsFiles(files.tls_chain, files.tls_key), made.tls_root


async def test_a_tls_listener_gives_plain_bytes_nothing_and_goes_on(tls: tuple[TlsFiles, Path]) -> None:
    files, root = tls
    async with listening(tls=files) as listener:
        for data in (GET + b"\r\n", C * 1_000, b"\0" * 50, b"\x16\x03\x01\xff\xff" + C):
            raw = await exchange(listener.port, data)
            assert b"HTTP" not in raw
            assert C not in raw
        context = ssl.create_default_context(cafile=str(root))
        context.check_hostname = False
        (answer,) = answers_in(await exchange(listener.port, GET + CLOSE + b"\r\n", context))
        assert (answer.status, len(listener.seen)) == (200, 1)
        (answer,) = answers_in(await exchange(listener.port, C + b"\r\n\r\n", context))
        check_refusal(answer, "problem")


async def test_old_tls_is_not_spoken(tls: tuple[TlsFiles, Path]) -> None:
    files, root = tls
    async with listening(tls=files) as listener:
        context = ssl.create_default_context(cafile=str(root))
        context.check_hostname = False
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await exchange(listener.port, GET + CLOSE + b"\r\n", context)


async def test_malformed_http_is_told_without_its_words(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for data in NO_HTTP.values():
        await exchange(listener.port, data)
    ours = [record for record in caplog.records if record.name.startswith("node.")]
    assert len(ours) == len(NO_HTTP)
    for record in ours:
        assert CANARY not in str(record.__dict__)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.binary(max_size=100).map(lambda junk: GET + junk + b"\r\n\r\n"))
async def test_any_bytes_get_answers_or_the_end(data: bytes) -> None:
    async with listening() as listener, connected(listener.port) as (reader, writer):
        writer.write(data)
        writer.write_eof()
        for answer in answers_in(await reader.read()):
            assert answer.status in (200, 400, 404, 405, 408)
            if answer.status != 200:
                check_refusal(answer, "problem")
