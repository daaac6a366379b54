"""Between the worker and research/: a run's row becomes a Request, the database answers as Data."""

from collections.abc import Sequence

from sqlalchemy import select

from research_dashboard.extensions import reading
from research_dashboard.research import model
from research_dashboard.research.steps import Request
from research_dashboard.tables.companies import Company, Fact, Filing, Ticker, XbrlTag
from research_dashboard.tables.runs import ResearchRun


class Stored:
    """The facts that the database holds, of one source."""

    def __init__(self, source: str) -> None:
        self.source = source

    def facts(self, company: model.Company) -> Sequence[model.Fact]:
        """Every fact of the company in this source."""
        statement = (
            select(
                Fact.id,
                XbrlTag.taxonomy,
                XbrlTag.name,
                Fact.unit,
                Fact.start,
                Fact.end,
                Fact.value,
                Filing.accession,
                Filing.form,
                Filing.filed,
                Filing.fiscal_year,
            )
            .join(XbrlTag, Fact.tag_id == XbrlTag.id)
            .join(Filing, Fact.filing_id == Filing.id)
            .where(Fact.company_id == company.id, Fact.source == self.source)
            .order_by(Fact.id)
        )
        filings: dict[str, model.Filing] = {}
        found = []
        with reading() as session:
            for id_, taxonomy, tag, unit, start, end, value, accession, form, filed, year in session.execute(statement):
                filing = filings.get(accession)
                if filing is None:
                    filing = filings[accession] = model.Filing(accession, company.cik, form, filed, year)
                found.append(model.Fact(id_, taxonomy, tag, unit, start, end, value, filing))
        return found

    def candidates(self) -> Sequence[model.Company]:
        """Every company with facts in this source."""
        with_facts = select(Fact.company_id).where(Fact.source == self.source).distinct()
        with reading() as session:
            rows = session.scalars(select(Company).where(Company.id.in_(with_facts)).order_by(Company.id)).all()
            tickers: dict[int, list[str]] = {}
            statement = select(Ticker.company_id, Ticker.symbol).where(Ticker.company_id.in_([row.id for row in rows]))
            for company_id, symbol in session.execute(statement.order_by(Ticker.position, Ticker.symbol)):
                tickers.setdefault(company_id, []).append(symbol)
            return [plain(row, tickers.get(row.id, [])) for row in rows]


def plain(row: Company, tickers: Sequence[str]) -> model.Company:
    """The company as research/ knows it."""
    return model.Company(
        id=row.id,
        cik=row.cik,
        name=row.name,
        tickers=tuple(tickers),
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


def material(run_id: int) -> tuple[Request, Stored]:
    """What the steps of this run work on: the same on every claim, whatever was loaded since."""
    with reading() as session:
        run = session.get_one(ResearchRun, run_id)
        company = session.get_one(Company, run.company_id)
        tickers = session.scalars(
            select(Ticker.symbol).where(Ticker.company_id == company.id).order_by(Ticker.position, Ticker.symbol)
        ).all()
        source = run.source or "bundled"
        request = Request(
            run_id=run.id,
            company=plain(company, tickers),
            as_of=run.as_of or run.date.date(),
            source=source,
            chosen_peers=tuple((run.options or {}).get("peers", ())),
            data=tuple(run.loads or ()),
        )
    return request, Stored(source)
