"""SQLite: a run that leaves a count finds it by its key; IN (VALUES …) went through every count there is, for each run

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

WATCHED = "company, researcher, date, status, source, company_id, deleted_at"
KEYS = (
    ("company", "old.company"),
    ("researcher", "old.researcher"),
    ("month", "substr(old.date, 1, 7)"),
    ("source", "coalesce(old.source, '')"),
    ("filer", "CAST(coalesce(old.company_id, 0) AS TEXT)"),
)
BY_KEY = " ".join(
    f"UPDATE run_counts SET runs = runs - 1 WHERE kind = '{kind}' AND key = {key} AND status = old.status;"  # noqa: S608
    for kind, key in KEYS
)
ALL_AT_ONCE = (
    "UPDATE run_counts SET runs = runs - 1 WHERE (kind, key, status) IN (VALUES "  # noqa: S608
    + ", ".join(f"('{kind}', {key}, old.status)" for kind, key in KEYS)
    + ");"
)


def upgrade() -> None:
    _count_out(BY_KEY)


def downgrade() -> None:
    _count_out(ALL_AT_ONCE)


def _count_out(statements: str) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for name, when in (("run_counts_delete", "DELETE"), ("run_counts_out", f"UPDATE OF {WATCHED}")):
        op.execute(f"DROP TRIGGER IF EXISTS {name}")
        op.execute(
            f"CREATE TRIGGER {name} AFTER {when} ON research_runs WHEN old.deleted_at IS NULL BEGIN {statements} END"
        )
