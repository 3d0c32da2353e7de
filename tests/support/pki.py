"""A CA with a website: chains that name its revocation list, and the list as it is at the moment."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from credentials.did.certificate_chain import CertificateChain
from credentials.encoding import b64url_encode
from credentials.keys import KeyId, SoftwareKey
from credentials.vc.credential import SignedCredential
from credentials.vc.issue import issue_x509_credential
from node.ports import HttpRequest, HttpResponse
from tests.support.certificates import (
    CA_EXTENSIONS,
    a_certificate,
    a_name,
    leaf_extensions,
    other_name,
    uzi_number,
    x5c_of,
)
from tests.support.keys import a_did, ec_private_key
from tests.support.revocation import DAY, a_crl, points
from tests.support.world import ManualClock, SimulatedInternet, reply


class PublishingCa:
    """A root that issues leaves and publishes who of them was revoked, at ``http://crl.<name>.example/list.crl``.

    Attributes:
        revoked: serial numbers on its list.
        lifetime: of a list.
        headers: sent along with the list.
        list: what is answered instead of a list made now.
    """

    def __init__(self, internet: SimulatedInternet, clock: ManualClock, name: str = "ca") -> None:
        self.origin = f"http://crl.{name}.example"
        self.url = f"{self.origin}/list.crl"
        self.revoked: set[int] = set()
        self.lifetime = DAY
        self.headers: dict[str, str] = {}
        self.list: bytes | None = None
        self._clock = clock
        self._name = a_name(CN=name)
        self._key = ec_private_key(name)
        self.certificate = a_certificate(
            subject=self._name, key=self._key, issuer=self._name, issuer_key=self._key, extensions=CA_EXTENSIONS
        )
        internet.sites[self.origin] = self._site

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its certificate."""
        return b64url_encode(self.certificate.fingerprint(hashes.SHA256()))

    def chain(self, serial: int = 1, *, urls: Iterable[str] | None = None, key: Any = None) -> CertificateChain:
        """The chain of an organisation; with another ``key`` its certificate was signed by somebody else."""
        named = (self.url,) if urls is None else tuple(urls)
        leaf = a_certificate(
            subject=a_name(C="NL", O=f"Organisation {serial}", L="Gouda", CN=f"leaf {serial}"),
            key=ec_private_key("leaf"),
            issuer=self._name,
            issuer_key=key or self._key,
            extensions=[
                *leaf_extensions(x509.DNSName("x"), other_name(uzi_number("00001111"))),
                *([points(*named)] if named else []),
            ],
            serial=serial,
        )
        return CertificateChain.parse(x5c_of([leaf, self.certificate]))

    def credential(self, serial: int = 1) -> SignedCredential:
        """The X509Credential of an organisation, of the holder called ``oever``."""
        return SignedCredential.parse(
            issue_x509_credential(
                chain=self.chain(serial),
                key=SoftwareKey(KeyId("did:web:oever.example#certificate"), ec_private_key("leaf")),
                subject_id=a_did("oever"),
                credential_id=f"00000000-0000-4000-8000-{serial:012}",
                now=self._clock.now(),
            )
        )

    def made_at(self, made: datetime, *, due: timedelta | None = None) -> bytes:
        """Its list as it was at some moment."""
        return a_crl(self._name, self._key, revoked=self.revoked, made=made, due=made + (due or self.lifetime))

    async def _site(self, _request: HttpRequest) -> HttpResponse:
        body = self.made_at(self._clock.now().replace(microsecond=0)) if self.list is None else self.list
        return reply(body, status=200, content_type="application/pkix-crl", **self.headers)
