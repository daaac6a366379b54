"""on PostgreSQL: one queue for the SEC across machines; trigram indexes, where the server has pg_trgm

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PACE = """
CREATE TABLE sec_pace (id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  next_at double precision NOT NULL DEFAULT 0, calls bigint NOT NULL DEFAULT 0);
INSERT INTO sec_pace DEFAULT VALUES;
"""
# pg_trgm comes with most servers, not with all; without it a part of a name is looked for name by name, as on SQLite.
TRIGRAMS = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN RETURN; END IF;
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX company_names_parts ON company_names USING gin (lower(normalize(name, NFKC)) gin_trgm_ops);
  CREATE INDEX research_runs_title_parts ON research_runs
    USING gin (lower(normalize(coalesce(title, ''), NFKC)) gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'pg_trgm may not be made by this user';
END $$;
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(PACE)
        op.get_bind().exec_driver_sql(TRIGRAMS)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX IF EXISTS research_runs_title_parts, company_names_parts")
        op.execute("DROP TABLE sec_pace")
