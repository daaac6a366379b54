"""Historical Records (P42–P72): the filter, its runs, the details of one run."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from flask import Response, current_app, redirect, request, url_for
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard import charts, htmx
from research_dashboard.access import reader
from research_dashboard.extensions import db, to_json
from research_dashboard.logs import logger
from research_dashboard.models import ENDED, ResearchRun, Status, Tag
from research_dashboard.pages.edits import organise_context
from research_dashboard.pages.frame import preferences, readable, result_title
from research_dashboard.pages.history_links import COLUMNS, Links, record_url, usual_view
from research_dashboard.queries.organised import tag_names, tags_of
from research_dashboard.queries.run_facets import MARK, UNMARK, Facet, facets, snippets, sought
from research_dashboard.queries.run_fields import FIELDS, LARGEST, SOURCES, STATUSES
from research_dashboard.queries.run_filter import FILTERS, NAMES
from research_dashboard.queries.runs import (
    FieldError,
    InvalidFilter,
    RunFilter,
    RunPage,
    run_whole,
    runs_beside,
    runs_page,
)
from research_dashboard.queries.saved_views import View, saved_views
from research_dashboard.queries.trends import Trend, revenue_trends
from research_dashboard.research import wording
from research_dashboard.tables.runs import OURS

PAGE, ROWS, DIALOG = "history/index.html", "history/_swap.html", "history/_dialog.html"
FACETS = "history/_facet_counts.html"
TYPED = frozenset(FILTERS) - {"status", "source", "start", "end"}
MOST_DRAWN = 30  # trends of a page: a millisecond each
MOST_JSON = 20_000  # characters of a result that the dialog shows; the API has all of it


def historical_records() -> AnyResponse:
    """Browse and filter past research runs; with run=ID the details of that run over them."""
    if not request.args and (usual := usual_view()):
        return redirect(url_for("pages.view", view_id=usual))
    try:
        wanted = RunFilter.parse(
            request.args.items(multi=True), zone=preferences().zone, also=("run", "facets", "view")
        )
        run_id, view_id = _number("run", "the number of a run"), _view_shown()
    except InvalidFilter as error:
        return refused(error)
    if run_id is None:
        return _answer(wanted, 200, view_shown=view_id)
    return _details(wanted, run_id)


def refused(error: InvalidFilter) -> Response:
    """The page with what is wrong in the filter."""
    return _answer(RunFilter(zone=preferences().zone), 422, errors=error.errors, sent=error.sent)


def _view_shown() -> int | None:
    """The saved view whose filter this is, as its address leads here; none of view=all. Raises InvalidFilter."""
    return None if request.args.get("view") == "all" else _number("view", "all or the number of a view")


def _number(name: str, what: str) -> int | None:
    """The number of a run or a view that the address names. Raises InvalidFilter."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text) or not 1 <= int(text) <= LARGEST:
        error = FieldError(name, f"“{text[:30]}” is not {what}: a whole number from 1 to {LARGEST:,}.")
        raise InvalidFilter((error,), dict(request.args.items()))
    return int(text)


def _answer(
    wanted: RunFilter,
    status: int,
    *,
    errors: tuple[FieldError, ...] = (),
    sent: Mapping[str, Any] | None = None,
    **context: Any,
) -> Response:
    """The list under the filter; its errors, or that it cannot be read, in place of the rows (P72)."""
    page: RunPage | None = None
    more: list[Facet] = []
    views: Sequence[View] = ()
    tags: Sequence[str] = ()
    places: Mapping[int, str] = {}
    drawn: Mapping[int, Markup] = {}
    tagged: Mapping[int, Sequence[Tag]] = {}
    with_facets = request.args.get("facets") == "1"
    links = Links(wanted, with_facets)
    if not errors:
        try:
            page = runs_page(db.session(), wanted)
            views = saved_views(db.session(), reader())
            tags = tag_names(db.session()) if not htmx.is_partial() else ()
            if with_facets and not htmx.is_partial():  # else they follow the rows by themselves
                more = facets(db.session(), wanted)
            ids = [run.id for run in page.rows]
            places = snippets(db.session(), wanted, ids)
            tagged = tags_of(db.session(), ids) if "tag" in wanted.cols else {}
            drawn = {run_id: _drawn(trend) for run_id, trend in revenue_trends(db.session(), _reported(page)).items()}
        except SQLAlchemyError:
            logger.exception("the list of runs cannot be read")
            status = 503
    response = htmx.render(
        PAGE,
        ROWS,
        status,
        wanted=wanted,
        links=links,
        facets=more,
        views=views,
        with_facets=with_facets,
        places={run_id: _marked(text) for run_id, text in places.items()},
        drawn=drawn,
        tagged=tagged,
        sent=wanted.params() if sent is None else sent,
        errors={error.field: error.detail for error in errors},
        columns=[column for name in wanted.cols for column in COLUMNS if column[0] == name],
        tags=tags,
        marked=_found_in(wanted),
        sources=SOURCES,
        statuses=STATUSES,
        fields=tuple(FIELDS),
        page=page,
        **context,
    )
    if htmx.is_partial():
        response.headers["HX-Retarget"] = "#runs"  # errors too stay where the rows are
        address = _address(links, sent)
        response.headers["HX-Replace-Url" if _still_typing(address) else "HX-Push-Url"] = address
    return response


