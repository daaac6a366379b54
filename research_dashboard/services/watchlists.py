"""Watchlists: lists of companies, their schedules, and what a run of a whole list asks for."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import one_transaction, writing
from research_dashboard.one_line import is_one_line
from research_dashboard.queries import watchlists as queries
from research_dashboard.services.audit import record
from research_dashboard.tables.companies import Company
from research_dashboard.tables.watchlists import (
    Every,
    InboxMark,
    Notice,
    Watchlist,
    WatchlistCompany,
    WatchlistPass,
    WatchlistRun,
)

MOST_NAME, MOST_LISTS, MOST_COMPANIES = 100, 100, 500
FIRST = "Watched"  # the list that the first watch button makes


class WatchlistError(ValueError):
    """A list cannot be what was asked of it; the text says why and what would do. `field`: of the form, at fault."""

    def __init__(self, message: str, field: str = "name") -> None:
        super().__init__(message)
        self.field = field


class NoSuchListError(WatchlistError):
    """There is no such list."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a list is run by itself: daily or weekly (never: not at all) at an hour of a zone; 0 is Monday."""

    every: str
    hour: int = 7
    weekday: int = 0
    time_zone: str = "UTC"

    def check(self) -> None:
        """Raise WatchlistError for what is no schedule."""
        if self.every not in list(Every):
            raise WatchlistError(f"“{self.every[:30]}” is no schedule. Choose {', '.join(Every)}.", "every")
        if not 0 <= self.hour <= 23:
            raise WatchlistError("The hour is a whole number from 0 to 23.", "hour")
        if not 0 <= self.weekday <= 6:
            raise WatchlistError("The day of the week is a whole number from 0 (Monday) to 6 (Sunday).", "weekday")
        if self.time_zone not in available_timezones():
            raise WatchlistError(
                f"“{self.time_zone[:40]}” is no time zone: use a name like Europe/Berlin or UTC.", "time_zone"
            )


def make_list(name: str, author: str, company_ids: Iterable[int] = ()) -> int:
    """A new list of these companies; its id. Raises WatchlistError for a name that is taken or cannot be."""
    name = _name(name)
    with one_transaction() as session:
        _free(session, name)
        if (session.scalar(select(func.count(Watchlist.id))) or 0) >= MOST_LISTS:
            raise WatchlistError(f"There are {MOST_LISTS} lists already: remove one first.")
        made = Watchlist(name=name, author=author)
        session.add(made)
        session.flush()
        record(session, "watchlist.make", f"watchlist {made.id}", after={"name": name})
        add_companies(made.id, company_ids)
        return made.id


def rename_list(list_id: int, name: str) -> None:
    """Give the list another name. Raises WatchlistError."""
    name = _name(name)
    with writing() as session:
        found = _get(session, list_id)
        _free(session, name, but=list_id)
        record(session, "watchlist.rename", f"watchlist {list_id}", before=found.name, after=name)
        found.name = name


def remove_list(list_id: int) -> str:
    """Forget the list and its schedule, and answer its name; the runs it asked for stay. Raises NoSuchListError."""
    with writing() as session:
        found = _get(session, list_id)
        record(session, "watchlist.remove", f"watchlist {list_id}", before={"name": found.name, "every": found.every})
        session.delete(found)
        return found.name


def add_companies(list_id: int, company_ids: Iterable[int]) -> int:
    """Put companies on the list; how many were not on it before. Raises WatchlistError."""
    with writing() as session:
        _get(session, list_id)
        there = set(
            session.scalars(select(WatchlistCompany.company_id).where(WatchlistCompany.watchlist_id == list_id))
        )
        new = [id_ for id_ in dict.fromkeys(company_ids) if id_ not in there]
        if len(there) + len(new) > MOST_COMPANIES:
            raise WatchlistError(f"A list holds at most {MOST_COMPANIES} companies: make another.", "companies")
        if new:
            now = utcnow()
            rows = [{"watchlist_id": list_id, "company_id": id_, "added_at": now} for id_ in new]
            session.execute(insert(WatchlistCompany), rows)
            record(session, "watchlist.add", f"watchlist {list_id}", after={"companies": new})
        return len(new)


def drop_company(list_id: int, company_id: int) -> None:
    """Take a company from the list; one that is not on it is none more. Raises NoSuchListError."""
    with writing() as session:
        _get(session, list_id)
        row = session.get(WatchlistCompany, (list_id, company_id))
        if row is not None:
            session.delete(row)
            record(session, "watchlist.drop", f"watchlist {list_id}", before={"companies": [company_id]})


