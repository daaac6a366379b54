"""A live run on answers that are not what they should be: it says which, ends as what it is, and can go on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from research_dashboard.extensions import reading
from research_dashboard.models import ResearchDetail, ResearchResult, ResearchRun, Status
from research_dashboard.services.runs import resume, start_research
from research_dashboard.services.tickers import look_up
from research_dashboard.settings import Settings
from research_dashboard.worker import Worker
from tests.makers import make_company
from tests.replay import Fault, Replay, companyfacts, cut, garbage, paths, status, submissions
from tests.test_live import sec, settings
from tests.test_tickers import PATH, index

__all__ = ["sec", "settings"]  # fixtures
SNOWFLAKE, DATADOG, MONGODB = 1640147, 1561550, 1441816
ABOUT, FIGURES = paths(SNOWFLAKE)
Change = Callable[[dict[str, Any]], object]


def worked(run_id: int, app: Flask, settings: Settings) -> ResearchRun:
    """The run after a worker was at it."""
    app.config["SETTINGS"] = settings
    Worker(app).work()
    with reading() as session:
        return session.get_one(ResearchRun, run_id)


def second_step(run_id: int) -> ResearchDetail:
    statement = select(ResearchDetail).where(ResearchDetail.research_run_id == run_id, ResearchDetail.position == 2)
    with reading() as session:
        return session.scalars(statement).one()


def not_json(handler: Any, body: bytes) -> None:
    """JSON that breaks off in the middle, sent as if it were whole."""
    half = body[: len(body) // 2]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(half)))
    handler.end_headers()
    handler.wfile.write(half)


FAULTS: dict[str, tuple[Fault, str, str]] = {
    "the SEC is down": (status(503), "sec_down", "failed on the figures of Snowflake Inc. (503)"),
    "refused": (status(403), "forbidden", "refused the figures of Snowflake Inc. (403)"),
    "too many requests": (status(429, Retry_After="600"), "rate_limited", "Try again in 10 min."),
    "not there": (status(404), "no_xbrl", "files no figures with the SEC (no XBRL)"),
    "broken off": (cut, "truncated", "broke off: the figures of Snowflake Inc."),
    "half an answer": (not_json, "invalid", "the figures of Snowflake Inc. is no JSON"),
    "a page for people": (garbage, "invalid", "the figures of Snowflake Inc. is no JSON"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_run_names_the_fault_fails_in_its_step_and_goes_on(
    bundled: Flask, sec: Replay, settings: Settings, name: str
) -> None:
    fault, kind, words = FAULTS[name]
    sec.give(SNOWFLAKE, DATADOG)
    sec.faults[FIGURES] = [fault] * 9
    run = worked(start_research("SNOW", "ann", source="live", peers=["DDOG"]).run_id, bundled, settings)
    assert (run.status, run.error_kind) == (Status.FAILED, kind)
    assert words in str(run.error_message)
    assert second_step(run.id).status == "Failed"
    sec.faults.clear()
    (settings.instance / "sec.limit").unlink()  # ten minutes later
    resume(run.id)
    run = worked(run.id, bundled, settings)
    assert (run.status, run.error_message) == (Status.COMPLETED, None)


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "not there"])
def test_a_peer_that_fails_is_left_out_and_the_run_completes(
    bundled: Flask, sec: Replay, settings: Settings, name: str
) -> None:
    sec.give(SNOWFLAKE, DATADOG, MONGODB)
    sec.faults[paths(DATADOG)[1]] = [FAULTS[name][0]] * 9
    run = worked(start_research("SNOW", "ann", source="live", peers=["MDB", "DDOG"]).run_id, bundled, settings)
    assert run.status == Status.COMPLETED
    assert "Datadog, Inc. left out: The SEC" in str(second_step(run.id).message)


def revenue_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    tag: dict[str, Any] = answer["facts"]["us-gaap"]["RevenueFromContractWithCustomerExcludingAssessedTax"]
    rows: list[dict[str, Any]] = tag["units"]["USD"]
    return rows


def every(**changes: Any) -> Change:
    return lambda answer: [row.update(changes) for row in revenue_of(answer)]


def units(value: Any) -> Change:
    tag = "RevenueFromContractWithCustomerExcludingAssessedTax"
    return lambda answer: answer["facts"]["us-gaap"][tag].update(units=value)


def accessionless(answer: dict[str, Any]) -> None:
    for row in revenue_of(answer):
        del row["accn"]


MALFORMED: dict[str, Change] = {
    "values that are texts": every(val="1000"),
    "no accession": accessionless,
    "an accession that is none": every(accn="0000320193"),
    "an end before the start": every(start="2031-01-01"),
    "a number of 400 digits": every(val=10**400),
    "a value that is a list": every(val=[1]),
    "units missing": units(None),
    "units of another kind": units("USD"),
    "dates that are numbers": every(end=20250131),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_facts_become_a_gap_that_the_step_names(
    bundled: Flask, sec: Replay, settings: Settings, name: str
) -> None:
    sec.give(SNOWFLAKE, DATADOG)
    answer = companyfacts(SNOWFLAKE)
    MALFORMED[name](answer)
    sec.answers[FIGURES] = json.dumps(answer).encode()
    run = worked(start_research("SNOW", "ann", source="live", peers=["DDOG"]).run_id, bundled, settings)
    assert (run.status, run.error_message) == (Status.COMPLETED, None)
    told = "Malformed facts of Snowflake Inc. left out: us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax."
    assert told in str(second_step(run.id).message)
    assert (run.gaps or 0) > 0
    asked = len(sec.seen)
    again = worked(start_research("SNOW", "ben", source="live", peers=["DDOG"]).run_id, bundled, settings)
    assert told in str(second_step(again.id).message), "a run on what was fetched before says it too"
    assert (again.id > run.id, len(sec.seen)) == (True, asked)


WRONG_SHAPE: dict[str, tuple[str, Any, str]] = {
    "no figures": (FIGURES, {"cik": SNOWFLAKE, "facts": {}}, "no_xbrl"),
    "facts of another kind": (FIGURES, {"cik": SNOWFLAKE, "facts": "none"}, "invalid"),
    "units of every tag gone": (FIGURES, {"cik": 1640147, "facts": {"us-gaap": {"Assets": {"label": "x"}}}}, "invalid"),
    "figures of somebody else": (FIGURES, companyfacts(DATADOG), "invalid"),
    "a list": (ABOUT, [], "invalid"),
    "a name that is a number": (ABOUT, submissions(SNOWFLAKE, name=7), "invalid"),
    "no name": (ABOUT, {"cik": SNOWFLAKE}, "invalid"),
    "filings of another kind": (ABOUT, submissions(SNOWFLAKE, filings={"recent": []}), "no_xbrl"),
}


@pytest.mark.parametrize("name", WRONG_SHAPE)
def test_json_of_the_wrong_shape_is_named(bundled: Flask, sec: Replay, settings: Settings, name: str) -> None:
    path, answer, kind = WRONG_SHAPE[name]
    sec.give(SNOWFLAKE)
    sec.answers[path] = json.dumps(answer).encode()
    if kind == "no_xbrl" and path == ABOUT:
        sec.faults[FIGURES] = [status(404)]
    run = worked(start_research("SNOW", "ann", source="live", peers=["DDOG"]).run_id, bundled, settings)
    assert (run.status, run.error_kind) == (Status.FAILED, kind), run.error_message
    assert "Snowflake" in str(run.error_message)


def test_what_a_profile_has_in_the_wrong_kind_is_left_out(bundled: Flask, sec: Replay, settings: Settings) -> None:
    sec.give(SNOWFLAKE, DATADOG)
    wrong = submissions(
        SNOWFLAKE, tickers=["SNOW", 5, None], exchanges=[7], sicDescription=3, ownerOrg=[], category={}, sic=None,
        formerNames=[{"name": 1}, {"from": None}, {"name": "Snowflake Computing", "from": 3, "to": None}],
    )  # fmt: skip
    sec.answers[ABOUT] = json.dumps(wrong).encode()
    run = worked(start_research("SNOW", "ann", source="live", peers=["DDOG"]).run_id, bundled, settings)
    assert (run.status, run.error_message) == (Status.COMPLETED, None)


def test_a_live_run_on_unknown_companies_sends_three_requests_and_one_a_peer_and_then_none(
    in_app: Flask, sec: Replay, settings: Settings
) -> None:
    """The company is not known here, its peers by name alone: index, submissions, figures; figures of each peer."""
    names = {SNOWFLAKE: "SNOW", DATADOG: "DDOG", MONGODB: "MDB", 1671933: "TTD"}
    sec.give(*names)
    sec.answers[PATH] = index(*((cik, ticker, f"{ticker} Name Inc") for cik, ticker in names.items()))
    make_company("Somebody Else", 5, "ELSE")
    peers = ["DDOG", "MDB", "TTD"]

    def ask() -> ResearchRun:
        look_up(["SNOW", *peers], settings)
        return worked(start_research("SNOW", "ann", live=True, peers=peers).run_id, in_app, settings)

    run = ask()
    assert (run.status, run.error_message) == (Status.COMPLETED, None)
    assert len(sec.seen) == 3 + len(peers)
    assert "industry of DDOG Name Inc is not known here" in str(second_step(run.id).message)
    assert ask().status == Status.COMPLETED
    assert len(sec.seen) == 3 + len(peers)


def test_a_chosen_bank_that_is_known_by_name_alone_is_told_by_its_figures_for_one_request(
    in_app: Flask, sec: Replay, settings: Settings
) -> None:
    names = {SNOWFLAKE: "SNOW", DATADOG: "DDOG"}
    sec.give(*names)
    answer = companyfacts(DATADOG)
    tags = answer["facts"]["us-gaap"]
    for tag in ("InterestIncomeExpenseNet", "NoninterestIncome"):
        tags[tag] = tags["RevenueFromContractWithCustomerExcludingAssessedTax"]
    sec.answers[paths(DATADOG)[1]] = json.dumps(answer).encode()
    sec.answers[PATH] = index(*((cik, ticker, f"{ticker} Name Inc") for cik, ticker in names.items()))
    make_company("Somebody Else", 5, "ELSE")
    look_up(["SNOW", "DDOG"], settings)
    run = worked(start_research("SNOW", "ann", live=True, peers=["DDOG"]).run_id, in_app, settings)
    assert (run.status, len(sec.seen)) == (Status.COMPLETED, 3 + 1)
    with reading() as session:
        kept = session.scalars(
            select(ResearchResult.result_data).where(
                ResearchResult.research_run_id == run.id, ResearchResult.result_type == "peer_comparison"
            )
        ).one()
    (peer,) = (member for member in kept["members"] if not member["subject"])
    assert peer["figures"]["de"]["code"] == "not_applicable_sector"
    assert "DDOG Name Inc is not known here; it is read as a bank" in kept["set"]["warning"]
