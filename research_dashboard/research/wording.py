"""Numbers and words, the same on pages, in sentences and in files.

Values come in raw (whole currency units, percent as 28.1, multiples as 0.99) and are rounded here and nowhere else,
half to even. A minus is a true minus (U+2212); a multiplication sign stands behind a multiple.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, NamedTuple

from babel.dates import format_date

Number = Decimal | float | int | str

MINUS, DASH = "−", "–"
NOT_REPORTED, NOT_MEANINGFUL, NOT_APPLICABLE = "n/r", "n/m", "n/a"
PERCENT_LIMIT = 1000  # a percentage of this size or more means nothing to a reader: n/m
NET_CASH = "net cash"  # what net debt to EBITDA is where it is negative
COVER_LIMIT = 100  # above it the multiple is no news: ">100×"
ONE_PLACE = frozenset({"nde", "cover", "capint"})  # multiples with one decimal; all others have two

NOT_ADJUSTED = "not adjusted."  # how the note of a number ends that stands on the share basis before a split
MILLION, BILLION = 10**6, 10**9
ANY_SIZE = Context(prec=400)  # a ratio to next to nothing may have as many digits as a float has places


def exact(value: Number) -> Decimal:
    """The value as a decimal, a float by the digits a person would write for it."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def rounded(value: Number, places: int = 0) -> Decimal:
    """Rounded half to even for display; never −0."""
    result = exact(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN, context=ANY_SIZE)
    return abs(result) if result == 0 else result


def number(value: Number, places: int = 0, *, signed: bool = False) -> str:
    """1,234.5 with thousands marked: −1,234; signed: +1,234 (zero has no sign)."""
    shown = rounded(value, places)
    sign = MINUS if shown < 0 else "+" if signed and shown > 0 else ""
    return f"{sign}{abs(shown):,f}"


def plain(value: Number) -> str:
    """All of its digits, with thousands marked: 741,300,000; 741.3."""
    return f"{exact(value):,f}".replace("-", MINUS)


# ── Money ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Scale:
    """The one scale of a table: US$ million, without decimals or with one."""

    places: int = 0
    currency: str = "USD"

    @property
    def title(self) -> str:
        """Stated once, in the table's caption: US$ million."""
        return f"{currency_name(self.currency)} million"


MILLIONS = Scale()
MOST_PLACES = 6  # of a million: single units


class Money(NamedTuple):
    """An amount outside of tables, in the three parts that it is always written in: US$, 416.2, bn."""

    currency: str
    number: str
    unit: str

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


def currency_name(currency: str) -> str:
    """US$ for USD; other currencies keep their code."""
    return "US$" if currency == "USD" else currency


def table_scale(revenues: Iterable[Number | None], currency: str = "USD") -> Scale:
    """Millions without decimals, or with one where no year's revenue reaches 1,000 million."""
    largest = max((abs(exact(revenue)) for revenue in revenues if revenue is not None), default=Decimal(0))
    return Scale(places=0 if largest >= 1000 * MILLION else 1, currency=currency)


def money(value: Number, scale: Scale = MILLIONS) -> str:
    """In a table, in millions: 416,161; −1,234; 1,674.9 on the finer scale."""
    return in_millions(value, scale.places)


def in_millions(value: Number, places: int = 0, *, signed: bool = False) -> str:
    """In millions, with as many more decimals as it takes not to show 0 for what is not 0."""
    millions = exact(value) / MILLION
    while millions and not rounded(millions, places) and places < MOST_PLACES:
        places += 1
    return number(millions, places, signed=signed)


def money_parts(value: Number, currency: str = "USD") -> Money:
    """On a tile, in a sentence: billions with one decimal from 1,000 million on, then millions, then the amount."""
    raw, name = exact(value), currency_name(currency)
    if rounded(abs(raw) / MILLION, 1) >= 1000:
        return Money(name, number(raw / BILLION, 1), "bn")
    if abs(raw) >= MILLION:
        return Money(name, number(raw / MILLION, 1), "m")
    return Money(name, number(raw), "")


