"""The plain data that research works on: companies, filings, facts in; figures out."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Literal

Made = Literal["filed", "derived", "formula", "absent"]


@dataclass(frozen=True, slots=True)
class Company:
    """A filer as the SEC describes it. `id` is its row in our database; `cik` is None only for a private company."""

    id: int
    cik: int | None
    name: str
    tickers: tuple[str, ...] = ()
    exchange: str | None = None
    sic: int | None = None
    sic_description: str | None = None
    office: str | None = None
    category: str | None = None
    state: str | None = None
    city: str | None = None
    state_of_incorporation: str | None = None
    fiscal_year_end: str | None = None  # MMDD
    former_names: tuple[str, ...] = ()
    selection: bool = False  # the facts at hand are of some tags only: what is absent may well be filed

    @property
    def ticker(self) -> str | None:
        """The main ticker."""
        return self.tickers[0] if self.tickers else None


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing at the SEC. `fiscal_year` is the company's own label of it, used for nothing but the label."""

    accession: str  # 0000320193-25-000079
    cik: int | None
    form: str
    filed: date
    fiscal_year: int | None = None

    @property
    def url(self) -> str | None:
        """The filing's index page on the SEC's site."""
        if self.cik is None:
            return None
        folder = self.accession.replace("-", "")
        return f"https://www.sec.gov/Archives/edgar/data/{self.cik}/{folder}/{self.accession}-index.htm"


@dataclass(frozen=True, slots=True)
class Fact:
    """One filed value, exactly as filed. `start` is None for an instant; days count both ends."""

    taxonomy: str  # us-gaap, ifrs-full, dei
    tag: str
    unit: str  # USD, USD/shares, shares
    start: date | None
    end: date
    value: Decimal
    filing: Filing

    @property
    def id(self) -> str:
        """What results call it, the same wherever it is held: 0000320193-25-000079-3f9a2c7b1e."""
        return fact_id(self.filing.accession, self.filing.cik, self.name, self.unit, (self.start, self.end))

    @property
    def days(self) -> int | None:
        """Length of the period, both ends counted; None for an instant."""
        return None if self.start is None else (self.end - self.start).days + 1

    @property
    def name(self) -> str:
        """The tag with its taxonomy: us-gaap:Assets."""
        return f"{self.taxonomy}:{self.tag}"


def fact_id(accession: str, cik: int | None, name: str, unit: str, period: tuple[date | None, date]) -> str:
    """The filing's accession, and a digest of what makes the fact one of its facts: filer, tag, unit and period."""
    told = f"{cik or ''} {name} {unit} {period[0] or ''} {period[1]}"
    return f"{accession}-{blake2b(told.encode(), digest_size=5).hexdigest()}"


@dataclass(frozen=True, slots=True)
class FiscalYear:
    """An annual period of the company, known by its end. `label` is what the company calls it: FY2025."""

    start: date
    end: date
    label: str

    @property
    def days(self) -> int:
        """Days in the year, both ends counted: 363 to 371 for a 52/53-week year."""
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True)
class Figure:
    """A value of a concept or ratio in a period, how it was made, and the facts it stands on.

    `value` is an exact Decimal in `unit` for what is filed or derived, a float for a ratio (0.281 is 28.1 %),
    and None where the figure is absent or means nothing; then `code` and `reason` say why (FINANCE.md, section 3).
    A figure with a value has facts: the constructor refuses it otherwise.
    """

    concept: str  # id of the concept or ratio: revenue, gm
    label: str
    unit: str  # USD, USD/shares, shares, ratio, percent, days
    made: Made
    value: Decimal | float | None
    start: date | None
    end: date
    facts: tuple[Fact, ...] = ()
    formula: str | None = None  # "revenue − cost_of_revenue", in concept names
    inputs: tuple["Figure", ...] = ()
    code: str | None = None  # not_reported, negative_base …
    reason: str | None = None  # the code in words
    tags_tried: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # warnings a reader must see beside the figure
    other_filing: bool = False  # the anchor filing lacked it: taken from the next (mark "o")
    first: "Figure | None" = None  # the first-filed figure, where the latest differs by more than 0.5 %
    apart: str | None = None  # why it does: restated (mark "r"), retagged, split, share_basis, scale
    begins: str | None = None  # another share basis than the year before: the mark of the split's note, s1
    raw: float | None = None  # a ratio that is n/m on the page, but that rules may still see

    def __post_init__(self) -> None:
        if self.value is not None and not self.facts:
            raise ValueError(f"{self.concept} at {self.end} has a value and no facts")
        if self.value is None and self.code is None:
            raise ValueError(f"{self.concept} at {self.end} is absent and does not say why")

    @property
    def present(self) -> bool:
        """True when there is a value to show."""
        return self.value is not None
