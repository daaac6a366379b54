"""Filed facts with the load that brought each: what is compared with where it came from."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.models import Company, DataLoad, Fact, Filing, Source, XbrlTag

WITH_ORIGIN = (Source.BUNDLED, Source.LIVE)  # the files of data sets and uploads are not kept


class Key(NamedTuple):
    """What makes a fact one of its filer's facts."""

    tag: str  # us-gaap:Assets
    unit: str
    start: date | None
    end: date
    accession: str

    def __str__(self) -> str:
        span = f"{self.start} to {self.end}" if self.start else str(self.end)
        return f"{self.tag}, {self.unit}, {span}, of {self.accession}"


class Told(NamedTuple):
    """What is said of it."""

    value: Decimal
    form: str
    filed: date


class HeldFact(NamedTuple):
    """A fact of the database, and the load that brought it."""

    key: Key
    told: Told
    load: int


class Holder(NamedTuple):
    """A company with facts from a source."""

    id: int
    cik: int | None
    name: str
    source: Source


def facts_held(session: Session, company_id: int, source: Source) -> list[HeldFact]:
    """Every fact of a company from a source."""
    rows = session.execute(
        select(
            XbrlTag.taxonomy, XbrlTag.name, Fact.unit, Fact.start, Fact.end, Filing.accession,
            Fact.value, Filing.form, Filing.filed, Fact.load_id,
        )
        .join(XbrlTag, XbrlTag.id == Fact.tag_id)
        .join(Filing, Filing.id == Fact.filing_id)
        .where(Fact.company_id == company_id, Fact.source == source)
    )  # fmt: skip
    return [
        HeldFact(Key(f"{taxonomy}:{name}", unit, start, end, accession), Told(value, form, filed), load)
        for taxonomy, name, unit, start, end, accession, value, form, filed, load in rows
    ]


def holders(session: Session, cik: int | None = None) -> list[Holder]:
    """Companies (or that one) with facts from a source whose own files are at hand, by name."""
    found = []
    for source in WITH_ORIGIN:
        there = select(Fact.id).where(Fact.company_id == Company.id, Fact.source == source).exists()
        statement = select(Company.id, Company.cik, Company.name).where(there)
        rows = session.execute(statement if cik is None else statement.where(Company.cik == cik))
        found += [Holder(*row, source) for row in rows]
    return sorted(found, key=lambda holder: (holder.name, holder.id, holder.source))


def companies_of(session: Session, ciks: Collection[int]) -> dict[int, tuple[int, str]]:
    """CIK -> id and name."""
    rows = session.execute(select(Company.cik, Company.id, Company.name).where(Company.cik.in_(ciks)))
    return {cik: (id_, name) for cik, id_, name in rows if cik is not None}


def owners_of(session: Session, accessions: Collection[str]) -> dict[int, str]:
    """Private companies whose uploads bear these names: id -> name."""
    rows = session.execute(
        select(Company.id, Company.name)
        .join(Filing, Filing.company_id == Company.id)
        .where(Company.cik.is_(None), Filing.accession.in_(accessions))
    )
    return dict[int, str](rows.fetchall())


def loads_of(session: Session, source: Source) -> Sequence[DataLoad]:
    """The finished loads of a source."""
    wanted = (DataLoad.source == source, DataLoad.finished_at.is_not(None))
    return session.scalars(select(DataLoad).where(*wanted).order_by(DataLoad.id)).all()
