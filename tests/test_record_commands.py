"""flask db fill, prune, import-seed and export-runs."""

import json
import sqlite3
from pathlib import Path

import pytest
from flask import Flask

from research_dashboard.extensions import db, writing
from research_dashboard.models import Company, ResearchDetail, ResearchResult, ResearchRun, RunCount, Ticker
from research_dashboard.services.fill import fill
from tests.test_run_filter import NOON, names, store

SEED = """
CREATE TABLE research_runs (id INTEGER PRIMARY KEY, company VARCHAR, researcher VARCHAR, date DATETIME,
    duration_mins FLOAT, status VARCHAR, insights INTEGER);
CREATE TABLE research_details (id INTEGER PRIMARY KEY, research_run_id INTEGER, step_name VARCHAR, start_time DATETIME,
    end_time DATETIME, status VARCHAR);
CREATE TABLE research_results (id INTEGER PRIMARY KEY, research_run_id INTEGER, result_type VARCHAR, result_data TEXT);
INSERT INTO research_runs VALUES (1, 'Apple', 'John Doe', '2025-04-01 09:30:00.000000', 10, 'Completed', 7),
    (2, '', 'John Doe', '2025-04-01 09:30:00', 10, 'Completed', 7), (3, 'B', 'J', '2025-04-01', 1, 'Bananas', 1),
    (4, 'C', 'J', '2025-04-01', -5, 'Failed', 1), (5, 'D', '', '2025-04-01', NULL, 'In Progress', 0);
INSERT INTO research_details VALUES (1, 1, 'Second', '2025-04-01 09:31:00', '2025-04-01 09:32:00', 'Completed'),
    (2, 1, 'First', '2025-04-01 09:30:00', NULL, 'In Progress'), (3, 1, 'X', '2025-04-02', '2025-04-01', 'Completed'),
    (4, 99, 'Lost', '2025-04-01', NULL, 'Running'), (5, 3, 'Of bananas', '2025-04-01', NULL, 'Running');
INSERT INTO research_results VALUES (1, 1, 'market_position', '{"market_share": 12}'), (2, 1, 'swot', 'not json'),
    (3, NULL, 'swot', '{}');
"""


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """A database as the seed left it, with rows that it should not have taken."""
    path = tmp_path / "research_seed.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SEED)
    connection.close()
    return path


def test_the_seeds_runs_arrive_once_and_what_cannot_be_is_named(app: Flask, seed: Path) -> None:
    runner = app.test_cli_runner()
    done = runner.invoke(args=["db", "import-seed", str(seed), "--zone", "Europe/Berlin"])
    assert done.exit_code == 1
    assert "3 runs, 2 steps, 2 results imported" in done.output
    assert done.stderr.splitlines()[0] == "6 rows left out:"
    for reason in (
        "run 3: status is 'Bananas'",
        "step 5: its run 3 stays out",
        "run 4: duration_mins is -5",
        "step 3 of run 1: it ends (2025-04-01) before it starts (2025-04-02)",
        "step 4: it belongs to run 99, which the file lacks",
        "result 3: it belongs to run None",
    ):
        assert reason in done.stderr
    with app.app_context():
        run = db.session.query(ResearchRun).where(ResearchRun.company == "Apple").one()
        assert (run.origin, run.date.isoformat()) == ("seed", "2025-04-01T07:30:00+00:00")
        assert [(step.step_name, step.message) for step in run.details] == [
            ("First", "“In Progress” in the seed."),
            ("Second", None),
        ]
        assert [result.result_data for result in run.results] == [{"market_share": 12}, "not json"]
    for where in ("/historical-records", "/historical-records?run=1", "/runs/1"):
        assert "figures without source (legacy)" in app.test_client().get(where).text, where


