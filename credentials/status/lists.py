"""A status list: a credential whose one subject is a long bit string (WIRE §2.13; Bitstring Status List 1.0 §2.2).

Both kinds, both formats and both versions of the data model are read: version 1.1 calls its dates ``issuanceDate`` and
``expirationDate``, version 2.0 ``validFrom`` and ``validUntil``; as a JWT, version 1.1 stands in the claim ``vc``, and version 2.0
is the payload itself. What is read is not believed: `credentials.status.verify` checks who signed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self

from credentials.claims import numeric_date, rfc3339_date
from credentials.did.identifier import DID, parse_did
from credentials.errors import MalformedError
from credentials.fields import Fields, parse_json
from credentials.jsonld.proof import Proof
from credentials.jws import SignedJWS
from credentials.keys import KeyId
from credentials.status.bits import decode_bits, is_set
from credentials.status.entry import BITSTRING_STATUS_LIST, STATUS_LIST_2021, ListKind
from credentials.vc.credential import VC_CONTEXT, VC_TYPE

MAX_LIST_DOCUMENT: Final = 524_288
"""Bytes of a published list: the longest bit string that does not compress, twice in base64, with its envelope."""
VC2_CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
"""JSON-LD context of version 2.0 of the data model."""

_KINDS: Final[Mapping[frozenset[str], ListKind]] = {
    frozenset({VC_TYPE, f"{STATUS_LIST_2021}Credential"}): "StatusList2021",
    frozenset({VC_TYPE, f"{BITSTRING_STATUS_LIST}Credential"}): "BitstringStatusList",
}
_JWT_TYPES: Final = frozenset({None, "JWT", "jwt", "vc+jwt", "vc+ld+json+jwt", "vc-ld+jwt"})
_X5C: Final = frozenset({"x5c"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusList:
    """A list as received, **not** verified.

    Attributes:
        kind: by its type.
        names: what it calls itself: the id of the credential, and that of its subject.
        issuer: who says so.
        purposes: what a set bit means, at least one.
        issued_at: from when it is valid, aware UTC; None is always.
        expires_at: from when it no longer is, aware UTC; None is never.
        ttl: how long its publisher lets others keep it; None when it does not say.
        bits: unpacked, at most `credentials.status.bits.MAX_LIST_BYTES`.
        secured: how it is signed: the parsed JWT, or the proof.
        document: the JSON-LD object as parsed; None in a JWT.
    """

    kind: ListKind
    names: frozenset[str]
    issuer: DID
    purposes: tuple[str, ...]
    issued_at: datetime | None
    expires_at: datetime | None
    ttl: timedelta | None
    bits: bytes = field(repr=False)
    secured: SignedJWS | Proof = field(repr=False)
    document: Mapping[str, Any] | None = field(repr=False)

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a list.

        Args:
            value: text is a compact JWT, an object is JSON-LD, bytes are the body of an answer that holds either.

        Raises:
            MalformedError: not a status list of a known kind, or it has a status itself.
        """
        match value:
            case bytes():
                return cls.parse(_value_of(value))
            case str():
                jws = SignedJWS.parse(value, max_bytes=MAX_LIST_DOCUMENT, allow=_X5C)
                if jws.typ not in _JWT_TYPES:
                    raise MalformedError("status list: typ is not that of a credential")
                if jws.kid is None:
                    raise MalformedError("status list: kid is missing")
                claims = Fields.from_json(jws.payload, max_bytes=MAX_LIST_DOCUMENT, what="status list")
                body = claims if claims.raw("vc") is None else claims.child("vc")
                return cls._of(body, claims, secured=jws, document=None)
            case Mapping():
                body = Fields.of(value, "status list")
                return cls._of(body, Fields({}, "status list"), secured=Proof.parse(value), document=value)
            case _:
                raise MalformedError("status list is neither a JWT nor an object")

    @classmethod
    def _of(
        cls, body: Fields, claims: Fields, *, secured: SignedJWS | Proof, document: Mapping[str, Any] | None
    ) -> Self:
        """Read the envelope; registered claims of a JWT override the same members of the body (WIRE §2.11.3)."""
        # (1) a credential, of exactly the type of a list
        if not {VC_CONTEXT, VC2_CONTEXT} & set(body.one_or_more_texts("@context")):
            raise MalformedError("status list: @context lacks that of credentials")
        types = body.one_or_more_texts("type")
        kind = _KINDS.get(frozenset(types))
        if kind is None or len(types) != 2:  # noqa: PLR2004  # VerifiableCredential and the type of the list
            raise MalformedError("status list: type is not that of a status list")
        # (2) a list vouches for itself by its dates; a status of its own would have no end
        if body.raw("credentialStatus") is not None:
            raise MalformedError("status list: has a credentialStatus itself")
        # (3) one subject, of the same kind
        subjects = body.one_or_more_children("credentialSubject")
        if len(subjects) != 1 or subjects[0].text("type") != kind:
            raise MalformedError("status list: does not have one subject of its kind")
        subject = subjects[0]
        ttl = subject.optional_count("ttl")
        names = (
            _first(claims.optional_text("jti"), body.optional_text("id")),
            _first(claims.optional_text("sub"), subject.optional_text("id")),
        )
        return cls(
            kind=kind,
            names=frozenset(name for name in names if name is not None),
            issuer=parse_did(claims.text("iss")) if claims.raw("iss") is not None else _issuer(body),
            purposes=subject.one_or_more_texts("statusPurpose"),
            issued_at=_moment(claims, "nbf", "iat") or _date(body, "issuanceDate", "validFrom"),
            expires_at=_moment(claims, "exp") or _date(body, "expirationDate", "validUntil"),
            ttl=None if ttl is None else timedelta(milliseconds=ttl),
            bits=decode_bits(subject.text("encodedList"), multibase=kind == BITSTRING_STATUS_LIST),
            secured=secured,
            document=document,
        )

    @property
    def kid(self) -> KeyId:
        """The key that is said to have signed."""
        return (
            KeyId(self.secured.kid or "") if isinstance(self.secured, SignedJWS) else self.secured.verification_method
        )

    def is_set(self, index: int) -> bool:
        """Whether the bit at ``index`` is set.

        Raises:
            MalformedError: the list has no such index.
        """
        return is_set(self.bits, index)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatusList:
    """A list whose signature, dates and name were checked. Only `credentials.status.verify` makes one.

    Attributes:
        list: what was verified.
        issuer_key: the key whose signature matched.
        as_of: when its publisher was last heard to publish exactly this, aware UTC.
    """

    list: StatusList
    issuer_key: KeyId
    as_of: datetime


def _value_of(body: bytes) -> object:
    """What an answer holds: an object, a JWT as JSON text, or a bare JWT."""
    if body[:1] not in (b"{", b'"', b" ", b"\t", b"\r", b"\n"):
        try:
            return body.decode("ascii")
        except UnicodeDecodeError:
            raise MalformedError("status list is neither a JWT nor JSON") from None
    return parse_json(body, max_bytes=MAX_LIST_DOCUMENT)


def _issuer(body: Fields) -> DID:
    issuer = body.raw("issuer")
    return parse_did(body.child("issuer").text("id") if isinstance(issuer, Mapping) else body.text("issuer"))


def _first(*values: str | None) -> str | None:
    return next((value for value in values if value is not None), None)


def _moment(claims: Fields, *names: str) -> datetime | None:
    return next((numeric_date(claims.raw(name)) for name in names if claims.raw(name) is not None), None)


def _date(body: Fields, *names: str) -> datetime | None:
    return next((rfc3339_date(body.text(name)) for name in names if body.raw(name) is not None), None)
