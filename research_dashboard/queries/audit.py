"""The audit, read: newest first, narrowed by actor, action, subject and day."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from research_dashboard.tables.audit import OF_MANY, AuditEvent

# What people do to a run that is there; what was done to it while it worked stands in its log.
EDITS = (
    "run.title", "run.pin", "run.tag", "run.untag", "run.note", "run.note_removed", "run.change", "run.delete",
    "run.restore",
)  # fmt: skip
_NUMBERS = re.compile(r"runs (?:(\d+) to (\d+) \(.*|(\d+(?:, \d+)*))")


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


def edits_of(session: Session, run_id: int) -> list[AuditEvent]:
    """What was edited of the run, alone or together with others, newest first."""
    event = AuditEvent
    edited = event.action.in_(EDITS)
    many = session.execute(select(event.id, event.subject).where(text(OF_MANY), edited)).all()
    near = [row.id for row in many if _may_be_of(row.subject, run_id)]
    alone = session.scalars(select(event).where(event.subject == f"run {run_id}", edited)).all()
    together = session.scalars(select(event).where(event.id.in_(near))).all() if near else []
    found = [*alone, *(each for each in together if _is_of(each, run_id))]
    return sorted(found, key=lambda each: each.id, reverse=True)


def _may_be_of(subject: str, run_id: int) -> bool:
    """True when the run is one of those that “runs 7 to 912 (400 of them)” or “runs 3, 5” names, or may be."""
    found = _NUMBERS.fullmatch(subject)
    if not found:
        return False
    first, last, few = found.groups()
    return str(run_id) in few.split(", ") if few else int(first) <= run_id <= int(last)


def _is_of(event: AuditEvent, run_id: int) -> bool:
    """True when the event's own list has the run; an event without one is of a few, which its subject names."""
    lists = [side["runs"] for side in (event.before, event.after) if isinstance(side, dict) and "runs" in side]
    ids = {each[0] if isinstance(each, list) else each for found in lists for each in found}
    return run_id in ids if lists else "," in event.subject


def each_audit_event(session: Session, wanted: AuditFilter) -> Iterator[AuditEvent]:
    """Every event that fits, oldest first, in flat memory: for an export."""
    statement = _narrowed(select(AuditEvent), wanted).order_by(AuditEvent.id)
    with session.scalars(statement.execution_options(yield_per=500)) as events:
        yield from events


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
