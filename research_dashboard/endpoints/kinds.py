"""The kinds of values that requests hold: each with its bounds, those of the tables, and its words of refusal."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
)

from research_dashboard.endpoints.sent_json import sent_json
from research_dashboard.one_line import is_one_line
from research_dashboard.tables.runs import (
    COMPANY_LENGTH,
    MAX_DURATION_MINS,
    MAX_INSIGHTS,
    NAME_LENGTH,
    RESEARCHER_LENGTH,
)

MAX_ID = 2**31 - 1
MAX_SKIP = 10**9
MAX_LIMIT, LIMIT = 1000, 100
MAX_DEPTH = 64
MAX_PEERS = 30
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"


def _one_line(text: str) -> str:
    """A text of one line, blanks around it taken off."""
    if not is_one_line(text):
        raise ValueError("It holds control characters: take them out")
    if not text.strip():
        raise ValueError("It is blank")
    return text.strip()


def number(value: Any) -> Any:
    """A JSON number; text and true are none, though Python would convert them."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("A number is needed")
    found: int | Decimal = value
    if not -1e300 < found < 1e300:
        raise ValueError("The number is too large")
    return found + 0  # -0.0 is 0


def _moment(value: Any) -> datetime:
    """A moment in ISO 8601, without offset read as UTC, from 1900 to 2999."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("A moment in ISO 8601 is needed, such as 2026-03-02T11:42:00Z")
    try:
        found = datetime.fromisoformat(value.upper().replace(",", ".").replace(" ", "T", 1).replace(" ", ""))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("There is no such moment; ISO 8601 is needed, such as 2026-03-02T11:42:00Z") from None
    if not EARLIEST <= found <= LATEST:
        raise ValueError("The moment must lie between 1900 and 2999")
    return found


def _company(value: Any) -> str | int:
    """A name, a ticker or a CIK."""
    if isinstance(value, str):
        if len(value) > COMPANY_LENGTH:
            raise ValueError(f"At most {COMPANY_LENGTH} characters are read")
        return _one_line(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("A name, a ticker or a CIK is needed")
    cik = number(value)
    if cik != int(cik) or not 1 <= cik < 10**10:
        raise ValueError("A CIK is a whole number of at most ten digits")
    return int(cik)


def _result_data(value: Any) -> Any:
    """JSON, or a text that holds JSON (as the seed sent it), which is stored as what it holds."""
    if isinstance(value, str):
        try:
            value = sent_json(value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise ValueError("The text does not hold JSON; send the JSON itself") from None
    if value is None:
        raise ValueError("It is null: send the result")
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"It is nested deeper than {MAX_DEPTH} levels")
        below: list[Any] = []
        for each in level:
            if isinstance(each, Decimal) and not -308 <= each.adjusted() <= 308 and each:
                raise ValueError("It holds a number that no double can hold, such as 1e400")
            if isinstance(each, int) and not isinstance(each, bool) and abs(each) > 10**300:
                raise ValueError("It holds a number that no double can hold")
            if isinstance(each, str) and "\0" in each:
                raise ValueError("It holds the character NUL, which PostgreSQL does not keep: take it out")
            if isinstance(each, dict):
                below.extend(each)
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        level = below
    return value


ONE_LINE = AfterValidator(_one_line)
_SCHEMA: Any = {"pattern": NO_CONTROLS}
Company = Annotated[str, Field(min_length=1, max_length=COMPANY_LENGTH, json_schema_extra=_SCHEMA), ONE_LINE]
Researcher = Annotated[str, Field(min_length=1, max_length=RESEARCHER_LENGTH, json_schema_extra=_SCHEMA), ONE_LINE]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, json_schema_extra=_SCHEMA), ONE_LINE]
Message = Annotated[str, Field(min_length=1, max_length=2000, json_schema_extra=_SCHEMA), ONE_LINE]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "ISO 8601; without offset: UTC."}),
]
# The bounds come first: behind a validator pydantic does not describe them as minimum and maximum.
Minutes = Annotated[float, Field(ge=0, le=MAX_DURATION_MINS, allow_inf_nan=False), BeforeValidator(number)]
Count = Annotated[int, Field(ge=0, le=MAX_INSIGHTS), BeforeValidator(number)]
RunId = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(number)]
ResultData = Annotated[
    Any, BeforeValidator(_result_data), Field(description="JSON; a text that holds JSON is stored as what it holds.")
]


CompanyName = Annotated[
    str | int,
    BeforeValidator(_company),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": COMPANY_LENGTH, "pattern": NO_CONTROLS},
                {"type": "integer", "minimum": 1, "maximum": 9_999_999_999},
            ]
        }
    ),
]
