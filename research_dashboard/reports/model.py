"""The one report model: what every format draws. build.py makes it from the results of a run."""

import datetime as dt
from dataclasses import dataclass

from research_dashboard.charts import Chart
from research_dashboard.reports import unsaid
from research_dashboard.reports.book import Cell, Source
from research_dashboard.reports.sentences import Sentence
from research_dashboard.research import wording


class NotAReport(ValueError):
    """The results are not those of the built-in research: a program logged them in a form of its own."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a report says of its run."""

    id: int
    company: str
    researcher: str
    date: dt.datetime
    as_of: dt.date | None
    source: str | None
    ticker: str | None
    rules_version: str | None = None
    data_version: str | None = None


@dataclass(frozen=True, slots=True)
class YearHead:
    """A column: FY2025, its end, its length, the numbers of the filings its filed figures come from."""

    label: str
    end: str
    days: int | None
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A concept over the years, oldest first, with the change between the last two."""

    concept: str
    label: str
    cells: tuple[Cell, ...]
    change: str

    @property
    def values(self) -> tuple[float | None, ...]:
        """For the sparkline. A number from before a share split is a gap: the fall that a line drew was none."""
        return tuple(
            None
            if cell.value is None or any(note.endswith(wording.NOT_ADJUSTED) for note in cell.notes)
            else float(cell.value)
            for cell in self.cells
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the table: Income, US$ million."""

    id: str
    title: str
    unit: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A big number: its cell, how it is shown, and a line below."""

    label: str
    cell: Cell
    shown: wording.Money
    below: str


@dataclass(frozen=True, slots=True)
class PeerRow:
    """A company of the set: its share and its figures, one for each of the report's peer columns."""

    name: str
    cik: int | None
    ticker: str | None
    subject: bool
    end: str
    share: str
    part: float | None  # the share in percent
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The subject's place in one ratio."""

    ratio: str
    label: str
    cell: Cell | None
    shown: str
    median: str
    rank: str
    percentile: str
    value: float | None
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: its sentence, the figures it used, its rule."""

    rule: str
    sentence: Sentence
    evidence: tuple[tuple[str, Cell], ...]  # (company if not the subject, figure)
    sources: tuple[int, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A figure that the report could not fill, over the periods it is missing in."""

    id: str
    concept: str
    label: str
    periods: tuple[str, ...]
    unbroken: bool  # the periods follow each other
    tags: tuple[str, ...]
    mark: str
    reason: str
    code: str

    @property
    def span(self) -> str:
        """FY2021 to FY2025, or one by one where a year between them is filed."""
        if self.unbroken and len(self.periods) > 2:
            return f"{self.periods[0]} to {self.periods[-1]}"
        return wording.listed(self.periods)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the figures of one row, or of one peer, were made."""

    id: str
    title: str
    formula: str
    cells: tuple[Cell, ...]
    meaning: str = ""  # of a ratio: what it tells


@dataclass(frozen=True, slots=True)
class Restated:
    """A figure whose later filing states another value than its first."""

    label: str
    period: str
    first: str
    latest: str
    change: str
    why: str  # restated, another tag, share split …


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a format needs, in order of reading."""

    run: RunFacts
    name: str
    identity: tuple[str, ...]
    basis: str
    banners: tuple[tuple[str, str], ...]
    answers: tuple[tuple[str, tuple[Sentence, ...]], ...]
    tiles: tuple[Tile, ...]
    years: tuple[YearHead, ...]
    parts: tuple[Part, ...]
    further: tuple[Part, ...]
    notes: tuple[str, ...]
    charts: tuple[Chart, ...]
    peer_line: Sentence
    peer_set: str
    peer_warning: str
    peer_year: str
    peer_columns: tuple[str, ...]
    peers: tuple[PeerRow, ...]
    peer_charts: tuple[Chart, ...]
    excluded: tuple[tuple[str, str], ...]
    standing: tuple[Standing, ...]
    unplaced: tuple[str, ...]  # ratios that the subject has no value of
    swot: tuple[tuple[str, str, str, tuple[Finding, ...]], ...]
    rules_line: str
    restated: tuple[Restated, ...]
    restated_before: tuple[Restated, ...]
    gaps: tuple[Gap, ...]
    evidence: tuple[Evidence, ...]
    method: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    scale: wording.Scale

    @property
    def unfilled(self) -> tuple[Gap, ...]:
        """The gaps that its filings leave."""
        return tuple(gap for gap in self.gaps if gap.code != "not_in_data")

    @property
    def elsewhere(self) -> tuple[tuple[str, tuple[Gap, ...]], ...]:
        """The gaps that the data at hand leave, by their years: its filings may well fill them."""
        spans: dict[str, list[Gap]] = {}
        for gap in self.gaps:
            if gap.code == "not_in_data":
                spans.setdefault(gap.span, []).append(gap)
        return tuple((span, tuple(found)) for span, found in spans.items())

    @property
    def gap_line(self) -> str:
        """27 figures are not in the data at hand. These are 135 values, … Nothing is estimated."""
        absent = len(self.gaps) - len(self.unfilled)
        said = [f"{wording.counted(len(self.unfilled), 'figure')} could not be filled."] if self.unfilled else []
        if absent:
            verb = "is" if absent == 1 else "are"
            said.append(f"{wording.counted(absent, 'figure')} {verb} not in the data at hand.")
        values = sum(len(gap.periods) for gap in self.gaps)
        if values > len(self.gaps):
            said.append(f"By fiscal year that makes {values} values, which lists of runs and the API count as gaps.")
        return " ".join([*said, "Nothing is estimated."] if said else ["Nothing is missing."])

    @property
    def unplaced_line(self) -> str:
        """Of return on equity and debt to equity the company has no figure, so no place; empty where it has all."""
        names = wording.listed([unsaid.inside(label) for label in self.unplaced])
        return f"Without a figure of the company, and so without a place: {names}." if names else ""

    @property
    def money(self) -> str:
        """The unit of money in its tables."""
        return self.scale.title
