"""A verifiable presentation, as JWT or as JSON-LD: parsed, or verified.

Both dialects of nuts-node are read (WIRE §0): release 6.2 writes no ``iss`` and ``iat``, adds ``vp.holder`` and
collapses arrays of one element; master writes ``iss`` = ``sub`` and keeps the arrays. In JSON-LD the proof says what the
claims of a JWT say. Every name of the holder that is present has to be the DID of the key that signed; the key id has to
be absolute.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

from credentials.claims import numeric_date
from credentials.did.identifier import DID, did_of_key
from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.jsonld.proof import Proof
from credentials.jsonld.shape import check_together
from credentials.jws import SignedJWS
from credentials.keys import KeyId
from credentials.vc.credential import VC_CONTEXT, SignedCredential, VerifiedCredential

VP_TYPE: Final = "VerifiablePresentation"
RETRACTION_TYPE: Final = "RetractedVerifiablePresentation"
"""Extra type of a presentation that withdraws a registration (WIRE §2.10.4)."""
MAX_CREDENTIALS: Final = 32
"""Most credentials in one presentation; a presentation definition has at most as many descriptors."""
ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""From when a presentation is valid that does not say so."""
NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""When a presentation expires that does not say so."""

_JWT_TYPES = frozenset({None, "JWT", "jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPresentation:
    """A presentation as received, **not** verified.

    Attributes:
        raw: exactly what was received: a compact JWT, or the parsed JSON object.
        holder: who presents: the DID of ``kid``, equal to ``iss``, ``sub`` and ``holder`` where those are present.
        kid: key that is said to have signed: ``kid``, or the verification method of the proof.
        id: ``jti``, or the id of the object.
        audience: ``aud``, or the domain of the proof; empty when it is for nobody in particular.
        nonce: None when absent; the challenge of a proof that has no nonce.
        issued_at: ``nbf``, else ``iat``; when the proof was created; aware UTC.
        expires_at: ``exp``, or when the proof expires, after ``issued_at``; aware UTC.
        types: among them ``VerifiablePresentation``.
        credentials: in the order presented; none in a retraction.
        retract_jti: id of the presentation that this one withdraws.
        vp: the ``vp`` claim or the JSON-LD object, as parsed; paths of a submission are evaluated on it, literally.
        secured: how it is signed: the parsed JWT, or the proof.
    """

    raw: str | Mapping[str, Any] = field(repr=False)
    holder: DID
    kid: KeyId
    id: str
    audience: tuple[str, ...]
    nonce: str | None
    issued_at: datetime
    expires_at: datetime
    types: tuple[str, ...]
    credentials: tuple[SignedCredential, ...]
    retract_jti: str | None
    vp: dict[str, Any] = field(repr=False)
    secured: SignedJWS | Proof = field(repr=False)

    @classmethod
    def parse(cls, value: object, *, open_ended: bool = False) -> Self:
        """Read a presentation.

        Args:
            value: text is a compact JWT, an object is JSON-LD.
            open_ended: accept one that does not say from or until when it is valid: then that is `ALWAYS` or `NEVER`. For who
                looks at somebody else's message and grants nothing on it.

        Raises:
            MalformedError: neither, or its names of the holder contradict each other.
        """
        match value:
            case str():
                return cls._parse_jwt(value, open_ended=open_ended)
            case Mapping():
                return cls._parse_document(Fields.of(value, "presentation"), value, open_ended=open_ended)
            case _:
                raise MalformedError("presentation is neither a JWT nor an object")

    @classmethod
    def _parse_jwt(cls, compact: str, *, open_ended: bool) -> Self:
        # (1) a JWT of this kind, by an absolute key id
        jws = SignedJWS.parse(compact)
        if jws.typ not in _JWT_TYPES:
            raise MalformedError("presentation: typ is not JWT")
        holder = did_of_key(jws.kid or "")
        claims = Fields.from_json(jws.payload, what="presentation")
        vp = claims.child("vp")
        # (2) one holder
        for name in (claims.optional_text("iss"), claims.optional_text("sub"), vp.optional_text("holder")):
            if name is not None and name != holder:
                raise MalformedError("presentation: iss, sub or holder is not the DID of kid")
        # (3) a time to live
        issued, expires = claims.raw("nbf", claims.raw("iat")), claims.raw("exp")
        if (issued is None or expires is None) and not open_ended:
            raise MalformedError("presentation: nbf (or iat) and exp are required")
        issued_at = ALWAYS if issued is None else numeric_date(issued)
        expires_at = NEVER if expires is None else numeric_date(expires)
        if expires_at <= issued_at:
            raise MalformedError("presentation: exp is not after nbf")
        # (4) the envelope
        if not claims.text("jti"):
            raise MalformedError("presentation: jti is empty")
        return cls(
            raw=compact,
            holder=holder,
            kid=KeyId(jws.kid or ""),
            id=claims.text("jti"),
            audience=() if claims.raw("aud") is None else claims.one_or_more_texts("aud"),
            nonce=claims.optional_text("nonce"),
            issued_at=issued_at,
            expires_at=expires_at,
            types=_types(vp),
            credentials=_credentials(vp),
            retract_jti=claims.optional_text("retract_jti"),
            vp=vp.value,
            secured=jws,
        )

    @classmethod
    def _parse_document(cls, vp: Fields, raw: Mapping[str, Any], *, open_ended: bool) -> Self:
        """WIRE §2.5.3: what a JWT says in claims, the proof says; ``retract_jti`` does not exist here."""
        # (1) a proof, by an absolute key id
        proof = Proof.parse(raw)
        holder = did_of_key(proof.verification_method)
        # (2) one holder
        if vp.optional_text("holder") not in {None, holder}:
            raise MalformedError("presentation: holder is not the DID of verificationMethod")
        # (3) a time to live
        if proof.expires is None and not open_ended:
            raise MalformedError("presentation: expires is required")
        expires_at = NEVER if proof.expires is None else proof.expires
        if expires_at <= proof.created:
            raise MalformedError("presentation: expires is not after created")
        # (4) the envelope
        if not vp.text("id"):
            raise MalformedError("presentation: id is empty")
        return cls(
            raw=raw,
            holder=holder,
            kid=proof.verification_method,
            id=vp.text("id"),
            audience=() if proof.domain is None else (proof.domain,),
            nonce=proof.nonce if proof.nonce is not None else proof.challenge,
            issued_at=proof.created,
            expires_at=expires_at,
            types=_types(vp),
            credentials=_credentials(vp),
            retract_jti=None,
            vp=vp.value,
            secured=proof,
        )

    @property
    def format(self) -> Literal["jwt_vp", "ldp_vp"]:
        """Its name in presentation definitions and metadata."""
        return "jwt_vp" if isinstance(self.secured, SignedJWS) else "ldp_vp"

    @property
    def jws(self) -> SignedJWS:
        """The parsed JWT, for who takes no other format.

        Raises:
            MalformedError: it is JSON-LD.
        """
        if not isinstance(self.secured, SignedJWS):
            raise MalformedError("presentation is not a JWT")
        return self.secured

    @property
    def proof(self) -> Proof | None:
        """The parsed proof; None in a JWT."""
        return self.secured if isinstance(self.secured, Proof) else None

    @property
    def needs_canonicalising(self) -> bool:
        """Whether verifying it, or a credential in it, takes milliseconds: too long for an event loop."""
        return self.proof is not None or any(each.has_proof for each in self.credentials)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPresentation:
    """A presentation that its holder signed for us, with every credential in it verified.

    Only `credentials.vc.verify` makes one. Whether the issuers are believed is for the presentation definition to say.

    Attributes:
        presentation: what was verified.
        credentials: one for each credential presented, in the same order.
    """

    presentation: SignedPresentation
    credentials: tuple[VerifiedCredential, ...]


def _types(vp: Fields) -> tuple[str, ...]:
    types = vp.one_or_more_texts("type")
    if VP_TYPE not in types:
        raise MalformedError(f"presentation: type lacks {VP_TYPE}")
    if VC_CONTEXT not in vp.one_or_more_texts("@context"):
        raise MalformedError(f"presentation: @context lacks {VC_CONTEXT}")
    return types


def _credentials(vp: Fields) -> tuple[SignedCredential, ...]:
    """What it carries: absent, one, or an array."""
    carried = vp.raw("verifiableCredential")
    items = carried if isinstance(carried, list) else [] if carried is None else [carried]
    if len(items) > MAX_CREDENTIALS:
        raise MalformedError(f"presentation: more than {MAX_CREDENTIALS} credentials")
    found = tuple(SignedCredential.parse(item) for item in items)
    check_together([each.raw for each in found if each.has_proof and isinstance(each.raw, Mapping)])
    return found
