"""What a run can be filtered by: each field's kind, and how a comparison of it becomes SQL.

The form's controls, the boxes over the columns and the filter text all come down to `compare()`, so that they agree.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from research_dashboard.base import fold, folded
from research_dashboard.models import ResearchRun, Status

EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)
LARGEST = 2**63 - 1
MOST_TEXT = 200  # characters of a text that is looked for

Column = Any  # an attribute of the mapped class


class BadValue(ValueError):
    """A value that its field cannot be compared with; the text says what would do."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something a run is filtered by. `compare` takes the operator, the text and the reader's zone."""

    name: str
    label: str
    compare: Callable[[str, str, tzinfo], ColumnElement[bool]]


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


def _whole(column: Column) -> Callable[[str, str, tzinfo], ColumnElement[bool]]:
    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > LARGEST:
            raise BadValue(f"“{text}” is not a whole number from 0 to {LARGEST:,}.")
        return _ordered(column, op, int(text))

    return compare


def _number(column: Column) -> Callable[[str, str, tzinfo], ColumnElement[bool]]:
    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        if not re.fullmatch(r"[0-9]{1,12}([.,][0-9]{1,9})?", text):
            raise BadValue(f"“{text}” is not a number such as 2 or 0.5.")
        return _ordered(column, op, float(text.replace(",", ".")))

    return compare


def containing(column: Column, text: str) -> ColumnElement[bool]:
    """The column holds the text somewhere, whatever its case; % and _ stand for themselves."""
    return folded(column).contains(fold(text), autoescape=True)


def _text(column: Column) -> Callable[[str, str, tzinfo], ColumnElement[bool]]:
    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        if len(text) > MOST_TEXT:
            raise BadValue(f"That is {len(text):,} characters; at most {MOST_TEXT} can be looked for.")
        if op == ":":
            return containing(column, text)
        if op not in ("=", "!="):
            raise BadValue(f"A text is compared with “:” (contains), “=” or “!=”, not “{op}”.")
        return or_(folded(column) != fold(text), column.is_(None)) if op == "!=" else folded(column) == fold(text)

    return compare


def _choice(column: Column, choices: tuple[str, ...]) -> Callable[[str, str, tzinfo], ColumnElement[bool]]:
    def compare(op: str, text: str, _zone: tzinfo) -> ColumnElement[bool]:
        chosen = [choice for choice in choices if choice.lower() == text.lower()]
        if not chosen and op == ":":
            chosen = [choice for choice in choices if choice.lower().startswith(text.lower())]
        if not chosen:
            raise BadValue(f"“{text}” is none of {', '.join(choices)}.")
        if op not in (":", "=", "!="):
            raise BadValue(f"A choice is compared with “:”, “=” or “!=”, not “{op}”.")
        return column != chosen[0] if op == "!=" else column.in_(chosen)  # type: ignore[no-any-return]

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


def _moment(column: Column) -> Callable[[str, str, tzinfo], ColumnElement[bool]]:
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

    return compare


STATUSES = tuple(status.value for status in Status)

FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("id", "ID", _whole(ResearchRun.id)),
        Field("date", "Date", _moment(ResearchRun.date)),
        Field("company", "Company", _text(ResearchRun.company)),
        Field("researcher", "Researcher", _text(ResearchRun.researcher)),
        Field("duration", "Duration", _number(ResearchRun.duration_mins)),
        Field("status", "Status", _choice(ResearchRun.status, STATUSES)),
        Field("insights", "Insights", _whole(ResearchRun.insights)),
    )
}


def compare(field: str, op: str, text: str, zone: tzinfo) -> ColumnElement[bool]:
    """The SQL of `field op text`. Raises BadValue."""
    return FIELDS[field].compare(op, text, zone)
