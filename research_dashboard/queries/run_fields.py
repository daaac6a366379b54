"""What a run can be filtered by: each field's kind, and how a comparison of it becomes SQL.

The form's controls, the boxes over the columns and the filter text all come down to `compare()`, so that they agree.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal_column, not_, or_, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.functions import GenericFunction

from research_dashboard.base import fold, folded
from research_dashboard.models import (
    RUN_SEARCH,
    Company,
    CompanyName,
    Origin,
    ResearchRun,
    RunCount,
    RunTag,
    Source,
    Status,
    Tag,
    Ticker,
)

EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)
LARGEST = 2**63 - 1
MOST_TEXT = 200  # characters of a text that is looked for

NOTHING: Any = literal_column("''")  # a literal, so that SQLite sees an index's own words (tables/runs.py)
Column = Any  # an attribute of the mapped class, or SQL over it
Compare = Callable[[str, str, tzinfo], ColumnElement[bool]]  # operator, text, the reader's zone


class BadValue(ValueError):
    """A value that its field cannot be compared with; the text says what would do."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something a run is filtered by. `compare` takes the operator, the text and the reader's zone."""

    name: str
    label: str
    compare: Compare


OPERATORS = (":", "=", "!=", "<", "<=", ">", ">=")


def _ordered(column: Column, op: str, value: Any) -> ColumnElement[bool]:
    """The comparison of an ordered column; `:` is `=`."""
    compared: dict[str, Callable[[], Any]] = {
        ":": lambda: column == value,
        "=": lambda: column == value,
        "!=": lambda: column != value,
        "<": lambda: column < value,
        "<=": lambda: column <= value,
        ">": lambda: column > value,
        ">=": lambda: column >= value,
    }
    return compared[op]()  # type: ignore[no-any-return]


