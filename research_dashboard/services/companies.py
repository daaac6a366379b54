"""Which company is meant: a name, ticker or CIK becomes one company, or an answer that says why not."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from research_dashboard.base import utcnow
from research_dashboard.models import Source
from research_dashboard.one_line import is_one_line
from research_dashboard.queries.companies import company_by_id, sources_of, tickers_load
from research_dashboard.queries.directory import (
    Directory,
    Entry,
    core_of,
    core_words,
    directory,
    plain_words,
    symbol_of,
)
from research_dashboard.research.model import Company
from research_dashboard.sources.bundled import bundled_until

LONGEST = 200
OFFERED = 8
AT_HAND = (Source.BUNDLED, Source.IMPORTED, Source.LIVE)  # exact days before rounded ones; live as once fetched
NEAR = 65  # the least likeness, of 100, at which a name is offered for an unknown one


class CompanyError(ValueError):
    """A company that cannot be taken; the text is for people.

    `choices` are companies to offer instead, `fitting` how many there are of them altogether.
    """

    code = "company"

    def __init__(self, message: str, choices: Iterable[Entry] = (), fitting: int = 0) -> None:
        super().__init__(message)
        self.message, self.choices = message, tuple(choices)
        self.fitting = fitting or len(self.choices)

    def __str__(self) -> str:
        return self.message


class EmptyCompany(CompanyError):
    """Nothing was typed."""

    code = "empty"


class UnusableName(CompanyError):
    """What was typed cannot be a company: too long, or with control characters."""

    code = "unusable"


class UnknownCompany(CompanyError):
    """No company is called so; `choices` are those with the nearest names, `note` says how old the index is."""

    code = "unknown"
    note = ""


class AmbiguousCompany(CompanyError):
    """Several companies fit; `choices` are the first of them."""

    code = "ambiguous"


class KnownWithoutFigures(CompanyError):
    """The company is known by name, but none of its figures are here; `choices` holds it alone."""

    code = "no_figures"


def resolve(text: str, *, need_figures: bool = True) -> Company:
    """The one company that a name, ticker or CIK means. Never a guess: raises a CompanyError that says what to do.

    `need_figures` False (live data is on) also takes a company whose figures are not in the database yet.
    """
    try:
        entry = find(directory(), clean(text))
    except UnknownCompany as error:
        error.note = index_age()
        error.message = f"{error.message} {error.note}".rstrip()
        raise
    if need_figures and not entry.loaded:
        raise KnownWithoutFigures(
            f"{described(entry)} is known, but its figures are not here: turn on live data (give the SEC a contact on "
            "the settings page, or in RESEARCH_DASHBOARD_SEC_CONTACT).",
            [entry],
        )
    company = company_by_id(entry.id)
    if company is None:
        raise UnknownCompany(f"{entry.name} is no longer here.")
    return company


def index_age() -> str:
    """From when the index of companies is, where it may be too old to know a new name; empty where it is of today."""
    load = tickers_load()
    if load is None or load.finished_at is None:
        old = f"came with the program (its newest filing is of {bundled_until()})"
    elif load.finished_at < utcnow() - timedelta(hours=24):
        old = f"was fetched from the SEC on {load.finished_at:%Y-%m-%d}"
    else:
        return ""
    return f"The index of companies {old} and may be old: a newer name may be missing."


def source_for(company: Company, live: bool) -> str:
    """Where a company's figures come from when nobody says: live where that is on, else what is at hand."""
    if company.cik is None:
        return Source.UPLOADED.value
    if live:
        return Source.LIVE.value
    there = sources_of(company.id)
    return next((source.value for source in AT_HAND if source in there), Source.BUNDLED.value)


def clean(text: str) -> str:
    """What was typed, trimmed. Raises EmptyCompany or UnusableName."""
    text = text.strip()
    if not text:
        raise EmptyCompany("Type a company: its name, ticker or CIK.")
    if len(text) > LONGEST:
        raise UnusableName(f"That is {len(text):,} characters: a company's name has at most {LONGEST}.")
    if not is_one_line(text):
        raise UnusableName("There are control characters in it: type the name, ticker or CIK in plain letters.")
    return text


