"""How a rule is written down, tried on a company, and scored (FINANCE.md, section 5).

A rule reads its inputs through a Reader, which keeps every figure read as the finding's evidence and ends the trial as
*untested* when one is absent. Percentages are read in percent, so that 2 means 2 % or 2 percentage points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack

from research_dashboard.research.analysed import Analysed, reading
from research_dashboard.research.model import Company, Figure, FiscalYear
from research_dashboard.research.peers import Comparison, Member, PeerSet
from research_dashboard.research.standing import PERCENTILE_IN_RULES_FROM, median, percentile, rank
from research_dashboard.research.wording import PERCENT_LIMIT, money_words, percent, times

Quadrant = Literal["strengths", "weaknesses", "opportunities", "threats"]
QUADRANTS: tuple[Quadrant, ...] = ("strengths", "weaknesses", "opportunities", "threats")
State = Literal["fired", "silent", "silenced", "untested"]

SPAN = 60  # points between the lowest and the highest score of a rule
IMPAIRED_FROM = 0.5  # impairment against operating income, both as sizes: from here findings say so


def holds_leases(debt: Figure) -> bool:
    """Whether the debt line holds finance leases: a note on the figure says so."""
    return any("leases" in note for note in debt.notes)


class Untested(Exception):
    """An input of the rule is absent, or the rule does not apply to the sector."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fires: its excess over the threshold as part of the scale, and the words of its sentence."""

    excess: float
    words: dict[str, str]
    sentence: str | None = None  # instead of the rule's usual one


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: what it is called, when it fires, how it scores, what it says, what it reads."""

    id: str
    topic: str
    when: str  # the docstring of its function
    base: int
    score: str
    sentence: str
    inputs: tuple[str, ...]
    test: Callable[["Reader"], Hit | None]
    optional: tuple[str, ...] = ()  # read where filed; their absence does not keep the rule from being tested
    peers: Literal["", "close", "close/wide"] = ""
    unless: tuple[str, ...] = ()  # silenced when one of these fired
    not_for: tuple[str, ...] = ()  # sectors
    impairment: bool = False  # says so when an impairment weighs on the year

    @property
    def quadrant(self) -> Quadrant:
        """By the first letter of the id."""
        return QUADRANTS["SWOT".index(self.id[0])]


@dataclass(frozen=True, slots=True)
class Used:
    """A figure that a rule read, whose it is, and what its company calls the year."""

    company: Company
    figure: Figure
    label: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of trying a rule; a fired one has a sentence and figures."""

    rule: Rule
    state: State
    score: float = 0.0
    sentence: str = ""
    used: tuple[Used, ...] = ()

    @property
    def fired(self) -> bool:
        """True when the rule fired and no other silenced it."""
        return self.state == "fired"


@dataclass
class Trial:
    """All rules on one company: each is tried once, when first asked for, so that rules may ask for each other."""

    subject: Analysed
    comparison: Comparison | None
    rules: Sequence[Rule]
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def verdict(self, rule_id: str) -> Verdict:
        """What came of the rule."""
        if rule_id not in self.verdicts:
            self.verdicts[rule_id] = self._try(next(rule for rule in self.rules if rule.id == rule_id))
        return self.verdicts[rule_id]

    def all(self) -> list[Verdict]:
        """Every rule's verdict, in the order of the table."""
        return [self.verdict(rule.id) for rule in self.rules]

    def _try(self, rule: Rule) -> Verdict:
        reader = Reader(self, rule)
        try:
            if self.subject.sector in rule.not_for or not self.subject.years:
                raise Untested
            hit = rule.test(reader)
        except Untested:
            return Verdict(rule, "untested")
        if hit is None:
            return Verdict(rule, "silent")
        if any(self.verdict(other).fired for other in rule.unless):
            return Verdict(rule, "silenced")
        sentence = (hit.sentence or rule.sentence).format(**hit.words) + reader.qualifiers(hit)
        score = round(rule.base + SPAN * min(1.0, max(0.0, hit.excess)), 1)
        return Verdict(rule, "fired", score, sentence, tuple(reader.used))


