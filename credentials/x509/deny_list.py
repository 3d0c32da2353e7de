"""Deny lists: certificates that a community bars although their CA has not revoked them (WIRE §4.3).

A compact JWS by one key that the operator names. Its payload is an array of
``{"issuer": …, "serialnumber": …, "jwkthumbprint": …, "reason": …}``. A certificate is denied only when issuer name,
serial number and thumbprint of its key (RFC 7638) all match: a mistake in a list then bars too little, and never somebody
else. The list itself has no date, so its age is for whoever fetches it.
"""

from dataclasses import dataclass, field
from typing import Final, Self

from credentials.did.certificate_chain import ChainCertificate
from credentials.errors import MalformedError
from credentials.fields import Fields, parse_json
from credentials.jws import MAX_JWS_BYTES, SignedJWS
from credentials.keys import PublicKey
from credentials.x509.distinguished_name import issuer_text

MAX_DENY_LIST_VALUES: Final = 50_000
"""Most values in a deny list, five for each certificate; it is signed by somebody who is trusted here."""
MAX_DENY_LIST_BYTES: Final = MAX_JWS_BYTES
"""Longest deny list read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyList:
    """Who is barred, and why. Its signature was checked.

    Attributes:
        entries: reason by issuer name, decimal serial number and thumbprint.
    """

    entries: dict[tuple[str, str, str], str] = field(repr=False)
    _serials: frozenset[str] = field(repr=False)

    @classmethod
    def parse(cls, compact_jws: str, trusted: PublicKey) -> Self:
        """Read a deny list and check who signed it.

        Args:
            compact_jws: of a stranger; white space around it is passed over.
            trusted: the key that has to have signed it; Ed25519 with EdDSA in practice.

        Raises:
            MalformedError: not such a list.
            UntrustedError: not signed by that key.
        """
        # (1) the signature first: nothing of an unsigned list is read
        jws = SignedJWS.parse(compact_jws.strip(), max_bytes=MAX_DENY_LIST_BYTES)
        trusted.verify(jws.signature, jws.signing_input, jws.alg)
        # (2) the entries; one that can not be read spoils the list, since it was meant to bar somebody
        entries = parse_json(jws.payload, max_values=MAX_DENY_LIST_VALUES)
        if not isinstance(entries, list):
            raise MalformedError("deny list is not an array")
        found = {}
        for entry in entries:
            fields = Fields.of(entry, "deny list entry")
            key = (fields.text("issuer"), fields.text("serialnumber"), fields.text("jwkthumbprint"))
            found[key] = fields.optional_text("reason") or ""
        return cls(entries=found, _serials=frozenset(serial for _, serial, _ in found))

    def reason_against(self, certificate: ChainCertificate) -> str | None:
        """Why a certificate is denied; None when it is not.

        Raises:
            MalformedError: the name of its issuer is not readable.
        """
        serial = str(certificate.certificate.serial_number)
        if serial not in self._serials:
            return None
        try:
            issuer = issuer_text(certificate.certificate)
        except ValueError:
            raise MalformedError("certificate has an unreadable issuer") from None
        return self.entries.get((issuer, serial, certificate.key.thumbprint()))
