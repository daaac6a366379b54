"""Which filing speaks for which period: section 2 of FINANCE.md. Dates decide, never `fy`, `fp` or a frame."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Literal

from research_dashboard.research.concepts import (
    ASSETS_TAGS,
    CORE_FLOW_TAGS,
    COVER_SHARES,
    NET_INCOME_TAGS,
    OWN,
    TAGS,
    UPLOADABLE,
)
from research_dashboard.research.model import Fact, Filing, FiscalYear

View = Literal["latest", "first"]
Key = tuple[str, date | None, date]  # tag, start, end

YEAR_DAYS = range(350, 381)  # counted inclusively; seen are 363 to 366 and 371
QUARTER_DAYS = range(80, 101)
SAME_END = timedelta(days=7)  # ends this close together are one year
LONG_YEAR = 370  # days: a year of 53 weeks

TRANSITION_FORMS = frozenset({"10-KT", "10-KT/A"})
STATEMENT_FORMS = frozenset({"10-K", "10-K405", "20-F", "40-F", "10-K/A", "10-K405/A", "20-F/A", "40-F/A"}) | (
    TRANSITION_FORMS | {OWN}  # what was uploaded is one statement of its company
)
STUB_FORMS = TRANSITION_FORMS | {"10-QT", "10-QT/A"}
FALLBACK_FORMS = (("8-K", "8-K/A"), ("10-Q", "10-Q/A", "10-QT", "10-QT/A"))  # 2.6, in this order

_NAMES = {tuple(tag.split(":")): tag for tag in TAGS} | {(OWN, concept): tag for concept, tag in UPLOADABLE.items()}


@dataclass(frozen=True)
class Filed:
    """One filing with its facts, found by tag and period."""

    filing: Filing
    values: dict[Key, Fact]
    periods: frozenset[tuple[date, date]]  # of net income, annual or not
    balances: frozenset[date]  # where Assets stands
    partial: bool = False  # of a company whose data hold no balance sheet at all

    @cached_property
    def annual(self) -> list[tuple[date, date]]:
        """The annual periods for which net income stands here."""
        return [period for period in self.periods if days(*period) in YEAR_DAYS]

    @cached_property
    def own(self) -> tuple[date, date] | None:
        """The filing's own period: the latest annual one."""
        return max(self.annual, key=lambda period: (period[1], period[0]), default=None)

    @cached_property
    def is_statement(self) -> bool:
        """True when the filing holds whole statements: an annual net income and a balance sheet."""
        if self.filing.form not in STATEMENT_FORMS or self.own is None:
            return False
        return bool(self.balances) if not self.partial else not self.filing.form.endswith("/A")

    @cached_property
    def stub(self) -> tuple[date, date] | None:
        """The shorter period that a transition report is about."""
        if self.filing.form not in STUB_FORMS or not self.periods:
            return None
        end = max(end for _, end in self.periods)
        start = min(start for start, other in self.periods if other == end)
        return (start, end) if days(start, end) < YEAR_DAYS.start else None

    @cached_property
    def unit(self) -> Decimal:
        """What it rounds to: the finest step of its assets and net income."""
        tags = {*ASSETS_TAGS, *NET_INCOME_TAGS}
        steps = (_step(fact.value) for (tag, _, _), fact in self.values.items() if tag in tags and fact.value)
        return min(steps, default=Decimal(1))

    @property
    def order(self) -> tuple[date, bool, str]:
        """Oldest first; on one day the 10-K before its amendment, then the smaller accession."""
        return self.filing.filed, self.filing.form.endswith("/A"), self.filing.accession


@dataclass(frozen=True, slots=True)
class Anchor:
    """A filing that reports a period, and the period as that filing has it (`start` is None for an instant)."""

    filed: Filed
    start: date | None
    end: date


def days(start: date, end: date) -> int:
    """Length of a period, both ends counted."""
    return (end - start).days + 1


def usable(facts: Iterable[Fact], as_of: date) -> list[Fact]:
    """The facts of section 1's tags known on a day; a period that ends after its filing is a typing error."""
    return [
        fact
        for fact in facts
        if fact.filing.filed <= as_of and fact.end <= fact.filing.filed and (fact.taxonomy, fact.tag) in _NAMES
    ]


