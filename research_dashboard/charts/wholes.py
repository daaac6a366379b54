"""Charts of a whole and its parts: a bridge from one amount to another, columns stacked of what they hold."""

from research_dashboard.charts.model import WIDTH, Chart
from research_dashboard.charts.shapes import (
    BETWEEN,
    LABEL_ROOM,
    Scale,
    bar,
    grid,
    legend,
    periods,
    text,
    widest,
)  # fmt: skip


def _spans(chart: Chart) -> list[tuple[float, float] | None]:
    """From where to where each step goes; None where its value, or the level that it starts from, is not known."""
    spans: list[tuple[float, float] | None] = []
    level: float | None = 0.0
    for label, value in zip(chart.labels, chart.series[0].values, strict=True):
        start = 0.0 if label in chart.totals else level
        level = None if start is None or value is None else start + value
        spans.append(None if start is None or level is None else (start, level))
    return spans


def bridge(chart: Chart) -> tuple[list[str], float]:
    """From an amount over what is added and taken away to what is left, a lying bar a step; `totals` stand on zero.

    A step without a value is a gap that says why; from there on only what stands on zero itself is drawn.
    """
    row, thick = 26.0, 18.0
    values, spans = chart.series[0].values, _spans(chart)
    ends = [0.0, *(end for span in spans if span for end in span)]
    shown = [chart.shown(value, at) for at, value in enumerate(values)]
    room = widest(shown, bold=True) + BETWEEN
    x = Scale(min(ends), max(*ends, 0.0 if min(ends) < 0 else 1.0), widest(chart.labels) + 2 * BETWEEN, WIDTH - room)
    out = []
    for at, (label, span) in enumerate(zip(chart.labels, spans, strict=True)):
        top = 4 + row * at
        out.append(text(0, top + 13, label, "lab"))
        if span is None:
            out.append(text(x(0) + BETWEEN, top + 13, shown[at]))
            continue
        left, right = sorted(x(end) for end in span)
        out.append(bar(left, top, right - left, thick, "bar me" if label in chart.totals else "bar"))
        out.append(text(max(right, x(0)) + BETWEEN, top + 13, shown[at], "val"))  # the axis strikes no value out
        if at + 1 < len(spans) and spans[at + 1] is not None:
            out.append(f'<path class="axis" d="M{x(span[1]):.1f} {top + thick:.1f}v{row - thick:.1f}"/>')
    height = row * len(values)
    out.append(f'<path class="axis" d="M{x(0):.1f} 0V{height:.0f}"/>')
    return out, height + 4


def stack(chart: Chart) -> tuple[list[str], float]:
    """A column a period, stacked of its parts from zero up; a negative part hangs below zero.

    A period that lacks a part is a gap: a column without it would pass for the whole.
    """
    keys, top = legend(chart)
    bottom = top + 136
    columns = [
        None if None in parts else [part or 0.0 for part in parts]
        for parts in zip(*(line.values for line in chart.series), strict=True)
    ]
    whole = [parts for parts in columns if parts]
    low = min((sum(min(part, 0.0) for part in parts) for parts in whole), default=0.0)
    high = max((sum(max(part, 0.0) for part in parts) for parts in whole), default=0.0)
    out, y, left = grid(chart, low, high, (WIDTH, top, bottom))
    slot = (WIDTH - left) / len(chart.labels)
    width = min(slot * 0.62, 44)
    for at, parts in enumerate(columns):
        middle, above, below = left + slot * (at + 0.5), 0.0, 0.0
        if parts is None:
            out.append(text(middle, y(0) - 6, chart.shown(None, at), "", "middle"))
            continue
        for number, part in enumerate(parts, 1):
            start = below if part < 0 else above
            end = start + part
            out.append(bar(middle - width / 2, min(y(start), y(end)), width, abs(y(end) - y(start)), f"d{number}"))
            above, below = (above, end) if part < 0 else (end, below)
    return [*out, *periods(chart.labels, left, slot, bottom + 16), *keys], bottom + LABEL_ROOM
