"""Filed facts and the companies they are of, as the fact card and the company page show them."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from research_dashboard.models import Company, Fact, Filing, RunCount, Ticker, XbrlTag
from research_dashboard.research.model import fact_id

LARGEST = 2**63 - 1  # number of a row


class FilingRow(NamedTuple):
    """A filing at hand and how many of its facts are."""

    accession: str
    form: str
    filed: Any  # date
    report_date: Any  # date or None
    fiscal_year: int | None
    facts: int


def fact(session: Session, name: str) -> Fact | None:
    """The fact of that id, or of that row, as older results have it; with its tag, filing and company."""
    row = int(name) if name.isdecimal() and name.isascii() else _row_of(session, name)
    if row is None or row > LARGEST:
        return None
    return session.scalar(
        select(Fact)
        .where(Fact.id == row)
        .options(joinedload(Fact.tag), joinedload(Fact.filing), joinedload(Fact.company))
    )


def id_of(found: Fact) -> str:
    """What results call the fact."""
    name = f"{found.tag.taxonomy}:{found.tag.name}"
    return fact_id(found.filing.accession, found.company.cik, name, found.unit, (found.start, found.end))


def _row_of(session: Session, name: str) -> int | None:
    """The row of the fact of that id: one of its filing's. Of a fact that several sources brought, the first's."""
    accession = name.rpartition("-")[0]
    rows = session.execute(
        select(Fact.id, Company.cik, XbrlTag.taxonomy, XbrlTag.name, Fact.unit, Fact.start, Fact.end)
        .join(Filing, Filing.id == Fact.filing_id)
        .join(Company, Company.id == Fact.company_id)
        .join(XbrlTag, XbrlTag.id == Fact.tag_id)
        .where(Filing.accession == accession)
        .order_by(Fact.source, Fact.id)
    )
    for row, cik, taxonomy, tag, unit, start, end in rows:
        if fact_id(accession, cik, f"{taxonomy}:{tag}", unit, (start, end)) == name:
            return row
    return None


def _of_the_period(found: Fact) -> tuple[ColumnElement[bool], ...]:
    """Facts of the same company, unit and days, from the same source."""
    start = Fact.start.is_(None) if found.start is None else Fact.start == found.start
    same = (Fact.company_id == found.company_id, Fact.source == found.source, Fact.unit == found.unit)
    return (*same, Fact.end == found.end, start)


def same_period(session: Session, found: Fact) -> Sequence[Fact]:
    """Every fact of the same company, tag, unit and period in any filing, the fact itself among them; oldest first."""
    return session.scalars(
        select(Fact)
        .join(Filing, Filing.id == Fact.filing_id)
        .where(*_of_the_period(found), Fact.tag_id == found.tag_id)
        .options(joinedload(Fact.filing), joinedload(Fact.tag), joinedload(Fact.company))
        .order_by(Filing.filed, Filing.accession, Fact.id)
    ).all()


def under_other_tags(session: Session, found: Fact, names: Iterable[str]) -> Sequence[Fact]:
    """Facts of the same period under these tags, in filings that do not state the fact's own tag; oldest first."""
    prefix = f"{found.tag.taxonomy}:"
    plain = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    stating = select(Fact.filing_id).where(*_of_the_period(found), Fact.tag_id == found.tag_id)
    return session.scalars(
        select(Fact)
        .join(Filing, Filing.id == Fact.filing_id)
        .join(XbrlTag, XbrlTag.id == Fact.tag_id)
        .where(*_of_the_period(found), XbrlTag.taxonomy == found.tag.taxonomy, XbrlTag.name.in_(plain))
        .where(Fact.filing_id.not_in(stating))
        .options(joinedload(Fact.filing), joinedload(Fact.tag), joinedload(Fact.company))
        .order_by(Filing.filed, Filing.accession, XbrlTag.name)
    ).all()


def company_by_cik(session: Session, cik: int) -> Company | None:
    """The company with that CIK, whether its facts are at hand or not."""
    return session.scalar(select(Company).where(Company.cik == cik))


def tickers(session: Session, company_id: int) -> Sequence[str]:
    """Its ticker symbols, the main one first."""
    return session.scalars(
        select(Ticker.symbol).where(Ticker.company_id == company_id).order_by(Ticker.position, Ticker.symbol)
    ).all()


def filings(session: Session, company_id: int, limit: int) -> Sequence[FilingRow]:
    """Its newest filings that have facts at hand."""
    rows = session.execute(
        select(
            Filing.accession,
            Filing.form,
            Filing.filed,
            Filing.report_date,
            Filing.fiscal_year,
            func.count(Fact.id),
        )
        .join(Fact, Fact.filing_id == Filing.id)
        .where(Filing.company_id == company_id)
        .group_by(Filing.id)
        .order_by(Filing.filed.desc(), Filing.accession.desc())
        .limit(limit)
    )
    return [FilingRow(*row) for row in rows]


def counts(session: Session, company_id: int) -> tuple[int, int]:
    """Facts and filings at hand."""
    found = session.execute(
        select(func.count(Fact.id), func.count(Fact.filing_id.distinct())).where(Fact.company_id == company_id)
    ).one()
    return found[0], found[1]


def runs_under_the_name(session: Session, name: str) -> int:
    """How many runs outside the trash bear the company's name, those that programs logged among them."""
    where = (RunCount.kind == "company", RunCount.key == name)
    return session.scalar(select(func.sum(RunCount.runs)).where(*where)) or 0