def currency_of(facts: Sequence[Fact]) -> str:
    """The one reporting currency: that of most facts in the newest annual report that has a balance sheet."""
    in_reports = [f for f in facts if f.filing.form in STATEMENT_FORMS and len(f.unit) == 3 and f.unit.isupper()]
    newest = max(
        ((f.filing.filed, f.filing.accession) for f in in_reports if _NAMES[f.taxonomy, f.tag] in ASSETS_TAGS),
        default=None,
    )
    if newest is None:
        return "USD"
    units = Counter(f.unit for f in in_reports if (f.filing.filed, f.filing.accession) == newest)
    return min(units, key=lambda unit: (-units[unit], unit))


def file_facts(facts: Sequence[Fact], currency: str) -> list[Filed]:
    """The facts by filing, oldest first, each found by tag and period."""
    units = {currency, f"{currency}/shares", "shares"}
    values: dict[str, dict[Key, Fact]] = defaultdict(dict)
    filings: dict[str, Filing] = {}
    for fact in facts:
        if fact.unit in units:
            filings[fact.filing.accession] = fact.filing
            values[fact.filing.accession][_NAMES[fact.taxonomy, fact.tag], fact.start, fact.end] = fact
    filed = [_filed(filings[accession], keys) for accession, keys in values.items()]
    if not any(one.is_statement for one in filed):
        filed = [_filed(filings[accession], keys, partial=True) for accession, keys in values.items()]
    return sorted(filed, key=lambda one: one.order)


def _filed(filing: Filing, values: dict[Key, Fact], partial: bool = False) -> Filed:
    """A filing with its periods; of partial data (no net income or no assets anywhere) those of other flows and stocks.

    Section 2 wants a balance sheet in a statement filing. Some sources carry a few tags of a company only; their
    annual reports then speak for the years of their flows, amendments left aside, and a note says so.
    """
    flows, stocks = (CORE_FLOW_TAGS, TAGS - {COVER_SHARES}) if partial else (NET_INCOME_TAGS, ASSETS_TAGS)
    periods = frozenset((start, end) for tag, start, end in values if start and tag in flows)
    balances = frozenset(end for tag, start, end in values if start is None and tag in stocks)
    return Filed(filing, values, periods, balances, partial)


