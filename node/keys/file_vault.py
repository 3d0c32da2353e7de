"""Keys in files, encrypted at rest.

Each private key is a file of its own in ``<data>/keys``, sealed with AES-256-GCM under the vault key, which stands in a file
elsewhere (``vault_key`` in the configuration, mode 0600): whoever copies the data directory has nothing. The key's id is the
associated data, so files can not be swapped. Writes are atomic and synced before they are acknowledged.
"""

import asyncio
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.ports import PrivateKey
from node.ports import Entropy

KEY_BYTES = 32
_NONCE_BYTES = 12
SECRETS = ("pseudonym", "seal", "grant")


class VaultError(Exception):
    """The vault can not be used; the message says which file and what to do."""


class FileVault:
    """Private keys and secrets in files. Make one with :meth:`create_new` or :meth:`open`."""

    def __init__(self, directory: Path, sealing_key: bytes, entropy: Entropy) -> None:
        self._directory = directory
        self._cipher = AESGCM(sealing_key)
        self._entropy = entropy
        self._keys: dict[KeyId, SoftwareKey] = {}
        self._secrets: dict[str, bytes] = {}

    @classmethod
    def create_new(cls, directory: Path, vault_key: Path, entropy: Entropy) -> "FileVault":
        """Make an empty vault with its secrets.

        Raises:
            VaultError: there is one already.
        """
        if vault_key.exists():
            raise VaultError(f"{vault_key} exists already")
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(vault_key, entropy.token(KEY_BYTES).hex().encode() + b"\n")
        vault = cls.open(directory, vault_key, entropy)
        for name in SECRETS:
            vault._store(f"secret:{name}", entropy.token(KEY_BYTES))  # noqa: SLF001  # our own constructor
        return vault

    @classmethod
    def open(cls, directory: Path, vault_key: Path, entropy: Entropy) -> "FileVault":
        """Open the vault in ``directory``.

        Raises:
            VaultError: the vault key is missing or is none.
        """
        try:
            sealing_key = bytes.fromhex(vault_key.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise VaultError(
                f"{vault_key} can not be read: without it the keys of this node can not be used"
            ) from error
        if len(sealing_key) != KEY_BYTES:
            raise VaultError(f"{vault_key} does not hold a key of {KEY_BYTES} bytes")
        return cls(directory, sealing_key, entropy)

    async def create(self, kid: KeyId) -> PublicKey:
        """Make a P-256 key under ``kid``; it is on disk before this returns."""
        key = SoftwareKey.generate(kid)
        await asyncio.to_thread(self._store, kid, key.to_pem())
        self._keys[kid] = key
        return key.public

    async def key(self, kid: KeyId) -> PrivateKey:
        """Return the key to sign with; ``KeyError`` when there is none under ``kid``."""
        key = self._keys.get(kid)
        if key is None:
            pem = await asyncio.to_thread(self._load, kid)
            key = self._keys[kid] = SoftwareKey.from_pem(pem, kid)
        return key

    def secret(self, name: str) -> bytes:
        """Return the secret called ``name``; read once, then kept in memory."""
        if name not in self._secrets:
            try:
                self._secrets[name] = self._load(f"secret:{name}")
            except KeyError as error:
                raise VaultError(f"{self._directory} lacks a key of this node") from error
        return self._secrets[name]

    def _file(self, name: str) -> Path:
        return self._directory / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}.key"

    def _store(self, name: str, value: bytes) -> None:
        nonce = self._entropy.token(_NONCE_BYTES)
        write_private(self._file(name), nonce + self._cipher.encrypt(nonce, value, name.encode()))

    def _load(self, name: str) -> bytes:
        file = self._file(name)
        try:
            sealed = file.read_bytes()
        except FileNotFoundError as error:
            raise KeyError(name) from error
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except InvalidTag as error:
            raise VaultError(f"{file} was changed, or belongs to another vault key") from error


def write_private(file: Path, content: bytes) -> None:
    """Write ``content`` so that only we can read it, all of it or nothing, and synced to disk.

    Raises:
        OSError: it could not be written.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
