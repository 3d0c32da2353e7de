"""What a discovery service's log says, leaf by leaf, and what follows from it: who is registered (`Roll`).

A leaf is canonical JSON (RFC 8785) and holds a digest of the message, not the message: those come in the pages of the list, as
nuts-node has it. So a leaf is some 250 bytes where a registration is 3 to 11 kB.

=============== ===================================================================================
``began``       the log begins, with this ``seed``
``registered``  message ``number`` of ``holder`` was taken; an earlier one of that holder no longer counts
``withdrawn``   the same, and the message withdraws
``expired``     message ``number`` of ``holder`` came to the end of its time
=============== ===================================================================================

``at`` and ``expires`` are seconds since 1970. Numbers only go up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal, Self, cast, get_args

from credentials.did.identifier import DID
from credentials.encoding import b64url_decode, b64url_encode, canonical_json
from credentials.errors import MalformedError
from credentials.fields import Fields
from registry.messages import is_seed
from registry.transparency.merkle import HASH_BYTES
from registry.transparency.tiles import MAX_LEAF_BYTES

Event = Literal["began", "registered", "withdrawn", "expired"]

EXPIRY_SKEW: Final = timedelta(minutes=5)
"""How early a log may say that a message expired: its clock is not ours."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVENTS: Final = frozenset(get_args(Event))
_NOBODY: Final = DID("")


def digest_of(compact: str) -> bytes:
    """What a leaf says of a message: SHA-256 of its characters."""
    return sha256(compact.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One thing that happened.

    Attributes:
        at: when, as the host says; aware UTC, whole seconds.
        number: of the message in the service's list; 0 when the log began.
        holder: whose message; empty when the log began.
        digest: `digest_of` the message; empty unless one was taken.
        expires_at: until when the message counts; None unless one was taken.
        seed: of the list; only when the log began.
    """

    event: Event
    at: datetime
    number: int = 0
    holder: DID = _NOBODY
    digest: bytes = b""
    expires_at: datetime | None = None
    seed: str = ""

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a leaf. Members that we don't know are ignored.

        Raises:
            MalformedError: not a leaf.
        """
        fields = Fields.from_json(body, max_bytes=MAX_LEAF_BYTES, what="log leaf")
        event = fields.text("event")
        if event not in _EVENTS:
            raise MalformedError("log leaf: an event that we do not know")
        at = _moment(fields.count("at"))
        if event == "began":
            seed = fields.text("seed")
            if not is_seed(seed):
                raise MalformedError("log leaf: seed is too long, or holds what can't be printed")
            return cls(event="began", at=at, seed=seed)
        taken, holder = event != "expired", fields.text("holder")
        if not (holder.isascii() and holder.isprintable()):
            raise MalformedError("log leaf: holder is no DID")
        digest = b64url_decode(fields.text("sha256")) if taken else b""
        if taken and len(digest) != HASH_BYTES:
            raise MalformedError("log leaf: sha256 is not one")
        return cls(
            event=cast("Event", event),  # it is one of them, see above
            at=at,
            number=fields.count("number"),
            holder=DID(holder),
            digest=digest,
            expires_at=_moment(fields.count("expires")) if taken else None,
        )

    def to_bytes(self) -> bytes:
        """The leaf as it is hashed and served."""
        wire: dict[str, Any] = {"event": self.event, "at": _seconds(self.at)}
        if self.event == "began":
            wire["seed"] = self.seed
        else:
            wire |= {"number": self.number, "holder": self.holder}
        if self.expires_at is not None:
            wire |= {"sha256": b64url_encode(self.digest), "expires": _seconds(self.expires_at)}
        return canonical_json(wire)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A message that counts, by the log.

    Attributes:
        digest: `digest_of` the message.
        is_here: whether we have it.
    """

    number: int
    holder: DID
    digest: bytes
    expires_at: datetime
    is_here: bool = False


@dataclass(slots=True, kw_only=True)
class Roll:
    """Who is registered, by the log: what is left of its leaves.

    Attributes:
        seed: of the list; empty until it is known.
        last: the highest number that was given out.
        listed: by holder.
        early: holders whose message was called expired before its time; it stays.
    """

    seed: str = ""
    last: int = 0
    listed: dict[DID, Listed] = field(default_factory=dict)
    early: set[DID] = field(default_factory=set)

    def add(self, leaf: Leaf) -> None:
        """Take one leaf more.

        Raises:
            MalformedError: it can't come after those before it.
        """
        match leaf.event:
            case "began":
                if self.seed or self.last:
                    raise MalformedError("log: it begins twice")
                self.seed = leaf.seed
            case "expired":
                standing = self.listed.get(leaf.holder)
                if standing is None or standing.number != leaf.number:
                    return
                if leaf.at + EXPIRY_SKEW < standing.expires_at:
                    self.early.add(leaf.holder)
                else:
                    del self.listed[leaf.holder]
            case "registered" | "withdrawn":
                if leaf.number <= self.last or leaf.expires_at is None:
                    raise MalformedError("log: numbers do not go up")
                self.last = leaf.number
                self.early.discard(leaf.holder)
                self.listed[leaf.holder] = Listed(
                    number=leaf.number, holder=leaf.holder, digest=leaf.digest, expires_at=leaf.expires_at
                )

    def forget_expired(self, now: datetime) -> None:
        """Let go of what no longer counts."""
        for holder in [each.holder for each in self.listed.values() if each.expires_at <= now]:
            del self.listed[holder]
            self.early.discard(holder)

    def wanted(self, now: datetime) -> Mapping[int, Listed]:
        """What counts and is not here, by number."""
        return {each.number: each for each in self.listed.values() if not each.is_here and each.expires_at > now}

    def have(self, holder: DID) -> None:
        """Note that the message of a holder is here."""
        self.listed[holder] = replace(self.listed[holder], is_here=True)


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)


def _moment(seconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise MalformedError("log leaf: a year that there is not") from error
