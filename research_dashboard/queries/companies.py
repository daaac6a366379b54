"""Companies and their facts, read."""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from research_dashboard.extensions import reading
from research_dashboard.models import Company, DataLoad, Fact, Filing, Source, Ticker, XbrlTag
from research_dashboard.research import model


@dataclass(frozen=True, slots=True)
class Stock:
    """What the database holds."""

    companies: int
    with_facts: int
    facts: int


def stock() -> Stock:
    """How many companies are known, how many have figures, how many facts there are."""
    with reading() as session:
        return Stock(
            companies=session.scalar(select(func.count(Company.id))) or 0,
            with_facts=session.scalar(select(func.count(Fact.company_id.distinct()))) or 0,
            facts=session.scalar(select(func.count(Fact.id))) or 0,
        )


TICKERS = "company_tickers.json"  # the SEC's index of tickers, by its name in data_loads


def tickers_load(since: datetime | None = None) -> DataLoad | None:
    """The SEC's index of tickers as it was fetched last, if that was since then."""
    statement = (
        select(DataLoad)
        .where(DataLoad.source == Source.LIVE, DataLoad.name == TICKERS, DataLoad.finished_at.is_not(None))
        .order_by(DataLoad.finished_at.desc())
        .limit(1)
    )
    with reading() as session:
        return session.scalar(statement if since is None else statement.where(DataLoad.finished_at >= since))


def loads_newest_first(limit: int = 50) -> Sequence[DataLoad]:
    """The loads of filed facts, newest first."""
    statement = select(DataLoad).order_by(DataLoad.loaded_at.desc(), DataLoad.id.desc()).limit(limit)
    with reading() as session:
        return session.scalars(statement).all()


def facts_of(company_id: int, source: Source, loads: Collection[int] | None = None) -> list[model.Fact]:
    """A company's filed facts from one source, oldest end first; a few thousand in some hundredths of a second.

    Their order is that of what they say, whatever order they came in.
    With `loads`, those alone that came with these loads: what a run is pinned to.
    """
    statement = select(Fact.filing_id, Fact.tag_id, Fact.unit, Fact.start, Fact.end, Fact.value, Fact.load_id).where(
        Fact.company_id == company_id, Fact.source == source
    )  # the loads are sorted out here: SQLite would rather walk the index of a load of a million facts
    same: dict[Any, Any] = {}  # one object for equal tags, units and days: a worker keeps some ten thousand facts

    def one(value: Any) -> Any:
        return same.setdefault(value, value)

    used = select(Fact.tag_id).where(Fact.company_id == company_id, Fact.source == source)
    with reading() as session:
        filings = {
            id_: model.Filing(accession, cik, form, filed, year)
            for id_, accession, cik, form, filed, year in session.execute(_filings_of(company_id, source))
        }
        tags = {
            id_: (sys.intern(taxonomy), sys.intern(name))
            for id_, taxonomy, name in session.execute(
                select(XbrlTag.id, XbrlTag.taxonomy, XbrlTag.name).where(XbrlTag.id.in_(used))
            )
        }
        facts = [
            model.Fact(*tags[tag_id], one(unit), one(start), one(end), value, filings[filing_id])
            for filing_id, tag_id, unit, start, end, value, load in session.execute(statement)
            if loads is None or load in loads
        ]
    return sorted(facts, key=_place)


def _place(fact: model.Fact) -> tuple[Any, ...]:
    return fact.end, fact.filing.accession, fact.taxonomy, fact.tag, fact.unit, fact.start or date.min


def _filings_of(company_id: int, source: Source) -> Select[*tuple[Any, ...]]:
    """The filings that a company's facts stand in, with the CIK the facts are read under."""
    used = select(Fact.filing_id).where(Fact.company_id == company_id, Fact.source == source).distinct()
    cik = select(Company.cik).where(Company.id == company_id).scalar_subquery()
    return select(Filing.id, Filing.accession, cik, Filing.form, Filing.filed, Filing.fiscal_year).where(
        Filing.id.in_(used)
    )


def company_by_id(company_id: int) -> model.Company | None:
    """One company as research knows it."""
    found = companies_by_id([company_id])
    return found[0] if found else None


