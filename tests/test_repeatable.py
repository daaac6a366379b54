"""The same inputs give the same bytes of results, in whichever database they are held, in whatever order they came."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from research_dashboard import create_app
from research_dashboard.edition import code_version, digest
from research_dashboard.extensions import db, from_json, writing
from research_dashboard.research import pipeline
from research_dashboard.services.imports import import_data_set
from research_dashboard.services.loads import import_bundle
from research_dashboard.services.uploads import upload
from research_dashboard.sources.uploaded import EXAMPLE_NAME, template
from tests.conftest import Page, settings_for
from tests.test_import import ACME, ASSETS, FILED, REVENUES, data_set
from tests.test_pipeline import research, stored

Visit = Callable[..., Page]
AS_OF, UPLOADED = date(2026, 11, 1), datetime(2026, 10, 1, tzinfo=UTC)
LATER = "0000000009-26-000001"
RUNS = (("AAPL", ()), ("JPM", ("DUK", "AAPL", "INTC")), ("Acme", ()), (EXAMPLE_NAME, ("MSFT", "ADBE")))


def annual(accession: str, year: int, revenue: int) -> list[list[str]]:
    """A year's report in a data set: revenue, net income, assets."""
    end = f"{year}1231"
    income = [accession, "NetIncomeLoss", "us-gaap/2024", end, "4", "USD", "", "", "12.0000", ""]
    return [
        [accession, *REVENUES[1:3], end, "4", "USD", "", "", f"{revenue}.0000", ""],
        [accession, *ASSETS[1:3], end, "0", "USD", "", "", "99.5000", ""],
        income,
    ]


def quarters(folder: Path) -> list[Path]:
    """Two quarterly data sets: Acme renames itself between them; the later one states the earlier year again."""
    first = data_set(folder / "2025q1.zip", annual(ACME, 2024, 1000))
    renamed = [LATER, "9", "ACME NEW CORP", *FILED[3:11], "20251231", "2025", "FY", "20260201", "ACME CORP", "20250601"]
    numbers = [*annual(LATER, 2025, 1200), *annual(LATER, 2024, 1010)]
    return [first, data_set(folder / "2026q1.zip", numbers, [renamed])]


@contextmanager
def fresh(folder: Path, database_url: str) -> Iterator[Flask]:
    app = create_app({"TESTING": True, "WTF_CSRF_ENABLED": False}, settings_for(folder, database_url=database_url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def everything(app: Flask) -> dict[str, dict[str, str]]:
    """The stored bytes of every result of every run."""
    pipeline.forget()
    made = {}
    for company, peers in RUNS:
        source = "imported" if company == "Acme" else "auto"
        run = research(app, company, as_of=AS_OF, source=source, peers=peers)
        assert run.status == "Completed", run.error_message
        made[company] = stored(run.id)
    return made


@pytest.mark.sqlite
def test_two_databases_filled_in_different_order_give_the_same_bytes(migrated: Path, tmp_path: Path) -> None:
    first, second = quarters(tmp_path)
    own = template().encode()
    orders: list[list[Callable[[], object]]] = [
        [
            import_bundle,
            lambda: import_data_set(first),
            lambda: import_data_set(second),
            lambda: upload(own, "own.csv", now=UPLOADED),
        ],
        [
            lambda: upload(own, "own.csv", now=UPLOADED),
            lambda: import_data_set(second),
            lambda: import_data_set(first),
            import_bundle,
        ],
    ]
    results = []
    for number, order in enumerate(orders):
        folder = tmp_path / f"instance{number}"
        folder.mkdir()
        (folder / "research.db").write_bytes(migrated.read_bytes())
        with fresh(folder, f"sqlite:///{folder / 'research.db'}") as app:
            for load in order:
                load()
            results.append(everything(app))
    one, other = results
    for company, kinds in one.items():
        for kind, bytes_ in kinds.items():
            assert bytes_ == other[company][kind], f"{kind} of {company}"
    assert from_json(one["Acme"]["company_profile"])["name"] == "ACME NEW CORP"
    assert from_json(one["JPM"]["manifest"])["options"]["peers"] == [1326160, 320193, 50863]


def test_the_id_of_a_fact_in_a_result_opens_its_card(bundled: Flask, visit: Visit) -> None:
    health = from_json(stored(research(bundled, "DUK", as_of=AS_OF).id)["financial_health"])
    revenue = health["concepts"]["revenue"][-1]
    (id_,) = revenue["facts"]
    assert id_.startswith(f"{revenue['accession']}-")
    assert health["facts"][id_]["value"] == revenue["value"]
    page = visit(f"/facts/{id_}")
    assert f"{revenue['value']:,} USD" in page.text(".tile .value")
    assert "Revenue, FY2025" in page.text("main")
    assert id_ in page.text("main")
    visit(f"/facts/{id_[:-1]}", status=404)
    visit(f"/facts/{10**30}", status=404)


def test_a_result_of_an_older_version_that_calls_facts_by_rows_still_leads_to_them(
    bundled: Flask, visit: Visit
) -> None:
    run = research(bundled, "NKE", as_of=AS_OF)
    health = stored(run.id)["financial_health"]
    with writing() as session:
        rows = session.execute(
            text(
                "SELECT facts.id, accession, taxonomy || ':' || xbrl_tags.name AS tag, unit, start, \"end\" FROM facts"
                " JOIN filings ON filings.id = filing_id JOIN xbrl_tags ON xbrl_tags.id = tag_id"
                " JOIN companies ON companies.id = facts.company_id WHERE cik = 320187"
            )
        ).all()
        row_of = {(r.accession, r.tag, r.unit, str(r.start), str(r.end)): r.id for r in rows}
        for id_, fact in from_json(health)["facts"].items():
            row = row_of[fact["accession"], fact["tag"], fact["unit"], str(fact["start"]), str(fact["end"])]
            health = health.replace(f'"{id_}":{{"id":"{id_}"', f'"{row}":{{"id":{row}').replace(f'"{id_}"', str(row))
        session.execute(
            text(
                "UPDATE research_results SET result_data = :data WHERE research_run_id = :run AND result_type = :kind"
            ),
            {"data": health, "run": run.id, "kind": "financial_health"},
        )
    older = from_json(health)
    row = older["concepts"]["revenue"][-1]["facts"][0]
    assert isinstance(row, int)
    page = visit(f"/runs/{run.id}")
    assert page.soup.select_one(f"#figures a[href='/facts/{row}']")
    assert "Revenue, FY2026" in visit(f"/facts/{row}").text("main")


def test_the_manifest_s_code_version_changes_with_the_code_that_makes_results_alone(tmp_path: Path) -> None:
    for part in ("research", "sources", "pages"):
        (tmp_path / part / "deeper").mkdir(parents=True)
        (tmp_path / part / "deeper" / "rules.py").write_bytes(b"LIMIT = 3\n")
    before = digest(tmp_path)
    (tmp_path / "pages" / "deeper" / "rules.py").write_bytes(b"LIMIT = 4\n")
    (tmp_path / "sources" / "deeper" / "rules.py").write_bytes(b"LIMIT = 3\r\n")  # as Git checks it out elsewhere
    assert digest(tmp_path) == before
    (tmp_path / "research" / "deeper" / "rules.py").write_bytes(b"LIMIT = 4\n")
    assert digest(tmp_path) != before
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\+[0-9a-f]{12}", code_version())
