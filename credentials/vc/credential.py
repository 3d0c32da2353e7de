"""A verifiable credential (VC data model 1.1), as JWT or as JSON-LD: parsed, or verified.

`SignedCredential` reads both formats into one shape and believes nothing. In a JWT the registered claims override the
same members of ``vc`` (WIRE dialects write ``type``, ``credentialSubject`` and ``credentialStatus`` as one value or
as arrays; both are read). `VerifiedCredential` is made by `credentials.vc.verify` only; code that acts on what a
credential says takes that type.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Self

from credentials.claims import numeric_date, rfc3339_date, to_rfc3339
from credentials.did.identifier import DID, parse_did
from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.jsonld.proof import Proof
from credentials.jws import SignedJWS
from credentials.keys import KeyId

VC_CONTEXT: Final = "https://www.w3.org/2018/credentials/v1"
"""JSON-LD context every credential and presentation names."""
NUTS_CONTEXT: Final = "https://nuts.nl/credentials/v1"
"""JSON-LD context of the Nuts credential types."""
VC_TYPE: Final = "VerifiableCredential"
MAX_TYPES: Final = 2
"""``VerifiableCredential`` and one more: nuts-node refuses a credential with more types outright."""

_X5C = frozenset({"x5c"})
_JWT_TYPES = frozenset({None, "JWT", "jwt"})
# Members that JSON-LD writers collapse when they hold one element, and readers therefore have to see collapsed.
_COLLAPSED = ("@context", "type", "credentialSubject", "credentialStatus", "proof")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCredential:
    """A credential as received, **not** verified.

    Attributes:
        format: ``jwt_vc`` or ``ldp_vc``; an unsigned self-attested credential counts as ``ldp_vc``.
        raw: exactly what was received: a compact JWT, or the parsed JSON object.
        id: ``<issuer>#<uuid>`` by custom; a bare UUID when self-attested.
        issuer: who says so.
        types: ``VerifiableCredential`` and at most one more.
        contexts: JSON-LD contexts by URL; among them `VC_CONTEXT`.
        subject_id: whom all subjects of the credential are about; None when they name nobody, or several.
        subjects: ``credentialSubject``, always as a tuple of at least one.
        issued_at: from when it is valid (``nbf``, else ``iat``; ``issuanceDate``), aware UTC.
        expires_at: from when it no longer is, aware UTC; None is never.
        statuses: ``credentialStatus`` entries, each with an id and a type.
        jws: the parsed JWT of a ``jwt_vc``.
        proof: the parsed proof of an ``ldp_vc``; None when it is unsigned.
        body: the ``vc`` claim or the JSON-LD object, as parsed.
    """

    format: Literal["jwt_vc", "ldp_vc"]
    raw: str | Mapping[str, Any] = field(repr=False)
    id: str
    issuer: DID
    types: tuple[str, ...]
    contexts: tuple[str, ...]
    subject_id: DID | None
    subjects: tuple[Mapping[str, Any], ...] = field(repr=False)
    issued_at: datetime
    expires_at: datetime | None
    statuses: tuple[Mapping[str, Any], ...]
    jws: SignedJWS | None = field(repr=False)
    proof: Proof | None = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a credential as it stands in a presentation or a wallet.

        Args:
            value: text is a compact JWT, an object is JSON-LD.

        Raises:
            MalformedError: neither, or a member is missing or of the wrong kind.
        """
        match value:
            case str():
                return cls._parse_jwt(value)
            case Mapping():
                return cls._parse_document(Fields.of(value, "credential"), value)
            case _:
                raise MalformedError("credential is neither a JWT nor an object")

    @classmethod
    def _parse_jwt(cls, compact: str) -> Self:
        """WIRE §2.11.3: iss, sub, jti, nbf, iat, exp override what ``vc`` says."""
        jws = SignedJWS.parse(compact, allow=_X5C)
        if jws.typ not in _JWT_TYPES:
            raise MalformedError("credential: typ is not JWT")
        if jws.kid is None:
            raise MalformedError("credential: kid is missing")
        claims = Fields.from_json(jws.payload, what="credential")
        body = claims.child("vc")
        subjects = tuple(child.value for child in body.one_or_more_children("credentialSubject"))
        subject = claims.optional_text("sub")
        if subject is not None:
            if len(subjects) == 1:
                subjects = ({**subjects[0], "id": subject},)
            elif any(each.get("id") != subject for each in subjects):
                raise MalformedError("credential: sub is not the id of every subject")
        issued, expires = claims.raw("nbf", claims.raw("iat")), claims.raw("exp")
        return cls(
            format="jwt_vc",
            raw=compact,
            id=_identifier(body, "id") if claims.raw("jti") is None else _identifier(claims, "jti"),
            issuer=parse_did(claims.text("iss")) if claims.raw("iss") is not None else _issuer(body),
            types=_types(body),
            contexts=_contexts(body),
            subject_id=_subject_id(subjects),
            subjects=subjects,
            issued_at=numeric_date(issued) if issued is not None else rfc3339_date(body.text("issuanceDate")),
            expires_at=numeric_date(expires) if expires is not None else _expiration(body),
            statuses=_statuses(body),
            jws=jws,
            proof=None,
            body=body.value,
        )

    @classmethod
    def _parse_document(cls, body: Fields, raw: Mapping[str, Any]) -> Self:
        subjects = tuple(child.value for child in body.one_or_more_children("credentialSubject"))
        return cls(
            format="ldp_vc",
            raw=raw,
            id=_identifier(body, "id"),
            issuer=_issuer(body),
            types=_types(body),
            contexts=_contexts(body),
            subject_id=_subject_id(subjects),
            subjects=subjects,
            issued_at=rfc3339_date(body.text("issuanceDate")),
            expires_at=_expiration(body),
            statuses=_statuses(body),
            jws=None,
            proof=None if body.raw("proof") is None else Proof.parse(raw),
            body=body.value,
        )

    @property
    def has_proof(self) -> bool:
        """Whether it is a signed ``ldp_vc``."""
        return self.proof is not None

    @property
    def is_self_attested(self) -> bool:
        """Whether nobody signed it: its issuer has to be the holder who presents it, whose signature covers it."""
        return self.jws is None and self.proof is None

    def evaluation_view(self) -> Mapping[str, Any]:
        """The credential in the shape presentation definitions see (WIRE §2.15, the biggest trap of the protocol).

        A JWT credential shows ``type``, ``credentialSubject`` and ``credentialStatus`` as arrays
        (``$.credentialSubject[0].x``); a JSON-LD one shows arrays of one element collapsed to that element
        (``$.credentialSubject.x``), so ``type`` stays an array when it has two.
        """
        view = dict(self.body)
        if self.jws is None:
            for name in _COLLAPSED:
                value = view.get(name)
                if isinstance(value, list) and len(value) == 1:
                    view[name] = value[0]
            return view
        view |= {
            "@context": list(self.contexts),
            "id": self.id,
            "type": list(self.types),
            "issuer": self.issuer,
            "issuanceDate": to_rfc3339(self.issued_at),
            "credentialSubject": list(self.subjects),
        }
        if self.expires_at is not None:
            view["expirationDate"] = to_rfc3339(self.expires_at)
        if self.statuses:
            view["credentialStatus"] = list(self.statuses)
        return view


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCredential:
    """A credential whose dates, signature and type rules were checked; whether its issuer is believed is not decided.

    Only `credentials.vc.verify` makes one.

    Attributes:
        credential: what was verified.
        issuer_key: the key whose signature matched; None when self-attested, where the holder's signature over the
            presentation covers it.
    """

    credential: SignedCredential
    issuer_key: KeyId | None


