"""Which companies a company is set against, for which calendar year, and why others are left out (FINANCE.md, 4).

Two sets are chosen. The *display set* is what the page shows: it widens until five peers have revenue in the
comparison year. The *finding set* is what the rules see: the narrowest industry with three such peers ("close"), the
user's choice, or the review office ("wide", for rules of growth only). All loaded companies never feed a rule. Ranks
are used by rules only in a set that is no wider than SIC-3, or chosen.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from research_dashboard.research.analysed import Analysed
from research_dashboard.research.crowd import MOST, STALE_DAYS, Size, nearest
from research_dashboard.research.model import Company, Figure, FiscalYear
from research_dashboard.research.wording import counted, listed, long_date

Level = Literal["sic4", "sic3", "sic2", "office", "all", "chosen"]

LEVELS: tuple[Level, ...] = ("sic4", "sic3", "sic2", "office", "all")  # narrowest first
ENOUGH_FROM = 5  # peers that end the widening of the display set
CLOSE_FROM = 3  # peers that make an industry, or a choice, a finding set
WIDE_FROM = 5
NARROW = frozenset({"sic4", "sic3", "chosen"})  # sets within which a rank says something

SAME_GROUP = "related", "It files the very same revenue for the same year: a parent or a part of the company itself."

Analyse = Callable[[Company], Analysed]
Sizes = Callable[[Sequence[Company], str], Mapping[int, Size]]  # of companies in a currency, by id


def no_sizes(companies: Sequence[Company], currency: str) -> Mapping[int, Size]:
    """Nothing is known of anyone's size."""
    return {}


@dataclass(frozen=True, slots=True)
class Member:
    """A company with the fiscal year that stands for the comparison year."""

    analysis: Analysed
    year: FiscalYear

    @property
    def company(self) -> Company:
        """The filer."""
        return self.analysis.company

    def figure(self, concept: str) -> Figure:
        """The concept or ratio in the member's year."""
        return self.analysis.figure(concept, self.year.end)

    @property
    def revenue(self) -> float:
        """Revenue of the year: a member has one."""
        return float(self.figure("revenue").value or 0)


@dataclass(frozen=True, slots=True)
class Excluded:
    """A company of the set that could not be set beside the subject."""

    company: Company
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeerSet:
    """The subject and its peers in one calendar year; `peers` largest revenue first."""

    level: Level
    calendar_year: int
    subject: Member
    peers: tuple[Member, ...]
    excluded: tuple[Excluded, ...] = ()
    missing: int = 0  # of the excluded: those that fit and only lack the calendar year
    crowd: int = 0  # companies of the level, where they are too many and the nearest in size were taken; else 0

    @property
    def close(self) -> bool:
        """Of one industry, or chosen by the user: rules of margins and scale may use it."""
        return self.level not in {"office", "all"}

    @property
    def ranks(self) -> bool:
        """Narrow enough for a rule to speak of a rank."""
        return self.level in NARROW

    @property
    def members(self) -> tuple[Member, ...]:
        """Subject and peers, largest revenue first."""
        return tuple(sorted((self.subject, *self.peers), key=lambda member: -member.revenue))

    @property
    def basis(self) -> str:
        """What makes them a set: SIC 7372; of a crowd: SIC 7372 nearest in size."""
        basis = level_basis(self.level, self.subject.company)
        return f"{basis} nearest in size" if self.crowd else basis

    @property
    def text(self) -> str:
        """The set in words, and what was too narrow: 7 companies of SIC 737, fewer than five share SIC 7372."""
        count = counted(len(self.peers), "company", "companies")
        if self.level == "chosen":
            return f"{count} of your choice"
        company = self.subject.company
        text = (
            f"{count}: all that are loaded" if self.level == "all" else f"{count} of {level_basis(self.level, company)}"
        )
        if self.crowd:
            text = f"{count}: the nearest in revenue of the {self.crowd:,} of {level_basis(self.level, company)}"
        narrower = [level for level in LEVELS[:3] if company.sic and wider(self.level, level)]
        tried = [level_basis(level, company).removeprefix("SIC ") for level in narrower]
        return text + (f"; fewer than five share SIC {listed(tried, 'or')} in the loaded data" if tried else "")

    @property
    def named(self) -> str:
        """3 companies of SIC 7372."""
        return f"{counted(len(self.peers), 'company', 'companies')} of {self.basis}"

    @property
    def doubt(self) -> str | None:
        """What is wrong with the set itself; None for one that is narrow and large enough."""
        if not self.peers:
            return "There is no company to compare with in the loaded data."
        if self.level == "all":
            return "These companies share no industry with the company: they are only those that are loaded."
        if self.level not in NARROW:
            return "These companies share no more than a broad industry with the company."
        if len(self.peers) < CLOSE_FROM:
            return "Fewer than three peers: there is no median."
        if self.crowd:
            basis = level_basis(self.level, self.subject.company)
            return (
                f"{self.crowd:,} companies with figures share {basis}: compared are the {MOST} nearest in revenue. "
                f"Rank and share are within these {len(self.members)} alone."
            )
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two sets, both of one calendar year; `finding` is None where too few peers make one."""

    display: PeerSet
    finding: PeerSet | None

    @property
    def calendar_year(self) -> int:
        """The year all members are compared in."""
        return self.display.calendar_year

    @property
    def text(self) -> str:
        """The display set in words; which set the findings use, where that is another and no warning says so."""
        elsewhere = self.finding is not None and self.finding.level != self.display.level
        return f"{self.display.text}. {self._used}" if elsewhere and self.display.ranks else self.display.text

    @property
    def warning(self) -> str | None:
        """What must be read before the table, and what findings use then; None where there is nothing to warn of."""
        doubt = self.display.doubt
        if doubt is None or not self.display.peers or (self.display.ranks and self.finding is not None):
            return doubt
        return f"{doubt} {'' if self.display.ranks else 'Ranks within the set say little. '}{self._used}"

    @property
    def _used(self) -> str:
        """What the rules that look at peers compare the company with."""
        if self.finding is None:
            return "No finding uses the set."
        growth = "" if self.finding.close else " growth alone,"
        if self.finding.level == self.display.level:
            return f"Findings compare{growth} with its median; none uses a rank."
        return f"Findings compare{growth} with the {self.finding.named} instead."


def wider(level: Level, than: Level) -> bool:
    """Whether a level reaches further than another."""
    return LEVELS.index(level) > LEVELS.index(than)


def calendar_year(end: date) -> int:
    """The SEC's calendar frame of an annual period: the year of its end, the one before when it ends by May."""
    return end.year - 1 if end.month <= 5 else end.year


