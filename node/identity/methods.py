"""Making an identifier of each kind with its key (WIRE §2.2, 2.3).

A did:web names a place and keeps its name when its keys change. A did:key and a did:jwk *are* their key: they can not be rotated and have
no document of their own to publish services in.
"""

from credentials.did.did_jwk import did_jwk, key_id_of_did_jwk
from credentials.did.did_key import did_key, key_id_of_did_key
from credentials.did.did_web import web_did
from credentials.did.identifier import DID
from credentials.keys import KeyId, PublicKey
from node.config.model import DidMethod
from node.ports import Entropy, KeyVault


async def make_did(
    method: DidMethod, vault: KeyVault, entropy: Entropy, public_url: str
) -> tuple[DID, KeyId, PublicKey]:
    """Make a key in ``vault`` and an identifier for it.

    Raises:
        VaultError: the vault can not make it.
    """
    match method:
        case "web":
            did = web_did(public_url, entropy.uuid())
            kid = new_key_id(did, entropy)
            return did, kid, await vault.create(kid)
        case "key":
            public = await vault.create(lambda key: key_id_of_did_key(did_key(key)))
            did = did_key(public)
            return did, key_id_of_did_key(did), public
        case "jwk":
            public = await vault.create(lambda key: key_id_of_did_jwk(did_jwk(key)))
            did = did_jwk(public)
            return did, key_id_of_did_jwk(did), public


def new_key_id(did: DID, entropy: Entropy) -> KeyId:
    """Return the id of a further key of a did:web."""
    return KeyId(f"{did}#{entropy.uuid()}")
