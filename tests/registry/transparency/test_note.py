"""Notes: one that the authors of the format published with its key, and one of a log that runs in earnest."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import b64_decode, b64_encode
from credentials.errors import CredentialError, MalformedError, UntrustedError
from registry.transparency.checkpoint import Checkpoint, cosign, read_checkpoint, sign_checkpoint
from registry.transparency.note import (
    COSIGNATURE,
    ED25519,
    MAX_NOTE_BYTES,
    NoteSigner,
    SignedNote,
    VerifierKey,
    sign_note,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

# The example of the package that introduced the format (golang.org/x/mod/sumdb/note).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = b64_decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
# A checkpoint of the Go checksum database, and its key.
GOLANG = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GOLANG_NOTE = (
    "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n"
    "\N{EM DASH} sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n"
)


@pytest.mark.spec("signed-note, Signatures")
def test_the_published_note_verifies_and_is_made_again_byte_for_byte() -> None:
    key = VerifierKey.parse(PETER)
    assert str(key) == PETER
    note = SignedNote.parse(f"{PETER_TEXT}\n{PETER_LINE}".encode())
    note.signed_by(key)
    signer = NoteSigner.of("PeterNeumann", ED25519, PETER_SEED)
    assert str(signer.verifier) == PETER
    assert sign_note(PETER_TEXT, signer).to_wire() == f"{PETER_TEXT}\n{PETER_LINE}".encode()


@pytest.mark.spec("tlog-checkpoint, Note text")
def test_a_checkpoint_of_a_log_in_earnest_is_read() -> None:
    note = SignedNote.parse(GOLANG_NOTE.encode())
    note.signed_by(VerifierKey.parse(GOLANG))
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("go.sum database tree", 6_476_701)
    assert checkpoint.text == note.text


def test_a_changed_text_or_another_key_is_refused() -> None:
    key = VerifierKey.parse(PETER)
    for text, line in (
        (PETER_TEXT.replace("think", "thank"), PETER_LINE),
        (PETER_TEXT, PETER_LINE * 2),
        (PETER_TEXT, PETER_LINE.replace("x08go", "x08gp")),
    ):
        with pytest.raises(UntrustedError):
            SignedNote.parse(f"{text}\n{line}".encode()).signed_by(key)


@pytest.mark.parametrize(
    "text",
    ["", "PeterNeumann", PETER + "\n", PETER.replace("c74f20a3", "c74f20a4"), PETER.replace("ARpc", "Ahpc"),
     "Peter Neumann" + PETER[12:], PETER.replace("TW", "=="), "a+00000000+AA=="],
)  # fmt: skip
def test_what_is_not_a_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "x" * 257])
def test_a_name_that_does_not_fit_in_a_line_gets_no_key(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        NoteSigner.of(name, ED25519, bytes(32))


@pytest.mark.parametrize(
    "body",
    [b"", b"text\n", b"text\n\n", b"text\n\nline\n", PETER_LINE.encode(), b"\xff", b"a" * (MAX_NOTE_BYTES + 1),
     f"a\r\n\n{PETER_LINE}".encode(), f"a\n\n{PETER_LINE}"[:-1].encode(), f"a\n\n{PETER_LINE * 65}".encode(),
     "a\n\n\N{EM DASH} name AAAAAA==\n".encode()],
)  # fmt: skip
def test_what_is_not_a_note_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        SignedNote.parse(body)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"{text}\n\n{PETER_LINE}".encode()))
def test_any_bytes_are_a_note_or_refused(body: bytes) -> None:
    try:
        note = SignedNote.parse(body)
    except CredentialError:
        return
    assert note.to_wire() == body


LOG = NoteSigner.of("region.example/discovery/care", ED25519, bytes(32))
WITNESS = NoteSigner.of("mirror.example/witness", COSIGNATURE, bytes([1]) * 32)
CHECKPOINT = Checkpoint(origin="region.example/discovery/care", size=7, root=bytes(32))


@pytest.mark.spec("tlog-cosignature, Ed25519 signed message")
def test_a_cosignature_is_made_as_the_specification_says() -> None:
    note = sign_checkpoint(CHECKPOINT, LOG).note
    line = cosign(note, WITNESS, datetime.fromtimestamp(1_679_315_147, tz=UTC))
    private = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    public = private.public_key().public_bytes_raw()
    message = b"cosignature/v1\ntime 1679315147\nregion.example/discovery/care\n7\n" + b64_encode(bytes(32)).encode()
    assert line.blob == (1_679_315_147).to_bytes(8, "big") + private.sign(message + b"\n")
    assert line.id == sha256(b"mirror.example/witness\n\x04" + public).digest()[:4]


def test_a_checkpoint_counts_the_witnesses_that_signed_it() -> None:
    note = sign_checkpoint(CHECKPOINT, LOG).note
    line = cosign(note, WITNESS, NOW)
    both = note.and_lines({line.id: line})
    key = WITNESS.verifier
    assert read_checkpoint(both.to_wire(), LOG.verifier, [key], NOW).witnessed == {key: NOW}
    assert read_checkpoint(both.to_wire(), LOG.verifier, [], NOW).witnessed == {}
    again = cosign(note, WITNESS, NOW + timedelta(minutes=1))
    assert len(both.and_lines({again.id: again}).signatures) == 2


def test_a_cosignature_of_another_tree_or_from_the_future_does_not_count() -> None:
    key = WITNESS.verifier
    note = sign_checkpoint(CHECKPOINT, LOG).note
    other = sign_checkpoint(Checkpoint(origin=CHECKPOINT.origin, size=8, root=bytes(32)), LOG).note
    for line in (cosign(other, WITNESS, NOW), cosign(note, WITNESS, NOW + timedelta(hours=1))):
        assert read_checkpoint(note.and_lines({line.id: line}).to_wire(), LOG.verifier, [key], NOW).witnessed == {}
    plain = sign_note(note.text, NoteSigner.of(key.name, COSIGNATURE, bytes([1]) * 32)).signatures[0]
    assert read_checkpoint(note.and_lines({plain.id: plain}).to_wire(), LOG.verifier, [key], NOW).witnessed == {}


def test_a_checkpoint_of_another_log_or_key_is_refused() -> None:
    elsewhere = Checkpoint(origin="other.example/log", size=7, root=bytes(32))
    with pytest.raises(UntrustedError, match="another log"):
        read_checkpoint(sign_checkpoint(elsewhere, LOG).note.to_wire(), LOG.verifier, [], NOW)
    stranger = NoteSigner.of(LOG.verifier.name, ED25519, bytes([9]) * 32)
    with pytest.raises(UntrustedError, match="signed by"):
        read_checkpoint(sign_checkpoint(CHECKPOINT, stranger).note.to_wire(), LOG.verifier, [], NOW)
    witness_as_log = sign_note(CHECKPOINT.text, NoteSigner.of(LOG.verifier.name, COSIGNATURE, bytes(32)))
    with pytest.raises(UntrustedError):
        witness_as_log.signed_by(VerifierKey(name=LOG.verifier.name, algorithm=4, public=LOG.verifier.public))


@pytest.mark.parametrize(
    "text",
    ["a\n7\n", "\n7\nAAAA\n", "a\n07\n" + b64_encode(bytes(32)) + "\n", "a\n-1\n" + b64_encode(bytes(32)) + "\n",
     "a\n7\nAAAA\n", "a\n9999999999999999\n" + b64_encode(bytes(32)) + "\n", "a\n7\n!\n"],
)  # fmt: skip
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        Checkpoint.parse(text)
