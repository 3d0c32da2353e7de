"""did:x509 (RFC023, WIRE §2.14): an identifier that names a CA and values of a certificate under it.

``did:x509:0:<hash>:<fingerprint of a CA>::<policy>:<key>:<value>[:<key>:<value>…]::<policy>…`` with percent-encoded
values. It needs no document: the chain of certificates comes with the signature. Whoever controls a key with a
certificate under that CA that has those values *is* that identifier, so relying on one means constraining the CA:
the chain itself proves nothing about who made it.

We write one block per policy, the blocks and the keys in them sorted: of two blocks of one policy nuts-node reads only
the last when it compares a credential with its issuer, although an example of RFC023 has two. We read all blocks, but
never the same key twice, so that every (policy, key) has one value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from urllib.parse import quote, unquote

from cryptography import x509
from cryptography.x509.oid import NameOID

from credentials.did.certificate_chain import FINGERPRINT_HASHES, CertificateChain, ChainCertificate
from credentials.did.identifier import DID, parse_did
from credentials.errors import MalformedError, UntrustedError
from credentials.keys import PublicKey
from credentials.ports import SignatureCache
from credentials.x509.chain_building import ReadingBudget

__all__ = [
    "OTHER_NAME_OID",
    "UZI_POLICIES",
    "CertificateChain",
    "X509Identifier",
    "is_x509_did",
    "resolve_x509",
    "uzi_other_names",
    "x509_did",
]

UZI_POLICIES: Final = ("san:otherName", "subject:L", "subject:O")
"""What identifies a care organisation: its UZI number and URA, its name and its city."""
OTHER_NAME_OID: Final = x509.ObjectIdentifier("2.5.5.5")
"""Type of the otherName that carries the UZI number."""

_PREFIX = "did:x509:"
_SUBJECT_OIDS: Final = {
    "serialNumber": NameOID.SERIAL_NUMBER,
    "CN": NameOID.COMMON_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "STREET": NameOID.STREET_ADDRESS,
}
_SAN_KEYS = ("otherName", "dns", "email", "ip")
_KEYS: Final[dict[str, frozenset[str]]] = {"subject": frozenset(_SUBJECT_OIDS), "san": frozenset(_SAN_KEYS)}
# DER of UTF8String (RFC023), and of PrintableString and IA5String, which real UZI certificates use for the same ASCII text
_TEXT_TAGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}
_READ_ONLY_HASHES: Final = frozenset({"sha1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class X509Identifier:
    """A did:x509, taken apart.

    Attributes:
        did: as received.
        algorithm: hash of the fingerprint: sha1, sha256, sha384 or sha512.
        fingerprint: of a CA certificate, base64url.
        policies: decoded value by (policy, key): ``("subject", "O")``.
    """

    did: DID
    algorithm: str
    fingerprint: str
    policies: Mapping[tuple[str, str], str]

    @classmethod
    def parse(cls, did: DID) -> Self:
        """Read a did:x509.

        Raises:
            MalformedError: not one, or a policy, key or hash that is not known.
        """
        if not is_x509_did(parse_did(did)):
            raise MalformedError("not a did:x509")
        head, *blocks = did.removeprefix(_PREFIX).split("::")
        match head.split(":"):
            case ["0", algorithm, fingerprint] if algorithm in FINGERPRINT_HASHES and fingerprint:
                pass
            case _:
                raise MalformedError("did:x509: version, hash or fingerprint is not accepted")
        if not blocks:
            raise MalformedError("did:x509 has no policy")
        policies: dict[tuple[str, str], str] = {}
        for block in blocks:
            policy, *pairs = block.split(":")
            if policy not in _KEYS or not pairs or len(pairs) % 2:
                raise MalformedError("did:x509 has an unknown policy, or one without value")
            for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                if key not in _KEYS[policy] or (policy, key) in policies:
                    raise MalformedError("did:x509 has an unknown key in a policy, or one twice")
                policies[policy, key] = _decoded(value)
        return cls(did=did, algorithm=algorithm, fingerprint=fingerprint, policies=policies)

    def chain_in(self, x5c: object, *, budget: ReadingBudget | None = None) -> CertificateChain:
        """Read the chain of a message that is signed for this identifier; for ``budget`` see `CertificateChain.parse`.

        Raises:
            MalformedError: not an array of certificates.
            UntrustedError: they are not one chain that has the CA it names.
        """
        return CertificateChain.parse(x5c, through=(self.algorithm, self.fingerprint), budget=budget)


def is_x509_did(did: str) -> bool:
    """Whether the method is x509."""
    return did.startswith(_PREFIX)


def resolve_x509(
    did: DID | X509Identifier, chain: CertificateChain, now: datetime, *, signatures: SignatureCache | None = None
) -> PublicKey:
    """Find the key that may sign for a did:x509 (WIRE §2.14).

    Args:
        did: the identifier, parsed or not.
        chain: from the ``x5c`` of the message; nothing about it is assumed.
        now: aware UTC.
        signatures: see `CertificateChain.validate`.

    Returns:
        The leaf's key: the one and only key ``<did>#0``. Revocation of the certificates was not checked.

    Raises:
        MalformedError: not a did:x509, or the subject of the leaf is not readable.
        UntrustedError: the chain does not support this identifier.
        NotCurrentError: a certificate is not valid at ``now``.
    """
    identifier = did if isinstance(did, X509Identifier) else X509Identifier.parse(did)
    # (1) the CA it names is in the chain, above the leaf
    if not chain.has_issuer(identifier.algorithm, identifier.fingerprint):
        raise UntrustedError("did:x509: the CA it names is not in the chain")
    # (2) the leaf has every value it names; of several values of one kind any may match
    subject = chain.leaf.subject_values()
    for (policy, key), value in identifier.policies.items():
        if value not in _values(chain.leaf, subject, policy, key):
            raise UntrustedError(f"did:x509: {policy}:{key} is not in the certificate")
    # (3) the leaf's key may sign; any extended usage will do
    usage = chain.leaf.usage
    if usage is not None and not usage.digital_signature:
        raise UntrustedError("did:x509: the certificate is not meant for signatures")
    # (4) the chain holds, most expensive last
    chain.validate(now, signatures=signatures)
    return chain.leaf.key


def x509_did(chain: CertificateChain, *, hash: str = "sha256", policies: Sequence[str] = UZI_POLICIES) -> DID:  # noqa: A002  # the word of the DID method
    """Make the did:x509 of a certificate, over the fingerprint of its root.

    Args:
        chain: the certificate and its issuers; validated by whoever resolves the identifier.
        hash: sha256, sha384 or sha512.
        policies: what to name, as ``<policy>:<key>``; the values are read from the leaf.

    Raises:
        MalformedError: an unknown hash, policy or key, or the leaf does not have exactly one such value.
    """
    if hash not in FINGERPRINT_HASHES.keys() - _READ_ONLY_HASHES:
        raise MalformedError("did:x509: hash is not accepted")
    blocks: dict[str, list[str]] = {}
    subject = chain.leaf.subject_values()
    for name in sorted(set(policies)):
        policy, _, key = name.partition(":")
        if key not in _KEYS.get(policy, ()):
            raise MalformedError(f"did:x509 has no policy {name}")
        values = _values(chain.leaf, subject, policy, key)
        if len(values) != 1:
            raise MalformedError(f"certificate does not have exactly one {name}")
        blocks.setdefault(policy, [policy]).extend((key, _encoded(values[0])))
    return parse_did(
        "::".join(
            [f"{_PREFIX}0:{hash}:{chain.fingerprints(hash)[-1]}", *(":".join(block) for block in blocks.values())]
        )
    )


def uzi_other_names(leaf: ChainCertificate) -> tuple[str, ...]:
    """The otherNames of type 2.5.5.5, where a UZI certificate has its numbers. Others are passed over."""
    if leaf.names is None:
        return ()
    texts = (
        _text(name.value) for name in leaf.names.get_values_for_type(x509.OtherName) if name.type_id == OTHER_NAME_OID
    )
    return tuple(text for text in texts if text is not None)


def _values(
    leaf: ChainCertificate, subject: Mapping[x509.ObjectIdentifier, tuple[str, ...]], policy: str, key: str
) -> tuple[str, ...]:
    """The values a leaf has for a known policy and key; ``subject`` is its name, read once."""
    if policy == "subject":
        return subject.get(_SUBJECT_OIDS[key], ())
    if key == "otherName":
        return uzi_other_names(leaf)
    if leaf.names is None:
        return ()
    if key == "dns":
        return tuple(leaf.names.get_values_for_type(x509.DNSName))
    if key == "email":
        return tuple(leaf.names.get_values_for_type(x509.RFC822Name))
    return tuple(str(address) for address in leaf.names.get_values_for_type(x509.IPAddress))


def _text(der: bytes) -> str | None:
    """The text of a DER UTF8String, PrintableString or IA5String of at most 127 bytes; None for anything else."""
    encoding = _TEXT_TAGS.get(der[0]) if len(der) > 1 else None
    if encoding is None or der[1] != len(der) - 2 or der[1] > 0x7F:  # noqa: PLR2004  # X.690 §8.1.3.4: the short form of a length
        return None
    try:
        return der[2:].decode(encoding)
    except UnicodeError:
        return None


def _encoded(value: str) -> str:
    return quote(value, safe="").replace("~", "%7E")  # a DID has no "~"


def _decoded(value: str) -> str:
    if "%" not in value:
        return value
    try:
        return unquote(value, errors="strict")  # never empty: that would have read as the end of the block
    except UnicodeError:
        raise MalformedError("did:x509 has a value that is not UTF-8") from None
