"""A run's page: how it goes, then its report; and what can be done with it: cancel, resume, run again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from flask import (
    Response,
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard import htmx
from research_dashboard.access import actor, may_write
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.models import ENDED, Level, ResearchResult, ResearchRun, Status
from research_dashboard.pages.changes import changes_context
from research_dashboard.pages.edits import organise_context
from research_dashboard.pages.frame import preferences, readable
from research_dashboard.pages.history_links import record_url
from research_dashboard.pages.progress import bars, is_ours, poll_after, progress
from research_dashboard.pages.report import report_context
from research_dashboard.queries import run_log, work
from research_dashboard.queries.changes import changes_of
from research_dashboard.queries.records import fingerprint
from research_dashboard.queries.runs import InvalidFilter, RunFilter, runs_beside
from research_dashboard.services import runs as services
from research_dashboard.timeline import draw, pauses

PARTS = 64  # parts of watched runs that are kept at most, of 5 to 20 kB each
TOKEN = "TOKEN-OF-WHO-READS"  # noqa: S105  # in a kept part, in the place of a CSRF token
LOG_SHOWN = 8  # the newest lines, below the steps
NEWS_FOR = timedelta(seconds=15)  # that a run is complete is news to who loads its page
WITHOUT_SCRIPT = 3  # seconds after which a browser that runs no script asks for the page of a run under way anew

SOURCES = {
    "bundled": "bundled SEC filings",
    "imported": "imported SEC data sets",
    "live": "SEC live data",
    "uploaded": "uploaded figures (not filed)",
}
CHANGEABLE = {
    "foreign_filer",
    "no_annual_report",
    "no_company",
    "no_facts",
    "no_xbrl",
    "not_found",
}  # failures that asking otherwise cures
HEADINGS = {
    Status.QUEUED: "Research of {} is waiting",
    Status.RUNNING: "Researching {}",
    Status.CANCELLING: "Cancelling the research of {}",
    Status.CANCELLED: "Research of {} was cancelled",
    Status.COMPLETED: "Summary Report: {}",
    Status.FAILED: "Research of {} failed",
    Status.INTERRUPTED: "Research of {} was interrupted",
}

_parts: dict[tuple[int, str], str] = {}
_making_room = Lock()


def run(run_id: int) -> Response:
    """A run: its progress while it works, then its report. htmx is sent the part that changes, at the end with 286.

    The page asks every second or two, and its browser with If-None-Match: while nothing has changed, that is 304.
    """
    state = _state(run_id) if htmx.is_partial() else None
    if state and request.if_none_match.contains_weak(state):
        response = Response(status=304)
    elif state and (part := _parts.get((run_id, state))):
        response = Response(part.replace(TOKEN, generate_csrf()))
    else:
        found = found_run(run_id)
        context = _context(found) | ({} if htmx.is_partial() else _around(found.id))
        status = htmx.STOP_POLLING if htmx.is_partial() and not context["poll_after"] else 200
        if state and status == 200:
            response = Response(_keep(run_id, state, context).replace(TOKEN, generate_csrf()))
        else:
            response = htmx.render("runs/show.html", "runs/_swap.html", status, **context)
        if not context["under_way"]:
            response.headers["Cache-Control"] = "private, no-cache"
            return response
    response.vary.add("HX-Request")
    response.headers["Cache-Control"] = "private, no-cache" if state else "no-store"
    if state:
        response.set_etag(state)
    return response


def _keep(run_id: int, state: str, context: dict[str, Any]) -> str:
    """Make the part for all who will ask for the run in this state, with TOKEN where each reader's own belongs."""
    own = generate_csrf()
    g.csrf_token = TOKEN
    try:
        part = render_template("runs/_swap.html", **context)
    finally:
        g.csrf_token = own
    with _making_room:
        while len(_parts) >= PARTS:
            del _parts[next(iter(_parts))]
        _parts[run_id, state] = part
    return part


def run_refused(run_id: int, **context: Any) -> Response:
    """The run's page after one of its forms was refused: `context` says which, with what was typed and why."""
    found = found_run(run_id)
    page = render_template("runs/show.html", **_context(found), **_around(found.id), **context)
    return make_response(page, 422)


def _around(run_id: int) -> dict[str, Any]:
    """What stands around the part that changes: the runs before and after in the filter that the address has on from
    the list, the way back to it, and what people put beside the run."""
    try:
        wanted = RunFilter.parse(request.args.items(multi=True), zone=preferences().zone)
    except InvalidFilter as error:
        abort(422, str(error))
    session, kept = db.session(), wanted.params()
    beside = readable(lambda: runs_beside(session, wanted, run_id), (None, None))
    before, after = (url_for("pages.run", run_id=one, **kept) if one else "" for one in beside)
    back = record_url(**kept)
    return {"previous_run": before, "next_run": after, "back": back, **organise_context(session, run_id)}


