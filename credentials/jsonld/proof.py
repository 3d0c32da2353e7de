"""JsonWebSignature2020: the proof of a JSON-LD document (WIRE §2.11.2).

What is signed is a detached JWS (RFC 7797) over two digests: of the proof's own members and of the document without it,
both in canonical form. The proof's form is always the same, so its canonical form is written down here instead of worked
out. Its members are a closed list, since nuts-node loses others, and all of them texts.

An ``alg`` in the header has to fit the key, and a ``kid`` has to be the verification method.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from credentials.claims import rfc3339_date, to_rfc3339
from credentials.did.identifier import did_of_key
from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.jsonld.canonical import canonical_nquads
from credentials.jsonld.contexts import JWS_2020_CONTEXT
from credentials.jsonld.statements import iri, literal
from credentials.jws import MAX_HEADER_BYTES, compact_json
from credentials.keys import VERIFYING_ALGORITHMS, KeyId, PublicKey
from credentials.ports import PrivateKey

PROOF_TYPE: Final = "JsonWebSignature2020"
ASSERTION: Final = "assertionMethod"
"""The purpose of every proof of nuts-node, on presentations as well."""
PURPOSES: Final[Mapping[str, str]] = {
    ASSERTION: "https://w3id.org/security#assertionMethod",
    "authentication": "https://w3id.org/security#authenticationMethod",
}
"""Purposes accepted, and what they are in RDF."""

_SEC: Final = "https://w3id.org/security#"
_DATE: Final = "http://www.w3.org/2001/XMLSchema#dateTime"
_TYPED: Final = f"_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{_SEC}{PROOF_TYPE}> .\n"
_MEMBERS: Final = frozenset(
    {
        "type",
        "created",
        "expires",
        "verificationMethod",
        "proofPurpose",
        "challenge",
        "domain",
        "nonce",
        "jws",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof as received, **not** verified.

    Attributes:
        verification_method: absolute id of the key that is said to have signed.
        purpose: one of `PURPOSES`.
        created: aware UTC.
        expires: aware UTC; None is never.
        challenge: what the verifier asked to be signed.
        domain: whom a presentation is for.
        nonce: random.
        alg: algorithm of the signature; it has to fit the key.
        header: of the JWS, base64url as received.
        signature: ECDSA as raw ``r || s``.
        options: all members but ``jws``, as received: dates are signed as they were written.
    """

    verification_method: KeyId
    purpose: str
    created: datetime
    expires: datetime | None
    challenge: str | None
    domain: str | None
    nonce: str | None
    alg: str
    header: str = field(repr=False)
    signature: bytes = field(repr=False)
    options: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the one proof of a document; an array of one is the same.

        Raises:
            MalformedError: none, or several, of another type, or a member is missing, unknown or of the wrong kind.
        """
        found = Fields.of(document, "document").one_or_more_children("proof")
        if len(found) != 1:
            raise MalformedError("proof: exactly one is accepted")
        proof = Fields(found[0].value, "proof")
        # (1) the one type, and no member that its signature would not cover
        if proof.text("type") != PROOF_TYPE:
            raise MalformedError(f"proof: type is not {PROOF_TYPE}")
        if proof.names() - _MEMBERS:
            raise MalformedError("proof: has a member that is not accepted")
        options = {name: proof.text(name) for name in proof.names() if name != "jws"}
        # (2) an absolute key id: a relative one would not be signed
        method = proof.text("verificationMethod")
        did_of_key(method)
        # (3) purpose and dates
        if proof.text("proofPurpose") not in PURPOSES:
            raise MalformedError("proof: proofPurpose is not accepted")
        expires = proof.optional_text("expires")
        # (4) the signature
        header, separator, signature = proof.text("jws").partition("..")
        if not separator:
            raise MalformedError("proof: jws is not a detached JWS")
        return cls(
            verification_method=KeyId(method),
            purpose=options["proofPurpose"],
            created=rfc3339_date(proof.text("created")),
            expires=None if expires is None else rfc3339_date(expires),
            challenge=options.get("challenge"),
            domain=options.get("domain"),
            nonce=options.get("nonce"),
            alg=_algorithm(header, method),
            header=header,
            signature=b64url_decode(signature),
            options=options,
        )


def verify_proof(document: Mapping[str, Any], proof: Proof, key: PublicKey) -> None:
    """Check that ``key`` made the proof of this very document: milliseconds of CPU, so not on an event loop.

    Whose key it is, and whether the dates are right, is for the caller.

    Args:
        document: as received, with its proof.
        proof: parsed from it.
        key: the one that ``proof.verification_method`` names.

    Raises:
        MalformedError: the document has no canonical form.
        UntrustedError: the key is of another kind, or the signature does not match.
    """
    key.verify(proof.signature, _signed(document, proof.options, proof.header), proof.alg)


def sign_document(
    document: Mapping[str, Any],
    key: PrivateKey,
    *,
    created: datetime,
    purpose: str = ASSERTION,
    expires: datetime | None = None,
    challenge: str | None = None,
    domain: str | None = None,
    nonce: str | None = None,
) -> dict[str, Any]:
    """Sign a document.

    Args:
        document: with embedded contexts, every term defined by them; a proof it has is replaced. The context of the
            proof is added where it lacks.
        key: signs; its ``kid`` becomes the verification method.
        created: aware UTC, written in whole seconds.
        purpose: one of `PURPOSES`.
        expires: aware UTC, written in whole seconds.
        challenge: what the verifier asked to be signed.
        domain: whom a presentation is for.
        nonce: random.

    Returns:
        The document with its proof; what it holds is not copied.

    Raises:
        MalformedError: the document says something that the signature would not cover.
        ValueError: the key has no absolute id, or an unknown purpose.
    """
    if purpose not in PURPOSES:
        raise ValueError("the purpose of a proof is not known")
    given = {
        "type": PROOF_TYPE,
        "created": to_rfc3339(created),
        "expires": None if expires is None else to_rfc3339(expires),
        "verificationMethod": str(key.kid),
        "proofPurpose": purpose,
        "challenge": challenge,
        "domain": domain,
        "nonce": nonce,
    }
    options = {name: value for name, value in sorted(given.items()) if value is not None}
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    unsigned["@context"] = _with_own_context(unsigned.get("@context"))
    header = b64url_encode(compact_json({"alg": key.alg, "b64": False, "crit": ["b64"], "kid": key.kid}))
    signature = key.sign(_signed(unsigned, options, header))
    return unsigned | {"proof": options | {"jws": f"{header}..{b64url_encode(signature)}"}}


def canonical_options(options: Mapping[str, str]) -> bytes:
    """The canonical form of the members of a proof: what `canonical_nquads` makes of them, without the work.

    Raises:
        MalformedError: the key id has characters of no IRI, or a text has control characters.
    """
    lines = [_TYPED]
    for name, value in options.items():
        match name:
            case "type":
                continue
            case "created":
                lines.append(f"_:c14n0 <http://purl.org/dc/terms/created> {literal(value, _DATE)} .\n")
            case "expires":
                lines.append(f"_:c14n0 <{_SEC}expiration> {literal(value, _DATE)} .\n")
            case "proofPurpose":
                lines.append(f"_:c14n0 <{_SEC}proofPurpose> <{PURPOSES[value]}> .\n")
            case "verificationMethod":
                lines.append(f"_:c14n0 <{_SEC}verificationMethod> {iri(value)} .\n")
            case _:
                lines.append(f"_:c14n0 <{_SEC}{name}> {literal(value)} .\n")
    lines.sort()
    try:
        return "".join(lines).encode()
    except UnicodeEncodeError:
        raise MalformedError("proof: a text has a lone surrogate") from None


def _signed(document: Mapping[str, Any], options: Mapping[str, str], header: str) -> bytes:
    """The bytes under the signature: header, dot, and the two digests."""
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    return (
        f"{header}.".encode()
        + hashlib.sha256(canonical_options(options)).digest()
        + hashlib.sha256(canonical_nquads(unsigned)).digest()
    )


def _algorithm(header: str, method: str) -> str:
    """The ``alg`` of a detached, unencoded JWS; nothing in its header may point elsewhere."""
    fields = Fields.from_json(b64url_decode(header), max_bytes=MAX_HEADER_BYTES, what="proof header")
    if fields.names() - {"alg", "b64", "crit", "kid", "typ"}:
        raise MalformedError("proof header: has a member that is not accepted")
    if fields.raw("b64") is not False or fields.raw("crit") != ["b64"]:
        raise MalformedError("proof header: is not of an unencoded JWS")
    if fields.text("alg") not in VERIFYING_ALGORITHMS:
        raise MalformedError("proof header: alg is not accepted")
    if fields.optional_text("kid") not in {None, method}:
        raise MalformedError("proof header: kid is not the verification method")
    return fields.text("alg")


def _with_own_context(contexts: object) -> list[Any]:
    named = list(contexts) if isinstance(contexts, list | tuple) else [] if contexts is None else [contexts]
    return named if JWS_2020_CONTEXT in named else [*named, JWS_2020_CONTEXT]
