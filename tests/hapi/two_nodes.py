"""Two real nodes in this process, over TLS on loopback: a holder with a foreign FHIR server behind it, and somebody who asks.

Unless a ``Pair`` says otherwise, they are a pharmacy and a hospital that share the medication overview.

The holder hosts the discovery service too, so that nobody else is needed. Everything is as in the demo region: certificates of a
throw-away authority, did:web, tokens bound to keys.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from credentials.did.certificate_chain import CertificateChain
from examples.region.certificates import RegionCertificates, prepare_certificates
from examples.region.discovery import write_definitions
from examples.region.free_ports import FreePorts
from examples.region.organisations import HOFSTEDE, LINDE, MEDICATION, Organisation
from node.app import open_node
from node.config.load import load_config
from node.config.template import Chosen
from node.founding import Certificate, found_node
from node.ports import HttpRequest, HttpResponse
from node.runtime import serve_node
from node.web.client import Client, open_own_client, open_peer_client
from node.world import SystemClock, SystemEntropy

BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"
USER = {"identifier": "U-3001", "name": "P. Bakker", "role": "01.016"}
PATIENCE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoNodes:
    """The asker's internal API, and the holder as the asker's network sees it."""

    asker: str
    asker_key: str
    holder: str
    internal: Client
    network: Client

    async def call(self, path: str, body: Any) -> HttpResponse:
        """Call the asker's internal API."""
        return await self.internal.send(
            HttpRequest(
                method="POST",
                url=f"{self.asker}/internal{path}",
                headers={"Authorization": f"Bearer {self.asker_key}", "Content-Type": "application/json"},
                body=json.dumps(body).encode(),
                max_bytes=64_000_000,
                timeout=60.0,
            )
        )

    async def token(self) -> tuple[str, str]:
        """Return an access token of the holder, and the id of the key it is bound to."""
        employee = {
            "@context": ["https://www.w3.org/2018/credentials/v1", "https://nuts.nl/credentials/v1"],
            "type": ["VerifiableCredential", "NutsEmployeeCredential"],
            "credentialSubject": {"identifier": "U-3001", "name": "P. Bakker", "roleName": "01.016"},
        }
        answer = await self.call(
            f"/auth/v2/{LINDE.key}/request-service-access-token",
            {
                "authorization_server": f"{self.holder}/oauth2/{HOFSTEDE.key}",
                "scope": MEDICATION,
                "credentials": [employee],
            },
        )
        assert answer.status == 200, answer.body
        token = json.loads(answer.body)
        return token["access_token"], token["dpop_kid"]

    async def fhir(self, token: tuple[str, str], method: str, target: str, *, form: str | None = None) -> HttpResponse:
        """Send one request to the holder's FHIR base, with a proof for exactly that request."""
        url = f"{self.holder}/fhir/{HOFSTEDE.key}/r4/{target}"
        proof = await self.call(
            f"/auth/v2/dpop/{quote(token[1], safe='')}",
            {"htm": method, "htu": url.partition("?")[0], "token": token[0]},
        )
        headers = {"Authorization": f"DPoP {token[0]}", "DPoP": json.loads(proof.body)["dpop"]}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if form is None else form.encode()
        return await self.network.send(
            HttpRequest(method=method, url=url, headers=headers, body=body, max_bytes=64_000_000, timeout=30.0)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What the two have in common, and what they are.

    Attributes:
        usecases: as in the configuration.
        services: discovery services of these, hosted by the holder.
        asker_type: facility type of the one who asks; and of the other.
        own_files: directory with use case files that are not shipped.
    """

    usecases: tuple[str, ...] = ("medication",)
    services: tuple[str, ...] = (MEDICATION,)
    asker_type: str = "V6"
    holder_type: str = "J8"
    own_files: Path | None = None


PHARMACY_AND_HOSPITAL = Pair()


@asynccontextmanager
async def two_nodes(
    folder: Path, fhir: str | Mapping[str, str], pair: Pair = PHARMACY_AND_HOSPITAL
) -> AsyncIterator[TwoNodes]:
    """Start a holder in front of ``fhir``, an R4 base or bases by version, and somebody who asks it."""
    bases = {"r4": fhir} if isinstance(fhir, str) else fhir
    certificates = await asyncio.to_thread(prepare_certificates, folder / "certificates", now=datetime.now(UTC))
    ports = FreePorts()
    public = {each.key: ports.take(19_443 + n) for n, each in enumerate((HOFSTEDE, LINDE))}
    internal = {each.key: ports.take(19_543 + n) for n, each in enumerate((HOFSTEDE, LINDE))}
    urls = {key: f"https://{key}.localhost:{port}" for key, port in public.items()}
    chain = CertificateChain.from_pem(certificates.organisations[HOFSTEDE.key].uzi_chain.read_bytes())
    root = chain.fingerprints("sha256")[-1]
    definitions = _with_further(
        write_definitions(folder / "definitions", host_url=urls[HOFSTEDE.key], uzi_root=root), pair.services
    )
    async with AsyncExitStack() as stack:
        stack.callback(ports.release)
        for organisation in (HOFSTEDE, LINDE):
            hosts = organisation is HOFSTEDE
            await _found(
                folder / organisation.key,
                organisation,
                certificates,
                _chosen(
                    organisation,
                    url=urls[organisation.key],
                    listen=f"127.0.0.1:{public[organisation.key]}",
                    internal=f"127.0.0.1:{internal[organisation.key]}",
                    root=root,
                    fhir=bases if hosts else {},
                    hosts=hosts,
                    pair=pair,
                ),
                definitions,
            )
            _take_part(folder / organisation.key / "hazel.yaml", pair)
            config = load_config(folder / organisation.key / "hazel.yaml")
            node = await stack.enter_async_context(open_node(config))
            await stack.enter_async_context(serve_node(node))
        asker = f"http://127.0.0.1:{internal[LINDE.key]}"
        keys = {key: (folder / key / "api.key").read_text(encoding="ascii").strip() for key in internal}
        running = TwoNodes(
            asker=asker,
            asker_key=keys[LINDE.key],
            holder=urls[HOFSTEDE.key],
            internal=await stack.enter_async_context(
                open_own_client([f"http://127.0.0.1:{port}" for port in internal.values()])
            ),
            network=await stack.enter_async_context(
                open_peer_client(loopback=True, ca_file=str(certificates.tls_root))
            ),
        )
        for key, port in internal.items():  # each decides on its own view, and they are renewed one after the other
            for service in pair.services:
                await _until_registered(running.internal, f"http://127.0.0.1:{port}", keys[key], service)
        yield running


async def _found(
    folder: Path,
    organisation: Organisation,
    certificates: RegionCertificates,
    chosen: Chosen,
    definitions: tuple[Path, ...],
) -> None:
    files = certificates.organisations[organisation.key]
    await found_node(
        folder,
        chosen,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        certificate=Certificate(chain=files.uzi_chain.read_bytes(), key=files.uzi_key.read_bytes()),
        files={
            "tls.pem": files.tls_chain.read_bytes(),
            "tls.key": files.tls_key.read_bytes(),
            "ca.pem": certificates.tls_root.read_bytes(),
        },
        definitions=definitions,
    )


def _chosen(
    organisation: Organisation,
    *,
    url: str,
    listen: str,
    internal: str,
    root: str,
    fhir: Mapping[str, str],
    hosts: bool,
    pair: Pair,
) -> Chosen:
    return Chosen(
        organisation={
            "name": organisation.name,
            "city": organisation.city,
            "ura": organisation.ura,
            "subject": organisation.key,
            "facility_type": pair.holder_type if hosts else pair.asker_type,
        },
        url=url,
        public={"address": listen, "tls_certificate": "tls.pem", "tls_key": "tls.key"},
        internal=internal,
        fhir=fhir,
        usecases=["medication"],
        join=pair.services,
        host=pair.services if hosts else [],
        ca_file="ca.pem",
        uzi=[root],
        refresh_ms=200,
        loopback=True,
    )


def _with_further(definitions: tuple[Path, ...], services: Iterable[str]) -> tuple[Path, ...]:
    """Write the definitions that are not there yet, alike but for the name of the service."""
    known = {file.stem: file for file in definitions}
    text = known[MEDICATION].read_text(encoding="utf-8")
    further = [known[MEDICATION].with_name(f"{each}.json") for each in services if each not in known]
    for file in further:
        file.write_text(text.replace(MEDICATION, file.stem), encoding="utf-8")
    return (*definitions, *further)


def _take_part(file: Path, pair: Pair) -> None:
    """Write the use cases into a configuration: a new node takes shipped ones only."""
    written = f"usecases: {json.dumps(pair.usecases)}\n"
    if pair.own_files is not None:
        written += f"usecase_directory: {json.dumps(str(pair.own_files))}\n"
    text = file.read_text(encoding="utf-8")
    assert 'usecases: ["medication"]\n' in text
    file.write_text(text.replace('usecases: ["medication"]\n', written), encoding="utf-8")


async def _until_registered(client: Client, internal: str, key: str, service: str) -> None:
    """Wait until this node knows both members."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await client.send(
                HttpRequest(
                    method="GET",
                    url=f"{internal}/internal/directory/v1/organisations?service={service}",
                    headers={"Authorization": f"Bearer {key}"},
                )
            )
            if len(json.loads(answer.body)["organisations"]) == 2:
                break
            await asyncio.sleep(0.05)
