"""Scales, and the shapes that every kind of chart is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import escape

from research_dashboard.charts.model import WIDTH, Chart, Series
from research_dashboard.research import wording

PLOT_TOP, LABEL_ROOM = 24.0, 20.0
TEXT, BOLD, BETWEEN = 12.0, 1.1, 6.0  # the size of words, how much wider the bold ones are, room between two

# Widths of letters as parts of their size, in Arial: no font that a page may be shown in is much wider.
_WIDTHS = {
    **dict.fromkeys("ijl'", 0.24), **dict.fromkeys(" .,:;/ftI()-|r", 0.34), **dict.fromkeys("ckJsvxyz", 0.5),
    **dict.fromkeys("ABEFKPSTVXYZL−+×–", 0.67), **dict.fromkeys("CDGHNOQRUw&…", 0.78), **dict.fromkeys("mMW%@", 0.95),
}  # fmt: skip


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


def width_of(words: str, *, bold: bool = False) -> float:
    """The most that the words take of a drawing's width, in any of the fonts."""
    return TEXT * sum(_WIDTHS.get(letter, 0.56) for letter in words) * (BOLD if bold else 1)


def widest(labels: Iterable[str], *, bold: bool = False) -> float:
    """The width of the widest of them; 0 for none."""
    return max((width_of(label, bold=bold) for label in labels), default=0.0)


def cut(label: str, most: float) -> str:
    """The label, shortened by whole letters where it would be wider."""
    short = label
    while short and width_of(short, bold=True) > most:
        short = short[:-2].rstrip() + "…" if len(short) > 2 else ""
    return short


def periods(labels: Sequence[str], left: float, slot: float, y: float) -> list[str]:
    """The labels under an axis, each at the middle of its slot; so many as fit, the newest among them.

    Where fiscal years would touch, FY stands before the first alone: FY2022, 2023, 2024.
    """
    if widest(labels) + BETWEEN > slot and all(label.startswith("FY") for label in labels):
        labels = [labels[0], *(label.removeprefix("FY") for label in labels[1:])]
    every = max(1, ceil((widest(labels[1:]) + BETWEEN) / slot))
    shown = [(at, label) for at, label in enumerate(labels) if (len(labels) - 1 - at) % every == 0]
    return [text(_inside(left + slot * (at + 0.5), label), y, label, "", "middle") for at, label in shown]


def _inside(x: float, label: str) -> float:
    """The middle of a label, moved so far that it stays inside the drawing."""
    half = width_of(label) / 2
    return min(max(x, half), WIDTH - half)


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


def grid(chart: Chart, low: float, high: float, box: tuple[float, float, float]) -> tuple[list[str], Scale, float]:
    """Lines at round numbers down to right, from top to bottom, their labels left of them.

    With the shapes come the scale that the lines mark and where they begin.
    """
    right, top, bottom = box
    steps = ticks(low, high)
    y = Scale(steps[0], steps[-1], bottom, top)
    places = 0 if all(float(step).is_integer() for step in steps) else 1
    labels = [f"{wording.number(step, places)}{chart.suffix}" for step in steps]
    left = widest(labels) + BETWEEN
    out = []
    for step, label in zip(steps, labels, strict=True):
        css = "axis" if step == 0 else "rule"
        out.append(f'<path class="{css}" d="M{left:.0f} {y(step):.1f}H{right:.0f}"/>')
        out.append(text(left - BETWEEN, y(step) + 4, label, "", "end"))
    return out, y, left


def legend(chart: Chart) -> tuple[list[str], float]:
    """Each series by its colour, in as many lines above the drawing as it takes; and where the drawing may begin."""
    out, x, top = [], 0.0, 4.0
    for number, line in enumerate(chart.series, 1):
        width = 14 + width_of(line.name)
        if x and x + width > WIDTH:
            x, top = 0.0, top + 17
        out.append(f'<rect class="key d{number}" x="{x:.1f}" y="{top:.1f}" width="10" height="10"/>')
        out.append(text(x + 14, top + 9.5, line.name))
        x += width + 12
    return out, top + 30


def alone(style: str, width: float, height: float) -> str:
    """The end of the opening tag; with a style sheet also what an SVG needs to stand alone."""
    if not style:
        return ">"
    return f' xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"><style>{style}</style>'
