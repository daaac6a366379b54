"""Columns, groups of columns, lines, lying bars."""

from collections.abc import Sequence

from research_dashboard.charts.model import GAP_MARK, WIDTH, Chart, Series
from research_dashboard.charts.shapes import (
    BETWEEN,
    LABEL_ROOM,
    PLOT_TOP,
    Scale,
    bar,
    broken,
    cut,
    grid,
    legend,
    periods,
    reach,
    text,
    widest,
    width_of,
)  # fmt: skip
from research_dashboard.research import wording

NAMES_MOST = 94.0  # of the width, for the names beside lying bars


def beside(name: str) -> bool:
    """Whether the name fits beside a lying bar, in bold, uncut."""
    return width_of(name, bold=True) <= NAMES_MOST


def columns(chart: Chart) -> tuple[list[str], float]:
    """One bar a period with its value at its end; under it, if asked for, a line in a panel of its own."""
    values, count = chart.series[0].values, len(chart.labels)
    slot = WIDTH / count
    width = min(slot * 0.56, 44)
    bottom = 150.0
    low, high = reach(chart.series)
    if low == high:
        high = 1.0
    room = 16.0 if low < 0 else 0.0
    y = Scale(low, high, bottom - room, PLOT_TOP)
    out = []
    for at, value in enumerate(values):
        middle = slot * (at + 0.5)
        if value is None:
            out.append(text(middle, y(0) - 6, chart.shown(None, at), "", "middle"))
            continue
        css = "bar me" if at == chart.marked else "bar"
        out.append(bar(middle - width / 2, min(y(value), y(0)), width, abs(y(value) - y(0)), css))
        out.append(text(middle, y(value) + (-6 if value >= 0 else 13), chart.shown(value), "val", "middle"))
    out.append(f'<path class="axis" d="M0 {y(0):.1f}H{WIDTH:.0f}"/>')
    end = bottom
    if chart.below and any(value is not None for value in chart.below.values):
        panel, end = _panel(chart.below, slot, bottom + 22)
        out += panel
    return [*out, *periods(chart.labels, 0, slot, end + 16)], end + LABEL_ROOM


def _panel(line: Series, slot: float, top: float) -> tuple[list[str], float]:
    bottom = top + 66
    low, high = reach([line])
    y = Scale(low, high if high > low else 1.0, bottom - (16 if low < 0 else 0), top + 30)
    out = [text(0, top + 4, f"{line.name}, %"), f'<path class="axis" d="M0 {y(0):.1f}H{WIDTH:.0f}"/>']
    points = [None if v is None else (slot * (at + 0.5), y(v)) for at, v in enumerate(line.values)]
    out.append(broken(points, "ln c1"))
    for at, value in enumerate(line.values):
        point = points[at]
        if value is None or point is None:
            out.append(text(slot * (at + 0.5), y(0) - 6, GAP_MARK, "", "middle"))
            continue
        out.append(f'<circle class="d1" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="3"/>')
        beside = point[1] + (-7 if value >= 0 else 15)
        out.append(text(point[0], beside, f"{wording.number(value, 1)}%", "val", "middle"))
    return out, bottom


def groups(chart: Chart) -> tuple[list[str], float]:
    """Several bars a period, side by side, with a legend and a grid."""
    keys, top = legend(chart)
    bottom = top + 136
    out, y, left = grid(chart, *reach(chart.series), (WIDTH, top, bottom))
    slot = (WIDTH - left) / len(chart.labels)
    width = slot * 0.78 / len(chart.series)
    for number, line in enumerate(chart.series):
        for at, value in enumerate(line.values):
            x = left + slot * (at + 0.11) + width * number
            if value is None:
                out.append(text(x + width / 2, y(0) - 4, GAP_MARK, "", "middle"))
            else:
                out.append(bar(x, min(y(value), y(0)), width - 1.5, abs(y(value) - y(0)), f"d{number + 1}"))
    return [*out, *periods(chart.labels, left, slot, bottom + 16), *keys], bottom + LABEL_ROOM


def lines(chart: Chart) -> tuple[list[str], float]:
    """A line a series, broken at gaps, with its newest value where it ends and a legend above."""
    newest = [next((value for value in reversed(line.values) if value is not None), None) for line in chart.series]
    shown = ["" if value is None else chart.shown(value) for value in newest]
    keys, top = legend(chart)
    right, bottom = WIDTH - widest(shown, bold=True) - 4, top + 142
    out, y, left = grid(chart, *reach(chart.series), (right, top, bottom))
    slot = (right - left) / len(chart.labels)
    ends: list[tuple[float, int]] = []
    for number, line in enumerate(chart.series):
        points = [None if v is None else (left + slot * (at + 0.5), y(v)) for at, v in enumerate(line.values)]
        out.append(broken(points, f"ln c{number + 1}"))
        drawn = [point for point in points if point is not None]
        out += [f'<circle class="d{number + 1}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in drawn]
        if drawn:
            ends.append((drawn[-1][1], number))
    for place, number in _apart(sorted(ends), 15, bottom + 4):
        out.append(text(right + 2, place + 4, shown[number], "val"))
    return [*out, *periods(chart.labels, left, slot, bottom + 16), *keys], bottom + LABEL_ROOM


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


def bars(chart: Chart) -> tuple[list[str], float]:
    """A bar a company, lying, from a common zero line; the subject is marked by colour and by weight."""
    row, thick = 26.0, 18.0
    values = chart.series[0].values
    low, high = reach(chart.series)
    if low == high:
        high = 1.0
    names = [cut(label, NAMES_MOST) for label in chart.labels]
    shown = [chart.shown(value, at) for at, value in enumerate(values)]
    room = widest(shown, bold=True) + BETWEEN
    x = Scale(low, high, widest(names, bold=True) + BETWEEN + (room if low < 0 else 0), chart.width - room)
    out = []
    for at, (name, value) in enumerate(zip(names, values, strict=True)):
        top = 4 + row * at
        me = at == chart.marked
        out.append(text(0, top + 13, name, "me" if me else "lab"))
        if value is None:
            out.append(text(x(0) + BETWEEN, top + 13, shown[at]))
            continue
        out.append(bar(min(x(value), x(0)), top, abs(x(value) - x(0)), thick, "bar me" if me else "bar"))
        end = x(value) + (BETWEEN if value >= 0 else -BETWEEN)
        out.append(text(end, top + 13, shown[at], "val", "" if value >= 0 else "end"))
    height = row * len(values)
    out.append(f'<path class="axis" d="M{x(0):.1f} 0V{height:.0f}"/>')
    return out, height + 4
