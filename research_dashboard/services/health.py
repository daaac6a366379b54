"""What must be well for the program to work: each check says what it found and, where it is not well, the cure."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from research_dashboard import rates
from research_dashboard.base import trouble, utcnow
from research_dashboard.extensions import reading
from research_dashboard.queries import status, work
from research_dashboard.queries.preferences import sec_contact
from research_dashboard.services import backups
from research_dashboard.services.accounts import has_accounts
from research_dashboard.services.database import current_revision, newest_revision
from research_dashboard.services.loads import bundle_is_loaded
from research_dashboard.services.provenance import verify_companies
from research_dashboard.settings import Settings

OLD_BACKUP = timedelta(days=7)
LEAST_FREE = 200 * 1024 * 1024  # bytes; below, writes may soon fail


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `needed` is False for what is a choice and no fault."""

    name: str
    well: bool
    found: str
    cure: str = ""
    needed: bool = True


def checks(settings: Settings, *, thorough: bool = False) -> list[Check]:
    """Every check, in the order in which faults cause each other. Needs an application context.

    `thorough` also reads the whole database through for damage, and compares every filed fact with where it came from:
    seconds for each gigabyte and for each ten companies.
    """
    looks = [("facts", _facts)] if thorough else []
    return [
        _safely(name, look, settings)
        for name, look in (
            ("instance", _instance),
            ("privacy", _privacy),
            ("disk", _disk),
            ("database", _sound_database if thorough else _database),
            ("migration", _migration),
            ("search", _search),
            ("data", _data),
            *looks,
            ("worker", _worker),
            ("queue", _queue),
            ("backup", _backup),
            ("live data", _live),
            ("accounts", _accounts),
            ("limits", _limits),
        )
    ]


def is_ready(found: list[Check]) -> bool:
    """True when nothing that is needed is unwell."""
    return all(check.well for check in found if check.needed)


def _safely(name: str, look: Callable[[str, Settings], Check], settings: Settings) -> Check:
    try:
        return look(name, settings)
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        return Check(name, False, cause, _cure(error, settings))


def _cure(error: SQLAlchemyError | OSError, settings: Settings) -> str:
    """What to do about an error of the database, by what it says of the database's state."""
    found = trouble(error) if isinstance(error, DBAPIError) else None
    if found is None or found.kind == "gone":
        return "RESEARCH_DASHBOARD_DATABASE_URL says where it should be."
    return _restore(settings) if found.kind == "broken" else found.cure


def _restore(settings: Settings) -> str:
    """How to put the newest backup in the place of a damaged database."""
    newest = next(iter(backups.kept(settings.backups)), None)
    if newest is None:
        return (
            f"There is no backup in {settings.backups}: stop the program and put one there that was kept elsewhere, "
            "with its .json, then `flask db restore NAME`."
        )
    return (
        f"Stop the program and restore the newest backup ({newest.moment:%Y-%m-%d %H:%M} UTC): "
        f"`flask db restore {newest.path.name}`. The damaged file is kept beside it."
    )


def _instance(name: str, settings: Settings) -> Check:
    writable = os.access(settings.instance, os.W_OK | os.X_OK)
    cure = "Give the user that runs the program the right to write there, or set RESEARCH_DASHBOARD_INSTANCE."
    return Check(name, writable, str(settings.instance), "" if writable else cure)


def _privacy(name: str, settings: Settings) -> Check:
    """Whether others on this machine could read accounts and figures; by folder or by file, either keeps them out."""
    folder = settings.instance
    shut = not folder.stat().st_mode & 0o077
    wide = [] if shut else sorted(path.name for path in folder.iterdir() if path.stat().st_mode & 0o007)
    if not wide:
        return Check(name, True, "only its owner can read the instance folder's files", needed=False)
    return Check(name, False, f"others can read {', '.join(wide[:3])}", f"chmod -R go= '{folder}'", needed=False)


def _disk(name: str, settings: Settings) -> Check:
    free = shutil.disk_usage(settings.instance).free
    cure = "Make room: remove old backups and raw answers in the instance folder, or move it to a larger disk."
    return Check(name, free >= LEAST_FREE, f"{free / 1024**2:,.0f} MB free", "" if free >= LEAST_FREE else cure)


def _database(name: str, _settings: Settings) -> Check:
    with reading() as session:
        session.execute(text("SELECT 1"))
        found = status.database(session)
    size = "size unknown" if found.size is None else f"{found.size / 1024**2:,.1f} MB"
    return Check(name, True, f"{found.kind} {found.version}, {size}")


