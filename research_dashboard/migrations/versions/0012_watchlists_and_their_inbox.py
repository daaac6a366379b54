"""watchlists and their inbox

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_marks",
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("read_up_to", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_inbox_marks")),
    )
    op.create_table(
        "watchlists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("every", sa.String(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(every = 'never') = (due_at IS NULL)", name=op.f("ck_watchlists_due_when_scheduled")),
        sa.CheckConstraint("every IN ('never', 'daily', 'weekly')", name=op.f("ck_watchlists_every")),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_watchlists_hour")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name=op.f("ck_watchlists_name_length")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_watchlists_weekday")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watchlists")),
        sa.UniqueConstraint("name", name=op.f("uq_watchlists_name")),
    )
    op.create_index("ix_watchlists_due_at", "watchlists", ["due_at"])
    op.create_table(
        "watchlist_companies",
        sa.Column("watchlist_id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["companies.id"],
            name=op.f("fk_watchlist_companies_company_id_companies"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["watchlist_id"],
            ["watchlists.id"],
            name=op.f("fk_watchlist_companies_watchlist_id_watchlists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("watchlist_id", "company_id", name=op.f("pk_watchlist_companies")),
    )
    op.create_index("ix_watchlist_companies_company_id", "watchlist_companies", ["company_id"])
    op.create_table(
        "watchlist_passes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("watchlist_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["watchlist_id"],
            ["watchlists.id"],
            name=op.f("fk_watchlist_passes_watchlist_id_watchlists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watchlist_passes")),
        sa.UniqueConstraint("watchlist_id", "due_at", name=op.f("uq_watchlist_passes_watchlist_id_due_at")),
    )
    op.create_index("ix_watchlist_passes_done_at", "watchlist_passes", ["done_at"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("company_id", sa.Integer(), nullable=True),
        sa.Column("watchlist_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('new_filing', 'run_failed', 'not_started', 'list_done')", name=op.f("ck_notices_kind")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_notices_company_id_companies"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["research_runs.id"], name=op.f("fk_notices_run_id_research_runs"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["watchlist_id"], ["watchlists.id"], name=op.f("fk_notices_watchlist_id_watchlists"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    op.create_index("ix_notices_company_id", "notices", ["company_id"])
    op.create_index("ix_notices_run_id", "notices", ["run_id"])
    op.create_index("ix_notices_watchlist_id", "notices", ["watchlist_id"])
    op.create_table(
        "watchlist_runs",
        sa.Column("pass_id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_watchlist_runs_company_id_companies"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pass_id"],
            ["watchlist_passes.id"],
            name=op.f("fk_watchlist_runs_pass_id_watchlist_passes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["research_runs.id"], name=op.f("fk_watchlist_runs_run_id_research_runs"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("pass_id", "company_id", name=op.f("pk_watchlist_runs")),
    )
    op.create_index("ix_watchlist_runs_company_id", "watchlist_runs", ["company_id"])
    op.create_index("ix_watchlist_runs_run_id", "watchlist_runs", ["run_id"])
    op.create_index("ix_watchlist_runs_told_at", "watchlist_runs", ["told_at"])


def downgrade() -> None:
    op.drop_table("watchlist_runs")
    op.drop_table("notices")
    op.drop_table("watchlist_passes")
    op.drop_table("watchlist_companies")
    op.drop_table("watchlists")
    op.drop_table("inbox_marks")
