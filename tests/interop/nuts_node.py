"""A nuts-node in a process of its own, with every listener on loopback and nothing to fetch from elsewhere."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.region.processes import Child, start_child, until_ready
from examples.region.running_node import answers
from node.ports import HttpRequest
from node.web.client import Client
from tests.interop.authority import TlsFiles
from tests.interop.tls_front import tls_front

_REFRESH = "1s"
_TWO = "auth.experimental.jwtbearerclient"


@dataclass(frozen=True, slots=True, kw_only=True)
class NutsNodePorts:
    """Where it listens: TLS in front of it, plain behind that, its internal API, and its event bus."""

    front: int
    public: int
    internal: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NutsNode:
    """A running one.

    Attributes:
        version: as it says itself, with the commit where it is no release.
    """

    internal: str
    version: str
    child: Child


async def knows_providers(binary: Path) -> bool:
    """Say whether this version can ask for a token with two presentations: its own help lists the setting."""
    child = await asyncio.create_subprocess_exec(
        binary, "server", "--help", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await child.communicate()
    return _TWO.encode() in said


@asynccontextmanager
async def run_nuts_node(
    binary: Path,
    folder: Path,
    *,
    providers: bool,
    url: str,
    ports: NutsNodePorts,
    tls: TlsFiles,
    policy: Path,
    definitions: Path,
    hosts: Sequence[str],
    client: Client,
) -> AsyncIterator[NutsNode]:
    """Start ``binary`` with its files in ``folder``; leaving the block stops it. ``providers``: :func:`knows_providers`.

    Raises:
        StartError: it did not start; the message has its last words.
    """
    folder.mkdir(parents=True)
    config = folder / "nuts.yaml"
    config.write_text(
        json.dumps(_config(folder, url, ports, policy, definitions, hosts, providers=providers), indent=2),
        encoding="utf-8",
    )  # JSON is YAML
    internal = f"http://127.0.0.1:{ports.internal}"
    child = await start_child(
        "nuts-node",
        [binary, "server", "--configfile", config],
        log=folder / "nuts.log",
        # Nothing of our own environment: a NUTS_ variable would change its configuration.
        environment={"SSL_CERT_FILE": str(tls.authority), "HOME": str(folder)},
    )
    try:
        await until_ready(child, lambda: answers(client, f"{internal}/status"))
        version = await _version(client, internal)
        async with tls_front(ports.front, ports.public, tls):
            yield NutsNode(internal=internal, version=version, child=child)
    finally:
        await child.stop()


def _config(
    folder: Path,
    url: str,
    ports: NutsNodePorts,
    policy: Path,
    definitions: Path,
    hosts: Sequence[str],
    *,
    providers: bool,
) -> dict[str, Any]:
    experimental = {"experimental": {"jwtbearerclient": True}} if providers else {}
    return {
        "url": url,
        "strictmode": False,  # strict mode refuses loopback peers
        "didmethods": ["web"],
        "datadir": str(folder / "data"),
        "http": {
            "log": "metadata",
            "public": {"address": f"127.0.0.1:{ports.public}"},
            "internal": {"address": f"127.0.0.1:{ports.internal}"},
        },
        "events": {"nats": {"hostname": "127.0.0.1", "port": ports.events}},
        "auth": {"contractvalidators": ["employeeid"], "irma": {"autoupdateschemas": False}, **experimental},
        "pki": {"denylist": {"url": ""}},  # would be fetched from the internet
        "policy": {"directory": str(policy)},
        "discovery": {
            "client": {"refreshinterval": _REFRESH},
            "definitions": {"directory": str(definitions)},
            "server": {"ids": list(hosts)},
        },
    }


async def _version(client: Client, internal: str) -> str:
    answer = await client.send(
        HttpRequest(method="GET", url=f"{internal}/status/diagnostics", headers={"Accept": "application/json"})
    )
    said = json.loads(answer.body)["status"]
    version, commit = str(said["software_version"]), str(said["git_commit"])
    return version if version.startswith("v") else f"{version} {commit[:7]}"
