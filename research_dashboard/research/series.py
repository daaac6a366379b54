"""What breaks a series of years: splits, recasts, transition periods, staleness, long years (2.7 to 2.12)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from research_dashboard.research.concepts import CONCEPTS, OWN
from research_dashboard.research.figures import Figures, exact
from research_dashboard.research.model import Figure
from research_dashboard.research.periods import LONG_YEAR, Calendar
from research_dashboard.research.twofold import NEAR_SPLIT, split_ratio
from research_dashboard.research.wording import NOT_ADJUSTED, long_date, money_words, number, percent, plain

if TYPE_CHECKING:
    from research_dashboard.research.analysis import Analysis

SPLIT_FROM = Decimal("1.4")  # diluted shares of two filings for one period
SAME_INCOME = Decimal("0.01")  # and net income this close
RECAST = Decimal("0.20")  # of revenue and assets together: a new reporting entity
SCALE = 500  # times its neighbours: a possible scale error
LEVEL_CONCEPTS = ("revenue", "cost_of_revenue", "assets", "liabilities", "shares_diluted")
MATERIAL = Decimal("0.05")  # a restatement from here on is a note
VERBS = {"restated": "was restated from", "retagged": "is filed under another tag since, and went from"}
NOTED = ("revenue", "gross_profit", "operating_income", "net_income", "assets", "equity", "debt", "ocf", "capex")


@dataclass(frozen=True, slots=True)
class Split:
    """A change of the share basis between two filings: numbers filed before `filed` are on the old basis."""

    ratio: Decimal  # above one: a split; below: a reverse split
    end: date  # the period both filings report
    filed: date  # of the first filing on the new basis

    @property
    def is_split(self) -> bool:
        """False where the ratio is no split's: in a merger or a new entity shares are counted on another basis."""
        return split_ratio(self.ratio, NEAR_SPLIT) is not None

    @property
    def exact(self) -> Decimal:
        """The ratio of the split; the measured one where it is none."""
        return split_ratio(self.ratio, NEAR_SPLIT) or self.ratio

    @property
    def words(self) -> str:
        """20-for-1 split, 3-for-2 split, 1-for-8 split; a change of the share basis, 0.17 new for each old share."""
        if not self.is_split:
            return f"change of the share basis ({number(self.ratio, 2)} new for each old share)"
        many, per = max(self.exact, 1 / self.exact), 1
        if many != many.to_integral_value():
            many, per = many * 2, 2
        many = many.to_integral_value()
        return f"{many}-for-{per} share split" if self.ratio >= 1 else f"{per}-for-{many} share split"

    @property
    def note(self) -> str:
        """What stands beside a number on the old basis."""
        return f"Before the {self.words} first filed {long_date(self.filed)}: {NOT_ADJUSTED}"


def splits_of(calendar: Calendar, figures: Figures) -> tuple[Split, ...]:
    """Splits seen in periods that two filings report: shares 1.4 times apart, net income within 1 % (2.9)."""
    found: dict[date, Split] = {}
    shares, income = CONCEPTS["shares_diluted"], CONCEPTS["net_income"]
    for year in calendar.years:
        before: tuple[Decimal, Decimal] | None = None
        for anchor in calendar.anchors(year.end, instant=False, view="first"):
            pair = [figures.within(concept, anchor, year.end) for concept in (shares, income)]
            count, profit = (one.value if one is not None else None for one in pair)
            if not isinstance(count, Decimal) or not isinstance(profit, Decimal) or count <= 0:
                continue
            if before is not None and abs(profit - before[1]) <= SAME_INCOME * abs(before[1]):
                ratio = count / before[0]
                apart = max(ratio, 1 / ratio)
                if SPLIT_FROM <= apart < SCALE:
                    split = Split(ratio, year.end, anchor.filed.filing.filed)
                    found.setdefault(split.filed, split)
            before = count, profit
    return tuple(found[day] for day in sorted(found))


def unadjusted(splits: Sequence[Split], figure: Figure) -> Split | None:
    """The first split after the filing of a number of shares, or per share: the number is on the old basis."""
    filed = figure.facts[0].filing.filed
    return next((split for split in splits if split.filed > filed), None)


def last_between(splits: Sequence[Split], before: Figure, figure: Figure) -> Split | None:
    """The last split between the filings of two figures: the second begins another share basis than the first."""
    since, until = before.facts[0].filing.filed, figure.facts[0].filing.filed
    return next((split for split in reversed(splits) if since < split.filed <= until), None)


def split_mark(splits: Sequence[Split], split: Split) -> str:
    """s1 for the newest split, s2 for the one before it: what stands at a number and before the note."""
    return f"s{len(splits) - list(splits).index(split)}"


def recast_start(calendar: Calendar, latest: Figures, first: Figures) -> date | None:
    """Where the series of a new reporting entity starts: its filings' oldest year; None where nothing was recast."""
    for year in reversed(calendar.years):
        if all(_recast(latest, first, concept, year.end) for concept in ("revenue", "assets")):
            filed = latest.figure("revenue", year.end).facts[0].filing.filed
            reported = (
                one.end
                for one in calendar.years
                if any(a.filed.filing.filed >= filed for a in calendar.anchors(one.end, instant=False, view="latest"))
            )
            return min(reported, default=year.end)
    return None


