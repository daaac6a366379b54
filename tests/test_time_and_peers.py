"""Time and peers, from form and API to the report: what was filed by a day, what was restated, who is compared."""

from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.extensions import from_json
from research_dashboard.worker import Worker
from tests.test_pipeline import stored

Results = dict[str, Any]


def research(app: Flask, client: FlaskClient, **body: Any) -> tuple[int, Results]:
    """Ask over the API, work, read what was stored."""
    answer = client.post("/api/research", json=body)
    assert answer.status_code == 202, answer.text
    Worker(app).work()
    run_id = answer.json["id"] if answer.json else 0
    return run_id, {kind: from_json(text) for kind, text in stored(run_id).items()}


def facts_used(results: Results) -> list[Any]:
    return [fact for result in results.values() for fact in result.get("facts", {}).values()]


def figure(results: Results, concept: str, end: str) -> Any:
    health = results["financial_health"]
    return health["concepts"][concept][[year["end"] for year in health["years"]].index(end)]


def test_nothing_filed_after_the_as_of_day_is_in_any_result_of_company_or_peers(
    bundled: Flask, client: FlaskClient, visit: Any
) -> None:
    run_id, results = research(bundled, client, company="AAPL", as_of="2024-06-30")
    facts = facts_used(results)
    assert len({fact["cik"] for fact in facts}) > 5, "peers, too"
    assert max(fact["filed"] for fact in facts) <= "2024-06-30"
    assert max(fact["end"] for fact in facts) <= "2024-06-30"
    assert results["company_profile"]["latest_filing"]["filed"] <= "2024-06-30"
    health = results["financial_health"]
    assert (health["as_of"], health["fiscal_year"]["end"]) == ("2024-06-30", "2023-09-30")
    assert results["manifest"]["as_of"] == "2024-06-30"
    assert "as known on 30 Jun 2024" in visit(f"/runs/{run_id}").soup.get_text(" ")


def test_the_day_counts_itself_and_the_day_before_does_not(bundled: Flask, client: FlaskClient) -> None:
    ends = [
        research(bundled, client, company="AAPL", as_of=day, peers=["MSFT"])[1]["financial_health"]["fiscal_year"][
            "end"
        ]
        for day in ("2025-10-30", "2025-10-31")  # 0000320193-25-000079 was filed on the 31st
    ]
    assert ends == ["2024-09-28", "2025-09-27"]


def test_a_restatement_shows_the_latest_the_first_and_is_listed_apart(
    bundled: Flask, client: FlaskClient, visit: Any
) -> None:
    _, then = research(bundled, client, company="PFE", as_of="2024-06-30", peers=["MSFT"])
    assert figure(then, "revenue", "2023-12-31")["value"] == 58_496_000_000
    assert "first" not in figure(then, "revenue", "2023-12-31")
    run_id, now = research(bundled, client, company="PFE", as_of="2026-11-23", peers=["MSFT"])
    revenue = figure(now, "revenue", "2023-12-31")
    assert (revenue["value"], revenue["first"]["value"]) == (59_553_000_000, 58_496_000_000)
    assert "r" in revenue["marks"]
    entry = next(
        entry
        for entry in now["financial_health"]["restated"]
        if (entry["concept"], entry["end"]) == ("revenue", "2023-12-31")
    )
    assert (entry["first"]["accession"], entry["first"]["filed"]) == ("0000078003-24-000039", "2024-02-22")
    assert entry["latest"]["accession"] == "0000078003-26-000026"
    page = visit(f"/runs/{run_id}")
    assert "58,496" in page.text("#restated")
    assert "59,553" in page.text("#restated")


@pytest.mark.parametrize(("company", "label"), [("WMT", "FY2026"), ("TGT", "FY2025")])
def test_a_year_has_the_label_its_company_gives_it_and_its_end_beside_it(
    bundled: Flask, client: FlaskClient, visit: Any, company: str, label: str
) -> None:
    run_id, results = research(bundled, client, company=company, peers=["COST"])
    assert results["financial_health"]["fiscal_year"] | {"start": ""} == {
        "label": label, "start": "", "end": "2026-01-31",
    }  # fmt: skip
    text = visit(f"/runs/{run_id}").soup.get_text(" ")
    assert f"{label}, year ended 31 Jan 2026" in " ".join(text.split())


def test_the_form_takes_the_day_and_the_peers(bundled: Flask, client: FlaskClient) -> None:
    form = {"company": "NKE", "as_of": "2025-01-31", "peers": "TGT, COST", "source": "auto"}
    answer = client.post("/researcher", data=form)
    assert answer.status_code == 303
    Worker(bundled).work()
    results = {kind: from_json(text) for kind, text in stored(int(answer.location.rsplit("/", 1)[1])).items()}
    assert results["financial_health"]["as_of"] == "2025-01-31"
    assert [member["ticker"] for member in results["peer_comparison"]["members"]] == ["COST", "TGT", "NKE"]
    assert max(fact["filed"] for fact in facts_used(results)) <= "2025-01-31"


@pytest.mark.parametrize("company", ["AAPL", "JPM", "DUK", "KHC", "MDB"])
def test_five_peers_at_least_where_there_are_five(bundled: Flask, client: FlaskClient, company: str) -> None:
    _, results = research(bundled, client, company=company)
    members = results["peer_comparison"]["members"]
    assert len([member for member in members if not member["subject"]]) >= 5
    assert all(member["end"] and member["figures"]["revenue"]["value"] for member in members), "size and period"
    assert all(line["n"] >= 1 for line in results["peer_comparison"]["standing"])
    shown = results["market_position"]["set"]
    assert shown["text"]
    assert shown["level"] in ("sic4", "sic3") or shown["warning"]


def test_a_chosen_peer_that_cannot_be_compared_is_named_with_the_reason(
    bundled: Flask, client: FlaskClient, visit: Any
) -> None:
    peers = ["ORCL", "ADBE", "DDOG"]
    run_id, results = research(bundled, client, company="MSFT", as_of="2015-12-31", peers=peers)
    comparison = results["peer_comparison"]
    assert comparison["set"]["level"] == "chosen"
    assert {member["ticker"] for member in comparison["members"]} == {"MSFT", "ORCL", "ADBE"}
    (excluded,) = comparison["excluded"]
    assert (excluded["name"], excluded["code"]) == ("Datadog, Inc.", "not_in_data")
    assert excluded["reason"]
    assert "Datadog" in visit(f"/runs/{run_id}").text("#peers")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"peers": ["NOSUCHTICKER"]}, "peers"),
        ({"peers": ["AAPL"]}, "peers"),
        ({"peers": ["MSFT"] * 100}, "peers"),
        ({"as_of": "2999-01-01"}, "as_of"),
        ({"as_of": "yesterday"}, "as_of"),
    ],
)
def test_a_day_or_a_peer_that_cannot_be_is_refused_at_its_field(
    bundled: Flask, client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    answer = client.post("/api/research", json={"company": "AAPL", **body})
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_every_year_and_figure_has_its_dates(bundled: Flask, client: FlaskClient) -> None:
    _, results = research(bundled, client, company="COST", peers=["TGT"])
    for year in results["financial_health"]["years"]:
        days = (date.fromisoformat(year["end"]) - date.fromisoformat(year["start"])).days + 1
        assert 350 <= days == year["days"] <= 380
        assert year["label"].startswith("FY")
