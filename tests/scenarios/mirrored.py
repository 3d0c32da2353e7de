"""A second node that mirrors what the one of `solo` hosts: made and run by real commands."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from credentials.did.certificate_chain import CertificateChain
from examples.region.certificates import RegionCertificates
from examples.region.free_ports import FreePorts
from examples.region.organisations import GOUWE, HA_VVT
from examples.region.processes import run_to_end
from examples.region.running_node import RunningNode
from examples.region.vendor import Vendor
from node.web.client import open_own_client

PORT = 12_446
REFRESH_MS = 500


async def log_state(vendor: Vendor) -> Any:
    """What a node says about the log of the service."""
    return await vendor.get(f"/registries/v1/{HA_VVT}")


def write_definition(directory: Path, definition: Path, **changes: Any) -> None:
    """Put a changed definition in a node's directory, as its operator would."""
    wire = {**json.loads(definition.read_text()), **changes}
    (directory / "discovery" / f"{HA_VVT}.json").write_text(json.dumps(wire))


@asynccontextmanager
async def open_mirror(
    directory: Path, definition: Path, certificates: RegionCertificates, ports: FreePorts
) -> AsyncIterator[Vendor]:
    """Make and start a node that follows ``HA_VVT``; leaving the block stops it."""
    node = RunningNode(
        organisation=GOUWE,
        directory=directory / "mirror",
        public_port=ports.take(PORT),
        internal_port=ports.take(PORT + 1),
        log=directory / "mirror.log",
    )
    mine = certificates.organisations[GOUWE.key]
    root = CertificateChain.from_pem(mine.uzi_chain.read_bytes()).fingerprints("sha256")[-1]
    await run_to_end(
        "hazel init mirror",
        [
            sys.executable, "-m", "node", "init", node.directory, "--name", GOUWE.name, "--city", GOUWE.city,
            "--ura", GOUWE.ura, "--subject", GOUWE.key, "--certificate", mine.uzi_chain, "--certificate-key", mine.uzi_key,
            "--url", node.public, "--listen", f"127.0.0.1:{node.public_port}",
            "--internal", f"127.0.0.1:{node.internal_port}",
            "--tls-certificate", mine.tls_chain, "--tls-key", mine.tls_key, "--ca", certificates.tls_root,
            "--trust-uzi", root, "--unsafe-loopback-peers", "--definition", definition,
            "--refresh-ms", str(REFRESH_MS),
        ],
        log=directory / "init-mirror.log",
    )  # fmt: skip
    async with open_own_client([node.internal]) as client:
        await node.start(client)
        try:
            yield Vendor(node, client)
        finally:
            if node.child is not None:
                await node.child.stop()