def _recast(latest: Figures, first: Figures, concept: str, end: date) -> bool:
    now, then = latest.figure(concept, end).value, first.figure(concept, end).value
    if not isinstance(now, Decimal) or not isinstance(then, Decimal):
        return False
    return abs(now - then) > RECAST * abs(then)


def notes_of(analysis: "Analysis") -> Iterator[dict[str, Any]]:
    """The notes in the order a reader needs them; those on finance leases are the rules'."""
    if not analysis.years:
        return
    yield from _standing(analysis)
    for stub in analysis.transition_periods:
        text = f"The year end changed: {long_date(stub.start)} to {long_date(stub.end)} is a transition period."
        yield _note("changed_year_end", text, stub.end)
    for year in analysis.years[-10:]:
        if year.days >= LONG_YEAR:
            text = f"{year.label}, ended {long_date(year.end)}, has 53 weeks; nothing is adjusted for it."
            yield _note("long_year", text, year.end)
    for split in analysis.splits:
        text = (
            f"A {split.words}: filings from {long_date(split.filed)} on count the new shares. "
            "Older years stay unadjusted."
        )
        yield {**_note("split", text, split.end), "mark": split_mark(analysis.splits, split)}
    yield from _restatements(analysis)
    yield from _scale_errors(analysis)


def _standing(analysis: "Analysis") -> Iterator[dict[str, Any]]:
    """Banners: stale, recast, IFRS, another currency."""
    latest = analysis.latest
    own = analysis.own_filing(latest.end)
    if own is not None and own.form == OWN:
        text = f"These figures were uploaded on {long_date(own.filed)}: they are not filed with the SEC."
        yield _note("not_filed", text, latest.end)
    if analysis.stale:
        text = f"The newest year at hand ended {long_date(latest.end)}, more than 18 months before the as-of date."
        yield _note("stale", text, latest.end)
    if analysis.company.selection:
        text = (
            f"The bundled figures of {analysis.company.name} are a selection: what is missing here may well be filed. "
            "Turn on live data to have it."
        )
        yield _note("selection", text, latest.end)
    elif analysis.calendar.partial:
        text = "The data at hand hold no balance sheets: years are those of the flows in the annual reports."
        yield _note("partial_data", text, latest.end)
    dropped = len(analysis.calendar.years) - len(analysis.years)
    if dropped:
        first = analysis.years[0]
        text = f"The company reports as a new entity: the series starts with the year ended {long_date(first.end)}."
        yield _note("recast", text, first.end)
    if any(fact.taxonomy == "ifrs-full" for fact in analysis.figure("assets", latest.end).facts):
        yield _note("ifrs", "The company reports under IFRS.", latest.end)
    if analysis.currency != "USD":
        yield _note("currency", f"All amounts are in {analysis.currency}; nothing is converted.", latest.end)


def _restatements(analysis: "Analysis") -> Iterator[dict[str, Any]]:
    """Restatements of 5 % and more of the main lines; errors of scale in any line."""
    for entry in analysis.restated:
        first, latest = entry["first"]["value"], entry["latest"]["value"]
        if entry["kind"] == "scale":
            end = date.fromisoformat(entry["end"])
            text = (
                f"{CONCEPTS[entry['concept']].label} of {long_date(end)}: {plain(latest)} in the latest filing, "
                f"{plain(first)} in the first. That is an error of scale, no restatement; it is shown as filed."
            )
            yield _note("scale", text, end)
        elif entry["concept"] in NOTED and abs(latest - first) >= MATERIAL * abs(first):
            label = CONCEPTS[entry["concept"]].label
            end = date.fromisoformat(entry["end"])
            change = f" ({percent(float((latest - first) / abs(first) * 100), signed=True)})" if first else ""
            text = (
                f"{label} of the year ended {long_date(end)} {VERBS[entry['kind']]} "
                f"{money_words(first, analysis.currency)} to {money_words(latest, analysis.currency)}{change}."
            )
            yield _note(entry["kind"], text, end)


def _scale_errors(analysis: "Analysis") -> Iterator[dict[str, Any]]:
    """A value 500 times its neighbours or its first filed self, or a 500th: kept as filed, and said."""
    told = {(entry["concept"], entry["end"]) for entry in analysis.restated if entry["kind"] == "scale"}
    for concept in LEVEL_CONCEPTS:
        figures = [analysis.figure(concept, year.end) for year in analysis.years]
        sizes = [abs(exact(figure)) if figure.present else Decimal(0) for figure in figures]
        for place, (figure, size) in enumerate(zip(figures, sizes, strict=True)):
            around = (*sizes[max(0, place - 1) : place], *sizes[place + 1 : place + 2])
            others = [other for other in around if other]
            first = [abs(exact(figure.first))] if figure.first is not None and figure.first.value else []
            known = (concept, figure.end.isoformat()) in told
            if (
                size
                and not known
                and any(compared and all(_scaled(size, one) for one in compared) for compared in (others, first))
            ):
                text = f"{figure.label} of {long_date(figure.end)} may be a scale error; it is shown as filed."
                yield _note("scale", text, figure.end)


def _scaled(one: Decimal, other: Decimal) -> bool:
    """True when one value is 500 times the other, or a 500th of it."""
    return one >= SCALE * other or one * SCALE <= other


def _note(kind: str, text: str, end: date) -> dict[str, Any]:
    return {"kind": kind, "text": text, "end": end.isoformat()}
