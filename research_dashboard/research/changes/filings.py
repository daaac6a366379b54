"""Filings of the company that a run knows and an earlier one did not."""

from collections.abc import Mapping
from typing import Any

from research_dashboard.research.wording import long_date, year_ended

Results = Mapping[str, Any]
Filing = dict[str, Any]


def filings_known(results: Results) -> dict[str, Filing]:
    """The filings a run's figures stand in, those its years were filed in, and its newest; by accession."""
    health, profile = results.get("financial_health") or {}, results.get("company_profile") or {}
    stubs = [
        *(health.get("facts") or {}).values(),
        *(health.get("earlier_years") or ()),
        *(health.get("years") or ()),
        *filter(None, [profile.get("latest_filing")]),
    ]
    known: dict[str, Filing] = {}
    for stub in stubs:
        if stub.get("accession") and stub.get("filed"):
            kept = known.setdefault(
                stub["accession"], {key: stub.get(key) for key in ("accession", "form", "filed", "url")}
            )
            if stub.get("label"):  # a fiscal year: this is its own filing
                kept["year"], kept["end"] = stub["label"], stub["end"]
    return known


def new_filings(before: Results, after: Results) -> list[Filing]:
    """Filings that the old run did not know, filed no earlier than the newest that it did; newest first.

    An older filing that comes into sight because another day or source was chosen is no news.
    """
    old = filings_known(before)
    newest = max((filing["filed"] for filing in old.values()), default="")
    found = [
        filing
        for accession, filing in filings_known(after).items()
        if accession not in old and filing["filed"] >= newest
    ]
    found.sort(key=lambda filing: (filing["filed"], filing["accession"]), reverse=True)
    return [filing | {"text": _words(filing)} for filing in found]


def _words(filing: Filing) -> str:
    """10-K for FY2025, year ended 27 Sep 2025, filed 31 Oct 2025."""
    year = f" for {year_ended(filing['year'], filing['end'])}" if filing.get("year") else ""
    return f"{filing.get('form') or 'Filing'}{year}, filed {long_date(filing['filed'])}"
