"""Watchlists as their page shows them: companies, their newest runs, filings that no run has seen yet; the inbox."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from research_dashboard.base import fold, folded, utc_day
from research_dashboard.queries.preferences import preferences
from research_dashboard.tables.companies import Company, Filing, Ticker
from research_dashboard.tables.runs import ENDED, OURS, ResearchResult, ResearchRun, Status
from research_dashboard.tables.watchlists import (
    InboxMark,
    Notice,
    Watchlist,
    WatchlistCompany,
    WatchlistPass,
    WatchlistRun,
)

NOTICES_SHOWN = 200
FILINGS_LOOKED_AT = 2000
REPORTS = ("10-K", "10-Q", "20-F", "40-F")  # what brings figures; named before a proxy statement of the same days


@dataclass(frozen=True, slots=True)
class Watched:
    """A company of a list: its newest run, its newest report, and what was filed after what that report has seen."""

    company: Company
    ticker: str | None
    run: Any  # id, status, date, error_message of the newest run; None before the first
    report_id: int | None
    seen: date | None  # the newest filing day in the newest report
    new_filings: tuple[Any, ...]  # form, filed, accession; reports first, then the newest


def lists(session: Session) -> Sequence[tuple[Watchlist, int]]:
    """Every list and how many companies it has, by name."""
    size = (
        select(func.count()).where(WatchlistCompany.watchlist_id == Watchlist.id).correlate(Watchlist).scalar_subquery()
    )
    rows = session.execute(select(Watchlist, size).order_by(func.lower(Watchlist.name), Watchlist.id))
    return [(row[0], row[1]) for row in rows]


def list_called(session: Session, name: str) -> Watchlist | None:
    """The list of that name, in any case."""
    return session.scalar(select(Watchlist).where(folded(Watchlist.name) == fold(name)))


def list_of_watching(session: Session) -> Watchlist | None:
    """The list that a company's watch button is about: the oldest one."""
    return session.scalar(select(Watchlist).order_by(Watchlist.id).limit(1))


def is_watched(session: Session, company_id: int) -> bool:
    """True when the company stands on any list."""
    return session.scalar(select(WatchlistCompany.company_id).where(_of(company_id)).limit(1)) is not None


def _of(company_id: int) -> Any:
    return WatchlistCompany.company_id == company_id


def companies(session: Session, watchlist_id: int) -> Sequence[Company]:
    """The companies of a list, by name."""
    return session.scalars(
        select(Company)
        .join(WatchlistCompany, WatchlistCompany.company_id == Company.id)
        .where(WatchlistCompany.watchlist_id == watchlist_id)
        .order_by(func.lower(Company.name), Company.id)
    ).all()


def watched(session: Session, watchlist_id: int) -> list[Watched]:
    """The companies of a list with all that its page says of them, in six statements whatever their number."""
    there = companies(session, watchlist_id)
    ids = [company.id for company in there]
    main = select(Ticker.company_id, Ticker.symbol).where(Ticker.company_id.in_(ids), Ticker.position == 1)
    symbols: dict[int, str] = {row.company_id: row.symbol for row in session.execute(main)}
    runs, reports = _newest(session, ids), _newest(session, ids, reports=True)
    seen = newest_seen(session, [run.id for run in reports.values()])
    by_company = {id_: seen[run.id] for id_, run in reports.items() if run.id in seen}
    after = filed_after(session, by_company)
    return [
        Watched(
            company,
            symbols.get(company.id),
            runs.get(company.id),
            reports[company.id].id if company.id in reports else None,
            by_company.get(company.id),
            after.get(company.id, ()),
        )
        for company in there
    ]


def _newest(session: Session, company_ids: Collection[int], *, reports: bool = False) -> Mapping[int, Any]:
    """The newest run of the built-in research of each company, or its newest report.

    A run as known on an earlier day is no report here: what it did not see was not new since.
    """
    run = ResearchRun
    newest = select(func.max(run.id)).where(
        run.company_id.in_(company_ids), run.origin.in_(OURS), run.deleted_at.is_(None)
    )
    if reports:
        newest = newest.where(run.status == Status.COMPLETED, or_(run.as_of.is_(None), run.as_of >= utc_day(run.date)))
    rows = session.execute(
        select(run.id, run.company_id, run.status, run.date, run.error_message, run.options).where(
            run.id.in_(newest.group_by(run.company_id))
        )
    )
    return {row.company_id: row for row in rows}