def companies_by_id(ids: Sequence[int]) -> list[model.Company]:
    """Companies as research knows them, in the order of the ids given; ids without a company are left out."""
    symbols: dict[int, list[str]] = {}
    with reading() as session:
        for symbol, company_id in session.execute(
            select(Ticker.symbol, Ticker.company_id)
            .where(Ticker.company_id.in_(ids))
            .order_by(Ticker.position, Ticker.symbol)
        ):
            symbols.setdefault(company_id, []).append(symbol)
        rows = session.scalars(select(Company).where(Company.id.in_(ids))).all()
    companies = {
        row.id: model.Company(
            id=row.id,
            cik=row.cik,
            name=row.name,
            tickers=tuple(symbols.get(row.id, ())),
            exchange=row.exchange,
            sic=row.sic,
            sic_description=row.sic_description,
            office=row.office,
            category=row.category,
            state=row.state,
            city=row.city,
            state_of_incorporation=row.state_of_incorporation,
            fiscal_year_end=row.fiscal_year_end,
            former_names=tuple(former["name"] for former in row.former_names or ()),
        )
        for row in rows
    }
    return [companies[id_] for id_ in ids if id_ in companies]


def flows_of(
    ids: Sequence[int], tags: Collection[str], unit: str, *, source: Source, as_of: date, loads: Collection[int] | None
) -> Iterator[tuple[int, str, date, date, Decimal]]:
    """Company, tag, start, end and value of every flow of these tags filed by a day, oldest filing first."""
    statement = (
        select(Fact.company_id, XbrlTag.taxonomy, XbrlTag.name, Fact.start, Fact.end, Fact.value, Fact.load_id)
        .join(XbrlTag, XbrlTag.id == Fact.tag_id)
        .join(Filing, Filing.id == Fact.filing_id)
        .where(
            XbrlTag.name.in_({tag.partition(":")[2] for tag in tags}),
            Fact.source == source,
            Fact.unit == unit,
            Fact.start.is_not(None),
            Filing.filed <= as_of,
        )
        .order_by(Fact.company_id, Filing.filed, Filing.accession, Fact.id)
    )
    with reading() as session:
        for first in range(0, len(ids), 500):  # databases limit the number of bound values
            some = statement.where(Fact.company_id.in_(ids[first : first + 500]))
            for company, taxonomy, name, start, end, value, load in session.execute(some):
                known = loads is None or load in loads
                if known and start is not None and (tag := f"{taxonomy}:{name}") in tags:
                    yield company, tag, start, end, value


class OwnCompany(NamedTuple):
    """A private company whose figures were uploaded."""

    id: int
    name: str
    sic: int | None
    figures: int
    newest: date  # the last year's end
    uploaded: date  # last


def own_companies(session: Session) -> Sequence[OwnCompany]:
    """The private companies, by name."""
    rows = session.execute(
        select(Company.id, Company.name, Company.sic, func.count(Fact.id), func.max(Fact.end), func.max(Filing.filed))
        .join(Fact, Fact.company_id == Company.id)
        .join(Filing, Filing.id == Fact.filing_id)
        .where(Company.cik.is_(None), Fact.source == Source.UPLOADED)
        .group_by(Company.id)
        .order_by(func.lower(Company.name), Company.id)
    )
    return [OwnCompany(*row) for row in rows]


def sources_of(company_id: int) -> list[Source]:
    """The sources that hold figures of a company."""
    with reading() as session:
        return [
            source
            for source in Source
            if session.scalar(select(Fact.id).where(Fact.company_id == company_id, Fact.source == source).limit(1))
        ]


def companies_with_facts(source: Source, loads: Collection[int] | None = None) -> list[model.Company]:
    """Every company with figures from a source, by name; with `loads`, with figures that came with these."""
    there = select(Fact.id).where(Fact.company_id == Company.id, Fact.source == source)
    if loads is not None:
        there = there.where((Fact.load_id + 0).in_(loads))  # + 0: the company's facts are few, a load's a million
    with reading() as session:
        found = companies_by_id(session.scalars(select(Company.id).where(there.exists())).all())
    return sorted(
        found, key=lambda company: (company.name, company.cik or 0)
    )  # here: databases sort letters each its way