def _sound_database(name: str, settings: Settings) -> Check:
    """Also whether each page of SQLite's file is as it should be: a damaged one is met only by who needs it."""
    found = _database(name, settings)
    with reading() as session:
        damage = status.damage(session)
    return Check(name, False, f"damaged: {damage}", _restore(settings)) if damage else found


def _migration(name: str, _settings: Settings) -> Check:
    here, wanted = current_revision(), newest_revision()
    behind = (here or "") < wanted  # a program older than its database goes on, for as long as an upgrade takes
    cure = "Run `flask db upgrade`; it makes a backup first." if behind else "Install the newer program."
    found = f"{here or 'none'}, the program's is {wanted}"
    return Check(name, here == wanted, found, "" if here == wanted else cure, needed=behind or here == wanted)


def _search(name: str, _settings: Settings) -> Check:
    with reading() as session:
        trigrams = status.has_trigrams(session)
    if trigrams is None:
        return Check(name, True, "full text (FTS5)", needed=False)
    if trigrams:
        return Check(name, True, "full text (tsvector), parts of names by trigrams (pg_trgm)", needed=False)
    cure = (
        "To speed parts of names up among very many companies, install the server's contrib package, then run "
        "`CREATE EXTENSION pg_trgm` and the two CREATE INDEX … gin_trgm_ops of migration 0014."
    )
    return Check(name, False, "full text (tsvector); pg_trgm is not there, each name is looked at", cure, needed=False)


def _data(name: str, _settings: Settings) -> Check:
    loaded = bundle_is_loaded()
    return Check(
        name,
        loaded,
        "bundle loaded" if loaded else "no bundle",
        "" if loaded else "Run `flask companies import-bundle`.",
    )


def _facts(name: str, settings: Settings) -> Check:
    """Whether filed facts are as their source told them, so far as that is kept."""
    done = verify_companies(settings.instance)
    if not done.differences:
        return Check(name, True, " ".join((done.words, *done.unseen)))
    cure = f"`flask companies verify` names them all. {_restore(settings)}"
    return Check(name, False, f"{done.words} The first: {done.differences[0]}.", cure)


def _worker(name: str, _settings: Settings) -> Check:
    with reading() as session:
        alive = len(work.workers(session))
    cure = "" if alive else "Start one: `./dev run` brings its own, `flask worker` runs one alone."
    return Check(name, bool(alive), f"{alive} alive", cure)


def _queue(name: str, _settings: Settings) -> Check:
    with reading() as session:
        counts = work.waiting_and_working(session)
    return Check(
        name, True, f"{counts['Queued']} waiting, {counts['Running']} running, {counts['Interrupted']} interrupted"
    )


def _backup(name: str, settings: Settings) -> Check:
    newest = next(iter(backups.kept(settings.backups)), None)
    how = "`flask db backup` makes one while the program runs."
    if newest is None:
        return Check(name, False, "none yet", how, needed=False)
    old = utcnow() - newest.moment > OLD_BACKUP
    return Check(
        name, not old, f"{newest.path.name}, {newest.moment:%Y-%m-%d %H:%M} UTC", how if old else "", needed=False
    )


def _live(name: str, settings: Settings) -> Check:
    with reading() as session:
        contact = sec_contact(session, settings.sec_contact)
    cure = "" if contact else "To turn it on, set RESEARCH_DASHBOARD_SEC_CONTACT or the contact on /settings."
    return Check(name, bool(contact), "on" if contact else "off", cure, needed=False)


def _accounts(name: str, _settings: Settings) -> Check:
    there = has_accounts()
    cure = "" if there else "To let others in, make an account: `flask users add NAME --role admin`."
    return Check(name, there, "everybody signs in" if there else "this machine only", cure, needed=False)


def _limits(name: str, _settings: Settings) -> Check:
    counter = rates.counter()
    if counter.shared is None:
        return Check(name, True, "each process counts by itself", needed=False)
    if counter.answers():
        return Check(name, True, "one count, in the store of RESEARCH_DASHBOARD_RATE_STORAGE", needed=False)
    cure = "Start it, or check RESEARCH_DASHBOARD_RATE_STORAGE; until then each process counts by itself."
    return Check(name, False, "the store that counts does not answer", cure, needed=False)
