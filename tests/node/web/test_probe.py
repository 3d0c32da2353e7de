"""The probe of `hazel doctor` on real sockets: what a handshake says, and what is never dialled."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.doctor.ports import Handshake, TlsError
from node.ports import PeerError
from node.web.probe import NetworkProbe
from tests.support.certificates import a_certificate, a_name, leaf_extensions

NOW = datetime.now(UTC).replace(microsecond=0)
HOST = "peer.localhost"
CA_KEY, KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
CA_NAME = a_name(CN="Root of the test", O="Root of the test")


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@asynccontextmanager
async def a_server(
    folder: Path,
    *,
    name: str = HOST,
    until: datetime = NOW + timedelta(days=40),
    since: datetime = NOW - timedelta(days=9),
) -> AsyncIterator[int]:
    """A TLS server with a certificate of the test's root, which is written to ``ca.pem``; yields its port."""
    ca = a_certificate(
        subject=CA_NAME,
        key=CA_KEY,
        issuer=CA_NAME,
        issuer_key=CA_KEY,
        not_before=NOW - timedelta(days=99),
        not_after=NOW + timedelta(days=99),
    )
    leaf = a_certificate(
        subject=a_name(CN=name),
        key=KEY,
        issuer=CA_NAME,
        issuer_key=CA_KEY,
        extensions=leaf_extensions(x509.DNSName(name)),
        not_before=since,
        not_after=until,
    )
    (folder / "ca.pem").write_bytes(pem(ca))
    (folder / "server.pem").write_bytes(
        pem(leaf)
        + KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b"", "nothing but the handshake is sent"
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def probe(folder: Path, *, loopback: bool = True, trusted: bool = True) -> NetworkProbe:
    return NetworkProbe(loopback=loopback, ca_file=str(folder / "ca.pem") if trusted else None)


async def shake(folder: Path, port: int, *, trusted: bool = True, host: str = HOST) -> Handshake:
    return await probe(folder, trusted=trusted).handshake(host, port, "127.0.0.1")


async def test_a_handshake_says_who_vouches_and_until_when(tmp_path: Path) -> None:
    async with a_server(tmp_path) as port:
        made = await shake(tmp_path, port)
    assert (made.version, made.issuer, made.expires_at) == ("TLSv1.3", "Root of the test", NOW + timedelta(days=40))


async def test_what_can_not_be_trusted_says_why(tmp_path: Path) -> None:
    async with a_server(tmp_path) as port:
        with pytest.raises(TlsError, match="unknown_authority"):
            await shake(tmp_path, port, trusted=False)
        with pytest.raises(TlsError, match="wrong_name"):
            await shake(tmp_path, port, host="other.localhost")
    async with a_server(tmp_path, until=NOW - timedelta(days=1)) as port:
        with pytest.raises(TlsError, match="expired"):
            await shake(tmp_path, port)
    async with a_server(tmp_path, since=NOW + timedelta(days=1)) as port:
        with pytest.raises(TlsError, match="not_yet_valid"):
            await shake(tmp_path, port)


async def test_what_speaks_no_tls_or_not_at_all_is_told_apart(tmp_path: Path) -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(TlsError, match="no_tls"):
            await shake(tmp_path, port, trusted=False)
    with pytest.raises(PeerError, match="unreachable"):
        await shake(tmp_path, port, trusted=False)


async def test_no_address_is_dialled_that_the_guard_refuses(tmp_path: Path) -> None:
    dialled = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        dialled.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        with pytest.raises(PeerError, match="refused_address"):
            await NetworkProbe(loopback=False, ca_file=None).handshake(
                HOST, server.sockets[0].getsockname()[1], "127.0.0.1"
            )
    assert not dialled.is_set()


async def test_addresses_that_are_not_public_are_told_and_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(_loop: object, host: str, *_args: object, **_kwargs: object) -> list[tuple[object, ...]]:
        if host == "nowhere.example":
            raise socket.gaierror
        found = ("10.0.0.7", "8.8.8.8", "8.8.8.8", "::1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolved)
    found = await NetworkProbe(loopback=False, ca_file=None).addresses("peer.example")
    assert (found.allowed, found.refused) == (("8.8.8.8",), ("10.0.0.7", "::1"))
    with pytest.raises(PeerError, match="unreachable"):
        await NetworkProbe(loopback=False, ca_file=None).addresses("nowhere.example")
    own = await NetworkProbe(loopback=False, ca_file=None).addresses("peer.localhost")
    assert (own.allowed, own.refused) == ((), ("127.0.0.1",))