class Reader:
    """What a rule sees of the company: its figures, now and in years before, and its finding set."""

    def __init__(self, trial: Trial, rule: Rule) -> None:
        self._trial, self._rule = trial, rule
        self._subject = trial.subject
        self.used: list[Used] = []

    # Figures of the company itself, at its newest year or `back` years from it.

    def __call__(self, concept: str, back: int = 0) -> float:
        """The value in the newest year (back=-1: the year before …); an absent one ends the trial as untested."""
        return self._value(concept, self._year(back))

    def lowest(self, concept: str, years: int) -> float:
        """The lowest value of the last so many years, this one included."""
        return min(self(concept, -back) for back in range(years))

    def change(self, concept: str, back: int) -> float:
        """The newest value less the one `back` years from it, free of floating-point dust."""
        return round(self(concept) - self(concept, back), 6)

    def growth(self, concept: str) -> float | None:
        """Growth over the year in percent, both years from one filing; None where the base is not positive."""
        self._declared(concept)
        year = self._year(0)
        now, before = self._subject.pair(concept, year.end)
        values = reading(now), reading(before)
        if values[0] is None or values[1] is None:
            raise Untested
        self._keep(self._subject, now, year)
        self._keep(self._subject, before, self._year(-1))
        return None if values[1] <= 0 else round((values[0] / values[1] - 1) * 100, 6)

    def optional(self, concept: str, back: int = 0) -> float | None:
        """The value, or None where it is absent: the rule goes on without it."""
        try:
            return self(concept, back)
        except Untested:
            return None

    def raw(self, concept: str, back: int = 0) -> float:
        """The value even where the page shows n/m, as for a negative interest cover."""
        self._declared(concept)
        year = self._year(back)
        figure = self._subject.figure(concept, year.end)
        value = reading(figure) if figure.present else figure.raw
        if value is None:
            raise Untested
        self._keep(self._subject, figure, year)
        return value

    def optional_raw(self, concept: str) -> float | None:
        """The raw value, or None where it is absent."""
        try:
            return self.raw(concept)
        except Untested:
            return None

    def optional_growth(self, concept: str) -> float | None:
        """Growth over the year, or None where a year is absent or the base is not positive."""
        try:
            return self.growth(concept)
        except Untested:
            return None

    def leases_beside_debt(self) -> float:
        """Finance leases that the debt figure does not hold already; nothing where none are filed."""
        leases = self.optional("finance_leases")
        if leases is None and self._subject.company.selection:
            raise Untested
        if leases is None or holds_leases(self._subject.figure("debt", self._year(0).end)):
            return 0.0
        return leases

    def distributed(self, back: int) -> float:
        """Dividends and buybacks of a year; one of them counts as none only where the other is filed."""
        paid = [self.optional("dividends", back), self.optional("buybacks", back)]
        if paid == [None, None] or (None in paid and self._subject.company.selection):
            raise Untested
        return sum(value for value in paid if value is not None)

    def five_years(self, *concepts: str) -> float | None:
        """The sum over five years of what is filed of the concepts; None where a year has none of them."""
        total = 0.0
        for back in range(0, -5, -1):
            values = [self.optional(concept, back) for concept in concepts]
            if all(value is None for value in values):
                return None
            total += sum(value for value in values if value is not None)
        return total

    def fired(self, rule_id: str) -> bool:
        """Whether another rule fired."""
        return self._trial.verdict(rule_id).fired

    @property
    def sector(self) -> str:
        """bank, insurer, utility, reit or general."""
        return self._subject.sector

    def label(self, back: int) -> str:
        """What the company calls the year: FY2023."""
        return self._year(back).label

    # The finding set, in its calendar year.

    @property
    def set(self) -> PeerSet:
        """The companies that the rule may compare with; too few end the trial as untested."""
        found = self._trial.comparison.finding if self._trial.comparison else None
        if found is None or (self._rule.peers == "close" and not found.close):
            raise Untested
        return found

    def own(self, ratio: str) -> float:
        """The company's value in the comparison year."""
        return self._value(ratio, self.set.subject.year)

    def median(self, ratio: str) -> float:
        """The median of the peers, the company itself left out."""
        found = median(self.others(ratio))
        if found is None:
            raise Untested
        return found

    def percentile(self, ratio: str) -> float:
        """Where the company stands among its peers: 0 lowest, 100 highest."""
        found = percentile(self.own(ratio), self.others(ratio), at_least=PERCENTILE_IN_RULES_FROM)
        if found is None:
            raise Untested
        return found

    def rank(self, ratio: str) -> int:
        """1 is the largest value of the set; untested in a set too wide for a rank to mean something.

        So is a rank by revenue where revenue is what the set was chosen by.
        """
        if not self.set.ranks or (self.set.crowd and ratio == "revenue"):
            raise Untested
        return rank(self.own(ratio), self.others(ratio))

    def others(self, ratio: str) -> list[float]:
        """The peers' values, where they have one."""
        self._declared(ratio)
        return [value for peer in self.set.peers if (value := self._of(peer, ratio)) is not None]

    # What ends up in the finding.

    def fires(self, happens: bool, excess: float, /, sentence: str | None = None, **words: str) -> Hit | None:
        """A hit when it happens."""
        return Hit(excess, words, sentence) if happens else None

    def qualifiers(self, hit: Hit) -> str:
        """What must be said behind the sentence: which peers, where it does not say; an older year; an impairment."""
        year, said = self._year(0), []
        if self._rule.peers and "basis" not in hit.words:
            said.append(f"peers of {self.set.basis}")
        if self._rule.peers and self.set.subject.year.end != year.end:
            year = self.set.subject.year
            said.append(f"{year.label}, the year compared")
        text = f" ({'; '.join(said)})" if said else ""
        charge = self.impairment(year) if self._rule.impairment else None
        return text if charge is None else f"{text}, after impairment charges of {money_words(charge, self.currency)}"

    def impairment(self, year: FiscalYear | None = None) -> float | None:
        """The year's impairment charge, if it is at least half the size of operating income."""
        year = year or self._year(0)
        charge_figure = self._subject.figure("impairment", year.end)
        charge = reading(charge_figure)
        income = reading(self._subject.figure("operating_income", year.end))
        if charge is None or income is None or charge <= 0 or charge < IMPAIRED_FROM * abs(income):
            return None
        self._keep(self._subject, charge_figure, year)
        return charge

    @property
    def currency(self) -> str:
        """The reporting currency."""
        return self._subject.currency

    def money(self, value: float) -> str:
        """An amount in a sentence."""
        return money_words(value, self.currency)

    def grown(self, growth: float) -> str:
        """Growth in a sentence: 12.3%, and from 1,000% on as a multiple."""
        return percent(growth) if abs(growth) < PERCENT_LIMIT else f"to {times(1 + growth / 100)} what it was"

    def _declared(self, concept: str) -> None:
        if concept not in self._rule.inputs and concept not in self._rule.optional:
            raise LookupError(f"rule {self._rule.id} reads {concept} and does not declare it")

    def _year(self, back: int) -> FiscalYear:
        year: FiscalYear | None = self._subject.latest
        for _ in range(-back):
            year = self._subject.previous(year.end) if year else None
        if year is None:
            raise Untested
        return year

    def _value(self, concept: str, year: FiscalYear) -> float:
        self._declared(concept)
        figure = self._subject.figure(concept, year.end)
        value = reading(figure)
        if value is None:
            raise Untested
        self._keep(self._subject, figure, year)
        return value

    def _of(self, peer: Member, ratio: str) -> float | None:
        figure = peer.figure(ratio)
        value = reading(figure)
        if value is not None:
            self._keep(peer.analysis, figure, peer.year)
        return value

    def _keep(self, analysis: Analysed, figure: Figure, year: FiscalYear) -> None:
        kept = Used(analysis.company, figure, year.label)
        if kept not in self.used:
            self.used.append(kept)


Test = Callable[[Reader], Hit | None]


class Row(TypedDict, total=False):
    """The named columns of a rule's row."""

    base: int
    score: str
    sentence: str
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    peers: Literal["", "close", "close/wide"]
    unless: tuple[str, ...]
    not_for: tuple[str, ...]
    impairment: bool


def collector(into: list[Rule]) -> Callable[..., Callable[[Test], Rule]]:
    """A decorator that makes a rule of a function, whose docstring says when it fires, and puts it into the table."""

    def rule(rule_id: str, topic: str, **row: Unpack[Row]) -> Callable[[Test], Rule]:
        def make(test: Test) -> Rule:
            made = Rule(rule_id, topic, when=(test.__doc__ or "").rstrip("."), test=test, **row)
            into.append(made)
            return made

        return make

    return rule
