"""Many organisations that register, each under a did:web of its own, served under TLS from inside the test."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from aiohttp import web

from credentials.did.certificate_chain import CertificateChain
from credentials.did.did_web import web_did
from credentials.did.document import build_document
from credentials.encoding import b64url_encode
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.credential import SignedCredential
from credentials.vc.issue import issue_x509_credential
from examples.region.certificates import RegionCertificates
from examples.region.free_ports import FreePorts
from examples.region.organisations import GOUWE, INTRUDER
from registry.ports import Registrant
from registry.registration import FreshValues, RegistrationMessage, build_registration
from registry.service import ServiceDefinition

PORT = 12_449


@dataclass(frozen=True, slots=True)
class Registrants:
    """Registrations that are ready to be posted, each of another organisation."""

    messages: Sequence[RegistrationMessage] = field(repr=False)


@asynccontextmanager
async def open_registrants(
    count: int, service: ServiceDefinition, certificates: RegionCertificates, ports: FreePorts
) -> AsyncIterator[Registrants]:
    """Make ``count`` registrations for ``service``; the identifiers are published until the block is left."""
    port = ports.take(PORT)
    key = SoftwareKey.generate(KeyId("did:web:unnamed#0"))
    vouching = certificates.organisations[GOUWE.key]
    certificate_key = SoftwareKey.from_pem(vouching.uzi_key.read_bytes(), KeyId("did:web:unnamed#c"), alg="PS256")
    chain = CertificateChain.from_pem(vouching.uzi_chain.read_bytes())
    names = [str(uuid4()) for _ in range(count)]

    async def get_document(request: web.Request) -> web.Response:
        did = web_did(f"https://{INTRUDER.host}:{port}", request.match_info["name"])
        return web.json_response(build_document(did, [(KeyId(f"{did}#0"), key.public)]))

    def message(name: str) -> RegistrationMessage:
        did = web_did(f"https://{INTRUDER.host}:{port}", name)
        own = SoftwareKey.from_pem(key.to_pem(), KeyId(f"{did}#0"))
        certified = issue_x509_credential(
            chain=chain,
            key=certificate_key,
            subject_id=did,
            credential_id=str(uuid4()),
            now=datetime.now(UTC),
        )
        registrant = Registrant(
            did=did,
            key=own,
            credentials=(SignedCredential.parse(certified),),
            authorization_server=f"https://{INTRUDER.host}:{port}/oauth2/{name}",
        )
        fresh = FreshValues(
            presentation_uuid=str(uuid4()),
            credential_uuid=str(uuid4()),
            nonce=b64url_encode(uuid4().bytes),
        )
        return build_registration(service, registrant, {}, datetime.now(UTC), fresh)

    app = web.Application()
    app.router.add_get("/iam/{name}/did.json", get_document)
    tls = certificates.organisations[INTRUDER.key]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.tls_chain, tls.tls_key)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield Registrants([message(name) for name in names])
    finally:
        await runner.cleanup()
