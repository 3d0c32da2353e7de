"""The records in SQLite: resources as JSON text, and beside each what it can be found by.

One file per record system, used by one process through one connection. What was loaded from the region's data is
remembered by its digest, so that a second start need not load it again; what was written since then stays.
"""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from examples.region.data.elements import Json
from examples.region.ehr.index import index_rows
from examples.region.organisations import FhirVersion

# Changing the tables or what is indexed makes every file older than this load anew.
LAYOUT = 1

_FORGET = "DROP TABLE IF EXISTS found_by; DROP TABLE IF EXISTS resource; DROP TABLE IF EXISTS loaded;"
_TABLES = """
CREATE TABLE loaded (fhir TEXT PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE resource (
    number INTEGER PRIMARY KEY,          -- order of arrival
    fhir TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    version INTEGER NOT NULL, updated TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL,
    UNIQUE (fhir, type, id)
);
CREATE TABLE found_by (
    number INTEGER NOT NULL REFERENCES resource (number) ON DELETE CASCADE,
    parameter TEXT NOT NULL,
    system TEXT NOT NULL, text TEXT NOT NULL, low REAL, high REAL
);
CREATE INDEX found_by_resource ON found_by (number, parameter);
CREATE INDEX found_by_text ON found_by (parameter, text);
"""


class Stored(NamedTuple):
    """One resource as it is kept.

    Attributes:
        version: counts its changes, from 1.
        updated: as in ``meta.lastUpdated``.
        deleted: it was there once.
        body: JSON text.
    """

    type: str
    id: str
    version: int
    updated: str
    deleted: bool
    body: str

    @property
    def resource(self) -> Json:
        """The resource as a tree."""
        tree: Json = json.loads(self.body)
        return tree


class Records:
    """All resources of one organisation, in one or two FHIR versions."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or keep everything in memory when there is none."""
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA foreign_keys = ON")
        if self._db.execute("PRAGMA user_version").fetchone() != (LAYOUT,):
            self._db.executescript(f"{_FORGET}{_TABLES}PRAGMA user_version = {LAYOUT};")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # --- loading and writing ----------------------------------------------------------------------------------------

    def loaded_digest(self, fhir: FhirVersion) -> str | None:
        """Digest of the data that was loaded last for this version."""
        row = self._db.execute("SELECT digest FROM loaded WHERE fhir = ?", (fhir,)).fetchone()
        return None if row is None else str(row[0])

    def load(self, fhir: FhirVersion, resources: Sequence[Json], digest: str) -> None:
        """Replace all records of one version by the given ones, in one transaction."""
        with self._transaction():
            self._db.execute("DELETE FROM resource WHERE fhir = ?", (fhir,))
            for resource in resources:
                self._write(fhir, resource, 1)
            self._db.execute("INSERT OR REPLACE INTO loaded (fhir, digest) VALUES (?, ?)", (fhir, digest))

    def put(self, fhir: FhirVersion, resource: Json, *, now: datetime) -> Stored:
        """Create or replace one resource; version and time of update are ours."""
        known = self.read(fhir, resource["resourceType"], resource["id"])
        version = 1 if known is None else known.version + 1
        updated = now.astimezone(UTC).isoformat(timespec="milliseconds")
        meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": updated}
        with self._transaction():
            self._db.execute(
                "DELETE FROM resource WHERE fhir = ? AND type = ? AND id = ?",
                (fhir, resource["resourceType"], resource["id"]),
            )
            return self._write(fhir, {**resource, "meta": meta}, version)

    def delete(self, known: Stored, fhir: FhirVersion) -> None:
        """Mark a resource as deleted: it is found no more, and a read of it says so."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM found_by WHERE number IN (SELECT number FROM resource WHERE fhir = ? AND type = ? AND id = ?)",
                (fhir, known.type, known.id),
            )
            self._db.execute(
                "UPDATE resource SET deleted = 1, version = version + 1 WHERE fhir = ? AND type = ? AND id = ?",
                (fhir, known.type, known.id),
            )

    # --- reading ----------------------------------------------------------------------------------------------------

    def read(self, fhir: FhirVersion, kind: str, identity: str) -> Stored | None:
        """Read one resource, deleted or not."""
        row = self._db.execute(
            "SELECT type, id, version, updated, deleted, body FROM resource WHERE fhir = ? AND type = ? AND id = ?",
            (fhir, kind, identity),
        ).fetchone()
        return None if row is None else Stored(row[0], row[1], row[2], row[3], bool(row[4]), row[5])

    def identities(self, sql: str, arguments: Sequence[object]) -> list[str]:
        """Run a statement of ``search`` that selects ids."""
        return [str(row[0]) for row in self._db.execute(sql, arguments)]

    def targets(self, fhir: FhirVersion, kind: str, identity: str, parameter: str) -> list[str]:
        """What a resource refers to under one reference parameter, as ``Type/id``."""
        rows = self._db.execute(
            "SELECT f.text FROM found_by f JOIN resource r ON r.number = f.number"
            " WHERE r.fhir = ? AND r.type = ? AND r.id = ? AND f.parameter = ? ORDER BY f.rowid",
            (fhir, kind, identity, parameter),
        )
        return [str(row[0]) for row in rows]

    def sources(self, fhir: FhirVersion, kind: str, parameter: str, target: str) -> list[str]:
        """Ids of the resources of a type that refer to ``target`` (``Type/id``) under a reference parameter."""
        rows = self._db.execute(
            "SELECT DISTINCT r.id FROM resource r JOIN found_by f ON r.number = f.number"
            " WHERE r.fhir = ? AND r.type = ? AND f.parameter = ? AND f.text = ? ORDER BY r.number",
            (fhir, kind, parameter, target),
        )
        return [str(row[0]) for row in rows]

    # ----------------------------------------------------------------------------------------------------------------

    def _write(self, fhir: FhirVersion, resource: Json, version: int) -> Stored:
        kind, identity, updated = resource["resourceType"], resource["id"], resource["meta"]["lastUpdated"]
        body = json.dumps(resource, ensure_ascii=False)
        number = self._db.execute(
            "INSERT INTO resource (fhir, type, id, version, updated, body) VALUES (?, ?, ?, ?, ?, ?)",
            (fhir, kind, identity, version, updated, body),
        ).lastrowid
        self._db.executemany(
            "INSERT INTO found_by (number, parameter, system, text, low, high) VALUES (?, ?, ?, ?, ?, ?)",
            [(number, *row) for row in index_rows(resource, fhir)],
        )
        return Stored(kind, identity, version, updated, deleted=False, body=body)

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    """All or nothing; sqlite3's own context manager never begins one."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
