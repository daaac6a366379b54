"""The report: one model, the same numbers and sources in every format; every figure leads to where it comes from."""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.base import utcnow
from research_dashboard.charts import Chart, Series, draw, ticks
from research_dashboard.extensions import writing
from research_dashboard.models import ResearchResult, ResearchRun, Status
from research_dashboard.reports.build import build
from research_dashboard.reports.model import NotAReport, RunFacts
from research_dashboard.research.series import Split
from tests.conftest import Page
from tests.report_results import YEARS, results

RUN = RunFacts(7, "Apple Inc.", "analyst", utcnow(), None, "bundled", "AAPL")
Visit = Callable[..., Page]


@pytest.fixture
def run_with(app: Flask) -> Callable[..., int]:
    """A completed run with the given results in the database."""

    def make(data: dict[str, Any], status: str = Status.COMPLETED, origin: str = "research") -> int:
        with app.app_context(), writing() as session:
            kind = "failed" if status == Status.FAILED else None
            run = ResearchRun(company="Apple Inc.", researcher="analyst", status=status, origin=origin, error_kind=kind)
            run.results = [ResearchResult(result_type=kind, result_data=value) for kind, value in data.items()]
            session.add(run)
            session.flush()
            return run.id

    return make


def test_every_cell_that_is_shown_has_evidence_and_every_present_one_facts() -> None:
    report = build(RUN, results())
    known = {cell.id for item in report.evidence for cell in item.cells}
    cells = [cell for part in report.parts for row in part.rows for cell in row.cells]
    cells += [cell for peer in report.peers for cell in peer.cells if cell]
    cells += [cell for *_, findings in report.swot for found in findings for _, cell in found.evidence]
    cells += [tile.cell for tile in report.tiles]
    assert cells
    for cell in cells:
        assert cell.id in known
        assert cell.shown
        if cell.present:
            assert cell.facts
            assert cell.sources
        else:
            assert cell.why


def test_sources_are_numbered_the_subjects_newest_first_then_the_peers() -> None:
    report = build(RUN, results())
    assert [source.number for source in report.sources] == list(range(1, len(report.sources) + 1))
    assert [source.company for source in report.sources] == ["Apple Inc."] * 5 + ["Peer One Corp.", "Peer Two =Inc."]
    filed = [source.filed for source in report.sources[:5]]
    assert filed == sorted(filed, reverse=True)


def test_the_tear_sheet_answers_its_four_questions_with_linked_figures() -> None:
    report = build(RUN, results())
    answers = {question: "".join(f.text for s in said for f in s) for question, said in report.answers}
    assert "Electronic Computers (SIC 3571), Cupertino, CA" in answers["What it is"]
    assert "number 1 of 3, with 70.0% of the revenue reported by these 3 companies" in answers["How it stands"]
    assert "Against FY2024: revenue +6.4%, net income +19.5%" in answers["What changed"]
    assert "Debt fell 7.5% to US$ 98.7 bn" in answers["What changed"]
    assert "Interest expense is not reported for FY2024 and FY2025" in answers["What to look at"]
    stated = [f for _, said in report.answers for s in said for f in s if f.cell]
    assert {f.text for f in stated} >= {"US$ 416.2 bn", "32.0%", "+6.4%"}


def test_results_of_another_form_are_not_a_report() -> None:
    with pytest.raises(NotAReport):
        build(RUN, {"financial_health": {"revenue_growth": 5}})


def test_p40_the_html_file_stands_alone(run_with: Callable[..., int], client: FlaskClient, visit: Visit) -> None:
    run_id = run_with(results())
    page = visit(f"/runs/{run_id}/report.html")
    assert "attachment" in page.headers["Content-Disposition"]
    assert page.text("h1") == "Summary Report: Apple Inc."
    assert not page.soup.select("script, link, img, iframe")
    assert page.soup.select_one("style")
    targets = {element["id"] for element in page.soup.select("[id]")}
    for link in page.soup.select("main a[href]"):
        href = str(link["href"])
        assert href.startswith("https://www.sec.gov/") or href.removeprefix("#") in targets, href


