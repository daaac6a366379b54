"""Doing one thing to many runs, whatever their number: what was confirmed is kept as a job and worked off in chunks.

Whoever asks works at it for a moment, so that a few runs are done when he is answered; the rest is the workers'. A
job's row is its lease, as a run's is: each chunk is written together with how far the job is, so that one that was
killed goes on where it was.
"""

import re
import time
import uuid
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from research_dashboard.base import fold, utcnow
from research_dashboard.extensions import in_a_transaction, one_transaction, reading, writing
from research_dashboard.logs import logger
from research_dashboard.queries.bulk import undone
from research_dashboard.queries.organised import Chosen, Trashed, ids_of
from research_dashboard.queries.runs import RunFilter
from research_dashboard.services import accounts, audit, organise, runs
from research_dashboard.services.audit import record
from research_dashboard.services.organise import CannotOrganise, OthersByNow
from research_dashboard.tables.bulk import BulkJob
from research_dashboard.tables.runs import ENDED, OURS, ResearchRun, Status

LEASE = timedelta(seconds=30)
CHUNK = 2000  # runs changed in one transaction, so that others can write in between
ONE_BY_ONE = 20  # of those that are asked for one by one, between two notes of how far it is
AT_ONCE = 1.0  # seconds that whoever asks works at it himself
Outcome = tuple[int, Counter[str]]  # how many it was done to; why others were left


class TakenAway(Exception):
    """Another worker has the job."""


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done to many. `done`: the words after “30 runs”; danger: work or data may be lost by it."""

    words: str
    done: str
    hint: str = ""
    danger: bool = False


ACTIONS: Mapping[str, Action] = {
    "tag": Action("Put under the tag", "put under the tag “{tag}”"),
    "untag": Action("Take from under the tag", "taken from under the tag “{tag}”"),
    "rerun": Action("Run again", "asked for again", "Each is asked for anew, on the data as they are now."),
    "retry": Action("Retry failed", "put in the queue again", "Those that failed go on from the step that failed."),
    "cancel": Action("Cancel", "asked to stop", "Those that wait or work are stopped.", danger=True),
    "trash": Action(
        "Move to the trash",
        "moved to the trash",
        "They can be restored from the trash. Research that is under way stays.",
        danger=True,
    ),
    "restore": Action("Restore", "restored"),
    "purge": Action(
        "Delete for good", "deleted for good", "With their steps, results, notes and tags; there is no way back.", True
    ),
}
NUMBERED = re.compile(r"\b[Rr]un [0-9]+\b")
IN_TRASH, TAGGING = ("restore", "purge"), ("tag", "untag")
GONE = "are no longer there"
FULL = f"have {organise.MOST_TAGS} tags already"
NOT_OURS = "were logged by a program: only that program can change them"


def chosen_by(action: str, text: str, days: int = 0) -> Chosen:
    """The runs of a filter text: outside the trash or, for what is done there, those that lie in it so many days.

    Raises InvalidFilter.
    """
    wanted = RunFilter.parse([("q", text)])
    return Trashed(days=days, wanted=wanted) if action in IN_TRASH else wanted


def counted(chosen: Chosen, action: str, tag: str = "") -> tuple[int, str]:
    """How many runs these are, and the mark by which the action on them is told from any other."""
    with reading() as session:
        ids = ids_of(session, chosen)
    return len(ids), marked(ids, action, tag)


def marked(ids: Sequence[int], action: str, tag: str = "") -> str:
    """What tells this action on these runs from any other: confirmed is what was shown, not only as many."""
    what = f"{action} {fold(' '.join(tag.split())) if action in TAGGING else ''}\n"
    return sha256(what.encode() + array("q", ids).tobytes()).hexdigest()[:32]


def ask(
    action: str,
    chosen: Chosen,
    by: str,
    *,
    shown: int,
    mark: str | None = None,
    tag: str | None = None,
    via: str = "page",
) -> int:
    """Keep what is to be done to these runs; the id of the job. Raises OthersByNow when they are not those shown."""
    if action not in ACTIONS:
        raise CannotOrganise(f"“{action[:30]}” cannot be done to runs. Choose {', '.join(ACTIONS)}.")
    name = organise.tag_name(tag or "") if action in TAGGING else None
    with reading() as session:
        if action == "untag" and name and not organise.there_is_a_tag(session, name):
            raise CannotOrganise(f"There is no tag “{name}”.")
        ids = ids_of(session, chosen)
    if len(ids) != shown:
        raise OthersByNow(shown, len(ids))
    if mark is not None and mark != marked(ids, action, name or ""):
        raise OthersByNow(shown, len(ids), others=True)
    job = BulkJob(action=action, tag=name, ids=packed(ids), total=len(ids), skipped={}, asked_by=by, via=via)
    with writing() as session:
        session.add(job)
        session.flush()
        record(session, f"bulk.{action}", f"{len(ids):,} runs", after={"job": job.id, "tag": name})
    return job.id


def packed(ids: Sequence[int]) -> bytes:
    """Ascending ids as the compressed distances between them: a million take some kilobytes."""
    distances = array("q", (after - before for before, after in zip((0, *ids), ids, strict=False)))
    return zlib.compress(distances.tobytes(), 1)


def unpacked(data: bytes) -> list[int]:
    """The ids again."""
    distances, ids, last = array("q"), [], 0
    distances.frombytes(zlib.decompress(data))
    for distance in distances:
        last += distance
        ids.append(last)
    return ids


def work_off(job_id: int, stop: Callable[[], bool] = lambda: False) -> None:
    """Work at the job until it is done, `stop` says so, or somebody else has it. It can be gone on with by anybody."""
    holder = uuid.uuid4().hex
    job = _claim(job_id, holder)
    if job is None or job.ids is None:
        return
    try:
        with audit.on_behalf_of(audit.Who(job.asked_by, job.via)):
            ids = unpacked(job.ids)
            while job.place < job.total and not stop():
                job = _chunk(job, ids, holder)
        _give_up(job, holder, "Done" if job.place == job.total else "Waiting")
    except TakenAway:
        logger.warning("bulk_job_taken_away", job=job_id)
    except CannotOrganise as error:
        _give_up(job, holder, "Failed", str(error))


def work_off_now(job_id: int) -> BulkJob:
    """Work at it for a moment; how far it is then. Within a transaction of the caller's it is left to the workers."""
    until = time.monotonic() + AT_ONCE
    if not in_a_transaction():
        work_off(job_id, lambda: time.monotonic() > until)
    with reading() as session:
        return session.get_one(BulkJob, job_id)


