"""Putting the record in order from pages: many runs at once, one run's title, tags and notes, the trash."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard import htmx
from research_dashboard.access import refuse_changing, refuse_purging
from research_dashboard.extensions import db
from research_dashboard.pages.frame import preferences
from research_dashboard.pages.history import refused
from research_dashboard.pages.history_links import Links, record_url
from research_dashboard.pages.runs import researcher
from research_dashboard.queries import work
from research_dashboard.queries.bulk import bulk_job
from research_dashboard.queries.organised import Chosen, Trashed, ids_of
from research_dashboard.queries.run_fields import LARGEST
from research_dashboard.queries.run_filter import InvalidFilter, RunFilter
from research_dashboard.queries.runs import runs_total
from research_dashboard.queries.trash import in_trash, trash_total
from research_dashboard.reports.comparison import MOST
from research_dashboard.services import bulk_jobs
from research_dashboard.services import organise as services
from research_dashboard.services.bulk_jobs import ACTIONS, IN_TRASH
from research_dashboard.services.organise import CannotOrganise

MOST_PICKED, OLDEST = 200, 36_500
LEADING = ("compare", "export")  # lead to another page


def bulk() -> AnyResponse:
    """Do something to the picked runs or to all of the filter; the number is confirmed first. Who may only read exports
    and compares."""
    action, back = request.form.get("do", ""), request.form.get("filter", "")
    if action not in (*ACTIONS, *LEADING):
        abort(422, f"“{action[:30]}” cannot be done to runs. Choose {', '.join((*ACTIONS, *LEADING))}.")
    if action not in LEADING:
        refuse_changing()
    if action in IN_TRASH:
        return _confirmed(action, _trashed(), back, url_for("pages.trash"))
    try:
        wanted = RunFilter.parse(parse_qsl(back), zone=preferences().zone, also=("facets",))
    except InvalidFilter as error:
        return refused(error)
    chosen = wanted if request.form.get("all") else _picked()
    if not chosen:
        flash("Pick runs first, or “all of this filter”.", "warn")
        return redirect(_list(wanted), 303)
    if action == "export":
        return redirect(_file(chosen), 303)
    if action == "compare":
        return redirect(_comparison(chosen) or _list(wanted), 303)
    return _confirmed(action, chosen, back, _list(wanted))


def _trashed() -> Trashed:
    """The picked runs of the trash, or all that have lain there for so many days."""
    if not request.form.get("all"):
        return Trashed(tuple(_picked()))
    days = request.form.get("days", "0")
    if not days.isdecimal() or len(days) > 5 or int(days) > OLDEST:
        abort(422, f"days is a whole number from 0 to {OLDEST:,}.")
    return Trashed(days=int(days))


def _confirmed(action: str, chosen: Chosen, back: str, home: str) -> AnyResponse:
    """Ask how many it is about; once that is confirmed, do it, or as much of it as a moment allows."""
    if action == "purge":
        refuse_purging()
    name = request.form.get("tag", "")
    try:
        if action in ("tag", "untag"):
            name = services.tag_name(name)
        shown = request.form.get("shown", type=int)
        if shown is None:
            return _confirm(action, chosen, back, name, home)
        job_id = bulk_jobs.ask(action, chosen, researcher(), shown=shown, mark=request.form.get("mark"), tag=name)
    except CannotOrganise as error:
        flash(str(error), "bad")
        return redirect(home, 303)
    job = bulk_jobs.work_off_now(job_id)
    if job.state != "Done":
        return redirect(url_for("pages.bulk_progress", job_id=job_id), 303)
    flash(bulk_jobs.said(job), "warn" if job.skipped else "ok")
    return redirect(home, 303)


def _picked() -> list[int]:
    """The ids that were ticked."""
    texts = request.form.getlist("ids")[:MOST_PICKED]
    return sorted({int(text) for text in texts if text.isdecimal() and len(text) < 20 and 1 <= int(text) <= LARGEST})


def _list(wanted: RunFilter) -> str:
    return record_url(**wanted.params(page=wanted.page))


def _comparison(chosen: Chosen) -> str:
    """Where the runs stand side by side, oldest first; nowhere when they are too many, and then that is said."""
    ids = ids_of(db.session(), chosen, MOST + 1)
    if len(ids) > MOST:
        count = runs_total(db.session(), chosen) if isinstance(chosen, RunFilter) else len(ids_of(db.session(), chosen))
        flash(f"{count:,} runs are chosen; at most {MOST} are set side by side.", "warn")
        return ""
    return url_for("pages.compare", run=ids)


def _file(chosen: Chosen) -> str:
    if isinstance(chosen, RunFilter):
        return url_for("pages.historical_records_file", kind="csv", **chosen.params(page=None, per_page=None))
    terms = " OR ".join(_spans(ids_of(db.session(), chosen)))
    return url_for("pages.historical_records_file", kind="csv", q=terms)


def _spans(ids: list[int]) -> list[str]:
    """The ids as terms of a filter text, those that follow each other as one: (id>=3 AND id<=9)."""
    spans: list[list[int]] = []
    for run_id in ids:
        if spans and spans[-1][1] == run_id - 1:
            spans[-1][1] = run_id
        else:
            spans.append([run_id, run_id])
    return [f"id={first}" if first == last else f"(id>={first} AND id<={last})" for first, last in spans]


def _confirm(action: str, chosen: Chosen, back: str, name: str, home: str) -> Response:
    """How many runs it is about, and a button to go on."""
    ids = ids_of(db.session(), chosen)
    picked = chosen.ids if isinstance(chosen, Trashed) else None if isinstance(chosen, RunFilter) else chosen
    return make_response(
        render_template(
            "history/confirm.html",
            action=action,
            about=ACTIONS[action],
            number=len(ids),
            mark=bulk_jobs.marked(ids, action, name),
            name=name,
            ids=picked or [],
            everything=picked is None,
            days=chosen.days if isinstance(chosen, Trashed) else 0,
            in_trash=action in IN_TRASH,
            filter=back,
            conditions=Links(chosen).conditions() if isinstance(chosen, RunFilter) else [],
            back=home if action in IN_TRASH else record_url(**dict(parse_qsl(back))),
        )
    )


def bulk_progress(job_id: int) -> Response:
    """How far it is with what is being done to many runs."""
    session = db.session()
    job = bulk_job(session, job_id)
    if job is None:
        abort(404, f"Nothing was asked for under the number {job_id}.")
    working = job.state in ("Waiting", "Working")
    response = htmx.render(
        "history/bulk.html",
        "history/_bulk.html",
        htmx.STOP_POLLING if htmx.is_partial() and not working else 200,
        job=job,
        working=working,
        about=ACTIONS[job.action],
        said=bulk_jobs.said(job),
        worker_alive=work.alive(session),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def run_organise(run_id: int) -> AnyResponse:
    """Change a run's title, pin, tags or notes, and go back to where it was changed."""
    form = request.form
    actions: Mapping[str, Callable[[], object]] = {
        "title": lambda: services.rename(run_id, form.get("title", "")),
        "pin": lambda: services.pin(run_id, True),
        "unpin": lambda: services.pin(run_id, False),
        "tag": lambda: services.tag([run_id], form.get("tag", ""), form.get("colour") or None),
        "untag": lambda: services.untag([run_id], form.get("tag", "")),
        "note": lambda: services.write_note(run_id, form.get("text", ""), researcher(), form.get("replaces", type=int)),
        "note_remove": lambda: services.remove_note(run_id, form.get("note", 0, type=int)),
        "trash": lambda: services.trash([run_id]),
    }
    if form.get("do") not in actions:
        abort(422, f"That cannot be done to a run. Choose {', '.join(actions)}.")
    try:
        actions[form["do"]]()
    except CannotOrganise as error:
        if form["do"] == "note":
            return make_response(render_template("runs/note.html", run_id=run_id, problem=str(error)), 422)
        abort(422, str(error))
    if form["do"] == "trash":
        return redirect(url_for("pages.historical_records"), 303)
    if form.get("back") == "page":
        return redirect(url_for("pages.run", run_id=run_id, _anchor="beside"), 303)
    return redirect(url_for("pages.historical_records", run=run_id), 303)


def trash() -> AnyResponse:
    """What was deleted. A POST restores the runs that `ids` names, or deletes them for good, without asking again."""
    if request.method == "POST":
        ids = _picked()
        if request.form.get("do") not in IN_TRASH:
            abort(422, f"Choose {' or '.join(IN_TRASH)}.")
        restoring = request.form["do"] == "restore"
        if not restoring:
            refuse_purging()
        flash(
            f"{services.restore(ids):,} restored." if restoring else f"{services.purge(ids):,} deleted for good.", "ok"
        )
        return redirect(url_for("pages.trash"), 303)
    session = db.session()
    return make_response(
        render_template("trash/index.html", runs=in_trash(session, MOST_PICKED), total=trash_total(session))
    )
