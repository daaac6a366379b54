"""The bundle: sure values, counts, provenance, hashes; loaded once however often it is asked for."""

import hashlib
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

import research_dashboard
from research_dashboard import create_app
from research_dashboard.extensions import db, reading
from research_dashboard.models import Company, DataLoad, Fact, Filing, Source, Ticker, XbrlTag
from research_dashboard.queries.companies import companies_with_facts, facts_of
from research_dashboard.research.concepts import TAGS
from research_dashboard.services.database import prepare_database
from research_dashboard.services.loads import import_bundle
from research_dashboard.sources.bundled import read_bundle, sources
from tests.conftest import settings_for

DATA = Path(research_dashboard.__file__).parent / "data"
REVENUE = "RevenueFromContractWithCustomerExcludingAssessedTax"


def counts() -> dict[str, int]:
    """Rows of each table that a load fills."""
    tables = (Company, Ticker, Filing, XbrlTag, Fact, DataLoad)
    with reading() as session:
        return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def test_every_hash_in_sources_is_true() -> None:
    recorded = sources()
    for name, digest in recorded["outputs"].items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest, name
    shipped = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()}
    assert shipped == {*recorded["outputs"], "SOURCES.json"}


def test_the_bundle_is_26_companies_and_the_whole_index() -> None:
    bundle = read_bundle()
    assert (len(bundle.companies), len(bundle.listed)) == (26, 10_365)
    assert all(len(path.read_bytes()) < 300_000 for path in DATA.rglob("*") if path.is_file())


def test_every_bundled_fact_is_of_a_tag_that_research_reads() -> None:
    bundle = read_bundle()
    for identity in bundle.companies:
        assert identity.cik is not None
        assert {f"{row.taxonomy}:{row.tag}" for row in bundle.facts(identity.cik)} <= TAGS


def test_loading_twice_adds_nothing(bundled: Flask) -> None:
    before = counts()
    assert before["companies"] == 7_992
    assert before["tickers"] >= 10_365
    assert before["facts"] == sources()["facts"]
    import_bundle()
    assert counts() == before


SURE_VALUES = [
    ("AAPL", date(2023, 9, 30), REVENUE, 383_285, "0000320193-23-000106"),
    ("AAPL", date(2023, 9, 30), "NetIncomeLoss", 96_995, "0000320193-23-000106"),
    ("MSFT", date(2023, 6, 30), REVENUE, 211_915, "0000950170-23-035122"),
    ("GOOGL", date(2023, 12, 31), REVENUE, 307_394, None),
]


@pytest.mark.parametrize("sure", SURE_VALUES, ids=lambda sure: f"{sure[0]} {sure[2]}")
def test_sure_values(bundled: Flask, sure: tuple[str, date, str, int, str | None]) -> None:
    ticker, end, tag, millions, accession = sure
    company = next(company for company in companies_with_facts(Source.BUNDLED) if ticker in company.tickers)
    found = [
        fact
        for fact in facts_of(company.id, Source.BUNDLED)
        if fact.tag == tag and fact.end == end and fact.days is not None and 350 <= fact.days <= 380
    ]
    assert found
    assert {fact.value for fact in found} == {Decimal(millions) * 1_000_000}
    assert {fact.unit for fact in found} == {"USD"}
    first = min(found, key=lambda fact: fact.filing.filed)
    assert first.filing.form == "10-K"
    assert first.filing.cik == company.cik
    assert accession is None or first.filing.accession == accession


def test_flask_run_on_an_empty_folder_prepares_it_at_the_first_request(tmp_path: Path) -> None:
    app = create_app({}, settings_for(tmp_path / "new"))
    assert app.test_client().get("/").status_code == 200
    with app.app_context():
        assert counts()["facts"] == sources()["facts"]
        assert prepare_database(tmp_path / "new") is False
        db.session.remove()
        db.engine.dispose()


def test_two_processes_that_start_at_once_load_the_bundle_once(tmp_path: Path) -> None:
    settings_for(tmp_path)
    code = (
        "import sys; from pathlib import Path; from research_dashboard import create_app;"
        "from research_dashboard.services.database import prepare_database;"
        "app = create_app(); context = app.app_context(); context.push();"
        "print(prepare_database(Path(sys.argv[1])))"
    )
    environment = {**os.environ, "RESEARCH_DASHBOARD_INSTANCE": str(tmp_path)}
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=120)[0].split()[-1] for process in both) == ["False", "True"]


def test_status_and_import_say_what_is_there(bundled: Flask) -> None:
    runner = bundled.test_cli_runner()
    assert "79,169 facts of 26 companies" in runner.invoke(args=["companies", "import-bundle"]).output
    assert "26 with figures" in runner.invoke(args=["companies", "status"]).output