def work_off_all(stop: Callable[[], bool]) -> None:
    """Work at what waits."""
    with reading() as session:
        waiting = undone(session, utcnow())
    for job_id in waiting:
        if not stop():
            work_off(job_id, stop)


def _claim(job_id: int, holder: str) -> BulkJob | None:
    now = utcnow()
    free = BulkJob.lease_until.is_(None) | (BulkJob.lease_until < now)
    with writing() as session:
        return session.scalar(
            update(BulkJob)
            .where(BulkJob.id == job_id, BulkJob.state.in_(("Waiting", "Working")), free)
            .values(state="Working", holder=holder, lease_until=now + LEASE)
            .returning(BulkJob)
        )


def _chunk(job: BulkJob, ids: Sequence[int], holder: str) -> BulkJob:
    """The next runs, and how far it is, in one transaction; those asked for one by one before it, for each has one of
    its own. Doing these twice does no harm. Raises TakenAway."""
    at_once = SETS.get(job.action)
    part = ids[job.place : job.place + (CHUNK if at_once else ONE_BY_ONE)]
    if at_once is None:
        outcome = _one_by_one(job, part)
        with writing() as session:
            return _note(session, job, holder, len(part), outcome)
    with one_transaction() as session:
        done, full = at_once(part, job.tag or ""), 0
        if job.action == "tag":
            full = len(organise.full_of_tags(session, part, job.tag or ""))
        left = Counter({LEFT[job.action]: len(part) - done - full, FULL: full})
        return _note(session, job, holder, len(part), (done, +left))


