"""A query string becomes a filter, or says what is wrong with it; a filter becomes the right runs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from research_dashboard.extensions import db, writing
from research_dashboard.models import Company, ResearchRun, Ticker
from research_dashboard.queries.runs import (
    InvalidFilter,
    RunFilter,
    runs_matching,
    runs_page,
    runs_total,
    status_counts,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def store(*runs: dict[str, Any]) -> list[int]:
    """Store runs, one a minute from NOON on unless they say otherwise; their ids."""
    made = [
        ResearchRun(**{"company": "Acme", "researcher": "ann", "date": NOON + timedelta(minutes=n), **values})
        for n, values in enumerate(runs)
    ]
    with writing() as session:
        session.add_all(made)
    return [run.id for run in made]


def parse(query: str, **options: Any) -> RunFilter:
    return RunFilter.parse(parse_qsl(query, keep_blank_values=True), **options)


def names(query: str, **options: Any) -> list[str]:
    """The companies that the query string finds, in its order."""
    return [row.company for row in db.session.execute(runs_matching(parse(query, **options)))]


def test_p44_a_company_is_found_by_a_part_of_its_name_in_any_case(in_app: Flask) -> None:
    store({"company": "Apple Inc."}, {"company": "PINEAPPLE"}, {"company": "Oracle"}, {"company": "Ångström AB"})
    assert names("company=aPPle&sort=id") == ["Apple Inc.", "PINEAPPLE"]
    assert names("company=ÅNGSTRÖM") == ["Ångström AB"]


@pytest.mark.parametrize("text", ["%", "_", "100%", "a_b", "\\", "[a-z]", ".*", "'"])
def test_d20_d31_signs_stand_for_themselves(in_app: Flask, text: str) -> None:
    store({"company": f"x{text}y"}, {"company": "xaaby 1000"})
    assert names(urlencode({"company": text})) == [f"x{text}y"]


def test_p45_d20_a_status_in_any_case_several_or_all(in_app: Flask) -> None:
    store({"status": "Completed", "company": "c"}, {"status": "Failed", "company": "f"}, {"company": "q"})
    assert names("status=completed") == ["c"]
    assert names("status=Failed&status=queued") == ["q", "f"]
    assert names("status=All") == ["q", "f", "c"]


def test_p46_d30_both_days_are_included_in_the_readers_zone(in_app: Flask) -> None:
    store(
        {"company": "before", "date": datetime(2026, 1, 30, 23, 59, 59, 999999, UTC)},
        {"company": "first", "date": datetime(2026, 1, 31, tzinfo=UTC)},
        {"company": "last", "date": datetime(2026, 1, 31, 23, 59, 59, 999999, UTC)},
        {"company": "after", "date": datetime(2026, 2, 1, tzinfo=UTC)},
    )
    assert names("start=2026-01-31&end=2026-01-31") == ["last", "first"]
    assert names("start=2026-01-31&end=2026-01-31", zone=ZoneInfo("America/New_York")) == ["after", "last"]


def test_p54_newest_first_with_the_id_as_last_word(in_app: Flask) -> None:
    store({"company": "a", "date": NOON}, {"company": "b", "date": NOON}, {"company": "c", "date": NOON})
    assert names("") == ["c", "b", "a"]
    assert names("sort=date") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "sort", ["id", "date", "company", "researcher", "duration", "duration_mins", "status", "insights"]
)
def test_p56_every_column_sorts_both_ways(in_app: Flask, sort: str) -> None:
    store(
        {"company": "beta", "researcher": "Zoe", "duration_mins": 10, "status": "Queued", "insights": 10},
        {"company": "Alpha", "researcher": "ann", "duration_mins": 9, "status": "Completed", "insights": 9},
    )
    up = names(f"sort={sort}")
    assert up == (["beta", "Alpha"] if sort in ("id", "date") else ["Alpha", "beta"])
    assert names(f"sort=-{sort}") == up[::-1]


@pytest.mark.parametrize(
    ("column", "text", "found"),
    [
        ("id", "2", ["Beta"]),
        ("id", "!= 2", ["Gamma", "Alpha"]),
        ("id", "≥ 2", ["Gamma", "Beta"]),
        ("date", "2026", ["Gamma", "Beta", "Alpha"]),
        ("date", "> 2026-03-02", ["Gamma"]),
        ("date", "2026-03-02 12:01", ["Beta"]),
        ("date", "<= 2026-03-02", ["Beta", "Alpha"]),
        ("date", "!= 2026-03", ["Gamma"]),
        ("company", "MMA", ["Gamma"]),
        ("company", "= alpha", ["Alpha"]),
        ("company", "!= alpha", ["Gamma", "Beta"]),
        ("researcher", "ann", ["Beta", "Alpha"]),
        ("duration", "> 0.5", ["Gamma", "Beta"]),
        ("duration", "<=0,5", ["Alpha"]),
        ("duration", ">", ["Gamma", "Beta", "Alpha"]),
        ("status", "comp", ["Alpha"]),
        ("status", "!= Completed", ["Gamma", "Beta"]),
        ("insights", "< 8", ["Gamma", "Beta"]),
    ],
)
def test_p57_a_filter_a_column(in_app: Flask, column: str, text: str, found: list[str]) -> None:
    store(
        {"company": "Alpha", "duration_mins": 0.5, "status": "Completed", "insights": 9},
        {"company": "Beta", "duration_mins": 2, "status": "Failed", "insights": 7},
        {"company": "Gamma", "duration_mins": 3, "researcher": "bob", "date": datetime(2026, 4, 1, tzinfo=UTC)},
    )
    assert names(urlencode({f"col_{column}": text})) == found


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("status=Bananas", "status", "Completed"),
        ("start=yesterday", "start", "2026-03-02"),
        ("start=2026-02-30", "start", "is not a day"),
        ("end=0001-01-01", "end", "1900-01-01"),
        ("start=2026-02-02&end=2026-02-01", "end", "before the start"),
        ("sort=colour", "sort", "insights"),
        ("page=0", "page", "from 1"),
        ("page=99999999999999999999", "page", "1,000,000,000"),
        ("per_page=10000", "per_page", "200"),
        ("colour=red", "colour", "no such parameter"),
        ("company=a&company=b", "company", "twice"),
        ("company=" + "x" * 201, "company", "at most 200"),
        ("company=a%00b", "company", "control"),
        ("company=%0a", "company", "control"),
        ("q=" + "x" * 2001, "q", "at most 2000"),
        ("col_id=one", "col_id", "whole number"),
        ("col_id=99999999999999999999", "col_id", "whole number"),
        ("col_duration=NaN", "col_duration", "not a number"),
        ("col_duration=1e999", "col_duration", "not a number"),
        ("col_date=March", "col_date", "2026-03"),
        ("col_status=x", "col_status", "none of"),
        ("col_company=>x", "col_company", "contains"),
    ],
)
def test_d17_a_value_that_cannot_be_used_names_its_field_limit_and_cure(query: str, field: str, says: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse(query)
    assert [error.field for error in caught.value.errors] == [field]
    assert says in caught.value.errors[0].detail


def test_everything_that_is_wrong_is_said_at_once_and_what_was_sent_is_kept() -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse("status=x&start=y&company=Apple")
    assert [error.field for error in caught.value.errors] == ["status", "start"]
    assert caught.value.sent == {"status": "x", "start": "y", "company": "Apple"}


def test_a_filter_says_itself_in_a_query_string() -> None:
    query = "company=a&status=Failed%2CQueued&start=2026-01-01&col_id=%3E+3&sort=company&per_page=50&page=3&end=&q="
    wanted = parse(query)
    assert parse(urlencode(wanted.params())) == wanted
    assert "page" not in wanted.params(sort="date")
    assert wanted.params(page=1, company=None) == {
        "status": "Failed,Queued", "start": "2026-01-01", "col_id": "> 3", "sort": "company", "per_page": "50"
    }  # fmt: skip
    assert parse("run=3", also=["run"]).params() == {}
    assert not parse("sort=id&page=2&per_page=9").narrows


def test_p55_p63_pages_of_fifteen_with_the_true_total_and_no_row_lost_or_doubled(in_app: Flask) -> None:
    store(*({"company": f"c{n:03}", "date": NOON} for n in range(133)))
    store({"company": "in the trash", "deleted_at": NOON})
    page = runs_page(db.session(), parse("company=c"))
    assert (page.first, page.last, page.total, page.overall, page.pages) == (1, 15, 133, 133, 9)
    seen = [row.id for n in range(1, 10) for row in runs_page(db.session(), parse(f"page={n}&sort=status")).rows]
    assert seen == sorted(seen)
    assert len(seen) == 133
    last = runs_page(db.session(), parse("page=500"))
    assert (last.number, last.first, last.last) == (9, 121, 133)
    assert runs_total(db.session(), parse("company=c01")) == 10


def test_the_states_are_counted_under_the_other_filters(in_app: Flask) -> None:
    store({"status": "Failed"}, {"status": "Failed"}, {"status": "Completed"}, {"company": "Other", "status": "Failed"})
    counts = status_counts(db.session(), parse("company=acme&status=Completed"))
    assert {state: n for state, n in counts.items() if n} == {"Failed": 2, "Completed": 1}
    assert len(counts) == 7


def test_words_of_q_stand_in_company_ticker_or_researcher(in_app: Flask) -> None:
    with writing() as session:
        session.add(Company(id=7, cik=320193, name="Apple Inc.", tickers=[Ticker(symbol="AAPL")]))
    store({"company": "Apple Inc.", "company_id": 7}, {"company": "Oracle", "researcher": "anna"})
    assert names("q=aapl") == ["Apple Inc."]
    assert names("q=anna+orac") == ["Oracle"]
    assert names("q=anna+apple") == []
