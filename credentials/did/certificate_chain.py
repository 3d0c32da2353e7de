"""Chains of X.509 certificates as they come in ``x5c`` (RFC 7515 §4.1.6): read, put in order, validate.

The rules are those of RFC 5280 §6 for a chain that is given in full: leaf first, every certificate issued by the
next, ending in a self-signed root. Reading puts certificates in that order (`credentials.x509.chain_building`), so the
checks are a plain list instead of a verifier with a policy, and they say more: ``keyCertSign`` is demanded, name
constraints (which cannot be checked for the otherName of a UZI certificate) are refused, and so is every critical
extension that is not known here.

The chain is trusted by itself only as far as its root is named by whoever relies on it (WIRE §2.14). Revocation is
decided in `credentials.x509.revocation`, with lists that somebody fetched.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.did.der import CertificateParts
from credentials.encoding import b64_decode, b64url_encode
from credentials.errors import MalformedError, NotCurrentError, UntrustedError
from credentials.keys import PublicKey, PublicKeyType
from credentials.ports import SignatureCache
from credentials.x509.chain_building import ReadingBudget, issuing_order

MAX_CHAIN: Final = 8
"""Most certificates in a chain; UZI chains have four."""
MAX_CERTIFICATE_BYTES: Final = 16_384
"""Largest certificate read, in bytes of DER."""
MAX_ISSUERS: Final = 64
"""Issuers' certificates remembered, each about 8 kB of memory; UZI has some ten."""
MAX_RSA_BITS: Final = 4_096
"""Longest RSA key in a certificate. Less than `credentials.keys` takes: a stranger's certificates are tried before anybody is known."""
MAX_RSA_EXPONENT_BITS: Final = 32
"""Longest public exponent of an RSA key in a certificate; the usual one has 17 bits."""
MIN_CHAIN: Final = 2
"""A leaf and a root."""
FINGERPRINT_HASHES: Final[dict[str, Callable[[bytes], bytes]]] = {
    # Only names a CA that is pinned elsewhere: another certificate with a given SHA-1 can still not be made. Never written.
    "sha1": lambda der: hashlib.sha1(der, usedforsecurity=False).digest(),
    "sha256": lambda der: hashlib.sha256(der).digest(),
    "sha384": lambda der: hashlib.sha384(der).digest(),
    "sha512": lambda der: hashlib.sha512(der).digest(),
}

