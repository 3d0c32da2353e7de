"""What verification finds: a changed byte in any column of any row, removed and swapped rows, a cut tail, touched heads."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from credentials.keys import KeyId, SoftwareKey
from node.audit.chain import ChainReport, leaf_of, link
from node.audit.entry import INDEXED
from node.audit.head import HeadKeeper, Position, SignedHead, head_file_text, sign_head
from node.audit.verify import verify_database
from node.audit.writer_sqlite import head_file
from tests.node.audit.places import DELIVERED
from tests.node.audit.setting import KID, NOW, Keys, SetClock, a_log, a_record, a_use, change, rows_of


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


@pytest.fixture
async def path(tmp_path: Path, keys: Keys) -> Path:
    """An audit file with every kind of row in it and three signed heads, the last one over the last row."""
    path = tmp_path / "audit.db"
    async with a_log(path) as log:
        keeper = HeadKeeper(log, keys.signing, clock=SetClock())
        for name in "ab":
            log.outcome(await log.promise(a_record(reference="R-1"), once=[a_use(name)]), DELIVERED)
            await log.record(a_record(decision="deny", kind="refusal", query=None, rules=()))
            await keeper.sign()
        await log.promise(a_record(subject="oever", patient=None, peer_ura=None))
        await keeper.sign()
    return path


def changed(value: Any) -> list[Any]:
    """Return a value with one thing changed, in each place where that can be."""
    match value:
        case None:
            return ["x", 7]
        case int():
            return [value ^ 1, value + 2**20]
        case str():
            return [value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value))]
        case bytes():
            return [value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] for at in range(len(value))]
        case _:
            raise TypeError(type(value))


def found(path: Path, keys: Keys, **more: Any) -> set[str]:
    return {finding.code for finding in verify_database(path, keys.public, **more).findings}


def test_an_untouched_log_is_whole_and_covered_by_its_last_head(path: Path, keys: Keys) -> None:
    report = verify_database(path, keys.public)
    assert report.is_whole, report.findings
    assert report.signatures_checked
    assert [(lane.lane, lane.rows, lane.unsigned) for lane in report.lanes] == [("main", 8, 0)]
    assert report.to_json()["whole"] is True


def test_without_keys_the_chain_is_checked_and_the_report_says_that_signatures_were_not(path: Path) -> None:
    report = verify_database(path)
    assert report.is_whole
    assert not report.signatures_checked


@pytest.mark.parametrize(("table", "identity"), [("audit", "seq"), ("head", "seq"), ("single_use", "key")])
def test_one_changed_byte_in_any_column_of_any_row_is_found(path: Path, keys: Keys, table: str, identity: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    cursor = connection.execute(f"SELECT * FROM {table}")
    columns = [description[0] for description in cursor.description]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    tried = 0
    for number, row in enumerate(rows):
        for column, before in row.items():
            options = changed(before)
            # every byte of one row and a sample of the others: all of it would take minutes and say the same
            for value in options if number == 1 else options[:: max(1, len(options) // 3)]:
                try:
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {identity} = ?", (value, row[identity]))
                except sqlite3.Error:  # the table's own types refuse it
                    continue
                tried += 1
                assert not verify_database(path, keys.public).is_whole, (column, row[identity], value)
                now = value if column == identity else row[identity]
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {identity} = ?", (before, now))
    connection.close()
    assert tried > 25
    assert verify_database(path, keys.public).is_whole


@pytest.mark.parametrize("seq", range(1, 9))
def test_a_removed_row_is_found(path: Path, keys: Keys, seq: int) -> None:
    change(path, "DELETE FROM audit WHERE seq = ?", seq)
    assert found(path, keys)


@pytest.mark.parametrize("seq", range(1, 9))
def test_a_removed_row_is_found_when_the_others_are_renumbered(path: Path, keys: Keys, seq: int) -> None:
    change(path, "DELETE FROM audit WHERE seq = ?", seq)
    for number in range(seq + 1, 9):
        change(path, "UPDATE audit SET seq = seq - 1 WHERE seq = ?", number)
    assert found(path, keys)


def test_swapped_rows_are_found(path: Path, keys: Keys) -> None:
    change(path, "UPDATE audit SET seq = -1 WHERE seq = 3")
    change(path, "UPDATE audit SET seq = 3 WHERE seq = 4")
    change(path, "UPDATE audit SET seq = 4 WHERE seq = -1")
    assert "changed" in found(path, keys)


def test_bodies_swapped_between_rows_are_found(path: Path, keys: Keys) -> None:
    (one,), (two,) = rows_of(path, "SELECT body FROM audit WHERE seq IN (2, 5)")
    change(path, "UPDATE audit SET body = ? WHERE seq = 2", two)
    change(path, "UPDATE audit SET body = ? WHERE seq = 5", one)
    assert "changed" in found(path, keys)


@pytest.mark.parametrize("last", range(8))
def test_a_cut_tail_is_found(path: Path, keys: Keys, last: int) -> None:
    change(path, "DELETE FROM audit WHERE seq > ?", last)
    assert "cut" in found(path, keys)


def test_a_tail_cut_together_with_its_heads_is_found_by_the_head_beside_the_file(path: Path, keys: Keys) -> None:
    change(path, "DELETE FROM audit WHERE seq > 4")
    change(path, "DELETE FROM head WHERE seq > 4")
    change(path, "DELETE FROM single_use WHERE key = ?", a_use("b").key)
    assert found(path, keys) == {"cut"}


def test_a_log_replaced_whole_is_found_by_a_head_that_somebody_kept(path: Path, keys: Keys) -> None:
    (kept,) = rows_of(path, "SELECT jws FROM head ORDER BY seq DESC LIMIT 1")[0]
    for table in ("audit", "head", "single_use"):
        change(path, f"DELETE FROM {table}")
    head_file(path).unlink()
    assert verify_database(path, keys.public).is_whole  # an empty log says nothing by itself
    assert "cut" in found(path, keys, known_heads=[kept])


def test_a_rewritten_tail_is_found(path: Path, keys: Keys) -> None:
    previous = rows_of(path, "SELECT hash FROM audit WHERE seq = 4")[0][0]
    for seq, epoch, body in rows_of(path, "SELECT seq, epoch, body FROM audit WHERE seq > 4 ORDER BY seq"):
        forged = body.replace(b"J. Jansen", b"P. Pieter")
        previous = link(previous, leaf_of("main", seq, epoch, forged))
        change(path, "UPDATE audit SET body = ?, hash = ? WHERE seq = ?", forged, previous, seq)
    assert found(path, keys) == {"head"}  # the chain fits, what was signed does not


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_removed_head_is_found(path: Path, keys: Keys, which: int) -> None:
    change(path, "DELETE FROM head WHERE seq = (SELECT seq FROM head ORDER BY seq LIMIT 1 OFFSET ?)", which)
    if which == 2:  # the last one is still beside the file
        assert verify_database(path, keys.public).is_whole
        head_file(path).unlink()
        assert verify_database(path, keys.public).lanes[0].unsigned > 0
    else:
        assert found(path, keys) == {"head"}


def test_a_head_by_another_key_is_found(path: Path, keys: Keys) -> None:
    (compact,) = rows_of(path, "SELECT jws FROM head ORDER BY seq LIMIT 1")[0]
    head = SignedHead.parse(compact)
    forged = sign_head(
        Position(lane=head.lane, seq=head.seq, hash=head.hash), previous=None, key=SoftwareKey.generate(KID), now=NOW
    )
    change(path, "UPDATE head SET jws = ? WHERE seq = ?", forged.compact, head.seq)
    assert "signature" in found(path, keys)
    assert "signature" in {
        finding.code for finding in verify_database(path, {KeyId("other"): keys.key.public}).findings
    }


@pytest.mark.parametrize("at", range(0, 400, 23))
def test_a_changed_byte_in_the_head_file_is_found(path: Path, keys: Keys, at: int) -> None:
    beside = head_file(path)
    content = bytearray(beside.read_bytes())
    at = min(at, len(content) - 3)
    content[at] ^= 1
    beside.write_bytes(content)
    assert found(path, keys)


def test_a_head_of_another_lane_beside_the_file_is_found(path: Path, keys: Keys) -> None:
    other = sign_head(Position(lane="other", seq=1, hash=b"x" * 32), previous=None, key=keys.key, now=NOW)
    head_file(path).write_text(head_file_text(other))
    assert found(path, keys) == {"cut"}


def test_an_added_single_use_value_is_found(path: Path, keys: Keys) -> None:
    change(path, "INSERT INTO single_use VALUES (?, 'dpop', ?)", 2**45, b"x" * 16)
    assert found(path, keys) == {"single_use"}


def test_a_removed_single_use_value_is_found(path: Path, keys: Keys) -> None:
    change(path, "DELETE FROM single_use WHERE key = ?", a_use("a").key)
    assert found(path, keys) == {"single_use"}


def test_a_row_added_behind_the_last_is_found(path: Path, keys: Keys) -> None:
    columns = f"lane, epoch, row, {', '.join(INDEXED[1:])}, body, hash"
    change(path, f"INSERT INTO audit (seq, {columns}) SELECT 9, {columns} FROM audit WHERE seq = 2")
    assert "changed" in found(path, keys)


def test_a_changed_schema_version_is_found(path: Path, keys: Keys) -> None:
    change(path, "PRAGMA user_version=2")
    assert found(path, keys) == {"storage"}


def test_an_index_that_says_something_else_than_its_table_is_found(path: Path, keys: Keys) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = replace(sql, 'patient IS NOT NULL', 'patient IS NULL') WHERE name = 'audit_patient'"
    )
    connection.commit()
    connection.close()
    assert found(path, keys) == {"storage"}


def test_findings_are_counted_beyond_those_that_are_kept(path: Path, keys: Keys) -> None:
    change(path, "UPDATE audit SET at = at + 1, kind = 'x', patient = 'x', code = 'x'")
    report: ChainReport = verify_database(path, keys.public)
    assert report.found >= 8
    assert len(report.findings) <= 100


def test_a_copy_on_a_read_only_medium_can_be_verified(path: Path, keys: Keys, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "audit.db"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    assert verify_database(copy, keys.public).is_whole


def test_no_file_is_an_error_and_not_an_empty_report(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        verify_database(tmp_path / "nothing.db")
