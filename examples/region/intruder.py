"""The intruder: an organisation of the right shape in everything, but under a root of its own.

It has a certificate with a name and a number, a did:web that it publishes under TLS (anybody can get a web certificate), and it asks
for a token exactly as the rules say. Only the root that vouches for it is nobody's. Give it a certificate of the region instead
(``certificates``) and it is let in: that is the proof that the root, and nothing else, kept it out.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from aiohttp import web

from credentials.did.certificate_chain import CertificateChain
from credentials.did.did_web import web_did
from credentials.did.document import build_document
from credentials.did.identifier import DID
from credentials.encoding import b64url_encode
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.issue import issue_x509_credential, self_attested
from credentials.vc.present import present_jwt
from examples.region.certificates import OrganisationCertificates
from examples.region.network import INTRUDER_PORT, Region
from examples.region.organisations import INTRUDER
from examples.region.peer import FORM, NUTS_CONTEXT
from examples.region.running_node import RunningNode
from node.oauth.dpop import make_proof
from node.ports import HttpRequest
from node.web.client import Client

LIFETIME = timedelta(seconds=5)
"""As long as a presentation may last, from a second before now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """What a token endpoint said.

    Attributes:
        error: OAuth code, ``description`` its sentence; empty when a token was given.
        ms: how long it took.
    """

    status: int
    error: str
    description: str
    has_token: bool
    ms: int


@dataclass(slots=True, kw_only=True)
class Intruder:
    """An open intruder.

    Attributes:
        times_fetched: how often somebody fetched its DID document.
    """

    did: DID
    issuer: str
    certificates: OrganisationCertificates
    network: Client
    key: SoftwareKey = field(repr=False)
    times_fetched: int = 0

    async def ask_token(self, holder: RunningNode, scope: str) -> TokenAnswer:
        """Ask ``holder`` for a token, with everything that its own metadata and presentation definition demand."""
        metadata = await self._get(f"{holder.public}/.well-known/oauth-authorization-server/oauth2/{holder.key}")
        definition = await self._get(f"{metadata['presentation_definition_endpoint']}?scope={quote(scope)}")
        endpoint = str(metadata["token_endpoint"])
        now = datetime.now(UTC)
        form = {
            "grant_type": "vp_token-bearer",
            "client_id": self.issuer,
            "scope": scope,
            "assertion": self._presentation(str(metadata["issuer"]), now),
            "presentation_submission": json.dumps(_submission(definition)),
        }
        proof = make_proof(self.key, method="POST", url=endpoint, access_token=None, jti=str(uuid4()), now=now)
        clock = asyncio.get_running_loop()
        began = clock.time()
        answer = await self.network.send(
            HttpRequest(
                method="POST",
                url=endpoint,
                headers={"Content-Type": FORM, "Accept": "application/json", "DPoP": proof},
                body=urlencode(form).encode(),
            )
        )
        said = json.loads(answer.body)
        return TokenAnswer(
            status=answer.status,
            error=str(said.get("error", "")),
            description=str(said.get("error_description", "")),
            has_token="access_token" in said,
            ms=round((clock.time() - began) * 1000),
        )

    def _presentation(self, audience: str, now: datetime) -> str:
        """Present an X509Credential and a user, signed with its own key."""
        certificate_key = SoftwareKey.from_pem(
            self.certificates.uzi_key.read_bytes(), KeyId(f"{self.did}#certificate"), alg="PS256"
        )
        organisation = issue_x509_credential(
            chain=CertificateChain.from_pem(self.certificates.uzi_chain.read_bytes()),
            key=certificate_key,
            subject_id=self.did,
            credential_id=str(uuid4()),
            now=now,
        )
        user = self_attested(
            holder=self.did,
            types=("NutsEmployeeCredential",),
            subject={"identifier": "1", "name": "D. Dief", "roleName": "01.015"},
            credential_id=str(uuid4()),
            now=now,
            contexts=(NUTS_CONTEXT,),
        )
        return present_jwt(
            holder=self.did,
            key=self.key,
            audience=audience,
            credentials=[organisation, user],
            nonce=b64url_encode(token_bytes(32)),
            presentation_id=f"{self.did}#{uuid4()}",
            now=now,
            lifetime=LIFETIME,
        )

    async def _get(self, url: str) -> dict[str, Any]:
        answer = await self.network.send(HttpRequest(method="GET", url=url, headers={"Accept": "application/json"}))
        found: dict[str, Any] = json.loads(answer.body)
        return found


@asynccontextmanager
async def open_intruder(region: Region, certificates: OrganisationCertificates) -> AsyncIterator[Intruder]:
    """Open the intruder on a port of its own; its DID document is served under TLS until the block is left.

    Args:
        region: for a free port and the way to the nodes.
        certificates: what vouches for it: its own, or, to see the difference, an organisation's.
    """
    port = region.ports.take(INTRUDER_PORT)
    public = f"https://{INTRUDER.host}:{port}"
    name = str(uuid4())
    did = web_did(public, name)
    key = SoftwareKey.generate(KeyId(f"{did}#0"))
    intruder = Intruder(
        did=did,
        issuer=f"{public}/oauth2/{INTRUDER.key}",
        certificates=certificates,
        network=region.peers,
        key=key,
    )

    async def get_document(_request: web.Request) -> web.Response:
        intruder.times_fetched += 1
        return web.json_response(build_document(did, [(key.kid, key.public)]))

    app = web.Application()
    app.router.add_get(f"/iam/{name}/did.json", get_document)
    own = region.certificates.organisations[INTRUDER.key]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own.tls_chain, own.tls_key)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield intruder
    finally:
        await runner.cleanup()


def _submission(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say which credential answers which descriptor: the organisation's the first, the user's the second."""
    formats = ("jwt_vc", "ldp_vc")
    return {
        "id": str(uuid4()),
        "definition_id": definition["id"],
        "descriptor_map": [
            {"id": descriptor["id"], "format": formats[number], "path": f"$.verifiableCredential[{number}]"}
            for number, descriptor in enumerate(definition["input_descriptors"])
        ],
    }
