"""The chain: why one changed byte, removed row, swapped row or cut tail is found. Pure; no storage, no clock.

Each row has a *leaf*, SHA-256 over lane, number, epoch and body, and a *hash*, SHA-256 over the hash of the row before and the
leaf. Two steps, so that an export may show only the leaf of a row that is another organisation's business. From time to time
the organisation signs a *head* (``head.py``): (lane, number, hash). What was cut off behind the last head that somebody kept
can not be known; :attr:`LaneReport.unsigned` counts the rows behind it.
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from credentials.errors import MalformedError
from credentials.fields import parse_json
from node.audit.entry import INDEXED, PROMISE, RECORD, Index, index_of

GENESIS = bytes(32)
"""Hash before the first row of a lane."""

MAX_FINDINGS = 100
"""Findings kept in a report; the count goes on."""

_LEAF = b"hazel audit leaf 1\0"
_LINK = b"hazel audit link 1\0"
_NUMBERS = struct.Struct(">HQQ")
_decoder = msgspec.json.Decoder()


def leaf_of(lane: str, seq: int, epoch: int, body: bytes) -> bytes:
    """Return the 32-byte leaf of a row."""
    name = lane.encode("utf-8", "replace")
    return hashlib.sha256(_LEAF + _NUMBERS.pack(len(name), seq, epoch) + name + body).digest()


def link(previous: bytes, leaf: bytes) -> bytes:
    """Return the hash of a row whose predecessor has hash ``previous``."""
    return hashlib.sha256(_LINK + previous + leaf).digest()


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it was found in a database or export; nothing about it is believed.

    Attributes:
        index: the index columns, ``None`` where the source has none (an export).
        hash: as stored, ``None`` where the source has none.
    """

    lane: str
    seq: int
    epoch: int
    body: bytes
    index: Index | None = None
    hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as we wrote it.

    Attributes:
        code: ``changed``, ``missing``, ``index``, ``malformed``, ``epoch``, ``outcome``, ``head``, ``signature``, ``cut``,
            ``single_use``, ``storage``.
        message: a sentence for an auditor.
    """

    lane: str
    seq: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneReport:
    """One lane as far as it was read: numbers of the first and last row, last hash, and up to where a head was signed."""

    lane: str
    first: int
    last: int
    rows: int
    hash: bytes
    signed_upto: int

    @property
    def unsigned(self) -> int:
        """Rows behind the last signed head: had they been cut off, nobody could tell."""
        return self.last - self.signed_upto


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What verification found.

    Attributes:
        findings: empty when everything is as we wrote it; at most :data:`MAX_FINDINGS`.
        found: how many there were.
        signatures_checked: whether keys were given; without them heads are compared but anybody could have written them.
    """

    lanes: tuple[LaneReport, ...]
    findings: tuple[Finding, ...]
    found: int
    signatures_checked: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0

    @property
    def rows(self) -> int:
        """Rows read, in all lanes."""
        return sum(lane.rows for lane in self.lanes)

    def to_json(self) -> dict[str, object]:
        """Return the report for programs."""
        return {
            "whole": self.is_whole,
            "signatures_checked": self.signatures_checked,
            "rows": self.rows,
            "found": self.found,
            "lanes": [
                {
                    "lane": lane.lane,
                    "first": lane.first,
                    "last": lane.last,
                    "rows": lane.rows,
                    "hash": lane.hash.hex(),
                    "signed_upto": lane.signed_upto,
                    "unsigned": lane.unsigned,
                }
                for lane in self.lanes
            ],
            "findings": [
                {"lane": one.lane, "seq": one.seq, "code": one.code, "message": one.message} for one in self.findings
            ],
        }


@dataclass(slots=True)
class Findings:
    """Collects findings up to the limit and counts the rest."""

    kept: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, lane: str, seq: int, code: str, message: str) -> None:
        """Note one."""
        self.count += 1
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(Finding(lane=lane, seq=seq, code=code, message=message))


