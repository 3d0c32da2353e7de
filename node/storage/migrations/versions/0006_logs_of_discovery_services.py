"""The Merkle logs of discovery services: our own, and copies.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "registry_trees",
        sa.Column("service", sa.String(length=256), nullable=False),
        sa.Column("is_own", sa.Integer(), nullable=False),
        sa.Column("is_whole", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("noted", sa.BigInteger(), nullable=False),
        sa.Column("log_key", sa.String(length=512), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("seed", sa.String(length=256), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_registry_trees")),
    )
    op.create_table(
        "registry_leaves",
        sa.Column("service", sa.String(length=256), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("service", "position", name=op.f("pk_registry_leaves")),
    )
    op.create_table(
        "registry_hashes",
        sa.Column("service", sa.String(length=256), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("service", "level", "position", name=op.f("pk_registry_hashes")),
    )
    op.create_table(
        "registry_listed",
        sa.Column("service", sa.String(length=256), nullable=False),
        sa.Column("holder", sa.String(length=512), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("is_here", sa.Integer(), nullable=False),
        sa.Column("is_early", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("service", "holder", name=op.f("pk_registry_listed")),
    )
