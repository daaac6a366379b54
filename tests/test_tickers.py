"""The SEC's index of tickers: asked for a name that is unknown here, at most once a day, and never twice in vain."""

import gzip
import hashlib
import json
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from research_dashboard.base import utcnow
from research_dashboard.extensions import one_transaction, reading, writing
from research_dashboard.models import Company, DataLoad, Ticker
from research_dashboard.queries.companies import tickers_load
from research_dashboard.services import tickers
from research_dashboard.services.companies import UnknownCompany, resolve
from research_dashboard.settings import Settings
from research_dashboard.sources.sec import SecError
from research_dashboard.sources.tickers import read_tickers
from tests.makers import make_company
from tests.replay import Fault, Replay, cut, garbage, paths, status
from tests.test_live import SHARED, sec, settings

__all__ = ["sec", "settings"]  # fixtures
PATH = "/files/company_tickers.json"
SNOWFLAKE = 1640147
ROWS = (
    (SNOWFLAKE, "SNOW", "Snowflake Inc."),
    (1067983, "BRK-B", "BERKSHIRE HATHAWAY INC"),
    (1067983, "BRK-A", "BERKSHIRE HATHAWAY INC"),
    (1652044, "GOOGL", "Alphabet Inc."),
)


def index(*rows: tuple[int, str, str]) -> bytes:
    """An answer with these rows."""
    named = [{"cik_str": cik, "ticker": ticker, "title": title} for cik, ticker, title in rows]
    return json.dumps({str(number): row for number, row in enumerate(named)}).encode()


@pytest.fixture
def asked(sec: Replay) -> list[Any]:
    """The requests that the server has seen; it has the index."""
    sec.answers[PATH] = index(*ROWS)
    return sec.seen


def state() -> tuple[Any, ...]:
    """What the index brought, row for row."""
    with reading() as session:
        return (
            session.execute(select(Ticker.symbol, Ticker.position, Company.cik).join(Company).order_by("symbol")).all(),
            session.scalar(select(func.count(DataLoad.id))),
        )


def test_an_unknown_name_is_looked_up_in_a_fresh_index(
    in_app: Flask, settings: Settings, sec: Replay, asked: list[Any]
) -> None:
    assert tickers.look_up(["Snowflake"], settings)
    assert resolve("snow", need_figures=False).cik == SNOWFLAKE
    assert resolve("brk.b", need_figures=False).tickers == ("BRK-B", "BRK-A")
    load = tickers_load()
    assert load is not None
    assert (load.companies, load.position, load.facts) == (3, 4, 0)
    assert load.sha256 == hashlib.sha256(sec.answers[PATH]).hexdigest()
    (kept,) = (settings.instance / "raw").glob("company_tickers.*.json.gz")
    assert load.sha256 in kept.name
    assert gzip.decompress(kept.read_bytes()) == sec.answers[PATH]
    assert "ann@example.com" in asked[0][1]["user-agent"]
    assert not tickers.look_up(["Nobody Known So"], settings)
    assert len(asked) == 1


def test_a_known_name_asks_nobody(settings: Settings, asked: list[Any]) -> None:
    make_company("Apple Inc.", 320193, "AAPL")
    assert not tickers.look_up(["apple", "AAPL", "", "x" * 300], settings)
    assert not asked


def test_after_a_day_it_is_asked_whether_anything_changed(settings: Settings, asked: list[Any]) -> None:
    first = tickers.fetch_index(settings)
    held = state()
    aged(first)
    assert tickers.fetch_index(settings).id == first.id
    assert state() == held
    assert [code for _, _, code in asked] == [200, 304]


def aged(load: DataLoad) -> None:
    """Let the index be of the day before."""
    with writing() as session:
        session.get_one(DataLoad, load.id).finished_at = utcnow() - timedelta(hours=25)


def test_a_ticker_that_moved_and_a_new_name_are_taken_over(settings: Settings, sec: Replay, asked: list[Any]) -> None:
    aged(tickers.fetch_index(settings))
    sec.answers[PATH] = index(
        (1652044, "GOOG", "Alphabet Inc."), (5, "SNOW", "Snow & Co"), (1067983, "BRK-B", "Hathaway")
    )
    tickers.fetch_index(settings)
    assert resolve("SNOW", need_figures=False).cik == 5
    assert resolve("Hathaway", need_figures=False).cik == 1067983
    assert resolve("GOOGL", need_figures=False).cik == 1652044, "who is listed no longer is not forgotten"


