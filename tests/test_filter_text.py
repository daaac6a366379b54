"""The filter text finds what it says, and says at which character it cannot be understood."""

import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from research_dashboard.extensions import db, writing
from research_dashboard.models import Company, ResearchResult, ResearchRun, RunCount, RunTag, Tag
from research_dashboard.queries import filter_text
from research_dashboard.queries.filter_text import TextError
from research_dashboard.queries.run_facets import facets, with_term
from research_dashboard.queries.runs import InvalidFilter, RunFilter, runs_matching, runs_total
from tests.conftest import Page
from tests.test_run_filter import NOON, names, parse, store


@pytest.fixture
def five(in_app: Flask) -> None:
    """Five runs that differ."""
    with writing() as session:
        session.add(Company(id=7, cik=40545, name="General Electric Co", sic=3600))
    store(
        {"company": "General Electric", "status": "Failed", "duration_mins": 3, "company_id": 7,
         "error_kind": "no_facts", "error_message": "No annual report was found."},
        {"company": "Electric Boat", "status": "Failed", "duration_mins": 1, "source": "live", "gaps": 4},
        {"company": "General Mills", "status": "Completed", "duration_mins": 5, "insights": 9, "source": "bundled"},
        {"company": "Ångström AND Sons", "researcher": "bob"},
        {"company": "100% Oats", "researcher": "o'neil", "title": "The big one"},
    )  # fmt: skip
    with writing() as session:
        session.add(Tag(id=1, name="Draft"))
        session.flush()
        session.add_all([RunTag(run_id=2, tag_id=1), RunTag(run_id=3, tag_id=1)])
        findings = [{"sentence": "Gross margin narrowed."}, {"sentence": "Revenue grew 5%."}]
        session.add(
            ResearchResult(research_run_id=3, result_type="insights", position=7, result_data={"findings": findings})
        )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("status:failed", [2, 1]),
        ('status:failed AND company:"general electric" AND duration>2', [1]),
        ('status:failed company:"general electric"', [1]),
        ("company:electric OR company:mills", [3, 2, 1]),
        ("company:general AND (status:completed OR duration=3)", [3, 1]),
        ("company:general status:completed OR company:boat", [3, 2]),
        ("NOT status:failed", [5, 4, 3]),
        ("company:electric or company:mills", [3, 2, 1]),
        ("Status:failed And duration>2", [1]),
        ("not (status:failed Or researcher:bob)", [5, 3]),
        ("company:electric || company:mills", [3, 2, 1]),
        ("company:electric|company:mills", [3, 2, 1]),
        ("status:failed && duration>2", [1]),
        ("status:failed&&duration>2", [1]),
        ("-status:failed", [5, 4, 3]),
        ("!status:failed", [5, 4, 3]),
        ("general -mills", [1]),
        ("general !mills", [1]),
        ('-(status:failed | "100% oats") !researcher:bob', [3]),
        ('"and"', [4]),
        ("notes", []),
        ("android OR orders OR a-b", []),
        ("company:- OR company:general", [3, 1]),
        ("NOT (status:failed OR researcher:bob)", [5, 3]),
        ("duration>=3", [3, 1]),
        ("duration <> 3 company:electric", [2]),
        ("sic:36", [1]),
        ("sic=3600", [1]),
        ("sic!=3600", [5, 4, 3, 2]),
        ("sic<3600", []),
        ("source:live OR source:bundled", [3, 2]),
        ("source!=none", [3, 2]),
        ("gaps>0", [2]),
        ("findings>5", [3]),
        ("tag:DRAFT", [3, 2]),
        ("NOT tag:draft", [5, 4, 1]),
        ("error:no_facts", [1]),
        ("error!=no_facts", [5, 4, 3, 2]),
        ("title:big", [5]),
        ("date:2026-03-02", [5, 4, 3, 2, 1]),
        ('date>"2026-03-02 12:03"', [5]),
        ("id:3", [3]),
        ("narrow", [3]),
        ("margins", [3]),
        ('"annual report"', [1]),
        ('"report annual"', []),
        ("big", [5]),
        ("100%", [5]),
        ("o'neil", [5]),
        ("ångström", [4]),
        ('"AND"', [4]),
        ("general NOT mills", [1]),
        ("company=electric", []),
        ('company="electric boat"', [2]),
        ('company!="electric boat"', [5, 4, 3, 1]),
    ],
)
def test_the_text_finds_what_it_says(five: None, text: str, found: list[int]) -> None:
    query = urlencode({"q": text})
    assert [row.id for row in _rows(query)] == found
    assert runs_total(db.session(), parse(query)) == len(found)


