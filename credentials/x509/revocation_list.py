"""Certificate revocation lists (RFC 5280 §5): what a CA has taken back of what it issued.

A list is read together with the certificate of the CA whose list it should be, and is nobody's list until that CA's key
has signed it: over plain http anybody can put anything in its place. Only whole lists of one CA are read: a delta, or one
that leaves out reasons or speaks for other CAs, would say "not revoked" without knowing.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from credentials.claims import CLOCK_SKEW
from credentials.did.certificate_chain import ChainCertificate
from credentials.errors import MalformedError, UntrustedError
from credentials.keys import PublicKey

MAX_LIST_BYTES: Final = 16_777_216
"""Largest list read, in bytes of DER: about 450,000 certificates."""

_HASHES: Final = frozenset({"sha256", "sha384", "sha512", None})  # None: EdDSA
_KNOWN_CRITICAL: Final = frozenset({x509.IssuingDistributionPoint.oid})
_READ_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """The list of one CA, its signature checked.

    Attributes:
        issuer: the name of the CA, in DER.
        key: of the CA.
        this_update: when it was made, aware UTC.
        next_update: when the next one is due at the latest, aware UTC.
        digest: SHA-256 of the list as received.
        size: in bytes.
        urls: when not empty, the list is only about certificates that name one of these addresses.
        for_users, for_authorities: which kind of certificate it is about.
    """

    issuer: bytes
    key: PublicKey
    this_update: datetime
    next_update: datetime
    digest: bytes
    size: int
    urls: frozenset[str]
    for_users: bool
    for_authorities: bool
    _der: bytes = field(repr=False)
    _list: x509.CertificateRevocationList = field(repr=False)

    @classmethod
    def parse(cls, der: bytes, issuer_certificate: ChainCertificate) -> Self:
        """Read a list and check that it is one of ``issuer_certificate``. Takes milliseconds per megabyte.

        Args:
            der: of a stranger; nothing about it is assumed.
            issuer_certificate: of the CA, from a chain that is validated elsewhere.

        Raises:
            MalformedError: not a readable list, or one without a date for the next.
            UntrustedError: of somebody else, not signed as it has to be, or not a whole list.
        """
        # (1) size and grammar
        if len(der) > MAX_LIST_BYTES:
            raise MalformedError(f"revocation list is larger than {MAX_LIST_BYTES} bytes")
        try:
            parsed = x509.load_der_x509_crl(der)
            issuer = parsed.issuer.public_bytes()
            extensions = list(parsed.extensions)
            this_update, next_update = parsed.last_update_utc, parsed.next_update_utc
        except _READ_ERRORS:
            raise MalformedError("not a readable revocation list") from None
        if next_update is None:
            raise MalformedError("revocation list does not say when the next one is due")
        # (2) of this CA, which may sign lists
        if issuer != issuer_certificate.parts.subject:
            raise UntrustedError("revocation list is of another issuer")
        if issuer_certificate.usage is None or not issuer_certificate.usage.crl_sign:
            raise UntrustedError("CA certificate is not meant to sign revocation lists")
        # (3) whole: nothing critical that we do not know, which includes deltas
        scope: x509.IssuingDistributionPoint | None = None
        for extension in extensions:
            if extension.critical and extension.oid not in _KNOWN_CRITICAL:
                raise UntrustedError("revocation list has an unknown critical extension, or is only a part of one")
            if isinstance(extension.value, x509.DeltaCRLIndicator):
                raise UntrustedError("revocation list is only the changes of one")
            if isinstance(extension.value, x509.IssuingDistributionPoint):
                scope = extension.value
        if scope is not None and (
            scope.indirect_crl
            or scope.only_some_reasons is not None
            or scope.only_contains_attribute_certs
            or scope.relative_name is not None
        ):
            raise UntrustedError("revocation list is not about all certificates of one issuer")
        # (4) signed by this CA, most expensive last
        try:
            hashed = parsed.signature_hash_algorithm
            if (None if hashed is None else hashed.name) not in _HASHES:
                raise UntrustedError("revocation list is signed with a weak hash")
            if not parsed.is_signature_valid(issuer_certificate.loaded):
                raise UntrustedError("revocation list is not signed by its issuer")
        except _READ_ERRORS:
            raise UntrustedError("revocation list is signed in an unknown way") from None
        names = () if scope is None else scope.full_name or ()
        return cls(
            issuer=issuer,
            key=issuer_certificate.key,
            this_update=this_update,
            next_update=next_update,
            digest=hashlib.sha256(der).digest(),
            size=len(der),
            urls=frozenset(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)),
            for_users=scope is None or not scope.only_contains_ca_certs,
            for_authorities=scope is None or not scope.only_contains_user_certs,
            _der=der,
            _list=parsed,
        )

    def is_of(self, issuer: ChainCertificate) -> bool:
        """Whether this is a list of that CA: its name and its key."""
        return self.issuer == issuer.parts.subject and self.key == issuer.key

    def covers(self, certificate: ChainCertificate, named: tuple[str, ...]) -> bool:
        """Whether the list is about this certificate of its issuer at all (RFC 5280 §6.3.3 (b)).

        Args:
            certificate: issued by the CA.
            named: its distribution points; a CA that splits its list says in each part where that one belongs.
        """
        if self.urls and self.urls.isdisjoint(named):
            return False
        return self.for_authorities if certificate.is_authority else self.for_users

    def is_current(self, now: datetime) -> bool:
        """Whether it was made by now and the next one is not due yet."""
        return self.this_update <= now + CLOCK_SKEW and now < self.next_update

    def has(self, serial: int) -> bool:
        """Whether the certificate with this serial number is on the list, revoked or on hold.

        The bytes are searched first: that is twenty times as fast as reading the entries, and most are not on it.

        Raises:
            UntrustedError: the number is negative (RFC 5280 §4.1.2.2), so that nobody can look it up.
        """
        if serial < 0:
            raise UntrustedError("certificate has a negative serial number")
        content = serial.to_bytes(serial.bit_length() // 8 + 1, "big", signed=True)  # of a DER integer
        if content not in self._der:
            return False
        return self._list.get_revoked_certificate_by_serial_number(serial) is not None
