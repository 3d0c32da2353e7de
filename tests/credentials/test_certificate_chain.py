"""Chains of certificates: one good shape, and each way to get it wrong."""

import warnings
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from credentials.did.certificate_chain import MAX_CHAIN, CertificateChain, ChainCertificate
from credentials.encoding import b64_encode, b64url_encode
from credentials.errors import MalformedError, NotCurrentError, UntrustedError
from credentials.keys import PublicKey
from tests.support.certificates import (
    CA_EXTENSIONS,
    NOT_AFTER,
    NOT_BEFORE,
    NOW,
    PrivateKeyType,
    a_certificate,
    a_name,
    a_uzi_chain,
    key_usage,
    leaf_extensions,
    x5c_of,
)
from tests.support.keys import ec_private_key, ed25519_private_key, rsa_private_key

ROOT, CA, LEAF = a_name(CN="root"), a_name(CN="ca"), a_name(CN="leaf", O="Oever")
KEYS: dict[x509.Name, PrivateKeyType] = {name: ec_private_key(str(name)) for name in (ROOT, CA, LEAF)}
BASIC = (x509.BasicConstraints(ca=True, path_length=None), True)


def issue(subject: x509.Name, issuer: x509.Name, **options: Any) -> x509.Certificate:
    options.setdefault("extensions", leaf_extensions(x509.DNSName("x")) if subject == LEAF else CA_EXTENSIONS)
    keys = {"key": KEYS[subject], "issuer_key": KEYS[issuer]} | options
    return a_certificate(subject=subject, issuer=issuer, **keys)


def chain_of(*certificates: x509.Certificate) -> CertificateChain:
    return CertificateChain.parse(x5c_of(certificates))


def refusal(certificates: Sequence[x509.Certificate]) -> str:
    with pytest.raises(UntrustedError) as caught:
        chain_of(*certificates).validate(NOW)
    return str(caught.value)


def test_a_chain_like_that_of_uzi_holds() -> None:
    a_uzi_chain().chain.validate(NOW)


def test_a_chain_of_ec_keys_holds() -> None:
    chain_of(issue(LEAF, CA), issue(CA, ROOT), issue(ROOT, ROOT)).validate(NOW)


def test_two_certificates_are_enough() -> None:
    chain_of(issue(LEAF, ROOT), issue(ROOT, ROOT)).validate(NOW)


def test_ed25519_keys_may_sign_certificates() -> None:
    key = ed25519_private_key("root")
    chain_of(issue(LEAF, ROOT, issuer_key=key), issue(ROOT, ROOT, key=key, issuer_key=key)).validate(NOW)


def test_dates_are_checked_of_every_certificate_without_skew() -> None:
    chain = chain_of(issue(LEAF, CA), issue(CA, ROOT), issue(ROOT, ROOT))
    chain.validate(NOT_BEFORE)
    chain.validate(NOT_AFTER)
    with pytest.raises(NotCurrentError, match="not valid yet"):
        chain.validate(NOT_BEFORE - timedelta(seconds=1))
    for index in range(3):
        late: list[dict[str, Any]] = [{}, {}, {}]
        early: list[dict[str, Any]] = [{}, {}, {}]
        late[index] = {"not_before": NOW + timedelta(seconds=1)}
        early[index] = {"not_after": NOW - timedelta(seconds=1)}
        for options, reason in ((late, "not valid yet"), (early, "has expired")):
            made = (issue(LEAF, CA, **options[0]), issue(CA, ROOT, **options[1]), issue(ROOT, ROOT, **options[2]))
            with pytest.raises(NotCurrentError, match=reason):
                chain_of(*made).validate(NOW)


def test_nothing_is_left_out_or_added() -> None:
    leaf, ca, root = issue(LEAF, CA), issue(CA, ROOT), issue(ROOT, ROOT)
    assert "next one" in refusal((leaf, ca))
    assert "next one" in refusal((leaf, root))
    read = chain_of(leaf, ca, root).certificates
    twin = chain_of(issue(LEAF, ROOT), issue(ROOT, ROOT, serial=2)).root
    for certificates in ((*read, read[-1]), (*read, twin), (read[0], read[1], read[1], read[2])):
        with pytest.raises(UntrustedError, match="too many"):
            CertificateChain(certificates).validate(NOW)
    with pytest.raises(UntrustedError, match="next one"):
        CertificateChain((read[0], read[2], read[1])).validate(NOW)


