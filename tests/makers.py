"""Companies and facts made by hand, for tests that need no real ones."""

from datetime import date
from decimal import Decimal

from research_dashboard.extensions import writing
from research_dashboard.models import Source
from research_dashboard.services.loads import finish_load, save_facts, save_identity, start_load
from research_dashboard.sources.companyfacts import Row
from research_dashboard.sources.submissions import FilingRow, Identity


def make_company(name: str = "Apple Inc.", cik: int = 320193, *tickers: str, figures: bool = True) -> int:
    """A company with one annual revenue of 100 on file (or with none at all); returns its id."""
    accession = f"{cik:010}-25-000001"
    filing = FilingRow(accession, cik, "10-K", date(2025, 2, 1), date(2024, 12, 31), 2024, "FY")
    row = Row(
        "us-gaap", "Revenues", "Revenues", "USD", date(2024, 1, 1), date(2024, 12, 31), Decimal(100),
        accession, "10-K", date(2025, 2, 1), 2024, "FY",
    )  # fmt: skip
    with writing() as session:
        company_id = save_identity(session, Identity(cik=cik, name=name, tickers=tickers))
        if figures:
            load = start_load(session, Source.BUNDLED, "by hand", "1", "0" * 64)
            save_facts(session, load, company_id, [filing], [row])
            finish_load(session, load)
    return company_id
