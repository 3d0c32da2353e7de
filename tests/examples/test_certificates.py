"""The region's certificates: shape, trust, and that they are kept."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from credentials.did.certificate_chain import CertificateChain
from credentials.errors import RevokedError
from credentials.x509.distribution_points import distribution_urls
from credentials.x509.revocation import RevocationList, check_revocation
from examples.region.certificates import (
    LEAF_LIFETIME,
    RegionCertificates,
    _is_good,
    _layout,
    prepare_certificates,
    publish_revocations,
    uzi_other_name,
)
from examples.region.free_ports import FreePorts
from examples.region.network import REVOCATION_PORT
from examples.region.organisations import GOUWE, INTRUDER, ORGANISATIONS, WENDING
from examples.region.revocation_site import open_revocation_site, site_address
from node.ports import HttpRequest
from node.web.client import open_peer_client

NOW = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RegionCertificates:
    return prepare_certificates(tmp_path_factory.mktemp("certificates") / "new", now=NOW)


def _chain(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def test_every_organisation_has_a_complete_uzi_chain_leaf_first(made: RegionCertificates) -> None:
    (root,) = _chain(made.uzi_root)
    for one in ORGANISATIONS:
        chain = _chain(made.organisations[one.key].uzi_chain)
        assert len(chain) == 3
        assert chain[-1] == root
        for lower, upper in zip(chain, [*chain[1:], root], strict=True):
            lower.verify_directly_issued_by(upper)
        assert isinstance(chain[0].public_key(), rsa.RSAPublicKey)
        assert chain[0].public_key().key_size == 2048  # type: ignore[union-attr]  # checked the line before


def test_a_leaf_says_who_the_organisation_is(made: RegionCertificates) -> None:
    leaf = _chain(made.organisations["gouwe"].uzi_chain)[0]
    assert leaf.subject.rfc4514_string() == "CN=gouwe.localhost,L=Gouda,O=Huisartsenpraktijk De Gouwe,C=NL"
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["gouwe.localhost"]
    (other,) = names.get_values_for_type(x509.OtherName)
    assert other.type_id.dotted_string == "2.5.5.5"
    assert other.value[:1] == b"\x0c"
    assert other.value[2:].decode() == "2.16.528.1.1007.99.2110-1-900001011-S-90000101-00.000-01000101"
    assert uzi_other_name(WENDING).endswith("-S-90000104-00.000-00000000")


def test_a_leaf_may_sign_and_nothing_more(made: RegionCertificates) -> None:
    leaf = _chain(made.organisations["gouwe"].uzi_chain)[0]
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    purposes = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert purposes == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}


def test_authorities_are_limited(made: RegionCertificates) -> None:
    _, issuing, root = _chain(made.organisations["gouwe"].uzi_chain)
    for authority, length in ((issuing, 0), (root, 1)):
        limits = authority.extensions.get_extension_for_class(x509.BasicConstraints)
        assert limits.critical
        assert (limits.value.ca, limits.value.path_length) == (True, length)
        assert authority.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_the_intruder_has_the_same_shape_under_a_root_of_its_own(made: RegionCertificates) -> None:
    chain = _chain(made.organisations[INTRUDER.key].uzi_chain)
    (own_root,), (real_root,) = _chain(made.intruder_uzi_root), _chain(made.uzi_root)
    assert len(chain) == 3
    assert chain[-1] == own_root != real_root
    assert own_root.subject == real_root.subject
    with pytest.raises(InvalidSignature):
        chain[1].verify_directly_issued_by(real_root)


def test_every_host_has_a_tls_certificate_of_the_one_tls_root(made: RegionCertificates) -> None:
    (root,) = _chain(made.tls_root)
    assert root not in _chain(made.uzi_root)
    for one in (*ORGANISATIONS, INTRUDER):
        (leaf,) = _chain(made.organisations[one.key].tls_chain)
        leaf.verify_directly_issued_by(root)
        assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [one.host]
        assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == one.host


def test_keys_fit_and_only_their_owner_reads_them(made: RegionCertificates) -> None:
    for place in made.organisations.values():
        for key, chain in ((place.uzi_key, place.uzi_chain), (place.tls_key, place.tls_chain)):
            assert key.stat().st_mode & 0o777 == 0o600
            private = load_pem_private_key(key.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True)
            assert private.public_key() == _chain(chain)[0].public_key()


def _copy(made: RegionCertificates, tmp_path: Path) -> Path:
    directory = tmp_path / "copy"
    shutil.copytree(made.uzi_root.parent, directory)
    return directory


def test_good_certificates_are_kept(made: RegionCertificates, tmp_path: Path) -> None:
    directory = _copy(made, tmp_path)
    before = {path: path.read_bytes() for path in directory.rglob("*.*")}
    again = prepare_certificates(directory, now=NOW + timedelta(days=30))
    assert {path: path.read_bytes() for path in directory.rglob("*.*")} == before
    assert again.organisations["gouwe"].uzi_chain.is_file()


LISTS = "http://crl.localhost:8450"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> RegionCertificates:
    return prepare_certificates(tmp_path_factory.mktemp("certificates") / "new", now=NOW, lists_at=LISTS)


def _lists_of(made: RegionCertificates, key: str) -> tuple[tuple[str, ...] | None, ...]:
    chain = CertificateChain.from_pem(made.organisations[key].uzi_chain.read_bytes())
    return tuple(distribution_urls(each) for each in chain.certificates)


def test_certificates_say_where_the_lists_of_their_authorities_are(
    published: RegionCertificates, made: RegionCertificates
) -> None:
    for one in ORGANISATIONS:
        assert _lists_of(published, one.key) == ((f"{LISTS}/uzi-issuing.crl",), (f"{LISTS}/uzi-root.crl",), None)
        assert _lists_of(made, one.key) == (None, None, None)
    assert _lists_of(published, INTRUDER.key) == (None, None, None)
    assert published.uzi_issuing_key.stat().st_mode & 0o777 == 0o600


def test_a_certificate_can_be_revoked_and_given_back(published: RegionCertificates) -> None:
    pem = published.organisations[WENDING.key].uzi_chain.read_bytes()
    chain = CertificateChain.from_pem(pem)
    leaf = x509.load_pem_x509_certificates(pem)[0]

    def check(now: datetime) -> None:
        lists = {
            f"{LISTS}/{file.name}": RevocationList.parse(file.read_bytes(), issuer)
            for file, issuer in zip(
                (published.uzi_issuing_list, published.uzi_root_list), chain.certificates[1:], strict=True
            )
        }
        check_revocation(chain, lists, None, now)

    check(NOW)
    publish_revocations(published, [leaf], now=NOW + timedelta(days=1))
    with pytest.raises(RevokedError):
        check(NOW + timedelta(days=1))
    publish_revocations(published, now=NOW + timedelta(days=2))
    check(NOW + timedelta(days=2))


def test_lists_at_another_place_need_other_certificates(published: RegionCertificates) -> None:
    files = _layout(published.uzi_root.parent)
    assert _is_good(files, now=NOW, lists_at=LISTS)
    assert not _is_good(files, now=NOW, lists_at="http://crl.localhost:8550")
    assert not _is_good(files, now=NOW)


async def test_the_lists_are_on_a_website(published: RegionCertificates) -> None:
    ports = FreePorts()
    port = ports.take(REVOCATION_PORT)
    ports.release()
    origin = site_address(port)
    async with open_revocation_site(published, port), open_peer_client(loopback=True) as client:
        for name, file in (("uzi-issuing.crl", published.uzi_issuing_list), ("uzi-root.crl", published.uzi_root_list)):
            answer = await client.send(HttpRequest(method="GET", url=f"{origin}/{name}", plain_http=True))
            assert (answer.status, answer.media_type, answer.body) == (200, "application/pkix-crl", file.read_bytes())
            assert answer.headers["cache-control"] == "max-age=5"
        for name in ("uzi-issuing.key", "..%2Fuzi-issuing.key", ""):
            answer = await client.send(HttpRequest(method="GET", url=f"{origin}/{name}", plain_http=True))
            assert answer.status == 404


@pytest.mark.parametrize("harm", ["missing", "garbage", "foreign key", "readable", "other organisation", "no list"])
def test_one_bad_file_spoils_them_all(made: RegionCertificates, tmp_path: Path, harm: str) -> None:
    directory = _copy(made, tmp_path)
    assert _is_good(_layout(directory), now=NOW)
    match harm:
        case "missing":
            (directory / "linde" / "tls.pem").unlink()
        case "no list":
            (directory / "uzi-root.crl").unlink()
        case "garbage":
            (directory / "linde" / "uzi.pem").write_text("nothing")
        case "foreign key":
            shutil.copy(directory / "oever" / "tls.key", directory / "linde" / "tls.key")
        case "readable":
            (directory / "linde" / "uzi.key").chmod(0o644)
        case _:
            for name in ("uzi.pem", "uzi.key"):
                shutil.copy(directory / "linde" / name, directory / "oever" / name)
    assert not _is_good(_layout(directory), now=NOW)


def test_what_is_about_to_end_is_made_anew_as_a_whole(made: RegionCertificates, tmp_path: Path) -> None:
    directory, now = _copy(made, tmp_path), NOW + LEAF_LIFETIME - timedelta(days=1)
    files = prepare_certificates(directory, now=now)
    assert _chain(files.uzi_root) != _chain(made.uzi_root)
    for one in ORGANISATIONS:
        leaf = _chain(files.organisations[one.key].uzi_chain)[0]
        assert leaf.not_valid_after_utc == now + LEAF_LIFETIME
        assert leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == one.name
    assert not [path for path in directory.iterdir() if path.name.startswith(".")]


def test_an_organisation_is_told_by_its_number_alone() -> None:
    assert uzi_other_name(GOUWE) == "2.16.528.1.1007.99.2110-1-900001011-S-90000101-00.000-01000101"
