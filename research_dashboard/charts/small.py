"""Small drawings inside tables: a place among a set, the shape of a row."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from research_dashboard.charts.shapes import Scale, alone, broken


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
        f'<svg class="strip" viewBox="0 0 320 20" role="img" aria-label="{escape(label)}"{alone(style, 320, 20)}'
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
        f'<svg class="spark" viewBox="0 0 72 20" aria-hidden="true">{broken(points, "")}'
        f'<circle cx="{x:.1f}" cy="{last:.1f}" r="2.5"/></svg>'
    )