def watch(company_id: int, author: str) -> None:
    """Put a company on the first list, which is made where there is none. Raises WatchlistError."""
    with one_transaction() as session:
        if session.get(Company, company_id) is None:
            raise WatchlistError("This company is no longer here.", "companies")
        first = queries.list_of_watching(session)
        add_companies(first.id if first else make_list(FIRST, author), [company_id])


def unwatch(company_id: int) -> None:
    """Take a company from every list."""
    with writing() as session:
        on = select(WatchlistCompany.watchlist_id).where(WatchlistCompany.company_id == company_id)
        found = list(session.scalars(on))
        for list_id in found:
            record(session, "watchlist.drop", f"watchlist {list_id}", before={"companies": [company_id]})
        session.execute(delete(WatchlistCompany).where(WatchlistCompany.company_id == company_id))


def set_schedule(list_id: int, wanted: Schedule, now: datetime | None = None) -> datetime | None:
    """Run the list by itself, or never; answers when next. Raises WatchlistError."""
    wanted.check()
    with writing() as session:
        found = _get(session, list_id)
        before = Schedule(found.every, found.hour, found.weekday, found.time_zone)
        found.every, found.hour, found.weekday, found.time_zone = astuple(wanted)
        found.due_at = next_due(found, now or utcnow())
        if before != wanted:
            record(session, "watchlist.schedule", f"watchlist {list_id}", before=asdict(before), after=asdict(wanted))
        return found.due_at


def next_due(found: Watchlist, after: datetime) -> datetime | None:
    """The first moment of the list's schedule after the given one; None without a schedule."""
    if found.every == Every.NEVER:
        return None
    zone = ZoneInfo(found.time_zone)
    day = after.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, time(found.hour), zone).astimezone(UTC)
        if moment > after and (found.every == Every.DAILY or day.weekday() == found.weekday):
            return moment
        day += timedelta(days=1)


def run_list(list_id: int, asked_by: str) -> int | None:
    """Ask for research of every company on the list; the pass's id. Its runs are then started by start_pending().

    A company whose run of an earlier pass still goes on is not asked for again; None when that is so of them all.
    Raises WatchlistError for an empty list.
    """
    with writing() as session:
        found = _get(session, list_id, lock=True)
        pass_id = begin_pass(session, found, asked_by, None, without=queries.going(session, list_id))
        if pass_id is not None:
            record(session, "watchlist.run", f"watchlist {list_id}", after={"name": found.name, "pass": pass_id})
        return pass_id


def begin_pass(
    session: Session, found: Watchlist, asked_by: str, due_at: datetime | None, without: Collection[int] = ()
) -> int | None:
    """Write down a run of the whole list, its companies still to be started; None when there is none to start.

    Raises WatchlistError when the list is empty.
    """
    ids = [company.id for company in queries.companies(session, found.id)]
    if not ids:
        raise WatchlistError(f"“{found.name}” has no company yet: add some first.", "companies")
    wanted = [id_ for id_ in ids if id_ not in without]
    if not wanted:
        return None
    made = WatchlistPass(watchlist_id=found.id, asked_by=asked_by, due_at=due_at)
    session.add(made)
    session.flush()
    session.execute(insert(WatchlistRun), [{"pass_id": made.id, "company_id": id_} for id_ in wanted])
    return made.id


def mark_read(reader: str, up_to: int) -> None:
    """The reader has read the inbox up to this notice; never back. `reader` is "" without accounts."""
    with writing() as session:
        newest = session.scalar(select(func.max(Notice.id))) or 0
        mark = session.get(InboxMark, reader)
        if mark is None:
            session.add(InboxMark(reader=reader, read_up_to=min(up_to, newest)))
        else:
            mark.read_up_to = max(mark.read_up_to, min(up_to, newest))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME or not is_one_line(name):
        raise WatchlistError(f"A list's name has 1 to {MOST_NAME} characters that can be seen.")
    return name


def _free(session: Session, name: str, but: int | None = None) -> None:
    there = queries.list_called(session, name)
    if there is not None and there.id != but:
        raise WatchlistError(f"There is a list “{there.name}” already: choose another name.")


def _get(session: Session, list_id: int, *, lock: bool = False) -> Watchlist:
    found = session.get(Watchlist, list_id, with_for_update=lock or None)
    if found is None:
        raise NoSuchListError("There is no such list: it may have been removed.")
    return found
