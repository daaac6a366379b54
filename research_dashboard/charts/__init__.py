"""Charts as SVG, drawn on the server from plain numbers; classes of app.css give the colours, so both themes fit.

No chart misleads: bars stand on zero and hang below it when negative, a missing value is a gap that says so, a line
breaks there, every period is named. Money and margin never share an axis: the second gets a panel of its own.
"""

from markupsafe import Markup, escape

from research_dashboard.charts.kinds import bars, beside, columns, groups, lines
from research_dashboard.charts.model import Chart, Series
from research_dashboard.charts.shapes import alone, ticks
from research_dashboard.charts.small import spark, strip
from research_dashboard.charts.wholes import bridge, stack

__all__ = ["Chart", "Series", "beside", "draw", "spark", "strip", "ticks"]

_DRAW = {"bridge": bridge, "stack": stack, "columns": columns, "groups": groups, "lines": lines, "bars": bars}


def draw(chart: Chart, style: str = "") -> Markup:
    """The chart as one SVG element. `style` is a style sheet to carry along where app.css does not reach (PDF)."""
    shapes, height = _DRAW[chart.kind](chart)
    return Markup(  # noqa: S704  # every text in it went through escape()
        f'<svg class="ch" viewBox="0 0 {chart.width:.0f} {height:.0f}" role="img" aria-labelledby="chart-{chart.id}"'
        f'{alone(style, chart.width, height)}<title id="chart-{chart.id}">{escape(chart.words)}</title>'
        f"{''.join(shapes)}</svg>"
    )
