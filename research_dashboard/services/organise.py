"""Keeping the record in order: tags, notes, title and pin of a run; many runs at once; the trash.

What is done to many is done to a filter or to chosen ids, whatever their number: the caller says how many he was shown,
and nothing happens when there are others by now.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from research_dashboard.base import fold, folded, utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import ENDED, Origin, ResearchRun, RunNote, RunTag, Tag
from research_dashboard.one_line import is_one_line, is_plain
from research_dashboard.queries.organised import Chosen, ids_of
from research_dashboard.services.audit import record
from research_dashboard.tables.record import COLOURS, MOST_NOTE

CHUNK = 5000  # runs changed in one transaction, so that others can write in between
MOST_TAG, MOST_TITLE = 50, 200  # characters
MOST_TAGS, MOST_NOTES = 50, 500  # of a run
LOGGED = (Origin.API, Origin.SEED)
_WAS = (ResearchRun.id, ResearchRun.company, ResearchRun.status)


class CannotOrganise(ValueError):
    """What was asked cannot be done; the text says why and what would do."""


class OthersByNow(CannotOrganise):
    """There are more or fewer runs than the caller was shown, or others; or it was shown for another action."""

    def __init__(self, shown: int, now: int, *, others: bool = False) -> None:
        there = (
            "they are not the same by now, or it was to be another action" if others else f"there are {now:,} by now"
        )
        super().__init__(f"You were shown {shown:,} runs, and {there}. Nothing was done: look again.")
        self.now = now


def _batches(chosen: Chosen, shown: int | None) -> Iterator[list[int]]:
    """The ids, a chunk at a time, as they were when this began. Raises OthersByNow."""
    with reading() as session:
        ids = ids_of(session, chosen)
    if shown is not None and shown != len(ids):
        raise OthersByNow(shown, len(ids))
    for begin in range(0, len(ids), CHUNK):
        yield ids[begin : begin + CHUNK]


def trash(chosen: Chosen, shown: int | None = None) -> int:
    """Move runs to the trash; research under way stays (cancel it first). Returns how many moved."""
    moved, now = 0, utcnow()
    run = ResearchRun
    for ids in _batches(chosen, shown):
        with writing() as session:
            idle = run.status.in_(ENDED) | run.origin.in_(LOGGED)
            statement = update(run).where(run.id.in_(ids), run.deleted_at.is_(None), idle).values(deleted_at=now)
            gone = session.execute(statement.returning(*_WAS)).all()
            if gone:
                record(session, "run.delete", _named([row.id for row in gone]), before=_was(gone))
        moved += len(gone)
    return moved


def restore(ids: Sequence[int]) -> int:
    """Take runs out of the trash. Returns how many came back."""
    run = ResearchRun
    with writing() as session:
        statement = update(run).where(run.id.in_(ids), run.deleted_at.is_not(None)).values(deleted_at=None)
        back = list(session.scalars(statement.returning(run.id)))
        if back:
            record(session, "run.restore", _named(back), after=_which(back) or None)
    return len(back)


def purge(ids: Sequence[int] | None = None, *, older_than_days: int = 0) -> int:
    """Delete runs in the trash for good, with all that belongs to them: these, or all that lie there that long."""
    run, gone = ResearchRun, 0
    before = utcnow() - timedelta(days=older_than_days)
    while True:
        chosen = select(run.id).where(run.deleted_at.is_not(None), run.deleted_at <= before)
        if ids is not None:
            chosen = chosen.where(run.id.in_(ids))
        with writing() as session:
            found = list(session.scalars(chosen.order_by(run.id).limit(500)))
            if not found:
                return gone
            rows = session.execute(delete(run).where(run.id.in_(found)).returning(*_WAS)).all()
            record(session, "run.purge", _named(found), before=_was(rows))
        gone += len(found)


def _named(ids: Sequence[int]) -> str:
    """What the audit calls them: run 7; runs 7, 8, 9; runs 7 to 912 (400 of them)."""
    if len(ids) == 1:
        return f"run {ids[0]}"
    if len(ids) <= 10:
        return f"runs {', '.join(map(str, ids))}"
    return f"runs {min(ids)} to {max(ids)} ({len(ids):,} of them)"


def _which(ids: Sequence[int]) -> dict[str, Any]:
    """Which runs they are, for the subject names a few only: so each run's history of edits has them."""
    return {"runs": sorted(ids)} if len(ids) > 1 else {}