def test_an_issuer_is_more_than_a_name() -> None:
    impostor = issue(CA, ROOT, key=ec_private_key("impostor"))
    assert "next one" in refusal((issue(LEAF, CA), impostor, issue(ROOT, ROOT)))
    assert "next one" in refusal(
        (issue(LEAF, CA, issuer_key=rsa_private_key("impostor")), issue(CA, ROOT), issue(ROOT, ROOT))
    )
    unsigned_root = issue(ROOT, ROOT, issuer_key=ec_private_key("impostor"))
    assert "next one" in refusal((issue(LEAF, ROOT), unsigned_root))
    assert "next one" in refusal((issue(LEAF, ROOT), issue(ROOT, ROOT, key=KEYS[CA], issuer_key=KEYS[CA])))


def test_a_leaf_is_no_ca() -> None:
    assert "first certificate" in refusal(
        (issue(LEAF, CA, extensions=CA_EXTENSIONS), issue(CA, ROOT), issue(ROOT, ROOT))
    )
    chain_of(issue(LEAF, ROOT, extensions=[]), issue(ROOT, ROOT)).validate(NOW)


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        ([], "is not a CA"),
        ([CA_EXTENSIONS[1]], "is not a CA"),
        ([(x509.BasicConstraints(ca=False, path_length=None), True), CA_EXTENSIONS[1]], "is not a CA"),
        ([BASIC], "not meant to sign"),
        ([BASIC, (key_usage("digital_signature", "crl_sign"), True)], "not meant to sign"),
    ],
)
def test_every_issuer_is_a_ca_that_may_sign_certificates(level: int, extensions: list[Any], reason: str) -> None:
    made = [partial(issue, LEAF, CA), partial(issue, CA, ROOT), partial(issue, ROOT, ROOT)]
    certificates = [make(extensions=extensions) if index == level else make() for index, make in enumerate(made)]
    assert reason in refusal(certificates)


def test_a_ca_may_limit_the_length_of_the_path_below_it() -> None:
    def limited(length: int) -> list[tuple[x509.ExtensionType, bool]]:
        return [(x509.BasicConstraints(ca=True, path_length=length), True), CA_EXTENSIONS[1]]

    chain_of(
        issue(LEAF, CA), issue(CA, ROOT, extensions=limited(0)), issue(ROOT, ROOT, extensions=limited(1))
    ).validate(NOW)
    assert "longer than" in refusal((issue(LEAF, CA), issue(CA, ROOT), issue(ROOT, ROOT, extensions=limited(0))))


RSA_WITH = bytes.fromhex("06092a864886f70d0101")
"""The start of the OIDs of RSA signatures; one more byte says which hash."""


@pytest.mark.parametrize("last", [0x04, 0x05, 0x0E])
def test_md5_sha1_and_sha224_are_refused(last: int) -> None:
    der = a_uzi_chain().chain.leaf.der
    weak = der.replace(RSA_WITH + b"\x0b", RSA_WITH + bytes([last]))  # nobody signs with these any more
    with pytest.raises(UntrustedError, match="weak hash"):
        ChainCertificate.parse(weak)
    assert "weak hash" in refusal((issue(LEAF, ROOT, algorithm=hashes.SHA224()), issue(ROOT, ROOT)))


@pytest.mark.parametrize(
    ("bits", "exponent", "taken"), [(4096, 2**32 - 1, True), (4096, 2**32 + 1, False), (4104, 3, False)]
)
def test_rsa_keys_that_take_long_are_for_no_certificate(bits: int, exponent: int, taken: bool) -> None:
    """Nobody is known yet when they are tried; a key of a document that was fetched may be longer."""
    public = rsa.RSAPublicNumbers(exponent, 2**bits - 1).public_key()
    slow = issue(CA, ROOT, key=SimpleNamespace(public_key=lambda: public))
    key = PublicKey.from_key(public)
    given = x5c_of([issue(LEAF, CA), slow, issue(ROOT, ROOT)])
    if taken:
        assert CertificateChain.parse(given).certificates[1].key == key
    else:
        with pytest.raises(MalformedError, match="takes too long"):
            CertificateChain.parse(given)


