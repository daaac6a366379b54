"""What the clock does with watchlists: begins what is due, once; starts its runs; tells how they ended.

Any number of workers may call these at once and at any time, and each may be killed in between: what is begun is a
row, and each row is taken forward in one transaction that looks whether another was quicker.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import one_transaction, reading, writing
from research_dashboard.logs import logger
from research_dashboard.queries import watchlists as queries
from research_dashboard.queries.companies import company_by_id
from research_dashboard.queries.preferences import sec_contact
from research_dashboard.services import audit
from research_dashboard.services.companies import CompanyError
from research_dashboard.services.notices import tell, tell_ended
from research_dashboard.services.runs import RunError, start_research
from research_dashboard.services.watchlists import WatchlistError, begin_pass, next_due
from research_dashboard.settings import Settings
from research_dashboard.tables.runs import Origin
from research_dashboard.tables.watchlists import NoticeKind, Watchlist, WatchlistPass, WatchlistRun

SCHEDULE = "schedule"  # who asked for a pass that the clock began


def tick(settings: Settings, now: datetime | None = None) -> None:
    """All that the clock does, once a minute and after a worker's start."""
    audit.acts(audit.Who(SCHEDULE, SCHEDULE))
    try:
        begin_due(now)
        start_pending(settings)
        tell_ended()
    finally:
        audit.acts(None)


def begin_due(now: datetime | None = None) -> int:
    """Begin a pass of each list that is due, and set when it is due next: a list that was missed for days is run once.

    Answers how many passes were begun here.
    """
    now = now or utcnow()
    due = select(Watchlist.id).where(Watchlist.due_at <= now).order_by(Watchlist.due_at, Watchlist.id)
    with reading() as session:  # mostly there is none, and nothing to write
        ids = session.scalars(due).all()
    begun = 0
    for list_id in ids:
        with writing() as session:
            found = session.scalar(
                select(Watchlist).where(Watchlist.id == list_id, Watchlist.due_at <= now).with_for_update()
            )
            if found is None or found.due_at is None:
                continue  # another worker was quicker
            was_due, found.due_at = found.due_at, next_due(found, now)
            try:
                begin_pass(session, found, SCHEDULE, was_due)
                begun += 1
            except WatchlistError:
                logger.info("watchlist_empty", watchlist=list_id)
    return begun


def start_pending(settings: Settings) -> int:
    """Start the run of every company that a pass still asks for; one that cannot be started becomes a notice.

    Answers how many were started here.
    """
    pending = (
        select(WatchlistRun.pass_id, WatchlistRun.company_id)
        .where(WatchlistRun.asked_at.is_(None))
        .order_by(WatchlistRun.pass_id, WatchlistRun.company_id)
    )
    with reading() as session:
        rows = session.execute(pending).all()
        live = bool(sec_contact(session, settings.sec_contact)) if rows else False
    return sum(_start(pass_id, company_id, live) for pass_id, company_id in rows)


def _start(pass_id: int, company_id: int, live: bool) -> bool:
    """The run and the note that it was asked for, in one transaction."""
    with one_transaction() as session:
        row = session.scalar(
            select(WatchlistRun)
            .where(WatchlistRun.pass_id == pass_id, WatchlistRun.company_id == company_id)
            .with_for_update()
        )
        if row is None or row.asked_at is not None:
            return False
        row.asked_at = utcnow()
        try:
            row.run_id = _research(session, row, live)
        except (CompanyError, RunError) as error:
            row.refusal, row.told_at = str(error), utcnow()
            found = session.get_one(WatchlistPass, pass_id)
            tell(session, NoticeKind.NOT_STARTED, found, row, f"not started. {error}")
        session.flush()
        return row.run_id is not None


def _research(session: Session, row: WatchlistRun, live: bool) -> int:
    """The company as it was researched last: with the same peers, on the newest data, linked to that run."""
    company = company_by_id(row.company_id)
    if company is None:
        raise RunError("The company is no longer loaded.")
    before = queries.newest_report(session, row.company_id)
    chosen = (before.options or {}).get("peers", ()) if before else ()
    peers = [peer.cik or peer.name for id_ in chosen if (peer := company_by_id(id_))]
    asked = session.get_one(WatchlistPass, row.pass_id)
    by_hand = asked.due_at is None
    name = asked.asked_by if by_hand else session.get_one(Watchlist, asked.watchlist_id).author
    return start_research(
        company.cik or company.name,
        name,
        live=live,
        peers=peers,
        origin=Origin.RESEARCH if by_hand else Origin.SCHEDULE,
        created_by=asked.asked_by,
        parent_run_id=before.id if before else None,
    ).run_id
