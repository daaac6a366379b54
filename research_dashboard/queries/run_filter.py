"""A filter of runs as it stands in a query string: the same names, limits and words on the page and on the API.

company, researcher   hold this text, whatever the case; % and _ stand for themselves
status                one of the states, or several with commas; All is none
start, end            days, both included, in the reader's zone
q                     each word stands in the company, its ticker or the researcher's name
col_id … col_insights the boxes over the columns: “12”, “> 5”, “!= Failed”, “2026-03”
sort                  a column, with “-” before it the largest first; ties by id, so that the order is one
page, per_page        from 1
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import Any

from research_dashboard.queries import filter_text
from research_dashboard.queries.filter_text import MOST_CHARACTERS, Comparison, Node, TextError
from research_dashboard.queries.run_fields import FIELDS, MOST_TEXT, STATUSES, BadValue, compare, day

PER_PAGE, MOST_PER_PAGE = 15, 200
MOST_PAGES = 10**9
SORTS = ("id", "date", "company", "researcher", "duration", "status", "insights")
NEWEST_FIRST = "-date"
COLUMNS = tuple(f"col_{name}" for name in SORTS)
NAMES = ("company", "status", "researcher", "start", "end", "q", *COLUMNS, "sort", "page", "per_page")


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
    columns: tuple[tuple[str, str], ...] = ()  # ("duration", "> 2")
    sort: str = NEWEST_FIRST
    page: int = 1
    per_page: int = PER_PAGE
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
        if errors:
            raise InvalidFilter(tuple(errors), sent)
        values["columns"] = tuple(values.get("columns", ()))
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
            "q": self.q,
            **{f"col_{name}": text for name, text in self.columns},
            "sort": "" if self.sort == NEWEST_FIRST else self.sort,
            "per_page": "" if self.per_page == PER_PAGE else self.per_page,
            "page": "" if changes or self.page == 1 else self.page,
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
        found.extend(Comparison(name, *column_filter(text), 1) for name, text in self.columns)
        if self.q:
            found.extend(filter_text.conjuncts(filter_text.parse(self.q)))
        return tuple(found)

    @property
    def narrows(self) -> bool:
        """True when runs may be left out."""
        return bool(self.params(sort=None, per_page=None, page=None))


def _gather(args: Iterable[tuple[str, str]], also: frozenset[str]) -> tuple[dict[str, str], list[FieldError]]:
    """What was sent, one text a name, without blanks; and errors for names that are unknown or given twice."""
    sent: dict[str, str] = {}
    errors: list[FieldError] = []
    for name, raw in args:
        if name in also:
            continue
        text = raw.strip()
        if name not in NAMES:
            shown = re.sub(r"[^ -~]", "?", name)[:60]
            errors.append(FieldError(shown, f"There is no such parameter. There are: {', '.join((*NAMES, *also))}."))
        elif any(character < " " for character in raw):
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
    most = MOST_CHARACTERS if name == "q" else MOST_TEXT
    if len(text) > most:
        raise BadValue(f"That is {len(text):,} characters; at most {most} can be looked for.")
    if not text.isprintable():
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
    elif name.startswith("col_"):
        column = name.removeprefix("col_")
        op, value = column_filter(text)
        if value:  # an operator alone is still being typed
            compare(column, op, value, zone)
            values.setdefault("columns", []).append((column, text))
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


def _sort(text: str) -> str:
    name = text.removeprefix("-").replace("duration_mins", "duration")
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
