"""no way around the legal moves: a run is not replaced (SQLite), not born Failed without a cause, and not Completed
without results

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

OURS = "NEW.origin IN ('research', 'schedule')"
# INSERT OR REPLACE deletes the old row without firing its triggers: every rule on moves would be passed by.
REPLACES = "EXISTS (SELECT 1 FROM research_runs WHERE id = NEW.id)"
UNEXPLAINED = f"NEW.status = 'Failed' AND {OURS} AND NEW.error_kind IS NULL"
NO_RESULTS = "NOT EXISTS (SELECT 1 FROM research_results WHERE research_run_id = NEW.id)"
WITHOUT_RESULTS = f"OLD.status <> 'Completed' AND NEW.status = 'Completed' AND {OURS} AND {NO_RESULTS}"
RULES = (
    ("research_runs_birth_says_why", "INSERT", UNEXPLAINED, "a failed run says why: error_kind"),
    ("research_runs_results_first", "UPDATE OF status", WITHOUT_RESULTS, "a run is not completed without results"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite("research_runs_no_replace", "INSERT", REPLACES, "a run is changed by its moves, never replaced")
        for rule in RULES:
            _sqlite(*rule)
        return
    for name, when, wrong, message in RULES:
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {wrong} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END IF; "
            "RETURN NEW; END $$"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {when} ON research_runs FOR EACH ROW EXECUTE FUNCTION {name}()")


def _sqlite(name: str, when: str, wrong: str, message: str) -> None:
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {when} ON research_runs WHEN {wrong} BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("research_runs_no_replace", *(name for name, *_ in RULES)):
            op.execute(f"DROP TRIGGER {name}")
        return
    for name, *_ in RULES:
        op.execute(f"DROP TRIGGER {name} ON research_runs")
        op.execute(f"DROP FUNCTION {name}()")
