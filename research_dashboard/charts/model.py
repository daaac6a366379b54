"""What a chart shows: its labels, its values, its words; and the same as a table."""

from dataclasses import dataclass
from typing import Literal

from research_dashboard.research import wording

WIDTH = 320.0  # words of 12 units come to 11 px on a phone of 360 px
Kind = Literal["columns", "groups", "lines", "bars", "bridge", "stack"]
GAP_MARK = "n/r"


@dataclass(frozen=True, slots=True)
class Series:
    """A row of values, one for each label of its chart; None where there is none."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw. Values are in the unit shown; `suffix` follows each label ("%"); `marked` is the label in colour.

    `totals` are the labels of a bridge that stand on zero. `below` is a line in a panel of its own under the columns,
    in percent. `marks` says why a value is missing.
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
    totals: tuple[str, ...] = ()
    below: Series | None = None
    marks: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    source: str = ""
    width: float = WIDTH  # of lying bars, which may stand three in a row on paper

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
        kind = {"lines": "Line chart", "groups": "Grouped bar chart", "bridge": "Bridge", "stack": "Stacked bar chart"}
        parts = [
            f"{line.name}: " + ", ".join(f"{label} {self._cell(line, at)}" for at, label in enumerate(self.labels))
            for line in [*self.series, *([self.below] if self.below else [])]
        ]
        return f"{kind.get(self.kind, 'Bar chart')}, {self.unit}. {'. '.join(parts)}."

    @property
    def empty(self) -> bool:
        """True when no value is there to draw."""
        return all(value is None for line in self.series for value in line.values)