def _ranging(single: Compare, backwards: Callable[[str, str, tzinfo], bool]) -> Compare:
    """Also `2..5`: from 2 to 5, both included; either end may be left open. Nothing is from 5 to 2: that is refused."""

    def compare(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
        low, dots, high = (part.strip() for part in text.partition(".."))
        if not dots:
            return single(op, text, zone)
        if op not in (":", "=", "!=") or not (low or high):
            raise BadValue(f"“{text}” is not a range such as 2..5; a range stands after “:”, “=” or “!=”.")
        ends = [single(sign, end, zone) for sign, end in ((">=", low), ("<=", high)) if end]
        if low and high and backwards(low, high, zone):
            raise BadValue(f"“{low}” is after “{high}”, so nothing is in that range. Exchange them: {high}..{low}.")
        return not_(and_(*ends)) if op == "!=" else and_(*ends)

    return compare


def _whole(column: Column) -> Compare:
    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > LARGEST:
            raise BadValue(f"“{text}” is not a whole number from 0 to {LARGEST:,}.")
        return _ordered(column, op, int(text))

    return _ranging(compare, lambda low, high, _zone: int(low) > int(high))


def _number(column: Column) -> Compare:
    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        if not re.fullmatch(r"[0-9]{1,12}([.,][0-9]{1,9})?", text):
            raise BadValue(f"“{text}” is not a number such as 2 or 0.5.")
        return _ordered(column, op, _amount(text))

    return _ranging(compare, lambda low, high, _zone: _amount(low) > _amount(high))


def _amount(text: str) -> float:
    return float(text.replace(",", "."))


def containing(column: Column, text: str) -> ColumnElement[bool]:
    """The column holds the text somewhere, whatever its case; % and _ stand for themselves."""
    return folded(column).contains(fold(text), autoescape=True)


def a_text(column: Column) -> Compare:
    """Texts: contains, is, is not."""

    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        if len(text) > MOST_TEXT:
            raise BadValue(f"That is {len(text):,} characters; at most {MOST_TEXT} can be looked for.")
        if op == ":":
            return containing(column, text)
        if op not in ("=", "!="):
            raise BadValue(f"A text is compared with “:” (contains), “=” or “!=”, not “{op}”.")
        return folded(column) != fold(text) if op == "!=" else folded(column) == fold(text)

    return compare


def a_rare_text(column: Column) -> Compare:
    """A text that most runs lack: those without it are passed over by the column's index."""
    single = a_text(column)

    def compare(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
        found = single(op, text, zone)
        return or_(column == NOTHING, found) if op == "!=" else and_(column > NOTHING, found)

    return compare


def choice(column: Column, choices: tuple[str, ...], stored: Mapping[str, str] | None = None) -> Compare:
    """One of a few words; with “:” its beginning will do. `stored`: what stands in the column for a word, if not it."""
    as_stored = stored or {}

    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        chosen = [word for word in choices if word.lower() == text.lower()]
        if not chosen and op == ":":
            chosen = [word for word in choices if word.lower().startswith(text.lower())]
        if not chosen:
            raise BadValue(f"“{text}” is none of {', '.join(choices)}.")
        if op not in (":", "=", "!="):
            raise BadValue(f"A choice is compared with “:”, “=” or “!=”, not “{op}”.")
        found = [as_stored.get(word, word) for word in chosen]
        return column.not_in(found) if op == "!=" else column.in_(found)  # type: ignore[no-any-return]

    return compare


def day(text: str) -> date:
    """A day written 2026-03-02. Raises BadValue."""
    try:
        found = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found <= LATEST:
        raise BadValue(f"“{text}” is not a day from {EARLIEST} to {LATEST}, written like 2026-03-02.")
    return found


def midnight(when: date, zone: tzinfo) -> datetime:
    """The moment at which the day begins for the reader, in UTC."""
    return datetime.combine(when, time.min, zone).astimezone(UTC)


def period(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """Begin and end (exclusive) of a year, month, day or minute: 2026, 2026-03, 2026-03-02, 2026-03-02 11:42."""
    if found := re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([01][0-9]|2[0-3]):([0-5][0-9])", text):
        moment = datetime.combine(day(found[1]), time(int(found[2]), int(found[3])), zone).astimezone(UTC)
        return moment, moment + timedelta(minutes=1)
    if re.fullmatch(r"[0-9]{4}", text):
        return midnight(day(f"{text}-01-01"), zone), midnight(day(f"{text}-12-31") + timedelta(days=1), zone)
    if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
        first = day(f"{text}-01")
        after = (first + timedelta(days=31)).replace(day=1)
        return midnight(first, zone), midnight(after, zone)
    try:
        whole = day(text)
    except BadValue as error:
        raise BadValue(f"“{text}” is not a date such as 2026, 2026-03 or 2026-03-02.") from error
    return midnight(whole, zone), midnight(whole + timedelta(days=1), zone)


def _moment(column: Column) -> Compare:
    def compare(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
        begin, end = period(text, zone)
        compared: dict[str, Callable[[], Any]] = {
            ":": lambda: and_(column >= begin, column < end),
            "=": lambda: and_(column >= begin, column < end),
            "!=": lambda: or_(column < begin, column >= end),
            "<": lambda: column < begin,
            "<=": lambda: column < end,
            ">": lambda: column >= end,
            ">=": lambda: column >= begin,
        }
        return compared[op]()  # type: ignore[no-any-return]

    return _ranging(compare, lambda low, high, zone: period(low, zone)[0] >= period(high, zone)[1])


def _named(column: Column, names: Column, where: ColumnElement[bool] | None = None) -> Compare:
    """A text that is looked for among the few different names there are, not in every run."""
    among = a_text(names)

    def compare(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
        found = select(func.lower(names)).where(among(":" if op == ":" else "=", text, zone))
        if where is not None:
            found = found.where(where)
        held = func.lower(column).in_(found)
        among(op, text, zone)  # refuses an operator that texts do not know
        return not_(held) if op == "!=" else held

    return compare


def filers_with(field: str, op: str, text: str, zone: tzinfo) -> Select[int]:
    """The filers whose ticker or industry it is; with != those whose it is not to be. Raises BadValue."""
    return select(Company.id).where(OF_FILERS[field]("=" if op == "!=" else op, text, zone))


def _filer(field: str) -> Compare:
    """A property of the filer whose run it is."""

    def compare(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
        held = ResearchRun.company_id.in_(filers_with(field, op, text, zone))
        return or_(ResearchRun.company_id.is_(None), not_(held)) if op == "!=" else held

    return compare


def _sic(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
    """sic:35 is all of major group 35; sic=3571 that industry; < and > compare."""
    if not re.fullmatch(r"[0-9]{2,4}", text):
        raise BadValue(f"“{text}” is not a SIC code: give 2 to 4 digits, such as 35 or 3571.")
    scale = 10 ** (4 - len(text))
    if op == ":" and scale > 1:
        return Company.sic.between(int(text) * scale, int(text) * scale + scale - 1)
    return _ordered(Company.sic, op, int(text))


def _ticker(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
    if op not in (":", "=", "!="):
        raise BadValue(f"A ticker is compared with “:”, “=” or “!=”, not “{op}”.")
    symbols = select(Ticker.company_id).where(Ticker.symbol == text.upper())
    return Company.id.in_(symbols)


def _tag(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
    if op not in (":", "=", "!="):
        raise BadValue(f"A tag is compared with “:”, “=” or “!=”, not “{op}”.")
    held = ResearchRun.id.in_(
        select(RunTag.run_id).join(Tag, Tag.id == RunTag.tag_id).where(folded(Tag.name) == fold(text))
    )
    return not_(held) if op == "!=" else held


def _title(op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
    """Few runs have a title, and an index has those alone: a SELECT of its own keeps SQLite to it."""
    titled = aliased(ResearchRun)
    found = a_text(func.coalesce(titled.title, NOTHING))("=" if op == "!=" else op, text, zone)
    held = ResearchRun.id.in_(select(titled.id).where(titled.title > NOTHING, found))
    return not_(held) if op == "!=" else held


def _pinned(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
    """pinned:yes and pinned:no; true and false say the same."""
    said = {"yes": True, "true": True, "no": False, "false": False}.get(text.lower())
    if op not in (":", "=", "!=") or said is None:
        raise BadValue(f"“{text}” is neither yes nor no, as in pinned:yes.")
    held = ResearchRun.pinned_at.is_not(None)
    return held if said != (op == "!=") else not_(held)


def full_text(text: str) -> Any:
    """The runs whose title, findings, notes or error hold the words, as a SELECT of their ids (FTS5; tsquery)."""
    return select(RUN_SEARCH.c.rowid).where(text_match(phrase(text)))


def phrase(text: str) -> str:
    """A word or a quoted text as FTS5 reads it: a phrase; what has three letters or more may go on."""
    quoted = '"' + text.replace('"', '""') + '"'
    return f"{quoted} *" if len(text) >= 3 else quoted


class text_match(GenericFunction[Any]):
    """run_search holds the words of an FTS5 query; on PostgreSQL of a tsquery."""

    type = Integer()  # not Boolean, which would be compared with 1: MATCH stands alone
    inherit_cache = True
    name = "text_match"


@compiles(text_match)
def _match(element: Any, compiler: Any, **kw: Any) -> str:
    return f"run_search MATCH {compiler.process(element.clauses, **kw)}"


@compiles(text_match, "postgresql")
def _match_on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    phrase = compiler.process(element.clauses, **kw)  # its quotes and star are punctuation to PostgreSQL
    beginning = f"CASE WHEN right({phrase}, 1) = '*' THEN ':*' ELSE '' END"
    return f"run_search.document @@ (nullif(phraseto_tsquery('english', {phrase})::text, '') || {beginning})::tsquery"


def holds_word(text: str) -> ColumnElement[bool]:
    """The word stands in the company, its ticker, the researcher's name or the full text."""
    if not re.search(r"\w", text):
        return FIELDS["company"].compare(":", text, UTC)
    named = [
        FIELDS[field].compare(op, text, UTC) for field, op in (("company", ":"), ("researcher", ":"), ("ticker", "="))
    ]
    # Each way has its own index: so SELECTs of ids, for of an OR SQLite would make one scan of the table.
    ids = [select(ResearchRun.id).where(ResearchRun.deleted_at.is_(None), way).correlate(None) for way in named]
    return ResearchRun.id.in_(union_all(*ids, full_text(text)))


OF_FILERS: Mapping[str, Compare] = {"ticker": _ticker, "sic": _sic, "cik": _whole(Company.cik)}
STATUSES = tuple(status.value for status in Status)
SOURCES = (*(source.value for source in Source), "none")
run = ResearchRun
SOURCE, ERROR, TICKER = (func.coalesce(column, NOTHING) for column in (run.source, run.error_kind, run.ticker))

FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("id", "ID", _whole(run.id)),
        Field("date", "Date", _moment(run.date)),
        Field("company", "Company", _named(run.company, CompanyName.name)),
        Field("ticker", "Ticker", _filer("ticker")),
        Field("sic", "SIC", _filer("sic")),
        Field("cik", "CIK", _filer("cik")),
        Field("researcher", "Researcher", _named(run.researcher, RunCount.key, RunCount.kind == "researcher")),
        Field("duration", "Duration", _number(run.duration_mins)),
        Field("status", "Status", choice(run.status, STATUSES)),
        Field("insights", "Insights", _whole(run.insights)),
        Field("gaps", "Gaps", _whole(run.gaps)),
        Field("source", "Source", choice(SOURCE, SOURCES, {"none": ""})),
        Field("origin", "Origin", choice(run.origin, tuple(each.value for each in Origin))),
        Field("tag", "Tag", _tag),
        Field("error", "Error", a_rare_text(ERROR)),
        Field("title", "Title", _title),
        Field("pinned", "Pinned", _pinned),
    )
}
ALIASES = {"findings": "insights", "duration_mins": "duration", "error_kind": "error", "gap": "gaps", "tags": "tag"}


def compare(field: str, op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
    """The SQL of `field op text`. Raises BadValue."""
    if not text:
        raise BadValue("A value is missing.")
    return FIELDS[field].compare(op, text, zone)
