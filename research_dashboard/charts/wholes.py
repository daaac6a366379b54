"""Charts of a whole and its parts: a bridge from one amount to another, columns stacked of what they hold."""

from research_dashboard.charts.model import Chart
from research_dashboard.charts.shapes import LABEL_ROOM, PLOT_TOP, WIDTH, Scale, bar, grid, legend, text, wrapped

LETTERS = 11  # of a label that fit under one step of a bridge


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
    """From an amount over what is added and taken away to what is left; the labels in `totals` stand on zero.

    A step without a value is a gap that says why; from there on only what stands on zero itself is drawn.
    """
    values, spans = chart.series[0].values, _spans(chart)
    slot, bottom = WIDTH / len(chart.labels), 150.0
    ends = [0.0, *(end for span in spans if span for end in span)]
    y = Scale(min(ends), max(*ends, 0.0 if min(ends) < 0 else 1.0), bottom - (14 if min(ends) < 0 else 0), PLOT_TOP)
    width, out = min(slot * 0.62, 52), []
    for at, (label, span) in enumerate(zip(chart.labels, spans, strict=True)):
        middle = slot * (at + 0.5)
        if span is None:
            out.append(text(middle, y(0) - 6, chart.shown(values[at], at), "", "middle"))
        else:
            top, css = min(y(end) for end in span), "bar me" if label in chart.totals else "bar"
            out.append(bar(middle - width / 2, top, width, abs(y(span[1]) - y(span[0])), css))
            foot = max(y(end) for end in span)
            beside = foot + 13 if top > y(0) else top - 6  # above a bar that starts under zero the axis would strike it
            out.append(text(middle, beside, chart.shown(values[at], at), "val", "middle"))
        if span is not None and at + 1 < len(spans) and spans[at + 1] is not None:
            out.append(f'<path class="axis" d="M{middle + width / 2:.1f} {y(span[1]):.1f}h{slot - width:.1f}"/>')
        out += [
            text(middle, bottom + 16 + 12 * row, word, "tiny", "middle")
            for row, word in enumerate(wrapped(label, LETTERS))
        ]
    out.append(f'<path class="axis" d="M0 {y(0):.1f}H{WIDTH:.0f}"/>')
    return out, bottom + LABEL_ROOM + 12 * max(len(wrapped(label, LETTERS)) - 1 for label in chart.labels)


def stack(chart: Chart) -> tuple[list[str], float]:
    """A column a period, stacked of its parts from zero up; a negative part hangs below zero.

    A period that lacks a part is a gap: a column without it would pass for the whole.
    """
    box = left, right, _, bottom = 44.0, WIDTH, 34.0, 170.0
    columns = [
        None if None in parts else [part or 0.0 for part in parts]
        for parts in zip(*(line.values for line in chart.series), strict=True)
    ]
    whole = [parts for parts in columns if parts]
    low = min((sum(min(part, 0.0) for part in parts) for parts in whole), default=0.0)
    high = max((sum(max(part, 0.0) for part in parts) for parts in whole), default=0.0)
    out, y = grid(chart, low, high, box)
    slot = (right - left) / len(chart.labels)
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
    out += [text(left + slot * (at + 0.5), bottom + 16, label, "", "middle") for at, label in enumerate(chart.labels)]
    return [*out, *legend(chart, left)], bottom + LABEL_ROOM
