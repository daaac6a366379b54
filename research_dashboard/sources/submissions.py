"""The SEC's `submissions` answer as a company's identity and its list of filings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from research_dashboard.sources.companyfacts import Row


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a filer is, as the SEC says. What the SEC does not say is None."""

    cik: int | None  # None only for a private company
    name: str
    tickers: tuple[str, ...] = ()
    exchange: str | None = None
    sic: int | None = None
    sic_description: str | None = None
    office: str | None = None  # the SEC's review office: "Technology"
    category: str | None = None
    state: str | None = None
    city: str | None = None
    state_of_incorporation: str | None = None
    fiscal_year_end: str | None = None  # MMDD
    former_names: tuple[dict[str, str], ...] = field(default=())  # {"name", "from", "to"}


@dataclass(frozen=True, slots=True)
class FilingRow:
    """A filing that facts stand in. `report_date` and `document` are known where submissions lists the filing."""

    accession: str
    cik: int | None
    form: str
    filed: date
    report_date: date | None = None
    fiscal_year: int | None = None
    fiscal_period: str | None = None
    document: str | None = None

    @property
    def order(self) -> tuple[date, str]:
        """By the day; on one day by accession."""
        return self.filed, self.accession


def filing_of(cik: int, fact: Row, listed: FilingRow | None = None) -> FilingRow:
    """The filing of a fact, with what submissions adds to it."""
    report_date, document = (listed.report_date, listed.document) if listed else (None, None)
    return FilingRow(fact.accession, cik, fact.form, fact.filed, report_date, fact.fy, fact.fp, document)


def plain_office(name: str | None) -> str | None:
    """The SEC's review office under one name: submissions say "06 Technology", the SIC list "Office of Technology"."""
    return re.sub(r"^(\d\d |Office of )", "", name).strip() or None if name else None


def _text(value: Any) -> str | None:
    """A text with something in it; None for anything else that an answer may hold in its place."""
    return value if isinstance(value, str) and value else None


def read_identity(answer: Mapping[str, Any]) -> Identity:
    """The identity in a submissions answer. Raises KeyError or ValueError where name or CIK is missing or no such."""
    if not _text(answer["name"]):
        raise ValueError("a name")
    address = (answer.get("addresses") or {}).get("business") or {}
    sic = str(answer.get("sic") or "")
    return Identity(
        cik=int(answer["cik"]),
        name=answer["name"],
        tickers=tuple(dict.fromkeys(filter(_text, answer.get("tickers") or []))),
        exchange=next(filter(_text, answer.get("exchanges") or []), None),
        sic=int(sic) if sic.isdecimal() else None,
        sic_description=_text(answer.get("sicDescription")),
        office=plain_office(_text(answer.get("ownerOrg"))),
        category=re.sub(r"<br>.*", "", _text(answer.get("category")) or "") or None,
        state=_text(address.get("stateOrCountry")),
        city=_text(address.get("city")),
        state_of_incorporation=_text(answer.get("stateOfIncorporation")),
        fiscal_year_end=_text(answer.get("fiscalYearEnd")),
        former_names=tuple(
            {"name": former["name"], **{day: (_text(former.get(day)) or "")[:10] for day in ("from", "to")}}
            for former in answer.get("formerNames") or []
            if _text(former.get("name"))
        ),
    )


def read_filings(answer: Mapping[str, Any]) -> dict[str, FilingRow]:
    """The recent filings in a submissions answer, by accession."""
    recent = (answer.get("filings") or {}).get("recent") or {}
    columns = ("accessionNumber", "form", "filingDate", "reportDate", "primaryDocument")
    rows = zip(*(recent.get(column) or [] for column in columns), strict=True)
    return {
        accession: FilingRow(
            accession,
            int(answer["cik"]),
            form,
            date.fromisoformat(filed),
            date.fromisoformat(reported) if reported else None,
            document=document or None,
        )
        for accession, form, filed, reported, document in rows
    }
