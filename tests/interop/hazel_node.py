"""A Hazel node in a process of its own, made as ``hazel init`` makes one."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.region.processes import Child, start_child, until_ready
from examples.region.running_node import answers
from node.config.template import Chosen
from node.founding import Certificate, found_node
from node.web.client import Client
from node.world import SystemClock, SystemEntropy
from tests.interop.authority import TlsFiles
from tests.support.certificates import Uzi

_REFRESH_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HazelNode:
    """A running one."""

    internal: str
    api_key: str
    child: Child


@asynccontextmanager
async def run_hazel_node(
    folder: Path,
    *,
    organisation: dict[str, str],
    url: str,
    ports: tuple[int, int],
    tls: TlsFiles,
    uzi: Uzi,
    usecases: tuple[Path, Sequence[str]],
    definitions: tuple[Path, ...],
    hosts: Sequence[str],
    records: str,
    client: Client,
) -> AsyncIterator[HazelNode]:
    """Make a node in ``folder`` and start it; leaving the block stops it.

    Args:
        organisation: as in ``hazel.yaml``.
        ports: public and internal.
        usecases: directory of the use case files, and which to take part in.
        records: base URL of the FHIR server behind it.

    Raises:
        StartError: it did not start.
    """
    public, internal = ports
    await found_node(
        folder,
        Chosen(
            organisation=organisation,
            url=url,
            public={"address": f"127.0.0.1:{public}", "tls_certificate": "tls.pem", "tls_key": "tls.key"},
            internal=f"127.0.0.1:{internal}",
            usecases=usecases[1],
            fhir={"r4": records},
            host=hosts,
            ca_file="ca.pem",
            uzi=[uzi.chain.fingerprints("sha256")[-1]],
            refresh_ms=_REFRESH_MS,
            loopback=True,
        ),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        certificate=Certificate(chain=uzi.pem, key=uzi.key.to_pem()),
        files={
            "tls.pem": tls.certificate.read_bytes(),
            "tls.key": tls.key.read_bytes(),
            "ca.pem": tls.authority.read_bytes(),
        },
        definitions=definitions,
    )
    with (folder / "hazel.yaml").open("a", encoding="utf-8") as config:
        config.write(f'\nusecase_directory: "{usecases[0]}"\n')
    address = f"http://127.0.0.1:{internal}"
    child = await start_child(
        "Hazel", [sys.executable, "-m", "node", "serve", "--config", folder / "hazel.yaml"], log=folder / "hazel.log"
    )
    try:
        await until_ready(child, lambda: answers(client, f"{address}/status"))
        yield HazelNode(internal=address, api_key=(folder / "api.key").read_text(encoding="ascii").strip(), child=child)
    finally:
        await child.stop()
