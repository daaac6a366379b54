"""The watchlist page: lists of companies, what was filed since, when they are run again; the inbox."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, abort, current_app, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard import htmx
from research_dashboard.access import owns, reader
from research_dashboard.extensions import db
from research_dashboard.models import Every, Watchlist
from research_dashboard.pages.frame import preferences
from research_dashboard.pages.researcher import checked, live
from research_dashboard.pages.runs import researcher
from research_dashboard.queries import watchlists as queries
from research_dashboard.queries.facts import company_by_cik
from research_dashboard.research import wording
from research_dashboard.services import schedule
from research_dashboard.services import watchlists as services
from research_dashboard.services.batches import BatchError, Line, companies_of
from research_dashboard.services.watchlists import NoSuchListError, Schedule, WatchlistError

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BESIDE = 8  # notices shown beside a list


def watchlist() -> AnyResponse:
    """The lists of companies, one of them open; POST makes a new list."""
    if request.method == "GET":
        return _page(request.args.get("list", type=int))
    lines: list[Line] = []
    try:
        lines = _lines(required=False)
        if _to_be_asked(lines):
            return _page(None, 422, lines=lines, typed=request.form, lines_for="new")
        ids = [company.id for company in companies_of(lines)]
        made = services.make_list(request.form.get("name", ""), researcher(), ids)
    except (WatchlistError, BatchError) as error:
        return _page(None, 422, wrong={f"new-{error.field}": str(error)}, typed=request.form)
    return redirect(url_for("pages.watchlist", list=made), 303)


def watchlist_change(list_id: int) -> AnyResponse:
    """Add or drop companies, set the schedule, run the whole list, rename or remove it."""
    actions: Mapping[str, Callable[[int], str]] = {
        "drop": _drop,
        "schedule": _schedule,
        "run": _run,
        "rename": _rename,
        "remove": _remove,
    }
    do = request.form.get("do", "")
    try:
        if do == "add":
            lines = _lines()
            if _to_be_asked(lines):
                return _page(list_id, 422, lines=lines, typed=request.form, lines_for="add")
            added = services.add_companies(list_id, [company.id for company in companies_of(lines)])
            flash(f"{wording.counted(added, 'company', 'companies')} added.", "ok")
        elif do in actions:
            flash(actions[do](list_id), "ok")
        else:
            abort(422, f"That cannot be done to a list. Choose add, {', '.join(actions)}.")
    except NoSuchListError as error:
        abort(404, str(error))
    except (WatchlistError, BatchError) as error:
        return _page(list_id, 422, wrong={f"{do}-{error.field}": str(error)}, typed=request.form)
    return redirect(url_for("pages.watchlist", list=None if do == "remove" else list_id), 303)


def company_watch(cik: int) -> AnyResponse:
    """Watch a company, or no longer; htmx is sent the button as it is then."""
    found = company_by_cik(db.session(), cik)
    if found is None:
        abort(404, f"No company with CIK {cik} is known here.")
    wanted = request.form.get("watch", "1")
    if wanted not in ("0", "1"):
        abort(422, "Watch is 1 or 0.")
    try:
        if wanted == "1":
            services.watch(found.id, researcher())
        else:
            services.unwatch(found.id)
    except WatchlistError as error:
        flash(str(error), "bad")
    if htmx.is_partial():
        html = render_template("companies/_watch.html", company=found, watched=wanted == "1")
        response = make_response(html)
        response.vary.add("HX-Request")
        return response
    return redirect(url_for("pages.company", cik=cik), 303)


def inbox() -> AnyResponse:
    """What there is to tell of the watchlists; POST marks it as read."""
    who = reader()
    if request.method == "POST":
        up_to = request.form.get("up_to", type=int)
        if up_to is None or not 0 <= up_to < 2**63:
            abort(422, "up_to is the number of the last notice that was read.")
        services.mark_read(who, up_to)
        return redirect(url_for("pages.inbox"), 303)
    session = db.session()
    return make_response(
        render_template(
            "watchlist/inbox.html",
            notices=queries.notices(session),
            read_up_to=queries.read_up_to(session, who),
            most=queries.NOTICES_SHOWN,
        )
    )


def _lines(*, required: bool = True) -> list[Line]:
    """The companies of the form, each line checked. Raises BatchError."""
    text = request.form.get("companies", "")
    if not required and not text.strip():
        return []
    return list(checked(text, need_figures=not live()))


def _to_be_asked(lines: list[Line]) -> bool:
    """True when a line is wrong and it was not said that the good ones are enough."""
    return any(line.error for line in lines) and not (request.form.get("only_good") and companies_of(lines))


def _drop(list_id: int) -> str:
    services.drop_company(list_id, request.form.get("company", 0, type=int))
    return "The company is off the list; its runs stay."


def _schedule(list_id: int) -> str:
    hour, weekday = request.form.get("hour", -1, type=int), request.form.get("weekday", 0, type=int)
    zone = request.form.get("time_zone", "").strip() or preferences().time_zone
    due = services.set_schedule(list_id, Schedule(request.form.get("every", ""), hour, weekday, zone))
    if due is None:
        return "This list is run by hand only."
    return f"Next run: {wording.long_minute(due, preferences().zone)} {preferences().time_zone}."


def _run(list_id: int) -> str:
    if services.run_list(list_id, researcher()) is None:
        return "The whole list is being run already; the inbox tells when all have ended."
    started = schedule.start_pending(current_app.config["SETTINGS"])
    return f"{wording.counted(started, 'run')} asked for; the inbox tells when all have ended."


def _refuse_others(list_id: int) -> None:
    """Everybody adds to a list and runs it; its name and its end are for who made it, and for admins."""
    found = db.session.get(Watchlist, list_id)
    if found is not None and not owns(found.author):
        abort(403, f"“{found.name}” is {found.author}’s list: only {found.author} or an admin renames or removes it.")


def _rename(list_id: int) -> str:
    _refuse_others(list_id)
    services.rename_list(list_id, request.form.get("name", ""))
    return "The list has its new name."


def _remove(list_id: int) -> str:
    _refuse_others(list_id)
    return f"“{services.remove_list(list_id)}” is removed; the runs it asked for stay."


def _page(list_id: int | None, status: int = 200, **context: Any) -> Response:
    session = db.session()
    lists = queries.lists(session)
    chosen = next((each for each, _ in lists if each.id == list_id), None)
    if list_id is not None and chosen is None:
        abort(404, "There is no such list: it may have been removed.")
    chosen = chosen or (lists[0][0] if lists else None)
    html = render_template(
        "watchlist/index.html",
        lists=lists,
        chosen=chosen,
        watched=queries.watched(session, chosen.id) if chosen else [],
        last=queries.last_pass(session, chosen.id) if chosen else None,
        notices=queries.notices(session, BESIDE),
        read_up_to=queries.read_up_to(session, reader()),
        says=_says(chosen) if chosen else "",
        every=list(Every),
        weekdays=WEEKDAYS,
        **{"wrong": {}, "typed": {}, "lines": [], "lines_for": "", **context},
    )
    return make_response(html, status)


def _says(found: Watchlist) -> str:
    """When the list is run, in words."""
    if found.every == Every.NEVER:
        return "Run by hand"
    day = "Every day" if found.every == Every.DAILY else f"Every {WEEKDAYS[found.weekday]}"
    return f"{day} at {found.hour:02}:00 {found.time_zone}"