def _reported(page: RunPage) -> list[int]:
    """The page's runs that have a report, no more than are quickly looked through."""
    return [run.id for run in page.rows if run.status == Status.COMPLETED and run.origin in OURS][:MOST_DRAWN]


def _drawn(trend: Trend) -> Markup:
    """Revenue over the years as a small drawing that says in words from where to where it goes."""
    ends = [
        f"{wording.money_words(figure['value'], figure['unit'])} in {figure['period']['label']}"
        for figure in (trend.first, trend.last)
    ]
    words = f"Revenue: {ends[0]}, {ends[1]}"
    return Markup('<span role="img" aria-label="{0}" title="{0}">{1}</span>').format(words, charts.spark(trend.values))


def _still_typing(address: str) -> bool:
    """True when the page differs from the one shown in one text only: going back should not spell a word backwards."""
    shown, now = (dict(parse_qsl(urlsplit(url).query)) for url in (request.headers.get("HX-Current-URL", ""), address))
    changed = [name for name in shown | now if shown.get(name) != now.get(name)]
    return shown.keys() == now.keys() and len(changed) == 1 and changed[0] in TYPED


def historical_records_facets() -> AnyResponse:
    """The facets of a filter with their counts, for a page that has its rows already; else that page."""
    try:
        wanted = RunFilter.parse(request.args.items(multi=True), zone=preferences().zone, also=("facets",))
    except InvalidFilter as error:
        return refused(error)
    if not htmx.is_partial():
        return redirect(Links(wanted, True).page(wanted.page))
    found = readable(lambda: facets(db.session(), wanted), None)
    return htmx.render(PAGE, FACETS, links=Links(wanted, True), facets=found or [], page=True, with_facets=True)


def _found_in(wanted: RunFilter) -> Callable[[str], Markup]:
    """Marks in a name the words that were looked for."""
    words = sought(wanted)
    if not words:
        return Markup.escape
    either = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    return lambda name: _marked(either.sub(lambda found: f"{MARK}{found[0]}{UNMARK}", name))


def _marked(text: str) -> Markup:
    """A snippet with the found words marked; everything else is text."""
    return Markup(str(escape(text)).replace(MARK, "<mark>").replace(UNMARK, "</mark>"))  # noqa: S704  # escaped before


def _address(links: Links, sent: Mapping[str, Any] | None) -> str:
    """The address that shows the same again: without blanks, mistakes included."""
    known = {name: text for name, text in (sent or {}).items() if name in NAMES}
    return links.page(links.wanted.page, links.wanted.cursor) if sent is None else record_url(**known)


def _details(wanted: RunFilter, run_id: int) -> Response:
    """The dialog over the list; for htmx the dialog alone. What fails is said inside it (P71)."""
    status, problem, run = 200, "", None
    try:
        run = run_whole(db.session(), run_id)
    except SQLAlchemyError:
        logger.exception("a run cannot be read", run=run_id)
        status, problem = 503, "The database did not answer. Close this and try again in a moment."
    if run is None and not problem:
        logger.warning("research run not found", run=run_id)
        status, problem = 404, f"There is no run {run_id}. It may have been deleted, or the address has a slip."
    links = Links(wanted, request.args.get("facets") == "1")
    before, after = readable(lambda: runs_beside(db.session(), wanted, run_id), (None, None)) if run else (None, None)
    context = _dialog(run) | {
        "problem": problem,
        "previous_run": links.run(before) if before else "",
        "next_run": links.run(after) if after else "",
        "run_id": run_id,
        "wanted_params": wanted.params(),
        "back": links.page(wanted.page, wanted.cursor),
    }
    if not htmx.is_partial():
        return _answer(wanted, status, behind=True, **context)
    response = htmx.render(PAGE, DIALOG, status, **context)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#run-dialog", "outerHTML"
    return response


def _dialog(run: ResearchRun | None) -> dict[str, Any]:
    """What the dialog shows of a run."""
    if run is None:
        return {"run": None}
    failed = next((step.position for step in run.details if step.status == "Failed"), None)
    return {
        "run": run,
        "ended": run.status in ENDED,
        "failed_at": failed,
        "results": [(result_title(result.result_type), *_pretty(result.result_data)) for result in run.results],
        **organise_context(db.session(), run.id),
        "again": "pages.run_again" in current_app.view_functions and run.origin == "research",
    }


def _pretty(data: Any) -> tuple[str, int]:
    """JSON indented, as much of it as the dialog shows, and how many characters were left out."""
    text = msgspec.json.format(to_json(data), indent=2)
    if len(text) <= MOST_JSON:
        return text, 0
    shown = text[: text.rfind("\n", 0, MOST_JSON)]
    return shown, len(text) - len(shown)
