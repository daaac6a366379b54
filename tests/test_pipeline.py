"""The five steps on the bundle: what they say, what they store, how fast."""

import hashlib
import time
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from research_dashboard.extensions import from_json, reading, to_json
from research_dashboard.models import ResearchDetail, ResearchRun
from research_dashboard.research import pipeline
from research_dashboard.research.steps import RESULT_TYPES
from research_dashboard.services import runs
from research_dashboard.worker import Worker


def research(app: Flask, company: str, **values: Any) -> ResearchRun:
    run_id = runs.start_research(company, "ann", **values).run_id
    Worker(app).work()
    with reading() as session:
        return session.get_one(ResearchRun, run_id)


def stored(run_id: int) -> dict[str, str]:
    statement = text(
        "SELECT result_type, CAST(result_data AS TEXT) FROM research_results "
        "WHERE research_run_id = :run ORDER BY position"
    )
    with reading() as session:
        return {row[0]: row[1] for row in session.execute(statement, {"run": run_id})}


def said(run_id: int) -> list[str]:
    statement = select(ResearchDetail.message).where(ResearchDetail.research_run_id == run_id)
    with reading() as session:
        return [str(message) for message in session.scalars(statement.order_by(ResearchDetail.position))]


def test_p35_apple_ends_completed_with_eight_results_that_its_manifest_vouches_for(bundled: Flask) -> None:
    run = research(bundled, "AAPL", as_of=date(2026, 11, 1))
    assert (run.status, run.company, run.ticker, run.source) == ("Completed", "Apple Inc.", "AAPL", "bundled")
    texts = stored(run.id)
    assert list(texts) == list(RESULT_TYPES)
    manifest = from_json(texts["manifest"])
    assert manifest["results"] == {
        kind: hashlib.sha256(text.encode()).hexdigest() for kind, text in texts.items() if kind != "manifest"
    }
    assert run.rules_version == manifest["rules_version"]
    assert manifest["data"][0].keys() == {"source", "name", "version", "sha256"}
    assert run.insights == from_json(texts["insights"])["count"]
    assert run.gaps == from_json(texts["gaps"])["count"]
    health = from_json(texts["financial_health"])
    year = [shown["end"] for shown in health["years"]].index("2023-09-30")
    revenue = health["concepts"]["revenue"][year]
    assert revenue["value"] == 383_285_000_000
    assert {"tag", "accession", "form", "url"} <= revenue.keys()
    first, second, *_ = said(run.id)
    assert first.startswith("Apple Inc., CIK 0000320193. Data as of 1 Nov 2026. ")
    assert second.endswith(" facts.")


def test_d2_the_duration_is_that_of_the_work(bundled: Flask) -> None:
    before = time.perf_counter()
    run = research(bundled, "NKE", peers=["TGT"])
    assert 0 < run.duration_mins * 60 <= time.perf_counter() - before


def test_the_same_request_on_the_same_data_gives_the_same_bytes(bundled: Flask) -> None:
    first = stored(research(bundled, "NKE", peers=["TGT", "COST"]).id)
    pipeline.forget()
    assert stored(research(bundled, "NKE", peers=["TGT", "COST"]).id) == first
    assert pipeline.encode(from_json(first["gaps"])).decode() == to_json(from_json(first["gaps"])) == first["gaps"]


def test_d5_a_date_before_the_first_annual_report_fails_and_says_what_to_do(bundled: Flask) -> None:
    run = research(bundled, "AAPL", as_of=date(2001, 1, 1))
    assert (run.status, run.error_kind) == ("Failed", "no_annual_report")
    assert "by 1 Jan 2001" in str(run.error_message)
    assert "Choose a later date" in str(run.error_message)
    assert stored(run.id) == {}


def test_d11_an_error_in_the_program_is_said_without_its_traceback(
    bundled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(pipeline, "perform", broken)
    run = research(bundled, "AAPL")
    assert (run.status, run.error_kind) == ("Failed", "crash")
    assert "ZeroDivisionError" in str(run.error_message)
    assert "Traceback" not in str(run.error_message)
