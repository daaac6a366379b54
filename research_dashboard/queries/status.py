"""What /status shows: the database, the record, the data at hand."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from research_dashboard.models import DataLoad, ResearchRun, Status


class Database(NamedTuple):
    """Which database, its version, the migration it is at, its size in bytes (None where it cannot be had)."""

    kind: str
    version: str
    migration: str
    size: int | None


class Loaded(NamedTuple):
    """What came from one source: loads, companies and facts of the newest load, when."""

    source: str
    loads: int
    facts: int
    newest: datetime | None


def database(session: Session) -> Database:
    """Ask the database about itself."""
    dialect = session.get_bind().dialect.name
    migration = session.scalar(text("SELECT version_num FROM alembic_version")) or "none"
    if dialect == "sqlite":
        version = session.scalar(text("SELECT sqlite_version()"))
        pages = session.scalar(text("PRAGMA page_count")) or 0
        size = pages * (session.scalar(text("PRAGMA page_size")) or 0)
        return Database("SQLite", str(version), str(migration), size)
    version = session.scalar(text("SHOW server_version"))
    size = session.scalar(text("SELECT pg_database_size(current_database())"))
    return Database("PostgreSQL", str(version), str(migration), size)


def damage(session: Session) -> str:
    """The first damage that SQLite finds in its file, reading it through; empty when there is none (or elsewhere)."""
    if session.get_bind().dialect.name != "sqlite":
        return ""  # a PostgreSQL server tells by checksums of its own
    found = str(session.scalar(text("PRAGMA quick_check(1)")))
    return "" if found == "ok" else " ".join(found.split())


def has_trigrams(session: Session) -> bool | None:
    """True when parts of names are found by PostgreSQL's trigram index, False without pg_trgm; None on SQLite."""
    if session.get_bind().dialect.name == "sqlite":
        return None
    return bool(session.scalar(text("SELECT EXISTS (SELECT FROM pg_indexes WHERE indexname = 'company_names_parts')")))


def runs_by_status(session: Session) -> Mapping[str, int]:
    """How many runs stand in each state, in the order of the states; trash is not counted."""
    statement = (
        select(ResearchRun.status, func.count()).where(ResearchRun.deleted_at.is_(None)).group_by(ResearchRun.status)
    )
    found = {row[0]: row[1] for row in session.execute(statement)}
    return {status.value: found.get(status.value, 0) for status in Status}


def loaded(session: Session) -> Sequence[Loaded]:
    """What was loaded, by source."""
    load = DataLoad
    rows = session.execute(
        select(load.source, func.count(), func.sum(load.facts), func.max(load.finished_at))
        .group_by(load.source)
        .order_by(load.source)
    )
    return [Loaded(*row) for row in rows]
