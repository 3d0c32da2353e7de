"""Signed notes (C2SP signed-note): a text, and below it a line per signature of a key with a name.

A verifier key is one line, ``<name>+<key id>+<base64 of algorithm and key>``, and stands in a service's definition. Lines of keys that
we were not told of are kept and not judged.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from credentials.encoding import b64_decode, b64_encode
from credentials.errors import MalformedError, UntrustedError

MAX_NOTE_BYTES: Final = 16_384
"""Bytes of a note that we read."""
MAX_SIGNATURES: Final = 64
"""Signature lines of a note that we read."""
MAX_NAME_LENGTH: Final = 256
"""Characters of a key's name."""

ED25519: Final = 1
"""Algorithm of a plain signature."""
COSIGNATURE: Final = 4
"""Algorithm of a witness's timed signature (tlog-cosignature)."""
_ID_BYTES: Final = 4
_LINE: Final = re.compile(r"\N{EM DASH} (?P<name>[^ +\s]{1,256}) (?P<signature>[A-Za-z0-9+/]{8,400}={0,2})")
_VKEY: Final = re.compile(r"(?P<name>[^ +\s]{1,256})\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]{4,200}={0,2})")

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")

Algorithm = Literal[1, 4]


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """The four bytes by which a signature line finds its key."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:_ID_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """The public key of a log or of a witness.

    Attributes:
        name: like the address of whom it belongs to, without its scheme.
        algorithm: `ED25519` for a log, `COSIGNATURE` for a witness.
        public: 32 bytes.
    """

    name: str
    algorithm: Algorithm
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the one line.

        Raises:
            MalformedError: not a verifier key, or of an algorithm that we don't know.
        """
        found = _VKEY.fullmatch(text)
        if found is None:
            raise MalformedError("verifier key: not of the form <name>+<key id>+<key>")
        raw = b64_decode(found["key"])
        if len(raw) != 1 + 32 or raw[0] not in (ED25519, COSIGNATURE):
            raise MalformedError("verifier key: not an Ed25519 key of a log or a witness")
        algorithm: Algorithm = 1 if raw[0] == ED25519 else 4
        key = cls(name=found["name"], algorithm=algorithm, public=raw[1:])
        if key.id.hex() != found["id"]:
            raise MalformedError("verifier key: its id does not belong to its name and key")
        return key

    def __str__(self) -> str:
        """The one line."""
        return f"{self.name}+{self.id.hex()}+{b64_encode(bytes([self.algorithm]) + self.public)}"

    @property
    def id(self) -> bytes:
        """Its four bytes."""
        return key_id(self.name, self.algorithm, self.public)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature over exactly ``message``.

        Raises:
            UntrustedError: it is not one of this key.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise UntrustedError("the signature is not one of this key") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSigner:
    """A key to sign with.

    Attributes:
        verifier: its public half.
    """

    verifier: VerifierKey
    _private: Ed25519PrivateKey

    @classmethod
    def of(cls, name: str, algorithm: Algorithm, seed: bytes) -> Self:
        """Make the key that follows from 32 secret bytes.

        Raises:
            ValueError: the name does not fit in a line.
        """
        if not 0 < len(name) <= MAX_NAME_LENGTH or re.search(r"[ +\s]", name):
            raise ValueError("the name of a key has no spaces and no plus")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        verifier = VerifierKey(name=name, algorithm=algorithm, public=private.public_key().public_bytes_raw())
        return cls(verifier=verifier, _private=private)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One line below a note; **not** verified.

    Attributes:
        id: of the key that it says it is of.
        blob: what comes behind the id.
    """

    name: str
    id: bytes
    blob: bytes

    @property
    def line(self) -> str:
        """As it is written, with its end."""
        return f"\N{EM DASH} {self.name} {b64_encode(self.id + self.blob)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A note as received; its signatures are **not** verified.

    Attributes:
        text: what is signed, with the end of its last line.
    """

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a note.

        Raises:
            MalformedError: not a note.
        """
        if len(body) > MAX_NOTE_BYTES:
            raise MalformedError("note: too long")
        try:
            whole = body.decode()
        except UnicodeDecodeError as error:
            raise MalformedError("note: not UTF-8") from error
        if _CONTROL.search(whole):
            raise MalformedError("note: control characters")
        text, is_split, lines = whole.rpartition("\n\n")
        if not is_split or not lines.endswith("\n") or not text:
            raise MalformedError("note: no signatures below it")
        found = [_signature(line) for line in lines.removesuffix("\n").split("\n")]
        if len(found) > MAX_SIGNATURES:
            raise MalformedError("note: too many signatures")
        return cls(text=text + "\n", signatures=tuple(found))

    def to_wire(self) -> bytes:
        """The bytes of the note."""
        return f"{self.text}\n{''.join(each.line for each in self.signatures)}".encode()

    def of(self, key: VerifierKey) -> tuple[Signature, ...]:
        """The lines that say they are of this key."""
        return tuple(each for each in self.signatures if each.name == key.name and each.id == key.id)

    def signed_by(self, key: VerifierKey) -> None:
        """Check the plain signature of a key.

        Raises:
            UntrustedError: there is none, more than one, or a wrong one.
        """
        lines = self.of(key)
        if len(lines) != 1 or key.algorithm != ED25519:
            raise UntrustedError("note: not signed by the key it has to be signed by")
        key.verify(lines[0].blob, self.text.encode())

    def and_lines(self, more: Mapping[bytes, Signature]) -> "SignedNote":
        """The note with these lines too, by key id; those of the same key are replaced."""
        kept = [each for each in self.signatures if each.id not in more]
        return SignedNote(text=self.text, signatures=(*kept, *more.values())[:MAX_SIGNATURES])


def sign_note(text: str, signer: NoteSigner) -> SignedNote:
    """Sign a text that ends with the end of a line."""
    key = signer.verifier
    return SignedNote(text=text, signatures=(Signature(name=key.name, id=key.id, blob=signer.sign(text.encode())),))


def _signature(line: str) -> Signature:
    found = _LINE.fullmatch(line)
    if found is None:
        raise MalformedError("note: a line below it is not a signature")
    raw = b64_decode(found["signature"])
    if len(raw) <= _ID_BYTES:
        raise MalformedError("note: a signature is too short")
    return Signature(name=found["name"], id=raw[:_ID_BYTES], blob=raw[_ID_BYTES:])
