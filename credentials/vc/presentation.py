"""A verifiable presentation as JWT: parsed, or verified.

Both dialects of nuts-node are read (WIRE §0): release 6.2 writes no ``iss`` and ``iat``, adds ``vp.holder`` and
collapses arrays of one element; master writes ``iss`` = ``sub`` and keeps the arrays. Every name of the holder that
is present has to be the DID of the key that signed; the key id has to be absolute.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from credentials.claims import numeric_date
from credentials.did.identifier import DID, did_of_key
from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.jws import SignedJWS
from credentials.keys import KeyId
from credentials.vc.credential import VC_CONTEXT, SignedCredential, VerifiedCredential

VP_TYPE: Final = "VerifiablePresentation"
RETRACTION_TYPE: Final = "RetractedVerifiablePresentation"
"""Extra type of a presentation that withdraws a registration (WIRE §2.10.4)."""
MAX_CREDENTIALS: Final = 32
"""Most credentials in one presentation; a presentation definition has at most as many descriptors."""

_JWT_TYPES = frozenset({None, "JWT", "jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPresentation:
    """A JWT presentation as received, **not** verified.

    Attributes:
        holder: who presents: the DID of ``kid``, equal to ``iss``, ``sub`` and ``vp.holder`` where those are present.
        kid: key that is said to have signed.
        id: ``jti``.
        audience: ``aud``, at least one.
        nonce: None when absent.
        issued_at: ``nbf``, else ``iat``; aware UTC.
        expires_at: ``exp``, after ``issued_at``; aware UTC.
        types: among them ``VerifiablePresentation``.
        credentials: in the order presented; none in a retraction.
        retract_jti: id of the presentation that this one withdraws.
        vp: the ``vp`` claim as parsed; paths of a submission are evaluated on it, literally.
        jws: the parsed JWT.
    """

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
    jws: SignedJWS = field(repr=False)

    @classmethod
    def parse(cls, compact: str) -> Self:
        """Read a compact JWT.

        Raises:
            MalformedError: not a JWT presentation, or its names of the holder contradict each other.
        """
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
        issued = claims.raw("nbf", claims.raw("iat"))
        if issued is None or claims.raw("exp") is None:
            raise MalformedError("presentation: nbf (or iat) and exp are required")
        issued_at, expires_at = numeric_date(issued), numeric_date(claims.raw("exp"))
        if expires_at <= issued_at:
            raise MalformedError("presentation: exp is not after nbf")
        # (4) the envelope
        if not claims.text("jti"):
            raise MalformedError("presentation: jti is empty")
        types = vp.one_or_more_texts("type")
        if VP_TYPE not in types:
            raise MalformedError(f"presentation: type lacks {VP_TYPE}")
        if VC_CONTEXT not in vp.one_or_more_texts("@context"):
            raise MalformedError(f"presentation: @context lacks {VC_CONTEXT}")
        # (5) what it carries: absent, one, or an array
        carried = vp.raw("verifiableCredential")
        items = carried if isinstance(carried, list) else [] if carried is None else [carried]
        if len(items) > MAX_CREDENTIALS:
            raise MalformedError(f"presentation: more than {MAX_CREDENTIALS} credentials")
        return cls(
            holder=holder,
            kid=KeyId(jws.kid or ""),
            id=claims.text("jti"),
            audience=claims.one_or_more_texts("aud"),
            nonce=claims.optional_text("nonce"),
            issued_at=issued_at,
            expires_at=expires_at,
            types=types,
            credentials=tuple(SignedCredential.parse(item) for item in items),
            retract_jti=claims.optional_text("retract_jti"),
            vp=vp.value,
            jws=jws,
        )


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
