"""Throw-away certificates of one run: a TLS authority, and a certificate for ``localhost``.

``localhost`` is the one name for this machine that every resolver knows, a foreign program's too (names under ``.localhost`` are not),
so both nodes are called that and differ by port: nothing on the machine has to be changed. A nuts-node gets the authority as its
system's certificate file.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.keys.file_vault import write_private
from tests.support.certificates import a_certificate, a_name, leaf_extensions

HOST = "localhost"
LIFETIME = timedelta(days=7)
BACKDATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files: the authority that clients trust, and the certificate and key that both nodes serve."""

    authority: Path
    certificate: Path
    key: Path


def make_tls(folder: Path, *, now: datetime) -> TlsFiles:
    """Write the three files to ``folder``, which is made."""
    folder.mkdir(parents=True)
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = a_name(CN="Hazel interop TLS root")
    begin, end = now - BACKDATE, now + LIFETIME
    root = a_certificate(
        subject=root_name, key=root_key, issuer=root_name, issuer_key=root_key, not_before=begin, not_after=end
    )
    leaf = a_certificate(
        subject=a_name(CN=HOST),
        key=leaf_key,
        issuer=root_name,
        issuer_key=root_key,
        extensions=leaf_extensions(x509.DNSName(HOST)),
        serial=2,
        not_before=begin,
        not_after=end,
    )
    files = TlsFiles(authority=folder / "ca.pem", certificate=folder / "tls.pem", key=folder / "tls.key")
    files.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    write_private(
        files.key,
        leaf_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    return files