def slow(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """An answer that drips."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for byte in body:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.02)


@pytest.fixture
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Whoever waits, waits a part of a second."""
    monkeypatch.setattr(tickers, "LONGEST", 0.3)
    return settings


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (status(403), "forbidden"),
        (status(404), "not_found"),
        (status(429, Retry_After="600"), "rate_limited"),
        (status(503), "sec_down"),
        (cut, "truncated"),
        (garbage, "invalid"),
        (slow, "unreachable"),
    ],
)
def test_without_an_answer_the_index_at_hand_serves_and_says_how_old_it_is(
    quick: Settings, sec: Replay, asked: list[Any], fault: Fault, kind: str
) -> None:
    make_company("Apple Inc.", 320193, "AAPL")
    sec.faults[PATH] = [fault] * 9
    assert not tickers.look_up(["Aple"], quick)
    with pytest.raises(UnknownCompany, match=r"Nearest: Apple Inc\..*The index of companies came with the program"):
        resolve("Aple")
    assert not tickers.look_up(["Aple"], quick), "nobody who waits is kept waiting again"
    assert len(asked) == 1
    if fault is not slow:
        with pytest.raises(SecError) as error:
            tickers.fetch_index(quick, hurry=True)
        assert error.value.kind == kind


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"0": {"cik_str": 1}}', b'{"0": 5}', index((0, "A", "A"))])
def test_an_index_of_another_shape_changes_nothing(settings: Settings, sec: Replay, answer: bytes) -> None:
    sec.answers[PATH] = answer
    with pytest.raises(SecError, match="not what it should be: the index of tickers"):
        tickers.fetch_index(settings)
    assert state() == ([], 0)


def test_an_old_index_says_from_when_it_is(settings: Settings, asked: list[Any]) -> None:
    load = tickers.fetch_index(settings)
    with pytest.raises(UnknownCompany) as error:
        resolve("Qqqqq")
    assert "index" not in str(error.value)
    aged(load)
    day = utcnow() - timedelta(hours=25)
    with pytest.raises(UnknownCompany, match=f"was fetched from the SEC on {day:%Y-%m-%d} and may be old"):
        resolve("Qqqqq")


def test_the_page_and_the_api_find_who_is_in_the_fresh_index(
    bundled: Flask, settings: Settings, sec: Replay, asked: list[Any]
) -> None:
    newcomer = (7_000_001, "NEWCO", "Newcomer Holdings Inc.")
    sec.answers[PATH] = index(*ROWS, newcomer)
    bundled.config["SETTINGS"] = settings
    client = bundled.test_client()
    answer = client.post("/api/research", json={"company": "Newcomer Holdings"}, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json["company"]) == (202, "Newcomer Holdings Inc.")
    assert client.post("/researcher", data={"company": "Qqqqqq", "source": "auto"}).status_code == 422
    assert [path for path, _, _ in asked] == [PATH]


def test_the_page_finds_and_says(bundled: Flask, settings: Settings, sec: Replay, asked: list[Any]) -> None:
    client = bundled.test_client()
    page = client.post("/researcher", data={"company": "Newcomer Holdings", "source": "auto"})
    assert "The index of companies came with the program" in page.text, "live data is off"
    assert not asked
    bundled.config["SETTINGS"] = settings
    sec.answers[PATH] = index(*ROWS, (7_000_001, "NEWCO", "Newcomer Holdings Inc."))
    assert client.post("/researcher", data={"company": "Newcomer Holdings", "source": "auto"}).status_code == 303
    assert [path for path, _, _ in asked] == [PATH]


def test_the_command_fetches_the_index_once_a_day(
    in_app: Flask, settings: Settings, sec: Replay, asked: list[Any]
) -> None:
    run = in_app.test_cli_runner().invoke
    assert "Live SEC data is off" in run(args=["companies", "fetch", "tickers"]).output
    assert "the one that came with the program" in run(args=["companies", "status"]).output
    in_app.config["SETTINGS"] = settings
    for _ in range(2):
        assert run(args=["companies", "fetch", "tickers"]).output.startswith("4 tickers of 3 companies, fetched")
    assert len(asked) == 1
    assert "Index of companies: 4 tickers of 3 companies" in run(args=["companies", "status"]).output


def test_the_command_finds_a_name_in_the_fresh_index(
    in_app: Flask, settings: Settings, sec: Replay, asked: list[Any]
) -> None:
    in_app.config["SETTINGS"] = settings
    sec.give(SNOWFLAKE)
    result = in_app.test_cli_runner().invoke(args=["companies", "fetch", "Snowflake"])
    assert result.exit_code == 0, result.output
    assert [path for path, _, _ in asked] == [PATH, *paths(SNOWFLAKE)]


def test_no_request_is_sent_in_a_transaction(settings: Settings, asked: list[Any]) -> None:
    with one_transaction(), pytest.raises(RuntimeError, match="transaction"):
        tickers.fetch_index(settings)
    assert not asked


@pytest.mark.skipif(SHARED is None, reason="needs the recorded answers beside the clone")
def test_the_whole_index_of_the_sec_is_taken_in(bundled: Flask, settings: Settings, sec: Replay) -> None:
    assert isinstance(SHARED, Path)
    sec.answers[PATH] = gzip.decompress((SHARED.parent / "company_tickers.json.gz").read_bytes())
    load = tickers.fetch_index(settings)
    assert (load.position, load.companies) == (10_433, 8_021)
    held = state()
    aged(load)
    tickers.fetch_index(settings)
    assert state() == held
    assert resolve("BRK.B", need_figures=False).cik == 1067983
    symbols = {row.ticker: row.cik for row in read_tickers(json.loads(sec.answers[PATH]))}
    with reading() as session:
        rows = session.execute(select(Ticker.symbol, Company.cik).join(Company)).fetchall()
    assert symbols.items() <= dict(rows).items()
