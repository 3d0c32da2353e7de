"""Both nodes up, each with its organisations, a certificate's credential and a record system; and down again.

The organisations and their records are two of the demo region: De Gouwe has Hazel, the pharmacy Hofstede a nuts-node.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from credentials.did.identifier import DID
from credentials.vc.issue import issue_x509_credential
from examples.region.free_ports import FreePorts
from examples.region.organisations import GOUWE, HOFSTEDE, Organisation
from node.version import VERSION
from node.web.client import Client, open_own_client, open_peer_client
from tests.interop.agreements import AT_HAZEL, AT_HAZEL_LDP, AT_NUTS, AT_NUTS_LDP, X509, Agreements
from tests.interop.authority import HOST, TlsFiles, make_tls
from tests.interop.certificates import serve_revocations
from tests.interop.hazel_node import run_hazel_node
from tests.interop.nuts_node import NutsNodePorts, knows_providers, run_nuts_node
from tests.interop.records import run_records
from tests.interop.resource_proxy import run_resource_proxy
from tests.interop.seat import Seat
from tests.interop.vendor import Vendor
from tests.support.certificates import Uzi, a_uzi_chain
from tests.support.foreign_node.dialect import MASTER
from tests.support.foreign_node.node import ForeignNode
from tests.support.foreign_node.serving import serving

HAZEL, NUTS_NODE = "Hazel", "nuts-node"
ISSUER = "keurmerk"
_FIRST_PORT = 21_443
_PORTS = (
    "nuts",
    "nuts plain",
    "nuts internal",
    "nuts events",
    "hazel",
    "hazel internal",
    "ours",
    "theirs",
    "proxy",
    "revocations",
    "crowd",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Both sides."""

    hazel: Seat
    nuts: Seat


