"""Paging links that a holder gives out: sealed, bound to one grant, and short-lived.

A server's own link (``?_getpages=<uuid>``) names neither type nor patient, and whoever has it gets the page (REAL.md,
surprise 2). So the peer gets a sealed text instead: it shows nothing, opens only under the grant it was made for, and says
itself of which step and patient the next page has to be. It is used as ``{base}/{Type}?_cursor=…``.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import CredentialError
from node.exchange.interaction import NotAllowedError

MAX_LINK = 1_024
NONCE_BYTES = 12

_MAX_SEALED = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where the next page is, and what must be true of it.

    Attributes:
        usecase: id of the use case.
        table: id of the query table.
        step: id of the step whose page it is.
        patient_ids: logical ids at this holder of the patient it is about.
        link: relative to the base of the holder's own FHIR server.
        expires_at: aware UTC, whole seconds.
    """

    usecase: str
    table: str
    step: str
    patient_ids: tuple[str, ...]
    link: str
    expires_at: datetime


def seal_cursor(cursor: Cursor, *, grant: str, secret: bytes, nonce: bytes) -> str:
    """Return ``cursor`` as text for a URL, base64url.

    Args:
        cursor: what to seal.
        grant: identifies the grant; the text opens under no other.
        secret: 32 bytes of the node's vault.
        nonce: 12 bytes, never used before.

    Raises:
        ValueError: the link is longer than we can carry.
    """
    if len(cursor.link) > MAX_LINK:
        raise ValueError("the paging link is too long")
    plain = json.dumps(
        [
            cursor.usecase,
            cursor.table,
            cursor.step,
            list(cursor.patient_ids),
            cursor.link,
            int(cursor.expires_at.timestamp()),
        ],
        separators=(",", ":"),
    ).encode()
    return b64url_encode(nonce + AESGCM(_key(secret)).encrypt(nonce, plain, grant.encode()))


def open_cursor(text: str, *, grant: str, secret: bytes, now: datetime) -> Cursor:
    """Open what :func:`seal_cursor` made. Total: any text gives a value or the one error.

    Raises:
        NotAllowedError: not ours, not this grant's, or too old; which of them isn't told.
    """
    refused = NotAllowedError("cursor_not_valid", "the paging link is not valid here or has expired")
    if len(text) > _MAX_SEALED:
        raise refused
    try:
        sealed = b64url_decode(text)
        plain = AESGCM(_key(secret)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], grant.encode())
    except (CredentialError, InvalidTag, ValueError):
        raise refused from None
    usecase, table, step, patient_ids, link, expires = _read(plain)
    expires_at = datetime.fromtimestamp(expires, UTC)
    if now >= expires_at:
        raise refused
    return Cursor(
        usecase=usecase,
        table=table,
        step=step,
        patient_ids=tuple(patient_ids),
        link=link,
        expires_at=expires_at,
    )


def _key(secret: bytes) -> bytes:
    """Derive a key of our own: the secret seals other things too."""
    return hmac.digest(secret, b"hazel paging cursor 1", "sha256")


def _read(plain: bytes) -> Any:
    """Read what we sealed ourselves; the tag vouches for its shape."""
    return json.loads(plain)
