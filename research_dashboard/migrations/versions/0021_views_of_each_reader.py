"""views of each reader: the default view and the pinned ones are each user's own, the installation's without accounts

saved_views.is_default and .pinned stay for programs that are older than this.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reader_views",
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("view_id", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["view_id"], ["saved_views.id"], name=op.f("fk_reader_views_view_id_saved_views"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reader", "view_id", name=op.f("pk_reader_views")),
    )
    op.create_index(
        "uq_reader_views_default",
        "reader_views",
        ["reader"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
    op.create_index("ix_reader_views_view_id", "reader_views", ["view_id"])
    op.execute(  # what held for everybody holds for each from now on
        """INSERT INTO reader_views (reader, view_id, is_default, pinned)
        SELECT readers.reader, saved_views.id,
            coalesce(saved_views.id = (SELECT max(id) FROM saved_views WHERE is_default), false), saved_views.pinned
        FROM saved_views, (SELECT '' AS reader UNION ALL SELECT CAST(id AS TEXT) FROM users) AS readers
        WHERE saved_views.is_default OR saved_views.pinned"""
    )


def downgrade() -> None:
    op.drop_table("reader_views")
