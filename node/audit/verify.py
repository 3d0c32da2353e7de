"""Was the log touched? Verification of a database, of a running log, and of an export on another machine.

All three feed the same :class:`~node.audit.chain.LaneVerifier`. Signed heads are checked with the organisation's keys; without
keys they are only compared, and the report says so. What verification finds is reported, not raised: an auditor wants all of
it.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from credentials.errors import CredentialError, MalformedError
from credentials.keys import KeyId, PublicKey
from node.audit import reader_sqlite
from node.audit.chain import ChainReport, Findings, LaneReport, LaneVerifier
from node.audit.head import SignedHead
from node.audit.schema_sqlite import SCHEMA_VERSION, connect_read_only
from node.audit.search import AuditReader
from node.audit.writer_sqlite import head_file

BATCH_ROWS = 1_000

Keys = Mapping[KeyId, PublicKey]


class HeadChecker:
    """Feeds one lane's heads to its verifier at the right rows.

    Args:
        lane: the verifier; heads are checked against its name.
        stored: (number by which it is stored, compact JWS) in order; ``None`` for a head that stands nowhere in a table.
        keys: ``None`` leaves signatures unchecked.
        whole: the heads are all there are, so that each must name the one before it.
    """

    def __init__(
        self,
        lane: LaneVerifier,
        stored: Iterable[tuple[int | None, str]],
        keys: Keys | None,
        findings: Findings,
        *,
        whole: bool,
    ) -> None:
        self._lane = lane
        self._findings = findings
        self._at: dict[int, list[SignedHead]] = {}
        before: SignedHead | None = None
        for number, compact in stored:
            head = self._accept(number, compact, keys)
            if head is None:
                continue
            if whole and number is not None:
                expected = (before.seq, before.digest) if before is not None else None
                if head.previous != expected:
                    findings.add(
                        lane.lane, head.seq, "head", "the signed head before this one is missing or was changed"
                    )
                before = head
            self._at.setdefault(head.seq, []).append(head)

    def _accept(self, number: int | None, compact: str, keys: Keys | None) -> SignedHead | None:
        place = number if isinstance(number, int) else 0
        try:
            head = SignedHead.parse(compact)
        except MalformedError:
            self._findings.add(self._lane.lane, place, "signature", "a signed head can not be read")
            return None
        try:
            if keys is not None:
                head.verify(keys)
        except CredentialError as error:
            self._findings.add(self._lane.lane, place, "signature", str(error))
            return None
        if head.lane != self._lane.lane or (number is not None and head.seq != number):
            self._findings.add(self._lane.lane, place, "head", "a signed head stands at the wrong place")
            return None
        return head

    def after_row(self) -> None:
        """Compare the heads of the row that was just fed."""
        for head in self._at.pop(self._lane.seq, ()):
            self._lane.head(head.seq, head.hash)

    def finish(self) -> LaneReport:
        """Close the lane; heads that no row was found for say that the tail was cut."""
        return self._lane.finish(sorted(seq for seq in self._at if seq >= self._lane.first))


def verify_database(path: Path, keys: Keys | None = None, *, known_heads: Sequence[str] = ()) -> ChainReport:
    """Verify an audit file; the node need not run (and may).

    Args:
        path: the SQLite file. The signed head beside it is compared too.
        keys: the organisation's keys, present and former; ``None`` leaves signatures unchecked.
        known_heads: signed heads that somebody else kept.

    Raises:
        OSError, sqlite3.Error: there is no such file, or it is not an SQLite database.
    """
    findings = Findings()
    outside = [*known_heads]
    beside = head_file(path)
    if beside.exists():
        outside.append(_head_of_file(beside, findings))
    with closing(connect_read_only(path)) as connection:
        connection.execute("BEGIN")  # one moment for all of it
        _check_storage(connection, findings)
        lanes = reader_sqlite.lanes(connection)
        reports = []
        verifiers = []
        for name in lanes:
            lane = LaneVerifier(name, findings)
            heads: list[tuple[int | None, str]] = [*reader_sqlite.heads(connection, name)]
            heads += [(None, compact) for compact in outside if _lane_of(compact) in (name, None)]
            checker = HeadChecker(lane, heads, keys, findings, whole=True)
            after = -(2**63)
            while found := reader_sqlite.rows(connection, name, after, BATCH_ROWS):
                for row in found:
                    lane.row(row)
                    checker.after_row()
                after = found[-1].seq
            reports.append(checker.finish())
            verifiers.append(lane)
        for compact in outside:
            if not lanes or _lane_of(compact) not in (*lanes, None):
                findings.add(_lane_of(compact) or "", 0, "cut", "a head was signed for a lane that is not there")
        _check_kept_keys(verifiers, reader_sqlite.kept_keys(connection), findings)
    return _report(reports, findings, keys)


async def verify_log(reader: AuditReader, keys: Keys | None) -> ChainReport:
    """Verify a log through its reader, while it runs, on either database."""
    findings = Findings()
    reports = []
    for name in await reader.lanes():
        lane = LaneVerifier(name, findings)
        heads: list[tuple[int | None, str]] = [(_seq_of(compact), compact) for compact in await reader.heads(name)]
        checker = HeadChecker(lane, heads, keys, findings, whole=True)
        after = -(2**63)
        while found := await reader.rows(name, after, BATCH_ROWS):
            for row in found:
                lane.row(row)
                checker.after_row()
            after = found[-1].seq
        # Heads that were signed behind what was read just now are not a cut: the log goes on while it is read.
        reports.append(checker.finish())
    return _report(reports, findings, keys)


def _report(lanes: Sequence[LaneReport], findings: Findings, keys: Keys | None) -> ChainReport:
    return ChainReport(
        lanes=tuple(lanes), findings=tuple(findings.kept), found=findings.count, signatures_checked=keys is not None
    )


def _check_storage(connection: sqlite3.Connection, findings: Findings) -> None:
    """Let SQLite compare its indexes and types with its tables; check the schema's version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        findings.add("", 0, "storage", f"schema version {version}, this program knows {SCHEMA_VERSION}")
    for (message,) in connection.execute("PRAGMA integrity_check(20)").fetchall():
        if message != "ok":
            findings.add("", 0, "storage", f"database: {str(message)[:200]}")


def _check_kept_keys(lanes: Sequence[LaneVerifier], kept: set[tuple[str, bytes, int]], findings: Findings) -> None:
    """Compare single-use values with the records that used them: none without a record, none gone before its time."""
    recorded = {use: lane for lane in lanes for use in lane.once}
    held = set()
    for kind, key, expires in kept:
        use = (kind, key.hex(), expires)
        held.add(use)
        if use not in recorded:
            findings.add("", 0, "single_use", "a single-use value that no record used")
    last = max((lane.last_at for lane in lanes), default=0)
    for use, lane in recorded.items():
        if use[2] >= last and use not in held:
            findings.add(lane.lane, 0, "single_use", "a single-use value is missing that a record used")


def _head_of_file(path: Path, findings: Findings) -> str:
    try:
        content = json.loads(path.read_text())
        compact = str(content["jws"])
        if content != SignedHead.parse(compact).to_json():
            findings.add("", 0, "head", "the head file does not say what its signed head says")
    except (ValueError, KeyError, TypeError, MalformedError):
        findings.add("", 0, "head", "the head file beside the database can not be read")
        return ""
    return compact


def _lane_of(compact: str) -> str | None:
    try:
        return SignedHead.parse(compact).lane
    except MalformedError:
        return None


def _seq_of(compact: str) -> int | None:
    try:
        return SignedHead.parse(compact).seq
    except MalformedError:
        return None
