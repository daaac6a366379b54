"""workers, queue

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("status NOT IN ('Completed', 'Failed', 'Cancelled')")
STANDS = sa.text("status IN ('Queued', 'Running', 'Interrupted') AND deleted_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    with op.batch_alter_table("research_runs") as batch_op:
        batch_op.add_column(sa.Column("loads", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("request_key", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index(
            "ix_research_runs_unfinished",
            ["priority", "id"],
            unique=False,
            sqlite_where=UNFINISHED,
            postgresql_where=UNFINISHED,
        )
        batch_op.create_index(
            "uq_research_runs_request_key",
            ["request_key"],
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        )


def downgrade() -> None:
    with op.batch_alter_table("research_runs") as batch_op:
        batch_op.drop_index("uq_research_runs_request_key")
        batch_op.drop_index("ix_research_runs_unfinished")
        batch_op.drop_column("priority")
        batch_op.drop_column("request_key")
        batch_op.drop_column("loads")
    op.drop_table("workers")