_SIGNATURE_HASHES = frozenset({"sha256", "sha384", "sha512", None})  # None: EdDSA
_KNOWN_EXTENSIONS = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,  # any purpose will do: UZI certificates are not made for web servers
        x509.SubjectAlternativeName.oid,
        x509.CertificatePolicies.oid,  # the initial policy set is any-policy, so nothing is to be checked
        x509.AuthorityKeyIdentifier.oid,
        x509.SubjectKeyIdentifier.oid,
        x509.CRLDistributionPoints.oid,  # read by whoever checks revocation
    }
)
# What the lazy readers of `cryptography` raise on certificates of strangers.
_READ_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCertificate:
    """One certificate of a chain, with what validation needs read eagerly.

    Attributes:
        der: as received; ``parts`` are places in it.
        certificate: for its subject, which is read when it is needed, and the kind of its signature.
        hash: of its signature; None for EdDSA.
        not_before: first moment of its validity, aware UTC.
        not_after: last moment of its validity, aware UTC.
        key: its public key; weak ones do not get this far. ``loaded`` is the same for `cryptography`: loading it again for each
            signature takes longer than an RSA signature.
        constraints: basicConstraints, if any.
        usage: keyUsage, if any.
        names: subjectAltName, if any.
    """

    der: bytes = field(repr=False)
    parts: CertificateParts
    certificate: x509.Certificate
    hash: HashAlgorithm | None
    not_before: datetime
    not_after: datetime
    key: PublicKey
    loaded: PublicKeyType
    constraints: x509.BasicConstraints | None
    usage: x509.KeyUsage | None
    names: x509.SubjectAlternativeName | None

    @classmethod
    def parse(cls, der: bytes) -> Self:
        """Read one certificate.

        Raises:
            MalformedError: not a certificate, or one with a weak or unknown kind of key.
            UntrustedError: signed with a weak hash, or it has a critical extension or name constraints that cannot
                be honoured.
        """
        if len(der) > MAX_CERTIFICATE_BYTES:
            raise MalformedError(f"certificate is larger than {MAX_CERTIFICATE_BYTES} bytes")
        try:
            certificate = x509.load_der_x509_certificate(der)
            extensions = certificate.extensions
            loaded = certificate.public_key()
            hash_algorithm = certificate.signature_hash_algorithm
            not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except _READ_ERRORS:
            raise MalformedError("not a readable certificate") from None
        if (None if hash_algorithm is None else hash_algorithm.name) not in _SIGNATURE_HASHES:
            raise UntrustedError("certificate is signed with a weak hash")
        found: dict[type[x509.ExtensionType], Any] = {}
        for extension in extensions:
            value = extension.value
            kind = type(
                value
            )  # exactly one of these classes: none of them is ever subclassed, and isinstance is slow on them
            if kind is x509.NameConstraints:
                raise UntrustedError("certificate has name constraints, which cannot be checked for an otherName")
            if extension.critical and extension.oid not in _KNOWN_EXTENSIONS:
                raise UntrustedError("certificate has an unknown critical extension")
            found[kind] = value
        key = PublicKey.from_key(loaded)
        assert isinstance(loaded, PublicKeyType)  # from_key takes no others
        if isinstance(loaded, rsa.RSAPublicKey) and (
            loaded.key_size > MAX_RSA_BITS or loaded.public_numbers().e.bit_length() > MAX_RSA_EXPONENT_BITS
        ):
            raise MalformedError("certificate has an RSA key that takes too long")
        return cls(
            der=der,
            parts=CertificateParts.find(der),
            certificate=certificate,
            hash=hash_algorithm,
            not_before=not_before,
            not_after=not_after,
            key=key,
            loaded=loaded,
            constraints=found.get(x509.BasicConstraints),
            usage=found.get(x509.KeyUsage),
            names=found.get(x509.SubjectAlternativeName),
        )

    @property
    def is_authority(self) -> bool:
        """Whether it says that it is a CA."""
        return self.constraints is not None and self.constraints.ca

    def subject_values(self) -> Mapping[x509.ObjectIdentifier, tuple[str, ...]]:
        """The attributes of the subject's name: values by kind.

        Raises:
            MalformedError: the name is not readable.
        """
        found: dict[x509.ObjectIdentifier, tuple[str, ...]] = {}
        try:
            for attribute in self.certificate.subject:
                found[attribute.oid] = (*found.get(attribute.oid, ()), str(attribute.value))
        except _READ_ERRORS:
            raise MalformedError("certificate has an unreadable subject") from None
        return found

    def check_issued_by(self, issuer: Self) -> None:
        """Check name and signature against the issuer's certificate, as `x509.Certificate.verify_directly_issued_by` does.

        Raises:
            UntrustedError: it was not issued by that one.
        """
        parts = self.parts
        # (1) the name, byte for byte
        if parts.issuer != issuer.parts.subject:
            raise UntrustedError("certificate is not issued by the next one in the chain")
        # (2) the signed part and the outside agree on the algorithm
        if parts.inner_algorithm != parts.algorithm:
            raise UntrustedError("certificate names two different signature algorithms")
        # (3) the signature, by a key of the kind that the algorithm wants
        try:
            match issuer.loaded, self.certificate.signature_algorithm_parameters:
                case rsa.RSAPublicKey() as key, padding.PKCS1v15() | padding.PSS() as scheme if self.hash is not None:
                    key.verify(parts.signature, parts.signed, scheme, self.hash)
                case ec.EllipticCurvePublicKey() as key, ec.ECDSA() as scheme:
                    key.verify(parts.signature, parts.signed, scheme)
                case ed25519.Ed25519PublicKey() as key, None:
                    key.verify(parts.signature, parts.signed)
                case _:
                    raise UntrustedError(
                        "certificate is signed with another kind of key than the next one in the chain has"
                    )
        except (*_READ_ERRORS, InvalidSignature):
            raise UntrustedError("certificate is not issued by the next one in the chain") from None


@lru_cache(maxsize=MAX_ISSUERS)
def read_issuer(der: bytes) -> ChainCertificate:
    """Read a certificate above the leaf; thousands of leaves share a few, so what was read is remembered.

    Nothing is believed for having been read before: dates, roles, names and signatures are checked for every chain.

    Raises:
        MalformedError, UntrustedError: as `ChainCertificate.parse`.
    """
    return ChainCertificate.parse(der)


