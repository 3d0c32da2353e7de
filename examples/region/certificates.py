"""Throw-away certificates of the region, made on first start and kept as long as they are valid.

Two worlds, as in life (docs: the region's README):

- **UZI-like**: an RSA-2048 root, an issuing CA under it and one certificate per organisation. The organisation's
  number (URA) and AGB stand in an otherName of the subject alternative name. Its key signs one thing only: the
  organisation's X509Credential. Trust in it comes from the hash of the root (did:x509). Both CAs have a revocation list;
  where it is published (``revocation_site``) stands in the certificates, so that the nodes really look.
- **TLS**: another root, P-256, and one server certificate per host ``<key>.localhost`` (OpenSSL refuses the wildcard
  ``*.localhost``).

The intruder has certificates of the same shape: its UZI-like chain ends in a root of its own, which says the same
words but has another hash. Its TLS certificate is of the region's TLS root, since anybody can get a web certificate;
that is why TLS alone never proves who an organisation is.

Layout below the directory, keys with mode 0600, chains leaf first::

    uzi-root.pem   tls-root.pem   intruder-uzi-root.pem
    uzi-root.crl   uzi-issuing.crl   uzi-issuing.key   (to sign the list of the issuing CA again)
    <key>/uzi.pem  <key>/uzi.key  (leaf, issuing CA, root)
    <key>/tls.pem  <key>/tls.key  (leaf)
"""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from examples.region.organisations import INTRUDER, NO_AGB, ORGANISATIONS, Organisation

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ROOT_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=365)
# Certificates that end within this time are made anew: a demo must not break off in the middle.
RENEW_BEFORE = timedelta(days=14)
# Leaves start a little earlier, so that a node whose clock is behind does not refuse them.
BACKDATE = timedelta(hours=1)