class LaneVerifier:
    """Reads one lane in order and notes what is wrong.

    Args:
        lane: its name.
        findings: where to note.
        start: number and hash of the row before the first one that is fed; the whole lane starts after (0, GENESIS).
    """

    def __init__(self, lane: str, findings: Findings, *, start: tuple[int, bytes] = (0, GENESIS)) -> None:
        self.lane = lane
        self._findings = findings
        self.first = start[0] + 1
        self.seq, self.hash = start
        self.rows = 0
        self.epoch = 0
        self.signed_upto = start[0]
        self._open: set[int] = set()
        self.once: list[tuple[str, str, int]] = []
        self.last_at = 0

    def _note(self, seq: int, code: str, message: str) -> None:
        self._findings.add(self.lane, seq, code, message)

    def row(self, row: StoredRow) -> None:
        """Check the next row: place, leaf, link, epoch, body, index columns, what it refers to."""
        sound = _fits(row.seq) and _fits(row.epoch) and isinstance(row.body, bytes)
        leaf = leaf_of(self.lane, row.seq, row.epoch, row.body) if sound else b""
        # (1) it is the next one, linked to the one before
        self._advance(row.seq, leaf, row.hash)
        if not sound:
            self._note(row.seq, "malformed", "the row is not of the types that we write")
            return
        # (2) epochs never go back
        if row.epoch < self.epoch:
            self._note(row.seq, "epoch", "the epoch went back")
        self.epoch = max(self.epoch, row.epoch)
        # (3) the body is ours: strict JSON with the members that an index is made of
        try:
            body = parse_json(row.body)
            index = index_of(body)
        except (MalformedError, ValueError, KeyError, TypeError, AttributeError):
            self._note(row.seq, "malformed", "the body is not a record")
            return
        # (4) what is searched by says the same as the body
        if row.index is not None:
            for name, stored, derived in zip(INDEXED, row.index, index, strict=True):
                if type(stored) is not type(derived) or stored != derived:
                    self._note(row.seq, "index", f"column {name} differs from the body")
        # (5) outcomes belong to a promise that is open
        match index[0]:
            case "promise":
                self._open.add(row.seq)
            case "outcome":
                if index[1] in self._open:
                    self._open.discard(index[1])
                elif isinstance(index[1], int) and index[1] >= self.first:
                    self._note(row.seq, "outcome", "an outcome of a promise that is not open")
            case "record" | "mark":
                pass
            case _:
                self._note(row.seq, "malformed", "an unknown kind of row")
        self.last_at = max(self.last_at, index[3])
        for use in body.get("once", ()) if index[0] in (PROMISE, RECORD) else ():
            self.once.append((str(use[0]), str(use[1]), int(use[2])))

    def stub(self, seq: int, leaf: bytes) -> None:
        """Pass a row of which only the leaf is shown."""
        self._advance(seq, leaf, None)

    def _advance(self, seq: int, leaf: bytes, stored: bytes | None) -> None:
        if seq != self.seq + 1:
            self._note(seq, "missing", f"row {self.seq + 1} is missing or out of place")
        computed = link(self.hash, leaf)
        if stored is not None and stored != computed:
            self._note(seq, "changed", "the row does not fit the chain: it, or a row before it, was changed")
        # go on from what is stored, so that one change gives one finding and not a million
        self.hash = stored if stored is not None and len(stored) == len(computed) else computed
        self.seq = seq if _fits(seq) else self.seq + 1
        self.rows += 1

    def head(self, seq: int, digest: bytes) -> None:
        """Compare a signed head with the row just read; call when :attr:`seq` is ``seq``."""
        if digest != self.hash:
            self._note(seq, "head", "the chain differs from the head that was signed here")
        self.signed_upto = max(self.signed_upto, seq)

    def finish(self, heads_behind: Iterable[int]) -> LaneReport:
        """Close the lane; ``heads_behind`` are numbers of signed heads that no row was found for."""
        for seq in heads_behind:
            self._note(seq, "cut", f"a head was signed at {seq}, the chain ends at {self.seq}")
        return LaneReport(
            lane=self.lane,
            first=self.first,
            last=self.seq,
            rows=self.rows,
            hash=self.hash,
            signed_upto=self.signed_upto,
        )


def decode_body(body: bytes) -> dict[str, object]:
    """Decode a body that the chain vouches for; for reading, not for verifying."""
    decoded = _decoder.decode(body)
    if not isinstance(decoded, dict):
        raise MalformedError("not a record")
    return decoded


def _fits(number: object) -> bool:
    return type(number) is int and 0 <= number < 2**63
