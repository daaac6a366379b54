"""What people put beside a run: tags and notes; and which runs they have chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.models import ResearchRun, RunNote, RunTag, Tag
from research_dashboard.queries.runs import RunFilter, run_conditions


@dataclass(frozen=True, slots=True)
class Beside:
    """Tags by name; notes that stand, oldest first."""

    tags: Sequence[Tag]
    notes: Sequence[RunNote]


def beside(session: Session, run_id: int) -> Beside:
    """The run's tags and notes."""
    tags = session.scalars(
        select(Tag).join(RunTag, RunTag.tag_id == Tag.id).where(RunTag.run_id == run_id).order_by(Tag.name)
    ).all()
    standing = (RunNote.run_id == run_id, RunNote.replaced_by.is_(None), RunNote.removed_at.is_(None))
    return Beside(tags, session.scalars(select(RunNote).where(*standing).order_by(RunNote.id)).all())


def tags_of(session: Session, run_ids: Sequence[int]) -> Mapping[int, list[Tag]]:
    """The tags of each of the runs that has any, by name."""
    statement = select(RunTag.run_id, Tag).join(Tag, Tag.id == RunTag.tag_id).where(RunTag.run_id.in_(run_ids))
    found: dict[int, list[Tag]] = {}
    for run_id, tag in session.execute(statement.order_by(Tag.name)):
        found.setdefault(run_id, []).append(tag)
    return found


def tag_names(session: Session, limit: int = 200) -> Sequence[str]:
    """The tags there are, by name."""
    return session.scalars(select(Tag.name).order_by(Tag.name).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class Trashed:
    """Runs in the trash: these, or all of the filter that have lain there for so many days."""

    ids: tuple[int, ...] | None = None
    days: int = 0
    wanted: RunFilter = field(default_factory=RunFilter)


Chosen = RunFilter | Trashed | Sequence[int]


def conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    """What a chosen run must be."""
    run = ResearchRun
    if isinstance(chosen, RunFilter):
        return list(run_conditions(chosen))
    if isinstance(chosen, Trashed):
        old = run.deleted_at <= utcnow() - timedelta(days=chosen.days)
        these = [] if chosen.ids is None else [run.id.in_(chosen.ids)]
        return [*run_conditions(chosen.wanted, trashed=True), old, *these]
    return [run.id.in_(chosen), run.deleted_at.is_(None)]


def ids_of(session: Session, chosen: Chosen, most: int | None = None) -> list[int]:
    """The numbers of the chosen runs, ascending."""
    statement = select(ResearchRun.id).where(*conditions(chosen)).order_by(ResearchRun.id).limit(most)
    return list(session.scalars(statement))