def level_basis(level: Level, company: Company) -> str:
    """What the companies of a level have in common with the subject."""
    match level:
        case "sic4":
            return f"SIC {company.sic:04}"
        case "sic3":
            return f"SIC {(company.sic or 0) // 10:03}"
        case "sic2":
            return f"SIC {(company.sic or 0) // 100:02}"
        case "office":
            return f"the SEC review office {company.office}"
        case "all":
            return "all companies loaded"
    return "your choice"


def same_level(level: Level, company: Company, other: Company) -> bool:
    """Whether two companies belong together at the level; unknown industries and offices never do."""
    if level == "all":
        return True
    if level == "office":
        return company.office is not None and company.office == other.office
    if not company.sic or not other.sic:
        return False
    digits = {"sic4": 1, "sic3": 10, "sic2": 100}[level]
    return company.sic // digits == other.sic // digits


def year_in(analysis: Analysed, year: int) -> FiscalYear | None:
    """The company's fiscal year in the calendar year, if it has revenue in it."""
    for fiscal in reversed(analysis.years):
        if calendar_year(fiscal.end) == year and analysis.figure("revenue", fiscal.end).present:
            return fiscal
    return None


def related(company: Company, other: Company) -> bool:
    """Predecessor, successor or the same group: one carries a name or a ticker of the other."""

    def names(filer: Company) -> set[str]:
        every = (filer.name, *filer.former_names)
        return {" ".join(name.lower().replace(",", " ").replace(".", " ").split()) for name in every}

    return bool(names(company) & names(other) or set(company.tickers) & set(other.tickers))


def transition_ends(analysis: Analysed) -> list[date]:
    """The ends of the company's transition periods."""
    return [period.end for period in analysis.transition_periods]


def _unfit(subject: Analysed, other: Analysed) -> tuple[str, str] | None:
    """Code and reason why `other` can stand beside the subject in no year."""
    if related(subject.company, other.company):
        return "related", "It is a predecessor, a successor or a part of the company itself."
    if not other.years:
        return _code(other), "No fiscal year of it can be read from the filings at hand."
    if other.currency != subject.currency:
        return "currency_mismatch", f"It reports in {other.currency}; amounts are never converted."
    if other.latest.end + timedelta(days=STALE_DAYS) < other.as_of:
        return "stale", f"Its newest year ended {long_date(other.latest.end)}, over 18 months before the as-of date."
    return None


def _missing(other: Analysed, year: int) -> tuple[str, str]:
    """Code and reason why a company that fits has no revenue in the calendar year."""
    if any(calendar_year(end) == year for end in transition_ends(other)):
        return "transition_period", f"It filed a transition period for CY{year}; that is never annualised."
    if other.company.selection:
        return "not_in_data", f"Its revenue of CY{year} is not in the bundled selection of its figures."
    return "not_reported", f"It reports no revenue for a year of CY{year}."


