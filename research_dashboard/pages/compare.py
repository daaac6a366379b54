"""Compare: two to ten runs or companies side by side, on a page and as a file."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, abort, make_response, request, url_for

from research_dashboard import htmx
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.pages.changes import groups
from research_dashboard.queries import compare as queries
from research_dashboard.reports.comparison import MARKS, MOST, Comparison
from research_dashboard.reports.comparison_files import WRITERS, source_of
from research_dashboard.research.changes import what_changed
from research_dashboard.services.changes import UNREADABLE
from research_dashboard.services.comparisons import CannotCompare, TooFew, chosen, compared

PAGE, PART = "compare/index.html", "compare/_comparison.html"
OTHER_RUNS, OTHER_COMPANIES = 20, 100
SWITCHES = {"differences": ("", "0", "1"), "figures": ("", "main", "all")}


def compare() -> Response:
    """The comparison that the address asks for; without one, or with what cannot be compared, a form to choose."""
    problem, status = "", HTTPStatus.OK
    made: Comparison | None = None
    try:
        if _asked():
            made = _compared()
    except CannotCompare as error:
        if not isinstance(error, TooFew) or error.again:  # who has chosen the first of two is on the way, not in error
            problem, status = str(error), error.status
    ids = [column.run.id for column in made.columns] if made else _beginning()
    response = htmx.render(
        PAGE,
        PART,
        status,
        made=made,
        problem=problem,
        ids=ids,
        choices=_choices(ids),
        switches=_switches(),
        changed=_changed(made) if made else [],
        address=_address,
        marks=MARKS,
        most=MOST,
        source_of=source_of,
    )
    if htmx.is_partial():
        response.headers["HX-Push-Url"] = _address(ids) if made else request.full_path
        response.headers["HX-Retarget"] = "#comparison"
    return response


def compare_file(kind: str) -> Response:
    """The comparison as csv, xlsx or json."""
    if kind not in WRITERS:
        abort(404, f"A comparison comes as {', '.join(WRITERS)}; not as {kind[:20]}.")
    try:
        made = _compared()
    except CannotCompare as error:
        abort(int(error.status), str(error))
    write, content_type = WRITERS[kind]
    response = make_response(write(made))
    response.headers["Content-Type"] = content_type
    response.headers.set("Content-Disposition", "attachment", filename=f"comparison-{utcnow():%Y-%m-%d}.{kind}")
    return response


def _columns() -> tuple[list[str], list[str]]:
    """Runs and companies of the address: run=1&run=2, run=1,2, a=1&b=2 (two runs), company=320193&company=MSFT."""
    runs = [part for text in request.args.getlist("run") for part in text.split(",")]
    return [*request.args.getlist("a"), *request.args.getlist("b"), *runs], request.args.getlist("company")


def _compared() -> Comparison:
    """What the address asks for. Raises CannotCompare."""
    runs, companies = _columns()
    return compared(db.session(), runs, companies, **_switches())


def _asked() -> bool:
    runs, companies = _columns()
    return any(text.strip() for text in (*runs, *companies))


def _switches() -> dict[str, bool]:
    """Which rows are shown. Aborts with 422 for a value that is none."""
    for name, values in SWITCHES.items():
        if request.args.get(name, "") not in values:
            abort(422, f"{name} is {' or '.join(value for value in values if value)}.")
    return {
        "every": request.args.get("figures") == "all",
        "differences": request.args.get("differences") == "1",
    }


def _address(ids: Sequence[int], kind: str = "", **changes: bool) -> str:
    """The comparison of these runs, as a page or as a file."""
    switches = _switches() | changes
    more: dict[str, Any] = {"differences": "1"} if switches["differences"] else {}
    more |= {"figures": "all"} if switches["every"] else {}
    if kind:
        return url_for("pages.compare_file", kind=kind, run=list(ids), **more)
    return url_for("pages.compare", run=list(ids), **more)


def _beginning() -> list[int]:
    """The runs that the form begins with: those of the address that can be compared, or the one it came from."""
    runs, companies = _columns()
    found: list[int] = []
    for text in (*runs, request.args.get("with", "")):
        found += _one([text], [])
    for name in companies:
        found += _one([], [name])
    return list(dict.fromkeys(found))[:MOST]


def _one(runs: Sequence[str], companies: Sequence[str]) -> list[int]:
    try:
        return [run.id for run in chosen(db.session(), runs, companies)]
    except CannotCompare:
        return []


def _choices(ids: Sequence[int]) -> list[tuple[str, list[Any]]]:
    """What can be chosen, in groups: other runs of the companies at hand, then the newest run of each company."""
    session = db.session()
    picked = queries.runs_by_id(session, ids)
    companies = dict.fromkeys(picked[run_id].company_id for run_id in ids if run_id in picked)
    found = []
    for company_id in companies:
        runs = list(queries.runs_of(session, company_id, OTHER_RUNS)) if company_id else []
        there = {run.id for run in runs}
        runs += [run for run in picked.values() if run.company_id == company_id and run.id not in there]
        if runs:
            found.append((f"Runs of {runs[0].company}", runs))
    others = [run for run in queries.newest_of_each(session, OTHER_COMPANIES) if run.company_id not in companies]
    return [*found, ("Newest run of", others)] if others else found


def _changed(made: Comparison) -> list[Any]:
    """Why the first and the last differ, where they are of one company."""
    if not made.same_company:
        return []
    try:
        found = what_changed(made.columns[0].results, made.columns[-1].results)
    except UNREADABLE:
        return []
    return groups(found)
