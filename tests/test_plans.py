"""The plans of the ten filters that are measured: each walks an index, none walks the table."""

from collections.abc import Iterator

import pytest
from flask import Flask

from benchmarks.history import FILTERS, PAGE, statements
from research_dashboard.extensions import db
from research_dashboard.services.fill import fill

ROWS = {
    "none": "USING INDEX ix_research_runs_kept_date",
    "company, nearly all": "USING INDEX ix_research_runs_kept_date",
    "company, none": None,  # the counts say that there is none
    "status": "USING INDEX ix_research_runs_kept",
    "company and status": "USING INDEX ix_research_runs_kept",
    "a month": "USING INDEX ix_research_runs_kept_date",
    "by company": "USING INDEX ix_research_runs_kept_company",
    "by duration, longest first": "USING INDEX ix_research_runs_kept_duration",
    "page 500": "USING INDEX ix_research_runs_kept_date",
    "free text": "USING",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated: object) -> Iterator[Flask]:
    """A record of 8,000 runs."""
    import shutil

    from research_dashboard import create_app
    from tests.conftest import settings_for

    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(str(migrated), folder / "research.db")
    app = create_app({"TESTING": True}, settings_for(folder))
    with app.app_context():
        fill(8000)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("name", FILTERS)
def test_each_measured_filter_walks_its_index(filled: Flask, name: str) -> None:
    with statements(filled) as sent:
        assert (
            filled.test_client()
            .get(f"{PAGE}?{FILTERS[name].replace('2026-03', '2024-11').replace('-31', '-30')}")
            .status_code
            == 200
        )
    record = [sql for sql in sent if "research_runs" in sql or "run_counts" in sql]
    assert len(record) <= 4
    plans = {sql: _plan(filled, sql) for sql in record}
    for sql, plan in plans.items():
        for line in plan:
            assert not (line.startswith("SCAN research_runs") and "INDEX" not in line), (sql, plan)
    rows = [plan for sql, plan in plans.items() if sql.lstrip().startswith(("SELECT research_runs.id", "WITH found"))]
    if ROWS[name] is None:
        assert rows == []
    else:
        assert any(ROWS[name] in line for line in rows[0]), rows
        assert "by" not in name or not any("TEMP B-TREE" in line for line in rows[0])


@pytest.mark.parametrize("query", ["q=title:alpha", "q=title=alpha+AND+status:failed", "q=title:a+OR+title:b"])
def test_a_title_is_looked_for_among_those_that_have_one(filled: Flask, query: str) -> None:
    with statements(filled) as sent:
        assert filled.test_client().get(f"{PAGE}?{query}").status_code == 200
    plans = [_plan(filled, sql) for sql in sent if "research_runs" in sql and "title" in sql]
    assert plans
    for plan in plans:
        assert not any(line.startswith("SCAN research_runs") for line in plan), plan
        assert any("ix_research_runs_titled" in line for line in plan), plan


def test_a_run_leaves_its_counts_by_their_key(filled: Flask) -> None:
    with filled.app_context(), db.engine.connect() as connection:
        triggers = "SELECT sql FROM sqlite_master WHERE name IN ('run_counts_out', 'run_counts_delete')"
        bodies = [row[0].partition("BEGIN")[2] for row in connection.exec_driver_sql(triggers)]
    assert len(bodies) == 2
    for body in bodies:
        updates = [part.replace("old.", "research_runs.") for part in body.split(";") if "UPDATE" in part]
        assert len(updates) == 5
        for update in updates:
            assert "(VALUES" not in update
            where = update.partition("WHERE")[2].replace("status =", "run_counts.status =")
            plan = _plan(filled, f"SELECT 1 FROM research_runs CROSS JOIN run_counts ON {where}")
            assert any("SEARCH run_counts USING PRIMARY KEY (kind=? AND key=? AND status=?)" in line for line in plan)


def _plan(app: Flask, sql: str) -> list[str]:
    """SQLite's plan; without statistics it reckons with a million rows."""
    with app.app_context(), db.engine.connect() as connection:
        values = tuple("1" for _ in range(sql.count("?")))
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
