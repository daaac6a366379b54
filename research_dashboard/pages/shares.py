"""Links that share a report: signed with the server's key, and kept, so that each ends when it is to."""

import hashlib
from typing import Any

from flask import Response, abort, current_app, flash, make_response, redirect, render_template, url_for
from itsdangerous import Signer

from research_dashboard.access import actor
from research_dashboard.extensions import db
from research_dashboard.forms import ShareForm
from research_dashboard.pages.report import drawn, run_facts
from research_dashboard.pages.runs import run_refused
from research_dashboard.queries import reports as queries
from research_dashboard.reports.build import build, is_report
from research_dashboard.services import accounts

TOKEN = 43  # characters, of 256 random bits; the signature follows


def signed(token: str) -> str:
    """What stands in the link's address: the token with this server's signature."""
    return token + _signer().get_signature(token).decode()


def _signer() -> Signer:
    return Signer(current_app.config["SECRET_KEY"], salt="shared report", digest_method=hashlib.sha256)


def shared_report(token: str) -> Response:
    """The report that a shared link opens, to be read and nothing else, until the link expires or is revoked."""
    ours = _signer().verify_signature(token[:TOKEN], token[TOKEN:])
    run_id = accounts.shared_run(token[:TOKEN]) if ours else None
    run = queries.run_kept(db.session(), run_id) if run_id is not None else None
    results = queries.results_by_type(db.session(), run.id) if run is not None else {}
    if run is None or not is_report(results):
        abort(404, "This link opens nothing: it has expired, was revoked, or was never made.")
    facts = run_facts(run)
    context = drawn(build(facts, results)) | {"file": True, "sheet": None, "run": facts}
    response = make_response(render_template("runs/report_file.html", **context))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _has_report(run_id: int) -> bool:
    """True for a run, not in the trash, that a link would open."""
    run = queries.run_kept(db.session(), run_id)
    return run is not None and is_report(queries.results_by_type(db.session(), run_id, ("financial_health",)))


def share_new(run_id: int) -> Any:
    """Make a link that lets whoever holds it read this report, until it expires or is revoked."""
    me, form = actor(), ShareForm()
    if not form.validate_on_submit() or me is None:
        return run_refused(run_id, share=form)
    if not _has_report(run_id):
        abort(409, f"Run {run_id} has no report to share: only completed research of this program has one.")
    try:
        token = accounts.share(run_id, form.days.data, me)
    except accounts.AccountError as error:
        abort(404 if error.field == "run" else 422, str(error))
    address = url_for("pages.shared_report", token=signed(token), _external=True)
    flash(f"Whoever has this link can read the report for {form.days.data} days: {address}", "ok")
    return redirect(url_for("pages.run", run_id=run_id), 303)


def share_revoke(run_id: int, link_id: int) -> Any:
    """Close a link to this report."""
    if not accounts.revoke_share(run_id, link_id):
        abort(404, "There is no such link to close.")
    flash("The link is closed.", "ok")
    return redirect(url_for("pages.run", run_id=run_id), 303)
