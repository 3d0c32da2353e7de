"""did:jwk (WIRE §2.3): the identifier is base64url of a public JWK, so nothing has to be fetched and nothing can change.

The one key id is ``<did>#0``. nuts-node reads the standard alphabet (``+`` and ``/``, which stand percent-encoded in a DID), the
specification says base64url: both are read, not mixed. A key for encryption is a DID without a key to sign with.
"""

from collections.abc import Mapping
from typing import Final

from credentials.did.identifier import DID, did_method, did_of_key, parse_did
from credentials.encoding import b64url_decode, b64url_encode, canonical_json
from credentials.errors import MalformedError
from credentials.fields import parse_json
from credentials.keys import KeyId, PublicKey, refuse_private

MAX_JWK_BYTES: Final = 2048
"""Longest JWK read; a DID has at most as many characters."""

_PREFIX: Final = "did:jwk:"


def did_jwk(key: PublicKey) -> DID:
    """The did:jwk of a public key, with the required members of its JWK only."""
    return DID(f"{_PREFIX}{b64url_encode(canonical_json(key.to_jwk()))}")


def key_id_of_did_jwk(did: DID) -> KeyId:
    """The id of the one key of a did:jwk."""
    return KeyId(f"{did}#0")


def resolve_did_jwk(did: DID) -> Mapping[KeyId, PublicKey]:
    """The key that may sign for a did:jwk, by its id; empty for a key that only encrypts.

    Raises:
        MalformedError: not a did:jwk, a private key, or of a kind, curve or size that is not accepted.
    """
    parse_did(did)
    if did_method(did) != "jwk":
        raise MalformedError("not a did:jwk")
    kid = key_id_of_did_jwk(did)
    did_of_key(kid)  # refuses what is too long to be named in a message
    # (1) one alphabet or the other
    text = did.removeprefix(_PREFIX)
    if "%" in text:
        text = _plain(text)
    # (2) a JSON object without private members, read like any JWK
    jwk = parse_json(b64url_decode(text), max_bytes=MAX_JWK_BYTES)
    if not isinstance(jwk, dict):
        raise MalformedError("did:jwk: not a JWK")
    refuse_private(jwk)
    # (3) that signs
    if jwk.get("use") == "enc" or (jwk.get("kty"), jwk.get("crv")) == ("OKP", "X25519"):
        return {}
    return {kid: PublicKey.from_jwk(jwk)}


def _plain(text: str) -> str:
    """Return text in the standard alphabet as base64url; ``+`` and ``/`` come as ``%2B`` and ``%2F``."""
    plain = text.upper().count("%2B") + text.upper().count("%2F")
    if text.count("%") != plain or "-" in text or "_" in text:
        raise MalformedError("did:jwk: neither base64url nor base64")
    for escape, character in (("%2B", "-"), ("%2b", "-"), ("%2F", "_"), ("%2f", "_")):
        text = text.replace(escape, character)
    return text