def _identifier(fields: Fields, name: str) -> str:
    identifier = fields.text(name)
    if not identifier:
        raise MalformedError(f"credential: {name} is empty")
    return identifier


def _issuer(body: Fields) -> DID:
    issuer = body.raw("issuer")
    return parse_did(body.child("issuer").text("id") if isinstance(issuer, dict) else body.text("issuer"))


def _types(body: Fields) -> tuple[str, ...]:
    types = body.one_or_more_texts("type")
    if len(types) > MAX_TYPES or len(set(types)) != len(types):
        raise MalformedError(f"{body.what}: at most {MAX_TYPES} types")
    if VC_TYPE not in types:
        raise MalformedError(f"{body.what}: type lacks {VC_TYPE}")
    return types


def _contexts(body: Fields) -> tuple[str, ...]:
    contexts = body.one_or_more_texts("@context")
    if VC_CONTEXT not in contexts:
        raise MalformedError(f"{body.what}: @context lacks {VC_CONTEXT}")
    return contexts


def _expiration(body: Fields) -> datetime | None:
    text = body.optional_text("expirationDate")
    return None if text is None else rfc3339_date(text)


def _statuses(body: Fields) -> tuple[Mapping[str, Any], ...]:
    status = body.raw("credentialStatus")
    if status is None or status == []:
        return ()
    entries = body.one_or_more_children("credentialStatus")
    for entry in entries:
        entry.text("id")
        entry.text("type")
    return tuple(entry.value for entry in entries)


def _subject_id(subjects: tuple[Mapping[str, Any], ...]) -> DID | None:
    first = subjects[0].get("id")
    if first is None or any(subject.get("id") != first for subject in subjects):
        return None
    if not isinstance(first, str):
        raise MalformedError("credential: id of a subject is not a text")
    return parse_did(first)
