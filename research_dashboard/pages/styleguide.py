"""/styleguide: every component in every state, drawn by the same macros as the pages. Its figures are samples."""

from types import SimpleNamespace
from typing import Any

from flask import render_template
from wtforms import Form, SelectField, StringField
from wtforms.fields import SelectChoice

from research_dashboard import charts, timeline
from research_dashboard.models import Status
from research_dashboard.pages.progress import Step
from research_dashboard.research.steps import STEPS

YEARS = ("FY2021", "FY2022", "FY2023", "FY2024", "FY2025")


class SampleForm(Form):  # type: ignore[misc]
    """A field of each kind."""

    plain = StringField("Label")
    wrong = StringField("With an error", default="Aple")
    chosen = SelectField("Select", choices=[SelectChoice("auto", "Auto"), SelectChoice("bundled", "Bundled")])


def styleguide() -> str:
    """Every component in every state."""
    form = SampleForm()
    form.wrong.errors = ["No company called “Aple” is known. Did you mean"]
    return render_template(
        "styleguide/index.html",
        form=form,
        statuses=list(Status),
        step_samples=_steps(),
        timeline=timeline.draw(_bars()),
        charts=_charts(),
        draw=charts.draw,
        strip=charts.strip,
        spark=charts.spark,
        years=YEARS,
        pager=SimpleNamespace(first=16, last=30, total=1204, overall=12345, number=2, pages=81),
        figures={
            "filed": {"value": 1, "facts": [1]},
            "absent": {"value": None, "code": "not_reported", "reason": "No filing reports it."},
            "meaningless": {"value": None, "code": "negative_base", "reason": "The earlier value is negative."},
        },
    )


def _steps() -> list[Step]:
    """A step in each state."""
    return [
        Step(1, STEPS[0], "done", "Done", "What was decided.", 0.3, 0.4, 0.0),
        Step(2, STEPS[1], "running", "Running", "What it does now.", 1.4, 2.1, 0.6),
        Step(3, STEPS[2], "slow", "Running, slower than usual", "What it waits for.", 14.0, 2.1, 0.2),
        Step(4, STEPS[3], "failed", "Failed", "Why, and what to do.", 0.9, 1.2, 0.0),
        Step(5, STEPS[4], "waiting", "Waiting", "What it will do.", None, 0.6, 0.0),
    ]


def _bars() -> list[timeline.Bar]:
    """A step in each state, the second after a pause."""
    return [
        timeline.Bar(STEPS[0], "done", 0.0, 2.0, 2.5),
        timeline.Bar(STEPS[1], "slow", 5.0, 14.0, 3.0),
        timeline.Bar(STEPS[2], "running", 14.0, 15.0, 2.0),
        timeline.Bar(STEPS[3], "failed", 15.0, 17.5, 2.0),
        timeline.Bar(STEPS[4], "waiting", None, None),
    ]


SAMPLE: dict[str, Any] = {"unit": "sample figures", "source": "made up for this page"}


def _charts() -> list[charts.Chart]:
    """A chart of each kind, with a gap and a negative value where the kind allows it."""
    return [
        charts.Chart(
            id="columns",
            kind="columns",
            title="Columns, with a gap and a loss",
            labels=YEARS,
            series=(charts.Series("Sample", (12.5, 8.1, None, -3.2, 15.0)),),
            marked=4,
            **SAMPLE,
        ),
        charts.Chart(
            id="lines",
            kind="lines",
            title="Lines",
            suffix="%",
            labels=YEARS,
            series=(
                charts.Series("Gross", (40.0, 41.5, 43.0, None, 46.2)),
                charts.Series("Operating", (20.0, 22.1, 19.5, 24.0, 25.2)),
            ),
            **SAMPLE,
        ),
        charts.Chart(
            id="bars",
            kind="bars",
            title="Bars, the subject marked",
            suffix="%",
            labels=("Sample One", "Sample Two", "Sample Three"),
            series=(charts.Series("Growth", (12.0, 6.4, -2.5)),),
            signed=True,
            marked=1,
            **SAMPLE,
        ),
        charts.Chart(
            id="groups",
            kind="groups",
            title="Groups",
            labels=YEARS[2:],
            series=(charts.Series("One", (5.0, 6.0, 7.0)), charts.Series("Two", (3.0, -1.0, 2.0))),
            **SAMPLE,
        ),
        *_wholes(),
    ]


def _wholes() -> list[charts.Chart]:
    """A whole and its parts, with what may go wrong with them."""
    return [
        charts.Chart(
            id="bridge",
            kind="bridge",
            title="Bridge, from one amount to another",
            labels=("Came in", "Went out", "Free", "Paid out", "Left"),
            series=(charts.Series("Amount", (10.0, -4.0, 6.0, -7.5, -1.5)),),
            totals=("Came in", "Free", "Left"),
            **SAMPLE,
        ),
        charts.Chart(
            id="stack",
            kind="stack",
            title="Stack, with a gap and a negative part",
            labels=YEARS,
            series=(
                charts.Series("Debt", (5.0, 6.0, 7.0, None, 6.5)),
                charts.Series("Other", (9.0, 8.5, 8.0, 8.2, 8.1)),
                charts.Series("Equity", (4.0, -2.0, 1.0, 2.0, 3.0)),
            ),
            **SAMPLE,
        ),
    ]
