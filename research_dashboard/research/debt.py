"""Debt: algorithm 1a of FINANCE.md. Borrowings as the balance sheet of one filing carries them at one date.

Operating leases are never debt; finance leases only where the debt line holds them, and then a note says so.
The letters are the specification's: N noncurrent, C current part of it, K all current debt, S short-term borrowings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from research_dashboard.research.concepts import DEBT_TAGS, WITH_LEASES
from research_dashboard.research.model import Fact

Get = Callable[[str], Fact | None]  # the fact of a tag in the filing, at the date

HOLDS_LEASES = "The debt line holds finance leases too."
NO_CURRENT = "No current part of the debt is reported."
ONLY_CURRENT = "Only current debt is reported."
IFRS_VARIES = "What this IFRS tag holds varies by filer."
ABOVE_SUM = "The filing's combined debt line exceeds the sum of its parts by more than 2 %, and is used."
BESIDE = "LongTermDebt is the noncurrent line here, for no other is filed; the current debt is added to it."
NONE: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Debt:
    """What was borrowed: the value, its signed parts, the part due within a year, and what a reader must know."""

    value: Decimal
    parts: tuple[tuple[int, Fact], ...]
    current: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = field(default=())


def debt_of(get: Get) -> Debt | None:
    """The debt of one balance sheet; None when nothing of it is reported, which is never zero."""
    found = _parts(get)
    if found is None:
        return None
    combined = _largest(get, DEBT_TAGS["total"])
    if combined is not None and combined.value > found.value * Decimal("1.02") and len(found.parts) > 0:
        found = Debt(combined.value, ((1, combined),), found.current, (*found.notes, ABOVE_SUM))
    return Debt(found.value, found.parts, found.current, (*found.notes, *_leases(get, found)))


def _parts(get: Get) -> Debt | None:
    """Steps 1 to 6."""
    n = _noncurrent(get)
    c = _largest(get, DEBT_TAGS["C"]) or _first(get, DEBT_TAGS["C other"])
    k = _first(get, DEBT_TAGS["K"])
    k = k if k is not None and (c is None or k.value >= c.value) else None
    s = _short_term(get, n, c)
    current = _facts(k) or (*_facts(c), *s)
    if n is None:
        return _without_noncurrent(get, c, s, current)
    if any(_near(n.value, total.value, "0.002") for total in _all(get, DEBT_TAGS["total"])):
        return _sum((n,), current)  # step 2: N already is the total
    if k is not None:
        return _sum((n, k), current)
    if c is not None:
        return _sum((n, c, *s), current)
    whole = _first(get, DEBT_TAGS["LongTermDebt"])  # step 5: it holds the current part
    if whole is not None and whole.value > n.value + _total(s):
        return _sum((whole,), s)
    return _sum((n, *s), s, NO_CURRENT)


def _noncurrent(get: Get) -> Fact | None:
    """Step 1: the larger of two tags, unless the second is a total that holds the first and the current part."""
    plain, with_leases = (get(tag) for tag in DEBT_TAGS["N"])
    if plain is None and with_leases is None:
        return _first(get, DEBT_TAGS["N other"])
    if plain is None or with_leases is None:
        return plain or with_leases
    c = _largest(get, DEBT_TAGS["C"])
    if c is not None and c.value and _near(with_leases.value, plain.value + c.value, "0.01"):
        return plain
    return plain if plain.value >= with_leases.value else with_leases


def _short_term(get: Get, n: Fact | None, c: Fact | None) -> tuple[Fact, ...]:
    """Step 4: short-term borrowings, or their parts; nothing is counted twice."""
    items = _facts(_first(get, DEBT_TAGS["S"])) or _all(get, DEBT_TAGS["S parts"])
    whole = _first(get, DEBT_TAGS["LongTermDebt"])
    refinanced = n is not None and whole is not None and whole.value == n.value
    return tuple(
        item
        for item in items
        if not (c is not None and item.value == c.value) and not (refinanced and item.tag == "CommercialPaper")
    )


def _without_noncurrent(get: Get, c: Fact | None, s: tuple[Fact, ...], current: tuple[Fact, ...]) -> Debt | None:
    """Step 6: a total, else what there is; the IFRS tags last."""
    combined = _first(get, DEBT_TAGS["total"])
    if combined is not None:
        return _sum((combined,), current)
    whole = _first(get, DEBT_TAGS["LongTermDebt"])
    if whole is not None:
        every, part = _first(get, DEBT_TAGS["K"]), _first(get, ("us-gaap:LongTermDebtCurrent",))
        if every is None:
            return _sum((whole, *s), current)
        if part is not None and part.value * Decimal("1.01") < every.value:
            extra = every.value - part.value
            return Debt(whole.value + extra, ((1, whole), (1, every), (-1, part)), current)
        return _sum((whole, every), current, BESIDE) if every.value else _sum((whole,), current)
    if current:
        return _sum(current, current, ONLY_CURRENT)
    ifrs = _first(get, DEBT_TAGS["ifrs total"])
    ifrs_current = _facts(_first(get, DEBT_TAGS["ifrs C"]))
    if ifrs is not None:
        return _sum((ifrs,), ifrs_current, IFRS_VARIES)
    long = _first(get, DEBT_TAGS["ifrs N"])
    return _sum((long, *ifrs_current), ifrs_current, IFRS_VARIES) if long is not None else None


def _leases(get: Get, debt: Debt) -> tuple[str, ...]:
    """A note when the debt line holds finance leases: a used tag names them, or the line that does equals N."""
    if any("CapitalLease" in fact.tag for _, fact in debt.parts):
        return (HOLDS_LEASES,)
    with_leases = get(WITH_LEASES)
    used = debt.parts[0][1]
    return (HOLDS_LEASES,) if with_leases is not None and with_leases.value == used.value else ()


def _sum(parts: Sequence[Fact], current: tuple[Fact, ...], *notes: str) -> Debt:
    """The sum of facts of one filing."""
    return Debt(_total(parts), tuple((1, part) for part in parts), current, notes)


def _total(parts: Sequence[Fact]) -> Decimal:
    return sum((part.value for part in parts), Decimal(0))


def _facts(fact: Fact | None) -> tuple[Fact, ...]:
    return NONE if fact is None else (fact,)


def _all(get: Get, tags: Sequence[str]) -> tuple[Fact, ...]:
    return tuple(fact for tag in tags if (fact := get(tag)) is not None)


def _first(get: Get, tags: Sequence[str]) -> Fact | None:
    return next(iter(_all(get, tags)), None)


def _largest(get: Get, tags: Sequence[str]) -> Fact | None:
    return max(_all(get, tags), key=lambda fact: fact.value, default=None)


def _near(one: Decimal, other: Decimal, share: str) -> bool:
    return abs(one - other) <= Decimal(share) * abs(other)
