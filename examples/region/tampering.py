"""An attacker with the disk: copies a node's audit log and changes one byte of it. Never the log itself."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from examples.region.running_node import RunningNode
from examples.region.stage import StoryError

AUDIT_FILE, HEAD_FILE = "audit.db", "audit.head"
BEFORE_NUMBER = b'"peer_ura":"'


def copy_audit(node: RunningNode, directory: Path) -> Path:
    """Copy a node's audit log as it is now, while the node runs, with the signed head beside it; return the copy."""
    directory.mkdir(parents=True, exist_ok=True)
    copy = directory / AUDIT_FILE
    copy.unlink(missing_ok=True)
    shutil.copy(node.data / HEAD_FILE, directory / HEAD_FILE)  # first, so that it is not ahead of the rows
    source = f"{(node.data / AUDIT_FILE).as_uri()}?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as here, closing(sqlite3.connect(copy)) as there:
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")
        there.execute("VACUUM")  # every row stands in the file once
    return copy


def change_one_byte(copy: Path) -> int:
    """Make the last refusal in ``copy`` name another organisation, by one digit; return the number of its row.

    Raises:
        StoryError: there is no refusal, or its row is not in one piece.
    """
    with closing(sqlite3.connect(copy)) as database:
        row = database.execute(
            "SELECT seq, body FROM audit WHERE decision = 'deny' ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    if row is None:
        raise StoryError("there is no refusal in the log to change")
    content, body = bytearray(copy.read_bytes()), bytes(row[1])
    if content.count(body) != 1 or BEFORE_NUMBER not in body:
        raise StoryError(f"row {row[0]} of the log is not where it can be changed")
    place = content.index(body) + body.index(BEFORE_NUMBER) + len(BEFORE_NUMBER)
    content[place] ^= 1  # the first digit of the URA: 9 becomes 8
    copy.write_bytes(content)
    return int(row[0])
