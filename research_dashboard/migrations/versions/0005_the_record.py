"""The record: indexes for its filters and orders, counts kept by triggers, full-text search, tags, notes, saved views

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Each order of the record is an index over the runs outside the trash; the status at its end lets it count by status.
ORDERS = {
    "ix_research_runs_kept_date": ("date", "id", "status"),
    "ix_research_runs_kept_status": ("status", "date", "id"),
    "ix_research_runs_kept_company": (sa.text("lower(company)"), "date", "id", "status"),
    "ix_research_runs_kept_researcher": (sa.text("lower(researcher)"), "date", "id", "status"),
    "ix_research_runs_kept_duration": ("duration_mins", "id", "status"),
    "ix_research_runs_kept_insights": ("insights", "id", "status"),
}
KEPT = sa.text("deleted_at IS NULL")
OLD = {
    "ix_research_runs_date_id": ("date", "id"),
    "ix_research_runs_status_date_id": ("status", "date", "id"),
    "ix_research_runs_company": ("company",),
}

# {row} is new or old. Counting in and out is done in the writer's own transaction, so that no count is ever behind.
KEYS = """('company', {row}.company, {row}.status{one}), ('researcher', {row}.researcher, {row}.status{one}),
    ('month', {month}, {row}.status{one}), ('source', coalesce({row}.source, ''), {row}.status{one}),
    ('filer', CAST(coalesce({row}.company_id, 0) AS TEXT), {row}.status{one})"""
IN = """INSERT INTO company_names (name) VALUES (new.company) ON CONFLICT DO NOTHING;
    INSERT INTO run_counts (kind, key, status, runs) VALUES {keys}
    ON CONFLICT (kind, key, status) DO UPDATE SET runs = run_counts.runs + 1;"""
OUT = "UPDATE run_counts SET runs = runs - 1 WHERE (kind, key, status) IN (VALUES {keys});"
WATCHED = "company, researcher, date, status, source, company_id, deleted_at"

NOTES = """(SELECT group_concat(text, char(10)) FROM run_notes
        WHERE run_id = new.run_id AND replaced_by IS NULL AND removed_at IS NULL)"""
# The findings' sentences of the built-in research; every text of what a program logged.
SENTENCES = """(SELECT group_concat(json_extract(value, '$.sentence'), char(10))
        FROM json_each(new.result_data, '$.findings'))"""
TEXTS = """coalesce(findings || char(10), '') || coalesce((SELECT substr(group_concat(atom, char(10)), 1, 20000)
        FROM json_tree(new.result_data) WHERE type = 'text'), '')"""
DOCUMENT = (
    "INSERT INTO run_search (rowid) SELECT {run} WHERE NOT EXISTS (SELECT 1 FROM run_search WHERE rowid = {run});"
)
SET = DOCUMENT + " UPDATE run_search SET {values} WHERE rowid = {run};"  # noqa: S608


def sqlite_triggers() -> dict[str, str]:
    """What SQLite does by itself when a run, a result or a note is written."""

    def keys(row: str, one: str = "") -> str:
        return KEYS.format(row=row, month=f"substr({row}.date, 1, 7)", one=one)

    count_in, count_out = IN.format(keys=keys("new", ", 1")), OUT.format(keys=keys("old"))
    texts = SET.format(run="new.id", values="title = new.title, error = new.error_message")
    sentences = SET.format(run="new.research_run_id", values=f"findings = {SENTENCES}")
    logged = SET.format(run="new.research_run_id", values=f"findings = {TEXTS}")
    notes = SET.format(run="new.run_id", values=f"notes = {NOTES}")
    return {
        "run_counts_insert": f"AFTER INSERT ON research_runs WHEN new.deleted_at IS NULL BEGIN {count_in} END",
        "run_counts_delete": f"AFTER DELETE ON research_runs WHEN old.deleted_at IS NULL BEGIN {count_out} END",
        "run_counts_out": f"AFTER UPDATE OF {WATCHED} ON research_runs WHEN old.deleted_at IS NULL BEGIN {count_out} END",
        "run_counts_in": f"AFTER UPDATE OF {WATCHED} ON research_runs WHEN new.deleted_at IS NULL BEGIN {count_in} END",
        "run_search_insert": "AFTER INSERT ON research_runs WHEN coalesce(new.error_message, new.title) IS NOT NULL "
        f"BEGIN {texts} END",
        "run_search_update": f"AFTER UPDATE OF error_message, title ON research_runs BEGIN {texts} END",
        "run_search_delete": "AFTER DELETE ON research_runs BEGIN DELETE FROM run_search WHERE rowid = old.id; END",
        "run_search_findings": "AFTER INSERT ON research_results WHEN new.position IS NOT NULL "
        f"AND new.result_type = 'insights' BEGIN {sentences} END",
        "run_search_logged": f"AFTER INSERT ON research_results WHEN new.position IS NULL BEGIN {logged} END",
        "run_search_note": f"AFTER INSERT ON run_notes BEGIN {notes} END",
        "run_search_note_changed": f"AFTER UPDATE ON run_notes BEGIN {notes} END",
    }


POSTGRESQL = f"""
CREATE FUNCTION count_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP <> 'INSERT' AND old.deleted_at IS NULL THEN {OUT.format(keys=KEYS.format(row="old", month="to_char(old.date AT TIME ZONE 'UTC', 'YYYY-MM')", one=""))} END IF;
  IF TG_OP <> 'DELETE' AND new.deleted_at IS NULL THEN {IN.format(keys=KEYS.format(row="new", month="to_char(new.date AT TIME ZONE 'UTC', 'YYYY-MM')", one=", 1"))} END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER run_counts_insert AFTER INSERT OR DELETE ON research_runs FOR EACH ROW EXECUTE FUNCTION count_run();
