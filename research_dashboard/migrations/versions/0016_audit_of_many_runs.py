"""the audit's events of many runs, found without the others: each run shows its history of edits

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

OF_MANY = sa.text("substr(subject, 1, 5) = 'runs '")


def upgrade() -> None:
    op.create_index(
        "ix_audit_events_of_many",
        "audit_events",
        ["action", "subject", "id"],
        sqlite_where=OF_MANY,
        postgresql_where=OF_MANY,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_events_of_many", "audit_events")
