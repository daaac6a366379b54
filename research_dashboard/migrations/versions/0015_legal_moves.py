"""a run's status moves by the legal table only, and a failure of the built-in research says why

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# As services/records.py and tables/runs.py have them on the day of this migration; a test holds the two together.
MOVES = {
    "Queued": ("Running", "Cancelled", "Failed"),
    "Running": ("Completed", "Failed", "Cancelling", "Interrupted"),
    "Cancelling": ("Cancelled",),
    "Interrupted": ("Queued", "Running", "Cancelled", "Failed"),
    "Failed": ("Queued",),
    "Cancelled": ("Queued",),
}
OURS = "NEW.origin IN ('research', 'schedule')"
LEGAL = " OR ".join(
    f"(OLD.status = '{now}' AND NEW.status IN ({', '.join(repr(status) for status in to)}))"
    for now, to in MOVES.items()
)
# What a program logged has no worker that must say Cancelled first.
ILLEGAL = f"NOT ({LEGAL} OR (OLD.status = 'Running' AND NEW.status = 'Cancelled' AND NOT {OURS}))"
UNEXPLAINED = f"NEW.status = 'Failed' AND {OURS} AND NEW.error_kind IS NULL"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER research_runs_legal_moves BEFORE UPDATE OF status ON research_runs "
            f"WHEN OLD.status <> NEW.status AND {ILLEGAL} "
            "BEGIN SELECT RAISE(ABORT, 'this move of a run''s status is not legal'); END"
        )
        op.execute(
            "CREATE TRIGGER research_runs_failure_says_why BEFORE UPDATE OF status ON research_runs "
            f"WHEN OLD.status <> NEW.status AND {UNEXPLAINED} "
            "BEGIN SELECT RAISE(ABORT, 'a failed run says why: error_kind'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION check_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {ILLEGAL} THEN RAISE EXCEPTION 'this move of a run''s status is not legal: % to %', OLD.status, NEW.status "
        "USING ERRCODE = 'check_violation'; END IF; "
        f"IF {UNEXPLAINED} THEN RAISE EXCEPTION 'a failed run says why: error_kind' "
        "USING ERRCODE = 'check_violation'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER research_runs_legal_moves BEFORE UPDATE OF status ON research_runs "
        "FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION check_move()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER research_runs_failure_says_why")
        op.execute("DROP TRIGGER research_runs_legal_moves")
        return
    op.execute("DROP TRIGGER research_runs_legal_moves ON research_runs")
    op.execute("DROP FUNCTION check_move()")
