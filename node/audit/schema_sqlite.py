"""The audit file on SQLite: its tables, how it is opened, and its schema version (``PRAGMA user_version``).

A file of its own, away from the node's database: sharing one took the promise's p99 from 8 to 35 ms (ARCHITECTURE §2). It is in
WAL mode with ``synchronous=FULL``: a commit is on the disk when it returns.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0

Connect = Callable[[Path], sqlite3.Connection]

TABLES = """
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,   -- number in the lane, without gaps
    lane TEXT NOT NULL,        -- which chain; one per file
    epoch INTEGER NOT NULL,    -- nothing taken away before this epoch was unknown to the decision
    row TEXT NOT NULL,         -- promise, record, outcome, mark
    refers INTEGER,            -- outcome: the promise's number
    subject TEXT,
    at INTEGER NOT NULL,       -- milliseconds since 1970 UTC
    kind TEXT,
    patient TEXT,              -- pseudonym
    peer TEXT,                 -- URA
    decision TEXT,
    code TEXT,
    reference TEXT,
    body BLOB NOT NULL,        -- canonical JSON: all of the above comes from it
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject, at, seq) WHERE subject IS NOT NULL;
CREATE INDEX audit_patient ON audit (patient, at) WHERE patient IS NOT NULL;
CREATE INDEX audit_refers ON audit (refers) WHERE refers IS NOT NULL;
CREATE INDEX audit_mark ON audit (seq) WHERE row = 'mark';
CREATE INDEX audit_reference ON audit (reference) WHERE reference IS NOT NULL;
CREATE TABLE head (
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    jws TEXT NOT NULL,
    PRIMARY KEY (lane, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE single_use (
    expires_at INTEGER NOT NULL,  -- first: a key in time order writes a quarter of the pages (SPEED §1)
    kind TEXT NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (expires_at, kind, key)
) STRICT, WITHOUT ROWID;
"""


class SchemaError(Exception):
    """The file is not an audit log, or one of a newer version of this program."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for writing; a commit is durable when it returns."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=1000")
        connection.execute("PRAGMA trusted_schema=OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open the file for reading.

    Raises:
        sqlite3.Error: there is no such file, or it can not be read.
    """
    uri = path.absolute().as_uri()
    try:
        connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error:
        wal = path.with_name(path.name + "-wal")
        if not path.is_file() or (wal.exists() and wal.stat().st_size > 0):
            raise
        # A copy on a read-only medium: nobody writes to it, and WAL mode would need to.
        connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection


def ensure_schema(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file; refuse a file of another version.

    Raises:
        SchemaError: another version, or not an audit log.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION:
        return
    if version != 0:
        raise SchemaError(f"the audit log has schema version {version}, this program knows {SCHEMA_VERSION}")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables:
        raise SchemaError("the file holds something else than an audit log")
    connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
