"""research runs, companies, filings, facts

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "companies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cik", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("exchange", sa.String(), nullable=True),
        sa.Column("sic", sa.Integer(), nullable=True),
        sa.Column("sic_description", sa.String(), nullable=True),
        sa.Column("office", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("state_of_incorporation", sa.String(), nullable=True),
        sa.Column("fiscal_year_end", sa.String(), nullable=True),
        sa.Column("former_names", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cik IS NULL OR cik BETWEEN 1 AND 9999999999", name=op.f("ck_companies_cik")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_companies_name_length")),
        sa.CheckConstraint("sic IS NULL OR sic BETWEEN 0 AND 9999", name=op.f("ck_companies_sic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
        sa.UniqueConstraint("cik", name=op.f("uq_companies_cik")),
    )
    with op.batch_alter_table("companies", schema=None) as batch_op:
        batch_op.create_index("ix_companies_name", ["name"], unique=False)
        batch_op.create_index("ix_companies_sic", ["sic"], unique=False)

    op.create_table(
        "data_loads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("companies", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("source IN ('bundled', 'imported', 'live', 'uploaded')", name=op.f("ck_data_loads_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_loads")),
    )
    with op.batch_alter_table("data_loads", schema=None) as batch_op:
        batch_op.create_index("ix_data_loads_source_name", ["source", "name"], unique=False)

    op.create_table(
        "xbrl_tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("taxonomy", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xbrl_tags")),
        sa.UniqueConstraint("taxonomy", "name", name=op.f("uq_xbrl_tags_taxonomy_name")),
    )
    op.create_table(
        "filings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("accession", sa.String(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("filed", sa.Date(), nullable=False),
        sa.Column("report_date", sa.Date(), nullable=True),
        sa.Column("fiscal_year", sa.Integer(), nullable=True),
        sa.Column("fiscal_period", sa.String(), nullable=True),
        sa.Column("primary_document", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_filings_company_id_companies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filings")),
        sa.UniqueConstraint("accession", name=op.f("uq_filings_accession")),
    )
    with op.batch_alter_table("filings", schema=None) as batch_op:
        batch_op.create_index("ix_filings_company_id_filed", ["company_id", "filed"], unique=False)

    op.create_table(
        "research_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("researcher", sa.String(), nullable=False),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_mins", sa.Double(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("insights", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=True),
        sa.Column("ticker", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("options", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error_kind", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.Column("rules_version", sa.String(), nullable=True),
        sa.Column("data_version", sa.String(), nullable=True),
        sa.Column("parent_run_id", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("origin IN ('research', 'api', 'schedule', 'seed')", name=op.f("ck_research_runs_origin")),
        sa.CheckConstraint(
            "source IS NULL OR source IN ('bundled', 'imported', 'live', 'uploaded')",
            name=op.f("ck_research_runs_source"),
        ),
        sa.CheckConstraint(
            "status <> 'Failed' OR origin <> 'research' OR error_kind IS NOT NULL",
            name=op.f("ck_research_runs_failure_says_why"),
        ),
        sa.CheckConstraint(
            "status IN ('Queued', 'Running', 'Cancelling', 'Cancelled', 'Completed', 'Failed', 'Interrupted')",
            name=op.f("ck_research_runs_status"),
        ),
        sa.CheckConstraint("trim(company) <> ''", name=op.f("ck_research_runs_company_not_blank")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_research_runs_attempts")),
        sa.CheckConstraint("duration_mins BETWEEN 0 AND 525600.0", name=op.f("ck_research_runs_duration_mins")),
        sa.CheckConstraint(
            "finished_at IS NULL OR started_at IS NULL OR finished_at >= started_at",
            name=op.f("ck_research_runs_end_after_start"),
        ),
        sa.CheckConstraint("gaps >= 0", name=op.f("ck_research_runs_gaps")),
        sa.CheckConstraint("insights BETWEEN 0 AND 1000000", name=op.f("ck_research_runs_insights")),
        sa.CheckConstraint("length(company) BETWEEN 1 AND 200", name=op.f("ck_research_runs_company_length")),
        sa.CheckConstraint("length(researcher) BETWEEN 1 AND 100", name=op.f("ck_research_runs_researcher_length")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_research_runs_company_id_companies"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["parent_run_id"],
            ["research_runs.id"],
            name=op.f("fk_research_runs_parent_run_id_research_runs"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_research_runs")),
    )
    with op.batch_alter_table("research_runs", schema=None) as batch_op:
        batch_op.create_index("ix_research_runs_company", ["company"], unique=False)
        batch_op.create_index("ix_research_runs_company_id", ["company_id"], unique=False)
        batch_op.create_index("ix_research_runs_date_id", ["date", "id"], unique=False)
        batch_op.create_index("ix_research_runs_parent_run_id", ["parent_run_id"], unique=False)
        batch_op.create_index("ix_research_runs_status_date_id", ["status", "date", "id"], unique=False)

    op.create_table(
        "tickers",
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_tickers_company_id_companies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_tickers")),
    )
    with op.batch_alter_table("tickers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tickers_company_id"), ["company_id"], unique=False)

    op.create_table(
        "facts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("start", sa.Date(), nullable=True),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("value", sa.String().with_variant(sa.Numeric(), "postgresql"), nullable=False),
        sa.Column("filing_id", sa.Integer(), nullable=False),
        sa.Column("load_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("source IN ('bundled', 'imported', 'live', 'uploaded')", name=op.f("ck_facts_source")),
        sa.CheckConstraint('start IS NULL OR start <= "end"', name=op.f("ck_facts_end_after_start")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_facts_company_id_companies"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["filing_id"], ["filings.id"], name=op.f("fk_facts_filing_id_filings"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["load_id"], ["data_loads.id"], name=op.f("fk_facts_load_id_data_loads")),
        sa.ForeignKeyConstraint(["tag_id"], ["xbrl_tags.id"], name=op.f("fk_facts_tag_id_xbrl_tags")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    with op.batch_alter_table("facts", schema=None) as batch_op:
        batch_op.create_index("ix_facts_filing_id", ["filing_id"], unique=False)
        batch_op.create_index("ix_facts_load_id", ["load_id"], unique=False)
        batch_op.create_index(
            "uq_facts_duration", ["company_id", "source", "tag_id", "unit", "end", "start", "filing_id"], unique=True
        )
        batch_op.create_index(
            "uq_facts_instant",
            ["company_id", "source", "tag_id", "unit", "end", "filing_id"],
            unique=True,
            sqlite_where=sa.text("start IS NULL"),
            postgresql_where=sa.text("start IS NULL"),
        )

    op.create_table(
        "research_details",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("research_run_id", sa.Integer(), nullable=False),
        sa.Column("step_name", sa.String(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "status IN ('Pending', 'Running', 'Completed', 'Failed', 'Cancelled')",
            name=op.f("ck_research_details_status"),
        ),
        sa.CheckConstraint("end_time >= start_time", name=op.f("ck_research_details_end_after_start")),
        sa.CheckConstraint("length(step_name) BETWEEN 1 AND 200", name=op.f("ck_research_details_step_name_length")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_research_details_position")),
        sa.CheckConstraint("progress BETWEEN 0 AND 1", name=op.f("ck_research_details_progress")),
        sa.ForeignKeyConstraint(
            ["research_run_id"],
            ["research_runs.id"],
            name=op.f("fk_research_details_research_run_id_research_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_research_details")),
        sa.UniqueConstraint("research_run_id", "position", name=op.f("uq_research_details_research_run_id_position")),
    )
    op.create_table(
        "research_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("research_run_id", sa.Integer(), nullable=False),
        sa.Column("result_type", sa.String(), nullable=False),
        sa.Column("result_data", sa.JSON(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(result_type) BETWEEN 1 AND 200", name=op.f("ck_research_results_result_type_length")
        ),
        sa.ForeignKeyConstraint(
            ["research_run_id"],
            ["research_runs.id"],
            name=op.f("fk_research_results_research_run_id_research_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_research_results")),
        sa.UniqueConstraint("research_run_id", "position", name=op.f("uq_research_results_research_run_id_position")),
    )
    with op.batch_alter_table("research_results", schema=None) as batch_op:
        batch_op.create_index("ix_research_results_research_run_id", ["research_run_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("research_results", schema=None) as batch_op:
        batch_op.drop_index("ix_research_results_research_run_id")

    op.drop_table("research_results")
    op.drop_table("research_details")
    with op.batch_alter_table("facts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_facts_instant", sqlite_where=sa.text("start IS NULL"), postgresql_where=sa.text("start IS NULL")
        )
        batch_op.drop_index("uq_facts_duration")
        batch_op.drop_index("ix_facts_load_id")
        batch_op.drop_index("ix_facts_filing_id")

    op.drop_table("facts")
    with op.batch_alter_table("tickers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tickers_company_id"))

    op.drop_table("tickers")
    with op.batch_alter_table("research_runs", schema=None) as batch_op:
        batch_op.drop_index("ix_research_runs_status_date_id")
        batch_op.drop_index("ix_research_runs_parent_run_id")
        batch_op.drop_index("ix_research_runs_date_id")
        batch_op.drop_index("ix_research_runs_company_id")
        batch_op.drop_index("ix_research_runs_company")

    op.drop_table("research_runs")
    with op.batch_alter_table("filings", schema=None) as batch_op:
        batch_op.drop_index("ix_filings_company_id_filed")

    op.drop_table("filings")
    op.drop_table("xbrl_tags")
    with op.batch_alter_table("data_loads", schema=None) as batch_op:
        batch_op.drop_index("ix_data_loads_source_name")

    op.drop_table("data_loads")
    with op.batch_alter_table("companies", schema=None) as batch_op:
        batch_op.drop_index("ix_companies_sic")
        batch_op.drop_index("ix_companies_name")

    op.drop_table("companies")
