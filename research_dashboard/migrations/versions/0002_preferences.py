"""preferences: what people set on /settings

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
    op.create_table(
        "preferences",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(value) <= 200", name=op.f("ck_preferences_value_length")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_preferences")),
    )


def downgrade() -> None:
    op.drop_table("preferences")
