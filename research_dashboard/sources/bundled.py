"""The facts that ship with the program: 26 companies and the index of tickers, made by scripts/build_bundle.py."""

import csv
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from research_dashboard.sources.companyfacts import Row
from research_dashboard.sources.submissions import FilingRow, Identity


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the SEC's ticker index: a company that is known, with figures or without."""

    cik: int
    ticker: str
    exchange: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that ships, as plain rows. `sha256` is that of SOURCES.json, which holds the hash of every other file."""

    version: str
    sha256: str
    companies: tuple[Identity, ...]
    filings: tuple[FilingRow, ...]
    listed: tuple[Listed, ...]

    def facts(self, cik: int) -> Iterator[Row]:
        """The filed facts of a bundled company, in the file's order."""
        filings = {filing.accession: filing for filing in self.filings if filing.cik == cik}
        labels = _labels()
        days: dict[str, date] = {}

        def day(text: str) -> date:
            return days.get(text) or days.setdefault(text, date.fromisoformat(text))

        for taxonomy, tag, unit, end, start, accession, value in _csv(f"facts/CIK{cik:010}.csv.gz"):
            filing = filings[accession]
            yield Row(
                taxonomy,
                tag,
                labels.get((taxonomy, tag)),
                unit,
                day(start) if start else None,
                day(end),
                Decimal(value),
                accession,
                filing.form,
                filing.filed,
                filing.fiscal_year,
                filing.fiscal_period,
            )


def sources() -> dict[str, Any]:
    """SOURCES.json: where every byte of the bundle is from."""
    return dict(json.loads(_file("SOURCES.json").read_bytes()))


@cache
def bundled_until() -> date:
    """The day of the newest filing in the bundle: what else it holds is not known to be newer."""
    return max(_filing(row).filed for row in _csv("filings.csv.gz"))


def bundle_version() -> str:
    """The version of the bundle that ships with this code."""
    return str(sources()["version"])


@cache
def selections() -> frozenset[int]:
    """CIKs of the bundled companies of which the packages carry some tags only."""
    return frozenset(int(cik) for cik in sources()["selections"])


def read_bundle() -> Bundle:
    """The bundle that ships with this code."""
    manifest = _file("SOURCES.json").read_bytes()
    companies = json.loads(_file("companies.json").read_bytes())
    return Bundle(
        version=str(json.loads(manifest)["version"]),
        sha256=hashlib.sha256(manifest).hexdigest(),
        companies=tuple(_identity(company) for company in companies),
        filings=tuple(_filing(row) for row in _csv("filings.csv.gz")),
        listed=tuple(
            Listed(int(cik), ticker, exchange or None, name) for cik, ticker, exchange, name in _csv("tickers.csv.gz")
        ),
    )


@cache
def sic_list() -> dict[int, tuple[str, str | None]]:
    """The SEC's list of industries: SIC code -> (title, review office)."""
    return {int(code): (_in_words(title), office or None) for code, office, title in _csv("sic.csv")}


def _in_words(title: str) -> str:
    """SERVICES-PREPACKAGED SOFTWARE as submissions writes it: Services-Prepackaged Software."""
    return re.sub(r"[A-Z]+('[A-Z]+)?", lambda word: word[0].capitalize(), title)


@cache
def _labels() -> dict[tuple[str, str], str | None]:
    return {(taxonomy, name): label or None for taxonomy, name, label in _csv("tags.csv")}


def _file(name: str) -> Traversable:
    return files("research_dashboard").joinpath("data", name)


def _csv(name: str) -> Iterator[list[str]]:
    """The rows of a CSV file of the bundle, without its header."""
    content = _file(name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    rows = csv.reader(text.splitlines())
    next(rows)
    return rows


def _identity(company: dict[str, Any]) -> Identity:
    values = {key: value for key, value in company.items() if key != "from"}
    return Identity(
        **{**values, "tickers": tuple(values["tickers"]), "former_names": tuple(values["former_names"])},
    )


def _filing(row: list[str]) -> FilingRow:
    accession, cik, form, filed, report_date, year, period, document = row
    return FilingRow(
        accession,
        int(cik),
        form,
        date.fromisoformat(filed),
        date.fromisoformat(report_date) if report_date else None,
        int(year) if year else None,
        period or None,
        document or None,
    )
