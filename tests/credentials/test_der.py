"""Parts of certificates, compared with what the `cryptography` package says they are."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.did.der import CertificateParts
from tests.support.certificates import CA_EXTENSIONS, PrivateKeyType, a_certificate, a_name, a_uzi_chain
from tests.support.keys import ec_private_key, ed25519_private_key, rsa_private_key


def agrees(certificate: x509.Certificate) -> None:
    der = certificate.public_bytes(Encoding.DER)
    parts = CertificateParts.find(der)
    assert parts.signed == certificate.tbs_certificate_bytes
    assert parts.signature == certificate.signature
    assert parts.issuer == certificate.issuer.public_bytes()
    assert parts.subject == certificate.subject.public_bytes()
    assert parts.algorithm == parts.inner_algorithm
    assert parts.algorithm in der


def test_the_parts_of_a_uzi_chain_are_found() -> None:
    for each in a_uzi_chain().chain.certificates:
        agrees(each.certificate)


@pytest.mark.parametrize(
    "key", [ec_private_key("a"), ed25519_private_key("a"), rsa_private_key("a"), rsa_private_key("b", 4096)]
)
def test_the_parts_are_found_whatever_the_key(key: PrivateKeyType) -> None:
    name = a_name(CN="a")
    agrees(a_certificate(subject=name, issuer=name, key=key, issuer_key=key, extensions=CA_EXTENSIONS))


@pytest.mark.parametrize("length", [1, 60, 64])
def test_the_parts_are_found_whatever_the_length_of_the_names(length: int) -> None:
    key = ec_private_key("a")
    subject = a_name(C="NL", O="o" * length, OU="u" * length, L="l" * length, CN="c" * length)
    agrees(a_certificate(subject=subject, issuer=a_name(CN="b"), key=key, issuer_key=key, extensions=()))


def test_a_certificate_of_version_1_has_its_parts_too() -> None:
    """No version is written then, so that everything stands one place earlier."""
    der = a_uzi_chain().chain.leaf.der
    parts = CertificateParts.find(der)
    assert parts.signed[4:9] == bytes.fromhex("a003020102")
    body = parts.signed[9:]
    signed = b"\x30\x82" + len(body).to_bytes(2) + body
    rest = signed + der[der.index(parts.signed) + len(parts.signed) :]
    first = CertificateParts.find(b"\x30\x82" + len(rest).to_bytes(2) + rest)
    assert (first.issuer, first.subject, first.inner_algorithm) == (parts.issuer, parts.subject, parts.inner_algorithm)
    assert (first.signed, first.signature) == (signed, parts.signature)
