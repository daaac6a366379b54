"""Scales, and the shapes that every kind of chart is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from markupsafe import escape

from research_dashboard.charts.model import Chart, Series
from research_dashboard.research import wording

WIDTH, PLOT_TOP, LABEL_ROOM = 360.0, 24.0, 20.0


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to coordinates: `low` of the value lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, zero among them, about `wanted` steps."""
    low, high = min(0.0, low), max(0.0, high)
    if low == high:
        return [0.0, 1.0]
    rough = (high - low) / wanted
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = floor(low / step + 1e-9)
    found = [first * step]
    while found[-1] < high - step * 1e-9:
        found.append((first + len(found)) * step)
    return found


def reach(lines: Sequence[Series]) -> tuple[float, float]:
    """The lowest and the highest value, zero among them."""
    values = [value for line in lines for value in line.values if value is not None]
    return min(0.0, *values, 0.0), max(0.0, *values, 0.0)


def text(x: float, y: float, words: str, css: str = "", anchor: str = "") -> str:
    """Words at a place."""
    attributes = (f' class="{css}"' if css else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text{attributes} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def bar(x: float, y: float, width: float, height: float, css: str) -> str:
    """A bar, never so thin that it cannot be seen."""
    height = max(height, 0.5)
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def broken(points: Sequence[tuple[float, float] | None], css: str) -> str:
    """A line through the points that breaks where one is missing."""
    parts, drawing = [], False
    for point in points:
        if point is None:
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{point[0]:.1f} {point[1]:.1f}")
        drawing = True
    return f'<path class="{css}" d="{"".join(parts)}"/>' if parts else ""


def grid(chart: Chart, low: float, high: float, box: tuple[float, float, float, float]) -> tuple[list[str], Scale]:
    """Lines at round numbers between left, right, top and bottom; and the scale that they mark."""
    left, right, top, bottom = box
    steps = ticks(low, high)
    y = Scale(steps[0], steps[-1], bottom, top)
    places = 0 if all(float(step).is_integer() for step in steps) else 1
    out = []
    for step in steps:
        css = "axis" if step == 0 else "rule"
        out.append(f'<path class="{css}" d="M{left:.0f} {y(step):.1f}H{right:.0f}"/>')
        out.append(text(left - 6, y(step) + 4, f"{wording.number(step, places)}{chart.suffix}", "", "end"))
    return out, y


def legend(chart: Chart, left: float) -> list[str]:
    """Each series by its colour, in one line above the drawing."""
    out, x = [], left
    for number, line in enumerate(chart.series, 1):
        out.append(f'<rect class="d{number}" x="{x:.1f}" y="4" width="10" height="10"/>')
        out.append(text(x + 14, 13.5, line.name))
        x += 24 + len(line.name) * 6.4
    return out


def wrapped(label: str, most: int) -> list[str]:
    """The label in lines of at most so many letters, broken between words."""
    rows = [""]
    for word in label.split():
        if rows[-1] and len(rows[-1]) + len(word) + 1 > most:
            rows.append("")
        rows[-1] = f"{rows[-1]} {word}".strip()
    return rows


def alone(style: str, width: float, height: float) -> str:
    """The end of the opening tag; with a style sheet also what an SVG needs to stand alone."""
    if not style:
        return ">"
    return f' xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"><style>{style}</style>'
