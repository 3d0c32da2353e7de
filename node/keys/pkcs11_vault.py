"""Private keys in a PKCS #11 token: made there, used there, never in this process.

The symmetric secrets of the node (they seal records and make pseudonyms, many times per request) stay in files encrypted under the
vault key. Keys that were made in files before the token was configured are not moved, since a key that was ever outside is not kept by the
token: ``hazel key rotate`` makes a new one in it, and the old public keys go on verifying.
"""

from credentials.keys import KeyId, PublicKey
from credentials.ports import PrivateKey
from node.keys.key_files import KeyFiles
from node.keys.own_thread import OwnThread
from node.keys.pkcs11_token import Pkcs11Token
from node.ports import KeyNaming


class Pkcs11Key:
    """A key in a token; implements `credentials.ports.PrivateKey`.

    ``sign`` waits for the device: on the event loop it is called through ``node/keys/signing.py``.
    """

    __slots__ = ("_thread", "_token", "alg", "kid", "public")

    def __init__(self, kid: KeyId, public: PublicKey, token: Pkcs11Token, thread: OwnThread) -> None:
        self.kid = kid
        self.public = public
        self.alg = public.algorithms[0]
        self._token = token
        self._thread = thread

    def sign(self, signing_input: bytes) -> bytes:
        """Sign in the token.

        Raises:
            VaultAwayError: it does not answer, or the key is gone from it.
        """
        try:
            return self._thread.call(lambda: self._token.sign(self.kid, signing_input))
        except KeyError as error:
            raise self._token.away("the key is not in it any more") from error

    def __repr__(self) -> str:
        return f"Pkcs11Key({self.kid!r})"


class Pkcs11Vault:
    """A ``KeyVault`` with keys in a token and secrets in files.

    Opening does not need the device: a node starts without it, says so in its status, and signs again when it is back.
    """

    def __init__(self, files: KeyFiles, token: Pkcs11Token) -> None:
        self._files = files
        self._token = token
        self._thread = OwnThread("pkcs11", token.away)
        self._keys: dict[KeyId, Pkcs11Key] = {}

    async def create(self, kid: KeyId | KeyNaming) -> PublicKey:
        """Make a P-256 key in the token."""
        name, public = await self._thread.run(lambda: self._token.create(kid))
        self._keys[name] = Pkcs11Key(name, public, self._token, self._thread)
        return public

    async def key(self, kid: KeyId) -> PrivateKey:
        """Return the key to sign with; ``KeyError`` when the token has none under ``kid``."""
        key = self._keys.get(kid)
        if key is None:
            public = await self._thread.run(lambda: self._token.find(kid))
            key = self._keys[kid] = Pkcs11Key(kid, public, self._token, self._thread)
        return key

    async def remove(self, kid: KeyId) -> None:
        """Destroy a key in the token."""
        self._keys.pop(kid, None)
        await self._thread.run(lambda: self._token.remove(kid))

    def secret(self, name: str) -> bytes:
        """Return the secret called ``name``."""
        return self._files.secret(name)

    def close(self) -> None:
        """Close the session, when the device still answers."""
        self._thread.stop(last=self._token.close)