OTHER_NAME = ObjectIdentifier("2.5.5.5")
# Object identifier of the test variant of the UZI register's server certificates.
UZI_SERVER_OID = "2.16.528.1.1007.99.2110"
RSA_BITS = 2048
# A list is made anew whenever the region starts.
LIST_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationCertificates:
    """Where the files of one organisation are."""

    uzi_chain: Path
    uzi_key: Path
    tls_chain: Path
    tls_key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionCertificates:
    """Where everything is.

    Attributes:
        uzi_root: the root whose hash the region's use cases trust.
        tls_root: what clients give as ``--ca``.
        intruder_uzi_root: the root that nobody trusts.
        uzi_root_list, uzi_issuing_list: what the two CAs have revoked, DER.
        uzi_issuing_key: signs the second of them.
        organisations: by key, the intruder's included.
    """

    uzi_root: Path
    uzi_root_list: Path
    uzi_issuing_list: Path
    uzi_issuing_key: Path
    tls_root: Path
    intruder_uzi_root: Path
    organisations: Mapping[str, OrganisationCertificates]


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA: its certificate, its key, and the certificates above it, nearest first."""

    certificate: x509.Certificate
    key: PrivateKey
    above: tuple[x509.Certificate, ...] = ()


def prepare_certificates(directory: Path, *, now: datetime, lists_at: str | None = None) -> RegionCertificates:
    """Make what is missing or about to end; keep what is good.

    All or nothing: when one certificate is not good, all of them are made anew, under new roots, so that the files
    always belong together. They are written beside the old ones first and put in place last.

    Args:
        directory: created when absent.
        now: aware UTC.
        lists_at: URL under which the revocation lists will be found; without it certificates name none.
    """
    files = _layout(directory)
    if _is_good(files, now=now, lists_at=lists_at):
        return files
    directory.mkdir(parents=True, exist_ok=True)
    for unfinished in directory.glob(".making-*"):  # of a run that was killed
        rmtree(unfinished, ignore_errors=True)
    fresh = Path(mkdtemp(prefix=".making-", dir=directory))
    try:
        _make(_layout(fresh), now=now, lists_at=lists_at)
        for made in fresh.iterdir():
            place = directory / made.name
            if place.is_dir():
                rmtree(place)
            made.replace(place)
    finally:
        rmtree(fresh, ignore_errors=True)
    return files


def publish_revocations(files: RegionCertificates, revoked: Iterable[x509.Certificate] = (), *, now: datetime) -> None:
    """Write the list of the issuing CA anew.

    Args:
        files: of a prepared directory.
        revoked: certificates of organisations that the CA takes back.
        now: aware UTC.
    """
    authority = issuing_authority(files)
    unfinished = files.uzi_issuing_list.with_suffix(".unfinished")
    unfinished.write_bytes(_revocation_list(authority, revoked, now=now, lifetime=LIST_LIFETIME))
    unfinished.replace(files.uzi_issuing_list)


def uzi_other_name(organisation: Organisation) -> str:
    """The otherName of an UZI server certificate: CA OID, version, UZI number, S, URA, role, AGB."""
    return f"{UZI_SERVER_OID}-1-{organisation.ura}1-S-{organisation.ura}-00.000-{organisation.agb or NO_AGB}"


def _layout(directory: Path) -> RegionCertificates:
    return RegionCertificates(
        uzi_root=directory / "uzi-root.pem",
        uzi_root_list=directory / "uzi-root.crl",
        uzi_issuing_list=directory / "uzi-issuing.crl",
        uzi_issuing_key=directory / "uzi-issuing.key",
        tls_root=directory / "tls-root.pem",
        intruder_uzi_root=directory / "intruder-uzi-root.pem",
        organisations={
            one.key: OrganisationCertificates(
                uzi_chain=directory / one.key / "uzi.pem",
                uzi_key=directory / one.key / "uzi.key",
                tls_chain=directory / one.key / "tls.pem",
                tls_key=directory / one.key / "tls.key",
            )
            for one in (*ORGANISATIONS, INTRUDER)
        },
    )


# --- making ---------------------------------------------------------------------------------------------------------


def _make(files: RegionCertificates, *, now: datetime, lists_at: str | None) -> None:
    parties = (*ORGANISATIONS, INTRUDER)
    # RSA keys take most of the time; OpenSSL lets go of the interpreter while it looks for primes.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        rsa_keys = list(pool.map(lambda _: rsa.generate_private_key(65537, RSA_BITS), range(len(parties) + 4)))
    uzi_root = _root("Hazel demo UZI-like root", rsa_keys.pop(), now=now)
    uzi = _issuing(uzi_root, rsa_keys.pop(), now=now, revocation_list=_at(lists_at, files.uzi_root_list))
    intruder_root = _root("Hazel demo UZI-like root", rsa_keys.pop(), now=now)
    intruder_uzi = _issuing(intruder_root, rsa_keys.pop(), now=now)  # publishes nothing: it would not be asked
    tls = _root("Hazel demo TLS root", ec.generate_private_key(ec.SECP256R1()), now=now)

    write_chain(files.uzi_root, [uzi.above[-1]])
    write_chain(files.intruder_uzi_root, [intruder_uzi.above[-1]])
    write_chain(files.tls_root, [tls.certificate])
    write_key(files.uzi_issuing_key, uzi.key)
    files.uzi_root_list.write_bytes(_revocation_list(uzi_root, (), now=now, lifetime=ROOT_LIFETIME))
    files.uzi_issuing_list.write_bytes(_revocation_list(uzi, (), now=now, lifetime=LIST_LIFETIME))
    for one, uzi_key in zip(parties, rsa_keys, strict=True):
        place = files.organisations[one.key]
        place.uzi_chain.parent.mkdir()
        authority = intruder_uzi if one is INTRUDER else uzi
        published = None if one is INTRUDER else _at(lists_at, files.uzi_issuing_list)
        leaf = uzi_leaf(one, uzi_key, authority, now=now, revocation_list=published)
        write_chain(place.uzi_chain, [leaf, authority.certificate, *authority.above])
        write_key(place.uzi_key, uzi_key)
        tls_key = ec.generate_private_key(ec.SECP256R1())
        write_chain(place.tls_chain, [_tls_leaf(one, tls_key, tls, now=now)])
        write_key(place.tls_key, tls_key)


def issuing_authority(files: RegionCertificates) -> Authority:
    """The region's issuing CA, read from its files."""
    _, certificate, root = _read_chain(files.organisations[ORGANISATIONS[0].key].uzi_chain)
    return Authority(certificate, _read_key(files.uzi_issuing_key), (root,))


