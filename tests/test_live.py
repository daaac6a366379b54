"""Figures from the SEC's APIs, against a server on loopback that answers like it, and fails like it."""

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import DataLoad, ResearchDetail, ResearchResult, ResearchRun, Source, Status
from research_dashboard.queries.companies import facts_of, stock
from research_dashboard.research.steps import RESULT_TYPES
from research_dashboard.services import live
from research_dashboard.services.companies import KnownWithoutFigures, resolve, source_for
from research_dashboard.services.imports import import_data_set
from research_dashboard.services.runs import resume, start_research
from research_dashboard.settings import Settings
from research_dashboard.sources.limiter import FileLimiter, TooLongError
from research_dashboard.sources.sec import Access, SecClient, SecError
from research_dashboard.worker import Worker
from tests.makers import make_company
from tests.replay import Fault, Replay, companyfacts, cut, garbage, paths, replay, status, submissions

APPLE, SNOWFLAKE = 320193, 1640147  # a whole answer, and a small one
SHARED = next(
    (found for up in Path(__file__).resolve().parents[2:4] if (found := up / "shared/data/companyfacts").exists()), None
)


@pytest.fixture
def sec() -> Iterator[Replay]:
    with replay() as server:
        yield server


@pytest.fixture
def settings(in_app: Flask, sec: Replay, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Live data on, the SEC on loopback, and no waiting between attempts."""
    quick = live.access_of
    monkeypatch.setattr(live, "access_of", lambda settings: replace(quick(settings), first_wait=0.01))
    monkeypatch.setattr(live, "limiter_of", lambda instance: FileLimiter(instance / "sec.limit", per_second=1000))
    ours: Settings = in_app.config["SETTINGS"]
    return replace(ours, sec_contact="Example ann@example.com", sec_data_url=sec.url, sec_www_url=sec.url)


def silent(part: float, words: str) -> None:
    """Progress that nobody watches."""


def test_a_company_is_fetched_with_who_it_is_and_what_it_filed(settings: Settings, sec: Replay) -> None:
    sec.give(APPLE)
    said: list[tuple[float, str]] = []
    load = live.fetch_company(APPLE, lambda part, words: said.append((part, words)), settings)
    apple = resolve("AAPL")
    assert (apple.name, apple.sic, apple.office) == ("Apple Inc.", 3571, "Technology")
    found = [fact for fact in facts_of(apple.id, Source.LIVE) if fact.value == 96_995_000_000]
    assert {(fact.tag, str(fact.start), str(fact.end)) for fact in found} == {
        ("NetIncomeLoss", "2022-09-25", "2023-09-30")
    }
    assert load.facts == len(companyfacts_of(APPLE))
    assert load.sha256 == hashlib.sha256(sec.answers[paths(APPLE)[1]]).hexdigest()
    assert [path for path, _, _ in sec.seen] == [*paths(APPLE)]
    assert all("ann@example.com" in headers["user-agent"] for _, headers, _ in sec.seen)
    assert said[-1][0] == 1.0
    assert any("MB" in words for _, words in said)


def companyfacts_of(cik: int) -> list[object]:
    """Every fact of the bundled company, as the SEC's answer holds them."""
    return [
        fact
        for tags in companyfacts(cik)["facts"].values()
        for tag in tags.values()
        for facts in tag["units"].values()
        for fact in facts
    ]


def test_answers_are_kept_as_they_came(settings: Settings, sec: Replay) -> None:
    sec.give(APPLE)
    live.fetch_company(APPLE, silent, settings)
    kept = sorted((settings.instance / "raw" / f"CIK{APPLE:010}").iterdir())
    assert [path.name.split(".")[0] for path in kept] == ["companyfacts", "submissions"]
    for path, address in zip(kept, reversed(paths(APPLE)), strict=True):
        body = gzip.decompress(path.read_bytes())
        assert body == sec.answers[address]
        assert hashlib.sha256(body).hexdigest() in path.name


def test_what_is_fresh_is_not_fetched_again(settings: Settings, sec: Replay) -> None:
    sec.give(SNOWFLAKE)
    first = live.fetch_company(SNOWFLAKE, silent, settings)
    again = live.fetch_company(SNOWFLAKE, silent, settings)
    assert again.id == first.id
    assert len(sec.seen) == 2


def test_after_a_day_it_is_asked_whether_anything_changed(settings: Settings, sec: Replay) -> None:
    sec.give(SNOWFLAKE)
    first = live.fetch_company(SNOWFLAKE, silent, settings)
    held = stock()
    with writing() as session:
        session.get_one(DataLoad, first.id).finished_at = utcnow() - timedelta(hours=25)
    again = live.fetch_company(SNOWFLAKE, silent, settings)
    assert (again.id, stock()) == (first.id, held)
    assert [code for _, _, code in sec.seen] == [200, 200, 304, 304]


def test_a_new_filing_is_a_new_load_and_adds_its_facts_only(settings: Settings, sec: Replay) -> None:
    sec.give(APPLE)
    first = live.fetch_company(APPLE, silent, settings)
    held = stock()
    answer = companyfacts(APPLE)
    answer["facts"]["us-gaap"]["Assets"]["units"]["USD"].append(
        {
            "end": "2026-12-26",
            "val": 5,
            "accn": "0000320193-27-000001",
            "fy": 2027,
            "fp": "Q1",
            "form": "10-Q",
            "filed": "2027-01-30",
        }
    )
    sec.answers[paths(APPLE)[1]] = json.dumps(answer).encode()
    with writing() as session:
        session.get_one(DataLoad, first.id).finished_at = utcnow() - timedelta(hours=25)
    again = live.fetch_company(APPLE, silent, settings)
    assert again.id != first.id
    assert stock().facts == held.facts + 1


def test_live_is_off_without_a_contact(settings: Settings, sec: Replay) -> None:
    with pytest.raises(SecError) as error:
        live.fetch_company(APPLE, silent, replace(settings, sec_contact=""))
    assert (error.value.kind, sec.seen) == ("off", [])
    assert "RESEARCH_DASHBOARD_SEC_CONTACT" in error.value.cure


def test_what_was_fetched_stays_usable_when_live_is_off(settings: Settings, sec: Replay) -> None:
    sec.give(SNOWFLAKE)
    first = live.fetch_company(SNOWFLAKE, silent, settings)
    with writing() as session:
        session.get_one(DataLoad, first.id).finished_at = utcnow() - timedelta(days=9)
    assert live.fetch_company(SNOWFLAKE, silent, replace(settings, sec_contact="")).id == first.id
    assert len(sec.seen) == 2


FAULTS: list[tuple[list[Fault], str | None]] = [  # what happens to the figures, and how it ends: None is well
    ([status(503)], None),
    ([status(500), status(502), status(504)], None),
    ([status(429, Retry_After="0")], None),
    ([cut], None),
    ([garbage], None),
    ([status(503)] * 9, "sec_down"),
    ([cut] * 9, "truncated"),
    ([garbage] * 9, "invalid"),
    ([status(403)], "forbidden"),
    ([status(404)], "no_xbrl"),
    ([status(429, Retry_After="600")], "rate_limited"),
    ([status(418)], "unexpected"),
]


@pytest.mark.parametrize(("faults", "kind"), FAULTS, ids=lambda value: value if isinstance(value, str) else None)
def test_each_failure_is_named_or_overcome(
    settings: Settings, sec: Replay, faults: list[Fault], kind: str | None
) -> None:
    sec.give(SNOWFLAKE)
    sec.faults[paths(SNOWFLAKE)[1]] = list(faults)
    if kind is None:
        assert live.fetch_company(SNOWFLAKE, silent, settings).facts > 100
        return
    with pytest.raises(SecError) as error:
        live.fetch_company(SNOWFLAKE, silent, settings)
    assert error.value.kind == kind
    assert error.value.cure.endswith(".")
    assert stock().facts == 0


def test_answers_that_are_not_what_they_should_be_are_named(settings: Settings, sec: Replay) -> None:
    about, figures = paths(SNOWFLAKE)
    for change, kind in {
        about: (submissions(SNOWFLAKE, cik="0000000009"), "invalid"),
        figures: (companyfacts(SNOWFLAKE, cik=9), "invalid"),
        f"{figures} ": ({"cik": SNOWFLAKE, "facts": []}, "invalid"),
        f"{figures}  ": ({"cik": f"{SNOWFLAKE:010}", "facts": {}}, "no_xbrl"),
        f"{about} ": ([1, 2], "invalid"),
    }.items():
        sec.give(SNOWFLAKE)
        sec.answers[change.strip()] = json.dumps(kind[0]).encode()
        with pytest.raises(SecError) as error:
            live.fetch_company(SNOWFLAKE, silent, settings)
        assert error.value.kind == kind[1], change


def test_a_foreign_filer_without_figures_is_told_apart(settings: Settings, sec: Replay) -> None:
    about, _ = paths(APPLE)
    recent = {"accessionNumber": ["0000320193-25-000001"], "form": ["20-F"], "filingDate": ["2025-03-01"],
              "reportDate": ["2024-12-31"], "primaryDocument": ["a.htm"]}  # fmt: skip
    sec.answers[about] = json.dumps(submissions(APPLE, filings={"recent": recent})).encode()
    with pytest.raises(SecError) as error:
        live.fetch_company(APPLE, silent, settings)
    assert error.value.kind == "foreign_filer"


def test_a_server_that_is_not_there_is_said_to_be_unreachable(settings: Settings) -> None:
    with pytest.raises(SecError) as error:
        live.fetch_company(APPLE, silent, replace(settings, sec_data_url="http://127.0.0.1:9"))
    assert error.value.kind == "unreachable"


def test_likely_peers_are_of_the_same_industry_the_nearest_first(bundled: Flask) -> None:
    peers = live.likely_peers(resolve("MSFT"))
    assert {peer.ticker for peer in peers[:5]} == {"ORCL", "ADBE", "SNOW", "DDOG", "MDB"}
    assert len(peers) == live.PEERS
    assert all(peer.office == "Technology" for peer in peers)
    same = [peer.ticker for peer in peers if peer.sic == 7372]
    assert same[:3] == ["ORCL", "ADBE", "SNOW"]  # by revenue, not by the order of their rows
    known = live.industries_known()
    assert known is not None
    assert known.startswith("The industry is known of 26 of 7,992 companies")


def test_a_peer_that_cannot_be_had_is_left_out(bundled: Flask, sec: Replay, settings: Settings) -> None:
    snowflake, oracle, datadog = resolve("SNOW"), resolve("ORCL"), resolve("DDOG")
    sec.give(SNOWFLAKE, 1561550)
    gathered = live.gather(snowflake, [oracle.id, datadog.id], silent, settings)
    assert [load["name"] for load in gathered.loads] == ["CIK0001561550", "CIK0001640147"]
    (note,) = gathered.notes
    assert note.startswith(
        "ORACLE CORP left out: The SEC has no figures under the CIK of ORACLE CORP; its filings were"
    )


def test_a_peer_of_which_the_sec_has_nothing_is_not_asked_for_again_within_a_day(
    bundled: Flask, sec: Replay, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    snowflake, oracle, datadog = resolve("SNOW"), resolve("ORCL"), resolve("DDOG")
    sec.give(SNOWFLAKE, 1561550)
    first = live.gather(snowflake, [oracle.id, datadog.id], silent, settings)
    asked = len(sec.seen)
    assert asked <= 3 + 2
    assert live.gather(snowflake, [oracle.id, datadog.id], silent, settings) == first
    assert len(sec.seen) == asked
    sec.give(1341439)  # Oracle's figures appear, and are found a day later
    monkeypatch.setattr(live, "FRESH", timedelta(0))
    assert "CIK0001341439" in {load["name"] for load in live.gather(snowflake, [oracle.id], silent, settings).loads}


def test_a_company_that_came_as_a_peer_is_asked_who_it_is_when_it_is_researched(
    settings: Settings, sec: Replay
) -> None:
    sec.give(SNOWFLAKE)
    alone = live.fetch_company(SNOWFLAKE, silent, settings, profile=False)
    assert resolve(str(SNOWFLAKE), need_figures=False).sic is None
    whole = live.fetch_company(SNOWFLAKE, silent, settings)
    known = resolve(str(SNOWFLAKE), need_figures=False)
    assert (whole.id, known.sic, known.name) == (alone.id, 7372, "Snowflake Inc.")
    assert sorted(path for path, _, _ in sec.seen) == sorted(paths(SNOWFLAKE))  # each once
    live.fetch_company(SNOWFLAKE, silent, settings)
    assert len(sec.seen) == 2


def test_fresh_figures_do_for_a_run_when_the_sec_does_not_say_who_the_company_is(
    bundled: Flask, sec: Replay, settings: Settings
) -> None:
    sec.give(SNOWFLAKE)
    live.fetch_company(SNOWFLAKE, silent, settings, profile=False)
    sec.faults[paths(SNOWFLAKE)[0]] = [status(503)] * 20
    sec.faults[paths(1561550)[1]] = [status(503)] * 20
    run = worked(start_research("SNOW", "ann", source="live", peers=["DDOG"]).run_id, bundled, settings)
    assert run.status == Status.COMPLETED
    (said,) = [detail for detail in messages(run.id) if "was not asked again" in detail]
    assert "Who Snowflake Inc. is was not asked again: The SEC's server failed" in said


def messages(run_id: int) -> list[str]:
    """What the run's steps say, and what its results note."""
    with reading() as session:
        kept = select(ResearchResult.result_data).where(ResearchResult.research_run_id == run_id)
        told = [json.dumps(data, default=str) for data in session.scalars(kept)]
        steps = select(ResearchDetail.message).where(ResearchDetail.research_run_id == run_id)
        return [*(str(message) for message in session.scalars(steps)), *told]


def test_a_likely_peer_without_figures_is_replaced_by_the_next(
    bundled: Flask, sec: Replay, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PEERS", 4)  # the bundle has eight near ones
    snowflake = resolve("SNOW")
    near = [peer.cik for peer in live.likely_peers(snowflake, live.PEERS + 1) if peer.cik]
    assert len(near) == live.PEERS + 1
    sec.give(SNOWFLAKE, *near[1:])  # nothing of the first
    names = {load["name"] for load in live.gather(snowflake, [], silent, settings).loads}
    assert names == {live.load_name(cik) for cik in (SNOWFLAKE, *near[1:])}
    assert len(sec.seen) <= 3 + live.PEERS


def worked(run_id: int, bundled: Flask, settings: Settings) -> ResearchRun:
    """The run after a worker was at it."""
    bundled.config["SETTINGS"] = settings
    Worker(bundled).work()
    with reading() as session:
        return session.get_one(ResearchRun, run_id)


def test_a_live_run_fetches_once_in_its_second_step(bundled: Flask, sec: Replay, settings: Settings) -> None:
    sec.give(SNOWFLAKE, 1561550, 1441816)
    ask = partial(start_research, "SNOW", "ann", source="live", peers=["DDOG", "MDB"])
    run = worked(ask().run_id, bundled, settings)
    assert (run.status, run.error_message) == (Status.COMPLETED, None)
    assert [load["name"] for load in run.loads or ()] == ["CIK0001441816", "CIK0001561550", "CIK0001640147"]
    assert run.data_version != "live"
    assert len(sec.seen) == 2 + 2  # two for the company, one for each peer
    again = worked(ask().run_id, bundled, settings)
    assert again.id != run.id
    assert (again.status, len(sec.seen)) == (Status.COMPLETED, 4)
    with reading() as session:
        results = select(ResearchResult.result_type, ResearchResult.result_data, ResearchResult.research_run_id)
        stored = {(kind, id_): data for kind, data, id_ in session.execute(results)}
    for kind in RESULT_TYPES:
        assert stored[kind, run.id] == stored[kind, again.id], kind


def test_a_live_run_that_the_sec_does_not_answer_fails_and_goes_on(
    bundled: Flask, sec: Replay, settings: Settings
) -> None:
    sec.faults[paths(SNOWFLAKE)[1]] = [status(503)] * 9
    sec.give(SNOWFLAKE, 1561550)
    run = worked(start_research("SNOW", "ann", source="live", peers=["DDOG"]).run_id, bundled, settings)
    assert (run.status, run.error_kind) == (Status.FAILED, "sec_down")
    assert "goes on from this step" in (run.error_message or "")
    sec.faults.clear()
    resume(run.id)
    assert worked(run.id, bundled, settings).status == Status.COMPLETED


def test_a_data_set_is_downloaded_goes_on_after_a_break_and_is_imported(
    settings: Settings, sec: Replay, tmp_path: Path
) -> None:
    from tests.test_import import REVENUES, data_set

    content = data_set(tmp_path / "x.zip", [REVENUES] * 3000).read_bytes()
    path = "/files/dera/data/financial-statement-data-sets/2025q1.zip"
    sec.answers[path] = content
    sec.faults[path] = [cut]
    load = live.fetch_quarter("2025q1", settings, lambda done, total: None, lambda part: None)
    assert (load.name, load.facts) == ("2025q1.zip", 1)
    assert "range" in sec.seen[-1][1]
    assert (settings.instance / "raw" / "2025q1.zip").read_bytes() == content


def test_the_fetch_command_says_what_came_or_why_nothing_did(in_app: Flask, sec: Replay, settings: Settings) -> None:
    runner = in_app.test_cli_runner()
    result = runner.invoke(args=["companies", "fetch", str(APPLE)])
    assert result.exit_code == 1
    assert "No company called" in result.output
    for name in ("2025q1", "2025q9"):
        result = runner.invoke(args=["companies", "fetch", name])
        assert result.exit_code == 1
        assert "fetching" not in result.output, "nothing is said to be fetched while live data is off"
    make_company("Apple Inc.", APPLE, "AAPL", figures=False)
    assert "Live SEC data is off" in runner.invoke(args=["companies", "fetch", "AAPL"]).output
    in_app.config["SETTINGS"] = settings
    sec.give(APPLE)
    assert "CIK0000320193: 3," in runner.invoke(args=["companies", "fetch", "AAPL"]).output


def test_a_filer_without_a_ticker_is_fetched_by_its_cik_and_then_known(
    in_app: Flask, sec: Replay, settings: Settings
) -> None:
    in_app.config["SETTINGS"] = settings
    sec.give(APPLE)
    assert in_app.test_cli_runner().invoke(args=["companies", "fetch", f"CIK{APPLE:010}"]).exit_code == 0
    assert resolve("Apple").cik == APPLE
    unknown = in_app.test_cli_runner().invoke(args=["companies", "fetch", "9999999"])
    assert "The SEC does not have the filings of CIK 9999999 (404)" in unknown.output


def test_requests_of_all_threads_stand_in_one_line(tmp_path: Path) -> None:
    slept: list[float] = []
    started = time.perf_counter()

    def ask() -> None:
        limiter = FileLimiter(tmp_path / "limit", per_second=40)
        for _ in range(5):
            limiter.wait()
            slept.append(time.perf_counter() - started)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slept) == 20
    assert max(slept) >= 19 / 40


def test_a_pause_holds_for_everyone_and_a_long_one_is_not_waited_for(tmp_path: Path) -> None:
    FileLimiter(tmp_path / "limit").pause(600)
    with pytest.raises(TooLongError):
        FileLimiter(tmp_path / "limit").wait()
    (tmp_path / "limit").write_text(str(time.time() + 10_000))  # a clock that was wrong
    FileLimiter(tmp_path / "limit").wait()


@pytest.mark.skipif(SHARED is None, reason="the SEC's own answers are not at hand")
def test_whole_answers_of_the_sec_are_taken_in(settings: Settings, sec: Replay) -> None:
    assert SHARED is not None
    for path in sorted(SHARED.glob("*.json.gz")):
        cik = int(path.name[3:13])
        sec.answers[paths(cik)[1]] = gzip.decompress(path.read_bytes())
        about = SHARED.parent / "submissions" / path.name
        sec.answers[paths(cik)[0]] = gzip.decompress(about.read_bytes()) if about.exists() else b"{}"
        assert live.fetch_company(cik, silent, settings, profile=about.exists()).facts > 100


def test_the_client_is_polite(tmp_path: Path, sec: Replay) -> None:
    sec.answers["/x"] = b'{"a": 1.10}'
    access = Access("Ann ann@example.com", sec.url, sec.url, tmp_path)
    with SecClient(access, FileLimiter(tmp_path / "limit")) as client:
        _, answer = client.get_json(f"{sec.url}/x", "x")
    assert str(answer["a"]) == "1.10"
    _, headers, _ = sec.seen[0]
    assert headers["user-agent"] == "Research Dashboard Ann ann@example.com"
    assert headers["accept-encoding"] == "gzip"


def test_auto_takes_live_figures_where_that_is_on_and_what_is_at_hand_where_not(bundled: Flask, tmp_path: Path) -> None:
    from tests.test_import import REVENUES, data_set

    import_data_set(data_set(tmp_path / "2025q1.zip", [REVENUES]))
    apple, ford, acme = resolve("AAPL"), resolve("Ford Motor", need_figures=False), resolve("Acme")
    assert [source_for(company, live=True) for company in (apple, ford)] == ["live", "live"]
    assert [source_for(company, live=False) for company in (apple, acme)] == ["bundled", "imported"]
    with pytest.raises(KnownWithoutFigures):
        start_research("Ford Motor", "ann")
    with reading() as session:
        assert session.get_one(ResearchRun, start_research("Ford Motor", "ann", live=True).run_id).source == "live"
