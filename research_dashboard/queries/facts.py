"""Filed facts and the companies they are of, as the fact card and the company page show them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from research_dashboard.models import Company, Fact, Filing, RunCount, Ticker


class FilingRow(NamedTuple):
    """A filing at hand and how many of its facts are."""

    accession: str
    form: str
    filed: Any  # date
    report_date: Any  # date or None
    fiscal_year: int | None
    facts: int


def fact(session: Session, fact_id: int) -> Fact | None:
    """The fact with its tag, filing and company."""
    return session.scalar(
        select(Fact)
        .where(Fact.id == fact_id)
        .options(joinedload(Fact.tag), joinedload(Fact.filing), joinedload(Fact.company))
    )


def same_period(session: Session, found: Fact) -> Sequence[Fact]:
    """Every fact of the same company, tag, unit and period in any filing, the fact itself among them; oldest first."""
    start = Fact.start.is_(None) if found.start is None else Fact.start == found.start
    return session.scalars(
        select(Fact)
        .join(Filing, Filing.id == Fact.filing_id)
        .where(
            Fact.company_id == found.company_id,
            Fact.source == found.source,
            Fact.tag_id == found.tag_id,
            Fact.unit == found.unit,
            Fact.end == found.end,
            start,
        )
        .options(joinedload(Fact.filing))
        .order_by(Filing.filed, Filing.accession, Fact.id)
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