def _rows(query: str) -> list[object]:
    return list(db.session.execute(runs_matching(parse(query))))


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("colour:red", 1, "not a field"),
        ("company:apple AND colour:red", 19, "not a field"),
        ("company:apple AND", 18, "missing after"),
        ("(company:apple", 15, "“)” is missing"),
        ("company:apple)", 14, "closes nothing"),
        ('company:"apple', 9, "not closed"),
        ("status:", 8, "value is missing"),
        ("status:bananas", 8, "none of"),
        ("duration>fast", 10, "not a number"),
        ("company:x duration>fast", 20, "not a number"),
        ("date:tomorrow", 6, "not a date"),
        ("company:x duration:5..2", 20, "Exchange them: 2..5"),
        ("findings!=10..9", 11, "Exchange them: 9..10"),
        ("date:2026-03-02..2026-03-01", 6, "“2026-03-02” is after “2026-03-01”"),
        ("date:2027..2026-03", 6, "“2027” is after “2026-03”"),
        ("OR company:a", 1, "cannot stand here"),
        ("company>a", 9, "contains"),
        ("= 3", 1, "cannot stand here"),
        ('company:""', 9, "missing"),
        ("()", 2, "closes nothing"),
        (" ".join(["a"] * 101), 201, "more than 100 terms"),
        ("NOT " * 41 + "a", 161, "nested"),
        ("NOT " * 499 + "a", 161, "nested"),
        ("!" * 1999 + "a", 41, "nested"),
        ("not (a or b " * 150 + ")" * 150, 162, "nested"),
        ("(a OR b " * 240, 1920, "“)” is missing"),
        ("company:apple and", 18, "missing after"),
        ("company:apple ||", 17, "missing after"),
        ("a && or b", 6, "cannot stand here"),
        ("x" * 201, 1, "at most 200"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, position: int, says: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse(urlencode({"q": text}))
    (error,) = caught.value.errors
    assert (error.field, error.position) == ("q", position)
    assert says in error.detail
    assert error.detail.startswith(f"At character {position}:")


SIGNS = ["(", ")", '"', "status:", ":", ">", "duration>1", "\\", "%", "*", "-", "!", "|", "&", "&&"]
WORDS = ["a", "AND", "or", "OR", "NOT", "failed", "é", *SIGNS]
PIECES = st.lists(st.sampled_from(WORDS), max_size=14)


@given(pieces=PIECES, glue=st.sampled_from(["", " "]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_finds_runs_or_says_what_is_wrong(five: None, pieces: list[str], glue: str) -> None:
    try:
        wanted = RunFilter.parse([("q", glue.join(pieces))])
    except InvalidFilter as error:
        assert error.errors[0].position  # noqa: PT017
        return
    assert 0 <= runs_total(db.session(), wanted) <= 5


def test_deep_parentheses_do_no_harm() -> None:
    with pytest.raises(TextError):
        filter_text.parse("(" * 900 + "a")
    assert filter_text.parse("(" * 900 + "a" + ")" * 900)


@pytest.mark.parametrize("text", ["NOT " * 499 + "a", "-" * 1999 + "a", "(a b|" * 333 + "c" + ")" * 333])
def test_a_text_that_is_too_deep_is_refused_by_position_wherever_it_is_sent(
    five: None, app: Flask, client: FlaskClient, visit: Callable[..., Page], text: str
) -> None:
    query = urlencode({"q": text})
    page = visit(f"/historical-records?{query}", status=422)
    assert "nested more than 40 deep" in page.text("#f-q-error")
    answers = [client.get(f"/api/research_runs/?{query}"), client.get(f"/historical-records.csv?{query}")]
    answers.append(client.post("/api/bulk/", json={"action": "trash", "filter": text}))
    assert [answer.status_code for answer in answers] == [422] * 3
    ran = app.test_cli_runner().invoke(args=["db", "export-runs", "--", text])
    assert ran.exit_code not in (0, None)
    assert "nested more than 40 deep" in ran.output
    assert "Traceback" not in ran.output


@pytest.mark.parametrize("name", ["duration", "col_duration", "col_gaps"])
def test_a_range_that_runs_backwards_is_refused_in_a_control_and_in_a_box_too(
    five: None, client: FlaskClient, name: str
) -> None:
    for path in ("/historical-records", "/api/research_runs/"):
        answer = client.get(path, query_string={name: "5..2"})
        assert (answer.status_code, "Exchange them: 2..5" in answer.text) == (422, True)
        assert client.get(path, query_string={name: "2..2"}).status_code == 200
    assert names("q=date:2026-03..2026") == names("q=date>=2026-03 date<=2026")  # March to the end of the year


def test_page_and_api_find_the_same_runs(
    five: None, app: Flask, client: FlaskClient, visit: Callable[..., Page]
) -> None:
    query = urlencode({"q": "company:general OR tag:draft", "sort": "company"})
    page = visit(f"/historical-records?{query}")
    answer = client.get(f"/api/research_runs/?{query}")
    assert (
        [str(run["id"]) for run in json.loads(answer.data)] == page.texts("tbody td[data-label=ID]") == ["2", "1", "3"]
    )
    assert answer.headers["X-Total-Count"] == "3"
    page = visit(f"/historical-records?{urlencode({'q': 'status:x AND y'})}", status=422)
    assert page.text("#f-q-error").startswith("At character 8: “x” is none of")
    assert client.get("/api/research_runs/?q=(").status_code == 422


def test_the_kept_counts_follow_every_change(in_app: Flask) -> None:
    ids = store({"company": "A"}, {"company": "A", "status": "Failed"}, {"company": "B", "source": "live"})
    with writing() as session:
        runs = {run.id: run for run in session.query(ResearchRun)}
        runs[ids[0]].status = "Running"
        runs[ids[1]].deleted_at = NOON
        runs[ids[2]].company = "C"
        session.flush()
        session.delete(runs[ids[0]])
    counts = {(count.kind, count.key, count.status): count.runs for count in db.session.query(RunCount) if count.runs}
    assert counts == {
        ("company", "C", "Queued"): 1, ("researcher", "ann", "Queued"): 1, ("month", "2026-03", "Queued"): 1,
        ("source", "live", "Queued"): 1, ("filer", "0", "Queued"): 1,
    }  # fmt: skip
    with writing() as session:
        session.get(ResearchRun, ids[1]).deleted_at = None
    db.session.rollback()
    assert runs_total(db.session(), RunFilter()) == 2
    assert names("status=Failed&company=a") == ["A"]


@pytest.mark.parametrize(
    "text",
    ['a "b c" OR NOT (d status:x)', 'company="a\\\\\\"b" "AND"', "a OR b c", "NOT NOT a", '-a !"-b" "or" "a|b" "a&&b"'],
)
def test_a_tree_is_written_as_it_is_read(text: str) -> None:
    tree = filter_text.parse(text)
    again = filter_text.parse(filter_text.written(tree))
    assert filter_text.written(again) == filter_text.written(tree)


def test_facets_count_what_a_click_would_show(five: None, visit: Callable[..., Page]) -> None:
    queries = ("", "status=Failed", "q=company:general+OR+tag:draft", "company=e", "status=Failed&q=researcher:ann")
    for query in (f"facets=1&{query}" for query in queries):
        page = visit(f"/historical-records?{query}")
        assert len(page.soup.select("#facets nav")) >= 5
        for chip in page.soup.select("#facets nav + nav .chip"):
            shown = visit(chip["href"])
            assert shown.soup.select("#facets nav .chip[aria-label^=Remove]")
            count = chip.select_one("span").get_text()
            assert len(shown.soup.select("tbody tr")) == int(count), (query, chip.get_text())


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Europe/Berlin"])
def test_months_are_the_readers_and_what_their_chip_shows(in_app: Flask, zone: str) -> None:
    edges = ("2025-11-30T23:59", "2026-01-01T04:59", "2026-01-01T05:00", "2026-03-02T12:00")
    edges += ("2026-03-31T18:30", "2026-03-31T22:00", "2026-03-31T09:59")
    store(*({"date": datetime.fromisoformat(f"{edge}Z"), "company": f"c{n % 2}"} for n, edge in enumerate(edges)))
    for query in ("", "company=c", "company=c0", "q=c1", "status=Queued"):
        wanted = parse(query, zone=ZoneInfo(zone))
        (months,) = [facet for facet in facets(db.session(), wanted) if facet.name == "month"]
        assert sum(value.count for value in months.values) == runs_total(db.session(), wanted)
        for value in months.values:
            clicked = parse(urlencode(wanted.params(q=with_term(wanted, value.term))), zone=ZoneInfo(zone))
            assert runs_total(db.session(), clicked) == value.count, (query, value)


def test_chips_take_parts_of_the_filter_text_away(five: None, visit: Callable[..., Page]) -> None:
    page = visit("/historical-records?" + urlencode({"q": "(company:boat OR tag:draft) gaps>0"}))
    chips = page.soup.select("#facets .chip[aria-label^=Remove]")
    assert [chip["aria-label"] for chip in chips] == ["Remove (company:boat OR tag:draft)", "Remove gaps>0"]
    assert page.texts("tbody td[data-label=ID]") == ["2"]
    assert visit(chips[1]["href"]).texts("tbody td[data-label=ID]") == ["3", "2"]


def test_found_words_are_marked_where_they_stand(five: None, visit: Callable[..., Page]) -> None:
    page = visit("/historical-records?q=margins")
    assert "Gross margin narrowed." in page.text("tbody .why")
    assert page.texts("tbody mark") == ["margin"]
