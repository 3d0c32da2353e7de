"""Revocation lists and deny lists, good ones and every way to get one wrong."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from credentials.did.certificate_chain import ChainCertificate
from credentials.jws import sign_jws
from credentials.keys import KeyId, SoftwareKey
from tests.support.certificates import NOW, PrivateKeyType
from tests.support.keys import ed25519_private_key

DAY = timedelta(days=1)


def uri(url: str) -> x509.UniformResourceIdentifier:
    """An address as a general name."""
    return x509.UniformResourceIdentifier(url)


def points(*urls: str) -> tuple[x509.ExtensionType, bool]:
    """The extension that names where a revocation list is, one point per address."""
    return x509.CRLDistributionPoints([x509.DistributionPoint([uri(url)], None, None, None) for url in urls]), False


def scope(
    *urls: str,
    users: bool = False,
    authorities: bool = False,
    attributes: bool = False,
    indirect: bool = False,
    reasons: frozenset[x509.ReasonFlags] | None = None,
) -> tuple[x509.ExtensionType, bool]:
    """The extension by which a list says what it is about."""
    names = [uri(url) for url in urls] or None
    return (
        x509.IssuingDistributionPoint(names, None, users, authorities, reasons, indirect, attributes),
        True,
    )


def a_crl(
    issuer: x509.Name,
    key: PrivateKeyType,
    *,
    revoked: Iterable[int] = (),
    made: datetime = NOW - DAY,
    due: datetime = NOW + DAY,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """A revocation list in DER, made yesterday; the next one is due tomorrow."""
    entries = [
        x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(made).build() for serial in revoked
    ]
    builder = x509.CertificateRevocationListBuilder(issuer, made, due, [], entries)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    hashed = None if isinstance(key, ed25519.Ed25519PrivateKey) else algorithm or hashes.SHA256()
    made_list = builder.sign(key, hashed)  # type: ignore[arg-type]  # weak hashes are wanted in refusals
    return made_list.public_bytes(serialization.Encoding.DER)


DENIER = SoftwareKey(KeyId("did:web:community.example#deny"), ed25519_private_key("deny list"))
"""Signs deny lists."""


def a_deny_list(entries: object, *, key: SoftwareKey = DENIER) -> str:
    """A deny list with these entries, as it is published."""
    return sign_jws({"kid": None}, json.dumps(entries).encode(), key)


def denied(certificate: ChainCertificate, issuer_name: str, /, **changes: str) -> dict[str, str]:
    """The entry that bars a certificate."""
    entry = {
        "issuer": issuer_name,
        "serialnumber": str(certificate.certificate.serial_number),
        "jwkthumbprint": certificate.key.thumbprint(),
        "reason": "key was found on the street",
    }
    return entry | changes