CREATE TRIGGER run_counts_update AFTER UPDATE OF {WATCHED} ON research_runs FOR EACH ROW EXECUTE FUNCTION count_run();
CREATE TABLE run_search (rowid bigint PRIMARY KEY REFERENCES research_runs (id) ON DELETE CASCADE,
  title text, findings text, notes text, error text, document tsvector GENERATED ALWAYS AS (to_tsvector('english',
  coalesce(title, '') || ' ' || coalesce(findings, '') || ' ' || coalesce(notes, '') || ' ' || coalesce(error, ''))) STORED);
CREATE INDEX run_search_document ON run_search USING gin (document);
CREATE FUNCTION search_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO run_search (rowid, title, error) VALUES (new.id, new.title, new.error_message)
  ON CONFLICT (rowid) DO UPDATE SET title = excluded.title, error = excluded.error;
  RETURN NULL;
END $$;
CREATE TRIGGER run_search_insert AFTER INSERT OR UPDATE OF error_message, title ON research_runs
  FOR EACH ROW EXECUTE FUNCTION search_run();
CREATE FUNCTION search_result() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE words text; BEGIN
  IF new.position IS NOT NULL AND new.result_type <> 'insights' THEN RETURN NULL; END IF;
  SELECT left(string_agg(leaf #>> '{{}}', chr(10)), 20000) INTO words
  FROM jsonb_path_query(new.result_data::jsonb, CASE WHEN new.position IS NULL THEN 'strict $.** ? (@.type() == "string")'
    ELSE 'lax $.findings[*].sentence' END::jsonpath) AS leaf;
  INSERT INTO run_search (rowid, findings) VALUES (new.research_run_id, words)
  ON CONFLICT (rowid) DO UPDATE SET findings = concat_ws(chr(10), run_search.findings, excluded.findings);
  RETURN NULL;
END $$;
CREATE TRIGGER run_search_result AFTER INSERT ON research_results FOR EACH ROW EXECUTE FUNCTION search_result();
CREATE FUNCTION search_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO run_search (rowid, notes)
  SELECT new.run_id, string_agg(text, chr(10)) FROM run_notes
  WHERE run_id = new.run_id AND replaced_by IS NULL AND removed_at IS NULL
  ON CONFLICT (rowid) DO UPDATE SET notes = excluded.notes;
  RETURN NULL;
END $$;
CREATE TRIGGER run_search_note AFTER INSERT OR UPDATE ON run_notes FOR EACH ROW EXECUTE FUNCTION search_note();
"""  # noqa: S608


def upgrade() -> None:
    """Make the tables, then count and index what is there already."""
    with op.batch_alter_table("research_runs") as batch:
        batch.add_column(sa.Column("title", sa.String(), nullable=True))
        batch.add_column(sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=True))
    for name in OLD:
        op.drop_index(name, "research_runs")
    for name, columns in ORDERS.items():
        op.create_index(name, "research_runs", list(columns), sqlite_where=KEPT, postgresql_where=KEPT)
    make_tables()
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE run_search USING fts5(title, findings, notes, error, "
            "tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        for name, body in sqlite_triggers().items():
            connection.exec_driver_sql(f"CREATE TRIGGER {name} {body}")
    else:
        connection.exec_driver_sql(POSTGRESQL)
    fill()


def make_tables() -> None:
    """company_names, run_counts, tags, run_tags, run_notes, saved_views."""
    op.create_table(
        "company_names",
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_company_names")),
    )
    op.create_table(
        "run_counts",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('company', 'researcher', 'month', 'source', 'filer')", name=op.f("ck_run_counts_kind")
        ),
        sa.PrimaryKeyConstraint("kind", "key", "status", name=op.f("pk_run_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("colour", sa.String(), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 50", name=op.f("ck_tags_name_length")),
        sa.CheckConstraint("colour IN ('grey', 'blue', 'green', 'amber', 'red')", name=op.f("ck_tags_colour")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("name", name=op.f("uq_tags_name")),
    )
    op.create_table(
        "run_tags",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["research_runs.id"], name=op.f("fk_run_tags_run_id_research_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_run_tags_tag_id_tags"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "tag_id", name=op.f("pk_run_tags")),
    )
    op.create_index("ix_run_tags_tag_id_run_id", "run_tags", ["tag_id", "run_id"])
    op.create_table(
        "run_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_by", sa.Integer(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 20000", name=op.f("ck_run_notes_text_length")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["research_runs.id"], name=op.f("fk_run_notes_run_id_research_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["run_notes.id"], name=op.f("fk_run_notes_replaced_by_run_notes"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_notes")),
    )
    op.create_index("ix_run_notes_run_id", "run_notes", ["run_id"])
    op.create_index("ix_run_notes_replaced_by", "run_notes", ["replaced_by"])
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name=op.f("ck_saved_views_name_length")),
        sa.CheckConstraint("length(query) <= 4000", name=op.f("ck_saved_views_query_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("name", name=op.f("uq_saved_views_name")),
    )


def fill() -> None:
    """Count and index the runs that were there before."""
    month = (
        "substr(date, 1, 7)"
        if op.get_bind().dialect.name == "sqlite"
        else "to_char(date AT TIME ZONE 'UTC', 'YYYY-MM')"
    )
    op.execute("INSERT INTO company_names (name) SELECT DISTINCT company FROM research_runs")
    for kind, key in (
        ("company", "company"),
        ("researcher", "researcher"),
        ("month", month),
        ("source", "coalesce(source, '')"),
        ("filer", "CAST(coalesce(company_id, 0) AS TEXT)"),
    ):
        op.execute(
            "INSERT INTO run_counts (kind, key, status, runs) "  # noqa: S608
            f"SELECT '{kind}', {key}, status, count(*) FROM research_runs WHERE deleted_at IS NULL GROUP BY 2, 3"
        )
    op.execute("UPDATE research_runs SET title = title WHERE error_message IS NOT NULL")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "INSERT INTO run_search (rowid) SELECT DISTINCT research_run_id FROM research_results "
            "WHERE result_type = 'insights' AND research_run_id NOT IN (SELECT rowid FROM run_search)"
        )
        op.execute(
            "UPDATE run_search SET findings = (SELECT group_concat(json_extract(f.value, '$.sentence'), char(10)) "
            "FROM research_results AS r, json_each(r.result_data, '$.findings') AS f "
            "WHERE r.research_run_id = run_search.rowid AND r.result_type = 'insights')"
        )


def downgrade() -> None:
    """Go back to the tables of 0004."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for name in sqlite_triggers():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        for name in ("count_run", "search_run", "search_result", "search_note"):
            connection.exec_driver_sql(f"DROP FUNCTION {name} CASCADE")
    for name in ("run_search", "saved_views", "run_notes", "run_tags", "tags", "run_counts", "company_names"):
        op.execute(f"DROP TABLE {name}")
    for name in ORDERS:
        op.drop_index(name, "research_runs")
    for name, columns in OLD.items():
        op.create_index(name, "research_runs", list(columns))
    with op.batch_alter_table("research_runs") as batch:
        batch.drop_column("pinned_at")
        batch.drop_column("title")
