"""What our own servers want of us: a token, a password or a certificate, each only where it belongs."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from node.ports import HttpRequest, PeerError
from node.web.client import open_own_client
from tests.support.certificates import a_certificate, a_name, leaf_extensions


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """An authority, and what it gave the server and us."""
    now = datetime.now(UTC)
    before, after = now - timedelta(days=1), now + timedelta(days=1)
    authority, name = ec.generate_private_key(ec.SECP256R1()), a_name(CN="Authority")
    root = a_certificate(
        subject=name, key=authority, issuer=name, issuer_key=authority, not_before=before, not_after=after
    )
    files = {"authority": root.public_bytes(Encoding.PEM)}
    for who in ("server", "node"):
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = a_certificate(
            subject=a_name(CN=who),
            key=key,
            issuer=name,
            issuer_key=authority,
            extensions=leaf_extensions(x509.IPAddress(ip_address("127.0.0.1"))),
            serial=len(files) + 1,
            not_before=before,
            not_after=after,
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files[who] = leaf.public_bytes(Encoding.PEM) + private
    for who, text in files.items():
        (tmp_path / f"{who}.pem").write_bytes(text)
    return {who: str(tmp_path / f"{who}.pem") for who in files}


@asynccontextmanager
async def a_server(certificates: dict[str, str] | None = None) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that notes what it is sent; with TLS it wants a certificate."""
    heard: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    context = None
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates["server"])
        context.load_verify_locations(certificates["authority"])
        context.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        scheme = "https" if context else "http"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


async def test_a_server_that_wants_our_certificate_gets_it(certificates: dict[str, str]) -> None:
    async with (
        a_server(certificates) as (origin, heard),
        open_own_client(
            [origin], certificates={f"{origin}/fhir": certificates["node"]}, ca_file=certificates["authority"]
        ) as client,
    ):
        answer = await client.send(HttpRequest(method="GET", url=f"{origin}/fhir/Flag"))
        assert (answer.body, len(heard)) == (b"ok", 1)
        with pytest.raises(PeerError):  # another server of the same host doesn't
            await client.send(HttpRequest(method="GET", url=f"{origin}/other/Flag"))
        assert len(heard) == 1


async def test_two_servers_at_one_address_get_each_its_own_secret() -> None:
    async with a_server() as (origin, heard):
        headers = {f"{origin}/r4": {"Authorization": "Bearer a"}, f"{origin}/r4/lab": {"Authorization": "Basic Yjpj"}}
        async with open_own_client([origin], headers=headers) as client:
            for path in ("/r4/Flag", "/r4/lab/Flag", "/r4?_getpages=1", "/r45/Flag", "/stu3/Flag"):
                await client.send(HttpRequest(method="GET", url=f"{origin}{path}"))
    sent = [
        next((line.partition(": ")[2] for line in each.splitlines() if line.startswith("Authorization")), None)
        for each in heard
    ]
    assert sent == ["Bearer a", "Basic Yjpj", "Bearer a", None, None]
