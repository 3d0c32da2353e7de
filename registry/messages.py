"""What goes over the wire between a discovery host and the others (WIRE §2.10.1), as nuts-node writes it.

A page of the log is ``{"seed", "timestamp", "entries": {"<timestamp>": "<compact JWT>"}}``; a registration is posted as a bare
JSON string. A timestamp is the log's own counter, not wall time.
"""

import json
from dataclasses import dataclass
from typing import Final, Self

from credentials.errors import MalformedError
from credentials.fields import MAX_INTEGER, Fields, parse_json

MAX_PAGE_BYTES: Final = 16_777_216
"""Bytes of a page that we read. nuts-node stops at 1 MiB, and then its followers are stuck for ever; we go on."""
MAX_PAGE_VALUES: Final = 50_000
"""Most values in a page that we read; a page of 16 MiB has some 28,000 of the shortest registrations there are."""
MAX_REGISTRATION_BYTES: Final = 65_536
"""Characters of one registration; one with a certificate chain of three is 9 kB."""
MAX_SEED_LENGTH: Final = 256
"""Characters of a seed, in practice a UUID."""

_MAX_DIGITS: Final = len(str(MAX_INTEGER))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of a service's log.

    Attributes:
        seed: names this incarnation of the log; empty before the first registration ever.
        timestamp: where to go on: the last entry of this page, or the log's highest.
        entries: timestamp and compact JWT, by timestamp; signed but **not** verified.
    """

    seed: str
    timestamp: int
    entries: tuple[tuple[int, str], ...]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a reply.

        Raises:
            MalformedError: not a page.
        """
        fields = Fields.from_json(body, max_bytes=MAX_PAGE_BYTES, max_values=MAX_PAGE_VALUES, what="log page")
        seed = fields.text("seed")
        if not is_seed(seed):
            raise MalformedError("log page: seed is too long, or holds what can't be printed")
        found = fields.optional_child("entries")
        entries = [] if found is None else [(_timestamp(name), found.text(name)) for name in found.names()]
        return cls(seed=seed, timestamp=fields.count("timestamp"), entries=tuple(sorted(entries)))

    def to_wire(self) -> bytes:
        """The JSON of the reply."""
        entries = {str(timestamp): compact for timestamp, compact in self.entries}
        return _json({"entries": entries, "seed": self.seed, "timestamp": self.timestamp})


def is_seed(text: str) -> bool:
    """Whether a host may call its list so; databases have no NUL in texts."""
    return len(text) <= MAX_SEED_LENGTH and text.isprintable()


def parse_registration(body: bytes) -> str:
    """Read the body of a registration: the compact JWT, not looked into.

    Raises:
        MalformedError: not a JSON string, or too long.
    """
    compact = parse_json(body, max_bytes=MAX_REGISTRATION_BYTES)
    if not isinstance(compact, str):
        raise MalformedError("registration is not a JSON string")
    return compact


def registration_to_wire(compact: str) -> bytes:
    """The body to post."""
    return _json(compact)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _timestamp(name: str) -> int:
    """A decimal number from 1 on, in its only spelling."""
    if not (name.isascii() and name.isdigit()) or name.startswith("0") or len(name) > _MAX_DIGITS:
        raise MalformedError("log page: an entry's timestamp is not a whole number from 1")
    return int(name)
