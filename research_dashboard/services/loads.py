"""Filed facts into the database: idempotent, in bulk, from any source."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import Company, DataLoad, Fact, Filing, Source, Ticker, XbrlTag
from research_dashboard.services.audit import record
from research_dashboard.sources.bundled import Listed, bundle_version, read_bundle
from research_dashboard.sources.companyfacts import Row
from research_dashboard.sources.submissions import FilingRow, Identity

BUNDLE = "bundle"
FactValues = tuple[int, int, str, date | None, date, Decimal, int]  # company, tag, unit, start, end, value, filing
IDENTITY = ("name", "exchange", "sic", "sic_description", "office", "category", "state", "city",
            "state_of_incorporation", "fiscal_year_end", "former_names")  # fmt: skip
COLUMNS = 'company_id, source, tag_id, unit, start, "end", value, filing_id, load_id'


def bundle_is_loaded() -> bool:
    """True when the bundle that ships with this code is in the database."""
    statement = select(DataLoad.id).where(
        DataLoad.source == Source.BUNDLED,
        DataLoad.name == BUNDLE,
        DataLoad.version == bundle_version(),
        DataLoad.finished_at.is_not(None),
    )
    with reading() as session:
        return session.scalar(statement) is not None


def import_bundle() -> DataLoad:
    """Load the bundle; a second time changes nothing. Returns the load, with its counts."""
    bundle = read_bundle()
    facts = {company.cik: list(bundle.facts(company.cik)) for company in bundle.companies if company.cik}
    with writing() as session:
        load = start_load(session, Source.BUNDLED, BUNDLE, bundle.version, bundle.sha256)
        if load.finished_at is None:
            list_companies(session, bundle.listed)
            filings_of: dict[int, list[FilingRow]] = {}
            for filing in bundle.filings:
                filings_of.setdefault(filing.cik or 0, []).append(filing)
            for identity in bundle.companies:
                cik = identity.cik or 0
                company_id = save_identity(session, identity)
                save_facts(session, load, company_id, filings_of[cik], facts[cik])
            finish_load(session, load)
            record_load(session, load)
    return load


def record_load(session: Session, load: DataLoad) -> None:
    """For the audit: what somebody's import brought."""
    brought = {"name": load.name, "version": load.version, "facts": load.facts, "companies": load.companies}
    record(session, "figures.import", f"load {load.id}", after=brought)


def start_load(session: Session, source: Source, name: str, version: str, sha256: str) -> DataLoad:
    """The load of this very content, begun now unless it was begun before."""
    statement = select(DataLoad).where(
        DataLoad.source == source, DataLoad.name == name, DataLoad.version == version, DataLoad.sha256 == sha256
    )
    load = session.scalar(statement)
    if load is None:
        load = DataLoad(source=source, name=name, version=version, sha256=sha256)
        session.add(load)
        session.flush()
    return load


def finish_load(session: Session, load: DataLoad) -> None:
    """Close a load with its counts."""
    counts = session.execute(
        select(func.count(), func.count(Fact.company_id.distinct())).where(Fact.load_id == load.id)
    ).one()
    load.facts, load.companies, load.finished_at = counts[0], counts[1], utcnow()


def save_identity(session: Session, identity: Identity) -> int:
    """Write down who a company is; returns its id. What the source does not know does not wipe out what is known."""
    company = session.scalar(select(Company).where(Company.cik == identity.cik)) if identity.cik else None
    if company is None:
        company = Company(cik=identity.cik, name=identity.name[:200])
        session.add(company)
    for column in IDENTITY:
        value = getattr(identity, column)
        if value:
            setattr(company, column, list(value) if column == "former_names" else value)
    company.updated_at = utcnow()
    session.flush()
    if identity.tickers:
        for position, symbol in enumerate(identity.tickers, start=1):
            session.merge(Ticker(symbol=symbol, company_id=company.id, position=position))
        session.flush()
    return company.id


def save_facts(
    session: Session, load: DataLoad, company_id: int, filings: Iterable[FilingRow], facts: Sequence[Row]
) -> None:
    """Add a company's filings and facts; what is there already stays as it is."""
    connection = session.connection()
    _insert_filings(connection, [filing_values(filing, company_id) for filing in filings])
    labels = {(row.taxonomy, row.tag): row.label for row in facts}
    insert_new(
        connection,
        XbrlTag.__table__,
        [{"taxonomy": taxonomy, "name": name, "label": label} for (taxonomy, name), label in labels.items()],
    )
    tags = {(taxonomy, name): id_ for id_, taxonomy, name in connection.execute(ALL_TAGS)}
    accessions = sorted({row.accession for row in facts})
    filing_ids = dict[str, int](filing_ids_of(connection, accessions))
    insert_facts(
        connection,
        load,
        [
            (
                company_id,
                tags[row.taxonomy, row.tag],
                row.unit,
                row.start,
                row.end,
                row.value,
                filing_ids[row.accession],
            )
            for row in facts
        ],
    )


