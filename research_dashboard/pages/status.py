"""/status for people; /healthz, /readyz and /metrics for machines."""

import platform
from importlib.metadata import version

from flask import Response, current_app, jsonify, render_template
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from research_dashboard import metrics
from research_dashboard.access import actor, single_user
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.queries import status as queries
from research_dashboard.queries import work
from research_dashboard.queries.preferences import sec_contact
from research_dashboard.queries.watchlists import next_due
from research_dashboard.services import backups, health


def status() -> str:
    """How the installation does: worker, database, record, data, version."""
    session: Session = db.session()
    now = utcnow()
    return render_template(
        "status/index.html",
        database=queries.database(session),
        runs=queries.runs_by_status(session),
        research=work.waiting_and_working(session),
        loaded=queries.loaded(session),
        worker_alive=work.alive(session, now),
        workers=work.workers(session, now),
        live=bool(sec_contact(session, current_app.config["SETTINGS"].sec_contact)),
        backup=next(iter(backups.kept(current_app.config["SETTINGS"].backups)), None),
        old_backup=health.OLD_BACKUP,
        next_due=next_due(session),
        version=version("research-dashboard"),
        python=platform.python_version(),
    )


def healthz() -> tuple[Response, int]:
    """200 while the program answers and its database too, else 503; for load balancers and monitors."""
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(status="the database does not answer", version=version("research-dashboard")), 503
    return jsonify(status="ok", version=version("research-dashboard")), 200


def readyz() -> tuple[Response, int]:
    """200 when every part that is needed is well (database, worker, disk …), else 503; with the reasons and cures for
    who is signed in (or on a server without accounts): a stranger learns which part is unwell, not where it lies."""
    told = single_user() or actor() is not None
    found = health.checks(current_app.config["SETTINGS"])
    ready = health.is_ready(found)
    parts = {
        check.name: {"well": check.well, "found": check.found, "cure": check.cure} if told else {"well": check.well}
        for check in found
        if check.needed
    }
    return jsonify(status="ready" if ready else "not ready", checks=parts), 200 if ready else 503


def measurements() -> Response:
    """What Prometheus reads: requests and latencies of this process, runs, workers, step times, database size."""
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
