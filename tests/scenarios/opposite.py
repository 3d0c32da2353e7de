"""A Hazel node in a process of its own opposite foreign nodes of both dialects, all over TLS on loopback.

The organisations are those of ``make interop``: De Gouwe has Hazel, the pharmacy Hofstede is on the foreign side. So are the scopes and
the discovery services: each can be asked in both directions.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from credentials.did.identifier import DID
from credentials.vc.issue import issue_x509_credential
from examples.region.free_ports import FreePorts
from examples.region.organisations import GOUWE, HOFSTEDE, Organisation
from node.ports import HttpRequest
from node.web.client import Client, open_own_client, open_peer_client
from tests.interop.agreements import AT_HAZEL, AT_HAZEL_LDP, AT_NUTS, AT_NUTS_LDP, Agreements
from tests.interop.authority import HOST, make_tls
from tests.interop.hazel_node import run_hazel_node
from tests.interop.records import run_records
from tests.interop.vendor import Vendor
from tests.support.certificates import Uzi, a_uzi_chain
from tests.support.foreign_node.dialect import MASTER, RELEASE, Dialect
from tests.support.foreign_node.hosting import Host
from tests.support.foreign_node.issuing import jwt_credential, ldp_credential
from tests.support.foreign_node.node import ForeignNode
from tests.support.foreign_node.serving import serving
from tests.support.foreign_node.tenant import Tenant

ISSUER = "keurmerk"
ORGANIZATION: Mapping[str, Any] = {"organization": {"name": HOFSTEDE.name, "city": HOFSTEDE.city}}
"""What the foreign issuer says of the foreign organisation."""

_FIRST_PORT = 23_443
_FIRST_URA = 90_100_000
_PORTS = ("hazel", "hazel internal", "records", RELEASE.name, MASTER.name)
_MAX_VALIDITY = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposite:
    """Both sides.

    Attributes:
        vendor: calls Hazel's internal API.
        server: issuer URL of De Gouwe at Hazel; ``fhir`` its FHIR base as peers reach it, ``did`` its DID.
        foreign: the foreign nodes, by the name of their dialect; on each, ``hofstede`` holds and ``keurmerk`` issues.
        network: reaches any of them as a peer does.
        agreed: what both sides take part in.
        log: what Hazel logged.
    """

    vendor: Vendor
    public: str
    did: str
    foreign: Mapping[str, ForeignNode]
    network: Client
    agreed: Agreements
    log: Path

    @property
    def server(self) -> str:
        return f"{self.public}/oauth2/{GOUWE.key}"

    @property
    def fhir(self) -> str:
        return f"{self.public}/fhir/{GOUWE.key}/r4"

    async def repost(self, url: str, presentation: str) -> int:
        """Post a presentation that somebody kept to a discovery service; return the status."""
        headers = {"Content-Type": "application/json"}
        body = json.dumps(presentation).encode()
        return (await self.network.send(HttpRequest(method="POST", url=url, headers=headers, body=body))).status

    def newcomer(self, dialect: Dialect) -> tuple[ForeignNode, Tenant]:
        """A foreign organisation that nobody has seen before, with a number and an issuer of its own, and its credentials."""
        node = self.foreign[dialect.name]
        name = uuid4().hex[:8]
        issuer, tenant = node.found(f"issuer-{name}"), node.found(name)
        equip(node, tenant, issuer, ura=f"{_FIRST_URA + len(node.tenants):08}")
        return node, tenant


def equip(node: ForeignNode, tenant: Tenant, issuer: Tenant, *, ura: str = HOFSTEDE.ura) -> None:
    """Put a JWT and a JSON-LD credential of ``issuer``, and the one of a certificate, in the wallet of a tenant."""
    now, entries = node.now(), node.lists[issuer.did]
    uzi = _certificate(HOFSTEDE, ura)
    tenant.wallet += [
        jwt_credential(node.dialect, issuer, tenant.did, ORGANIZATION, now, status=entries.entry()),
        ldp_credential(issuer, tenant.did, ORGANIZATION, now, status=entries.entry()),
        issue_x509_credential(
            chain=uzi.chain, key=uzi.key, subject_id=DID(tenant.did), credential_id=str(uuid4()), now=now
        ),
    ]


@asynccontextmanager
async def open_opposite(folder: Path) -> AsyncIterator[Opposite]:
    """Start everything in ``folder``; leaving the block stops it.

    Raises:
        StartError: Hazel did not start.
    """
    async with AsyncExitStack() as stack:
        claimed = FreePorts()
        stack.callback(claimed.release)
        ports = {name: claimed.take(_FIRST_PORT + number) for number, name in enumerate(_PORTS)}
        url = {name: f"https://{HOST}:{port}" for name, port in ports.items()}
        tls = make_tls(folder / "tls", now=datetime.now(UTC))
        own = await stack.enter_async_context(
            open_own_client([f"http://127.0.0.1:{ports[name]}" for name in ("hazel internal", "records")])
        )
        network = await stack.enter_async_context(open_peer_client(loopback=True, ca_file=str(tls.authority)))
        uzi = _certificate(GOUWE)
        root = uzi.chain.fingerprints("sha256")[-1]
        agreed = Agreements(uzi_root=root, hazel=url["hazel"], nuts=url[RELEASE.name])
        foreign = {}
        for dialect in (RELEASE, MASTER):
            node = ForeignNode(
                base=url[dialect.name],
                dialect=dialect,
                network=network,
                now=lambda: datetime.now(UTC),
                definitions=agreed.scopes,
            )
            equip(node, node.found(HOFSTEDE.key), node.found(ISSUER))
            for service in (AT_NUTS, AT_NUTS_LDP) if dialect is RELEASE else ():
                node.hosts[service] = Host(service=service, max_validity=_MAX_VALIDITY, now=node.now)
            foreign[dialect.name] = await stack.enter_async_context(
                serving(node, ports[dialect.name], certificate=tls.certificate, key=tls.key)
            )
        records = await stack.enter_async_context(
            run_records(GOUWE.key, folder / "records", port=ports["records"], client=own)
        )
        definitions = agreed.write_services(folder / "discovery")
        hazel = await stack.enter_async_context(
            run_hazel_node(
                folder / "hazel",
                organisation={
                    "name": GOUWE.name,
                    "city": GOUWE.city,
                    "ura": GOUWE.ura,
                    "facility_type": GOUWE.facility_type or "X",
                    "subject": GOUWE.key,
                },
                url=url["hazel"],
                ports=(ports["hazel"], ports["hazel internal"]),
                tls=tls,
                uzi=uzi,
                usecases=(folder / "usecases", agreed.write_usecases(folder / "usecases")),
                definitions=definitions,
                hosts=[AT_HAZEL, AT_HAZEL_LDP],
                records=records,
                client=own,
            )
        )
        vendor = Vendor(internal=hazel.internal, client=own, api_key=hazel.api_key)
        did = (await vendor.dids(GOUWE.key))[0]
        about_us = {"organization": {"name": GOUWE.name, "city": GOUWE.city}}
        issuing = foreign[MASTER.name]
        made = issuing.tenants[ISSUER]
        for credential in (
            jwt_credential(MASTER, made, did, about_us, issuing.now(), status=issuing.lists[made.did].entry()),
            ldp_credential(made, did, about_us, issuing.now(), status=issuing.lists[made.did].entry()),
        ):
            await vendor.load(GOUWE.key, credential)
        yield Opposite(
            vendor=vendor,
            public=url["hazel"],
            did=did,
            foreign=foreign,
            network=network,
            agreed=agreed,
            log=folder / "hazel" / "hazel.log",
        )


def _certificate(organisation: Organisation, ura: str | None = None) -> Uzi:
    return a_uzi_chain(
        organisation.key,
        ura=ura or organisation.ura,
        organization=organisation.name,
        city=organisation.city,
    )