def _was(rows: Sequence[Any]) -> dict[str, Any]:
    """What the audit keeps of runs that go: of one its company and status, of many each one's."""
    if len(rows) == 1:
        return {"company": rows[0].company, "status": rows[0].status}
    return {"runs": sorted([row.id, row.company, row.status] for row in rows)}


def tag_name(text: str) -> str:
    """A tag's name as it is kept. Raises CannotOrganise."""
    name = " ".join(text.split())
    if not name or len(name) > MOST_TAG or not is_one_line(name):
        raise CannotOrganise(f"A tag has 1 to {MOST_TAG} characters.")
    return name


def _tag(session: Session, name: str, colour: str | None) -> int:
    """The id of the tag of that name, whatever its case; made when there is none."""
    if colour is not None and colour not in COLOURS:
        raise CannotOrganise(f"“{colour}” is not a colour. Choose {', '.join(COLOURS)}.")
    found = session.scalar(select(Tag.id).where(folded(Tag.name) == fold(name)))
    if found is None:
        made = session.scalar(insert(Tag).values(name=name, colour=colour or "grey").returning(Tag.id))
        assert made is not None  # noqa: S101  # an INSERT … RETURNING gives its row
        return int(made)
    if colour is not None:
        session.execute(update(Tag).where(Tag.id == found).values(colour=colour))
    return found


def there_is_a_tag(session: Session, name: str) -> bool:
    """True for the name of a tag, whatever its case."""
    return session.scalar(select(Tag.id).where(folded(Tag.name) == fold(name))) is not None


def tag(
    chosen: Chosen, name: str, colour: str | None = None, shown: int | None = None, *, passing: bool = False
) -> int:
    """Put runs under a tag; those under it already stay so. Returns how many there are under it.

    Runs with as many tags as a run may have are refused, or with `passing` passed over. Raises CannotOrganise.
    """
    name, done = tag_name(name), 0
    for ids in _batches(chosen, shown):
        with writing() as session:
            tag_id = _tag(session, name, colour)
            full = full_of_tags(session, ids, name)
            if full and not passing:
                raise CannotOrganise(f"Run {min(full)} has {MOST_TAGS} tags already: take one away first.")
            has = set(session.scalars(select(RunTag.run_id).where(RunTag.tag_id == tag_id, RunTag.run_id.in_(ids))))
            new = [{"run_id": run_id, "tag_id": tag_id} for run_id in ids if run_id not in has | full]
            if new:
                session.execute(insert(RunTag), new)
                put = [row["run_id"] for row in new]
                record(session, "run.tag", _named(put), after={"tag": name} | _which(put))
        done += len(ids) - len(full)
    return done


def full_of_tags(session: Session, run_ids: Sequence[int], name: str) -> set[int]:
    """Those of the runs that have as many tags as a run may have, this one not among them."""
    under = select(RunTag.run_id).join(Tag, Tag.id == RunTag.tag_id).where(folded(Tag.name) == fold(name))
    counted = select(RunTag.run_id).where(RunTag.run_id.in_(run_ids), RunTag.run_id.not_in(under))
    return set(session.scalars(counted.group_by(RunTag.run_id).having(func.count(RunTag.tag_id) >= MOST_TAGS)))


