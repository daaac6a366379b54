"""A run's report on its page, and as files to download."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flask import Response, abort, current_app, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard import charts
from research_dashboard.extensions import db
from research_dashboard.htmx import is_partial
from research_dashboard.models import ResearchRun, Status
from research_dashboard.queries import reports as queries
from research_dashboard.queries.preferences import defaults
from research_dashboard.reports import csv_file, json_file, layout, markdown, pack, pdf
from research_dashboard.reports.book import Cell, FactLine
from research_dashboard.reports.build import build, is_report
from research_dashboard.reports.model import Report, RunFacts
from research_dashboard.services import accounts
from research_dashboard.services.provenance import verify_run

Results = Mapping[str, Any]


def run_facts(run: ResearchRun) -> RunFacts:
    """What the report says of its run."""
    return RunFacts(
        id=run.id,
        company=run.company,
        researcher=run.researcher,
        date=run.date,
        as_of=run.as_of,
        source=run.source,
        ticker=run.ticker,
        rules_version=run.rules_version,
        data_version=run.data_version,
    )


def report_context(run: ResearchRun, results: Results) -> dict[str, Any]:
    """What runs/_report.html needs. `report` is None where the results are not those of the built-in research."""
    report = build(run_facts(run), results) if is_report(results) else None
    return {
        **drawn(report),
        "formats": FORMATS,
        "endpoints": current_app.view_functions,
        "links": accounts.share_links(run.id) if report else [],
    }


def drawn(report: Report | None) -> dict[str, Any]:
    """The report and what its template draws with."""
    labels = (
        {row.concept: row.label for part in (*report.parts, *report.further) for row in part.rows} if report else {}
    )
    cells = {cell.id: cell for item in report.evidence for cell in item.cells} if report else {}
    return {
        "report": report,
        "file": False,
        "draw": charts.draw,
        "spark": charts.spark,
        "strip": charts.strip,
        "MARKS": layout.MARKS,
        "mark_words": layout.mark_words,
        "known": cells.keys(),
        "beyond": lambda cell: _beyond(cell, cells),
        "label": lambda concept: labels.get(concept, layout.PEER_LABELS.get(concept, concept)),
        "rule_url": lambda rule: f"/rules#{rule}",
    }


def _beyond(cell: Cell, cells: Mapping[str, Cell]) -> list[FactLine]:
    """The facts of a figure that are not those of an input whose own evidence is shown."""
    shown = {fact.id for item in cell.inputs if item.cell in cells for fact in cells[item.cell].facts}
    return [fact for fact in cell.facts if fact.id not in shown]


def run_verify(run_id: int) -> AnyResponse:
    """Recompute every figure of the run from its facts, follow these to where they came from, and say n of n."""
    run = queries.run_kept(db.session(), run_id)
    if run is None:
        abort(404, f"There is no run #{run_id}.")
    results = queries.results_by_type(db.session(), run.id)
    if not is_report(results):
        abort(409, f"Run #{run.id} holds no figures of the built-in research to verify.")
    done = verify_run(run, results, current_app.config["SETTINGS"].instance)
    if is_partial():
        return make_response(render_template("runs/_verified.html", run=run, done=done))
    flash(done.words, "ok" if done.sound else "bad")
    return redirect(url_for("pages.run", run_id=run.id), 303)


# ── Files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Material(NamedTuple):
    """What every format is written from."""

    run: RunFacts
    results: Results
    report: Report | None
    paper: pdf.Paper = "a4"

    @property
    def author(self) -> str:
        """The researcher; nobody where that is but the operating system's user, whom no one chose to name."""
        return "" if self.run.researcher == defaults().researcher else self.run.researcher

    @property
    def drawn(self) -> Report:
        """The report, for the formats that are only asked for where there is one."""
        assert self.report is not None  # noqa: S101  # report_file() has looked
        return self.report


class Format(NamedTuple):
    """A format of the report. `free`: also for results in a form of their own, which no report can be drawn from."""

    extension: str
    title: str
    short: str
    mimetype: str
    write: Callable[[Material], str | bytes]
    free: bool = False


def _html(material: Material) -> str:
    sheet = Path(current_app.static_folder or "", "app.css").read_text()
    context = drawn(material.report) | {"file": True, "sheet": sheet, "run": material.run}
    return render_template("runs/report_file.html", **context)


def _xlsx(material: Material) -> bytes:
    from research_dashboard.reports import xlsx  # its library is large, and few reports are fetched so

    return xlsx.write(material.drawn, material.results)


def _pack(material: Material) -> bytes:
    names = {"csv": "figures.csv", "json": "results.json"}
    files = {
        names.get(one.extension, f"report.{one.extension}"): _bytes(one.write(material))
        for one in FORMATS
        if one.extension != "zip"
    }
    return pack.write(material.drawn, material.results, files)


def _bytes(made: str | bytes) -> bytes:
    return made.encode() if isinstance(made, str) else made


EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: tuple[Format, ...] = (
    Format("pdf", "PDF", "PDF", "application/pdf", lambda m: pdf.write(m.drawn, m.paper, m.author)),
    Format("html", "HTML, one file", "HTML", "text/html; charset=utf-8", _html),
    Format("md", "Markdown", "Markdown", "text/markdown; charset=utf-8", lambda m: markdown.write(m.drawn)),
    Format("xlsx", "Excel with formulas", "Excel", EXCEL, _xlsx),
    Format("csv", "Figures", "CSV", "text/csv; charset=utf-8", lambda m: csv_file.write(m.results)),
    Format(
        "json", "Data", "JSON", "application/json", lambda m: json_file.write(m.run, m.results, m.report), free=True
    ),
    Format("zip", "Evidence pack", "ZIP", "application/zip", _pack),
)
BY_EXTENSION = {format_.extension: format_ for format_ in FORMATS}
PAPERS: dict[str, pdf.Paper] = {"a4": "a4", "letter": "us-letter"}


def report_file(run_id: int, extension: str) -> Response:
    """The report as a file (`paper=letter` for a PDF in US Letter): 404 where there is none, 409 before completion."""
    wanted = BY_EXTENSION.get(extension)
    if wanted is None:
        abort(404, f"A report comes as {', '.join(BY_EXTENSION)}; not as {extension[:20]}.")
    paper = PAPERS.get(request.args.get("paper", "a4"))
    if paper is None:
        abort(422, f"paper is one of {', '.join(PAPERS)}.")
    run = queries.run_kept(db.session(), run_id)
    if run is None:
        abort(404, f"There is no run #{run_id}, so there is no report of it.")
    if run.status != Status.COMPLETED:
        abort(409, f"Run #{run.id} is {run.status}; a report can be downloaded of a completed run.")
    results = queries.results_by_type(db.session(), run.id)
    if not is_report(results) and not wanted.free:
        abort(404, f"Run #{run.id} was logged by a program and holds no report; its results can be had as JSON.")
    facts = run_facts(run)
    report = build(facts, results) if is_report(results) else None
    response = make_response(wanted.write(Material(facts, results, report, paper)))
    response.headers["Content-Type"] = wanted.mimetype
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(run)}.{extension}"'
    return response


def file_name(run: ResearchRun) -> str:
    """report-12-apple-inc: plain letters, so that every system takes it."""
    words = re.sub(r"[^a-z0-9]+", "-", run.company.lower()).strip("-")[:60].rstrip("-")
    return f"report-{run.id}-{words}" if words else f"report-{run.id}"