def money_words(value: Number, currency: str = "USD") -> str:
    """US$ 416.2 bn, US$ −75.3 m, US$ 512,000; other currencies by their code: EUR 1.2 bn."""
    return str(money_parts(value, currency))


def per_share(value: Number, currency: str | None = None) -> str:
    """Two decimals: 7.46; with a currency, for a sentence: US$ 7.46."""
    return number(value, 2) if currency is None else str(Money(currency_name(currency), number(value, 2), ""))


# ── Ratios and changes ─────────────────────────────────────────────────────────────────────────────────────────────


def percent(value: Number, places: int = 1, *, signed: bool = False) -> str:
    """28.1 is 28.1%; n/m from ±1,000% on."""
    if abs(exact(value)) >= PERCENT_LIMIT:
        return NOT_MEANINGFUL
    return f"{number(value, places, signed=signed)}%"


def pp(value: Number, *, signed: bool = True) -> str:
    """A difference of two percentages: +0.5 pp. Unsigned for sentences that say the direction: 0.5 pp."""
    return f"{number(value, 1, signed=signed)} pp"


def multiple(value: Number, places: int = 2, *, signed: bool = False) -> str:
    """0.99×; 29.1× with one place."""
    return f"{number(value, places, signed=signed)}×"


def times(value: Number, places: int = 1) -> str:
    """In a sentence: 29.1 times."""
    return f"{number(value, places)} times"


def days(value: Number, *, signed: bool = False) -> str:
    """63 days."""
    shown = number(value, signed=signed)
    return f"{shown} {'day' if abs(rounded(value)) == 1 else 'days'}"


def moved(growth_in_percent: float) -> str:
    """grew 5.0%, fell 3.0%, did not change."""
    if rounded(growth_in_percent, 1) == 0:
        return "did not change"
    return f"{'grew' if growth_in_percent > 0 else 'fell'} {percent(abs(growth_in_percent))}"


def growth(now: Number | None, before: Number | None) -> float | None:
    """The change in percent, from raw values; None where a side is missing or the base is not positive."""
    if now is None or before is None or exact(before) <= 0:
        return None
    return float((exact(now) / exact(before) - 1) * 100)