def _state(run_id: int) -> str | None:
    """What a part of the page that waits shows, as an ETag; None where it is not to be kept: at the end, with messages.

    The time gone by is part of it, coarsely: the page's clocks go on by themselves, but what the time left and “slower
    than usual” are measured by is told anew. So are the reader's rights, because the buttons go by them.
    """
    now = utcnow()
    rows = work.watched(db.session(), run_id, now)
    if not rows or rows[0].status in ENDED or "_flashes" in session:
        return None
    began = rows[0].started_at
    shown = (
        clock((now - began).total_seconds()) if began else 0,
        poll_after(rows[0], now),
        may_write("pages.run_again"),
        preferences(),
        current_app.config["SQLALCHEMY_DATABASE_URI"],
    )
    return fingerprint(repr((rows, shown)))


def clock(seconds: float) -> int:
    """The time of a run as far as it makes its part anew: every fifth second at first, every fifteenth from 15 s on,
    every thirtieth from a minute on. Between them whoever asks is told 304, however many watch."""
    step = 5 if seconds < 15 else 15 if seconds < 60 else 30
    return int(seconds) // step * step


def run_cancel(run_id: int) -> AnyResponse:
    """Ask the run to stop and go back to it."""
    return _act(run_id, services.cancel)


def run_resume(run_id: int) -> AnyResponse:
    """Put the run in the queue again, to go on after its last finished step."""
    return _act(run_id, services.resume)


def run_again(run_id: int) -> AnyResponse:
    """Start the same research anew and go to the new run."""
    return _act(run_id, lambda run_id: services.rerun(run_id, researcher()))


def researcher() -> str:
    """The name that stands on what is started in this request."""
    who = actor()
    if who is None:
        abort(403)
    return who.name


def _act(run_id: int, action: Callable[[int], object]) -> AnyResponse:
    """Do it and lead to the run it is about; a refusal is said on the run's own page."""
    try:
        done = action(run_id)
    except services.NoSuchRunError:
        abort(404, _absent(run_id))
    except services.RunError as error:
        flash(str(error), "bad")
        done = None
    shown = done.run_id if isinstance(done, services.Started) else run_id
    return redirect(url_for("pages.run", run_id=shown), 303)


def found_run(run_id: int) -> ResearchRun:
    """The run with its steps; 404 for one that is not there or in the trash."""
    found = db.session.scalar(
        select(ResearchRun)
        .where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
        .options(selectinload(ResearchRun.details))
    )
    if found is None:
        abort(404, _absent(run_id))
    return found


def _absent(run_id: int) -> str:
    newest = db.session.scalar(select(ResearchRun.id).order_by(ResearchRun.id.desc()).limit(1))
    last = f"The newest is #{newest}." if newest else "No run has been made yet."
    return f"There is no run #{run_id}. {last}"


def _change(found: ResearchRun) -> str | None:
    """Where the same research can be asked for with another day, source or company, if that is the failure's cure."""
    if found.status != Status.FAILED or found.error_kind not in CHANGEABLE or not is_ours(found):
        return None
    company = found.ticker or found.company
    return url_for("pages.researcher", company=company, as_of=found.as_of, source=found.source or None)


def _is_news(found: ResearchRun, now: datetime) -> bool:
    """True for a run that ended before the reader's eyes: whoever opens an old report knows that it is complete."""
    if htmx.is_partial():  # the page asked while the run was under way, and asks no more after this answer
        return True
    return found.finished_at is not None and now - found.finished_at < NEWS_FOR


def _context(found: ResearchRun) -> dict[str, Any]:
    session, now = db.session(), utcnow()
    logged = not is_ours(found)
    under_way = found.status not in ENDED
    complete = found.status == Status.COMPLETED and not logged
    wanted = select(ResearchResult).where(ResearchResult.research_run_id == found.id).order_by(ResearchResult.id)
    if under_way and not logged:  # the report needs them all, the way there only the profile
        wanted = wanted.where(ResearchResult.result_type == "company_profile")
    results = session.scalars(wanted).all()
    shown = progress(found, {} if logged else work.usual_seconds(session, found.id, found.source), now)
    timeline = bars(shown, found.started_at)
    profile: Any = next((result.result_data for result in results if result.result_type == "company_profile"), {})
    return {
        "run": found,
        "logged": logged,
        "under_way": under_way,
        "complete": found.company if complete and _is_news(found, now) else "",
        "heading": found.company if logged else HEADINGS[Status(found.status)].format(found.company),
        "progress": shown,
        "timeline": draw(timeline),
        "pauses": pauses(timeline),
        "log": [] if logged or complete else run_log.lines(session, found.id, Level.INFO, LOG_SHOWN),
        "poll_after": None if logged else poll_after(found, now),
        "without_script": WITHOUT_SCRIPT,
        "queue_position": work.queue_position(session, found.id) if found.status == Status.QUEUED else None,
        "worker_alive": not under_way or work.alive(session, now),
        "change": _change(found),
        "sources": SOURCES,
        "profile": profile if isinstance(profile, dict) else {},
        "results": results,
        **changes_context(changes_of(session, found.id) if complete else None),
        **report_context(found, {result.result_type: result.result_data for result in results} if complete else {}),
    }