def newest_report(session: Session, company_id: int) -> Any:
    """The newest report on a company of all that is known: run's id, options …; None before the first."""
    return _newest(session, [company_id], reports=True).get(company_id)


def newest_seen(session: Session, run_ids: Iterable[int]) -> dict[int, date]:
    """For each run the day of the newest filing it has seen, by its own company_profile."""
    rows = session.execute(
        select(ResearchResult.research_run_id, ResearchResult.result_data).where(
            ResearchResult.research_run_id.in_(list(run_ids)), ResearchResult.result_type == "company_profile"
        )
    )
    latest = ((run_id, (profile or {}).get("latest_filing")) for run_id, profile in rows)
    return {run_id: date.fromisoformat(filing["filed"]) for run_id, filing in latest if filing}


def filed_after(session: Session, days: Mapping[int, date], until: date | None = None) -> dict[int, tuple[Any, ...]]:
    """For each company the filings after its day (form, filed, accession): reports first, then the newest."""
    if not days:
        return {}
    wanted: list[ColumnElement[bool]] = [Filing.company_id.in_(list(days)), Filing.filed > min(days.values())]
    if until is not None:
        wanted.append(Filing.filed <= until)
    rows = session.execute(
        select(Filing.company_id, Filing.form, Filing.filed, Filing.accession)
        .where(*wanted)
        .order_by(Filing.filed.desc(), Filing.id.desc())
        .limit(FILINGS_LOOKED_AT)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        if row.filed > days[row.company_id]:
            found.setdefault(row.company_id, []).append(row)
    return {  # a stable sort: the newest of each first
        company_id: tuple(sorted(filings, key=lambda filing: not filing.form.startswith(REPORTS)))
        for company_id, filings in found.items()
    }


def last_pass(session: Session, watchlist_id: int) -> WatchlistPass | None:
    """The newest run of the whole list."""
    return session.scalar(
        select(WatchlistPass)
        .where(WatchlistPass.watchlist_id == watchlist_id)
        .order_by(WatchlistPass.id.desc())
        .limit(1)
    )


def going(session: Session, watchlist_id: int) -> set[int]:
    """The companies of the list whose run of an earlier pass is still to be started or has not ended yet."""
    run = ResearchRun
    open_ = (WatchlistRun.asked_at.is_(None)) | (
        run.status.not_in([status.value for status in ENDED]) & run.deleted_at.is_(None)
    )
    rows = (
        select(WatchlistRun.company_id)
        .join(WatchlistPass, WatchlistPass.id == WatchlistRun.pass_id)
        .outerjoin(run, run.id == WatchlistRun.run_id)
        .where(WatchlistPass.watchlist_id == watchlist_id, WatchlistRun.told_at.is_(None), open_)
    )
    return set(session.scalars(rows))


def next_due(session: Session) -> datetime | None:
    """When the next list is due."""
    return session.scalar(select(func.min(Watchlist.due_at)))


def notices(session: Session, limit: int = NOTICES_SHOWN) -> Sequence[Notice]:
    """The newest notices first."""
    return session.scalars(select(Notice).order_by(Notice.id.desc()).limit(limit)).all()


def read_up_to(session: Session, reader: str) -> int:
    """The last notice that the reader has marked as read; 0 before the first."""
    return session.scalar(select(InboxMark.read_up_to).where(InboxMark.reader == reader)) or 0


def unread(session: Session, reader: str) -> int:
    """How many notices the reader has not read."""
    mark = select(func.coalesce(func.max(InboxMark.read_up_to), 0)).where(InboxMark.reader == reader)
    return session.scalar(select(func.count(Notice.id)).where(Notice.id > mark.scalar_subquery())) or 0


def zone_name(session: Session) -> str:
    """The zone in which hours are meant when a schedule is made."""
    return preferences(session).time_zone
