"""What people put beside a run: tags and notes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.models import RunNote, RunTag, Tag


@dataclass(frozen=True, slots=True)
class Beside:
    """Tags by name; notes that stand, oldest first; earlier wordings and removed notes, newest first."""

    tags: Sequence[Tag]
    notes: Sequence[RunNote]
    earlier: Sequence[RunNote]


def beside(session: Session, run_id: int) -> Beside:
    """The run's tags and notes."""
    tags = session.scalars(
        select(Tag).join(RunTag, RunTag.tag_id == Tag.id).where(RunTag.run_id == run_id).order_by(Tag.name)
    ).all()
    notes = session.scalars(select(RunNote).where(RunNote.run_id == run_id).order_by(RunNote.id)).all()
    stand = [note for note in notes if note.replaced_by is None and note.removed_at is None]
    earlier = [note for note in reversed(notes) if note not in stand]
    return Beside(tags, stand, earlier)


def tag_names(session: Session, limit: int = 200) -> Sequence[str]:
    """The tags there are, by name."""
    return session.scalars(select(Tag.name).order_by(Tag.name).limit(limit)).all()
