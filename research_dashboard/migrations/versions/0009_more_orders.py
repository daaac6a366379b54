"""The record's other columns in order: ticker, source, gaps and kind of error have an index each

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# As in 0005, over the runs outside the trash; what may be missing is read as an empty text, which both databases put first.
ORDERS = {
    "ix_research_runs_kept_ticker": (sa.text("coalesce(ticker, '')"), "date", "id", "status"),
    "ix_research_runs_kept_source": (sa.text("coalesce(source, '')"), "date", "id", "status"),
    "ix_research_runs_kept_error": (sa.text("coalesce(error_kind, '')"), "date", "id", "status"),
    "ix_research_runs_kept_gaps": ("gaps", "id", "status"),
}
KEPT = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    for name, columns in ORDERS.items():
        op.create_index(name, "research_runs", list(columns), sqlite_where=KEPT, postgresql_where=KEPT)


def downgrade() -> None:
    for name in ORDERS:
        op.drop_index(name, "research_runs")
