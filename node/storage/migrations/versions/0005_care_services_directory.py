"""The care services directory: what we follow, what we publish.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "directory_sources",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("url", sa.String(length=1024), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("uras_json", sa.Text(), nullable=False),
        sa.Column("stamps_json", sa.Text(), nullable=False),
        sa.Column("ready_at", sa.BigInteger(), nullable=True),
        sa.Column("followed_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("refused_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_directory_sources")),
        sa.UniqueConstraint("url", name=op.f("uq_directory_sources_url")),
        comment="care services directories that are followed",
    )
    op.create_table(
        "directory_resources",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("local_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("visible", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["directory_sources.key"], name=op.f("fk_directory_resources_source")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_directory_resources")),
        sa.UniqueConstraint("type", "local_id", name=op.f("uq_directory_resources_type_local_id")),
    )
    op.create_index("directory_resources_source", "directory_resources", ["source", "type", "id"], unique=True)
    op.create_index("directory_resources_shown", "directory_resources", ["type", "visible", "row"])
    op.create_table(
        "directory_values",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("parameter", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=512), nullable=False),
        sa.Column("qualifier", sa.String(length=512), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["row"], ["directory_resources.row"], name=op.f("fk_directory_values_row")),
    )
    op.create_index("directory_values_of_a_row", "directory_values", ["row", "parameter"])
    op.create_index("directory_values_found", "directory_values", ["parameter", "value", "row"])
    op.create_table(
        "directory_own",
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sent_to", sa.Text(), nullable=True),
        sa.Column("sent_etag", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("type", "id", "version", name=op.f("pk_directory_own")),
        comment="our own entries in the care services directory",
    )
    op.create_index("directory_own_history", "directory_own", ["type", "updated_at"])
