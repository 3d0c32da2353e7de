"""The audit log on PostgreSQL: a schema of its own (``hazel_audit``) in the node's database, and its ``promise`` function.

``promise`` is one call, so one implicit READ COMMITTED transaction without a client inside it (SPEED §9): single-use values
first, then the epoch under a shared advisory lock that a withdrawal takes exclusively, then the rows. It raises ``HZ001`` with
the places of values that were used before, or ``HZ002`` with the epoch that is; both roll everything back.
"""

from typing import Any

SCHEMA_VERSION = 1

EPOCH_LOCK = 0x48415A
"""Advisory lock between promises (shared) and withdrawals (exclusive)."""

LANE_LOCK = 0x48415B
"""Class of the advisory locks by which a replica owns a lane."""

_CREATION_LOCK = 0x48415C

ALREADY_USED = "HZ001"
STALE = "HZ002"
EPOCH_CHANNEL = "hazel_audit_epoch"

RAISE_EPOCH = "UPDATE hazel_audit.epoch SET n = n + 1 RETURNING n"

_TABLES = f"""
CREATE SCHEMA hazel_audit;
CREATE TABLE hazel_audit.version (version integer NOT NULL);
CREATE TABLE hazel_audit.lane (name text PRIMARY KEY);
CREATE TABLE hazel_audit.audit (
    lane text NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    row text NOT NULL,
    refers bigint,
    subject text,
    at bigint NOT NULL,
    kind text,
    patient text,
    peer text,
    decision text,
    code text,
    reference text,
    body bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (lane, seq)
);
CREATE INDEX audit_subject ON hazel_audit.audit (subject, at, seq) WHERE subject IS NOT NULL;
CREATE INDEX audit_patient ON hazel_audit.audit (patient, at) WHERE patient IS NOT NULL;
CREATE INDEX audit_refers ON hazel_audit.audit (lane, refers) WHERE refers IS NOT NULL;
CREATE INDEX audit_mark ON hazel_audit.audit (lane, seq) WHERE audit.row = 'mark';
CREATE INDEX audit_reference ON hazel_audit.audit (reference) WHERE reference IS NOT NULL;
CREATE TABLE hazel_audit.head (lane text NOT NULL, seq bigint NOT NULL, jws text NOT NULL, PRIMARY KEY (lane, seq));
CREATE TABLE hazel_audit.single_use (
    expires_at bigint NOT NULL, kind text NOT NULL, key bytea NOT NULL, PRIMARY KEY (expires_at, kind, key)
);
CREATE TABLE hazel_audit.epoch (n bigint NOT NULL);
INSERT INTO hazel_audit.epoch VALUES (0);

CREATE FUNCTION hazel_audit.lock_epoch() RETURNS trigger LANGUAGE plpgsql AS $lock$
BEGIN
    PERFORM pg_advisory_xact_lock({EPOCH_LOCK});
    RETURN NULL;
END $lock$;
CREATE TRIGGER lock_epoch BEFORE UPDATE ON hazel_audit.epoch FOR EACH STATEMENT EXECUTE FUNCTION hazel_audit.lock_epoch();

CREATE FUNCTION hazel_audit.tell_epoch() RETURNS trigger LANGUAGE plpgsql AS $tell$
BEGIN
    PERFORM pg_notify('{EPOCH_CHANNEL}', NEW.n::text);
    RETURN NULL;
END $tell$;
CREATE TRIGGER tell_epoch AFTER UPDATE ON hazel_audit.epoch FOR EACH ROW EXECUTE FUNCTION hazel_audit.tell_epoch();

CREATE FUNCTION hazel_audit.promise(
    want bigint, use_expires bigint[], use_kinds text[], use_keys bytea[],
    seqs bigint[], lanes text[], epochs bigint[], rows_ text[], refers_ bigint[], subjects text[], ats bigint[], kinds text[],
    patients text[], peers text[], decisions text[], codes text[], refs text[], bodies bytea[], hashes bytea[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $promise$
DECLARE
    lost text;
    present bigint;
BEGIN
    IF cardinality(use_keys) > 0 THEN
        WITH asked AS (
            SELECT * FROM unnest(use_expires, use_kinds, use_keys) WITH ORDINALITY AS t (expires_at, kind, key, place)
        ), won AS (
            INSERT INTO hazel_audit.single_use (expires_at, kind, key)
            SELECT asked.expires_at, asked.kind, asked.key FROM asked ORDER BY asked.place
            ON CONFLICT DO NOTHING RETURNING expires_at, kind, key
        )
        SELECT string_agg(asked.place::text, ',') INTO lost FROM asked
        WHERE NOT EXISTS (
            SELECT 1 FROM won WHERE (won.expires_at, won.kind, won.key) = (asked.expires_at, asked.kind, asked.key)
        );
        IF lost IS NOT NULL THEN
            RAISE EXCEPTION 'already used' USING ERRCODE = '{ALREADY_USED}', DETAIL = lost;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock_shared({EPOCH_LOCK});
    SELECT n INTO present FROM hazel_audit.epoch;  -- a statement of its own: its snapshot is taken behind the lock
    IF present <> want THEN
        RAISE EXCEPTION 'stale' USING ERRCODE = '{STALE}', DETAIL = present::text;
    END IF;
    INSERT INTO hazel_audit.audit (
        seq, lane, epoch, row, refers, subject, at, kind, patient, peer, decision, code, reference, body, hash
    ) SELECT * FROM unnest(
        seqs, lanes, epochs, rows_, refers_, subjects, ats, kinds, patients, peers, decisions, codes, refs, bodies, hashes
    );
END $promise$;
INSERT INTO hazel_audit.version VALUES ({SCHEMA_VERSION});
"""  # noqa: S608  # only our own constants are put in

PROMISE = (
    "SELECT hazel_audit.promise($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
)


class SchemaError(Exception):
    """The database holds an audit log of a version that this program does not know."""


async def ensure_schema(connection: Any) -> None:
    """Make the schema where it is missing; several replicas may start at once.

    Args:
        connection: of asyncpg, outside a transaction.

    Raises:
        SchemaError: another version is there.
    """
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})")
        if await connection.fetchval("SELECT to_regclass('hazel_audit.version')") is None:
            await connection.execute(_TABLES)
        version = await connection.fetchval("SELECT version FROM hazel_audit.version")
    if version != SCHEMA_VERSION:
        raise SchemaError(f"the audit log has schema version {version}, this program knows {SCHEMA_VERSION}")
