"""An export proves itself on another machine, and shows nothing of other organisations and nothing clinical."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.audit.export import export_lines, verify_export
from node.audit.head import HeadKeeper
from node.audit.reader_sqlite import SqliteAuditReader
from tests.node.audit.places import DELIVERED
from tests.node.audit.setting import NOW, Keys, SetClock, a_log, a_record


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


async def an_export(path: Path, keys: Keys, *, since: int | None = None, until: int | None = None) -> list[bytes]:
    clock = SetClock()
    async with a_log(path, clock=clock) as log:
        for minute in range(6):
            clock.at = NOW + timedelta(minutes=minute)
            log.outcome(await log.promise(a_record(at=clock.at)), DELIVERED)
            await log.record(a_record(subject="oever", user_name="Geheim", at=clock.at))
        head = await HeadKeeper(log, keys.signing, clock=clock).sign()
        lines: AsyncIterator[bytes] = export_lines(
            SqliteAuditReader(path),
            "gouwe",
            since=NOW + timedelta(minutes=since) if since is not None else None,
            until=NOW + timedelta(minutes=until) if until is not None else None,
            latest=head,
        )
        return [line async for line in lines]


async def test_a_whole_export_verifies_from_lines_and_from_a_file(tmp_path: Path, keys: Keys) -> None:
    lines = await an_export(tmp_path / "audit.db", keys)
    file = tmp_path / "export.ndjson"
    file.write_bytes(b"".join(lines))
    for source in (lines, file):
        report = verify_export(source, keys.public)
        assert report.is_whole, report.findings
        assert [(lane.rows, lane.unsigned) for lane in report.lanes] == [(19, 0)]


@pytest.mark.parametrize(("since", "until"), [(2, None), (None, 3), (2, 4), (0, 1)])
async def test_a_part_verifies_too(tmp_path: Path, keys: Keys, since: int | None, until: int | None) -> None:
    report = verify_export(await an_export(tmp_path / "audit.db", keys, since=since, until=until), keys.public)
    assert report.is_whole, report.findings
    assert report.rows < 19 or until is not None


async def test_rows_of_other_organisations_appear_as_leaves_only(tmp_path: Path, keys: Keys) -> None:
    lines = await an_export(tmp_path / "audit.db", keys)
    assert b"Geheim" not in b"".join(lines)
    assert sum(json.loads(line)["type"] == "leaf" for line in lines) == 6
    outcomes = [line for line in lines if b'\\"row\\":\\"outcome\\"' in line]
    assert len(outcomes) == 6


async def test_any_changed_line_is_found(tmp_path: Path, keys: Keys) -> None:
    lines = await an_export(tmp_path / "audit.db", keys)
    for number, line in enumerate(lines):
        for at in range(3, len(line) - 2, max(1, len(line) // 12)):
            touched = bytearray(line)
            touched[at] ^= 1
            if b'"subject"' in line or b'"from"' in line or b'"end"' in line:
                continue  # says what was asked for; the rows are what is proven
            report = verify_export([*lines[:number], bytes(touched), *lines[number + 1 :]], keys.public)
            assert not report.is_whole, (number, at, bytes(touched))


@pytest.mark.parametrize("number", range(22))
async def test_any_removed_line_is_found(tmp_path: Path, keys: Keys, number: int) -> None:
    lines = await an_export(tmp_path / "audit.db", keys)
    assert len(lines) == 22
    assert not verify_export([*lines[:number], *lines[number + 1 :]], keys.public).is_whole


async def test_swapped_and_doubled_lines_are_found(tmp_path: Path, keys: Keys) -> None:
    lines = await an_export(tmp_path / "audit.db", keys)
    lines[4], lines[5] = lines[5], lines[4]
    assert not verify_export(lines, keys.public).is_whole
    lines[4], lines[5] = lines[5], lines[4]
    assert not verify_export([*lines[:4], lines[4], *lines[4:]], keys.public).is_whole


async def test_an_export_signed_by_somebody_else_is_found(tmp_path: Path, keys: Keys) -> None:
    lines = await an_export(tmp_path / "audit.db", Keys())
    assert "signature" in {finding.code for finding in verify_export(lines, keys.public).findings}
    assert not verify_export(lines, None).signatures_checked


NEARLY_LINES = st.sampled_from(
    [
        b'{"type":"export","lane":"m","after":0,"hash":"00"}',
        b'{"type":"export","lane":"m","after":0,"hash":"' + b"00" * 32 + b'"}',
        b'{"type":"row"}',
        b'{"type":"row","seq":1,"epoch":0,"body":"{}"}',
        b'{"type":"end","seq":0,"rows":0}',
        b'{"type":"head","jws":"a.b.c"}',
        b'{"type":"leaf","seq":1,"leaf":"zz"}',
    ]
)


@given(st.lists(st.binary(max_size=80) | NEARLY_LINES, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_lines_give_a_report(lines: list[bytes]) -> None:
    assert not verify_export(lines, {}).is_whole