def test_weak_and_unknown_keys_are_refused() -> None:
    weak = rsa_private_key("weak", 1024)
    with pytest.raises(MalformedError, match="2048"):
        chain_of(issue(LEAF, ROOT, key=weak), issue(ROOT, ROOT))
    with pytest.raises(MalformedError, match="2048"):
        chain_of(issue(LEAF, ROOT, issuer_key=weak), issue(ROOT, ROOT, key=weak, issuer_key=weak))
    with pytest.raises(MalformedError, match="kind of key"):
        chain_of(issue(LEAF, ROOT, key=ec.derive_private_key(9, ec.SECP256K1())), issue(ROOT, ROOT))


def test_what_cannot_be_honoured_is_refused() -> None:
    constraints = x509.NameConstraints(permitted_subtrees=[x509.DNSName("example.org")], excluded_subtrees=None)
    assert "name constraints" in refusal(
        (issue(LEAF, ROOT), issue(ROOT, ROOT, extensions=[*CA_EXTENSIONS, (constraints, False)]))
    )
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert "critical extension" in refusal((issue(LEAF, ROOT, extensions=[(unknown, True)]), issue(ROOT, ROOT)))
    chain_of(issue(LEAF, ROOT, extensions=[(unknown, False)]), issue(ROOT, ROOT)).validate(NOW)


def test_matched_signatures_are_remembered_and_nothing_else_is() -> None:
    chain = chain_of(issue(LEAF, ROOT), issue(ROOT, ROOT))
    seen: set[bytes] = set()
    chain.validate(NOW, signatures=seen)
    assert len(seen) == 1
    chain.validate(NOW, signatures=seen)
    with pytest.raises(NotCurrentError):
        chain.validate(NOT_AFTER + timedelta(days=1), signatures=seen)
    with pytest.raises(UntrustedError):
        chain_of(issue(LEAF, ROOT, issuer_key=KEYS[CA]), issue(ROOT, ROOT)).validate(NOW, signatures=seen)
    assert len(seen) == 1


GOOD = x5c_of((issue(LEAF, ROOT), issue(ROOT, ROOT)))


@pytest.mark.parametrize(
    "x5c",
    [None, "AAAA", {}, [1, 2], [], GOOD[:1], [GOOD[0]] * (MAX_CHAIN + 1), ["AAAA", "AAAA"], ["A", GOOD[1]], [GOOD[0] + "AAAA", GOOD[1]],
     [b64_encode(bytes(16_385)), GOOD[1]]],
)  # fmt: skip
def test_what_is_no_list_of_certificates_is_refused(x5c: object) -> None:
    with pytest.raises(MalformedError):
        CertificateChain.parse(x5c)


def test_a_damaged_certificate_is_refused_whatever_the_damage() -> None:
    der = a_uzi_chain().chain.leaf.der
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for position in range(0, len(der), 3):
            for value in (0x00, 0xFF, der[position] ^ 1):
                damaged = der[:position] + bytes([value]) + der[position + 1 :]
                try:
                    ChainCertificate.parse(damaged).subject_values()
                except (MalformedError, UntrustedError):
                    continue


def test_the_subject_is_read_when_it_is_needed() -> None:
    chain = chain_of(issue(LEAF, ROOT), issue(ROOT, ROOT))
    assert chain.leaf.subject_values()[NameOID.ORGANIZATION_NAME] == ("Oever",)
    broken = chain.leaf.der.replace(b"\x0c\x05Oever", b"\x0c\x05Oev\xe9r")  # UTF8String without being one
    with pytest.raises(MalformedError, match="unreadable subject"):
        ChainCertificate.parse(broken).subject_values()


