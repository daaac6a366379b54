"""what a load left out: the tags of malformed facts, so that a later run on the same load says it too

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("data_loads", sa.Column("left_out", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("data_loads", "left_out")
