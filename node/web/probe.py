"""Names to addresses, and TLS handshakes, for `hazel doctor`: what the HTTP client hides when all is well, and sums up when not.

The second and last module that opens connections. It sends nothing and reads nothing but the handshake; the guard of the HTTP client
holds here too, for the very address that is dialled.
"""

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from typing import Any, Final

from node.doctor.ports import Addresses, Handshake, TlsError, TlsFault
from node.ports import PeerError
from node.web.client import tls_context
from node.web.guard import address_allowed, is_loopback_name

SECONDS: Final = 5.0
"""For a name, and for a handshake."""

MAX_ADDRESSES: Final = 16

_LOOPBACK = "127.0.0.1"
_FAULTS: dict[int, TlsFault] = {  # codes of X509_verify_cert_error_string(3)
    9: "not_yet_valid",
    10: "expired",
    18: "unknown_authority",
    19: "unknown_authority",
    20: "unknown_authority",
    21: "unknown_authority",
    23: "revoked",
    62: "wrong_name",
    64: "wrong_name",
}


class NetworkProbe:
    """The real :class:`node.doctor.ports.Probe`.

    Args:
        loopback: whether ``unsafe_loopback_peers`` is set.
        ca_file: authorities trusted beside the system's.
    """

    def __init__(self, *, loopback: bool, ca_file: str | None) -> None:
        self._loopback = loopback
        self._ca_file = ca_file

    async def addresses(self, host: str) -> Addresses:
        """Return where ``host`` leads; names under ``.localhost`` are never asked of DNS."""
        found = [_LOOPBACK] if is_loopback_name(host) else await _resolve(host)
        allowed = tuple(each for each in found if address_allowed(each, loopback=self._loopback))
        return Addresses(allowed=allowed, refused=tuple(each for each in found if each not in allowed))

    async def handshake(self, host: str, port: int, address: str) -> Handshake:
        """Connect and let the server prove its name."""
        origin = f"https://{host}:{port}"
        if not address_allowed(address, loopback=self._loopback):
            raise PeerError("refused_address", origin)
        try:
            async with asyncio.timeout(SECONDS):
                _, writer = await asyncio.open_connection(
                    address, port, ssl=tls_context(self._ca_file), server_hostname=host
                )
        except ssl.SSLCertVerificationError as error:
            raise TlsError(_FAULTS.get(error.verify_code, "other")) from error
        except ssl.SSLError as error:
            raise TlsError("no_tls") from error
        except TimeoutError as error:
            raise PeerError("timeout", origin) from error
        except OSError as error:
            raise PeerError("unreachable", origin) from error
        try:
            return _told(writer.get_extra_info("ssl_object"))
        finally:
            writer.transport.abort()


async def _resolve(host: str) -> list[str]:
    try:
        async with asyncio.timeout(SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise PeerError("timeout", f"https://{host}") from error
    except (OSError, UnicodeError) as error:
        raise PeerError("unreachable", f"https://{host}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))[:MAX_ADDRESSES]


def _told(connection: ssl.SSLObject) -> Handshake:
    certificate: dict[str, Any] = connection.getpeercert() or {}
    issuer = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    return Handshake(
        version=connection.version() or "",
        issuer=str(issuer.get("organizationName", issuer.get("commonName", "")))[:100],
        expires_at=datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC),
    )