@dataclass(frozen=True, slots=True)
class CertificateChain:
    """Certificates, leaf first; parsed, **not** validated.

    Attributes:
        certificates: at least two.
    """

    certificates: tuple[ChainCertificate, ...]

    @classmethod
    def parse(cls, x5c: object, *, through: tuple[str, str] | None = None, budget: ReadingBudget | None = None) -> Self:
        """Read the ``x5c`` member of a JOSE header as it was parsed: standard base64 of DER, in any order.

        Args:
            x5c: of a stranger.
            through: hash and base64url fingerprint of a CA that has to be in the chain. Only says which way to take where
                cross-signed certificates leave a choice.
            budget: of the message it came with; by default one for this chain alone.

        Raises:
            MalformedError: not an array of two to eight certificates.
            UntrustedError: one of them is weak, they are not one chain from a leaf to a root, or the message costs too much.
        """
        if not isinstance(x5c, list | tuple) or not all(isinstance(item, str) for item in x5c):
            raise MalformedError("x5c is not an array of texts")
        if not MIN_CHAIN <= len(x5c) <= MAX_CHAIN:
            raise MalformedError(f"x5c does not have {MIN_CHAIN} to {MAX_CHAIN} certificates")
        leaf, *issuers = ders = [b64_decode(item) for item in x5c]
        budget = ReadingBudget() if budget is None else budget
        budget.spend_bytes(ders)
        given = (ChainCertificate.parse(leaf), *map(read_issuer, issuers))
        return cls(issuing_order(given, through=None if through is None else _fingerprinted(*through), budget=budget))

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read the PEM file of an operator: the leaf, its issuers and the root, in any order.

        Raises:
            MalformedError: not a file with certificates.
            UntrustedError: they are not one chain from a leaf to a root.
        """
        try:
            loaded = x509.load_pem_x509_certificates(pem)
        except _READ_ERRORS:
            raise MalformedError("not a PEM file with certificates") from None
        if not MIN_CHAIN <= len(loaded) <= MAX_CHAIN:
            raise MalformedError(f"chain does not have {MIN_CHAIN} to {MAX_CHAIN} certificates")
        return cls(
            issuing_order([ChainCertificate.parse(certificate.public_bytes(Encoding.DER)) for certificate in loaded])
        )

    @property
    def leaf(self) -> ChainCertificate:
        """The certificate whose key signs."""
        return self.certificates[0]

    @property
    def root(self) -> ChainCertificate:
        """The certificate the chain ends in."""
        return self.certificates[-1]

    def fingerprints(self, algorithm: str) -> tuple[str, ...]:
        """Base64url fingerprints of the issuers in the chain (never of the leaf), the root last.

        Args:
            algorithm: a name in `FINGERPRINT_HASHES`.
        """
        digest = FINGERPRINT_HASHES[algorithm]
        return tuple(b64url_encode(digest(each.der)) for each in self.certificates[1:])

    def has_issuer(self, algorithm: str, fingerprint: str) -> bool:
        """Whether one of the issuers in the chain has this fingerprint; mostly the root, so that is looked at first."""
        digest = FINGERPRINT_HASHES[algorithm]
        return any(b64url_encode(digest(each.der)) == fingerprint for each in reversed(self.certificates[1:]))

    def validate(self, now: datetime, *, signatures: SignatureCache | None = None) -> None:
        """Validate the whole chain at ``now``; the last certificate is the trust anchor.

        Args:
            now: aware UTC. Certificates get no clock skew.
            signatures: remembers that the signatures of this very chain matched.

        Raises:
            NotCurrentError: a certificate is not valid at ``now``.
            UntrustedError: it is not a chain from a leaf to a self-signed root.
        """
        # (1) dates
        for each in self.certificates:
            if now < each.not_before:
                raise NotCurrentError("certificate is not valid yet")
            if now > each.not_after:
                raise NotCurrentError("certificate has expired")
        # (2) the leaf is no CA
        if self.leaf.is_authority:
            raise UntrustedError("first certificate of the chain is a CA")
        # (3) every other one is, may sign certificates, and has enough path length for the CAs below it
        for below, each in enumerate(self.certificates[1:]):
            if each.constraints is None or not each.is_authority:
                raise UntrustedError("certificate in the chain is not a CA")
            if each.usage is None or not each.usage.key_cert_sign:
                raise UntrustedError("CA certificate is not meant to sign certificates")
            if each.constraints.path_length is not None and each.constraints.path_length < below:
                raise UntrustedError("chain is longer than a CA certificate allows")
        # (4) complete and nothing extra: a certificate with the key of its issuer would be the root once more
        if any(each.key == issuer.key for each, issuer in pairwise(self.certificates)):
            raise UntrustedError("chain has a certificate too many")
        # (5) names and signatures, the root's own included: it ends in a self-signed certificate
        if signatures is None:
            self._check_signatures()
            return
        digest = hashlib.sha256(b"chain" + b"".join(each.der for each in self.certificates)).digest()
        if digest not in signatures:
            self._check_signatures()
            signatures.add(digest)

    def _check_signatures(self) -> None:
        for each, issuer in zip(self.certificates, (*self.certificates[1:], self.root), strict=True):
            each.check_issued_by(issuer)


def _fingerprinted(algorithm: str, fingerprint: str) -> Callable[[ChainCertificate], bool]:
    digest = FINGERPRINT_HASHES[algorithm]
    return lambda certificate: b64url_encode(digest(certificate.der)) == fingerprint