def test_fingerprints_are_those_of_the_issuers() -> None:
    certificates = (issue(LEAF, CA), issue(CA, ROOT), issue(ROOT, ROOT))
    expected = tuple(b64url_encode(each.fingerprint(hashes.SHA384())) for each in certificates[1:])
    assert chain_of(*certificates).fingerprints("sha384") == expected


def test_an_operators_file_may_be_in_any_order() -> None:
    uzi = a_uzi_chain()
    assert CertificateChain.from_pem(uzi.pem) == uzi.chain
    blocks = [block + b"-----END CERTIFICATE-----\n" for block in uzi.pem.split(b"-----END CERTIFICATE-----\n")[:-1]]
    assert CertificateChain.from_pem(b"".join(reversed(blocks))) == uzi.chain
    assert CertificateChain.from_pem(blocks[1] + blocks[2] + blocks[0]).root == uzi.chain.root
    other = (
        a_uzi_chain("linde", region="Other").pem.split(b"-----END CERTIFICATE-----\n")[0]
        + b"-----END CERTIFICATE-----\n"
    )
    for pem, reason in (
        (b"", "PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "PEM"),
        (blocks[0], "2 to 8"),
    ):
        with pytest.raises(MalformedError, match=reason):
            CertificateChain.from_pem(pem)
    for pem, reason in (
        (uzi.pem + other, "exactly one leaf"),
        (blocks[2] + blocks[2], "exactly one leaf"),
        (blocks[0] + blocks[2], "not complete"),
    ):
        with pytest.raises(UntrustedError, match=reason):
            CertificateChain.from_pem(pem)
    assert CertificateChain.from_pem(uzi.pem + blocks[1]) == uzi.chain


def test_an_operators_file_with_an_unreadable_name_is_refused() -> None:
    leaf, root = issue(LEAF, ROOT), issue(ROOT, ROOT)
    broken = b64_encode(chain_of(leaf, root).leaf.der.replace(b"\x0c\x05Oever", b"\x0c\x05Oev\xe9r"))
    pem = "".join(
        f"-----BEGIN CERTIFICATE-----\n{each}\n-----END CERTIFICATE-----\n" for each in (broken, x5c_of((root,))[0])
    )
    chain = CertificateChain.from_pem(pem.encode())
    with pytest.raises(MalformedError, match="unreadable"):
        chain.leaf.subject_values()


def test_a_certificate_that_names_another_algorithm_outside_than_inside_is_refused() -> None:
    leaf, root = issue(LEAF, ROOT), issue(ROOT, ROOT)
    names = leaf.public_bytes(serialization.Encoding.DER)
    sha256, sha512 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040304")  # ecdsa-with-SHA…
    inside, outside = names.find(sha256), names.rfind(sha256)
    changed = names[:outside] + sha512 + names[outside + len(sha512) :]
    assert inside < outside
    chain = CertificateChain.parse([b64_encode(changed), *x5c_of((root,))])
    with pytest.raises(UntrustedError, match="two different signature algorithms"):
        chain.validate(NOW)


def test_a_certificate_signed_with_another_kind_of_key_than_its_issuer_has_is_refused() -> None:
    rsa_key = rsa_private_key("other kind")
    assert "another kind of key" in refusal([issue(LEAF, ROOT, issuer_key=rsa_key), issue(ROOT, ROOT)])
    root = issue(ROOT, ROOT, key=rsa_key, issuer_key=rsa_key)
    assert "another kind of key" in refusal([issue(LEAF, ROOT), root])
    ed25519_key = ed25519_private_key("other kind")
    assert "another kind of key" in refusal([issue(LEAF, ROOT, issuer_key=ed25519_key), root])


def test_an_issuer_that_was_read_before_is_checked_again_each_time() -> None:
    certificates = (issue(LEAF, CA), issue(CA, ROOT), issue(ROOT, ROOT))
    first, second = chain_of(*certificates), chain_of(*certificates)
    assert first.root is second.root
    first.validate(NOW)
    with pytest.raises(NotCurrentError, match="expired"):
        second.validate(NOT_AFTER + timedelta(seconds=1))
    # The same issuers under a leaf that they did not sign.
    assert "not issued by" in refusal([issue(LEAF, CA, issuer_key=KEYS[ROOT]), *certificates[1:]])