@asynccontextmanager
async def open_world(binary: Path, folder: Path) -> AsyncIterator[World]:
    """Start both nodes with everything in ``folder``, which must be empty.

    Raises:
        StartError: one of them did not start.
        UnexpectedReplyError: an organisation could not be made.
    """
    async with AsyncExitStack() as stack:
        claimed = FreePorts()
        stack.callback(claimed.release)
        ports = {name: claimed.take(_FIRST_PORT + number) for number, name in enumerate(_PORTS)}
        tls = make_tls(folder / "tls", now=datetime.now(UTC))
        own = await stack.enter_async_context(
            open_own_client([f"http://127.0.0.1:{ports[name]}" for name in _PORTS if name not in ("nuts", "hazel")])
        )
        network = await stack.enter_async_context(open_peer_client(loopback=True, ca_file=str(tls.authority)))
        revocations = await stack.enter_async_context(serve_revocations(ports["revocations"]))
        crowd = ForeignNode(
            base=f"https://{HOST}:{ports['crowd']}", dialect=MASTER, network=network, now=lambda: datetime.now(UTC)
        )
        await stack.enter_async_context(serving(crowd, ports["crowd"], certificate=tls.certificate, key=tls.key))
        start = _Start(
            folder=folder,
            ports=ports,
            tls=tls,
            own=own,
            network=network,
            revocations=revocations,
            crowd=crowd,
            stack=stack,
        )
        definitions = start.agreed.write_services(folder / "discovery")
        providers = await knows_providers(binary)
        start.agreed.write_policy(folder / "policy", providers=providers)
        usecases = start.agreed.write_usecases(folder / "usecases")
        hazel = await start.hazel(usecases, definitions)
        yield World(hazel=hazel, nuts=await start.nuts_node(binary, providers=providers))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Starts one side after the other; everything ends with ``stack``."""

    folder: Path
    ports: Mapping[str, int]
    tls: TlsFiles
    own: Client
    network: Client
    revocations: str
    crowd: ForeignNode
    stack: AsyncExitStack

    @property
    def agreed(self) -> Agreements:
        root = _certificate(GOUWE).chain.fingerprints("sha256")[-1]
        return Agreements(uzi_root=root, hazel=self._url("hazel"), nuts=self._url("nuts"))

    async def hazel(self, usecases: tuple[str, ...], definitions: tuple[Path, ...]) -> Seat:
        """Start Hazel and the records behind it."""
        records = await self._records(GOUWE, "ours")
        node = await self.stack.enter_async_context(
            run_hazel_node(
                self.folder / "hazel",
                organisation={**_described(GOUWE), "subject": GOUWE.key},
                url=self._url("hazel"),
                ports=(self.ports["hazel"], self.ports["hazel internal"]),
                tls=self.tls,
                uzi=_certificate(GOUWE),
                usecases=(self.folder / "usecases", usecases),
                definitions=definitions,
                hosts=[AT_HAZEL, AT_HAZEL_LDP],
                records=records,
                client=self.own,
            )
        )
        vendor = Vendor(internal=node.internal, client=self.own, api_key=node.api_key)
        return Seat(
            name=HAZEL,
            vendor=vendor,
            public=self._url("hazel"),
            hosted=AT_HAZEL,
            hosted_ldp=AT_HAZEL_LDP,
            version=VERSION,
            holder=GOUWE.key,
            did=(await vendor.dids(GOUWE.key))[0],
            issuer=ISSUER,
            issuer_did=await vendor.create_subject(ISSUER),
            organisation=_described(GOUWE),
            fhir=f"{self._url('hazel')}/fhir/{GOUWE.key}/r4",
            network=self.network,
            revocations=self.revocations,
            crowd=self.crowd,
        )

    async def nuts_node(self, binary: Path, *, providers: bool) -> Seat:
        """Start the nuts-node, its vendor's proxy and the records behind that."""
        records = await self._records(HOFSTEDE, "theirs")
        node = await self.stack.enter_async_context(
            run_nuts_node(
                binary,
                self.folder / "nuts",
                providers=providers,
                url=self._url("nuts"),
                ports=NutsNodePorts(
                    front=self.ports["nuts"],
                    public=self.ports["nuts plain"],
                    internal=self.ports["nuts internal"],
                    events=self.ports["nuts events"],
                ),
                tls=self.tls,
                policy=self.folder / "policy",
                definitions=self.folder / "discovery",
                hosts=[AT_NUTS, AT_NUTS_LDP],
                client=self.own,
            )
        )
        vendor = Vendor(internal=node.internal, client=self.own)
        fhir = await self.stack.enter_async_context(
            run_resource_proxy(
                self.ports["proxy"], self.tls, vendor=vendor, records=records, client=self.own, scope=X509
            )
        )
        did = await vendor.create_subject(HOFSTEDE.key)
        await vendor.load(HOFSTEDE.key, _certified(did, _certificate(HOFSTEDE)))
        return Seat(
            name=NUTS_NODE,
            vendor=vendor,
            public=self._url("nuts"),
            hosted=AT_NUTS,
            hosted_ldp=AT_NUTS_LDP,
            version=node.version,
            holder=HOFSTEDE.key,
            did=did,
            issuer=ISSUER,
            issuer_did=await vendor.create_subject(ISSUER),
            organisation=_described(HOFSTEDE),
            fhir=fhir,
            network=self.network,
            revocations=self.revocations,
            crowd=self.crowd,
        )

    async def _records(self, organisation: Organisation, port: str) -> str:
        folder = self.folder / f"records-{organisation.key}"
        return await self.stack.enter_async_context(
            run_records(organisation.key, folder, port=self.ports[port], client=self.own)
        )

    def _url(self, port: str) -> str:
        return f"https://{HOST}:{self.ports[port]}"


def _certified(did: str, uzi: Uzi) -> str:
    """Make the credential of a certificate; beside a nuts-node the owner's own software does this."""
    return issue_x509_credential(
        chain=uzi.chain, key=uzi.key, subject_id=DID(did), credential_id=str(uuid4()), now=datetime.now(UTC)
    )


def _described(organisation: Organisation) -> dict[str, str]:
    return {
        "name": organisation.name,
        "city": organisation.city,
        "ura": organisation.ura,
        "facility_type": organisation.facility_type or "X",
    }


def _certificate(organisation: Organisation) -> Uzi:
    return a_uzi_chain(organisation.key, ura=organisation.ura, organization=organisation.name, city=organisation.city)
