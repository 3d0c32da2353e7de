"""An export that proves itself: NDJSON that anybody with the organisation's public keys can verify without the database.

Lines, in this order for each lane::

    {"type": "export", "version": 1, "subject", "lane", "after", "hash", "from", "to"}    where the chain is picked up
    {"type": "row", "seq", "epoch", "body"}     body is the canonical JSON as text, exactly as it was hashed
    {"type": "leaf", "seq", "leaf"}             a row of another organisation on the same node: only its leaf
    {"type": "head", "jws"}                     a signed head, directly behind the row it covers
    {"type": "end", "seq", "rows"}              missing when the export broke off

Queries and reasons stay sealed: an export proves who asked for whom, and says nothing clinical.
"""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from credentials.errors import MalformedError
from credentials.fields import Fields
from node.audit.chain import GENESIS, ChainReport, Findings, LaneReport, LaneVerifier, StoredRow, leaf_of
from node.audit.head import SignedHead
from node.audit.search import AuditReader
from node.audit.verify import BATCH_ROWS, HeadChecker, Keys

MAX_LINE_BYTES = 131_072
"""A body is at most 32 KiB (entry.py), escaped once more."""


async def export_lines(
    reader: AuditReader, subject: str, *, since: datetime | None, until: datetime | None, latest: SignedHead | None
) -> AsyncIterator[bytes]:
    """Yield the export of one organisation between two moments, line by line, each with its newline.

    Args:
        reader: the log.
        subject: whose rows are shown; those of others appear as leaves.
        since: from this moment on; ``None`` for the beginning.
        until: before this moment; ``None`` for everything.
        latest: a head signed just now; appended where its row is in the export.
    """
    for lane in await reader.lanes():
        span = await reader.span(lane, since, until)
        if span is None:
            continue
        first, last = span
        start = GENESIS
        if first > 1:
            (before,) = await reader.rows(lane, first - 2, 1)
            start = before.hash or b""
        heads: dict[int, list[str]] = {}
        for compact in await reader.heads(lane):
            heads.setdefault(SignedHead.parse(compact).seq, []).append(compact)
        if latest is not None and latest.lane == lane and latest.compact not in heads.get(latest.seq, ()):
            heads.setdefault(latest.seq, []).append(latest.compact)
        # go on to the next signed head, so that the last rows asked for are covered by one
        last = min((seq for seq in heads if seq >= last), default=last)
        yield _line({
            "type": "export", "version": 1, "subject": subject, "lane": lane, "after": first - 1, "hash": start.hex(),
            "from": since.isoformat() if since else None, "to": until.isoformat() if until else None,
        })  # fmt: skip
        after, promised, count = first - 1, set[int](), 0
        while after < last:
            found = await reader.rows(lane, after, min(BATCH_ROWS, last - after))
            if not found:
                break
            for row in found:
                yield _shown(row, subject, promised)
                count += 1
                for compact in heads.get(row.seq, ()):
                    yield _line({"type": "head", "jws": compact})
            after = found[-1].seq
        yield _line({"type": "end", "lane": lane, "seq": after, "rows": count})


def _shown(row: StoredRow, subject: str, promised: set[int]) -> bytes:
    """Return the line of a row: whole when it is this organisation's (or nobody's), else its leaf."""
    index = row.index
    own = index is not None and (
        index[2] == subject or (index[0] == "outcome" and index[1] in promised) or index[0] == "mark"
    )
    if not own:
        leaf = leaf_of(row.lane, row.seq, row.epoch, row.body)
        return _line({"type": "leaf", "seq": row.seq, "leaf": leaf.hex()})
    if index is not None and index[0] == "promise":
        promised.add(row.seq)
    elif index is not None and isinstance(index[1], int):
        promised.discard(index[1])
    return _line({"type": "row", "seq": row.seq, "epoch": row.epoch, "body": row.body.decode("utf-8", "replace")})


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def verify_export(source: Path | Iterable[bytes], keys: Keys | None) -> ChainReport:
    """Verify an export on any machine.

    Args:
        source: the file, or its lines.
        keys: the organisation's keys, present and former; ``None`` leaves signatures unchecked, and the report says so.

    Raises:
        OSError: the file can not be read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _verify_lines(file, keys)
    return _verify_lines(source, keys)


class _Lane:
    """One lane of an export while it is read."""

    def __init__(self, header: Fields, keys: Keys | None, findings: Findings) -> None:
        self.findings = findings
        self.keys = keys
        self.rows = 0
        self.has_end = False
        self.verifier = LaneVerifier(
            header.text("lane"), findings, start=(header.count("after"), _digest(header.text("hash")))
        )

    def head(self, compact: str) -> None:
        checker = HeadChecker(self.verifier, [(None, compact)], self.keys, self.findings, whole=False)
        checker.after_row()
        try:
            misplaced = SignedHead.parse(compact).seq != self.verifier.seq
        except MalformedError:
            return  # noted by the checker
        if misplaced:
            self.findings.add(self.verifier.lane, self.verifier.seq, "head", "a signed head stands at the wrong place")

    def finish(self) -> LaneReport:
        if self.rows == 0:
            self.findings.add(self.verifier.lane, self.verifier.seq, "missing", "the export of this lane has no rows")
        if not self.has_end:
            self.findings.add(self.verifier.lane, self.verifier.seq, "cut", "the export breaks off before its end")
        elif self.verifier.signed_upto < self.verifier.seq:
            self.findings.add(
                self.verifier.lane,
                self.verifier.seq,
                "cut",
                f"no signed head covers the rows behind {self.verifier.signed_upto}",
            )
        return self.verifier.finish(())


def _verify_lines(lines: Iterable[bytes], keys: Keys | None) -> ChainReport:
    findings = Findings()
    reports: list[LaneReport] = []
    lane: _Lane | None = None
    for number, line in enumerate(lines, start=1):
        try:
            fields = Fields.from_json(line.rstrip(b"\r\n"), max_bytes=MAX_LINE_BYTES, what=f"line {number}")
            kind = fields.text("type")
            if kind == "export":
                if lane is not None:
                    reports.append(lane.finish())
                lane = _Lane(fields, keys, findings)
            elif lane is None or lane.has_end:
                raise MalformedError("a line outside an export")  # noqa: TRY301  # noted below like any other
            elif kind == "row":
                body = fields.text("body").encode()
                lane.verifier.row(StoredRow(lane.verifier.lane, fields.count("seq"), fields.count("epoch"), body))
                lane.rows += 1
            elif kind == "leaf":
                lane.verifier.stub(fields.count("seq"), _digest(fields.text("leaf")))
                lane.rows += 1
            elif kind == "head":
                lane.head(fields.text("jws"))
            elif kind == "end":
                lane.has_end = True
                if (fields.count("seq"), fields.count("rows")) != (lane.verifier.seq, lane.rows):
                    findings.add(
                        lane.verifier.lane, lane.verifier.seq, "missing", "the end counts other rows than there are"
                    )
            else:
                raise MalformedError("an unknown kind of line")  # noqa: TRY301
        except MalformedError as error:
            findings.add(
                lane.verifier.lane if lane else "",
                lane.verifier.seq if lane else 0,
                "malformed",
                f"line {number}: {error}",
            )
    if lane is not None:
        reports.append(lane.finish())
    else:
        findings.add("", 0, "malformed", "there is no export in this")
    return ChainReport(
        lanes=tuple(reports), findings=tuple(findings.kept), found=findings.count, signatures_checked=keys is not None
    )


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError as error:
        raise MalformedError("a hash can not be read") from error
    if len(digest) != len(GENESIS):
        raise MalformedError("a hash can not be read")
    return digest
