"""Historical Records as a person sees it: full pages and what htmx swaps."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from research_dashboard.extensions import db, writing
from research_dashboard.models import ResearchDetail, ResearchResult, ResearchRun
from research_dashboard.pages import history
from research_dashboard.pages.history_links import COLUMNS
from tests.conftest import Page
from tests.test_run_filter import NOON, store

PATH = "/historical-records"
Visit = Callable[..., Page]

Keep = Callable[..., Any]


@pytest.fixture
def keep(app: Flask) -> Keep:
    """Store runs outside of any request, as another process would."""

    def keep(*runs: dict[str, Any]) -> list[int]:
        with app.app_context():
            return store(*runs)

    return keep


@pytest.fixture
def failed(app: Flask) -> int:
    """The number of a run that failed."""
    with app.app_context():
        return failed_run()


def failed_run() -> int:
    """A run that failed at its second step, with two results."""
    run = ResearchRun(
        company="Nikola Corp.", researcher="ann", date=NOON, status="Failed", origin="research", duration_mins=0.08,
        error_kind="no_report", error_message="No annual report was found. Choose a later as-of date.",
        details=[
            ResearchDetail(step_name="Second", position=2, status="Failed", start_time=NOON, end_time=NOON),
            ResearchDetail(step_name="First", position=1, status="Completed", start_time=NOON, end_time=NOON),
            ResearchDetail(step_name="Third", position=3),
        ],
        results=[
            ResearchResult(result_type="market_position", result_data={"market_share": 12.5, "who": "<b>"}),
            ResearchResult(result_type="swot_analysis", result_data={"strengths": ["x" * 100] * 900}),
        ],
    )  # fmt: skip
    with writing() as session:
        session.add(run)
    return run.id


def test_p21_p42_to_p47_the_page_has_its_title_its_lead_and_its_filters(visit: Visit, keep: Keep) -> None:
    keep({})
    page = visit(PATH)
    assert page.text("title") == "Research Dashboard - Historical Records"
    assert page.text("h1") == "Historical Research Records"
    assert page.text(".lead") == "Browse and filter past research runs"
    assert page.texts("#filters label:not(.vh, [for=view-name]), #filters legend") == [
        "Filter by Company:", "Filter by Status:", "Filter by Date Range:", "Filter text:",
        "Researcher", "Ticker", "Industry (SIC)", "Duration (mins)", "Findings", "Gaps", "Tag", "Error kind", "Source",
    ]  # fmt: skip
    assert page.soup.select_one("#f-company")["placeholder"] == "Enter company name"
    assert page.texts("#f-status option")[:4] == ["All", "Queued", "Running", "Cancelling"]
    assert {"Refresh Data", "Export CSV", "New research", "Clear Filters"} <= set(page.texts("a.btn"))


def test_p52_p53_the_columns_in_their_order(visit: Visit, keep: Keep) -> None:
    keep({"company": "Apple Inc.", "ticker": "AAPL", "duration_mins": 0.157, "status": "Completed", "insights": 9})
    page = visit(PATH)
    assert [text.rstrip(" ↓") for text in page.texts("thead th")] == [
        "ID", "Date", "Company", "Researcher", "Duration (mins)", "Status", "Insights Generated"
    ]  # fmt: skip
    assert page.texts("#runs tbody td:not(.pick), #runs tbody th") == [
        "1", "2026-03-02 12:00", "Apple Inc. AAPL", "ann", "9.4 s", "Completed", "9"
    ]  # fmt: skip


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
def test_p44_to_p48_a_filter_shows_its_runs_the_rest_kept(visit: Visit, htmx: bool, keep: Keep) -> None:
    keep({"company": "Apple", "status": "Failed"}, {"company": "Apple"}, {"company": "Oracle"})
    page = visit(f"{PATH}?company=apple&status=&start=&end=&col_id=&sort=", htmx=htmx)
    assert page.texts("tbody .key") == ["Apple", "Apple"]
    assert page.text("#runs .pager p") == "Showing 1–2 of 2 of 3 total records"
    assert page.texts("#facets .chip")[:3] == ["All 2", "Queued 1", "Failed 1"]
    assert page.headers["Vary"].find("HX-Request") >= 0
    if htmx:
        assert page.headers["HX-Push-Url"] == f"{PATH}?company=apple"
        assert page.text("#announcement") == "2 of 3 runs"
    else:
        assert page.soup.select_one("#f-company")["value"] == "apple"


def test_p49_d33_refresh_reads_again(visit: Visit, keep: Keep) -> None:
    keep({})
    link = visit(f"{PATH}?company=ac").soup.find("a", string="Refresh Data")["href"]
    keep({})
    assert len(visit(link).soup.select("tbody tr")) == 2


def test_p50_d35_clear_shows_all_and_empties_every_field(visit: Visit, keep: Keep) -> None:
    keep({"status": "Failed"}, {})
    page = visit(f"{PATH}?company=x&status=Failed&start=2026-01-01&end=2026-01-02&q=y&col_id=1&sort=id")
    cleared = visit(page.soup.find("a", string="Clear Filters")["href"])
    assert not [field["value"] for field in cleared.soup.select("[form=filters], #filters input") if field.get("value")]
    assert cleared.soup.select("#filters option[selected]") == []
    assert len(cleared.soup.select("tbody tr")) == 2


def test_p51_d36_the_csv_has_the_whole_filter_in_the_pages_order(client: FlaskClient, visit: Visit, keep: Keep) -> None:
    keep(*({"company": f"c{n:02}"} for n in range(40)), {"company": "other"})
    link = visit(f"{PATH}?company=c&sort=company&page=2").soup.find("a", string="Export CSV")["href"]
    response = client.get(link)
    assert response.content_type == "text/csv; charset=utf-8"
    assert "attachment; filename=research-runs-" in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["Company"] for row in rows] == [f"c{n:02}" for n in range(40)]
    assert list(rows[0])[:7] == [label for _, label, _ in COLUMNS][:7]
    assert rows[0]["Date"] == "2026-03-02T12:00:00Z"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"])
def test_p51_no_cell_of_the_csv_is_a_formula(client: FlaskClient, text: str, keep: Keep) -> None:
    keep({"company": f"{text},\"'quoted'\nlines"})
    row = next(csv.DictReader(io.StringIO(client.get(f"{PATH}.csv").text)))
    assert row["Company"] == f"'{text},\"'quoted'\nlines"


@pytest.mark.parametrize("path", [PATH, f"{PATH}.csv"])
def test_d17_a_bad_value_names_its_field_and_the_filters_stay(visit: Visit, path: str, keep: Keep) -> None:
    keep({})
    page = visit(f"{path}?status=Bananas&company=Acme&start=2026-13-01", status=422)
    assert "“Bananas” is not a status" in page.text("#f-status-error")
    assert page.soup.select_one("#f-status")["aria-invalid"] == "true"
    assert page.soup.select_one("#f-company")["value"] == "Acme"
    assert page.soup.select_one("#f-start")["aria-describedby"] == "f-start-error"
    assert "is not a day" in page.text("#runs .msg.bad")
    partial = visit(f"{path}?status=Bananas&col_id=x", htmx=True, status=422)
    assert partial.headers["HX-Retarget"] == "#runs"
    assert "whole number" in partial.text("#f-col_id-error")
    assert partial.soup.select_one("#f-col_id")["value"] == "x"


def test_an_unknown_parameter_is_refused(visit: Visit) -> None:
    assert "no such parameter" in visit(f"{PATH}?colour=red", status=422).text("#runs")
    assert "number of a run" in visit(f"{PATH}?run=abc", status=422).text("#runs")


def test_p54_p55_p56_links_sort_and_turn_pages_and_keep_the_filter(visit: Visit, keep: Keep) -> None:
    keep(*({"company": f"c{n:02}"} for n in range(40)))
    page = visit(f"{PATH}?company=c")
    assert page.texts("tbody .key")[0] == "c39"
    assert len(page.soup.select("tbody tr")) == 15
    assert page.soup.select_one("[aria-sort=descending]").get_text(strip=True) == "Date↓"
    page = visit(page.soup.select_one("#sort-company")["href"])
    assert page.texts("tbody .key")[0] == "c00"
    page = visit(page.soup.select_one("#page-next")["href"], htmx=True)
    assert page.texts("tbody .key")[0] == "c15"
    assert page.text("#runs .pager p") == "Showing 16–30 of 40 total records"
    page = visit(page.soup.select_one("#sort-company")["href"])
    assert page.texts("tbody .key")[0] == "c39"
    assert page.text("[aria-current=page][aria-label]") == "1"
    assert page.soup.select_one("[name=sort]")["value"] == "-company"


def test_per_page_is_kept(visit: Visit, keep: Keep) -> None:
    keep(*({} for _ in range(40)))
    page = visit(f"{PATH}?per_page=5")
    assert len(page.soup.select("tbody tr")) == 5
    assert "per_page=5" in page.soup.select_one("#page-next")["href"]
    assert page.soup.select_one("[name=per_page]")["value"] == "5"


def test_p62_d39_a_status_has_colour_icon_and_word(visit: Visit, keep: Keep) -> None:
    keep({"status": "Failed"})
    page = visit(PATH)
    assert page.soup.select_one("tbody tr")["data-state"] == "Failed"
    assert page.soup.select_one("tbody .badge.bad use")["href"] == "#i-fail"
    assert page.text("tbody .badge") == "Failed"


def test_d32_an_empty_database_says_so_and_offers_the_first_run(visit: Visit) -> None:
    page = visit(PATH)
    assert page.text("#runs .empty h2") == "No research yet"
    assert visit(f"{PATH}.csv?x=1", status=422)
    page = visit(f"{PATH}?company=x")
    assert page.text("#runs .empty h2") == "No research yet"


def test_an_empty_filter_says_how_many_runs_it_hides(visit: Visit, keep: Keep) -> None:
    keep({}, {})
    page = visit(f"{PATH}?company=nobody", htmx=True)
    assert page.text("#runs .empty") == "No runs match these filters All 2 runs are hidden by them. Clear Filters"


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
def test_p64_to_p70_the_details_of_a_run(visit: Visit, htmx: bool, failed: int) -> None:
    link = visit(f"{PATH}?status=Failed").soup.select_one("tbody .key a")["href"]
    page = visit(link, htmx=htmx)
    assert page.text("#run-dialog .eyebrow") == "Research Run Details"
    assert page.text("#dialog-h") == f"Research Run #{failed}: Nikola Corp."
    assert "Failed at step 2 of 3. No annual report was found." in page.text("#run-dialog .msg")
    assert page.texts("#run-dialog thead th") == ["Step", "Start Time", "End Time", "Status"]
    assert page.texts("#run-dialog tbody tr:first-child > *") == [
        "First", "2026-03-02 12:00:00", "2026-03-02 12:00:00", "Completed"
    ]  # fmt: skip
    assert page.texts("#run-dialog tbody tr:last-child > *") == ["Third", "N/A", "N/A", "Not started"]
    assert page.texts("#run-dialog pre ~ p, #run-dialog details > summary")[:2] == ["Market Position", "SWOT Analysis"]
    assert page.soup.select_one("#run-dialog pre").text == '{\n  "market_share": 12.5,\n  "who": "<b>"\n}'
    assert any("more characters" in text for text in page.texts("#run-dialog details p"))
    close = page.soup.select_one("[data-close]")["href"]
    assert close == f"{PATH}?status=Failed"
    assert visit(close).soup.select_one("#run-dialog").get_text(strip=True) == ""
    if htmx:
        assert not page.soup.select_one("#run-dialog").has_attr("open")
        assert page.soup.select("#runs") == []
    else:
        assert page.soup.select_one("#run-dialog").has_attr("open")
        assert all(page.soup.select_one(part).has_attr("inert") for part in ("header.top", "main", "footer.foot"))
        assert page.soup.select_one("#runs tr[aria-current]")


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
def test_p71_d38_an_error_is_said_inside_the_dialog(visit: Visit, monkeypatch: pytest.MonkeyPatch, htmx: bool) -> None:
    page = visit(f"{PATH}?run=7", htmx=htmx, status=404)
    assert "There is no run 7" in page.text("#run-dialog .msg.bad")

    def broken(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(history, "run_whole", broken)
    page = visit(f"{PATH}?run=7", htmx=htmx, status=503)
    assert "The database did not answer" in page.text("#run-dialog .msg.bad")
    assert page.soup.select("#run-dialog h3") == []
    if htmx:
        assert page.headers["HX-Retarget"] == "#run-dialog"


def test_p72_d11_the_page_opens_even_when_the_list_fails(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(history, "runs_page", broken)
    page = visit(f"{PATH}?company=Acme", status=503)
    assert "The records cannot be read just now" in page.text("#runs .msg.bad")
    assert page.soup.select_one("#f-company")["value"] == "Acme"
    assert visit(f"{PATH}?company=Acme", htmx=True, status=503).headers["HX-Retarget"] == "#runs"


def test_d29_d34_the_number_of_statements_does_not_grow_with_the_runs(
    app: Flask, client: FlaskClient, keep: Keep
) -> None:
    counted: list[int] = []
    for more in (1, 150):
        keep(*({"company": f"c{n}"} for n in range(more)))
        statements: list[Any] = []
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", listener := _collect(statements))
        assert client.get(f"{PATH}?company=c&per_page=100").status_code == 200
        with app.app_context():
            event.remove(db.engine, "before_cursor_execute", listener)
        counted.append(len(statements))
    assert counted[0] == counted[1] <= 4


def _collect(statements: list[Any]) -> Callable[..., None]:
    return lambda *args: statements.append(args[2]) if "research_" in args[2] else None


def test_d26_times_are_the_readers(visit: Visit, keep: Keep) -> None:
    keep({"date": datetime(2026, 3, 2, 23, 30, tzinfo=UTC) + timedelta(minutes=1)})
    assert visit(PATH).soup.select_one("tbody time")["datetime"] == "2026-03-02T23:31:00.000+00:00"


def test_markup_in_a_name_is_text(visit: Visit, keep: Keep) -> None:
    keep({"company": "<script>alert(1)</script>"})
    page = visit(f"{PATH}?company=<script>")
    assert page.text("tbody .key") == "<script>alert(1)</script>"
    assert page.soup.select("main script") == []


def test_a_word_that_is_typed_further_is_one_step_back(client: FlaskClient, keep: Keep) -> None:
    keep({})

    def header(shown: str, wanted: str) -> str:
        htmx = {"HX-Request": "true", "HX-Current-URL": f"http://localhost{PATH}{shown}"}
        answer = client.get(f"{PATH}{wanted}", headers=htmx)
        (found,) = {"HX-Push-Url", "HX-Replace-Url"} & set(answer.headers.keys())
        return found

    assert header("?company=a", "?company=ac") == "HX-Replace-Url"
    assert header("", "?company=a") == "HX-Push-Url"
    assert header("?company=a", "?company=a&col_id=1") == "HX-Push-Url"
    assert header("?sort=id", "?sort=-id") == "HX-Push-Url"
    assert header("?status=Failed", "?status=Queued") == "HX-Push-Url"


def test_what_did_not_complete_is_divided_by_its_kind(visit: Visit, keep: Keep) -> None:
    keep(
        {"status": "Failed", "error_kind": "no_facts"},
        {"status": "Failed", "error_kind": "no_facts"},
        {"status": "Failed", "error_kind": "sec_down"},
        {"company": "Fine"},
    )
    page = visit(f"{PATH}?facets=1")
    assert page.texts("[aria-label='Runs by error'] .chip") == ["no_facts 2", "sec_down 1"]
    chosen = page.soup.select_one("[aria-label='Runs by error'] .chip")
    assert chosen is not None
    assert len(visit(str(chosen["href"])).texts("#runs tbody .key")) == 2