def change(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """What lies between two figures of one concept, signed, from raw values.

    Money, per-share amounts and shares in percent (+6.4%), percentages in points (+0.5 pp), multiples (−0.53×) and days
    as a difference. A dash where one is absent, n/m where the base is not positive or a share split lies between them.
    """
    if (new := now.get("value")) is None or (old := before.get("value")) is None:
        return DASH
    if _share_basis(now) != _share_basis(before):
        return NOT_MEANINGFUL
    difference = exact(new) - exact(old)
    match now["unit"]:
        case "percent":
            return pp(difference)
        case "ratio" if _without_number(now) or _without_number(before):
            return DASH  # from net cash to net cash: a difference would be of numbers that are not shown
        case "ratio":
            return multiple(difference, _places(now["concept"]), signed=True)
        case "days":
            return days(difference, signed=True)
    grown = growth(new, old)
    return NOT_MEANINGFUL if grown is None else percent(grown, signed=True)


def _share_basis(figure: Mapping[str, Any]) -> str:
    """The note of the split that a number of shares, or per share, stands before; empty for all others."""
    return next((note for note in figure.get("notes") or () if note.endswith(NOT_ADJUSTED)), "")


def _without_number(figure: Mapping[str, Any]) -> bool:
    """True for a multiple that is shown in words: net cash, more than a hundred times."""
    return display(figure) in {NET_CASH, f">{COVER_LIMIT}×"}


# ── A figure of a stored result ────────────────────────────────────────────────────────────────────────────────────


class Absence(NamedTuple):
    """Why there is no value: the short mark in a cell and the sentence behind it."""

    mark: str
    reason: str


ABSENT: Mapping[str, Absence] = {
    "not_reported": Absence(NOT_REPORTED, "No filing reports it under any of the tags tried."),
    "not_in_data": Absence(
        NOT_REPORTED, "The data at hand are a selection of the company’s figures, without it: turn on live data."
    ),
    "partial_tag_only": Absence(NOT_REPORTED, "Only a part of it is filed; a part is not shown as the whole."),
    "negative_payment": Absence(NOT_REPORTED, "The payment is filed as negative: an error of sign or money received."),
    "no_opening_balance": Absence(NOT_REPORTED, "The balance at the start of the year is not filed: no average."),
    "no_prior_year": Absence(NOT_REPORTED, "No year that ended 350 to 380 days earlier is filed."),
    "st_investments_not_found": Absence(
        NOT_REPORTED, "Short-term investments were filed a year before and are not found in this year’s filing."
    ),
    "unclassified_balance_sheet": Absence(
        NOT_REPORTED, "The balance sheet does not separate current assets and liabilities."
    ),
    "transition_period": Absence(NOT_MEANINGFUL, "The period is a transition period; it is never annualised."),
    "zero_denominator": Absence(NOT_MEANINGFUL, "It would divide by zero or by a negative amount."),
    "negative_base": Absence(NOT_MEANINGFUL, "The earlier value is zero or negative, so growth means nothing."),
    "base_near_zero": Absence(NOT_MEANINGFUL, "The earlier value is below 1% of this year’s, so growth means nothing."),
    "negative_equity": Absence(NOT_MEANINGFUL, "Shareholders’ equity is zero or negative."),
    "thin_equity": Absence(NOT_MEANINGFUL, "Shareholders’ equity is below 5% of assets."),
    "loss": Absence(NOT_MEANINGFUL, "The figure it is measured against, or earnings, is a loss."),
    "operating_loss": Absence(NOT_MEANINGFUL, "Operating income is negative."),
    "tiny_profit": Absence(NOT_MEANINGFUL, "Net income is below 1% of revenue."),
    "tax_rate_unusable": Absence(NOT_MEANINGFUL, "The tax rate of the year is outside 0% to 50% or cannot be had."),
    "share_basis_changed": Absence(NOT_MEANINGFUL, "The basis of the shares changed between the two, as by a split."),
    "currency_mismatch": Absence(NOT_MEANINGFUL, "It is filed in another currency; amounts are never converted."),
    "stale": Absence(NOT_MEANINGFUL, "The newest year filed ended more than 18 months before the as-of date."),
    "too_few_peers": Absence(NOT_MEANINGFUL, "Too few companies of the set report it."),
    "not_applicable_sector": Absence(NOT_APPLICABLE, "It does not apply to companies of this sector."),
    "no_such_year": Absence(DASH, "The company files nothing for that year."),
}


def absence(code: str | None) -> Absence:
    """Mark and reason of an absent code; a code not in the table is n/m and says its name."""
    known = ABSENT.get(code or "")
    return known or Absence(NOT_MEANINGFUL, f"It cannot be shown: {(code or 'no reason stored').replace('_', ' ')}.")


def _places(concept: str) -> int:
    return 1 if concept in ONE_PLACE else 2


def display(figure: Mapping[str, Any] | None, scale: Scale = MILLIONS, *, signed: bool = False) -> str:
    """A figure of a stored result as a table cell shows it; never blank and never 0 for what is missing.

    Money and shares in the table's millions, amounts per share with two decimals, percent with one, multiples with ×.
    """
    if figure is None:
        return DASH
    value, concept = figure.get("value"), figure.get("concept", "")
    if value is None:
        return absence(figure.get("code")).mark
    match figure["unit"]:
        case "percent":
            return percent(value, signed=signed)
        case "ratio" if concept == "nde" and exact(value) < 0:
            return NET_CASH
        case "ratio" if concept == "cover" and exact(value) > COVER_LIMIT:
            return f">{COVER_LIMIT}×"
        case "ratio":
            return multiple(value, _places(concept), signed=signed)
        case "days":
            return days(value, signed=signed)
        case unit if "/" in unit:
            return per_share(value)
    return in_millions(value, scale.places, signed=signed)


def in_words(figure: Mapping[str, Any]) -> str:
    """The same in a sentence: US$ 416.2 bn, 32.0%, 29.1×, not reported."""
    value, unit = figure.get("value"), figure["unit"]
    if value is None:
        return NOT_IN_DATA if figure.get("code") == "not_in_data" else WORDS[absence(figure.get("code")).mark]
    if unit == "shares":
        return f"{money_words(value, '')} shares"
    if "/" in unit:
        return per_share(value, unit.split("/")[0])
    if unit in {"percent", "ratio", "days"}:
        return display(figure)
    return money_words(value, unit)


NOT_IN_DATA = "not in the data at hand"
WORDS = {
    NOT_REPORTED: "not reported",
    NOT_MEANINGFUL: "not meaningful",
    NOT_APPLICABLE: "not applicable",
    DASH: "none",
}


def why(figure: Mapping[str, Any]) -> str:
    """Why the figure is absent, in a sentence; empty when it is not."""
    if figure.get("value") is not None:
        return ""
    return str(figure.get("reason") or absence(figure.get("code")).reason)


# ── Dates, times, counts ───────────────────────────────────────────────────────────────────────────────────────────


def _day(value: date | str) -> date:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value


def iso_date(value: date | str) -> str:
    """2025-09-27, for lists and files."""
    return _day(value).isoformat()


def long_date(value: date | str) -> str:
    """27 Sep 2025, for sentences."""
    return format_date(_day(value), "d MMM yyyy", locale="en")


def day_of_year(month_and_day: str) -> str:
    """26 September, of the 0926 that the SEC gives for a fiscal year's end; what is no day stays as it came."""
    try:
        found = date(2000, int(month_and_day[:2]), int(month_and_day[2:]))  # a leap year: 0229 is a day
    except ValueError:
        return month_and_day
    return format_date(found, "d MMMM", locale="en")


def minute(value: datetime, zone: tzinfo = UTC) -> str:
    """2026-03-02 11:42 in the reader's zone, for lists."""
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def long_minute(value: datetime, zone: tzinfo = UTC) -> str:
    """2 Mar 2026 11:42 in the reader's zone, for sentences."""
    local = value.astimezone(zone)
    return f"{long_date(local.date())} {local:%H:%M}"


def year_ended(label: str, end: date | str) -> str:
    """A period is always named: FY2025, year ended 27 Sep 2025."""
    return f"{label}, year ended {long_date(end)}"


def duration(seconds: float) -> str:
    """0.04 s, 0.3 s, 42 s, 4 min, 1 min 30 s, 2 h 5 min, 3 days: as exact as it is worth."""
    if rounded(seconds, 2) < Decimal("0.1"):
        return f"{number(seconds, 2)} s" if seconds >= 0.01 else "<0.01 s"
    if rounded(seconds, 1) < 10:
        return f"{number(seconds, 1)} s"
    whole = int(rounded(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600 and whole % 60:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return counted(round(minutes / 1440), "day")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """1 run, 1,204 runs, 2 companies (with the plural given)."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def is_or_are(label: str) -> str:
    """The verb that a figure's name takes: total assets are, EPS is, net income incl. minorities is."""
    return "are" if _PLURAL.search(re.split(r" incl\. | of ", label)[0]) else "is"


_PLURAL = re.compile(r"[a-rt-z]s(?!['’\w])")


def listed(words: Sequence[str], last: str = "and") -> str:
    """a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def share_of_set(share: Number, companies: int, calendar_year: int) -> str:
    """The only wording of a share: never of a market, always of a named set."""
    return f"{percent(share)} of the revenue reported by these {companies} companies for CY{calendar_year}"
