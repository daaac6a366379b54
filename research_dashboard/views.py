"""The HTML blueprint: every page's address in one place; the views are in pages/, one noun a file."""

from flask import Blueprint, Flask

from research_dashboard.pages import (
    accounts,
    audit,
    batch,
    companies,
    compare,
    curl,
    frame,
    help,
    history,
    organise,
    overview,
    report,
    researcher,
    rules,
    run_files,
    run_log,
    runs,
    saved_views,
    settings,
    shares,
    status,
    styleguide,
    uploads,
    watchlists,
)
from research_dashboard.pages.history_links import record_url

pages = Blueprint("pages", __name__)

pages.before_request(frame.refuse_unknown_parameters)
pages.get("/")(overview.overview)
pages.get("/researcher/")(frame.slash)
pages.get("/historical-records/")(frame.slash)
pages.route("/researcher", methods=["GET", "POST"])(researcher.researcher)
pages.route("/researcher/batch", methods=["GET", "POST"])(batch.batch)
pages.app_template_filter("marked")(researcher.marked)
pages.get("/runs/<id:run_id>")(runs.run)
pages.get("/runs/<id:run_id>/log")(run_log.run_log)
pages.get("/runs/<id:run_id>/log.<kind>")(run_log.run_log_file)
pages.post("/runs/<id:run_id>/cancel")(runs.run_cancel)
pages.post("/runs/<id:run_id>/resume")(runs.run_resume)
pages.post("/runs/<id:run_id>/rerun")(runs.run_again)
pages.get("/help")(help.help)
pages.get("/help/<path:name>")(help.help_document)
pages.get("/styleguide")(styleguide.styleguide)
pages.get("/status")(status.status)
pages.get("/healthz")(status.healthz)
pages.post("/historical-records/views")(saved_views.view_save)
pages.route("/historical-records/views/<id:view_id>", methods=["GET", "POST"])(saved_views.view)
pages.post("/historical-records/bulk")(organise.bulk)
pages.post("/runs/<id:run_id>/organise")(organise.run_organise)
pages.route("/trash", methods=["GET", "POST"])(organise.trash)
pages.get("/bulk/<id:job_id>")(organise.bulk_progress)
pages.get("/historical-records")(history.historical_records)
pages.get("/historical-records/facets")(history.historical_records_facets)
pages.get("/historical-records.<kind>")(run_files.historical_records_file)
pages.get("/readyz")(status.readyz)
pages.get("/metrics")(status.measurements)
pages.route("/settings", methods=["GET", "POST"])(settings.settings)
pages.post("/theme")(settings.theme_save)
pages.post("/runs/<id:run_id>/verify")(report.run_verify)
pages.get("/runs/<id:run_id>/report.<extension>")(report.report_file)
pages.route("/companies/upload", methods=["GET", "POST"])(uploads.companies_upload)
pages.get("/companies/upload/template.csv")(uploads.companies_upload_template)
pages.get("/companies/<id:cik>")(companies.company)
pages.post("/companies/<id:cik>/watch")(watchlists.company_watch)
pages.route("/watchlist", methods=["GET", "POST"])(watchlists.watchlist)
pages.post("/watchlist/<id:list_id>")(watchlists.watchlist_change)
pages.route("/inbox", methods=["GET", "POST"])(watchlists.inbox)
pages.get("/compare")(compare.compare)
pages.get("/compare.<kind>")(compare.compare_file)
pages.get("/facts/<fact_id>")(companies.fact)
pages.get("/rules")(rules.rules)

pages.add_url_rule("/login", view_func=accounts.login, methods=["GET", "POST"])
pages.post("/logout")(accounts.logout)
pages.get("/audit")(audit.audit)
pages.get("/audit.<kind>")(audit.audit_file)
pages.get("/account")(accounts.account)
pages.post("/account/password")(accounts.password_change)
pages.post("/account/tokens")(accounts.token_new)
pages.post("/account/tokens/<id:token_id>/revoke")(accounts.token_revoke)
pages.get("/shared/<token>")(shares.shared_report)
pages.post("/runs/<id:run_id>/shares")(shares.share_new)
pages.post("/runs/<id:run_id>/shares/<id:link_id>/revoke")(shares.share_revoke)


def init_app(app: Flask) -> None:
    """Register the pages and what they share."""
    frame.init_app(app)
    curl.init_app(app)
    app.jinja_env.globals["record_url"] = record_url
    app.register_blueprint(pages)
