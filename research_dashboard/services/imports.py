"""A quarterly data set of the SEC into the database: in chunks, so that it can be broken off and gone on with."""

from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import Company, DataLoad, Fact, Filing, Source, XbrlTag
from research_dashboard.services.loads import (
    ALL_TAGS,
    FactValues,
    filing_ids_of,
    filing_values,
    finish_load,
    insert_facts,
    insert_new,
    record_load,
    start_load,
)
from research_dashboard.sources.imported import Batch, DataSet, Submission, UnusableDataSet
from research_dashboard.sources.submissions import Identity

BY_SUBMISSIONS = (Source.BUNDLED, Source.LIVE)  # where a company with such figures is described from
Progress = Callable[[float], None]  # part of the file read, 0 to 1


def import_data_set(path: Path, progress: Progress = lambda part: None) -> DataLoad:
    """Import FILE.zip. A file imported before changes nothing; one broken off goes on. Raises UnusableDataSet."""
    with DataSet(path) as data:
        submissions = data.submissions()
        if not submissions:
            raise UnusableDataSet(f"sub.txt in {path.name} names no filing: that is no data set.")
        with writing() as session:
            load = start_load(session, Source.IMPORTED, path.name, path.stem, data.sha256())
            if load.finished_at is not None:
                progress(1.0)
                return load
            _save_companies(session, submissions)
            _save_filings(session, submissions)
            _save_tags(session, data)
        known = _Known(submissions)
        usable = load.position
        try:
            for batch in data.batches(skip=load.position):
                rows = known.rows(batch)
                usable += len(rows)
                with writing() as session:
                    insert_facts(session.connection(), load, rows)
                    session.execute(update(DataLoad).where(DataLoad.id == load.id).values(position=batch.position))
                progress(batch.part)
            if not usable and data.malformed_lines:
                raise UnusableDataSet(f"No figure of {path.name} can be used. {data.left_out()} Fetch the file again.")
            if not usable:
                raise UnusableDataSet(
                    f"{path.name} is a data set, but none of its lines has a figure that research reads: "
                    "no figure was imported. Check that it is a quarter's whole file."
                )
        except UnusableDataSet as error:
            with writing() as session:  # `companies status` says why it is not finished
                values = {
                    "left_out": str(error),
                    "position": 0,
                }  # the lines read so far are of a file that is not right
                session.execute(update(DataLoad).where(DataLoad.id == load.id).values(**values))
            raise
        with writing() as session:
            load = session.get_one(DataLoad, load.id)
            load.left_out = data.left_out()
            finish_load(session, load)
            record_load(session, load)
    return load


class _Known:
    """The ids of what a data set names, looked up once."""

    def __init__(self, submissions: Mapping[str, Submission]) -> None:
        with reading() as session:
            connection = session.connection()
            companies = dict[int | None, int](connection.execute(select(Company.cik, Company.id)).fetchall())
            filings = dict[str, int](filing_ids_of(connection, list(submissions)))
            self.tags = {(taxonomy, name): id_ for id_, taxonomy, name in connection.execute(ALL_TAGS)}
        self.of = {
            accession: (companies[submission.identity.cik], filings[accession])
            for accession, submission in submissions.items()
        }

    def rows(self, batch: Batch) -> list[FactValues]:
        """Facts with ids instead of names; those of a filing that sub.txt does not name are left out."""
        rows: list[FactValues] = []
        for accession, taxonomy, tag, unit, start, end, value in batch.numbers:
            ids, tag_id = self.of.get(accession), self.tags.get((taxonomy, tag))
            if ids and tag_id:
                rows.append((ids[0], tag_id, unit, start, end, value, ids[1]))
        return rows


def _save_companies(session: Session, submissions: Mapping[str, Submission]) -> None:
    """Companies not known yet are added; of one known, the newest filing says who it is, whichever came first.

    Where the SEC's submissions or its index of tickers say it, only what they leave open is taken from here.
    """
    newest: dict[int, Submission] = {}
    for submission in sorted(submissions.values(), key=lambda submission: submission.filing.order):
        if submission.identity.cik is not None:
            newest[submission.identity.cik] = submission
    connection, now = session.connection(), utcnow()
    values = {cik: _columns(submission.identity) for cik, submission in sorted(newest.items())}
    insert_new(connection, Company.__table__, [{**value, "updated_at": now} for value in values.values()])
    by_submissions = select(Fact.id).where(Fact.company_id == Company.id, Fact.source.in_(BY_SUBMISSIONS)).exists()
    last = select(func.max(Filing.filed)).where(Filing.company_id == Company.id).scalar_subquery()
    for company, told, filed in session.execute(select(Company, by_submissions, last)).all():
        if company.cik not in newest:
            continue
        newer = not told and (filed is None or filed <= newest[company.cik].filing.filed)
        for name, value in values[company.cik].items():
            known = getattr(company, name)
            over = newer and not (name == "name" and company.exchange)
            if value is not None and value != known and (over or known is None):
                setattr(company, name, value)
                company.updated_at = now


def _columns(identity: Identity) -> dict[str, object]:
    return {
        "cik": identity.cik,
        "name": identity.name[:200],
        "sic": identity.sic,
        "sic_description": identity.sic_description,
        "office": identity.office,
        "category": identity.category,
        "state": identity.state,
        "city": identity.city,
        "state_of_incorporation": identity.state_of_incorporation,
        "fiscal_year_end": identity.fiscal_year_end,
        "former_names": list(identity.former_names) or None,
    }


def _save_filings(session: Session, submissions: Mapping[str, Submission]) -> None:
    connection = session.connection()
    ids = dict[int | None, int](connection.execute(select(Company.cik, Company.id)).fetchall())
    insert_new(
        connection,
        Filing.__table__,
        [filing_values(submission.filing, ids[submission.identity.cik]) for submission in submissions.values()],
    )


def _save_tags(session: Session, data: DataSet) -> None:
    """Tags with their labels; a tag known without a label gets one."""
    tags = data.tags()
    insert_new(
        session.connection(),
        XbrlTag.__table__,
        [{"taxonomy": taxonomy, "name": name, "label": label} for (taxonomy, name), (label, _) in tags.items()],
    )
    for tag in session.scalars(select(XbrlTag).where(XbrlTag.label.is_(None))):
        tag.label = tags.get((tag.taxonomy, tag.name), (None, False))[0]