def _code(other: Analysed) -> str:
    """Why something is absent: not reported, or not in a selection of figures."""
    return "not_in_data" if other.company.selection else "not_reported"


@dataclass(frozen=True, slots=True)
class Pool:
    """Companies that belong together at a level; `crowd` how many do, where only the nearest in size were taken."""

    level: Level
    others: Sequence[Analysed]
    crowd: int = 0


def _gather(subject: Analysed, pool: Pool, year: int) -> PeerSet | None:
    """The set of the pool in the calendar year; None where the subject itself has no revenue in it."""
    own = year_in(subject, year)
    if own is None:
        return None
    subject_member = Member(subject, own)
    peers, excluded, missing = [], [], 0
    for other in pool.others:
        unfit = _unfit(subject, other)
        fiscal = None if unfit else year_in(other, year)
        if fiscal is not None:
            member = Member(other, fiscal)
            if fiscal.end != own.end or member.revenue != subject_member.revenue:
                peers.append(member)
                continue
            unfit = SAME_GROUP
        missing += unfit is None
        excluded.append(Excluded(other.company, *(unfit or _missing(other, year))))
    peers.sort(key=lambda member: (-member.revenue, member.company.name, member.company.cik or 0))
    return PeerSet(pool.level, year, subject_member, tuple(peers), tuple(excluded), missing, pool.crowd)


def _newest_years(subject: Analysed) -> list[int]:
    """The subject's newest calendar year with revenue, and the one before."""
    for year in reversed(subject.years):
        if subject.figure("revenue", year.end).present:
            newest = calendar_year(year.end)
            return [newest, newest - 1]
    return []


def _settle(subject: Analysed, pool: Pool) -> PeerSet | None:
    """The pool in the newest year, or the one before, in which three peers and half of them have revenue."""
    for year in _newest_years(subject):
        found = _gather(subject, pool, year)
        if found and len(found.peers) >= max(CLOSE_FROM, (len(found.peers) + found.missing) / 2):
            return found
    return None


def _fullest(subject: Analysed, pool: Pool) -> PeerSet | None:
    """Where the rule of the year cannot be met: the year with the most peers, the newer of two alike."""
    found = [made for year in _newest_years(subject) if (made := _gather(subject, pool, year))]
    return max(found, key=lambda peers: len(peers.peers), default=None)


def compare(
    subject: Analysed,
    candidates: Sequence[Company],
    analyse: Analyse,
    chosen: Collection[int] = (),
    sizes: Sizes = no_sizes,
) -> Comparison | None:
    """The calendar year and the sets for the subject; None where it reports no revenue in any year.

    `analyse` is asked once for each company that a level needs, the nearest industry first; `chosen` are the ids of
    companies the user set beside the subject: then nothing is widened. `sizes` tell which of too many are nearest.
    """
    known: dict[int, Analysed] = {}
    pools: dict[Level, Pool] = {}

    def belongs(level: Level, other: Company) -> bool:
        return other.id in chosen if level == "chosen" else same_level(level, subject.company, other)

    def pool(level: Level) -> Pool:
        if level not in pools:
            every = [other for other in candidates if other.id != subject.company.id and belongs(level, other)]
            taken = every if level == "chosen" else nearest(subject, every, sizes)
            for other in taken:
                if other.id not in known:
                    known[other.id] = analyse(other)
            crowd = len(every) if len(taken) < len(every) else 0
            pools[level] = Pool(level, [known[other.id] for other in taken], crowd)
        return pools[level]

    display = _display(subject, pool, chosen=bool(chosen))
    if display is None:
        return None
    return Comparison(display, _finding(display, pool))


def _display(subject: Analysed, pool: Callable[[Level], Pool], *, chosen: bool) -> PeerSet | None:
    """What the page shows: the choice, or the narrowest level with five peers, or all there are."""
    if chosen:
        return _settle(subject, pool("chosen")) or _fullest(subject, pool("chosen"))
    for level in LEVELS:
        found = _settle(subject, pool(level))
        if found and len(found.peers) >= ENOUGH_FROM:
            return found
    return _settle(subject, pool("all")) or _fullest(subject, pool("all"))


def _finding(display: PeerSet, pool: Callable[[Level], Pool]) -> PeerSet | None:
    """What the rules see, in the display set's year: the narrowest industry of three peers, or the wide office."""
    if display.level == "chosen":
        return display if len(display.peers) >= CLOSE_FROM else None
    wanted: tuple[tuple[Level, int], ...] = (
        ("sic4", CLOSE_FROM), ("sic3", CLOSE_FROM), ("sic2", CLOSE_FROM), ("office", WIDE_FROM),
    )  # fmt: skip
    for level, enough in wanted:
        found = _gather(display.subject.analysis, pool(level), display.calendar_year)
        if found and len(found.peers) >= enough:
            return found
    return None
