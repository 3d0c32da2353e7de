"""Small secrets in files, one each: sealed with AES-256-GCM, or plain for development.

A file is named after a digest of what it holds and its content is bound to that name, so files can not be swapped. Writes are atomic
and synced before they return. Sealed and plain files have different suffixes, so that neither is ever taken for the other.
"""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from node.keys.errors import VaultError
from node.ports import Entropy

KEY_BYTES = 32
SECRETS = ("pseudonym", "seal", "grant")
"""Symmetric secrets that every node has, made when the node was."""

_NONCE_BYTES = 12
_SEALED, _PLAIN = "key", "plain"


class KeyFiles:
    """Values by name in a directory.

    Args:
        directory: where the files are.
        sealing_key: 32 bytes; ``None`` writes files that anybody who gets at the disk can read.
        entropy: for nonces and secrets.
    """

    def __init__(self, directory: Path, sealing_key: bytes | None, entropy: Entropy) -> None:
        self._directory = directory
        self._cipher = AESGCM(sealing_key) if sealing_key is not None else None
        self._suffix, self._other = (_PLAIN, _SEALED) if sealing_key is None else (_SEALED, _PLAIN)
        self._entropy = entropy
        self._secrets: dict[str, bytes] = {}

    def make_secrets(self) -> None:
        """Make the secrets of a new node."""
        for name in SECRETS:
            self.store(f"secret:{name}", self._entropy.token(KEY_BYTES))

    def secret(self, name: str) -> bytes:
        """Return the secret called ``name``; read once, then kept in memory.

        Raises:
            VaultError: it is missing or was changed.
        """
        if name not in self._secrets:
            try:
                self._secrets[name] = self.load(f"secret:{name}")
            except KeyError as error:
                raise VaultError(f"{self._directory} lacks a key of this node") from error
        return self._secrets[name]

    def store(self, name: str, value: bytes) -> None:
        """Write ``value`` under ``name``; it is on disk when this returns."""
        if self._cipher is not None:
            nonce = self._entropy.token(_NONCE_BYTES)
            value = nonce + self._cipher.encrypt(nonce, value, name.encode())
        write_private(self.file(name), value)

    def load(self, name: str) -> bytes:
        """Return the value of ``name``.

        Raises:
            KeyError: there is none.
            VaultError: it was changed, is of another vault key, or lies there in the other form.
        """
        file = self.file(name)
        try:
            content = file.read_bytes()
        except FileNotFoundError as error:
            self._check_other_form(file.with_suffix(f".{self._other}"))
            raise KeyError(name) from error
        if self._cipher is None:
            return content
        try:
            return self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise VaultError(f"{file} was changed, or belongs to another vault key") from error

    def remove(self, name: str) -> None:
        """Take the value of ``name`` off the disk; does nothing when there is none."""
        self.file(name).unlink(missing_ok=True)
        _sync_folder(self._directory)

    def file(self, name: str) -> Path:
        """Where the value of ``name`` is."""
        return self._directory / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}.{self._suffix}"

    def _check_other_form(self, other: Path) -> None:
        if not other.exists():
            return
        if self._suffix == _SEALED:
            raise VaultError(f"{other} is not encrypted", "set unsafe_plain_keys, or make the node anew without it")
        raise VaultError(f"{other} is encrypted, and unsafe_plain_keys is set", "take unsafe_plain_keys out")


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
    _sync_folder(file.parent)


def _sync_folder(directory: Path) -> None:
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
