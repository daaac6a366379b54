"""what changed since the last run of the same company, kept with the run

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NEWS = sa.text("news > 0")


def upgrade() -> None:
    op.create_table(
        "run_changes",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("against_id", sa.Integer(), nullable=True),
        sa.Column("against", sa.JSON(), nullable=False),
        sa.Column("news", sa.Integer(), nullable=False),
        sa.Column("filings", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["research_runs.id"], name=op.f("fk_run_changes_run_id_research_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["against_id"],
            ["research_runs.id"],
            name=op.f("fk_run_changes_against_id_research_runs"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_changes")),
    )
    op.create_index("ix_run_changes_against_id", "run_changes", ["against_id"])
    op.create_index("ix_run_changes_news", "run_changes", ["run_id"], sqlite_where=NEWS, postgresql_where=NEWS)


def downgrade() -> None:
    op.drop_table("run_changes")
