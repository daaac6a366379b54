"""an index of the few runs that have a title: a million without one are passed over

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TITLED = sa.text("title IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_research_runs_titled", "research_runs", ["title"], sqlite_where=TITLED, postgresql_where=TITLED)


def downgrade() -> None:
    op.drop_index("ix_research_runs_titled", "research_runs")
