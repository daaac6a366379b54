"""How a run went: its timeline, and its log by level, as a page and as files."""

from flask import Response, abort, request

from research_dashboard import htmx
from research_dashboard.base import utcnow
from research_dashboard.extensions import db, to_json
from research_dashboard.models import ENDED, Level, ResearchRun, RunLogLine
from research_dashboard.pages.progress import bars, is_ours, poll_after, progress
from research_dashboard.pages.runs import found_run
from research_dashboard.queries import run_log as queries
from research_dashboard.queries import work
from research_dashboard.timeline import draw, pauses

KINDS = {"txt": "text/plain; charset=utf-8", "ndjson": "application/x-ndjson"}
LEVELS = {
    Level.DEBUG: "All lines",
    Level.INFO: "Info and above",
    Level.WARNING: "Warnings and errors",
    Level.ERROR: "Errors",
}
MOST_IN_A_FILE = 100_000


def run_log(run_id: int) -> Response:
    """How a run went: steps over time, and its log from a level up; while it works the log goes on by itself."""
    run, level = found_run(run_id), _level()
    usual = work.usual_seconds(db.session(), run.id, run.source) if is_ours(run) else {}
    now = utcnow()
    shown = progress(run, usual, now)
    polls = poll_after(run, now) if is_ours(run) else None
    status = htmx.STOP_POLLING if htmx.is_partial() and polls is None else 200
    timeline = bars(shown, run.started_at)
    return htmx.render(
        "runs/log.html",
        "runs/_log.html",
        status,
        run=run,
        under_way=run.status not in ENDED,
        progress=shown,
        timeline=draw(timeline),
        pauses=pauses(timeline),
        level=level,
        levels=LEVELS,
        lines=queries.lines(db.session(), run_id, level),
        most=queries.MOST_SHOWN,
        poll_after=polls,
    )


def run_log_file(run_id: int, kind: str) -> Response:
    """A run's log as a file (txt, ndjson), from a level up."""
    if kind not in KINDS:
        abort(404, f"There is no “.{kind}” of a log. There are: {', '.join(KINDS)}.")
    run, level = found_run(run_id), _level()
    write = _as_text if kind == "txt" else _as_json
    body = "".join(write(run, line) for line in queries.lines(db.session(), run_id, level, MOST_IN_A_FILE))
    response = Response(body, content_type=KINDS[kind])
    response.headers.set("Content-Disposition", "attachment", filename=f"run-{run_id}-log.{kind}")
    return response


def _level() -> Level:
    """The level of the address; without one all but the finest. Aborts with 422."""
    asked = request.args.get("level", Level.INFO.value)
    try:
        return Level(asked)
    except ValueError:
        abort(422, f"There is no level “{asked[:30]}”. Choose {', '.join(Level)}.")


def _as_text(_run: ResearchRun, line: RunLogLine) -> str:
    step = f"step {line.position}: " if line.position else ""
    return f"{line.at:%Y-%m-%dT%H:%M:%S.%fZ} {line.level.upper():7} {step}{line.message}\n"


def _as_json(run: ResearchRun, line: RunLogLine) -> str:
    values = {"run": run.id, "at": line.at, "level": line.level, "step": line.position, "message": line.message}
    return to_json(values) + "\n"