def _issuing(root: Authority, key: PrivateKey, *, now: datetime, revocation_list: str | None = None) -> Authority:
    certificate = _certificate(
        _name("Hazel demo UZI-like issuing CA"),
        key,
        root,
        now=now,
        lifetime=ROOT_LIFETIME,
        path_length=0,
        revocation_list=revocation_list,
    )
    return Authority(certificate, key, (root.certificate,))


def _root(common_name: str, key: PrivateKey, *, now: datetime) -> Authority:
    certificate = _certificate(_name(common_name), key, None, now=now, lifetime=ROOT_LIFETIME, path_length=1)
    return Authority(certificate, key)


def uzi_leaf(
    one: Organisation, key: PrivateKey, authority: Authority, *, now: datetime, revocation_list: str | None = None
) -> x509.Certificate:
    """Sign the certificate of an organisation, which says where the list of the CA is."""
    text = uzi_other_name(one).encode()
    utf8_string = bytes((0x0C, len(text))) + text  # DER; short form of the length, as the text is under 128 bytes
    names: list[x509.GeneralName] = [x509.DNSName(one.host), x509.OtherName(OTHER_NAME, utf8_string)]
    return _certificate(
        x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, one.name),
                x509.NameAttribute(NameOID.LOCALITY_NAME, one.city),
                x509.NameAttribute(NameOID.COMMON_NAME, one.host),
            ]
        ),
        key,
        authority,
        now=now,
        lifetime=LEAF_LIFETIME,
        names=names,
        purposes=(ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH),
        revocation_list=revocation_list,
    )


def _tls_leaf(one: Organisation, key: PrivateKey, authority: Authority, *, now: datetime) -> x509.Certificate:
    return _certificate(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one.host)]),
        key,
        authority,
        now=now,
        lifetime=LEAF_LIFETIME,
        names=[x509.DNSName(one.host)],
        purposes=(ExtendedKeyUsageOID.SERVER_AUTH,),
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hazel demo, not for real use"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certificate(
    subject: x509.Name,
    key: PrivateKey,
    authority: Authority | None,
    *,
    now: datetime,
    lifetime: timedelta,
    path_length: int | None = None,
    names: Iterable[x509.GeneralName] = (),
    purposes: tuple[ObjectIdentifier, ...] = (),
    revocation_list: str | None = None,
) -> x509.Certificate:
    """Sign one certificate; with ``path_length`` it is a CA, without ``authority`` it signs itself."""
    is_authority = path_length is not None
    issuer_key = authority.key if authority else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if revocation_list is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(revocation_list)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    alternatives = list(names)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _at(lists_at: str | None, file: Path) -> str | None:
    """The address of a list, by the name of its file."""
    return None if lists_at is None else f"{lists_at}/{file.name}"


def _revocation_list(
    authority: Authority, revoked: Iterable[x509.Certificate], *, now: datetime, lifetime: timedelta
) -> bytes:
    entries = [
        x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(now).build()
        for one in revoked
    ]
    issuer = authority.certificate.subject
    made = x509.CertificateRevocationListBuilder(issuer, now - BACKDATE, now + lifetime, [], entries)
    number = x509.CRLNumber(int(now.timestamp()))
    signed = made.add_extension(number, critical=False).sign(authority.key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def write_chain(path: Path, chain: Iterable[x509.Certificate]) -> None:
    """Write certificates as one PEM file."""
    path.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))