def _note(session: Session, job: BulkJob, holder: str, size: int, outcome: Outcome) -> BulkJob:
    done, left = outcome
    found = session.scalar(
        update(BulkJob)
        .where(BulkJob.id == job.id, BulkJob.holder == holder, BulkJob.place == job.place)
        .values(
            place=BulkJob.place + size,
            done=BulkJob.done + done,
            skipped=dict(Counter(job.skipped) + left),
            lease_until=utcnow() + LEASE,
        )
        .returning(BulkJob)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise TakenAway
    return found


def _give_up(job: BulkJob, holder: str, state: str, message: str | None = None) -> None:
    """End the job, or leave it to the next."""
    values: dict[str, Any] = {"state": state, "holder": None, "lease_until": None, "message": message}
    if state != "Waiting":
        values |= {"finished_at": utcnow(), "ids": None}
    with writing() as session:
        session.execute(update(BulkJob).where(BulkJob.id == job.id, BulkJob.holder == holder).values(**values))


def _untag(ids: Sequence[int], tag: str) -> int:
    try:
        return organise.untag(ids, tag)
    except CannotOrganise:  # an earlier chunk took it from the last run that had it, and so the tag went too
        return 0


SETS: Mapping[str, Callable[[Sequence[int], str], int]] = {
    "tag": lambda ids, tag: organise.tag(ids, tag, passing=True),
    "untag": _untag,
    "trash": lambda ids, _: organise.trash(ids),
    "restore": lambda ids, _: organise.restore(ids),
    "purge": lambda ids, _: organise.purge(ids),
}
LEFT = {
    "tag": GONE,
    "untag": "were not under it",
    "trash": "are under way and stay: cancel them first",
    "restore": "are no longer in the trash",
    "purge": "are no longer in the trash",
}
# What a run must be for it, and what is said of one that is not.
FIT: Mapping[str, tuple[frozenset[str], str]] = {
    "rerun": (frozenset(ENDED), "are under way already"),
    "retry": (frozenset({Status.FAILED}), "had not failed"),
    "cancel": (
        frozenset({Status.QUEUED, Status.RUNNING, Status.INTERRUPTED}),
        "had ended already or were being stopped",
    ),
}


def _one_by_one(job: BulkJob, ids: Sequence[int]) -> Outcome:
    """Ask for each run what can only be asked for one: again, on, or to stop."""
    run = ResearchRun
    with reading() as session:
        statement = select(run.id, run.status, run.origin).where(run.id.in_(ids), run.deleted_at.is_(None))
        there = {row.id: row for row in session.execute(statement)}
    fit, otherwise = FIT[job.action]
    done, left = 0, Counter[str]()
    for run_id in ids:
        found = there.get(run_id)
        if found is None:
            left[GONE] += 1
        elif found.origin not in OURS:
            left[NOT_OURS] += 1
        elif found.status not in fit:
            left[otherwise] += 1
        else:
            reason = _refusal(job, run_id)
            done += reason is None
            left.update([reason] if reason else [])
    return done, left


def _refusal(job: BulkJob, run_id: int) -> str | None:
    """Do it to the one; why it could not be, or None."""
    try:
        if job.action == "rerun":
            started = runs.rerun(run_id, accounts.person_of(job.asked_by), created_by=job.asked_by)
            return None if started.new else "are the same research as one that waits or works already"
        if job.action == "retry":
            runs.resume(run_id)
        else:
            runs.cancel(run_id)
    except runs.RunError as error:
        return f"could not be: {NUMBERED.sub('the run', str(error))}"  # so that the same reason is counted as one
    return None


def said(job: BulkJob) -> str:
    """What was done, and what was left and why, in sentences."""
    count = "1 run" if job.done == 1 else f"{job.done:,} runs"
    words = [f"{count} {ACTIONS[job.action].done.format(tag=job.tag)}."]
    words += [f"{number:,} {reason.rstrip('.')}." for reason, number in job.skipped.items()]
    return " ".join([*words, *([job.message] if job.message else [])])
