"""Two running nodes that know each other, and a FHIR server behind one of them.

Home care (``oever``, the asker) and a GP practice (``gouwe``, the holder, which also hosts the discovery service), made by
``hazel init`` and started by ``hazel serve`` as anybody would, over TLS. What is measured runs on one core, this process and the
FHIR server on the other, where there are two.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from credentials.did.certificate_chain import CertificateChain
from examples.region.askers import ASKERS
from examples.region.certificates import RegionCertificates, prepare_certificates
from examples.region.discovery import write_definitions
from examples.region.free_ports import FreePorts
from examples.region.organisations import GOUWE, HA_VVT, OEVER, Organisation
from examples.region.patients import BSN_SYSTEM
from examples.region.processes import ROOT, Child, run_to_end, start_child, until_ready
from examples.region.running_node import RunningNode, answers
from node.ports import HttpRequest, HttpResponse
from node.web.client import Client, open_own_client
from tests.bench import record_system
from tests.bench.measure import cores, cpu_seconds, pin
from tests.bench.token_policy import POLICY

CACHE = ROOT / ".cache" / "bench"
USECASE = "ha-vvt"
LIMITS = """
limits:
  step_ms: "30000"
"""
"""A machine that is busy with other things shows in the numbers; it must not end the run."""

JOIN_SECONDS = 30.0
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What :func:`open_pair` gives.

    Attributes:
        certificates: of the region, kept between runs.
        client: of the load generator.
        fhir: base URL of the holder's FHIR server.
    """

    certificates: RegionCertificates
    asker: RunningNode
    holder: RunningNode
    record_system: Child
    client: Client
    fhir: str

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids by role."""
        assert self.asker.child is not None  # open_pair started them
        assert self.holder.child is not None
        return {"asker": self.asker.child.pid, "holder": self.holder.child.pid, "record system": self.record_system.pid}

    def used(self) -> Mapping[str, float]:
        """CPU seconds used so far, by role."""
        return {role: cpu_seconds(pid) for role, pid in self.pids.items()}

    def question(self, *steps: str) -> HttpRequest:
        """One question to the holder: the patient match, then these steps."""
        body = {
            "patient": {"system": BSN_SYSTEM, "value": record_system.BSN},
            "user": ASKERS[OEVER.key].for_question(),
            "purpose": "TREAT",
            "holders": [GOUWE.ura],
            "steps": list(steps),
            "fresh": True,  # read at the holder each time, not from what this person was shown before
        }
        return HttpRequest(
            method="POST",
            url=f"{self.asker.internal}/internal/exchange/v1/{OEVER.key}/{USECASE}",
            headers={"Authorization": f"Bearer {self.asker.api_key}", "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
            max_bytes=16 * 1024 * 1024,
            timeout=60.0,
        )

    async def ask(self, question: HttpRequest) -> bytes:
        """Ask, and return the whole stream; it has to be complete."""
        answer = await self.client.send(question)
        if not _is_whole(answer):
            raise RuntimeError(f"a question was not answered completely: {answer.status} {answer.body[-300:]!r}")
        return answer.body

    async def read_directly(self, *targets: str) -> None:
        """Read from the FHIR server what a question reads: the patient match, then these."""
        form = (
            f"identifier={BSN_SYSTEM}|{record_system.BSN}".replace(":", "%3A").replace("/", "%2F").replace("|", "%7C")
        )
        _ok(
            await self.client.send(
                HttpRequest(
                    method="POST",
                    url=f"{self.fhir}/Patient/_search",
                    headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/fhir+json"},
                    body=form.encode(),
                )
            )
        )
        for target in targets:
            _ok(await self.client.send(HttpRequest(method="GET", url=f"{self.fhir}/{target}", max_bytes=1_000_000)))


async def repeat(work: Callable[[], Awaitable[object]], *, connections: int, seconds: float) -> int:
    """Do ``work`` again and again on so many connections for about ``seconds``; return how often it was done."""
    until = time.monotonic() + seconds
    done = 0

    async def one() -> None:
        nonlocal done
        while time.monotonic() < until:
            await work()
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one())
    return done


@asynccontextmanager
async def open_pair(place: Path) -> AsyncIterator[Pair]:
    """Make and start everything in ``place``; leaving the block stops it."""
    certificates = prepare_certificates(CACHE / "certificates", now=datetime.now(UTC))
    async with AsyncExitStack() as stack:
        ports = FreePorts()
        stack.callback(ports.release)
        holder, asker = (plan_node(organisation, place, ports) for organisation in (GOUWE, OEVER))
        fhir_port = ports.take(0)
        fhir = f"http://127.0.0.1:{fhir_port}{record_system.PATH}"
        holder.fhir = {"r4": fhir}
        client = await stack.enter_async_context(
            open_own_client(
                [holder.internal, asker.internal, holder.public, f"http://127.0.0.1:{fhir_port}"],
                ca_file=str(certificates.tls_root),
            )
        )
        server = await start_child(
            "record system",
            [sys.executable, "-m", "tests.bench.record_system", "--port", str(fhir_port)],
            log=place / "record-system.log",
            environment=environment(),
        )
        stack.push_async_callback(server.stop)
        await until_ready(server, lambda: answers(client, f"{fhir}/metadata"))
        for node in (holder, asker):
            await make_node(node, certificates, host=holder)
            await start_node(node, client)
            assert node.child is not None  # just started
            stack.push_async_callback(node.child.stop)
        pair = Pair(
            certificates=certificates, asker=asker, holder=holder, record_system=server, client=client, fhir=fhir
        )
        measured, elsewhere = cores()
        pin(pair.pids["asker"], measured)
        pin(pair.pids["holder"], measured)
        pin(server.pid, elsewhere)
        await _until_joined(pair)
        yield pair


def environment() -> Mapping[str, str]:
    """As installed: with compiled bytecode, kept apart from the sources, whatever the shell says about writing it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONPYCACHEPREFIX": str(CACHE / "bytecode")}