class Calendar:
    """The fiscal years of a company and, for each date, the filings that report it in the order of a view."""

    def __init__(self, filed: Sequence[Filed]) -> None:
        self.filed = filed
        self.statements = [one for one in filed if one.is_statement]
        self.partial = any(one.partial for one in self.statements)
        self.full = [one for one in self.statements if one.stub is None]  # a 10-KT's annual columns are comparatives
        self._year_of: dict[date, date] = {}  # any end as filed -> the year's end
        self.years = self._fiscal_years()
        self.by_end: Mapping[date, FiscalYear] = {year.end: year for year in self.years}
        self._flows, self._stocks, self._elsewhere = self._reported()

    def anchors(self, end: date, instant: bool, view: View) -> list[Anchor]:
        """The filings to ask for a period, best first (2.5); 8-K, then 10-Q where no statement has the balance."""
        found = self._stocks.get(end, []) if instant else self._flows.get(end, [])
        if found:
            return found[::-1] if view == "latest" else found
        fallback: list[Anchor] = []
        for forms in FALLBACK_FORMS if instant else ():
            same = [anchor for anchor in self._elsewhere.get(end, ()) if anchor.filed.filing.form in forms]
            fallback += same[::-1] if view == "latest" else same
        return fallback

    def previous(self, end: date) -> FiscalYear | None:
        """The fiscal year that ended 350 to 380 days earlier."""
        return next((year for year in reversed(self.years) if (end - year.end).days in YEAR_DAYS), None)

    def opening(self, end: date) -> date | None:
        """The balance-sheet date 350 to 380 days earlier, also where it ends no fiscal year."""
        before = self.previous(end)
        if before is not None and before.end in self._stocks:
            return before.end
        for dates in (self._stocks, self._elsewhere):
            near = [day for day in dates if (end - day).days in YEAR_DAYS]
            if near:
                return min(near, key=lambda day: (abs((end - day).days - 365), day))
        return None

    def own_filing(self, end: date) -> Filing | None:
        """The first filing whose own period is the fiscal year."""
        return next((one.filing for one in self.full if one.own and self._year_of.get(one.own[1]) == end), None)

    def transition_periods(self) -> list[tuple[date, date, Filing | None]]:
        """The stubs between two fiscal years, with the filing that reports each where one does."""
        stubs = {one.stub: one.filing for one in reversed(self.filed) if one.stub is not None}
        found: list[tuple[date, date, Filing | None]] = [(start, end, filing) for (start, end), filing in stubs.items()]
        for before, after in zip(self.years, self.years[1:], strict=False):
            start, end = before.end + timedelta(days=1), after.start - timedelta(days=1)
            known = any(abs(stub_end - end) <= SAME_END for _, stub_end, _ in found)
            if SAME_END.days < days(start, end) < YEAR_DAYS.start and not known:
                found.append((start, end, None))
        return sorted(found, key=lambda stub: stub[:2])

    def _fiscal_years(self) -> tuple[FiscalYear, ...]:
        """All annual periods of the statement filings; ends at most 7 days apart are one year (2.4)."""
        counted = Counter(period for one in self.full for period in one.annual)
        groups: list[list[tuple[date, date]]] = []
        for period in sorted(counted, key=lambda period: (period[1], period[0])):
            if groups and period[1] - groups[-1][-1][1] <= SAME_END:
                groups[-1].append(period)
            else:
                groups.append([period])
        spans = []
        for group in groups:
            ends, starts = Counter[date](), Counter[date]()
            for start, end in group:
                ends[end] += counted[start, end]
                starts[start] += counted[start, end]
            end = max(ends, key=lambda day: (ends[day], day))
            fitting = [start for start in starts if days(start, end) in YEAR_DAYS] or list(starts)
            spans.append((max(fitting, key=lambda day: (starts[day], day)), end))
            self._year_of.update((filed_end, end) for _, filed_end in group)
        labels = self._labels([end for _, end in spans])
        return tuple(FiscalYear(start, end, f"FY{labels[end]}") for start, end in spans)

    def _labels(self, ends: list[date]) -> dict[date, int]:
        """What the company calls each year: `fy` of its own filing; where there is none, as in the nearest year."""
        called = {}
        for end in ends:
            filing = self.own_filing(end)
            if filing and filing.fiscal_year and filing.fiscal_year - end.year in (-1, 0, 1):
                called[end] = filing.fiscal_year
        labels: dict[date, int] = {}
        for end in ends:
            near = min(called, key=lambda day: abs((day - end).days), default=None)
            labels[end] = called.get(end) or end.year + (called[near] - near.year if near else 0)
        return labels

    def _reported(self) -> tuple[dict[date, list[Anchor]], dict[date, list[Anchor]], dict[date, list[Anchor]]]:
        """Oldest first: the anchors of durations and of instants by year end, and balances in other forms."""
        flows: dict[date, list[Anchor]] = defaultdict(list)
        stocks: dict[date, list[Anchor]] = defaultdict(list)
        elsewhere: dict[date, list[Anchor]] = defaultdict(list)
        for one in self.full:
            periods: dict[date, tuple[date, date]] = {}
            for start, end in sorted(one.annual):
                year = self.by_end[self._year_of[end]]
                held = periods.get(year.end)
                if held is None or self._misfit(year, start, end) < self._misfit(year, *held):
                    periods[year.end] = (start, end)
            for year_end, (start, end) in periods.items():
                flows[year_end].append(Anchor(one, start, end))
        for one in self.filed:
            target = stocks if one.is_statement else elsewhere
            held_dates: dict[date, date] = {}
            for end in sorted(one.balances):
                key = self._year_of.get(end, end)
                if key not in held_dates or end == key:
                    held_dates[key] = end
            for key, end in held_dates.items():
                target[key].append(Anchor(one, None, end))
        return dict(flows), dict(stocks), dict(elsewhere)

    @staticmethod
    def _misfit(year: FiscalYear, start: date, end: date) -> int:
        """Days by which a filing's period differs from the year's."""
        return abs((start - year.start).days) + abs((end - year.end).days)


def rounding(filed: Filed, value: Decimal) -> Decimal:
    """The unit a filing rounds to: the finest of its assets and net income; of the value itself where it is finer."""
    return min(filed.unit, _step(value)) if value else filed.unit


def _step(value: Decimal) -> Decimal:
    """The place of the last digit that is not zero: 1,000 for 26,000; 0.01 for 3.24."""
    return Decimal(1).scaleb(int(value.normalize().as_tuple().exponent))


def differs(first: Decimal, first_unit: Decimal, latest: Decimal, latest_unit: Decimal) -> bool:
    """True when two filings' values of one thing differ by more than 0.5 % and at least one unit of rounding (2.7)."""
    gap = abs(latest - first)
    return gap > Decimal("0.005") * abs(first) and gap >= max(first_unit, latest_unit)
