"""Steps about the certificates behind an X509Credential: their authority publishes which it has revoked.

The list is served over plain HTTP, as certificate authorities do.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from credentials.did.certificate_chain import CertificateChain
from credentials.did.did_x509 import x509_did
from credentials.did.identifier import DID
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.issue import issue_x509_credential
from tests.interop.agreements import X509
from tests.interop.authority import HOST
from tests.interop.seat import Seat
from tests.interop.step import Step, expect, require
from tests.interop.tokens import EMPLOYEE
from tests.support.certificates import (
    a_certificate,
    a_name,
    a_uzi_chain,
    leaf_extensions,
    other_name,
    uzi_number,
    x5c_of,
)
from tests.support.keys import rsa_private_key

_CHAPTER = "Certificates that are revoked"
_CA = "Test UZI issuing CA"
_GOOD, _REVOKED = 1_001, 1_002
"""Serial numbers of the two certificates."""


@asynccontextmanager
async def serve_revocations(port: int) -> AsyncIterator[str]:
    """Serve the list of the authority that vouches for both organisations, and yield its URL."""
    body = _revocations(datetime.now(UTC))

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/pkix-crl")

    app = web.Application()
    app.router.add_get("/uzi.crl", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://{HOST}:{port}/uzi.crl"
    finally:
        await runner.cleanup()


def _revocations(now: datetime) -> bytes:
    revoked = x509.RevokedCertificateBuilder().serial_number(_REVOKED).revocation_date(now - timedelta(hours=1)).build()
    authority_key = rsa_private_key(_CA)
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(a_uzi_chain().certificates[1].subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=1))
        .add_revoked_certificate(revoked)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


def _credential(did: str, serial: int, seat: Seat) -> str:
    """Make the credential of a certificate that says where revocations are published."""
    _, authority, root = a_uzi_chain().certificates
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    published = x509.DistributionPoint([x509.UniformResourceIdentifier(seat.revocations)], None, None, None)
    leaf = a_certificate(
        subject=a_name(C="NL", O=seat.organisation["name"], L=seat.organisation["city"], CN=HOST),
        key=key,
        issuer=authority.subject,
        issuer_key=rsa_private_key(_CA),
        extensions=[
            *leaf_extensions(other_name(uzi_number(seat.organisation["ura"], number=serial))),
            (x509.CRLDistributionPoints([published]), False),
        ],
        serial=serial,
    )
    chain = CertificateChain.parse(x5c_of((leaf, authority, root)))
    return issue_x509_credential(
        chain=chain,
        key=SoftwareKey(KeyId(f"{x509_did(chain)}#0"), key),
        subject_id=DID(did),
        credential_id=str(uuid4()),
        now=datetime.now(UTC),
    )


async def is_good(acting: Seat, other: Seat) -> str:
    """A certificate that is not on the list earns a token."""
    name = "certified"
    did = await acting.vendor.create_subject(name)
    await acting.vendor.load(name, _credential(did, _GOOD, acting))
    reply = await acting.vendor.request_token(name, other.server, X509, credentials=[EMPLOYEE])
    require(f"there is a token ({reply.words})", holds=reply.status == 200)
    return "token"


async def is_revoked(acting: Seat, other: Seat) -> str:
    """One that is on the list is no good to the other."""
    did = await acting.vendor.create_subject("revoked")
    valid, why = await other.vendor.verify_credential(_credential(did, _REVOKED, acting))
    expect("whether the other finds it valid", valid, wanted=False)
    return why


STEPS = (
    Step(
        id="x509-listed", chapter=_CHAPTER, title="gets a token with a certificate whose authority publishes revocations",
        run=is_good, needs=("token-x509-bearer",),
    ),
    Step(
        id="x509-revoked", chapter=_CHAPTER, title="holds a credential of a revoked certificate, which the other refuses",
        run=is_revoked, needs=("x509-listed",),
    ),
)  # fmt: skip