def test_what_the_seed_left_empty_or_called_otherwise_arrives_with_its_own_words(app: Flask, seed: Path) -> None:
    app.test_cli_runner().invoke(args=["db", "import-seed", str(seed)])
    with app.app_context():
        _, nameless, going = db.session.query(ResearchRun).order_by(ResearchRun.id)
        assert (nameless.company, nameless.options) == ("(no company)", {"seed_id": 2, "seed_words": {"company": ""}})
        assert (going.researcher, going.status, going.duration_mins) == ("(no researcher)", "Running", 0)
        words = {"researcher": "", "status": "In Progress", "duration_mins": None}
        assert going.options == {"seed_id": 5, "seed_words": words}


def test_a_corrected_seed_brings_only_what_is_not_on_record(app: Flask, seed: Path) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["db", "import-seed", str(seed)])
    again = runner.invoke(args=["db", "import-seed", str(seed), "--zone", "Europe/Berlin"])
    assert again.output.startswith("0 runs, 0 steps, 0 results imported\n3 runs were on record already")
    with sqlite3.connect(seed) as connection:
        connection.execute("UPDATE research_runs SET status = 'Completed' WHERE id = 3")
        connection.execute("UPDATE research_runs SET duration_mins = 5 WHERE id = 4")
        connection.execute("DELETE FROM research_details WHERE id >= 3")
        connection.execute("DELETE FROM research_results WHERE id = 3")
    connection.close()
    corrected = runner.invoke(args=["db", "import-seed", str(seed)])
    assert corrected.output == (
        "2 runs, 0 steps, 0 results imported\n3 runs were on record already and are passed over\n"
    )
    assert corrected.exit_code == 0
    with app.app_context():
        assert names("sort=company") == ["(no company)", "Apple", "B", "C", "D"]


