"""The line of curl that does over the API what a page does, ready for a shell; every page ends with its own."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, request

from research_dashboard.access import single_user
from research_dashboard.extensions import to_json
from research_dashboard.pages.frame import preferences
from research_dashboard.queries.run_filter import NAMES, PER_PAGE
from research_dashboard.tables.runs import OURS

MOST = 10  # lines on a page
SIGNED = '-H "Authorization: Bearer $TOKEN"'  # double quotes: the shell puts the token in


@dataclass(frozen=True, slots=True)
class Line:
    """What it does, and the line."""

    what: str
    text: str


def lines(origin: str = "") -> Sequence[Line]:
    """The lines of the page that is asked for; none where the API has nothing like it. `origin`: of the page's run."""
    if request.endpoint in ("pages.run", "pages.run_log"):
        return _run(str(origin))
    make = PAGES.get(request.endpoint or "")
    return make()[:MOST] if make else ()


def _line(what: str, path: str, query: Mapping[str, str] | None = None, *, body: Any = None, more: str = "") -> Line:
    """One line; what may be anybody's text is quoted for the shell. `body`: is posted as JSON."""
    address = f"{request.url_root}api/{path}{'?' + urlencode(query) if query else ''}"
    words = ["curl", *more.split(), *(() if single_user() else (SIGNED,)), shlex.quote(address)]
    if body is not None:
        words += ["-H 'Content-Type: application/json'", "-d", shlex.quote(to_json(body))]
    return Line(what, " ".join(words))


def _history() -> list[Line]:
    """The filter, the order and the page of the list."""
    given: dict[str, str] = {}
    for name, text in request.args.items(multi=True):
        if name in NAMES and text.strip():
            given[name] = f"{given[name]},{text.strip()}" if name == "status" and name in given else text.strip()
    if given.get("status", "").lower() == "all":
        del given["status"]
    page, size = (_whole(given.pop(name, ""), usual) for name, usual in (("page", 1), ("per_page", PER_PAGE)))
    days = "start" in given or "end" in given
    what = "These runs; days are counted in UTC there" if days and str(preferences().zone) != "UTC" else "These runs"
    return [_line(what, "research_runs/", {**given, "skip": str((page - 1) * size), "limit": str(size)})]


def _whole(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and 0 < int(text[:10]) < 10**9 else usual


def _run(origin: str) -> list[Line]:
    """Every run's parts; of the built-in research's, whose `origin` is not a program, also its report."""
    number = request.view_args["run_id"] if request.view_args else 0
    path = f"research_runs/{number}"
    found = [
        _line("How far it is", f"{path}/progress"),
        _line("The run, its steps and its results", path, {"include": "details,results"}),
    ]
    if origin in OURS:
        found += [
            _line("Its report, in any format", f"{path}/report", {"format": "pdf"}, more="-L -o report.pdf"),
            _line("The same research again", f"{path}/rerun", more="-X POST"),
        ]
    return found


def _researcher() -> list[Line]:
    body = {"company": request.values.get("company", "").strip() or "AAPL"}
    return [_line("Start this research", "research", body=body), *_companies(body["company"])]


def _companies(text: str = "") -> list[Line]:
    return [_line("Find companies", "companies/", {"q": text} if text else None)]


def _company() -> list[Line]:
    cik = request.view_args["cik"] if request.view_args else 0
    return [*_companies(str(cik)), _line("Research it", "research", body={"company": cik})]


def _compare() -> list[Line]:
    given = [part for name in ("a", "b", "run") for text in request.args.getlist(name) for part in text.split(",")]
    runs = [text.strip() for text in given if text.strip().isascii() and text.strip().isdecimal()]
    found = [_line(f"Run {run}", f"research_runs/{run}", {"include": "results"}) for run in runs]
    for text in request.args.getlist("company"):
        found += _companies(text)
    return found or [_line("Runs to compare", "research_runs/", {"status": "Completed"})]


PAGES: Mapping[str, Callable[[], list[Line]]] = {
    "pages.overview": lambda: [_line("The newest runs", "research_runs/", {"limit": "8"})],
    "pages.researcher": _researcher,
    "pages.historical_records": _history,
    "pages.company": _company,
    "pages.compare": _compare,
    "pages.companies_upload": lambda: [
        _line("Upload figures", "companies/upload", body={"csv": "company name,concept,period start,period end,…"})
    ],
    "pages.trash": lambda: [_line("Take run 1 out of the trash", "research_runs/1/restore", more="-X POST")],
    "pages.watchlist": _companies,
}


def init_app(app: Flask) -> None:
    """Give the templates the lines."""
    app.jinja_env.globals["curl_lines"] = lines
