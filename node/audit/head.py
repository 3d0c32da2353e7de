"""Signed heads: the organisation's word for how far its chain had come, and with what hash.

A head is a JWS over ``{"lane", "seq", "hash", "at", "previous"}``. ``previous`` names the head before it by number and digest,
so that a head can not be taken out of the middle. The latest one is kept beside the chain in a table and in a file; who hands
heads to others (``GET …/head``) makes the log provable even against its own operator.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, Self

from credentials.encoding import canonical_json
from credentials.errors import CredentialError, MalformedError, UntrustedError
from credentials.fields import Fields
from credentials.jws import SignedJWS, sign_jws
from credentials.keys import KeyId, PublicKey
from credentials.ports import PrivateKey
from node.audit.log import AuditError
from node.keys.errors import VaultError
from node.keys.signing import sign_with
from node.ports import Clock

logger = logging.getLogger(__name__)

HEAD_TYPE = "hazel-audit-head"
MAX_HEAD_BYTES = 4_096
SIGN_EVERY = 60.0
"""Seconds between signed heads while the chain grows: what an intruder with the disk can cut off unseen at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A head as received or stored: parsed, **not** verified.

    Attributes:
        compact: the JWS.
        seq: number of the last row it covers; ``hash`` is that row's.
        previous: (number, SHA-256 of the compact form) of the head before it; ``None`` for the first of a lane.
    """

    compact: str
    jws: SignedJWS
    lane: str
    seq: int
    hash: bytes
    at: datetime
    previous: tuple[int, bytes] | None

    @classmethod
    def parse(cls, compact: str) -> Self:
        """Parse a head.

        Raises:
            MalformedError: this is not one.
        """
        jws = SignedJWS.parse(compact, max_bytes=MAX_HEAD_BYTES)
        if jws.header.get("typ") != HEAD_TYPE:
            raise MalformedError("not an audit head")
        fields = Fields.from_json(jws.payload, max_bytes=MAX_HEAD_BYTES, what="audit head")
        before = fields.optional_child("previous")
        try:
            at = datetime.fromisoformat(fields.text("at")).astimezone(UTC)
            digest = bytes.fromhex(fields.text("hash"))
            previous = (before.count("seq"), bytes.fromhex(before.text("digest"))) if before is not None else None
        except (ValueError, OverflowError) as error:
            raise MalformedError("audit head: a time or hash can not be read") from error
        return cls(
            compact=compact,
            jws=jws,
            lane=fields.text("lane"),
            seq=fields.count("seq"),
            hash=digest,
            at=at,
            previous=previous,
        )

    def verify(self, keys: Mapping[KeyId, PublicKey]) -> None:
        """Check the signature.

        Args:
            keys: the organisation's present and former keys by key id.

        Raises:
            UntrustedError: unknown key, or a signature that does not verify.
        """
        key = keys.get(KeyId(self.jws.kid or ""))
        if key is None:
            raise UntrustedError("the head is signed by an unknown key")
        key.verify(self.jws.signature, self.jws.signing_input, self.jws.alg)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the compact form."""
        return hashlib.sha256(self.compact.encode()).digest()

    def to_json(self) -> dict[str, object]:
        """Return the shape of ``GET …/head``."""
        return {
            "lane": self.lane,
            "seq": self.seq,
            "hash": self.hash.hex(),
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "jws": self.compact,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a lane has come, on disk."""

    lane: str
    seq: int
    hash: bytes


def sign_head(position: Position, *, previous: SignedHead | None, key: PrivateKey, now: datetime) -> SignedHead:
    """Sign ``position``; ``previous`` is the head before it in the same lane."""
    statement: dict[str, object] = {
        "lane": position.lane,
        "seq": position.seq,
        "hash": position.hash.hex(),
        "at": now.isoformat().replace("+00:00", "Z"),
    }
    if previous is not None:
        statement["previous"] = {"seq": previous.seq, "digest": previous.digest.hex()}
    return SignedHead.parse(sign_jws({"typ": HEAD_TYPE}, canonical_json(statement), key))


class HeadStore(Protocol):
    """Where the writer of a lane keeps its heads."""

    async def position(self) -> Position:
        """Return how far this writer's lane has come, everything before it durable."""
        ...

    async def latest_head(self) -> str | None:
        """Return the newest head of this writer's lane, as stored."""
        ...

    async def keep_head(self, head: SignedHead) -> None:
        """Store ``head`` durably, in the table and beside it."""
        ...


class HeadKeeper:
    """Signs the chain's head from time to time, and on request.

    Args:
        store: the writer.
        key: returns the organisation's present signing key.
    """

    def __init__(self, store: HeadStore, key: Callable[[], Awaitable[PrivateKey]], *, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._busy = asyncio.Lock()

    async def sign(self) -> SignedHead | None:
        """Return a head that covers everything written so far, signing a new one when the chain has grown.

        Returns:
            ``None`` while the chain is empty.

        Raises:
            AuditUnavailableError: it can not be kept.
            VaultError: it can not be signed now.
        """
        async with self._busy:
            position = await self._store.position()
            if position.seq == 0:
                return None
            stored = await self._store.latest_head()
            latest = _parse_or_none(stored)
            if latest is not None and (latest.lane, latest.seq, latest.hash) == (
                position.lane,
                position.seq,
                position.hash,
            ):
                return latest
            now = self._clock.now()
            head = await sign_with(
                await self._key(), lambda key: sign_head(position, previous=latest, key=key, now=now)
            )
            await self._store.keep_head(head)
            return head

    async def run(self) -> None:
        """Sign every :data:`SIGN_EVERY` seconds, for ever; what goes wrong is logged and tried again."""
        while True:
            await self._clock.sleep(SIGN_EVERY)
            try:
                await self.sign()
            except (AuditError, CredentialError, VaultError, OSError) as error:
                logger.warning("audit head not signed", extra={"error": type(error).__name__})


def _parse_or_none(compact: str | None) -> SignedHead | None:
    if compact is None:
        return None
    try:
        return SignedHead.parse(compact)
    except MalformedError:  # somebody changed it; verification says so, signing goes on
        logger.warning("latest audit head is unreadable")
        return None


def head_file_text(head: SignedHead) -> str:
    """Return what stands in the file beside the database: one JSON object, for people and programs."""
    return json.dumps(head.to_json(), indent=1) + "\n"
