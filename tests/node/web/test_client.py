"""The outbound clients, against servers on loopback that misbehave."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from node.ports import HttpRequest, PeerError
from node.web.client import open_own_client, open_peer_client

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(answer: Answer) -> AsyncIterator[str]:
    """A raw TCP server that reads a request's head and then does what ``answer`` does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def saying(text: bytes) -> Answer:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


async def failure_of(answer: Answer, *, max_bytes: int = 1000, timeout: float = 2.0) -> str:
    async with a_server(answer) as origin, open_own_client([origin]) as client:
        with pytest.raises(PeerError) as caught:
            await client.send(HttpRequest(method="GET", url=f"{origin}/x", max_bytes=max_bytes, timeout=timeout))
        assert caught.value.origin == origin
        return caught.value.code


async def test_an_answer_arrives_whole_with_lower_case_headers() -> None:
    text = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nok"
    )
    async with a_server(saying(text)) as origin, open_own_client([origin]) as client:
        answer = await client.send(HttpRequest(method="GET", url=f"{origin}/x"))
    assert (answer.status, answer.body, answer.media_type, answer.headers["x-a"]) == (200, b"ok", "text/plain", "1")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    text = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with a_server(saying(text)) as origin, open_own_client([origin]) as client:
        assert (await client.send(HttpRequest(method="POST", url=f"{origin}/x", body=b"secret"))).status == 307


async def test_plain_http_is_for_signed_answers_and_goes_through_the_same_guard() -> None:
    async with a_server(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as origin:
        async with open_peer_client(loopback=True) as client:
            answer = await client.send(HttpRequest(method="GET", url=f"{origin}/list.crl", plain_http=True))
            assert answer.body == b"ok"
            with pytest.raises(PeerError) as caught:
                await client.send(HttpRequest(method="GET", url=f"{origin}/list.crl"))
            assert caught.value.code == "refused_address"
        async with open_peer_client(loopback=False) as client:
            for url in (
                f"{origin}/list.crl",
                origin.replace("127.0.0.1", "crl.localhost"),
                "ftp://crl.example/",
                "http://u@crl.example/",
            ):
                with pytest.raises(PeerError) as caught:
                    await client.send(HttpRequest(method="GET", url=url, plain_http=True))
                assert caught.value.code == "refused_address"


async def test_an_announced_length_over_the_limit_is_too_large() -> None:
    assert await failure_of(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")) == "too_large"


async def test_an_endless_answer_is_too_large() -> None:
    async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            writer.write(b"64\r\n" + b"x" * 100 + b"\r\n")
            await writer.drain()

    assert await failure_of(endless) == "too_large"


async def test_a_compressed_answer_is_refused_unread() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    assert await failure_of(saying(head + bomb), max_bytes=100_000) == "broken"


async def test_a_truncated_answer_is_no_answer() -> None:
    assert await failure_of(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")) in ("broken", "unreachable")


async def test_what_is_no_http_is_broken() -> None:
    assert await failure_of(saying(b"SSH-2.0-OpenSSH\r\n\r\n")) == "broken"


async def test_headers_without_end_are_refused() -> None:
    assert await failure_of(saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000)) == "broken"


async def test_a_silent_server_is_a_timeout() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert await failure_of(silent, timeout=0.05) == "timeout"


async def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with open_own_client([origin]) as client:
            with pytest.raises(PeerError) as caught:
                await client.send(HttpRequest(method="GET", url=f"{origin}/x"))
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/other-port",
        "http://localhost:8/",
        "ftp://127.0.0.1:8/",
        "http://user@127.0.0.1:8/",
        "http://[::1",
        "nonsense",
    ],
)
async def test_our_own_client_calls_only_the_exact_origins_it_was_given(url: str) -> None:
    async with open_own_client(["http://127.0.0.1:8"]) as client:
        with pytest.raises(PeerError) as caught:
            await client.send(HttpRequest(method="GET", url=url))
    assert caught.value.code == "refused_address"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "https://127.0.0.1:8443/", "https://10.0.0.1/", "https://[::1]/", "https://gouwe.localhost/",
        "https://169.254.169.254/latest", "https://a@example.org/", "file:///etc/passwd", "https://2130706433/", "https://0x7f.1/",
    ],
)  # fmt: skip
async def test_the_peer_client_refuses_addresses_that_are_no_peers(url: str) -> None:
    async with open_peer_client(loopback=False) as client:
        with pytest.raises(PeerError) as caught:
            await client.send(HttpRequest(method="GET", url=url, timeout=2))
    assert caught.value.code == "refused_address"


async def test_a_name_that_rebinds_to_a_private_address_is_refused_when_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def rebound(*_args: object, **_kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
    async with open_peer_client(loopback=False) as client:
        with pytest.raises(PeerError) as caught:
            await client.send(HttpRequest(method="GET", url="https://rebinding.example/", timeout=2))
    assert caught.value.code == "refused_address"


async def test_an_untrusted_certificate_is_a_tls_failure_and_the_origin_is_named() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no tls here")

    async with a_server(plain) as origin, open_peer_client(loopback=True) as client:
        url = origin.replace("http://127.0.0.1", "https://gouwe.localhost")
        with pytest.raises(PeerError) as caught:
            await client.send(HttpRequest(method="GET", url=f"{url}/x", timeout=2))
    assert caught.value.origin == url
    assert caught.value.code in ("tls", "unreachable", "broken", "timeout")