def test_p36_to_p38_every_figure_of_the_table_is_a_link(run_with: Callable[..., int], visit: Visit) -> None:
    page = visit(f"/runs/{run_with(results())}/report.html")
    cells = page.soup.select("#figures tbody td.num:not(.change), #peers td.num a, .tile .value")
    assert len(cells) > 50
    for cell in page.soup.select("#figures tbody td.num:not(.change)"):
        assert cell.select_one("a[href]"), cell
    assert page.text("#figures tr:has(a[href='#how-interest_expense'])").count("n/r") == 2
    assert page.soup.select_one("#gap-interest_expense")
    assert "Peer Three: reports in EUR" in page.text("#peers")
    assert "Revenue grew 6.4%" in page.text("#swot .warn li")


def test_p41_csv_holds_every_figure_raw_and_is_safe_to_open(run_with: Callable[..., int], client: FlaskClient) -> None:
    data = results()
    data["company_profile"]["name"] = "=cmd|' /C calc'!A0"
    answer = client.get(f"/runs/{run_with(data)}/report.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    revenue = next(row for row in rows if row["concept"] == "revenue" and row["period"] == "FY2025")
    assert revenue["value"] == "416161000000"
    assert revenue["tag"] == "us-gaap:Revenues"
    assert revenue["source"] == "1"
    assert revenue["url"].startswith("https://www.sec.gov/")
    assert all(not row["company"].startswith("=") for row in rows)
    assert next(row for row in rows if row["code"] == "not_reported")["value"] == ""
    peer = next(row for row in rows if row["cik"] == "1111" and row["concept"] == "om")
    assert float(peer["value"]) < 0


def test_p74_json_holds_the_results_as_stored_and_the_same_sources(
    run_with: Callable[..., int], client: FlaskClient
) -> None:
    data = results()
    document = msgspec.json.decode(client.get(f"/runs/{run_with(data)}/report.json").data)
    assert document["results"].keys() == data.keys()
    assert document["run"]["company"] == "Apple Inc."
    assert document["sources"][0]["accession"] == "0000320193-25-000079"


@pytest.mark.parametrize("status", [s for s in Status if s != Status.COMPLETED])
def test_a_run_that_is_not_completed_has_no_file_yet(
    run_with: Callable[..., int], client: FlaskClient, status: Status
) -> None:
    answer = client.get(f"/runs/{run_with({}, status)}/report.csv")
    assert answer.status_code == 409
    assert str(status) in answer.text


def test_files_that_are_not_there_say_what_is(run_with: Callable[..., int], client: FlaskClient) -> None:
    assert client.get("/runs/99/report.html").status_code == 404
    assert "pdf, html, md, xlsx, csv, json, zip" in client.get(f"/runs/{run_with(results())}/report.exe").text
    logged = run_with({"financial_health": {"revenue_growth": 5}}, origin="api")
    assert client.get(f"/runs/{logged}/report.html").status_code == 404
    assert client.get(f"/runs/{logged}/report.json").json["results"] == {"financial_health": {"revenue_growth": 5}}


def absent(data: dict[str, Any]) -> dict[str, Any]:
    """Every figure of the company absent."""
    for group in ("concepts", "ratios"):
        for figures in data["financial_health"][group].values():
            for figure in figures:
                figure |= {"value": None, "made": "absent", "facts": [], "code": "not_reported"}
    return data


def bank(data: dict[str, Any]) -> dict[str, Any]:
    """A bank: margins do not apply."""
    data["financial_health"]["sector"] = "bank"
    for name in ("gm", "om"):
        for figure in data["financial_health"]["ratios"][name]:
            figure |= {"value": None, "made": "absent", "facts": [], "code": "not_applicable_sector"}
    return data


STATES = {
    "whole": results,
    "no peers": lambda: results(peer_comparison=None, market_position={"market_share": None}),
    "no findings": lambda: results(swot_analysis={"strengths": [], "weaknesses": [], "opportunities": [], "threats": [],
                                                  "rules": 36, "tested": 3, "fired": 0}),
    "nothing reported": lambda: absent(results()),
    "a bank": lambda: bank(results()),
    "health alone": lambda: {"financial_health": results()["financial_health"]},
    "no year": lambda: results(financial_health={"years": [], "concepts": {}, "ratios": {}}),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_partial_results_still_make_a_report(
    run_with: Callable[..., int], visit: Visit, client: FlaskClient, state: str
) -> None:
    run_id = run_with(STATES[state]())
    page = visit(f"/runs/{run_id}/report.html")
    assert page.text("#sources h2") == "Sources"
    assert "None" not in page.text("main")
    for extension in ("csv", "json", "md", "xlsx", "pdf", "zip"):
        assert client.get(f"/runs/{run_id}/report.{extension}").status_code == 200


def test_a_company_alone_in_its_set_stands_nowhere_in_it() -> None:
    data = results()
    assert [row.ratio for row in build(RUN, data).standing] == ["om"]
    data["peer_comparison"]["members"] = data["peer_comparison"]["members"][:1]
    assert build(RUN, data).standing == (), "a dot on a line without peers would pass for the lowest"


def test_peers_drawings_name_every_company_alike() -> None:
    data = results()
    members = data["peer_comparison"]["members"]
    members[1]["name"], members[2]["name"] = "One Inc.", "Two Inc."
    assert set(build(RUN, data).peer_charts[0].labels) == {"Apple Inc.", "One Inc.", "Two Inc."}
    members[1]["name"] = "A name that is too long to stand beside a bar"
    assert set(build(RUN, data).peer_charts[0].labels) == {member["ticker"] for member in members}


def test_p40_a_completed_run_is_its_report(run_with: Callable[..., int], visit: Visit) -> None:
    run_id = run_with(results())
    page = visit(f"/runs/{run_id}")
    assert page.text("h1") == "Summary Report: Apple Inc."
    assert page.soup.select_one(f"a.primary[href='/runs/{run_id}/report.pdf']")
    assert page.soup.select_one("#figures a[href='/facts/5']")
    visit(f"/runs/{run_id}", htmx=True, status=286)


def test_a_loss_after_a_profit_is_said_in_money_not_in_percent() -> None:
    data = results()
    data["financial_health"]["concepts"]["net_income"][-1]["value"] = -5_846_000_000
    report = build(RUN, data)
    answers = {question: "".join(f.text for s in said for f in s) for question, said in report.answers}
    assert "net income US$ −5.8 bn after US$ 93.7 bn" in answers["What changed"]


def answers_of(data: dict[str, Any]) -> dict[str, str]:
    """What the tear sheet says, by question."""
    return {question: "".join(f.text for s in said for f in s) for question, said in build(RUN, data).answers}


def test_a_sparkline_draws_no_fall_out_of_a_share_split() -> None:
    data = results()
    concepts = data["financial_health"]["concepts"]
    shared = {"concept": "eps_diluted", "label": "EPS, diluted", "unit": "USD/shares"}
    earnings = concepts["eps_diluted"] = [{**year, **shared} for year in concepts["net_income"]]
    split = Split(Decimal(4), date(2022, 9, 30), date(2022, 10, 30))
    earnings[0]["notes"] = [split.note]
    row = next(row for part in build(RUN, data).parts for row in part.rows if row.concept == "eps_diluted")
    assert [value is None for value in row.values] == [True, *[False] * (len(earnings) - 1)]
    assert row.cells[0].present, "the number itself is shown, with its note"


def test_restated_figures_are_counted_once_and_only_where_filed() -> None:
    data = results()
    health = data["financial_health"]
    end, cash = YEARS[-1][2], {**health["concepts"]["assets"][-1], "concept": "cash", "label": "Cash"}
    health["concepts"]["cash"] = [cash]
    health["concepts"]["liquid"] = [{**cash, "concept": "liquid", "label": "Liquid funds", "made": "derived"}]
    health["concepts"]["equity_total"] = [{**cash, "concept": "equity_total"}]  # the very same fact
    sides = {"first": {"value": 100}, "latest": {"value": 120}}
    concepts = ("cash", "liquid", "equity_total", "fcf")
    health["restated"] = [{"concept": concept, "end": end, **sides} for concept in concepts]
    assert "1 filed figure was restated" in answers_of(data)["What changed"]
    labels = [row.label for row in build(RUN, data).restated]
    assert sorted(label for label in labels if "(derived)" in label) == [
        "Free cash flow (derived)",
        "Liquid funds (derived)",
    ]


def test_gaps_read_oldest_to_newest_and_what_is_never_reported_is_not_dwelt_on() -> None:
    data = results()
    gap = data["gaps"]["gaps"][0]
    missing = [{**gap, "end": end, "period_label": label} for label, _, end in reversed(YEARS[2:])]
    never = [{**one, "concept": "rnd", "label": "Research and development"} for one in missing]
    data["gaps"] = {"count": 6, "gaps": [*missing, *never]}
    said = answers_of(data)["What to look at"]
    assert "Interest expense is not reported for FY2023 to FY2025" in said
    assert "Research and development" not in said
    data["gaps"] = {"count": 3, "gaps": [{**one, "code": "not_in_data"} for one in missing]}
    assert "missing" not in answers_of(data)["What to look at"]
    assert build(RUN, data).gap_line == (
        "1 figure is not in the data at hand. "
        "By fiscal year that makes 3 values, which lists of runs and the API count as gaps. Nothing is estimated."
    )


def test_own_filings_say_their_period_even_where_only_older_figures_of_them_are_used() -> None:
    data = results()
    health = data["financial_health"]
    old = {**next(iter(health["facts"].values())), "id": 9999, "accession": "0000320193-14-000001", "end": "2013-09-28",
           "filed": "2014-10-27"}  # fmt: skip
    health["facts"]["9999"] = old
    health["earlier_years"] = [{"label": "FY2014", "end": "2014-09-27", "accession": old["accession"]}]
    source = next(one for one in build(RUN, data).sources if one.accession == old["accession"])
    assert "for the period ended 27 Sep 2014" in source.words


def test_a_chart_breaks_at_a_gap_and_hangs_losses_below_zero() -> None:
    chart = Chart("x", "columns", "X", "US$", ("a", "b", "c"), (Series("X", (4.0, None, -2.0)),))
    drawing = BeautifulSoup(draw(chart), "html.parser")
    bars = drawing.select("rect")
    assert len(bars) == 2
    zero = float(str(drawing.select_one(".axis")["d"]).split()[1].split("H")[0])
    assert float(bars[0]["y"]) + float(bars[0]["height"]) == pytest.approx(zero, abs=0.2)
    assert float(bars[1]["y"]) == pytest.approx(zero, abs=0.2)
    assert "n/r" in [text.get_text() for text in drawing.select("text")]
    line = Chart("y", "lines", "Y", "%", ("a", "b", "c"), (Series("Y", (1.0, None, 3.0)),))
    path = BeautifulSoup(draw(line), "html.parser").select_one(".ln")
    assert str(path["d"]).count("M") == 2


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (0, 416.2), (-5, -1), (0.0, 0.0004)])
def test_an_axis_holds_zero_and_all_values(low: float, high: float) -> None:
    steps = ticks(low, high)
    assert any(abs(step) < 1e-9 for step in steps)
    assert steps[0] <= low
    assert steps[-1] >= high
    assert len(steps) <= 8