def untag(chosen: Chosen, name: str, shown: int | None = None) -> int:
    """Take runs from under a tag; a tag without runs goes too. Returns how many runs lost it."""
    name, done = tag_name(name), 0
    for ids in _batches(chosen, shown):
        with writing() as session:
            tag_id = session.scalar(select(Tag.id).where(folded(Tag.name) == fold(name)))
            if tag_id is None:
                raise CannotOrganise(f"There is no tag “{name}”.")
            where = (RunTag.tag_id == tag_id, RunTag.run_id.in_(ids))
            lost = list(session.scalars(delete(RunTag).where(*where).returning(RunTag.run_id)))
            if lost:
                record(session, "run.untag", _named(lost), before={"tag": name} | _which(lost))
            if not session.scalar(select(RunTag.run_id).where(RunTag.tag_id == tag_id).limit(1)):
                session.execute(delete(Tag).where(Tag.id == tag_id))
        done += len(lost)
    return done


def rename(run_id: int, title: str) -> None:
    """Give the run a title of its own; an empty one takes it away. Raises CannotOrganise."""
    title = " ".join(title.split())
    if len(title) > MOST_TITLE:
        raise CannotOrganise(f"A title has at most {MOST_TITLE} characters; this has {len(title)}.")
    if not is_one_line(title):
        raise CannotOrganise("A title holds no control characters: take them out.")
    with writing() as session:
        run = _run(session, run_id)
        record(session, "run.title", f"run {run_id}", before={"title": run.title}, after={"title": title or None})
        run.title = title or None


def pin(run_id: int, pinned: bool) -> None:
    """Keep the run at hand, or no longer. Raises CannotOrganise."""
    with writing() as session:
        run = _run(session, run_id)
        record(session, "run.pin", f"run {run_id}", before=run.pinned_at is not None, after=pinned)
        run.pinned_at = utcnow() if pinned else None


def write_note(run_id: int, text: str, author: str, replaces: int | None = None) -> None:
    """Write a note on the run, or a new wording of one: the old one is kept. Raises CannotOrganise."""
    text = text.strip().replace("\r\n", "\n")
    if not text or len(text) > MOST_NOTE:
        raise CannotOrganise(f"A note has 1 to {MOST_NOTE:,} characters; this has {len(text):,}.")
    if not is_plain(text):
        raise CannotOrganise("A note holds no control characters and none that turn the writing: take them out.")
    with writing() as session:
        _run(session, run_id)
        notes = session.scalar(select(func.count(RunNote.id)).where(RunNote.run_id == run_id))
        if (notes or 0) >= MOST_NOTES:
            raise CannotOrganise(f"A run keeps {MOST_NOTES} notes, wordings of before included; this one has them all.")
        note = RunNote(run_id=run_id, text=text, author=author)
        session.add(note)
        session.flush()
        old = None if replaces is None else _note(session, run_id, replaces)
        if old is not None:
            old.replaced_by = note.id
        record(session, "run.note", f"run {run_id}", before=_noted(old), after=_noted(note))


def remove_note(run_id: int, note_id: int) -> None:
    """Take a note away; it stays in the history of edits. Raises CannotOrganise."""
    with writing() as session:
        note = _note(session, run_id, note_id)
        note.removed_at = utcnow()
        record(session, "run.note_removed", f"run {run_id}", before=_noted(note))


def _run(session: Session, run_id: int) -> ResearchRun:
    run = session.get(ResearchRun, run_id)
    if run is None or run.deleted_at is not None:
        raise CannotOrganise(f"There is no run {run_id}. It may have been deleted.")
    return run


def _note(session: Session, run_id: int, note_id: int) -> RunNote:
    note = session.get(RunNote, note_id)
    if note is None or note.run_id != run_id or note.replaced_by is not None or note.removed_at is not None:
        raise CannotOrganise("That note was changed or removed meanwhile. Load the page again.")
    return note


def _noted(note: RunNote | None) -> dict[str, Any] | None:
    """What the audit keeps of a note: its words too, for they go with the run when that is deleted for good."""
    return None if note is None else {"note": note.id, "text": note.text, "author": note.author}
