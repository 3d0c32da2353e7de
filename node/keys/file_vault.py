"""Keys in files, encrypted at rest.

Each private key is a file of its own in ``<data>/keys``, sealed under the vault key, which stands in a file elsewhere (``vault_key``
in the configuration, mode 0600): whoever copies the data directory has nothing. With ``unsafe_plain_keys`` there is no vault key
and the files are readable, for development.
"""

import asyncio
from pathlib import Path

from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.ports import PrivateKey
from node.keys.errors import VaultError
from node.keys.key_files import KEY_BYTES, KeyFiles, write_private
from node.ports import Entropy, KeyNaming

__all__ = ["FileVault", "VaultError", "open_key_files", "write_private"]


class FileVault:
    """Private keys and secrets in files. Make one with :meth:`create_new` or :meth:`open`."""

    def __init__(self, files: KeyFiles) -> None:
        self._files = files
        self._keys: dict[KeyId, SoftwareKey] = {}

    @classmethod
    def create_new(cls, directory: Path, vault_key: Path | None, entropy: Entropy) -> "FileVault":
        """Make an empty vault with its secrets; see :func:`create_key_files`."""
        return cls(create_key_files(directory, vault_key, entropy))

    @classmethod
    def open(cls, directory: Path, vault_key: Path | None, entropy: Entropy) -> "FileVault":
        """Open the vault in ``directory``; see :func:`open_key_files`."""
        return cls(open_key_files(directory, vault_key, entropy))

    async def create(self, kid: KeyId | KeyNaming) -> PublicKey:
        """Make a P-256 key under ``kid``; it is on disk before this returns."""
        key = SoftwareKey.generate(kid if isinstance(kid, str) else KeyId(""))
        if not isinstance(kid, str):
            key = key.renamed(kid(key.public))
        await asyncio.to_thread(self._files.store, key.kid, key.to_pem())
        self._keys[key.kid] = key
        return key.public

    async def key(self, kid: KeyId) -> PrivateKey:
        """Return the key to sign with; ``KeyError`` when there is none under ``kid``."""
        key = self._keys.get(kid)
        if key is None:
            pem = await asyncio.to_thread(self._files.load, kid)
            key = self._keys[kid] = SoftwareKey.from_pem(pem, kid)
        return key

    async def remove(self, kid: KeyId) -> None:
        """Take a key away for good."""
        self._keys.pop(kid, None)
        await asyncio.to_thread(self._files.remove, kid)

    def secret(self, name: str) -> bytes:
        """Return the secret called ``name``."""
        return self._files.secret(name)

    def close(self) -> None:
        """Nothing is open."""


def create_key_files(directory: Path, vault_key: Path | None, entropy: Entropy) -> KeyFiles:
    """Make a directory for a new node's keys, with its secrets in it.

    Args:
        directory: made when it is not there.
        vault_key: where the key that encrypts them is put; ``None`` leaves them plain.
        entropy: for the vault key and the secrets.

    Raises:
        VaultError: there is a vault key already.
    """
    if vault_key is not None:
        if vault_key.exists():
            raise VaultError(f"{vault_key} exists already")
        write_private(vault_key, entropy.token(KEY_BYTES).hex().encode() + b"\n")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = open_key_files(directory, vault_key, entropy)
    files.make_secrets()
    return files


def open_key_files(directory: Path, vault_key: Path | None, entropy: Entropy) -> KeyFiles:
    """Open a directory of keys.

    Raises:
        VaultError: the vault key is missing or is none.
    """
    if vault_key is None:
        return KeyFiles(directory, None, entropy)
    try:
        sealing_key = bytes.fromhex(vault_key.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise VaultError(f"{vault_key} can not be read: without it the keys of this node can not be used") from error
    if len(sealing_key) != KEY_BYTES:
        raise VaultError(f"{vault_key} does not hold a key of {KEY_BYTES} bytes")
    return KeyFiles(directory, sealing_key, entropy)
