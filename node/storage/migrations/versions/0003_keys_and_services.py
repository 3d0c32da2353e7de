"""Keys that were taken out of service, and services in our documents.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column("did_keys", sa.Column("removed_at", sa.BigInteger(), nullable=True))
    op.add_column("did_keys", sa.Column("removed_because", sa.String(length=16), nullable=True))
    op.create_table(
        "did_services",
        sa.Column("did", sa.String(length=512), nullable=False),
        sa.Column("fragment", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=256), nullable=False),
        sa.Column("endpoint_json", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["did"], ["dids.did"], name=op.f("fk_did_services_did")),
        sa.PrimaryKeyConstraint("did", "fragment", name=op.f("pk_did_services")),
        comment="what the documents of our organisations say about where to reach them",
    )