def insert_facts(connection: Connection, load: DataLoad, rows: Iterable[FactValues]) -> None:
    """Add facts by the driver's own bulk insert: a million rows would take SQLAlchemy's several times as long."""
    lite = connection.dialect.name == "sqlite"
    day, number = (_text, _digits) if lite else (_same, _same)
    values = [
        (company, load.source, tag, unit, day(start), day(end), number(value), filing, load.id)
        for company, tag, unit, start, end, value, filing in rows
    ]
    if lite and values:
        marks = ", ".join("?" * len(values[0]))
        add = f"INSERT INTO facts ({COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608  # our columns
        connection.exec_driver_sql(add, values)
    elif values:
        _copy_facts(connection, values)


def _copy_facts(connection: Connection, values: Iterable[tuple[Any, ...]]) -> None:
    """PostgreSQL's COPY, by way of a table of the transaction's own, for COPY knows no ON CONFLICT."""
    like_facts = f"SELECT {COLUMNS} FROM facts WITH NO DATA"  # noqa: S608  # our columns
    connection.exec_driver_sql(f"CREATE TEMP TABLE IF NOT EXISTS incoming ON COMMIT DROP AS {like_facts}")
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY incoming ({COLUMNS}) FROM STDIN") as stream:
        for row in values:
            stream.write_row(row)
    theirs = f"SELECT {COLUMNS} FROM incoming"  # noqa: S608  # our columns
    move = f"INSERT INTO facts ({COLUMNS}) {theirs} ON CONFLICT DO NOTHING"
    connection.exec_driver_sql(move)
    connection.exec_driver_sql("TRUNCATE incoming")


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _digits(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError("a filed value is a finite number")
    return format(value, "f")


def _same(value: Any) -> Any:
    return value


ALL_TAGS = select(XbrlTag.id, XbrlTag.taxonomy, XbrlTag.name)


def filing_ids_of(connection: Connection, accessions: Sequence[str]) -> Iterable[Any]:
    """accession -> id, some hundred at a time: databases limit the number of bound values."""
    for first in range(0, len(accessions), 500):
        some = accessions[first : first + 500]
        rows = connection.execute(select(Filing.accession, Filing.id).where(Filing.accession.in_(some)))
        yield from rows.fetchall()


def insert_new(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in bulk; a row that breaks a unique index is there already and is left alone."""
    if not rows:
        return
    if not isinstance(table, Table):
        raise TypeError("a table is needed")
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).on_conflict_do_nothing(), list(rows))


def _insert_filings(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add filings; the company's label of one that a data set brought becomes the one that companyfacts gives it."""
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(Filing)
    labels = ("fiscal_year", "fiscal_period")
    better = {name: func.coalesce(statement.excluded[name], getattr(Filing, name)) for name in labels}
    connection.execute(statement.on_conflict_do_update(index_elements=["accession"], set_=better), list(rows))


def filing_values(filing: FilingRow, company_id: int) -> dict[str, Any]:
    """A filing as the columns of its table."""
    return {
        "accession": filing.accession,
        "company_id": company_id,
        "form": filing.form,
        "filed": filing.filed,
        "report_date": filing.report_date,
        "fiscal_year": filing.fiscal_year,
        "fiscal_period": filing.fiscal_period,
        "primary_document": filing.document,
    }


def list_companies(session: Session, listed: Sequence[Listed]) -> None:
    """The SEC's index of tickers: every listed company is known by name, with figures or without."""
    connection, now = session.connection(), utcnow()
    names: dict[int, Listed] = {}  # in the SEC's order, the largest first: ids keep it
    for line in listed:
        names.setdefault(line.cik, line)
    insert_new(
        connection,
        Company.__table__,
        [
            {"cik": cik, "name": line.name[:200], "exchange": line.exchange, "updated_at": now}
            for cik, line in names.items()
        ],
    )
    unlisted = connection.scalars(select(Company.cik).where(Company.exchange.is_(None))).all()
    better = [names[cik] for cik in unlisted if cik in names and names[cik].exchange]
    for line in better:  # known from a data set so far, which writes names in capitals
        values = {"name": line.name[:200], "exchange": line.exchange}
        connection.execute(update(Company).where(Company.cik == line.cik).values(**values))
    ids = dict(connection.execute(select(Company.cik, Company.id)).fetchall())
    seen: dict[int, int] = {}
    rows = []
    for line in listed:
        seen[line.cik] = seen.get(line.cik, 0) + 1
        rows.append({"symbol": line.ticker, "company_id": ids[line.cik], "position": seen[line.cik]})
    insert_new(connection, Ticker.__table__, rows)