def test_a_seed_that_breaks_off_leaves_nothing_behind(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SEED)
        rows = [(n, "C" * 150, "ann", "2025-04-01 09:30:00", 1.0, "Completed", 1) for n in range(10, 3000)]
        connection.executemany("INSERT INTO research_runs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    refused = app.test_cli_runner().invoke(args=["db", "import-seed", str(path)])
    assert (refused.exit_code, "Nothing was stored" in refused.output or "is not" in refused.output) == (1, True)
    with app.app_context():
        assert db.session.query(ResearchRun).count() == 0
    path.write_bytes(whole)
    assert "2,993 runs" in app.test_cli_runner().invoke(args=["db", "import-seed", str(path)]).output


def test_another_file_is_no_seed(app: Flask, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"no database at all, but long enough to be taken for one" * 40)
    refused = app.test_cli_runner().invoke(args=["db", "import-seed", str(other)])
    assert refused.exit_code == 1
    assert "is not an SQLite database" in refused.output
    with sqlite3.connect(tmp_path / "empty.db") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    refused = app.test_cli_runner().invoke(args=["db", "import-seed", str(tmp_path / "empty.db")])
    assert "research_runs has no company" in refused.output


def test_prune_deletes_what_lay_in_the_trash_long_enough(app: Flask) -> None:
    with app.app_context():
        store({"deleted_at": NOON}, {})
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db", "prune", "--days", "36500"]).output == "0 runs deleted for good\n"
    assert runner.invoke(args=["db", "prune", "--days", "0", "--yes"]).output == "1 run deleted for good\n"


def test_prune_asks_first_and_a_dry_run_deletes_nothing(app: Flask) -> None:
    with app.app_context():
        store({"deleted_at": NOON}, {"deleted_at": NOON}, {})
    prune, runner = ["db", "prune", "--days", "1"], app.test_cli_runner()
    assert runner.invoke(args=[*prune, "--dry-run"]).output == "2 runs would be deleted for good\n"
    assert runner.invoke(args=[*prune, "--dry-run", "--yes"]).output == "2 runs would be deleted for good\n"
    for answer in ("n\n", ""):  # nobody is there: a timer without --yes
        asked = runner.invoke(args=prune, input=answer)
        assert (asked.exit_code, "Delete 2 runs for good? [y/N]" in asked.output) == (1, True)
    with app.app_context():
        assert db.session.query(ResearchRun).count() == 3
    assert "2 runs deleted for good\n" in runner.invoke(args=prune, input="y\n").output
    with app.app_context():
        assert db.session.query(ResearchRun).count() == 1


def test_the_filling_is_the_same_each_time(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert "250 runs in" in runner.invoke(args=["db", "fill", "250"]).output
    with app.app_context():
        first = db.session.query(ResearchRun.company, ResearchRun.date, ResearchRun.status).all()
        assert db.session.query(ResearchDetail).count() == 1250
        assert db.session.query(ResearchResult).count() > 0
        assert db.session.query(db.func.sum(RunCount.runs)).where(RunCount.kind == "source").scalar() == 250
        with writing() as session:
            session.query(ResearchRun).delete()
        db.session.rollback()
    runner.invoke(args=["db", "fill", "250"])
    with app.app_context():
        assert db.session.query(ResearchRun.company, ResearchRun.date, ResearchRun.status).all() == first


def test_the_command_finds_what_the_page_finds(app: Flask) -> None:
    with app.app_context():
        store({"company": "A", "status": "Failed"}, {"company": "B"}, {"company": "C", "status": "Failed"})
        assert names("q=status:failed&sort=company") == ["A", "C"]
    runner = app.test_cli_runner()
    done = runner.invoke(args=["db", "export-runs", "status:failed", "--filter", "sort=company", "--format", "ndjson"])
    assert [json.loads(line)["company"] for line in done.stdout.splitlines()] == ["A", "C"]
    assert "2 runs" in done.stderr
    wrong = runner.invoke(args=["db", "export-runs", "status:"])
    assert wrong.exit_code == 1
    assert "At character 8" in wrong.output


@pytest.mark.sqlite  # the triggers are left out there only
def test_what_is_filled_is_counted_and_found_as_if_it_came_one_by_one(app: Flask) -> None:
    with app.app_context():
        with writing() as session:
            session.add_all(
                [Company(id=7, name="A", sic=3571, tickers=[Ticker(symbol="AAA")]), Company(id=8, name="B")]
            )
        before = db.session.execute(db.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        db.session.rollback()
        fill(1300)
        after = db.session.execute(db.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        assert sorted(after) == sorted(before)
        kept = _counted()
        for kind, key in KEYS.items():
            rows = db.session.execute(
                db.text(f"SELECT '{kind}', {key}, status, count(*) FROM research_runs GROUP BY 2, 3")
            ).all()
            assert {row[:3]: row[3] for row in rows} == {key: n for key, n in kept.items() if key[0] == kind}
        assert {("filer", "7")} < {key[:2] for key in kept if key[0] == "filer"}
        with writing() as session:  # the same texts, written by the triggers
            stored = session.execute(db.text("SELECT rowid, findings, error FROM run_search ORDER BY rowid")).all()
            session.execute(db.text("DELETE FROM run_search"))
            session.execute(db.text("UPDATE research_runs SET title = NULL WHERE error_message IS NOT NULL"))
            columns = "research_run_id, result_type, result_data, created_at"
            results = f"INSERT INTO research_results ({columns}) SELECT {columns} FROM research_results"
            session.execute(db.text(results))
            again = session.execute(db.text("SELECT rowid, findings, error FROM run_search ORDER BY rowid")).all()
        assert stored == again
        assert len(stored) > 50
        assert len(names("q=inventory&per_page=200")) == len([row for row in stored if "inventory" in (row[1] or "")])


KEYS = {
    "company": "company",
    "researcher": "researcher",
    "month": "substr(date, 1, 7)",
    "source": "coalesce(source, '')",
    "filer": "CAST(coalesce(company_id, 0) AS TEXT)",
}


def _counted() -> dict[tuple[str, str, str], int]:
    return {(row.kind, row.key, row.status): row.runs for row in db.session.query(RunCount)}


@pytest.mark.sqlite
def test_its_own_database_is_no_seed(app: Flask) -> None:
    with app.app_context():
        store({"company": "Acme"})
        own = db.engine.url.database
        assert own
        refused = app.test_cli_runner().invoke(args=["db", "import-seed", own])
        assert (refused.exit_code, "is this program's own database" in refused.output) == (1, True)
        assert names("") == ["Acme"]
