"""Emergencies and their review, agreements, and what checked pages named.

Revision ID: 0007
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "emergencies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("grant_id", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("peer_ura", sa.String(length=8), nullable=False),
        sa.Column("peer_name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_role", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergencies")),
        sa.UniqueConstraint("grant_id", name=op.f("uq_emergencies_grant_id")),
        comment="emergencies in which data left without another legal basis",
    )
    op.create_index("emergencies_queue", "emergencies", ["subject", "reviewed_at", "opened_at"])
    op.create_table(
        "agreements",
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("ura", sa.String(length=8), nullable=False),
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("start", sa.String(length=10), nullable=False),
        sa.Column("end", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("subject", "id", name=op.f("pk_agreements")),
    )
    op.create_index("agreements_requester", "agreements", ["subject", "ura"])
    op.create_table(
        "named_resources",
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("patients_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("expires_at", "digest", name=op.f("pk_named_resources")),
    )
    op.create_index("named_resources_digest", "named_resources", ["digest"])
