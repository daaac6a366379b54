"""The directory of every known company, kept in memory: found by name, ticker or CIK while someone types."""

import heapq
import itertools
import re
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select

from research_dashboard.extensions import db, reading
from research_dashboard.models import Company, DataLoad, Fact, Ticker, XbrlTag
from research_dashboard.research.concepts import NET_INCOME_TAGS

SUFFIXES = frozenset({
    "inc", "incorporated", "corp", "corporation", "co", "company", "com", "ltd", "limited", "plc", "llc", "lp",
    "sa", "ag", "nv", "se", "ab", "asa", "oyj", "spa", "kk", "new",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A company in the directory. `core` is its name in plain lower-case words, without Inc., Corp. and the like."""

    id: int
    cik: int | None
    name: str
    tickers: tuple[str, ...]
    plain: str
    core: str
    loaded: bool  # figures of it are in the database
    former: tuple[str, ...] = ()  # the names it had before


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A company offered while someone types. `years`: fiscal years with figures here, 0 for none."""

    id: int
    cik: int | None
    name: str
    ticker: str | None
    loaded: bool
    years: int
    former: str | None = None  # the old name that fits, where the present one does not


def plain_words(text: str) -> str:
    """A name as lower-case words: accents, punctuation and the state of /DE/ do not count, & is “and”."""
    text = re.sub(r"[/\\][A-Za-z ]{2,6}[/\\]?\s*$", "", text)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold().replace("&", " and ")
    text = re.sub(r"(?<=\w)['.](?=\w)", "", text)
    return " ".join(re.findall(r"[a-z0-9]+", text))


def core_words(plain: str) -> str:
    """Plain words without a leading “the” and without the suffixes of companies at the end."""
    words = plain.split()
    if words[:1] == ["the"] and len(words) > 1:
        words = words[1:]
    while len(words) > 1 and (words[-1] in SUFFIXES or words[-1] == "and"):
        words.pop()
    return " ".join(words)


def core_of(name: str) -> str:
    """A name down to the words that tell it."""
    return core_words(plain_words(name))


def symbol_of(text: str) -> str:
    """A ticker as the SEC writes it: BRK.B, brk/b and BRK B are BRK-B."""
    return re.sub(r"[./ ]", "-", text.strip()).upper()


class Directory:
    """Every known company, largest listed first (the order of the SEC's ticker index)."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self.by_cik = {entry.cik: entry for entry in entries if entry.cik is not None}
        self.by_symbol = {symbol: entry for entry in entries for symbol in entry.tickers}
        self.by_id = {entry.id: entry for entry in entries}
        self._by_former = _grouped((core, entry) for entry in entries for core in {*map(core_of, entry.former)})
        self._names = [entry.plain for entry in entries]
        self._haystack = [_haystack(entry) for entry in entries]

    def exact(self, text: str) -> list[Entry]:
        """Companies whose name is the text, with or without Inc., Corp. and the like."""
        if not (plain := plain_words(text)):
            return []
        core = core_words(plain)
        return [entry for entry in self.entries if entry.plain == plain] or [
            entry for entry in self.entries if entry.core == core
        ]

    def formerly(self, text: str) -> list[Entry]:
        """Companies that had this name before, with or without Inc., Corp. and the like."""
        return self._by_former.get(core_of(text), [])

    def within(self, text: str) -> list[Entry]:
        """Companies whose name begins with the words of the text; if none does, those that hold it anywhere."""
        plain = plain_words(text)
        if not plain:
            return [entry for entry in self.entries if text.casefold() in entry.name.casefold()]
        holding = [self.entries[i] for i, name in enumerate(self._names) if plain in name]
        starts = [entry for entry in holding if _begins(entry.plain, plain) or _begins(entry.core, plain)]
        if starts or plain.isdecimal():  # a number inside a name is never what was meant
            return starts
        if holding:
            return [entry for entry in holding if f" {plain}" in f" {entry.plain}"] or holding
        joined = plain.replace(" ", "")  # JP Morgan is JPMORGAN
        return [entry for entry in self.entries if entry.plain.replace(" ", "").startswith(joined)]

    def search(self, text: str, limit: int) -> list[Entry]:
        """The entries that fit what was typed so far: the exact ticker, companies with figures, then by how well."""
        plain, symbol = plain_words(text), symbol_of(text)
        number = re.sub(r"^CIK[\s:#]*", "", text.strip(), flags=re.IGNORECASE).lstrip("0")
        needles = {plain, symbol.casefold(), number.casefold()} - {""}
        ranked = []
        for position, haystack in enumerate(self._haystack):
            if any(needle in haystack for needle in needles):
                fit = _fit(self.entries[position], plain, symbol, number)
                if fit is not None:
                    loaded = self.entries[position].loaded and fit <= FORMER
                    ranked.append((fit > EXACT, not loaded, fit, position))
        return [self.entries[position] for *_, position in heapq.nsmallest(limit, ranked)]


EXACT, NAME, TICKER, START, WORD, FORMER, INSIDE = range(7)  # how well an entry fits, best first


def _grouped(pairs: Iterable[tuple[str, Entry]]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for key, entry in pairs:
        groups.setdefault(key, []).append(entry)
    return groups


def _haystack(entry: Entry) -> str:
    """All that a search may hit, in one string."""
    former = "\n".join(plain_words(name) for name in entry.former)
    symbols = " ".join(entry.tickers).casefold()
    return f"{entry.plain}\n{entry.core}\n{symbols}\n{entry.cik or ''}\n{entry.name.casefold()}\n{former}"


def _begins(name: str, words: str) -> bool:
    """True when the name begins with these whole words."""
    return name.startswith(words) and (len(name) == len(words) or name[len(words)] == " ")


def _fit(entry: Entry, plain: str, symbol: str, number: str) -> int | None:
    """How well an entry fits what was typed; None when it does not."""
    if symbol in entry.tickers or (number and str(entry.cik) == number):
        return EXACT
    if plain and plain in (entry.core, entry.plain):
        return NAME
    if any(ticker.startswith(symbol) for ticker in entry.tickers):
        return TICKER
    if plain and plain in entry.plain:
        if entry.plain.startswith(plain) or entry.core.startswith(plain):
            return START
        return WORD if f" {plain}" in entry.plain else INSIDE
    if old_name(entry, plain):
        return FORMER
    if number.isdecimal():
        return INSIDE if str(entry.cik).startswith(number) else None
    return None if plain else INSIDE


def old_name(entry: Entry, plain: str) -> str | None:
    """The first of its former names that begins with these words, where its present name does not hold them."""
    if not plain or plain in entry.plain:
        return None
    return next((name for name in entry.former if plain_words(name).startswith(plain)), None)


def directory() -> Directory:
    """The directory as the database has it now. Read once, then again when companies or loads have changed."""
    key = (str(db.engine.url), *_state())
    with _lock:
        kept = _kept.get("directory")
        if kept is None or kept[0] != key:
            kept = _kept["directory"] = (key, Directory(_entries()))
        return kept[1]


_lock = threading.Lock()
_kept: dict[str, tuple[tuple[object, ...], Directory]] = {}


def _state() -> tuple[object, ...]:
    """What changes whenever a company or a load does."""
    with reading() as session:
        companies = session.execute(select(func.count(Company.id), func.max(Company.updated_at))).one()
        loads = session.execute(select(func.count(DataLoad.id), func.max(DataLoad.finished_at))).one()
    return (*companies, *loads)


def _entries() -> list[Entry]:
    loaded = exists().where(Fact.company_id == Company.id).label("loaded")
    symbols: dict[int, list[str]] = {}
    with reading() as session:
        for symbol, company_id in session.execute(
            select(Ticker.symbol, Ticker.company_id).order_by(Ticker.position, Ticker.symbol)
        ):
            symbols.setdefault(company_id, []).append(symbol)
        columns = (Company.id, Company.cik, Company.name, Company.former_names, loaded)
        rows = session.execute(select(*columns).order_by(Company.id)).all()
    entries = []
    for id_, cik, name, former, has_facts in rows:
        plain, old = plain_words(name), tuple(each["name"] for each in former or ())
        entries.append(
            Entry(id_, cik, name, tuple(symbols.get(id_, ())), plain, core_words(plain), bool(has_facts), old)
        )
    return entries


def suggest(text: str, limit: int = 8) -> list[Suggestion]:
    """Companies that fit what was typed so far, best first; empty text offers the companies with figures."""
    known = directory()
    text = text.strip()
    loaded = (entry for entry in known.entries if entry.loaded)
    return offered(known.search(text[:200], limit) if text else list(itertools.islice(loaded, limit)), text)


def offered(found: Sequence[Entry], text: str) -> list[Suggestion]:
    """Entries as they are offered for what was typed, each with its years here."""
    years = years_loaded([entry.id for entry in found if entry.loaded])
    return [
        Suggestion(
            id=entry.id,
            cik=entry.cik,
            name=entry.name,
            ticker=next(iter(entry.tickers), None),
            loaded=entry.loaded,
            years=years.get(entry.id, 0),
            former=None if symbol_of(text) in entry.tickers else old_name(entry, plain_words(text)),
        )
        for entry in found
    ]


def years_loaded(ids: Sequence[int]) -> dict[int, int]:
    """company id -> number of fiscal years whose net income (or revenue, where that is all there is) is here."""
    if not ids:
        return {}
    taxonomy_and_name = [name.split(":", 1) for name in (*NET_INCOME_TAGS, *_REVENUE)]
    tags = select(XbrlTag.id).where(XbrlTag.name.in_({name for _, name in taxonomy_and_name}))
    statement = (
        select(Fact.company_id, Fact.start, Fact.end)
        .where(Fact.company_id.in_(ids), Fact.tag_id.in_(tags), Fact.start.is_not(None))
        .distinct()
    )
    ends: dict[int, set[int]] = {}
    with reading() as session:
        for company_id, start, end in session.execute(statement):
            if start is not None and 350 <= (end - start).days + 1 <= 380:
                ends.setdefault(company_id, set()).add(round(end.toordinal() / 365.25))
    return {company_id: len(found) for company_id, found in ends.items()}


_REVENUE = ("us-gaap:Revenues", "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax", "ifrs-full:Revenue")
