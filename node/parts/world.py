"""Time, chance and the two HTTP clients, the real ones."""

import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from node.config.model import Config
from node.parts.errors import NodeError
from node.ports import World
from node.web.client import open_own_client, open_peer_client
from node.world import SystemClock, SystemEntropy


async def real_world(config: Config, stack: AsyncExitStack) -> World:
    """Open the clients; they close with ``stack``.

    Raises:
        NodeError: a file with certificates, or with what our own FHIR server wants, can not be read.
    """
    ca_file = str(config.trust.ca_file) if config.trust.ca_file is not None else None
    headers: dict[str, Mapping[str, str]] = {}
    certificates: dict[str, str] = {}
    for server in config.fhir.values():
        if server.authorization_file is not None:
            headers[server.url] = {"Authorization": _secret(server.authorization_file)}
        if server.client_certificate is not None:
            _check_certificate(server.client_certificate)
            certificates[server.url] = str(server.client_certificate)
    try:
        peers = await stack.enter_async_context(
            open_peer_client(loopback=config.unsafe_loopback_peers, ca_file=ca_file)
        )
        own = await stack.enter_async_context(
            open_own_client(_own_servers(config), headers=headers, certificates=certificates, ca_file=ca_file)
        )
    except OSError as error:  # ssl.SSLError is one too
        raise NodeError(
            f"{ca_file} holds no certificates that can be read", "it is trust.ca_file in hazel.yaml"
        ) from error
    return World(clock=SystemClock(), entropy=SystemEntropy(), peers=peers, own=own)


def _own_servers(config: Config) -> list[str]:
    """What the operator names, and nothing else."""
    servers = [server.url for server in config.fhir.values()]
    return servers if config.decision_point is None else [*servers, config.decision_point]


def _check_certificate(file: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(file)
    except (OSError, ssl.SSLError) as error:
        raise NodeError(
            f"{file} does not hold a certificate and its key, both in PEM",
            "it is named by client_certificate in hazel.yaml",
        ) from error


def _secret(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NodeError(f"{file} can not be read", "it is named by authorization_file in hazel.yaml") from error
