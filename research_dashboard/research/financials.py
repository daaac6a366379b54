"""The results company_profile, financial_health and gaps, from an analysed company, as plain JSON."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from research_dashboard.research.analysis import YEARS_AT_HAND, Analysis
from research_dashboard.research.concepts import CONCEPTS
from research_dashboard.research.evaluate import EVERY_RATIO
from research_dashboard.research.figures import INSIDE_CASH, NONE_HELD
from research_dashboard.research.model import Company, Fact, Figure, Filing, FiscalYear
from research_dashboard.research.notes import notes_of
from research_dashboard.research.stored import facts_json, figure_json, year_json

YEARS_SHOWN = 5  # gaps are of these
HEADLINES = {"revenue_growth": "g1", "profit_margin": "nm", "debt_equity_ratio": "de"}  # the seed's three

# Absent for a good reason, or only there to qualify something else: no gap of the report.
NEVER_A_GAP = frozenset({"net_income_total", "impairment", "selling", "gna", "liquid", "current_debt", "ebitda"})
NO_GAP_CODES = frozenset({"not_applicable_sector"})


def company_profile(company: Company, facts: Sequence[Fact], as_of: date) -> dict[str, Any]:
    """Who the company is, its newest filing on the as-of date, and how much was read."""
    known = [fact for fact in facts if fact.filing.filed <= as_of]
    filings = {fact.filing.accession: fact.filing for fact in known}
    newest = max(filings.values(), key=lambda filing: (filing.filed, filing.accession), default=None)
    return {
        "name": company.name,
        "cik": company.cik,
        "ticker": company.ticker,
        "tickers": list(company.tickers),
        "exchange": company.exchange,
        "sic": company.sic,
        "sic_description": company.sic_description,
        "office": company.office,
        "category": company.category,
        "state": company.state,
        "city": company.city,
        "fiscal_year_end": company.fiscal_year_end,
        "former_names": list(company.former_names),
        "latest_filing": _latest_filing(newest, known) if newest else None,
        "filings": len(filings),
        "facts_read": len(facts),
    }


def financial_health(analysis: Analysis) -> dict[str, Any]:
    """Every concept and ratio of up to ten fiscal years, oldest first. Raises LookupError without a fiscal year."""
    latest = analysis.latest
    years = analysis.years[-YEARS_AT_HAND:]
    concepts = {
        concept.id: [analysis.figure(concept.id, year.end) for year in years]
        for concept in CONCEPTS.values()
        if concept.shown
    }
    if _values(concepts["net_income_total"]) in (_values(concepts["net_income"]), [None] * len(years)):
        del concepts["net_income_total"]  # only shown where it differs
    ratios = {id: [analysis.figure(id, year.end) for year in years] for id in EVERY_RATIO}
    figures = [figure for series in (*concepts.values(), *ratios.values()) for figure in series]
    return {
        "company": analysis.company.name,
        "cik": analysis.company.cik,
        "currency": analysis.currency,
        "sector": analysis.sector,
        "as_of": analysis.as_of.isoformat(),
        "view": analysis.view,
        "fiscal_year": {"label": latest.label, "start": latest.start.isoformat(), "end": latest.end.isoformat()},
        "years": [_year(year, analysis.own_filing(year.end)) for year in years],
        "earlier_years": [_year(year, analysis.own_filing(year.end)) for year in analysis.years[:-YEARS_AT_HAND]],
        **{name: figure_json(analysis.figure(id, latest.end), latest.label) for name, id in HEADLINES.items()},
        "concepts": _series(concepts, years),
        "ratios": _series(ratios, years),
        "notes": notes_of(analysis),
        "restated": list(analysis.restated),
        "transition_periods": [year_json(stub) for stub in analysis.transition_periods],
        "facts": facts_json(figures),
    }


def gaps(analysis: Analysis) -> dict[str, Any]:
    """What the filings of the five newest years do not say, newest year first, with the tags tried."""
    found = [
        {
            "concept": concept.id,
            "label": concept.label,
            "end": year.end.isoformat(),
            "period_label": year.label,
            "code": figure.code,
            "reason": figure.reason,
            "tags_tried": list(figure.tags_tried),
        }
        for year in reversed(analysis.years[-YEARS_SHOWN:])
        for concept in CONCEPTS.values()
        if concept.shown and _is_gap(analysis, figure := analysis.figure(concept.id, year.end))
    ]
    return {"count": len(found), "gaps": found}


def _values(series: Sequence[Figure]) -> list[Any]:
    return [figure.value for figure in series]


def _is_gap(analysis: Analysis, figure: Figure) -> bool:
    """True for what a reader would look for in vain."""
    if figure.present or figure.concept in NEVER_A_GAP or figure.code in NO_GAP_CODES:
        return False
    if figure.code == "unclassified_balance_sheet" and analysis.sector in CONCEPTS[figure.concept].unusual_for:
        return False  # no bank and no insurer separates current from noncurrent
    return not {NONE_HELD, INSIDE_CASH} & set(figure.notes)


def _series(figures: Mapping[str, Sequence[Figure]], years: Sequence[FiscalYear]) -> dict[str, list[dict[str, Any]]]:
    """Each id's figures in the order of the years."""
    return {
        id: [figure_json(figure, year.label) for figure, year in zip(series, years, strict=True)]
        for id, series in figures.items()
    }


def _year(year: FiscalYear, own: Filing | None) -> dict[str, Any]:
    """A fiscal year with the filing that was first about it, where one is at hand."""
    if own is None:
        return year_json(year)
    filing = {"accession": own.accession, "form": own.form, "filed": own.filed.isoformat(), "url": own.url}
    return year_json(year) | filing


def _latest_filing(filing: Filing, facts: Sequence[Fact]) -> dict[str, Any]:
    """The newest filing; its period ends where its newest fact does, the cover's own date left aside."""
    ends = [fact.end for fact in facts if fact.filing.accession == filing.accession and fact.taxonomy != "dei"]
    return {
        "accession": filing.accession,
        "form": filing.form,
        "filed": filing.filed.isoformat(),
        "period_end": max(ends).isoformat() if ends else None,
        "url": filing.url,
    }
