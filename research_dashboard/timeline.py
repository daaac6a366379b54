"""A run's steps over its time, as SVG: how long each took, and how long it usually takes."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from research_dashboard.charts.model import WIDTH
from research_dashboard.charts.shapes import BETWEEN, widest
from research_dashboard.research import wording

ROW, THICK, LEFT = 24.0, 13.0, 16.0
LEAST = 2.0  # a bar that took no time is still to be seen
PAUSE = 1.0  # seconds between two steps that count as a pause


@dataclass(frozen=True, slots=True)
class Bar:
    """A step: its state (waiting, running, slow, done, failed), when it began and ended in seconds after the run's
    start, and its usual seconds. None where it is not known."""

    name: str
    state: str
    start: float | None
    end: float | None
    usual: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took, so far."""
        return 0.0 if self.start is None or self.end is None else max(0.0, self.end - self.start)

    @property
    def words(self) -> str:
        """Its time as its label says it."""
        if self.start is None:
            return "not started"
        usual = "" if self.usual is None else f", usually {wording.duration(self.usual)}"
        return f"{wording.duration(self.seconds)}{usual}"


def draw(bars: Sequence[Bar]) -> Markup:
    """One row a step, each from where the one before ended; a pause between two steps is a mark, not a length.

    The thin line above a bar is its usual time. Nothing for a run none of whose steps began.
    """
    begun = [bar for bar in bars if bar.start is not None]
    if not begun:
        return Markup("")
    room = widest((bar.words for bar in begun), bold=True) + BETWEEN + LEAST
    scale = max(WIDTH - LEFT - room, 0.0) / (sum(max(bar.seconds, bar.usual or 0.0) for bar in begun) or 1.0)
    out, x, before = [], LEFT, None
    for number, bar in enumerate(bars):
        top = 6 + ROW * number
        out.append(f'<text class="lab" x="0" y="{top + 12:.1f}">{number + 1}</text>')
        if bar.start is None:
            out.append(_words(LEFT, top, bar.words, "lab"))
            continue
        if before is not None and bar.start - before > PAUSE:
            out.append(f'<path class="pause" d="M{x:.1f} {top - ROW + THICK:.1f}V{top:.1f}"/>')
        width = max(bar.seconds * scale, LEAST)
        out.append(
            f'<rect class="step {escape(bar.state)}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{THICK}"/>'
        )
        usual = 0.0 if bar.usual is None else max(bar.usual * scale, LEAST)
        if usual:
            out.append(f'<path class="usual" d="M{x:.1f} {top - 3:.1f}h{usual:.1f}"/>')
        out.append(_words(x + max(width, usual) + BETWEEN, top, bar.words))
        x, before = x + width, bar.end
    height = 6 + ROW * len(bars)
    return Markup(  # noqa: S704  # numbers, and words that went through escape()
        f'<svg class="ch timeline" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-labelledby="timeline-t">'
        f'<title id="timeline-t">{escape(_said(bars))}</title>{"".join(out)}</svg>'
    )


def pauses(bars: Sequence[Bar]) -> float:
    """Seconds between the steps in which nobody worked on the run."""
    begun = [bar for bar in bars if bar.start is not None and bar.end is not None]
    between = [(after.start or 0) - (before.end or 0) for before, after in itertools.pairwise(begun)]
    return sum(gap for gap in between if gap > PAUSE)


def _words(x: float, top: float, words: str, css: str = "val") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{top + 12:.1f}">{escape(words)}</text>'


def _said(bars: Sequence[Bar]) -> str:
    return "Timeline. " + ". ".join(f"Step {number}, {bar.name}: {bar.words}" for number, bar in enumerate(bars, 1))
