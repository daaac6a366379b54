"""A company's page and a filed fact's card: what is at hand, and is this number what was filed."""

from dataclasses import replace
from typing import Any

from flask import Response, abort, current_app, make_response, render_template, request, url_for

from research_dashboard import charts
from research_dashboard.base import utcnow
from research_dashboard.extensions import db, to_json
from research_dashboard.models import Fact, ResearchRun
from research_dashboard.pages.changes import summary
from research_dashboard.pages.frame import preferences
from research_dashboard.queries import facts as queries
from research_dashboard.queries import reports
from research_dashboard.queries.changes import changes_of
from research_dashboard.queries.filter_text import Comparison, written
from research_dashboard.queries.quarters import newest_quarters
from research_dashboard.queries.runs import InvalidFilter, RunFilter, runs_page
from research_dashboard.queries.watchlists import is_watched
from research_dashboard.reports import layout
from research_dashboard.reports.book import Book, Cell
from research_dashboard.reports.build import is_report, scale_of
from research_dashboard.reports.over_years import OverYears, over_years
from research_dashboard.research import wording
from research_dashboard.research.concepts import other_tags
from research_dashboard.research.model import Figure
from research_dashboard.research.places import place_name, seat
from research_dashboard.research.twofold import WORDS, kind_of_values

FILINGS_SHOWN, RUNS_SHOWN, NEWS_SHOWN = 12, 10, 6


def company(cik: int) -> Response:
    """What is at hand on a company: its figures over the years, what changed, its runs, filings, profile."""
    session = db.session()
    found = queries.company_by_cik(session, cik)
    if found is None:
        abort(404, f"No company with CIK {cik} is known here. Search by name or ticker.")
    runs = _runs_of(cik)
    facts, filings = queries.counts(session, found.id)
    newest = reports.newest_completed(session, found.id)
    changes = changes_of(session, newest.id) if newest else None
    symbols = queries.tickers(session, found.id)
    page = runs_page(session, runs)
    html = render_template(
        "companies/show.html",
        company=found,
        tickers=symbols,
        facts=facts,
        filing_count=filings,
        filings=queries.filings(session, found.id, FILINGS_SHOWN),
        runs=replace(page, overall=page.total),
        of_this_filer=runs.q,
        of_this_name=written(Comparison("company", "=", found.name, 1)),
        under_the_name=queries.runs_under_the_name(session, found.name),
        newest=newest,
        figures=_figures_of(newest),
        place_name=place_name,
        seat=seat,
        quarters=newest_quarters(found.id, found.sic, utcnow().date()),
        shown=_shown,
        changes=changes,
        news=summary(changes.data, NEWS_SHOWN) if changes else [],
        spark=charts.spark,
        watched=is_watched(session, found.id),
        live=current_app.config["SETTINGS"].live,
        filing_url=filing_url,
        research_url=url_for("pages.researcher", company=symbols[0] if symbols else str(cik)),
    )
    return make_response(html)


def _shown(figure: Figure) -> str:
    return wording.display({"concept": figure.concept, "unit": figure.unit, "value": figure.value})


def _runs_of(cik: int) -> RunFilter:
    """The company's runs, the page of them that the address asks for."""
    asked = {"q": f"cik={cik}", "per_page": str(RUNS_SHOWN), "page": request.args.get("page", "")}
    try:
        return RunFilter.parse(asked.items(), zone=preferences().zone)
    except InvalidFilter as error:
        abort(422, str(error))


def _figures_of(run: ResearchRun | None) -> OverYears | None:
    """The figures of the company's newest report, over all its years."""
    if run is None:
        return None
    results = reports.results_by_type(db.session(), run.id, ("financial_health", "company_profile"))
    return over_years(results, layout.YEARS_SHOWN) if is_report(results) else None


def filing_url(cik: int | None, accession: str) -> str | None:
    """The filing's index page at the SEC."""
    if cik is None:
        return None
    return f"https://www.sec.gov/Archives/edgar/data/{cik}/{accession.replace('-', '')}/{accession}-index.htm"


def fact(fact_id: str) -> Response:
    """One filed fact: its value and period, every filing that states it, the figures that use it."""
    session = db.session()
    found = queries.fact(session, fact_id)
    if found is None:
        abort(404, f"There is no fact {fact_id[:60]} here: the figures of its filing are not loaded.")
    stated, name = queries.same_period(session, found), f"{found.tag.taxonomy}:{found.tag.name}"
    run, scale, uses = _uses(found)
    days = None if found.start is None else (found.end - found.start).days + 1
    html = render_template(
        "facts/show.html",
        fact=found,
        id_of=queries.id_of,
        label=found.tag.label or words_of(found.tag.name),
        exact=exact(found.value),
        shown=in_report(found, scale),
        days=days,
        stated=[(other, exact(other.value)) for other in stated],
        values=len({other.value for other in stated}),
        kind=WORDS[kind_of_values(stated[0].value, stated[-1].value, found.unit)].capitalize(),
        others=[(other, exact(other.value)) for other in queries.under_other_tags(session, found, other_tags(name))],
        run=run,
        uses=uses,
        served=as_served(found),
        filing_url=filing_url,
    )
    return make_response(html)


def exact(value: Any) -> str:
    """Every digit as filed, with thousands marked."""
    number = wording.exact(value)
    return wording.number(number, max(0, -int(number.as_tuple().exponent)))


def in_report(found: Fact, scale: wording.Scale) -> str:
    """The value as a report's table shows it."""
    shown = wording.display({"concept": "", "unit": found.unit, "value": found.value}, scale)
    if "/" in found.unit:
        return shown
    if found.unit == "shares":
        return f"{shown} m shares"
    return str(wording.Money(wording.currency_name(found.unit), shown, "m"))


def words_of(tag: str) -> str:
    """NetIncomeLoss as words, for a tag without a label: Net Income Loss."""
    spaced = "".join(f" {c}" if c.isupper() and at and not tag[at - 1].isupper() else c for at, c in enumerate(tag))
    return spaced.strip()


def as_served(found: Fact) -> str:
    """The fact in the form of the SEC's companyfacts."""
    document: dict[str, Any] = {} if found.start is None else {"start": found.start}
    document |= {"end": found.end, "val": found.value, "accn": found.filing.accession}
    document |= {"fy": found.filing.fiscal_year, "form": found.filing.form, "filed": found.filing.filed}
    lines = ",\n".join(f"  {to_json(key)}: {to_json(value)}" for key, value in document.items())
    return f"{{\n{lines}\n}}"


def _uses(found: Fact) -> tuple[Any, wording.Scale, list[tuple[Cell, str]]]:
    """The company's newest report, its scale, and its figures that stand on the fact with where each is explained."""
    run = reports.newest_completed(db.session(), found.company_id)
    health = reports.result_of(db.session(), run.id, "financial_health") if run else None
    if run is None or health is None or "concepts" not in health:
        return None, wording.MILLIONS, []
    scale = scale_of(health)
    book = Book({"financial_health": health}, scale)
    shown = {year["end"] for year in health["years"][-layout.YEARS_SHOWN :]}
    groups = [*health["concepts"].values(), *health["ratios"].values()]
    names = {queries.id_of(found), found.id}
    figures = [figure for group in groups for figure in group if names & {*(figure.get("facts") or ())}]
    cells = [book.cell(figure) for figure in figures if figure.get("value") is not None]
    return run, scale, [(cell, f"#how-{cell.id}" if cell.end in shown else "") for cell in cells]