def plan_node(organisation: Organisation, place: Path, ports: FreePorts) -> RunningNode:
    """Choose where a node will be."""
    return RunningNode(
        organisation=organisation,
        directory=place / organisation.key,
        public_port=ports.take(0),
        internal_port=ports.take(0),
        log=place / f"{organisation.key}.log",
    )


async def make_node(node: RunningNode, certificates: RegionCertificates, *, host: RunningNode) -> None:
    """Run ``hazel init``; ``host`` is whose discovery service it joins, perhaps its own."""
    organisation, files = node.organisation, certificates.organisations[node.key]
    root = CertificateChain.from_pem(files.uzi_chain.read_bytes()).fingerprints("sha256")[-1]
    definitions = write_definitions(node.directory.parent / "definitions", host_url=host.public, uzi_root=root)
    words: list[str | Path] = [
        sys.executable, "-m", "node", "init", node.directory,
        "--name", organisation.name, "--city", organisation.city, "--ura", organisation.ura, "--subject", node.key,
        "--facility-type", organisation.facility_type or "X",
        "--certificate", files.uzi_chain, "--certificate-key", files.uzi_key,
        "--url", node.public, "--listen", f"127.0.0.1:{node.public_port}", "--internal", f"127.0.0.1:{node.internal_port}",
        "--tls-certificate", files.tls_chain, "--tls-key", files.tls_key, "--ca", certificates.tls_root,
        "--trust-uzi", root, "--unsafe-loopback-peers", "--refresh-ms", "20000",
        *(word for file in definitions if file.stem == HA_VVT for word in ("--definition", file)),
        *(word for version, url in node.fhir.items() for word in (f"--fhir-{version}", url)),
        "--usecase", USECASE, "--join", HA_VVT, *(("--host", HA_VVT) if node is host else ()),
    ]  # fmt: skip
    await run_to_end(f"hazel init {node.key}", words, log=node.log)
    (policies := node.directory / "policies").mkdir()
    (policies / "bench.json").write_text(json.dumps(POLICY), encoding="utf-8")
    with node.config.open("a", encoding="utf-8") as config:
        config.write(LIMITS)
        config.write("\nusecase_directory: policies\n")


def words_of_serve(node: RunningNode) -> Sequence[str | Path]:
    """Return how a node is started."""
    return [sys.executable, "-m", "node", "serve", "--config", node.config]


async def start_node(node: RunningNode, client: Client) -> None:
    """Start a node and wait until it answers."""
    node.child = await start_child(f"node {node.key}", words_of_serve(node), log=node.log, environment=environment())
    await until_ready(node.child, lambda: answers(client, f"{node.internal}/status"))


async def _until_joined(pair: Pair) -> None:
    """Wait until the asker can ask the holder."""
    question = pair.question(record_system.SMALL_STEP)
    async with asyncio.timeout(JOIN_SECONDS):
        while not _is_whole(await pair.client.send(question)):  # noqa: ASYNC110  # there is no event of another process
            await asyncio.sleep(0.2)  # nothing here tells when a process elsewhere is ready


def _is_whole(answer: HttpResponse) -> bool:
    """Whether something was asked, and everything that was asked was answered."""
    return answer.status == OK and b'"complete":true' in answer.body[-400:] and b'"state":"ok"' in answer.body


def _ok(answer: HttpResponse) -> None:
    if answer.status != OK:
        raise RuntimeError(f"the FHIR server answered {answer.status}")
