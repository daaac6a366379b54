"""Filed facts for tests: of the bundle, of the SEC's own answers where they are at hand, and made by hand."""

import gzip
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from research_dashboard.research.model import Company, Fact, Filing
from research_dashboard.sources.bundled import read_bundle
from research_dashboard.sources.companyfacts import Row, cik_of, load_companyfacts, parse_companyfacts

TODAY = date(2026, 11, 23)
Filed = tuple[Company, list[Fact]]


def facts_of(rows: Iterable[Row], cik: int) -> list[Fact]:
    """Plain rows as research takes them."""
    filings: dict[str, Filing] = {}
    return [
        Fact(
            taxonomy=row.taxonomy, tag=row.tag, unit=row.unit, start=row.start, end=row.end, value=row.value,
            filing=filings.setdefault(row.accession, Filing(row.accession, cik, row.form, row.filed, row.fy)),
        )
        for row in rows
    ]  # fmt: skip


bundle_once = cache(read_bundle)


@cache
def bundled(ticker: str) -> Filed:
    """A company of the bundle with all its facts."""
    bundle = bundle_once()
    known = next(company for company in bundle.companies if ticker in company.tickers)
    assert known.cik is not None
    company = Company(known.cik, known.cik, known.name, known.tickers, sic=known.sic)
    return company, facts_of(bundle.facts(known.cik), known.cik)


@cache
def answered(cik: int, sic: int | None = None) -> Filed:
    """A company from a complete companyfacts answer; skips the test where the folder of answers is absent."""
    name = Path("shared", "data", "companyfacts", f"CIK{cik:010}.json.gz")
    path = next((folder / name for folder in Path(__file__).parents if (folder / name).exists()), None)
    if path is None:
        pytest.skip(f"the SEC's answer {name.name} is not at hand")
    answer = load_companyfacts(gzip.decompress(path.read_bytes()))
    return Company(cik, cik, str(answer["entityName"]), sic=sic), facts_of(parse_companyfacts(answer), cik_of(answer))


class Book:
    """Filings made by hand: `book.file("10-K", "2026-02-01").flow("NetIncomeLoss", 5, …).stock("Assets", 9, …)`."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._accessions = count(1)
        self._filing: Filing | None = None

    def file(self, form: str, filed: str, fiscal_year: int | None = None, accession: str = "") -> "Book":
        """Begin a filing; what follows stands in it."""
        day = date.fromisoformat(filed)
        self._filing = Filing(
            accession or f"0000000001-{day:%y}-{next(self._accessions):06}", 1, form, day, fiscal_year
        )
        return self

    def flow(self, tag: str, value: float | str, start: str, end: str, unit: str = "USD") -> "Book":
        """A fact of a period."""
        return self._add(tag, value, date.fromisoformat(start), date.fromisoformat(end), unit)

    def stock(self, tag: str, value: float | str, end: str, unit: str = "USD") -> "Book":
        """A fact at a date."""
        return self._add(tag, value, None, date.fromisoformat(end), unit)

    def year(self, start: str, end: str, **values: float | str) -> "Book":
        """An annual report's core: net income and assets, and any flow beside them."""
        for tag, value in {"NetIncomeLoss": 10, **values}.items():
            if tag != "Assets":
                self.flow(tag, value, start, end)
        return self.stock("Assets", values.get("Assets", 100), end)

    def _add(self, tag: str, value: float | str, start: date | None, end: date, unit: str) -> "Book":
        assert self._filing is not None
        taxonomy, _, name = tag.rpartition(":")
        exact = Decimal(str(value))
        self.facts.append(Fact(taxonomy or "us-gaap", name, unit, start, end, exact, self._filing))
        return self
