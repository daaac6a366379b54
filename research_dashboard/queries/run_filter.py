"""A filter of runs as it stands in a query string: the same names, limits and words on the page and on the API.

company, researcher   hold this text, whatever the case; % and _ stand for themselves
status                one of the states, or several with commas; All is none
start, end            days, both included, in the reader's zone
ticker … error        as in a box over a column: “AAPL”, “35”, “> 2”, “2..5”, “!= live”
q                     the filter text (filter_text.py)
col_id … col_error    the boxes over the columns: “12”, “> 5”, “2..5”, “!= Failed”, “2026-03”
cols                  the columns that are shown, in their order, with commas
sort                  a column, with “-” before it the largest first; ties by id, so that the order is one
page, per_page        from 1
cursor                where the page begins, as its neighbour's link says: quick however far, steady while runs come in
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import Any

from research_dashboard.one_line import is_one_line
from research_dashboard.queries import filter_text
from research_dashboard.queries.filter_text import MOST_CHARACTERS, Comparison, Node, TextError
from research_dashboard.queries.keyset import BadCursor, place_of
from research_dashboard.queries.run_fields import ALIASES, FIELDS, MOST_TEXT, STATUSES, BadValue, compare, day

PER_PAGE, MOST_PER_PAGE = 15, 200
MOST_PAGES = 10**9
MOST_CURSOR = 1000
USUAL = ("id", "date", "company", "researcher", "duration", "status", "insights")  # the columns that are shown
SORTS = (*USUAL, "ticker", "sic", "gaps", "source", "tag", "error")
NEWEST_FIRST = "-date"
COLUMNS = tuple(f"col_{name}" for name in SORTS)
CONTROLS = ("ticker", "sic", "duration", "findings", "gaps", "source", "tag", "error")
FILTERS = ("company", "status", "researcher", "start", "end", *CONTROLS, "q", *COLUMNS)
NAMES = (*FILTERS, "cols", "sort", "page", "per_page", "cursor")
OTHER_NAMES = {"insights": "findings", "error_kind": "error", "duration_mins": "duration"}  # as the API's fields


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one parameter: what it was, its limit, what would do; in q at which character, from 1."""

    field: str
    detail: str
    position: int | None = None


