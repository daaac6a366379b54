"""The audit, read: newest first, narrowed by actor, action, subject and day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from research_dashboard.tables.audit import AuditEvent


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events: texts stand anywhere in the column, whatever the case; days are whole and both included."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    via: str = ""
    start: date | None = None
    end: date | None = None
    zone: tzinfo = UTC


def audit_events(
    session: Session, wanted: AuditFilter, limit: int = 100, before_id: int | None = None
) -> Sequence[AuditEvent]:
    """The newest events that fit; `before_id` goes on after the last one of the page before."""
    statement = _narrowed(select(AuditEvent), wanted).order_by(AuditEvent.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(AuditEvent.id < before_id)
    return session.scalars(statement).all()


def count_audit_events(session: Session, wanted: AuditFilter) -> int:
    """How many events fit."""
    return int(session.scalar(_narrowed(select(func.count(AuditEvent.id)), wanted)) or 0)


def each_audit_event(session: Session, wanted: AuditFilter) -> Iterator[AuditEvent]:
    """Every event that fits, oldest first, in flat memory: for an export."""
    statement = _narrowed(select(AuditEvent), wanted).order_by(AuditEvent.id)
    yield from session.scalars(statement.execution_options(yield_per=500))


def _narrowed(statement: Select[Any], wanted: AuditFilter) -> Select[Any]:
    for name in ("actor", "action", "subject"):
        if text := getattr(wanted, name):
            statement = statement.where(getattr(AuditEvent, name).icontains(text, autoescape=True))
    if wanted.via:
        statement = statement.where(AuditEvent.via == wanted.via)
    if wanted.start:
        statement = statement.where(AuditEvent.at >= datetime.combine(wanted.start, time(), wanted.zone))
    if wanted.end:
        day_after = wanted.end + timedelta(days=1)
        statement = statement.where(AuditEvent.at < datetime.combine(day_after, time(), wanted.zone))
    return statement