def find(known: Directory, text: str) -> Entry:
    """The one entry that the text means, figures or not. Raises UnknownCompany or AmbiguousCompany."""
    if number := re.fullmatch(r"(?:CIK)?[\s:#]*0*([1-9]\d*)", text, re.IGNORECASE):
        entry = known.by_cik.get(int(number[1])) if len(number[1]) <= 10 else None
        if entry:
            return entry
    symbol = known.by_symbol.get(symbol_of(text))
    named = known.exact(text)
    if symbol:
        others = _other_readings(known, text, symbol)
        if others:
            raise ambiguous(text, [symbol, *others])
        return symbol
    partly = known.within(text)
    for group in (named, [*partly, *(entry for entry in known.formerly(text) if entry not in partly)]):
        if one := _only(group):
            return one
        if group:
            raise ambiguous(text, group)
    raise UnknownCompany(_unknown(text, near := nearest(known, text)), near)


def _only(entries: Sequence[Entry]) -> Entry | None:
    """The one entry of the list; of several with the very same name, the only one with figures."""
    if len(entries) == 1:
        return entries[0]
    loaded = [entry for entry in entries if entry.loaded]
    same_name = len({entry.core for entry in entries}) == 1
    return loaded[0] if same_name and len(loaded) == 1 else None


def _other_readings(known: Directory, text: str, symbol: Entry) -> list[Entry]:
    """Companies that a word written like a name means as well: “Ford” is a ticker, but not that of Ford Motor."""
    if not re.fullmatch(r"[A-Z][a-z]{3,}", text):
        return []
    plain = plain_words(text)
    return [e for e in known.entries if e.id != symbol.id and (e.core == plain or e.core.startswith(f"{plain} "))]


def ambiguous(text: str, entries: Sequence[Entry]) -> AmbiguousCompany:
    """The question back: which of these, those with figures first."""
    count = f"{len(entries)} companies" if len(entries) > 2 else "Two companies"
    offered = sorted(entries, key=lambda entry: not entry.loaded)[:OFFERED]
    message = f"{count} fit “{text}”: choose {_or(map(_offer, offered))}."
    return AmbiguousCompany(message, offered, len(entries))


def nearest(known: Directory, text: str, limit: int = 5) -> list[Entry]:
    """The companies that look most like the text, best first; none when nothing does.

    A name, one it had before too, is compared whole and by as many of its first words as were typed; a ticker that
    begins what was typed counts too (GOOG for “Google”).
    """
    from rapidfuzz import fuzz, process

    core = core_words(plain_words(text))
    if len(core) < 3 or core.isdecimal():
        return []
    size = len(core.split())
    names = {(entry.id, 0): entry.core for entry in known.entries}
    names |= {(e.id, place): core_of(name) for e in known.entries for place, name in enumerate(e.former, 1)}
    firsts = {key: " ".join(name.split()[:size]) for key, name in names.items()}
    joined = {key: name.replace(" ", "")[: len(core)] for key, name in names.items()}
    likeness: dict[int, float] = {}
    for words, typed in ((names, core), (firsts, core), (joined, core.replace(" ", ""))):
        for _, score, (id_, _) in process.extract(typed, words, scorer=fuzz.ratio, limit=limit, score_cutoff=NEAR):
            likeness[id_] = max(score, likeness.get(id_, 0))
    for end in range(3, len(core)):
        if entry := known.by_symbol.get(core[:end].upper()):
            likeness[entry.id] = max(NEAR + 5.0 * end, likeness.get(entry.id, 0))
    best = sorted(likeness, key=lambda id_: (-likeness[id_], not known.by_id[id_].loaded, id_))
    return [known.by_id[id_] for id_ in best[:limit]]


def described(entry: Entry) -> str:
    """A company in a sentence: Apple Inc. (AAPL)."""
    mark = next(iter(entry.tickers), None) or (f"CIK {entry.cik}" if entry.cik else "private")
    return f"{entry.name} ({mark})"


def _offer(entry: Entry) -> str:
    """A company to choose instead: Apple Hospitality REIT, Inc. (APLE, no figures here)."""
    return described(entry) if entry.loaded else f"{described(entry)[:-1]}, no figures here)"


def _unknown(text: str, near: Sequence[Entry]) -> str:
    if not near:
        return f"No company called “{text}” is known: check the spelling, or give its ticker or CIK."
    return f"No company called “{text}” is known. Nearest: {_or(map(_offer, near))}."


def _or(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
