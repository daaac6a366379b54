"""Figures of one's own: a CSV file of a private company is uploaded here, and researched like the rest."""

from flask import Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard.extensions import db
from research_dashboard.forms import UploadForm
from research_dashboard.logs import logger
from research_dashboard.queries.companies import own_companies
from research_dashboard.research.concepts import CONCEPTS, UPLOADABLE
from research_dashboard.research.wording import counted, listed
from research_dashboard.services.uploads import Uploaded, upload
from research_dashboard.sources.uploaded import COLUMNS, MOST_ROWS, OPTIONAL, BadUploadError, LineError, template


def companies_upload() -> AnyResponse:
    """The companies of one's own, and a form for a file of their figures; POST stores it, whole or not at all."""
    form, more = UploadForm(), 0
    wrong: tuple[LineError, ...] = ()
    if form.validate_on_submit():
        file = form.file.data
        try:
            stored = upload(file.read(), file.filename or "")
        except BadUploadError as error:
            wrong, more = error.errors, error.more
            form.file.errors = [f"Nothing was stored: {counted(len(wrong) + more, 'mistake')} to mend."]
            logger.info("upload_refused", errors=len(wrong) + more)
        else:
            logger.info("uploaded", companies=len(stored.companies), figures=stored.figures, new=stored.new)
            flash(said(stored), "ok")
            return redirect(url_for("pages.companies_upload"), 303)
    page = render_template(
        "companies/upload.html",
        form=form,
        wrong=wrong,
        more=more,
        own=own_companies(db.session()),
        concepts=[CONCEPTS[id] for id in UPLOADABLE],
        columns=COLUMNS,
        optional=OPTIONAL,
        most_rows=MOST_ROWS,
    )
    return make_response(page, 422 if form.is_submitted() else 200)


def companies_upload_template() -> Response:
    """A file to start from, with two years of a made-up company."""
    response = make_response(template())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = "attachment; filename=own-company.csv"
    return response


def said(stored: Uploaded) -> str:
    """What an upload brought, in a sentence."""
    names = stored.companies if len(stored.companies) <= 5 else (*stored.companies[:4], "others")
    figures = f"{counted(stored.figures, 'figure')} of {listed(names)}"
    return f"{figures} stored, marked as not filed." if stored.new else f"{figures} were here already: the same file."
