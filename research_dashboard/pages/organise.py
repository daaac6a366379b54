"""Putting the record in order from pages: many runs at once, one run's title, tags and notes, the trash."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard.extensions import db
from research_dashboard.pages.frame import preferences
from research_dashboard.pages.history import refused
from research_dashboard.pages.runs import researcher
from research_dashboard.queries.run_fields import LARGEST
from research_dashboard.queries.run_filter import InvalidFilter, RunFilter
from research_dashboard.queries.trash import in_trash, trash_total
from research_dashboard.reports.comparison import MOST
from research_dashboard.services import organise as services
from research_dashboard.services.organise import CannotOrganise, Chosen

MOST_PICKED = 200
# What can be done to many: the words on the confirmation, and whether work or data may be lost by it.
ACTIONS: Mapping[str, tuple[str, bool]] = {
    "tag": ("Put under the tag", False),
    "untag": ("Take from under the tag", False),
    "trash": ("Move to the trash", True),
}


def bulk() -> AnyResponse:
    """Do something to the picked runs or to all of the filter; the number is confirmed first."""
    action, back = request.form.get("do", ""), request.form.get("filter", "")
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
        return redirect(_comparison(chosen), 303)
    if action not in ACTIONS:
        abort(422, f"“{action[:30]}” cannot be done to runs. Choose {', '.join((*ACTIONS, 'export'))}.")
    name = request.form.get("tag", "")
    try:
        if action != "trash":
            name = services.tag_name(name)
        shown = request.form.get("shown", type=int)
        if shown is None:
            return _confirm(action, chosen, back, name)
        _say(action, _do(action, chosen, name, shown), shown, name)
    except CannotOrganise as error:
        flash(str(error), "bad")
    return redirect(_list(wanted), 303)


def _picked() -> list[int]:
    """The ids that were ticked."""
    texts = request.form.getlist("ids")[:MOST_PICKED]
    return sorted({int(text) for text in texts if text.isdecimal() and len(text) < 20 and 1 <= int(text) <= LARGEST})


def _list(wanted: RunFilter) -> str:
    return url_for("pages.historical_records", **wanted.params(page=wanted.page))


def _comparison(chosen: Chosen) -> str:
    """The picked runs side by side, oldest first; of a whole filter its first runs, one more than there can be."""
    ids = services.first_ids(db.session(), chosen, MOST + 1) if isinstance(chosen, RunFilter) else chosen
    return url_for("pages.compare", run=list(ids)[: MOST + 1])


def _file(chosen: Chosen) -> str:
    if isinstance(chosen, RunFilter):
        return url_for("pages.historical_records_file", kind="csv", **chosen.params(page=None, per_page=None))
    return url_for(
        "pages.historical_records_file", kind="csv", q=" OR ".join(f"id={run_id}" for run_id in chosen[:100])
    )


def _do(action: str, chosen: Chosen, name: str, shown: int) -> int:
    if action == "trash":
        return services.trash(chosen, shown)
    change: Callable[..., int] = services.tag if action == "tag" else services.untag
    return change(chosen, name, shown=shown)


def _say(action: str, done: int, shown: int, name: str) -> None:
    """What was done, in a sentence."""
    runs = "1 run" if done == 1 else f"{done:,} runs"
    if action == "trash":
        rest = f" {shown - done:,} are under way and stay: cancel them first." if done < shown else ""
        flash(f"{runs} moved to the trash.{rest}", "ok")
    else:
        flash(f"{runs} {'put under' if action == 'tag' else 'taken from under'} the tag “{name}”.", "ok")


def _confirm(action: str, chosen: Chosen, back: str, name: str) -> Response:
    """How many runs it is about, and a button to go on."""
    number = services.number_of(db.session(), chosen)
    words, danger = ACTIONS[action]
    return make_response(
        render_template(
            "history/confirm.html",
            action=action,
            words=words,
            danger=danger,
            number=number,
            name=name,
            ids=[] if isinstance(chosen, RunFilter) else chosen,
            everything=isinstance(chosen, RunFilter),
            filter=back,
            back=f"{url_for('pages.historical_records')}{'?' if back else ''}{urlencode(parse_qsl(back))}",
        )
    )


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
        flash(str(error), "bad")
    if form["do"] == "trash":
        return redirect(url_for("pages.historical_records"), 303)
    return redirect(url_for("pages.historical_records", run=run_id), 303)


def trash() -> AnyResponse:
    """What was deleted: restore it, or delete it for good (POST)."""
    if request.method == "POST":
        ids = _picked()
        if request.form.get("do") == "restore":
            flash(f"{services.restore(ids):,} restored.", "ok")
        elif request.form.get("do") == "purge":
            flash(f"{services.purge(ids):,} deleted for good.", "ok")
        else:
            abort(422, "Choose restore or purge.")
        return redirect(url_for("pages.trash"), 303)
    session = db.session()
    return make_response(
        render_template("trash/index.html", runs=in_trash(session, MOST_PICKED), total=trash_total(session))
    )
