"""Research of many companies at once: a pasted list, each line checked; nothing starts while a line is wrong."""

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard.forms import BatchForm
from research_dashboard.pages.researcher import checked, live, sources
from research_dashboard.pages.runs import researcher as speaker
from research_dashboard.research import wording
from research_dashboard.research.model import Company
from research_dashboard.services.batches import Batch, BatchError, companies_of, start_all
from research_dashboard.services.runs import Started, start_research

MOST_NAMED = 100  # runs that an address can name


def batch() -> AnyResponse:
    """Paste a list of companies; POST checks each line, and starts them all, or by choice only the good ones."""
    form = BatchForm(formdata=request.form if request.method == "POST" else None)
    form.source.choices = sources()
    if request.method == "GET":
        return _page(form)
    valid = form.validate()
    try:
        need_figures = not (form.source.data == "live" or (form.source.data == "auto" and live()))
        lines = checked(form.companies.data or "", need_figures=need_figures)
    except BatchError as error:
        form.companies.errors = [str(error)]
        return _page(form, 422)
    companies = companies_of(lines)
    wrong = [line for line in lines if line.error]
    if not valid or (wrong and not (request.form.get("only_good") and companies)):
        return _page(form, 422, lines=lines, good=len(companies))
    started = start_all(companies, lambda company: _start(form, company))
    if not started.started:
        form.companies.errors = [reason for _, reason in started.refused[:5]]
        return _page(form, 422)
    _say(started)
    return redirect(_runs_of(started), 303)


def _start(form: BatchForm, company: Company) -> Started:
    name = company.cik or company.name
    return start_research(name, speaker(), as_of=form.as_of.data, source=form.source.data, live=live())


def _say(done: Batch) -> None:
    new = sum(started.new for started in done.started)
    standing = len(done.started) - new
    text = f"{wording.counted(new, 'run')} asked for."
    if standing:
        text += f" {wording.counted(standing, 'company', 'companies')} had the same run waiting or at work already."
    flash(text, "ok")
    for company, reason in done.refused:
        flash(f"{company.name}: {reason}", "bad")


def _runs_of(done: Batch) -> str:
    ids = sorted(started.run_id for started in done.started)
    words = " OR ".join(f"id={run_id}" for run_id in ids) if len(ids) <= MOST_NAMED else f"id>={ids[0]}"
    return url_for("pages.historical_records", q=words)


def _page(form: BatchForm, status: int = 200, **context: Any) -> AnyResponse:
    html = render_template("researcher/batch.html", form=form, **{"lines": [], "good": 0, **context})
    return make_response(html, status)
