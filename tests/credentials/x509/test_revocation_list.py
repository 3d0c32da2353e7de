"""Revocation lists: only those of the CA, whole, and signed by it."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.did.certificate_chain import ChainCertificate
from credentials.errors import CredentialError, MalformedError, UntrustedError
from credentials.x509 import revocation_list
from credentials.x509.revocation_list import RevocationList
from tests.support.certificates import CA_EXTENSIONS, NOW, a_certificate, a_name, key_usage, leaf_extensions
from tests.support.keys import ec_private_key, ed25519_private_key, rsa_private_key
from tests.support.revocation import DAY, a_crl, points, scope

CA = a_name(CN="ca")
KEY = ec_private_key("ca")
URL = "http://crl.example/ca.crl"


def parsed(**options: Any) -> ChainCertificate:
    """A certificate of the CA by default."""
    defaults: dict[str, Any] = {"subject": CA, "key": KEY, "issuer": CA, "issuer_key": KEY}
    return ChainCertificate.parse(a_certificate(**(defaults | options)).public_bytes(Encoding.DER))


ISSUER = parsed()
LEAF = parsed(subject=a_name(CN="leaf"), key=ec_private_key("leaf"), extensions=[*leaf_extensions(), points(URL)])


def read(**options: Any) -> RevocationList:
    return RevocationList.parse(a_crl(CA, KEY, **options), ISSUER)


def test_a_list_says_who_is_on_it() -> None:
    found = read(revoked=[1, 77, 2**120, 128])
    numbers = (0, 1, 2, 76, 77, 78, 127, 128, 2**120, 2**120 + 1, 2**4_000)
    assert [serial for serial in numbers if found.has(serial)] == [1, 77, 128, 2**120]
    assert found.is_of(ISSUER)
    assert not found.is_of(LEAF)
    assert not found.is_of(parsed(subject=CA, key=ec_private_key("new key of the ca")))
    assert found.this_update == NOW - DAY
    assert found.next_update == NOW + DAY


def test_a_number_that_only_occurs_in_the_bytes_is_not_on_the_list() -> None:
    """A short serial number is also a version, a length or a piece of a date."""
    found = read(revoked=[2**64 + 1])
    assert [serial for serial in range(300) if found.has(serial)] == []


def test_a_negative_number_is_refused_since_nobody_can_look_it_up() -> None:
    with pytest.raises(UntrustedError, match="negative"):
        read().has(-1)


@pytest.mark.parametrize(
    ("name", "key"),
    [("ed25519", ed25519_private_key("ca")), ("rsa", rsa_private_key("ca"))],
)
def test_every_kind_of_ca_key_signs_lists(name: str, key: Any) -> None:
    assert RevocationList.parse(a_crl(CA, key, revoked=[5]), parsed(key=key, issuer_key=key)).has(5), name


def test_a_list_is_current_from_when_it_was_made_until_the_next_is_due() -> None:
    found = read()
    second = DAY / 86_400
    assert found.is_current(NOW - DAY)
    assert found.is_current(NOW - DAY - 5 * second)
    assert not found.is_current(NOW - DAY - 6 * second)
    assert found.is_current(NOW + DAY - second)
    assert not found.is_current(NOW + DAY)


def test_a_list_of_somebody_else_is_refused() -> None:
    with pytest.raises(UntrustedError, match="another issuer"):
        RevocationList.parse(a_crl(a_name(CN="other"), KEY), ISSUER)
    with pytest.raises(UntrustedError, match="not signed by its issuer"):
        RevocationList.parse(a_crl(CA, ec_private_key("thief")), ISSUER)
    with pytest.raises(UntrustedError, match="not signed by its issuer"):
        RevocationList.parse(a_crl(CA, rsa_private_key("ca")), ISSUER)


def test_a_list_that_was_changed_is_refused() -> None:
    der = a_crl(CA, KEY, revoked=[123_456_789])
    with pytest.raises(UntrustedError, match="not signed by its issuer"):
        RevocationList.parse(der.replace((123_456_789).to_bytes(4), (123_456_788).to_bytes(4)), ISSUER)


@pytest.mark.parametrize("extensions", [[CA_EXTENSIONS[0]], [CA_EXTENSIONS[0], (key_usage("key_cert_sign"), True)]])
def test_a_ca_that_may_not_sign_lists_has_none(extensions: list[Any]) -> None:
    with pytest.raises(UntrustedError, match="not meant to sign revocation lists"):
        RevocationList.parse(a_crl(CA, KEY), parsed(extensions=extensions))


def test_a_weak_hash_is_refused() -> None:
    with pytest.raises(UntrustedError, match="weak hash"):
        read(algorithm=hashes.SHA224())


def test_an_unknown_signature_is_refused() -> None:
    ecdsa_with_sha256 = bytes.fromhex("06082a8648ce3d040302")
    with pytest.raises(UntrustedError, match="unknown way"):
        RevocationList.parse(a_crl(CA, KEY).replace(ecdsa_with_sha256, ecdsa_with_sha256[:-1] + b"\x7f"), ISSUER)


@pytest.mark.parametrize(
    "extension",
    [
        (x509.DeltaCRLIndicator(1), True),
        (x509.DeltaCRLIndicator(1), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),
        scope(indirect=True),
        scope(attributes=True),
        scope(reasons=frozenset({x509.ReasonFlags.key_compromise})),
        (x509.IssuingDistributionPoint(None, x509.RelativeDistinguishedName(list(CA)), False, False, None, False, False), True),
    ],
)  # fmt: skip
def test_a_part_of_a_list_is_no_list(extension: tuple[x509.ExtensionType, bool]) -> None:
    with pytest.raises(UntrustedError, match="revocation list"):
        read(extensions=[extension])


def test_a_list_may_be_about_some_certificates_only() -> None:
    def covered(*urls: str, **options: Any) -> tuple[bool, bool]:
        found = read(extensions=[scope(*urls, **options)])
        return found.covers(LEAF, (URL,)), found.covers(ISSUER, (URL,))

    assert covered(URL) == (True, True)
    assert covered("http://crl.example/other-part.crl") == (False, False)
    assert covered(URL, "http://elsewhere.example/x") == (True, True)
    assert covered(users=True) == (True, False)
    assert covered(authorities=True) == (False, True)
    assert read().covers(LEAF, ())
    number = read(extensions=[(x509.CRLNumber(7), False)])
    assert number.covers(LEAF, ())


def test_what_is_no_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    good = a_crl(CA, KEY)
    for der in (b"", b"\x30\x00", good[:-1], good + b"\0", b"-----BEGIN X509 CRL-----", ISSUER.der):
        with pytest.raises(MalformedError):
            RevocationList.parse(der, ISSUER)
    monkeypatch.setattr(revocation_list, "MAX_LIST_BYTES", len(good) - 1)
    with pytest.raises(MalformedError, match="larger"):
        RevocationList.parse(good, ISSUER)


def test_a_list_that_never_ends_is_refused() -> None:
    """Without nextUpdate an old list could be shown for ever."""
    der = a_crl(CA, KEY)
    due = der.index(b"\x17\x0d", der.index(b"\x17\x0d") + 1)
    body = bytearray(der[:due] + der[due + 15 :])
    for position in (1, _content_start(body)):
        body[position + (body[position] > 0x80)] -= 15
    with pytest.raises(MalformedError, match="next one is due"):
        RevocationList.parse(bytes(body), ISSUER)


def _content_start(der: bytes | bytearray) -> int:
    """Where the length of the signed part stands."""
    return 2 + (der[1] & 0x7F if der[1] > 0x7F else 0) + 1


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 300), st.binary(min_size=1, max_size=4))
def test_any_bytes_give_a_list_or_one_error(position: int, patch: bytes) -> None:
    der = bytearray(a_crl(CA, KEY, revoked=[1, 2, 3], extensions=[scope(URL)]))
    der[position : position + len(patch)] = patch
    try:
        RevocationList.parse(bytes(der), ISSUER).has(2)
    except CredentialError:
        return


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=64))
def test_any_noise_gives_one_error(der: bytes) -> None:
    with pytest.raises(CredentialError):
        RevocationList.parse(der, ISSUER)
