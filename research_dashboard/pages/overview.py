"""The overview: what can I research, what is running, what happened last."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from babel.dates import format_date
from flask import Response

from research_dashboard import charts, htmx
from research_dashboard.access import reader
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.pages.changes import summary
from research_dashboard.pages.frame import preferences, readable
from research_dashboard.pages.progress import PURPOSES
from research_dashboard.queries import overview as queries
from research_dashboard.queries.changes import newest_changes
from research_dashboard.queries.directory import suggest
from research_dashboard.queries.saved_views import pinned_views
from research_dashboard.research.steps import STEPS

SHOWN = 8  # companies offered on an empty database
NEWS_SHOWN = 5  # runs that found something changed


def overview() -> Response:
    """Search field, counts, recent runs; on an empty database one click to the first run."""
    session, now, zone = db.session(), utcnow(), preferences().zone
    midnight = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    counts = readable(lambda: queries.counts(session, now, midnight), None)
    return htmx.render(
        "overview/index.html",
        "overview/_live.html",
        counts=counts,
        companies=readable(lambda: queries.number_at_hand(session), None),
        runs=queries.recent_runs(session) if counts else [],
        news=readable(lambda: newest_changes(session, NEWS_SHOWN), []) if counts else [],
        views=readable(lambda: pinned_views(session, reader(), zone), []),
        summary=summary,
        offered=[] if counts is None or counts.runs else suggest("", SHOWN),
        weeks=lambda: _weeks(queries.runs_a_week(session, midnight - timedelta(days=midnight.weekday()))),
        draw=charts.draw,
        steps=STEPS,
        says=PURPOSES,
    )


def _weeks(weeks: Sequence[tuple[date, int]]) -> charts.Chart:
    """The bars of runs a week, this week's marked."""
    return charts.Chart(
        id="weeks",
        kind="columns",
        title="Runs a week",
        unit="number of runs, week beginning",
        labels=tuple(format_date(day, "d MMM", locale="en") for day, _ in weeks),
        series=(charts.Series("Runs", tuple(float(number) for _, number in weeks)),),
        places=0,
        marked=len(weeks) - 1,
        source="this record, all researchers",
    )
