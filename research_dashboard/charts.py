"""Charts as SVG, drawn on the server from plain numbers; classes of app.css give the colours, so both themes fit.

No chart misleads: bars stand on zero and hang below it when negative, a missing value is a gap that says so, a line
breaks there, every period is named. Money and margin never share an axis: the second gets a panel of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Literal

from markupsafe import Markup, escape

from research_dashboard.research import wording

Kind = Literal["columns", "groups", "lines", "bars"]
WIDTH, PLOT_TOP, LABEL_ROOM = 360.0, 24.0, 20.0
GAP_MARK = "n/r"


@dataclass(frozen=True, slots=True)
class Series:
    """A row of values, one for each label of its chart; None where there is none."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw. Values are in the unit shown; `suffix` follows each label ("%"); `marked` is the label in colour.

    `below` is a line in a panel of its own under the columns, in percent. `marks` says why a value is missing.
    """

    id: str
    kind: Kind
    title: str
    unit: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    suffix: str = ""
    places: int = 1
    signed: bool = False
    marked: int | None = None
    below: Series | None = None
    marks: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    source: str = ""

    def shown(self, value: float | None, at: int = 0) -> str:
        """A value as a label of this chart shows it; for a gap the mark that says why."""
        if value is None:
            return self.marks[at] if at < len(self.marks) else GAP_MARK
        return f"{wording.number(value, self.places, signed=self.signed)}{self.suffix}"

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The data as a table: a row for each label, first the label."""
        lines = [*self.series, *([self.below] if self.below else [])]
        return tuple(
            (label, *(self._cell(line, position) for line in lines)) for position, label in enumerate(self.labels)
        )

    def _cell(self, line: Series, position: int) -> str:
        value = line.values[position]
        if line is self.below and value is not None:
            return f"{wording.number(value, 1)}%"
        return self.shown(value, position)

    @property
    def words(self) -> str:
        """What the drawing shows, for who cannot see it."""
        kind = {"lines": "Line chart", "bars": "Bar chart", "columns": "Bar chart", "groups": "Grouped bar chart"}
        parts = [
            f"{line.name}: " + ", ".join(f"{label} {self._cell(line, at)}" for at, label in enumerate(self.labels))
            for line in [*self.series, *([self.below] if self.below else [])]
        ]
        return f"{kind[self.kind]}, {self.unit}. {'. '.join(parts)}."

    @property
    def empty(self) -> bool:
        """True when no value is there to draw."""
        return all(value is None for line in self.series for value in line.values)


# ── Scales ─────────────────────────────────────────────────────────────────────────────────────────────────────────


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


def _reach(lines: Sequence[Series]) -> tuple[float, float]:
    values = [value for line in lines for value in line.values if value is not None]
    return min(0.0, *values, 0.0), max(0.0, *values, 0.0)


