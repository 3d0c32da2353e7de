"""Certificates in the image of UZI: RSA-2048 root, issuing CA, one leaf per organisation; and every way to get one wrong.

`a_uzi_chain` is the good one. The bad ones are built with `a_certificate`, which leaves no rule standing that it is not
told to keep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from credentials.did.did_x509 import CertificateChain, x509_did
from credentials.encoding import b64_encode
from credentials.keys import KeyId, SoftwareKey
from tests.support.keys import rsa_private_key

PrivateKeyType = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2029, 1, 1, tzinfo=UTC)
OTHER_NAME_OID = x509.ObjectIdentifier("2.5.5.5")


def a_name(**values: str) -> x509.Name:
    """A distinguished name: ``a_name(C="NL", O="…", CN="…")``."""
    oids = {
        "C": NameOID.COUNTRY_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "L": NameOID.LOCALITY_NAME,
        "CN": NameOID.COMMON_NAME,
        "serialNumber": NameOID.SERIAL_NUMBER,
    }
    return x509.Name([x509.NameAttribute(oids[key], value) for key, value in values.items()])


def uzi_number(ura: str, *, number: int = 1, agb: str = "00000000") -> str:
    """The otherName of a server certificate of an organisation."""
    return f"2.16.528.1.1007.99.2110-1-{number}-S-{ura}-00.000-{agb}"


def other_name(text: str, *, tag: int = 0x0C, oid: x509.ObjectIdentifier = OTHER_NAME_OID) -> x509.OtherName:
    """An otherName with a short DER string: UTF8String by default."""
    data = text.encode()
    return x509.OtherName(oid, bytes([tag, len(data)]) + data)


def key_usage(*names: str) -> x509.KeyUsage:
    """A keyUsage with the bits named, such as ``digital_signature``."""
    bits = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{bit: bit in names for bit in bits})


CA_EXTENSIONS: tuple[tuple[x509.ExtensionType, bool], ...] = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (key_usage("key_cert_sign", "crl_sign"), True),
)


def a_certificate(
    *,
    subject: x509.Name,
    key: PrivateKeyType,
    issuer: x509.Name,
    issuer_key: PrivateKeyType,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = CA_EXTENSIONS,
    not_before: datetime = NOT_BEFORE,
    not_after: datetime = NOT_AFTER,
    algorithm: hashes.HashAlgorithm | None = None,
    serial: int = 1,
) -> x509.Certificate:
    """Sign a certificate with exactly these contents; a CA's by default."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    hashed = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else algorithm or hashes.SHA256()
    return builder.sign(issuer_key, hashed)  # type: ignore[arg-type]  # weak hashes are wanted in refusals


def leaf_extensions(*names: x509.GeneralName) -> list[tuple[x509.ExtensionType, bool]]:
    """What a UZI-like leaf has: not a CA, digitalSignature, client and server usage, its names."""
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage("digital_signature"), True),
        (x509.SubjectAlternativeName(names), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uzi:
    """An organisation with a UZI-like certificate.

    Attributes:
        certificates: leaf, issuing CA, root.
        key: of the leaf, PS256; its kid is that of the did:x509.
    """

    certificates: tuple[x509.Certificate, ...]
    key: SoftwareKey

    @property
    def chain(self) -> CertificateChain:
        """The chain, parsed anew."""
        return CertificateChain.parse(x5c_of(self.certificates))

    @property
    def pem(self) -> bytes:
        """The chain as an operator's file."""
        return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in self.certificates)


def x5c_of(certificates: Sequence[x509.Certificate]) -> list[str]:
    """The ``x5c`` header member."""
    return [b64_encode(each.public_bytes(serialization.Encoding.DER)) for each in certificates]


@cache
def _authorities(region: str) -> tuple[x509.Certificate, x509.Certificate]:
    root_name, ca_name = a_name(CN=f"{region} root"), a_name(CN=f"{region} issuing CA")
    root_key, ca_key = rsa_private_key(f"{region} root"), rsa_private_key(f"{region} issuing CA")
    root = a_certificate(subject=root_name, key=root_key, issuer=root_name, issuer_key=root_key)
    return a_certificate(subject=ca_name, key=ca_key, issuer=root_name, issuer_key=root_key), root


@cache
def a_uzi_chain(
    name: str = "oever",
    *,
    ura: str = "00001111",
    organization: str = "Huisartsenpraktijk De Oever",
    city: str = "Gouda",
    region: str = "Test UZI",
    not_after: datetime = NOT_AFTER,
) -> Uzi:
    """A UZI-like certificate under a root of its own region; ``region`` other than the default is an intruder's."""
    ca, root = _authorities(region)
    key = rsa_private_key(name)
    leaf = a_certificate(
        subject=a_name(C="NL", O=organization, L=city, CN=f"{name}.localhost"),
        key=key,
        issuer=ca.subject,
        issuer_key=rsa_private_key(f"{region} issuing CA"),
        extensions=leaf_extensions(x509.DNSName(f"{name}.localhost"), other_name(uzi_number(ura))),
        not_after=not_after,
    )
    did = x509_did(CertificateChain.parse(x5c_of((leaf, ca, root))))
    return Uzi(certificates=(leaf, ca, root), key=SoftwareKey(KeyId(f"{did}#0"), key))


NOW = NOT_BEFORE + timedelta(days=300, hours=12)
"""A moment at which the good chains are valid."""