def write_key(path: Path, key: PrivateKey) -> None:
    """Write a PKCS#8 key that only its owner can read, from the first byte on."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


# --- keeping --------------------------------------------------------------------------------------------------------


def _is_good(files: RegionCertificates, *, now: datetime, lists_at: str | None = None) -> bool:
    """Tell whether every file is there, belongs to the others and to the organisations, and lasts long enough."""
    try:
        roots = {path: _read_chain(path)[0] for path in (files.uzi_root, files.tls_root, files.intruder_uzi_root)}
        return _lists_are_good(files, lists_at, now=now) and all(
            _leaf_is_good(one, files.organisations[one.key], files, roots, now=now)
            for one in (*ORGANISATIONS, INTRUDER)
        )
    except (OSError, ValueError, IndexError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False


def _lists_are_good(files: RegionCertificates, lists_at: str | None, *, now: datetime) -> bool:
    """Tell whether certificates name the lists where they will be, and the CA's key can sign one."""
    authority = issuing_authority(files)
    leaf = _read_chain(files.organisations[ORGANISATIONS[0].key].uzi_chain)[0]
    root_list = x509.load_der_x509_crl(files.uzi_root_list.read_bytes())
    return (
        _named_list(authority.certificate) == _at(lists_at, files.uzi_root_list)
        and _named_list(leaf) == _at(lists_at, files.uzi_issuing_list)
        and files.uzi_issuing_list.is_file()
        and authority.key.public_key() == authority.certificate.public_key()
        and files.uzi_issuing_key.stat().st_mode & 0o077 == 0
        and root_list.next_update_utc is not None
        and now + RENEW_BEFORE < root_list.next_update_utc
    )


def _named_list(certificate: x509.Certificate) -> str | None:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return None
    return next((name.value for point in points for name in point.full_name or ()), None)


def _leaf_is_good(
    one: Organisation,
    place: OrganisationCertificates,
    files: RegionCertificates,
    roots: Mapping[Path, x509.Certificate],
    *,
    now: datetime,
) -> bool:
    uzi_root = roots[files.intruder_uzi_root if one is INTRUDER else files.uzi_root]
    for chain_file, key_file, root in (
        (place.uzi_chain, place.uzi_key, uzi_root),
        (place.tls_chain, place.tls_key, roots[files.tls_root]),
    ):
        chain = _read_chain(chain_file)
        # (1) it hangs together up to the root
        for lower, upper in zip(chain, [*chain[1:], root], strict=True):
            lower.verify_directly_issued_by(upper)
        # (2) every certificate lasts
        lasting = (c.not_valid_before_utc <= now and now + RENEW_BEFORE < c.not_valid_after_utc for c in [*chain, root])
        if not all(lasting):
            return False
        # (3) the key is that of the leaf, and nobody else can read it
        key = _read_key(key_file)
        if key.public_key() != chain[0].public_key() or key_file.stat().st_mode & 0o077:
            return False
    # (4) the organisation has not changed since
    leaf = _read_chain(place.uzi_chain)[0]
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    other_names = [name.value[2:].decode() for name in alternatives.get_values_for_type(x509.OtherName)]
    said = {attribute.oid: attribute.value for attribute in leaf.subject}
    return (
        said.get(NameOID.ORGANIZATION_NAME) == one.name
        and said.get(NameOID.LOCALITY_NAME) == one.city
        and other_names == [uzi_other_name(one)]
    )


def _read_key(path: Path) -> PrivateKey:
    key = serialization.load_pem_private_key(
        path.read_bytes(),
        password=None,
        unsafe_skip_rsa_key_validation=True,  # our own file, compared with its certificate by who reads it
    )
    if not isinstance(key, PrivateKey):
        raise TypeError("not a key of the region")
    return key


def _read_chain(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())
