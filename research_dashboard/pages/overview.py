"""The overview: what can I research, what is running, what happened last."""

from datetime import datetime, time

from flask import Response, current_app

from research_dashboard import htmx
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.pages.frame import preferences
from research_dashboard.queries import overview as queries
from research_dashboard.research.steps import STEPS

SHOWN = 8  # companies offered on an empty database


def overview() -> Response:
    """Search field, counts, recent runs; on an empty database one click to the first run."""
    session, now, zone = db.session(), utcnow(), preferences().zone
    midnight = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    counts = queries.counts(session, now, midnight)
    return htmx.render(
        "overview/index.html",
        "overview/_live.html",
        counts=counts,
        runs=queries.recent_runs(session),
        offered=[] if counts.runs else queries.companies_at_hand(session, SHOWN),
        live=current_app.config["SETTINGS"].live or bool(preferences().sec_contact),
        steps=STEPS,
        says=SAYS,
    )


# What each step does, for people who have not seen one yet.
SAYS = (
    "Finds the company and fixes the data it will use.",
    "Reads its profile, filings and filed facts, and those of its peers.",
    "Five fiscal years of profit, cash, debt and returns.",
    "Rank and share among its peers.",
    "Strengths, weaknesses and what to look at, by declared rules.",
)
