"""One node by itself that hosts a discovery service, made and run by real commands: for tests that end it without warning."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from credentials.did.certificate_chain import CertificateChain
from examples.region.certificates import RegionCertificates
from examples.region.discovery import write_definitions
from examples.region.free_ports import FreePorts
from examples.region.organisations import HA_VVT, RSO
from examples.region.processes import run_to_end
from examples.region.running_node import RunningNode
from examples.region.vendor import Vendor
from node.web.client import open_own_client

PORT = 12_443


@asynccontextmanager
async def open_solo(directory: Path, certificates: RegionCertificates, ports: FreePorts) -> AsyncIterator[Vendor]:
    """Make and start a node that hosts ``HA_VVT``; leaving the block stops it."""
    node = RunningNode(
        organisation=RSO,
        directory=directory / "solo",
        public_port=ports.take(PORT),
        internal_port=ports.take(PORT + 1),
        log=directory / "solo.log",
    )
    mine = certificates.organisations[RSO.key]
    root = CertificateChain.from_pem(mine.uzi_chain.read_bytes()).fingerprints("sha256")[-1]
    definition = write_definitions(directory / "definitions", host_url=node.public, uzi_root=root)[0]
    await run_to_end(
        "hazel init solo",
        [
            sys.executable, "-m", "node", "init", node.directory, "--name", RSO.name, "--city", RSO.city,
            "--ura", RSO.ura, "--subject", RSO.key, "--certificate", mine.uzi_chain, "--certificate-key", mine.uzi_key,
            "--url", node.public, "--listen", f"127.0.0.1:{node.public_port}",
            "--internal", f"127.0.0.1:{node.internal_port}",
            "--tls-certificate", mine.tls_chain, "--tls-key", mine.tls_key, "--ca", certificates.tls_root,
            "--trust-uzi", root, "--unsafe-loopback-peers", "--definition", definition, "--host", HA_VVT,
        ],
        log=directory / "init.log",
    )  # fmt: skip
    async with open_own_client([node.internal]) as client:
        await node.start(client)
        try:
            yield Vendor(node, client)
        finally:
            if node.child is not None:
                await node.child.stop()
