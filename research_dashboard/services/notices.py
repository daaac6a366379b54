"""What the inbox tells of runs that a watchlist asked for: failures, new filings, the end of the whole pass. Once."""

from datetime import date
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.queries.watchlists import filed_after, newest_seen
from research_dashboard.research.wording import counted, long_date
from research_dashboard.tables.companies import Company
from research_dashboard.tables.runs import ENDED, ResearchRun, Status
from research_dashboard.tables.watchlists import Notice, NoticeKind, Watchlist, WatchlistPass, WatchlistRun

MOST_NAMED = 3  # filings named in one notice


def tell(session: Session, kind: NoticeKind, asked: WatchlistPass, row: WatchlistRun | None, text: str) -> None:
    """Add a line to the inbox, begun with the company's name; the same one again is none.

    What is told of a run is told once, however many lists asked for it.
    """
    company_id = row.company_id if row else None
    key = f"{kind}:run:{row.run_id}" if row and row.run_id else f"{kind}:{asked.id}:{company_id or 0}"
    if company_id is not None:
        text = f"{session.get_one(Company, company_id).name}: {text}"
    if session.scalar(select(Notice.id).where(Notice.key == key)) is None:
        session.add(
            Notice(
                key=key,
                kind=kind.value,
                text=text,
                run_id=row.run_id if row else None,
                company_id=company_id,
                watchlist_id=asked.watchlist_id,
            )
        )


def tell_ended() -> int:
    """Tell of every run of a pass that has ended since, and of passes that are over. Answers how many runs."""
    run = ResearchRun
    over = (run.id.is_(None)) | run.status.in_([status.value for status in ENDED]) | run.deleted_at.is_not(None)
    waiting = (
        select(WatchlistRun.pass_id, WatchlistRun.company_id)
        .outerjoin(run, run.id == WatchlistRun.run_id)
        .where(WatchlistRun.told_at.is_(None), WatchlistRun.asked_at.is_not(None), over)
        .order_by(WatchlistRun.pass_id, WatchlistRun.company_id)
    )
    with reading() as session:
        rows = session.execute(waiting).all()
    told = 0
    for pass_id, company_id in rows:
        with writing() as session:
            row = session.scalar(
                select(WatchlistRun)
                .where(WatchlistRun.pass_id == pass_id, WatchlistRun.company_id == company_id)
                .with_for_update()
            )
            if row is not None and row.told_at is None:
                row.told_at = utcnow()
                _tell_of_run(session, row)
                told += 1
    untold = exists().where(WatchlistRun.pass_id == WatchlistPass.id, WatchlistRun.told_at.is_(None))
    with reading() as session:
        over_now = session.scalars(select(WatchlistPass.id).where(WatchlistPass.done_at.is_(None), ~untold)).all()
    for pass_id in over_now:
        with writing() as session:
            _tell_of_pass(session, pass_id)
    return told


def _tell_of_run(session: Session, row: WatchlistRun) -> None:
    run = session.get(ResearchRun, row.run_id) if row.run_id else None
    if run is None:
        return
    asked = session.get_one(WatchlistPass, row.pass_id)
    if run.status == Status.FAILED:
        tell(session, NoticeKind.RUN_FAILED, asked, row, f"the research failed. {run.error_message}")
    elif run.status == Status.COMPLETED and (filings := new_in(session, run)):
        named = ", ".join(f"{filing.form} of {long_date(filing.filed)}" for filing in filings[:MOST_NAMED])
        more = f" and {len(filings) - MOST_NAMED} more" if len(filings) > MOST_NAMED else ""
        text = f"new filing since the last run: {named}{more}."
        tell(session, NoticeKind.NEW_FILING, asked, row, text)


def new_in(session: Session, run: ResearchRun) -> tuple[Any, ...]:
    """The filings that this report has seen and the one it follows had not: the newest first.

    None after a run as known on an earlier day, which did not look at all that was there.
    """
    before_it = session.get(ResearchRun, run.parent_run_id) if run.parent_run_id else None
    if before_it is None or before_it.back_dated or run.company_id is None:
        return ()
    seen = newest_seen(session, [run.id, before_it.id])
    before: date | None = seen.get(before_it.id)
    if before is None or run.id not in seen:
        return ()
    return filed_after(session, {run.company_id: before}, seen[run.id]).get(run.company_id, ())


def _tell_of_pass(session: Session, pass_id: int) -> None:
    """Close a pass all of whose runs were told of, with a summary."""
    asked = session.scalar(
        select(WatchlistPass).where(WatchlistPass.id == pass_id, WatchlistPass.done_at.is_(None)).with_for_update()
    )
    if asked is None:
        return
    untold = select(func.count()).where(WatchlistRun.pass_id == pass_id, WatchlistRun.told_at.is_(None))
    if session.scalar(untold):
        return
    asked.done_at = utcnow()
    rows = session.execute(
        select(WatchlistRun.run_id, ResearchRun.status)
        .outerjoin(ResearchRun, ResearchRun.id == WatchlistRun.run_id)
        .where(WatchlistRun.pass_id == pass_id)
    ).all()
    completed = sum(row.status == Status.COMPLETED for row in rows)
    news = session.scalar(
        select(func.count(Notice.id)).where(
            Notice.kind == NoticeKind.NEW_FILING.value, Notice.run_id.in_([row.run_id for row in rows if row.run_id])
        )
    )
    late = f", made up for {long_date(asked.due_at.date())}" if _was_late(asked) and asked.due_at else ""
    name = session.get_one(Watchlist, asked.watchlist_id).name
    parts = [f"{completed} of {counted(len(rows), 'company', 'companies')} completed"]
    if completed < len(rows):
        parts.append(f"{len(rows) - completed} not")
    parts.append(f"{news} with a new filing" if news else "no new filing")
    tell(session, NoticeKind.LIST_DONE, asked, None, f"“{name}” was run{late}: {', '.join(parts)}.")


def _was_late(asked: WatchlistPass) -> bool:
    return asked.due_at is not None and (asked.asked_at - asked.due_at).total_seconds() > 3600
