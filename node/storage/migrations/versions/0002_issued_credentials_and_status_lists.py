"""Credentials that we issued, and their status lists.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "status_lists",
        sa.Column("url", sa.String(length=1024), nullable=False),
        sa.Column("issuer", sa.String(length=512), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("next_index", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=True),
        sa.Column("signed_version", sa.Integer(), nullable=True),
        sa.Column("signed_kid", sa.String(length=640), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_status_lists")),
        sa.UniqueConstraint("issuer", "page", name=op.f("uq_status_lists_issuer_page")),
        comment="status lists of what our organisations issued",
    )
    op.create_table(
        "issued_credentials",
        sa.Column("credential_id", sa.String(length=1024), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("issuer", sa.String(length=512), nullable=False),
        sa.Column("holder", sa.String(length=2048), nullable=False),
        sa.Column("type", sa.String(length=512), nullable=False),
        sa.Column("kid", sa.String(length=640), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("status_list", sa.String(length=1024), nullable=True),
        sa.Column("status_index", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("renews", sa.String(length=1024), nullable=True),
        sa.Column("request_key", sa.String(length=255), nullable=True),
        sa.Column("request_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(["status_list"], ["status_lists.url"], name=op.f("fk_issued_credentials_status_list")),
        sa.ForeignKeyConstraint(["subject"], ["subjects.name"], name=op.f("fk_issued_credentials_subject")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_issued_credentials")),
        sa.UniqueConstraint("issuer", "request_key", name=op.f("uq_issued_credentials_issuer_request_key")),
        sa.UniqueConstraint("renews", name=op.f("uq_issued_credentials_renews")),
        sa.UniqueConstraint("status_list", "status_index", name=op.f("uq_issued_credentials_status_list_status_index")),
        comment="credentials that our organisations issued",
    )
    with op.batch_alter_table("issued_credentials", schema=None) as batch_op:
        batch_op.create_index("issued_credentials_of_a_type", ["issuer", "type"], unique=False)
        batch_op.create_index(batch_op.f("ix_issued_credentials_kid"), ["kid"], unique=False)
        batch_op.create_index(batch_op.f("ix_issued_credentials_subject"), ["subject"], unique=False)

    op.create_table(
        "trusted_issuers",
        sa.Column("credential_type", sa.String(length=512), nullable=False),
        sa.Column("issuer", sa.String(length=1024), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("credential_type", "issuer", name=op.f("pk_trusted_issuers")),
        comment="issuers that a vendor marked as trusted for a type, as nuts-node keeps them",
    )
