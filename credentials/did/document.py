"""DID documents: the keys a party may sign with (WIRE §2.2).

Reading is strict about what we rely on (the id, keys under ``assertionMethod``) and indifferent to the rest: other
relationships, relative key ids, kinds of keys we do not know. A key id matches as an exact, absolute text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from credentials.did.identifier import DID
from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.keys import KeyId, PublicKey

MAX_DOCUMENT_BYTES: Final = 1_048_576
"""Largest DID document fetched, in bytes (the limit nuts-node has for any reply)."""
MAX_METHODS: Final = 64
"""Most verification methods read from one document."""

_CONTEXTS = (
    "https://www.w3.org/ns/did/v1",
    "https://w3c-ccg.github.io/lds-jws2020/contexts/lds-jws2020-v1.json",
)
RELATIONSHIPS: Final = ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation")
"""What a signing key of ours may be used for: everything but agreeing on secrets."""
_KNOWN_KEYS = frozenset({("EC", "P-256"), ("EC", "P-384"), ("EC", "P-521"), ("OKP", "Ed25519"), ("RSA", None)})


@dataclass(frozen=True, slots=True, kw_only=True)
class DIDDocument:
    """The document of one DID.

    Attributes:
        id: the DID.
        assertion_keys: keys that may sign for it, by absolute key id, in the order of ``assertionMethod``. Empty for
            a deactivated DID.
        services: ``service`` entries as parsed.
    """

    id: DID
    assertion_keys: Mapping[KeyId, PublicKey]
    services: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, body: bytes, expected: DID) -> Self:
        """Read a document as fetched.

        Args:
            body: JSON.
            expected: the DID that was resolved.

        Raises:
            MalformedError: not a DID document, of another DID, or a key of a known kind is broken.
        """
        fields = Fields.from_json(body, max_bytes=MAX_DOCUMENT_BYTES, what="DID document")
        # (1) of the DID that was asked for
        if fields.text("id") != expected:
            raise MalformedError("DID document is of another DID")
        # (2) methods by id; two with one id would leave open which key is meant
        listed = fields.children("verificationMethod") if fields.raw("verificationMethod") is not None else ()
        methods: dict[str, Fields] = {}
        asserting: list[Fields] = []
        for method in listed:
            if methods.setdefault(method.text("id"), method) is not method:
                raise MalformedError("DID document has two verification methods with one id")
        # (3) those that may sign: by reference, or embedded
        relations = fields.raw("assertionMethod") or []
        if not isinstance(relations, list) or len(relations) > MAX_METHODS or len(methods) > MAX_METHODS:
            raise MalformedError(f"DID document: assertionMethod is not an array of at most {MAX_METHODS} keys")
        for relation in relations:
            if not isinstance(relation, str):
                asserting.append(Fields.of(relation, "DID document.assertionMethod"))
            elif relation in methods:
                asserting.append(methods[relation])
        # (4) their keys
        keys: dict[KeyId, PublicKey] = {}
        for method in asserting:
            kid, key = KeyId(method.text("id")), _key(method, expected)
            if key is not None and keys.setdefault(kid, key) != key:
                raise MalformedError("DID document has two keys with one id")
        services = fields.children("service") if fields.raw("service") is not None else ()
        return cls(id=expected, assertion_keys=keys, services=tuple(service.value for service in services))


def _key(method: Fields, did: DID) -> PublicKey | None:
    """The key of a method; None when it is not one of this DID, or of a kind we do not verify with."""
    jwk = method.raw("publicKeyJwk")
    if not method.text("id").startswith(f"{did}#") or method.raw("controller") != did or not isinstance(jwk, dict):
        return None
    kind = (jwk.get("kty"), None if jwk.get("kty") == "RSA" else jwk.get("crv"))
    if not all(part is None or isinstance(part, str) for part in kind) or kind not in _KNOWN_KEYS:
        return None
    return PublicKey.from_jwk(jwk)


def verification_method(did: DID, kid: KeyId, key: PublicKey) -> dict[str, Any]:
    """Write the entry of ``verificationMethod`` for a key of ours, in the shape nuts-node writes (WIRE §2.2)."""
    return {"id": kid, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": key.to_jwk()}


def build_document(
    did: DID,
    keys: Sequence[tuple[KeyId, PublicKey]],
    services: Sequence[Mapping[str, Any]] = (),
    relationships: Sequence[str] = RELATIONSHIPS,
) -> dict[str, Any]:
    """Write the document of a DID, in the shape nuts-node writes (WIRE §2.2).

    Args:
        did: whose document.
        keys: in order of preference: nuts-node signs with, and shows, the first.
        services: ``{id, type, serviceEndpoint}`` each.
        relationships: what the keys may be used for.
    """
    ids = [kid for kid, _ in keys]
    document: dict[str, Any] = {
        "@context": list(_CONTEXTS),
        "id": did,
        "verificationMethod": [verification_method(did, kid, key) for kid, key in keys],
    }
    document |= {relationship: list(ids) for relationship in relationships}
    if services:
        document["service"] = [dict(service) for service in services]
    return document
