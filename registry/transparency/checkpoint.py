"""Checkpoints (C2SP tlog-checkpoint) and what witnesses say about them (C2SP tlog-cosignature).

A checkpoint is the log's signed word on how large it is and what is in it. A witness's cosignature says: at this time, this was the
largest tree of that log that I saw, and it goes on from all that I saw before.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from credentials.encoding import b64_decode, b64_encode
from credentials.errors import CredentialError, MalformedError, UntrustedError
from registry.transparency.merkle import HASH_BYTES, MAX_TREE_SIZE
from registry.transparency.note import COSIGNATURE, NoteSigner, Signature, SignedNote, VerifierKey, sign_note

CHECKPOINT_SKEW: Final = timedelta(minutes=5)
"""How far a witness's clock may be ahead of ours."""

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_TIME_BYTES: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says it is.

    Attributes:
        origin: names the log: the name of its key.
        size: leaves.
        root: hash of the tree.
    """

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note; lines behind the third are extensions, signed but not looked at.

        Raises:
            MalformedError: not a checkpoint.
        """
        lines = text.split("\n")
        if len(lines) <= _LINES or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise MalformedError("checkpoint: not an origin, a size and a hash")
        size, root = int(lines[1]), b64_decode(lines[2])
        if size > MAX_TREE_SIZE or len(root) != HASH_BYTES:
            raise MalformedError("checkpoint: the size or the hash is out of range")
        return cls(origin=lines[0], size=size, root=root)

    @property
    def text(self) -> str:
        """The text of the note."""
        return f"{self.origin}\n{self.size}\n{b64_encode(self.root)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint that the log signed; made by `read_checkpoint` and `sign_checkpoint` only.

    Attributes:
        note: as received.
        witnessed: per witness that is believed and signed it, when.
    """

    checkpoint: Checkpoint
    note: SignedNote
    witnessed: dict[VerifierKey, datetime]


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> SignedCheckpoint:
    """Sign a checkpoint as its log."""
    return SignedCheckpoint(checkpoint=checkpoint, note=sign_note(checkpoint.text, signer), witnessed={})


def read_checkpoint(
    body: bytes, log_key: VerifierKey, witnesses: Iterable[VerifierKey], now: datetime
) -> SignedCheckpoint:
    """Read a checkpoint of a stranger and verify it.

    A cosignature that is wrong doesn't make the checkpoint wrong, since anybody may add a line; it doesn't count.

    Args:
        body: the note.
        log_key: has to have signed it, and names the origin.
        witnesses: whose cosignatures count.
        now: aware UTC.

    Raises:
        MalformedError: not a checkpoint.
        UntrustedError: not signed by this log, or another log's.
    """
    note = SignedNote.parse(body)
    # (1) the log's own signature, before anything in it is looked at
    note.signed_by(log_key)
    # (2) a key signs for one log only
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != log_key.name:
        raise UntrustedError("checkpoint: of another log")
    # (3) the witnesses that we know
    witnessed: dict[VerifierKey, datetime] = {}
    for key in witnesses:
        for line in note.of(key):
            try:
                moment = _cosigned_at(line, key, note.text)
            except CredentialError:
                continue
            if moment <= now + CHECKPOINT_SKEW:
                witnessed[key] = max(moment, witnessed.get(key, moment))
    return SignedCheckpoint(checkpoint=checkpoint, note=note, witnessed=witnessed)


def cosign(note: SignedNote, signer: NoteSigner, now: datetime) -> Signature:
    """Sign as a witness. Whoever calls this has verified that the tree goes on from all that was cosigned before."""
    seconds = (now - _EPOCH) // timedelta(seconds=1)
    key = signer.verifier
    signature = signer.sign(_cosigned_message(seconds, note.text))
    return Signature(name=key.name, id=key.id, blob=seconds.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(line: Signature) -> datetime:
    """The time in a cosignature of our own; not verified.

    Raises:
        UntrustedError: not a time.
    """
    try:
        return _EPOCH + timedelta(seconds=int.from_bytes(line.blob[:_TIME_BYTES], "big"))
    except OverflowError as error:
        raise UntrustedError("cosigned in a year that there is not") from error


def _cosigned_at(line: Signature, key: VerifierKey, text: str) -> datetime:
    seconds = int.from_bytes(line.blob[:_TIME_BYTES], "big")
    if key.algorithm != COSIGNATURE or seconds > MAX_TREE_SIZE:
        raise UntrustedError("not a cosignature")
    key.verify(line.blob[_TIME_BYTES:], _cosigned_message(seconds, text))
    return cosigned_at(line)


def _cosigned_message(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
