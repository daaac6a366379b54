"""The researcher page: what starts a run, and what starts nothing and says why."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from research_dashboard.extensions import reading
from research_dashboard.models import ResearchDetail, ResearchRun
from research_dashboard.queries.preferences import system_user
from research_dashboard.research.steps import STEPS

from .conftest import Page
from .makers import make_company

Visit = Callable[..., Page]


@pytest.fixture
def companies(in_app: Flask) -> None:
    """Apple and Microsoft with figures; two Delta companies; AppLovin known by name alone."""
    make_company("Apple Inc.", 320193, "AAPL")
    make_company("Microsoft Corp.", 789019, "MSFT")
    make_company("Delta Air Lines, Inc.", 27904, "DAL")
    make_company("Delta Apparel, Inc.", 1101396, "DLA")
    make_company("AppLovin Corp", 1751008, "APP", figures=False)


def runs() -> list[ResearchRun]:
    with reading() as session:
        return list(session.scalars(select(ResearchRun).order_by(ResearchRun.id)))


def post(client: FlaskClient, **values: object) -> Page:
    return Page(client.post("/researcher", data=values))


def test_p20_p22_p23_the_page_has_its_title_field_and_button(visit: Visit) -> None:
    page = visit("/researcher")
    assert page.text("title") == "Research Dashboard - Researcher"
    field = page.soup.select_one("input#company")
    assert field is not None
    assert field["hx-get"] == "/researcher"
    assert field["hx-sync"] == "this:replace"
    assert page.text("form .primary") == "Start research"


def test_p32_the_five_steps_are_listed_in_order(visit: Visit) -> None:
    steps = visit("/researcher").texts("section[aria-labelledby=steps-h] li")
    assert steps == [f"{number}. {name}" for number, name in enumerate(STEPS, 1)]


@pytest.mark.usefixtures("companies")
@pytest.mark.parametrize("typed", ["AAPL", "aapl", " Apple ", "apple inc", "320193", "CIK 0000320193"])
def test_p33_a_known_company_makes_a_run_before_its_steps(client: FlaskClient, typed: str) -> None:
    page = post(client, company=typed)
    (run,) = runs()
    assert (page.status, page.headers["Location"]) == (303, f"/runs/{run.id}")
    assert (run.company, run.status, run.origin) == ("Apple Inc.", "Queued", "research")
    with reading() as session:
        states = session.execute(
            select(ResearchDetail.step_name, ResearchDetail.status).order_by(ResearchDetail.position)
        )
        assert [tuple(row) for row in states] == [(name, "Pending") for name in STEPS]


@pytest.mark.usefixtures("companies")
def test_p35_d6_the_researcher_is_who_is_here_and_cannot_be_sent(client: FlaskClient) -> None:
    post(client, company="AAPL", researcher="mallory", status="Completed", insights="9")
    (run,) = runs()
    assert (run.researcher, run.status, run.insights) == (system_user(), "Queued", 0)


@pytest.mark.usefixtures("companies")
def test_d10_a_double_click_makes_one_run(client: FlaskClient) -> None:
    first, second = post(client, company="AAPL"), post(client, company="Apple Inc.")
    assert first.headers["Location"] == second.headers["Location"]
    assert len(runs()) == 1


@pytest.mark.usefixtures("companies")
@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({}, "company", "Type a company"),
        ({"company": ""}, "company", "Type a company"),
        ({"company": "   "}, "company", "Type a company"),
        ({"company": "x" * 201}, "company", "at most 200"),
        ({"company": "x" * 100_000}, "company", "at most 200"),
        ({"company": "Apple\nforged"}, "company", "control characters"),
        ({"company": "Apple\x00"}, "company", "control characters"),
        ({"company": "qqqqqq"}, "company", "No company called “qqqqqq” is known"),
        ({"company": "%"}, "company", "is known"),
        ({"company": "_"}, "company", "is known"),
        ({"company": "NaN"}, "company", "is known"),
        ({"company": str(10**30)}, "company", "is known"),
        ({"company": "APP"}, "company", "turn on live data"),
        ({"company": "AAPL", "as_of": "yesterday"}, "as_of", "Enter a date as"),
        ({"company": "AAPL", "as_of": "2026-02-30"}, "as_of", "Enter a date as"),
        ({"company": "AAPL", "as_of": "1492-10-12"}, "as_of", "1993"),
        ({"company": "AAPL", "as_of": "9999-12-31"}, "as_of", "future"),
        ({"company": "AAPL", "source": "Bananas"}, "source", "Not a valid choice"),
        ({"company": "AAPL", "source": "live"}, "source", "Not a valid choice"),
        ({"company": "AAPL", "peers": "MSFT, QQQQ"}, "peers", "QQQQ"),
        ({"company": "AAPL", "peers": ",".join(map(str, range(30)))}, "peers", "at most 20"),
        ({"company": "AAPL", "peer": ["x" * 300]}, "peers", "at most 200"),
    ],
)
def test_p24_what_cannot_be_started_starts_nothing_and_says_why_at_its_field(
    client: FlaskClient, values: dict[str, object], field: str, words: str
) -> None:
    page = post(client, **values)
    assert page.status == 422
    assert page.soup.select_one(f"#{field}")["aria-invalid"] == "true"  # type: ignore[index]
    assert words in page.text(f"#{field}-error")
    assert page.text("title").startswith("Error: ")
    assert runs() == []


@pytest.mark.usefixtures("companies")
def test_an_unknown_name_names_the_nearest_as_links(client: FlaskClient) -> None:
    page = post(client, company="Aple")
    assert page.text("#company-error").startswith("No company called “Aple” is known. Did you mean")
    assert page.soup.select_one("#company-error a[href='/researcher?company=AAPL']")
    assert page.soup.select_one("#company")["value"] == "Aple"  # type: ignore[index]


@pytest.mark.usefixtures("companies")
def test_an_ambiguous_name_is_asked_back_and_the_rest_comes_along(client: FlaskClient) -> None:
    page = post(client, company="Delta", peers="AAPL", as_of="2026-01-31")
    assert page.status == 422
    assert page.text("h1") == "Which company do you mean by “Delta”?"
    assert [str(radio["value"]) for radio in page.soup.select("[type=radio][name=company]")] == ["DAL", "DLA"]
    kept = {str(hidden["name"]): hidden["value"] for hidden in page.soup.select("main [type=hidden]")}
    assert (kept["peers"], kept["as_of"]) == ("AAPL", "2026-01-31")
    assert runs() == []


@pytest.mark.parametrize(("query", "field"), [("company=%00", "company"), ("company=AAPL&as_of=soon", "as_of")])
def test_what_an_address_cannot_prefill_is_said_at_its_field(visit: Visit, query: str, field: str) -> None:
    assert visit(f"/researcher?{query}", status=422).soup.select_one(f"#{field}-error")


def test_many_that_fit_are_counted_and_none_is_chosen_for_the_reader(in_app: Flask, client: FlaskClient) -> None:
    for number in range(9):
        make_company(f"Bank of {number}", 100 + number, f"BK{number}", figures=False)
    page = post(client, company="bank")
    assert page.text(".lead").startswith("9 companies fit; 8 of them are shown")
    assert "Turn on live SEC data" in page.text(".msg.warn")
    assert not page.soup.select("main [type=radio][checked]")
    make_company("Bank of Last", 200, "LAST")
    page = post(client, company="bank")
    assert page.soup.select_one("main [type=radio]")["value"] == "LAST"  # type: ignore[index]


@pytest.mark.usefixtures("companies")
def test_peers_and_as_of_day_go_into_the_run(client: FlaskClient) -> None:
    page = post(client, company="AAPL", peer=["789019"], peers="DAL, MSFT", as_of="2026-01-31", source="bundled")
    assert page.status == 303
    (run,) = runs()
    assert str(run.as_of) == "2026-01-31"
    assert len(run.options["peers"]) == 2  # type: ignore[index]


@pytest.mark.usefixtures("companies")
def test_while_one_types_the_companies_that_fit_are_offered_as_links(visit: Visit) -> None:
    page = visit("/researcher?company=app", htmx=True)
    links = [str(link["href"]) for link in page.soup.select("#suggest a")]
    assert links == [f"/researcher?company={ticker}" for ticker in ("APP", "AAPL", "DLA")]
    assert page.texts("#suggest mark")[:2] == ["APP", "App"]
    assert "3 companies fit “app”" in page.text("[role=status]")
    cold = visit("/researcher?company=app")
    assert len(cold.soup.select("#suggest a")) == 3, "the same without JavaScript"
    assert cold.soup.select_one("#company")["value"] == "app"  # type: ignore[index]


@pytest.mark.usefixtures("companies")
def test_where_nothing_fits_the_nearest_names_are_offered(visit: Visit) -> None:
    near = visit("/researcher?company=Aple+Inc", htmx=True)
    assert "/researcher?company=AAPL" in [str(link["href"]) for link in near.soup.select("#suggest a")]
    assert near.text("#suggest p").startswith("No company fits “Aple Inc”: these have the nearest names.")


@pytest.mark.parametrize("typed", ["", "qqq", "<script>", "%", "x" * 5000, "%00", "%F0%9F%98%80", "ß"])
def test_nothing_typed_breaks_the_suggestions(visit: Visit, companies: None, typed: str) -> None:
    page = visit(f"/researcher?company={typed}", htmx=True)
    assert page.soup.select_one("#suggest")
    assert not page.soup.select("script")


@pytest.mark.usefixtures("companies")
def test_looking_never_starts_anything(client: FlaskClient) -> None:
    client.get("/researcher?company=AAPL&as_of=2026-01-31")
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(ResearchRun)) == 0


@pytest.mark.usefixtures("companies")
def test_companies_at_hand_are_one_click_away(client: FlaskClient, visit: Visit) -> None:
    buttons = visit("/researcher").soup.select("button.chip[name=company]")
    assert len(buttons) == 4, "those without figures are not offered"
    assert post(client, company=str(buttons[0]["value"])).status == 303
    assert visit("/").soup.select("#recent tbody tr")


@pytest.mark.usefixtures("companies")
def test_an_empty_record_offers_a_first_run_in_one_click(client: FlaskClient, visit: Visit) -> None:
    page = visit("/")
    assert page.text(".empty h2") == "No research yet"
    assert post(client, company=str(page.soup.select_one(".empty .primary")["value"])).status == 303  # type: ignore[index]
