"""Facts are followed to where they came from: what was changed in the database, a run, or a kept answer is named."""

import gzip
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text, update

from research_dashboard.extensions import reading, writing
from research_dashboard.models import Fact, Filing, ResearchResult, ResearchRun
from research_dashboard.queries.reports import results_by_type
from research_dashboard.services import health, live
from research_dashboard.services.provenance import Verified, verify_companies, verify_run
from research_dashboard.settings import Settings
from research_dashboard.sources.limiter import FileLimiter
from research_dashboard.sources.raw import raw_folder
from tests.replay import Replay, replay
from tests.test_pipeline import research

SNOWFLAKE = 1640147
AS_OF = date(2026, 11, 1)


def verified(app: Flask, run_id: int) -> Verified:
    settings: Settings = app.config["SETTINGS"]
    with reading() as session:
        run = session.get_one(ResearchRun, run_id)
        results = results_by_type(session, run_id)
    return verify_run(run, results, settings.instance)


def add_a_million(tag: str, end: str, accession: str) -> None:
    """Change a filed fact behind the program's back."""
    found = text(
        "SELECT facts.id FROM facts JOIN xbrl_tags t ON t.id = tag_id JOIN filings f ON f.id = filing_id "
        'WHERE t.name = :tag AND facts."end" = :end AND f.accession = :accession'
    )
    with writing() as session:
        ids = session.scalars(found, {"tag": tag, "end": end, "accession": accession}).all()
        facts = session.scalars(select(Fact).where(Fact.id.in_(ids))).all()
        assert facts
        for fact in facts:
            fact.value += 1_000_000


def test_a_run_is_sound_and_says_that_its_facts_are_those_of_the_bundle(bundled: Flask, client: FlaskClient) -> None:
    run = research(bundled, "KHC", as_of=AS_OF)
    done = verified(bundled, run.id)
    assert done.sound, done.problems
    assert done.facts.compared > 1_000
    assert f"{done.facts.compared:,} of {done.facts.compared:,} facts are as their source told them." in done.words
    shown = client.post(f"/runs/{run.id}/verify", headers={"HX-Request": "true"}).text
    assert "facts are as their source told them" in shown


def test_a_fact_changed_before_the_run_is_found_by_its_run_by_the_command_and_by_doctor(
    bundled: Flask, client: FlaskClient
) -> None:
    accession = "0001637459-26-000009"
    add_a_million("Assets", "2025-12-27", accession)
    run = research(bundled, "KHC", as_of=AS_OF)
    done = verified(bundled, run.id)
    assert done.figures.sound  # the run agrees with the facts it was given
    assert not done.sound
    named = f"us-gaap:Assets, USD, 2025-12-27, of {accession}"
    assert any(named in problem for problem in done.problems)
    assert "value is 81787000000, its source says 81786000000" in done.problems[0]
    shown = client.post(f"/runs/{run.id}/verify", headers={"HX-Request": "true"}).text
    assert "Not confirmed" in shown
    assert named in shown
    runner = bundled.test_cli_runner()
    said = runner.invoke(args=["companies", "verify"])
    assert said.exit_code == 1
    assert f"Kraft Heinz Co: {named}" in said.output
    assert runner.invoke(args=["companies", "verify", "AAPL"]).exit_code == 0
    assert runner.invoke(args=["companies", "verify", "Nobody at all"]).exit_code == 1
    check = next(check for check in health.checks(bundled.config["SETTINGS"], thorough=True) if check.name == "facts")
    assert not check.well
    assert named in check.found
    assert "flask companies verify" in check.cure
    assert "facts" not in {check.name for check in health.checks(bundled.config["SETTINGS"])}


def test_a_day_or_form_of_a_filing_that_was_changed_and_a_fact_that_is_gone_are_found(bundled: Flask) -> None:
    accession = "0001637459-26-000009"
    with writing() as session:
        session.execute(update(Filing).where(Filing.accession == accession).values(filed=date(2026, 1, 1)))
        gone = session.scalar(
            select(Fact.id).join(Filing).where(Filing.accession == "0000320193-25-000079").order_by(Fact.id).limit(1)
        )
        session.execute(delete(Fact).where(Fact.id == gone))
    done = verify_companies(bundled.config["SETTINGS"].instance)
    assert {one.company for one in done.differences} == {"Kraft Heinz Co", "Apple Inc."}
    assert any("filed is 2026-01-01, its source says 2026-02-12" in one.why for one in done.differences)
    assert [one.why for one in done.differences if one.company == "Apple Inc."] == [
        "its source has it, the database has not"
    ]


def test_a_fact_changed_in_the_run_alone_is_found_although_its_figures_and_hash_were_mended(bundled: Flask) -> None:
    run = research(bundled, "KHC", as_of=AS_OF)
    with writing() as session:
        for row in session.scalars(select(ResearchResult).where(ResearchResult.research_run_id == run.id)):
            data = deepcopy(row.result_data)
            for fact in (data.get("facts") or {}).values():
                if fact["tag"] == "us-gaap:Goodwill":
                    fact["value"] += 1_000_000
            row.result_data = data
    assert any(
        "us-gaap:Goodwill" in str(one) and "in the run" in str(one)
        for one in verified(bundled, run.id).facts.differences
    )


@pytest.fixture
def sec() -> Iterator[Replay]:
    with replay() as server:
        yield server


@pytest.fixture
def settings(in_app: Flask, sec: Replay, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(live, "limiter_of", lambda instance: FileLimiter(instance / "sec.limit", per_second=1000))
    ours: Settings = in_app.config["SETTINGS"]
    return replace(ours, sec_contact="Example ann@example.com", sec_data_url=sec.url, sec_www_url=sec.url)


def test_live_facts_are_compared_with_the_answers_as_they_were_kept(settings: Settings, sec: Replay) -> None:
    sec.give(SNOWFLAKE)
    load = live.fetch_company(SNOWFLAKE, lambda part, words: None, settings)
    done = verify_companies(settings.instance)
    assert (done.compared, done.differences, done.unseen) == (load.facts, [], [])
    with writing() as session:
        fact = session.scalars(select(Fact).order_by(Fact.id).limit(1)).one()
        fact.value += 1
    assert len(verify_companies(settings.instance, SNOWFLAKE).differences) == 1
    answer = next(raw_folder(settings.instance, SNOWFLAKE).glob("companyfacts.*"))
    answer.write_bytes(gzip.compress(gzip.decompress(answer.read_bytes()).replace(b'"val": 1', b'"val": 2', 1)))
    (changed,) = verify_companies(settings.instance).differences
    assert answer.name in changed.fact
    answer.write_bytes(b"no gzip")
    assert "damaged" in verify_companies(settings.instance).differences[0].why
    answer.unlink()
    done = verify_companies(settings.instance)
    assert (done.differences, len(done.unseen)) == ([], 1)
    assert "is not kept" in done.unseen[0]
