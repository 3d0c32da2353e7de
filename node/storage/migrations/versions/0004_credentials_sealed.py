"""Credentials are sealed: in wallets, and among what was issued.

SQL can not seal, so the seals come with the configuration (``bring_up_to_date``). Rows without seals stop the step, and the
transaction leaves everything as it was. On SQLite what was readable is overwritten; on PostgreSQL it goes with the next
``VACUUM FULL wallet, issued_credentials``.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import context, op

from node.storage.migrate import SchemaError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_wallet = sa.table("wallet", *map(sa.column, ("subject", "credential_id", "raw", "sealed")))
_issued = sa.table(
    "issued_credentials",
    *map(sa.column, ("subject", "credential_id", "raw", "sealed", "request_key", "request_sha256", "request_sealed")),
)


def upgrade() -> None:
    """Apply this step."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute("PRAGMA secure_delete=ON")  # else dropped columns stay readable in free pages
    for table in ("wallet", "issued_credentials"):
        op.add_column(table, sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.add_column("issued_credentials", sa.Column("request_sealed", sa.LargeBinary(), nullable=True))

    held = connection.execute(sa.select(_wallet)).all()
    given = connection.execute(sa.select(_issued)).all()
    seals = context.config.attributes["seals"]
    if (held or given) and not seals:
        raise SchemaError("credentials can be sealed only with the vault open")
    for row in held:
        name = seals["wallet"].name_of(row.credential_id)
        connection.execute(
            sa.update(_wallet)
            .where(_wallet.c.subject == row.subject, _wallet.c.credential_id == row.credential_id)
            .values(credential_id=name, raw="", sealed=seals["wallet"].seal(row.raw, row.subject, name))
        )
    for row in given:
        seal, place = seals["issued"], (row.subject, row.credential_id)
        digest = None if row.request_sha256 is None else bytes(row.request_sha256).hex()
        connection.execute(
            sa.update(_issued)
            .where(_issued.c.credential_id == row.credential_id)
            .values(
                raw="",
                sealed=seal.seal(row.raw, *place),
                request_key=None if row.request_key is None else seal.digest(row.request_key),
                request_sha256=None,
                request_sealed=None if digest is None else seal.seal(digest, *place, "request"),
            )
        )

    with op.batch_alter_table("wallet") as batch_op:
        batch_op.alter_column("sealed", existing_type=sa.LargeBinary(), nullable=False)
        batch_op.drop_column("raw")
    with op.batch_alter_table("issued_credentials") as batch_op:
        batch_op.alter_column("sealed", existing_type=sa.LargeBinary(), nullable=False)
        batch_op.drop_column("raw")
        batch_op.drop_column("request_sha256")
