"""Both nodes up, each with two organisations, a certificate's credential and what they agreed on; and down again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from credentials.did.identifier import DID
from credentials.vc.issue import issue_x509_credential
from examples.region.free_ports import FreePorts
from node.version import VERSION
from node.web.client import open_own_client
from tests.interop.agreements import AT_HAZEL, AT_NUTS, Agreements
from tests.interop.authority import HOST, make_tls
from tests.interop.hazel_node import run_hazel_node
from tests.interop.nuts_node import NutsNodePorts, run_nuts_node
from tests.interop.seat import Seat
from tests.interop.vendor import Vendor
from tests.support.certificates import Uzi, a_uzi_chain

HAZEL, NUTS_NODE = "Hazel", "nuts-node"
_FIRST_PORT = 21_443
_OEVER = {"name": "Huisartsenpraktijk De Oever", "city": "Gouda", "ura": "90000001", "subject": "oever"}
_GOUWE = {"name": "Ziekenhuis De Gouwe", "city": "Waddinxveen", "ura": "90000002", "subject": "gouwe"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Both sides and their versions."""

    hazel: Seat
    nuts: Seat
    hazel_version: str
    nuts_version: str


@asynccontextmanager
async def open_world(binary: Path, folder: Path) -> AsyncIterator[World]:
    """Start both nodes with everything in ``folder``, which must be empty.

    Raises:
        StartError: one of them did not start.
        UnexpectedReplyError: an organisation could not be made.
    """
    async with AsyncExitStack() as stack:
        ports = FreePorts()
        stack.callback(ports.release)
        front, plain, nuts_internal, events, public, internal = (ports.take(_FIRST_PORT + n) for n in range(6))
        hazel_url, nuts_url = f"https://{HOST}:{public}", f"https://{HOST}:{front}"
        tls = make_tls(folder / "tls", now=datetime.now(UTC))
        uzi = {each["subject"]: _certificate(each) for each in (_OEVER, _GOUWE)}
        root = uzi["oever"].chain.fingerprints("sha256")[-1]
        agreed = Agreements(uzi_root=root, hazel=hazel_url, nuts=nuts_url)
        definitions = agreed.write_services(folder / "discovery")
        agreed.write_policy(folder / "policy")
        usecases = agreed.write_usecases(folder / "usecases")
        client = await stack.enter_async_context(
            open_own_client([f"http://127.0.0.1:{nuts_internal}", f"http://127.0.0.1:{internal}"])
        )
        hazel = await stack.enter_async_context(
            run_hazel_node(
                folder / "hazel",
                organisation=_OEVER | {"facility_type": "Z3"},
                url=hazel_url,
                ports=(public, internal),
                tls=tls,
                uzi=uzi["oever"],
                usecases=(folder / "usecases", usecases),
                definitions=definitions,
                hosts=[AT_HAZEL],
                client=client,
            )
        )
        nuts = await stack.enter_async_context(
            run_nuts_node(
                binary,
                folder / "nuts",
                url=nuts_url,
                ports=NutsNodePorts(front=front, public=plain, internal=nuts_internal, events=events),
                tls=tls,
                policy=folder / "policy",
                definitions=folder / "discovery",
                hosts=[AT_NUTS],
                client=client,
            )
        )
        hazel_vendor = Vendor(internal=hazel.internal, client=client, api_key=hazel.api_key)
        nuts_vendor = Vendor(internal=nuts.internal, client=client)
        yield World(
            hazel=Seat(
                name=HAZEL,
                vendor=hazel_vendor,
                public=hazel_url,
                hosted=AT_HAZEL,
                holder="oever",
                did=(await hazel_vendor.dids("oever"))[0],
                issuer="keurmerk",
                issuer_did=await hazel_vendor.create_subject("keurmerk"),
                organisation=_OEVER,
            ),
            nuts=await _nuts_seat(nuts_vendor, nuts_url),
            hazel_version=VERSION,
            nuts_version=nuts.version,
        )


async def _nuts_seat(vendor: Vendor, url: str) -> Seat:
    """Make the organisations of the nuts-node; the certificate's credential is made by its owner's software, as in life."""
    did = await vendor.create_subject("gouwe")
    issuer_did = await vendor.create_subject("keurmerk")
    uzi = _certificate(_GOUWE)
    credential = issue_x509_credential(
        chain=uzi.chain, key=uzi.key, subject_id=DID(did), credential_id=str(uuid4()), now=datetime.now(UTC)
    )
    await vendor.load("gouwe", credential)
    return Seat(
        name=NUTS_NODE,
        vendor=vendor,
        public=url,
        hosted=AT_NUTS,
        holder="gouwe",
        did=did,
        issuer="keurmerk",
        issuer_did=issuer_did,
        organisation=_GOUWE,
    )


def _certificate(organisation: dict[str, str]) -> Uzi:
    return a_uzi_chain(
        organisation["subject"], ura=organisation["ura"], organization=organisation["name"], city=organisation["city"]
    )