class InvalidFilter(ValueError):
    """A query string that is no filter: every error, and what was sent, so that a form can show it again."""

    def __init__(self, errors: tuple[FieldError, ...], sent: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.detail}" for error in errors))
        self.errors, self.sent = errors, sent


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs, in which order, which page of them."""

    company: str = ""
    status: tuple[str, ...] = ()
    researcher: str = ""
    start: date | None = None
    end: date | None = None
    q: str = ""
    controls: tuple[tuple[str, str], ...] = ()  # ("duration", "> 2"), of the form
    columns: tuple[tuple[str, str], ...] = ()  # the same, of the boxes
    cols: tuple[str, ...] = USUAL
    sort: str = NEWEST_FIRST
    page: int = 1
    per_page: int = PER_PAGE
    cursor: str = ""
    zone: tzinfo = UTC

    @classmethod
    def parse(cls, args: Iterable[tuple[str, str]], *, zone: tzinfo = UTC, also: Iterable[str] = ()) -> "RunFilter":
        """The filter of a query string's pairs; empty values count as absent, names in `also` are the caller's.

        Raises InvalidFilter with everything that is wrong.
        """
        sent, errors = _gather(args, frozenset(also))
        values: dict[str, Any] = {}
        for name, text in sent.items():
            try:
                _take(values, name, text, zone)
            except TextError as error:
                errors.append(FieldError(name, str(error), error.position))
            except BadValue as error:
                errors.append(FieldError(name, str(error)))
        if "start" in values and "end" in values and values["end"] < values["start"]:
            errors.append(FieldError("end", f"{values['end']} is before the start, {values['start']}. Exchange them."))
        if "cursor" in values and not errors:
            try:
                place_of(values.get("sort", NEWEST_FIRST), values["cursor"])
            except BadCursor as error:
                errors.append(FieldError("cursor", str(error)))
        if errors:
            raise InvalidFilter(tuple(errors), sent)
        for name in ("controls", "columns"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values, zone=zone)

    def params(self, **changes: str | int | None) -> dict[str, Any]:
        """The query string that says this filter, without what is usual; `changes` replace values, None takes out.

        A change of anything but the page goes to the first page.
        """
        given: dict[str, Any] = {
            "company": self.company,
            "status": ",".join(self.status),
            "researcher": self.researcher,
            "start": self.start,
            "end": self.end,
            **dict(self.controls),
            "q": self.q,
            **{f"col_{name}": text for name, text in self.columns},
            "cols": "" if self.cols == USUAL else ",".join(self.cols),
            "sort": "" if self.sort == NEWEST_FIRST else self.sort,
            "per_page": "" if self.per_page == PER_PAGE else self.per_page,
            "page": "" if changes or self.page == 1 else self.page,
            "cursor": "" if changes else self.cursor,
        } | changes
        if given["page"] == 1:
            given["page"] = ""
        return {name: str(value) for name, value in given.items() if value not in ("", None)}

    def parts(self) -> tuple[Node, ...]:
        """Everything but the status, as parts that must all hold."""
        found: list[Node] = []
        if self.company:
            found.append(Comparison("company", ":", self.company, 1))
        if self.researcher:
            found.append(Comparison("researcher", ":", self.researcher, 1))
        if self.start:
            found.append(Comparison("date", ">=", self.start.isoformat(), 1))
        if self.end:
            found.append(Comparison("date", "<=", self.end.isoformat(), 1))
        found.extend(
            Comparison(ALIASES.get(name, name), *column_filter(text), 1) for name, text in self.controls + self.columns
        )
        if self.q:
            found.extend(filter_text.conjuncts(filter_text.parse(self.q)))
        return tuple(found)

    @property
    def narrows(self) -> bool:
        """True when runs may be left out."""
        return bool(self.params(sort=None, per_page=None, page=None, cols=None))


def _gather(args: Iterable[tuple[str, str]], also: frozenset[str]) -> tuple[dict[str, str], list[FieldError]]:
    """What was sent, one text a name, without blanks; and errors for names that are unknown or given twice."""
    sent: dict[str, str] = {}
    errors: list[FieldError] = []
    for called, raw in args:
        if called in also:
            continue
        name, text = OTHER_NAMES.get(called, called), raw.strip()
        if name not in NAMES:
            shown = re.sub(r"[^ -~]", "?", name)[:60]
            errors.append(FieldError(shown, f"There is no such parameter. There are: {', '.join((*NAMES, *also))}."))
        elif not is_one_line(raw):
            errors.append(FieldError(name, "It holds control characters. Take them out."))
        elif not text:
            continue
        elif name == "status" and name in sent:
            sent[name] += f",{text}"
        elif name in sent:
            errors.append(FieldError(name, "It is given twice: give it once."))
        else:
            sent[name] = text
    return sent, errors


def _take(values: dict[str, Any], name: str, text: str, zone: tzinfo) -> None:
    """Put the parameter's value where RunFilter wants it. Raises BadValue."""
    most = {"q": MOST_CHARACTERS, "cursor": MOST_CURSOR}.get(name, MOST_TEXT)
    if len(text) > most:
        raise BadValue(f"That is {len(text):,} characters; at most {most} can be looked for.")
    if not is_one_line(text):
        raise BadValue("It holds control characters. Take them out.")
    if name == "status":
        values[name] = _statuses(text)
    elif name in ("start", "end"):
        values[name] = day(text)
    elif name == "sort":
        values[name] = _sort(text)
    elif name in ("page", "per_page"):
        values[name] = _from_one(text, MOST_PAGES if name == "page" else MOST_PER_PAGE)
    elif name == "q":
        filter_text.condition(filter_text.parse(text), zone)
        values[name] = text
    elif name == "cols":
        values[name] = _columns(text)
    elif name.startswith("col_") or name in CONTROLS:
        column = name.removeprefix("col_")
        op, value = column_filter(text)
        if value:  # an operator alone is still being typed
            compare(ALIASES.get(column, column), op, value, zone)
            values.setdefault("controls" if name in CONTROLS else "columns", []).append((column, text))
    else:
        values[name] = text


def _statuses(text: str) -> tuple[str, ...]:
    known = {status.lower(): status for status in STATUSES}
    chosen: list[str] = []
    for word in (part.strip() for part in text.split(",")):
        if word.lower() == "all" or not word:
            continue
        if word.lower() not in known:
            raise BadValue(f"“{word}” is not a status. Choose All, {', '.join(STATUSES)}.")
        if known[word.lower()] not in chosen:
            chosen.append(known[word.lower()])
    return tuple(chosen)


def _columns(text: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(ALIASES.get(name, name) for part in text.split(",") if (name := part.strip())))
    if unknown := [name for name in chosen if name not in SORTS]:
        raise BadValue(f"“{unknown[0]}” is not a column. There are: {', '.join(SORTS)}.")
    return chosen or USUAL


def _sort(text: str) -> str:
    name = text.removeprefix("-")
    name = ALIASES.get(name, name)
    if name not in SORTS:
        raise BadValue(f"“{text}” is not a column. Sort by {', '.join(SORTS)}; “-” before it turns the order round.")
    return f"-{name}" if text.startswith("-") else name


def _from_one(text: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= most:
        raise BadValue(f"“{text}” is not a whole number from 1 to {most:,}.")
    return int(text)


def column_filter(text: str) -> tuple[str, str]:
    """Operator and value of what stands in a box over a column: “> 2” is (“>”, “2”), “app” is (“:”, “app”)."""
    found = re.match(r"(<=|>=|!=|<>|=|<|>|≤|≥|≠)?\s*(.*)", text)
    op = {"<>": "!=", "≤": "<=", "≥": ">=", "≠": "!=", "": ":"}
    sign = (found and found[1]) or ""
    return op.get(sign, sign), found[2] if found else text


assert set(SORTS) <= set(FIELDS)  # noqa: S101  # every column that is sorted and has a box is a field
