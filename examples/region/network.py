"""The region as running processes: six nodes, five record systems, one directory.

Everything lives in one directory (``.region`` at the repository root, or ``REGION=DIR``; ``place.py``). ``region.json`` in it tells
other programs where everything is: it appears when all nodes are ready, joined and hold the one consent of the story, and goes
when they stop (API.md §6).
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from credentials.did.certificate_chain import CertificateChain
from examples.region.askers import ASKERS
from examples.region.certificates import RegionCertificates, prepare_certificates, publish_revocations
from examples.region.discovery import SERVICES, FurtherService, write_definitions
from examples.region.free_ports import FreePorts, NoFreePortError
from examples.region.joining import until_joined
from examples.region.objection import object_for_aicha
from examples.region.organisations import HA_VVT, MEDICATION, ORGANISATIONS, RSO, WENDING
from examples.region.patients import PATIENTS
from examples.region.place import CERTIFICATES, hold_place
from examples.region.processes import Child, StartError, run_to_end, start_child, until_ready
from examples.region.revocation_site import open_revocation_site, site_address
from examples.region.running_node import RunningNode, answers
from examples.region.vendor import Vendor
from node.web.client import Client, open_own_client, open_peer_client

PUBLIC_PORT = 8443
INTERNAL_PORT = 9443
EHR_PORT = 10443
INTRUDER_PORT = 8449
REVOCATION_PORT = 8450
REFRESH_MS = 1_000
USECASE_OF = {HA_VVT: "ha-vvt", MEDICATION: "medication"}
WITH_HAPI = ("linde", "hofstede")
DESCRIPTION = "region.json"

Progress = Callable[[str], None]


class Region:
    """The running region. Open one with :func:`open_region`.

    Attributes:
        nodes: by key, in the order of the story.
        systems: the record systems' processes.
        own: client for internal APIs and record systems.
        peers: client for the public side, as any other organisation has.
        further: discovery services beyond those of the story.
        set_up_ms: how long it took until everything was ready and joined; ``joined_ms`` the part of it after all nodes ran.
    """

    def __init__(
        self,
        directory: Path,
        certificates: RegionCertificates,
        nodes: Iterable[RunningNode],
        *,
        own: Client,
        peers: Client,
        ports: FreePorts,
        further: Sequence[FurtherService] = (),
    ) -> None:
        self.directory = directory
        self.further = further
        self.certificates = certificates
        self.nodes = {node.key: node for node in nodes}
        self.systems: list[Child] = []
        self.own = own
        self.peers = peers
        self.ports = ports
        self.set_up_ms = 0
        self.joined_ms = 0
        self._is_described = False

    @property
    def logs(self) -> Path:
        """Where everything that was started says what it does."""
        return self.directory / "logs"

    @property
    def uzi_root(self) -> str:
        """SHA-256 (base64url) of the root that vouches for the region's organisations."""
        chain = CertificateChain.from_pem(self.certificates.organisations[RSO.key].uzi_chain.read_bytes())
        return chain.fingerprints("sha256")[-1]

    def vendor(self, key: str) -> Vendor:
        """The software of one organisation."""
        return Vendor(self.nodes[key], self.own)

    async def start_node(self, key: str) -> None:
        """Start a node (again) and wait until it is ready."""
        await self.nodes[key].start(self.own)
        if self._is_described:
            self.tell_others()

    async def kill_node(self, key: str) -> None:
        """End a node without warning."""
        child = self.nodes[key].child
        if child is not None:
            await child.kill()

    async def stop(self) -> None:
        """Stop everything that was started here, nodes first."""
        (self.directory / DESCRIPTION).unlink(missing_ok=True)
        await asyncio.gather(*(node.child.stop() for node in self.nodes.values() if node.child is not None))
        await asyncio.gather(*(system.stop() for system in self.systems))

    def describe(self) -> Mapping[str, Any]:
        """Return what ``region.json`` holds."""
        return {
            "ca": str(self.certificates.tls_root),
            "nodes": [node.describe() for node in self.nodes.values()],
            "patients": [{"key": citizen.key, "name": citizen.name, "bsn": citizen.bsn} for citizen in PATIENTS],
        }

    def tell_others(self) -> None:
        """Write ``region.json``, whole or not at all."""
        unfinished = self.directory / f"{DESCRIPTION}.unfinished"
        unfinished.write_text(json.dumps(self.describe(), indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self.directory / DESCRIPTION)
        self._is_described = True


@asynccontextmanager
async def open_region(
    directory: Path | None,
    progress: Progress,
    *,
    hapi: bool = False,
    describe: bool = True,
    further: Sequence[FurtherService] = (),
) -> AsyncIterator[Region]:
    """Make and start a region; leaving the block stops it.

    Args:
        directory: where; ``None`` is ``.region``, or ``.region-2`` and so on when another region runs there.
        progress: told what is being done.
        hapi: real FHIR servers (HAPI) for the hospital and the pharmacy.
        describe: write ``region.json`` when everything is ready; otherwise :meth:`Region.tell_others` does.
        further: discovery services beyond those of the story; nobody waits until their members are registered.

    Raises:
        StartError: something did not start, or the named directory is taken.
    """
    clock = asyncio.get_running_loop()
    began = clock.time()
    async with AsyncExitStack() as stack:
        place = stack.enter_context(hold_place(directory))
        progress(f"the region lives in {place}")
        ports = FreePorts()
        stack.callback(ports.release)
        try:
            site_port = ports.take(REVOCATION_PORT)
            nodes = [_plan_node(place, number, ports) for number in range(len(ORGANISATIONS))]
            systems = {
                node.key: ports.take(EHR_PORT + number)
                for number, node in enumerate(one for one in nodes if one.organisation.fhir_versions)
            }
        except NoFreePortError as error:
            raise StartError(str(error)) from error
        now = datetime.now(UTC)
        certificates = prepare_certificates(place / CERTIFICATES, now=now, lists_at=site_address(site_port))
        publish_revocations(certificates, now=now)
        await stack.enter_async_context(open_revocation_site(certificates, site_port))
        origins = [node.internal for node in nodes] + [f"http://127.0.0.1:{port}" for port in systems.values()]
        region = Region(
            place,
            certificates,
            nodes,
            own=await stack.enter_async_context(open_own_client(origins)),
            peers=await stack.enter_async_context(open_peer_client(loopback=True, ca_file=str(certificates.tls_root))),
            ports=ports,
            further=further,
        )
        stack.push_async_callback(region.stop)
        await _start(region, systems, progress, hapi=hapi)
        region.set_up_ms = round((clock.time() - began) * 1000)
        if describe:
            region.tell_others()
        yield region


async def _start(region: Region, systems: Mapping[str, int], progress: Progress, *, hapi: bool) -> None:
    write_definitions(
        region.directory / "definitions",
        host_url=region.nodes[RSO.key].public,
        uzi_root=region.uzi_root,
        further=[each.service for each in region.further],
    )
    progress("starting five record systems, making and starting six nodes")
    host_runs = asyncio.Event()
    await _together(
        _bring_up(region, node, systems.get(node.key), progress, host_runs, hapi=hapi)
        for node in reversed(region.nodes.values())  # RSO first: the others register there
    )
    progress("waiting until five have registered and all six know it")
    region.joined_ms = await until_joined({key: region.vendor(key) for key in region.nodes})
    await object_for_aicha(region.vendor(WENDING.key))


def _plan_node(place: Path, number: int, ports: FreePorts) -> RunningNode:
    organisation = ORGANISATIONS[number]
    return RunningNode(
        organisation=organisation,
        directory=place / organisation.key,
        public_port=ports.take(PUBLIC_PORT + number),
        internal_port=ports.take(INTERNAL_PORT + number),
        log=place / "logs" / f"node-{organisation.key}.log",
    )


async def _bring_up(
    region: Region, node: RunningNode, port: int | None, progress: Progress, host_runs: asyncio.Event, *, hapi: bool
) -> None:
    """Start the record system behind a node, make the node in front of it, and start that."""
    if port is not None and hapi and node.key in WITH_HAPI:
        from examples.region.hapi.demo import start_hapi_for  # Java is needed for this only

        child, node.fhir = await start_hapi_for(node.organisation, port, region.logs, progress)
        region.systems.append(child)
    elif port is not None:
        await _start_record_system(region, node, port)
    await run_to_end(f"hazel init {node.key}", _words_of_init(region, node), log=region.logs / f"init-{node.key}.log")
    if node.key != RSO.key:
        await host_runs.wait()
    await region.start_node(node.key)
    if node.key == RSO.key:
        host_runs.set()


async def _start_record_system(region: Region, node: RunningNode, port: int) -> None:
    versions = node.organisation.fhir_versions
    child = await start_child(
        f"record system {node.key}",
        [
            sys.executable, "-m", "examples.region.ehr",
            "--data", region.directory / "ehr" / node.key,
            "--port", str(port),
            "--organisation", node.key,
            *(word for version in versions for word in ("--fhir", version)),
        ],
        log=region.logs / f"ehr-{node.key}.log",
    )  # fmt: skip
    region.systems.append(child)
    origin = f"http://127.0.0.1:{port}"
    await until_ready(child, lambda: answers(region.own, f"{origin}/{versions[0]}/metadata"))
    node.fhir = {version: f"{origin}/{version}" for version in versions}
    node.fhir_control = f"{origin}/control"


def _words_of_init(region: Region, node: RunningNode) -> list[str | Path]:
    organisation = node.organisation
    certificates = region.certificates.organisations[node.key]
    asker = ASKERS.get(node.key)
    services = (*SERVICES, *(each.service for each in region.further))
    takes_part = [(USECASE_OF[service], service) for service in organisation.services]
    takes_part += [(each.usecase, each.service) for each in region.further if node.key in each.members]
    words: list[str | Path] = [
        sys.executable, "-m", "node", "init", node.directory,
        "--name", organisation.name, "--city", organisation.city, "--ura", organisation.ura, "--subject", node.key,
        "--facility-type", organisation.facility_type or "X",
        "--certificate", certificates.uzi_chain, "--certificate-key", certificates.uzi_key,
        "--url", node.public, "--listen", f"127.0.0.1:{node.public_port}", "--internal", f"127.0.0.1:{node.internal_port}",
        "--tls-certificate", certificates.tls_chain, "--tls-key", certificates.tls_key,
        "--ca", region.certificates.tls_root, "--trust-uzi", region.uzi_root, "--unsafe-loopback-peers",
        "--refresh-ms", str(REFRESH_MS),
        *(word for service in services for word in ("--definition", region.directory / "definitions" / f"{service}.json")),
        *(word for version, url in node.fhir.items() for word in (f"--fhir-{version}", url)),
        *(word for usecase, service in takes_part for word in ("--usecase", usecase, "--join", service)),
        *(("--cli-user", asker.for_init()) if asker else ()),
    ]  # fmt: skip
    if node.key == RSO.key:
        words += [word for service in services for word in ("--host", service)]
    return words


async def _together(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Do everything at once; the first failure ends the rest and is the one that is told."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as failures:
        first: Exception = failures
        while isinstance(first, ExceptionGroup):
            first = first.exceptions[0]
        raise first from None