def _text(x: float, y: float, words: str, css: str = "", anchor: str = "") -> str:
    attributes = (f' class="{css}"' if css else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text{attributes} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _bar(x: float, y: float, width: float, height: float, css: str) -> str:
    height = max(height, 0.5)
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


# ── The kinds ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _columns(chart: Chart) -> tuple[list[str], float]:
    """One bar a period with its value at its end; under it, if asked for, a line in a panel of its own."""
    values, count = chart.series[0].values, len(chart.labels)
    slot = WIDTH / count
    width = min(slot * 0.56, 44)
    bottom = 150.0
    low, high = _reach(chart.series)
    if low == high:
        high = 1.0
    room = 16.0 if low < 0 else 0.0
    y = Scale(low, high, bottom - room, PLOT_TOP)
    out = []
    for at, value in enumerate(values):
        middle = slot * (at + 0.5)
        if value is None:
            out.append(_text(middle, y(0) - 6, chart.shown(None, at), "", "middle"))
            continue
        css = "bar me" if at == chart.marked else "bar"
        out.append(_bar(middle - width / 2, min(y(value), y(0)), width, abs(y(value) - y(0)), css))
        out.append(_text(middle, y(value) + (-6 if value >= 0 else 13), chart.shown(value), "val", "middle"))
    out.append(f'<path class="axis" d="M0 {y(0):.1f}H{WIDTH:.0f}"/>')
    end = bottom
    if chart.below and any(value is not None for value in chart.below.values):
        panel, end = _panel(chart.below, slot, bottom + 22)
        out += panel
    out += [_text(slot * (at + 0.5), end + 16, label, "", "middle") for at, label in enumerate(chart.labels)]
    return out, end + LABEL_ROOM


def _panel(line: Series, slot: float, top: float) -> tuple[list[str], float]:
    bottom = top + 62
    low, high = _reach([line])
    y = Scale(low, high if high > low else 1.0, bottom - (16 if low < 0 else 0), top + 26)
    out = [_text(0, top + 4, f"{line.name}, %"), f'<path class="axis" d="M0 {y(0):.1f}H{WIDTH:.0f}"/>']
    points = [None if v is None else (slot * (at + 0.5), y(v)) for at, v in enumerate(line.values)]
    out.append(_broken(points, "ln c1"))
    for at, value in enumerate(line.values):
        point = points[at]
        if value is None or point is None:
            out.append(_text(slot * (at + 0.5), y(0) - 6, GAP_MARK, "", "middle"))
            continue
        out.append(f'<circle class="d1" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="3"/>')
        beside = point[1] + (-7 if value >= 0 else 15)
        out.append(_text(point[0], beside, f"{wording.number(value, 1)}%", "val", "middle"))
    return out, bottom


def _broken(points: Sequence[tuple[float, float] | None], css: str) -> str:
    """A line through the points that breaks where one is missing."""
    parts, drawing = [], False
    for point in points:
        if point is None:
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{point[0]:.1f} {point[1]:.1f}")
        drawing = True
    return f'<path class="{css}" d="{"".join(parts)}"/>' if parts else ""


def _grid(chart: Chart, left: float, right: float, top: float, bottom: float) -> tuple[list[str], Scale]:
    low, high = _reach(chart.series)
    steps = ticks(low, high)
    y = Scale(steps[0], steps[-1], bottom, top)
    places = 0 if all(float(step).is_integer() for step in steps) else 1
    out = []
    for step in steps:
        css = "axis" if step == 0 else "rule"
        out.append(f'<path class="{css}" d="M{left:.0f} {y(step):.1f}H{right:.0f}"/>')
        out.append(_text(left - 6, y(step) + 4, f"{wording.number(step, places)}{chart.suffix}", "", "end"))
    return out, y


def _groups(chart: Chart) -> tuple[list[str], float]:
    """Several bars a period, side by side, with a legend and a grid."""
    left, top, bottom = 44.0, 34.0, 170.0
    out, y = _grid(chart, left, WIDTH, top, bottom)
    slot = (WIDTH - left) / len(chart.labels)
    width = slot * 0.78 / len(chart.series)
    for number, line in enumerate(chart.series):
        for at, value in enumerate(line.values):
            x = left + slot * (at + 0.11) + width * number
            if value is None:
                out.append(_text(x + width / 2, y(0) - 4, GAP_MARK, "tiny", "middle"))
            else:
                out.append(_bar(x, min(y(value), y(0)), width - 1.5, abs(y(value) - y(0)), f"d{number + 1}"))
    out += [_text(left + slot * (at + 0.5), bottom + 16, label, "", "middle") for at, label in enumerate(chart.labels)]
    x = left
    for number, line in enumerate(chart.series):
        out.append(f'<rect class="d{number + 1}" x="{x:.1f}" y="4" width="10" height="10"/>')
        out.append(_text(x + 14, 13.5, line.name))
        x += 24 + len(line.name) * 6.4
    return out, bottom + LABEL_ROOM


def _lines(chart: Chart) -> tuple[list[str], float]:
    """A line a series, broken at gaps, named where it ends."""
    left, right, top, bottom = 40.0, WIDTH - 92, 12.0, 170.0
    out, y = _grid(chart, left, right, top, bottom)
    slot = (right - left) / len(chart.labels)
    ends: list[tuple[float, int]] = []
    for number, line in enumerate(chart.series):
        points = [None if v is None else (left + slot * (at + 0.5), y(v)) for at, v in enumerate(line.values)]
        out.append(_broken(points, f"ln c{number + 1}"))
        drawn = [point for point in points if point is not None]
        out += [f'<circle class="d{number + 1}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in drawn]
        if drawn:
            ends.append((drawn[-1][1], number))
    for place, number in _apart(sorted(ends), 15, bottom + 4):
        line = chart.series[number]
        last = next(value for value in reversed(line.values) if value is not None)
        out.append(_text(right + 2, place + 4, f"{line.name} {chart.shown(last)}", "val"))
    css = "tiny" if slot < 52 else ""
    out += [_text(left + slot * (at + 0.5), bottom + 16, label, css, "middle") for at, label in enumerate(chart.labels)]
    return out, bottom + LABEL_ROOM


def _apart(places: Sequence[tuple[float, int]], least: float, floor_: float) -> list[tuple[float, int]]:
    """The same places from top to bottom, moved so that labels do not cover each other."""
    moved: list[tuple[float, int]] = []
    for place, number in places:
        moved.append((max(place, moved[-1][0] + least) if moved else place, number))
    limit = floor_
    for at in range(len(moved) - 1, -1, -1):
        place, number = moved[at]
        moved[at] = (min(place, limit), number)
        limit = moved[at][0] - least
    return moved


def _bars(chart: Chart) -> tuple[list[str], float]:
    """A bar a company, lying, from a common zero line; the subject is marked by colour and by weight."""
    row, thick, left = 26.0, 18.0, 122.0
    values = chart.series[0].values
    low, high = _reach(chart.series)
    if low == high:
        high = 1.0
    room_left = 54.0 if low < 0 else 0.0
    x = Scale(low, high, left + room_left, WIDTH - 54)
    out = []
    for at, (label, value) in enumerate(zip(chart.labels, values, strict=True)):
        top = 4 + row * at
        me = at == chart.marked
        name = label if len(label) <= 18 else f"{label[:17].rstrip()}…"
        out.append(_text(0, top + 13, name, "me" if me else "lab"))
        if value is None:
            out.append(_text(x(0) + 6, top + 13, chart.shown(None, at)))
            continue
        out.append(_bar(min(x(value), x(0)), top, abs(x(value) - x(0)), thick, "bar me" if me else "bar"))
        end = x(value) + (6 if value >= 0 else -6)
        out.append(_text(end, top + 13, chart.shown(value), "val", "" if value >= 0 else "end"))
    height = row * len(values)
    out.append(f'<path class="axis" d="M{x(0):.1f} 0V{height:.0f}"/>')
    return out, height + 4


_DRAW = {"columns": _columns, "groups": _groups, "lines": _lines, "bars": _bars}


def draw(chart: Chart, style: str = "") -> Markup:
    """The chart as one SVG element. `style` is a style sheet to carry along where app.css does not reach (PDF)."""
    shapes, height = _DRAW[chart.kind](chart)
    return Markup(  # noqa: S704  # every text in it went through escape()
        f'<svg class="ch" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-labelledby="chart-{chart.id}"'
        f'{_alone(style, WIDTH, height)}<title id="chart-{chart.id}">{escape(chart.words)}</title>'
        f"{''.join(shapes)}</svg>"
    )


def _alone(style: str, width: float, height: float) -> str:
    """The end of the opening tag; with a style sheet also what an SVG needs to stand alone."""
    if not style:
        return ">"
    return f' xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"><style>{style}</style>'


# ── Small drawings inside tables ───────────────────────────────────────────────────────────────────────────────────


def strip(values: Sequence[float], own: float, label: str, style: str = "") -> Markup:
    """A company's place among the values of its set, low to high: one tick a company, its own as a dot.

    Places are by rank, so that one far value does not squeeze the others; equal values stand on one place.
    """
    ordered = sorted(values)
    last = max(len(ordered) - 1, 1)

    def place(value: float) -> float:
        same = [at for at, other in enumerate(ordered) if other == value]
        middle = sum(same) / len(same) if same else sum(other < value for other in ordered)
        return 6 + 308 * middle / last

    peers = "".join(f'<path class="peer" d="M{place(value):.1f} 5V15"/>' for value in sorted(set(ordered)))
    return Markup(  # noqa: S704  # numbers, and one escaped label
        f'<svg class="strip" viewBox="0 0 320 20" role="img" aria-label="{escape(label)}"{_alone(style, 320, 20)}'
        f'<path class="track" d="M6 10H314"/>{peers}<circle class="me" cx="{place(own):.1f}" cy="10" r="5.5"/></svg>'
    )


def spark(values: Sequence[float | None]) -> Markup:
    """The shape of a row in a table, without scale or words; nothing for fewer than two values."""
    present = [value for value in values if value is not None]
    if len(present) < 2:
        return Markup("")
    low, high = min(present), max(present)
    y = Scale(low, high if high > low else low + 1, 17, 3)
    step = 66 / max(len(values) - 1, 1)
    points = [None if value is None else (3 + step * at, y(value)) for at, value in enumerate(values)]
    x, last = next(point for point in reversed(points) if point is not None)
    return Markup(  # noqa: S704  # numbers only
        f'<svg class="spark" viewBox="0 0 72 20" aria-hidden="true">{_broken(points, "")}'
        f'<circle cx="{x:.1f}" cy="{last:.1f}" r="2.5"/></svg>'
    )
