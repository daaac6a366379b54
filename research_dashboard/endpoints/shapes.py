"""The shapes of requests and answers. Bounds are those of the tables; what is not declared is refused."""

import datetime as dt
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from research_dashboard.extensions import from_json
from research_dashboard.models import Status, StepStatus
from research_dashboard.queries.run_fields import day
from research_dashboard.queries.run_filter import COLUMNS, NEWEST_FIRST
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
    """A text without control characters (they forge lines and hide words), blanks around it taken off."""
    if not all(c.isprintable() for c in text):
        raise ValueError("It holds control characters: take them out")
    if not text.strip():
        raise ValueError("It is blank")
    return text.strip()


def _number(value: Any) -> Any:
    """A JSON number; text and true are none, though Python would convert them."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("A number is needed")
    number: int | Decimal = value
    if not -1e300 < number < 1e300:
        raise ValueError("The number is too large")
    return number


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
    number = _number(value)
    if number != int(number) or not 1 <= number < 10**10:
        raise ValueError("A CIK is a whole number of at most ten digits")
    return int(number)


def _result_data(value: Any) -> Any:
    """JSON, or a text that holds JSON (as the seed sent it), which is stored as what it holds."""
    if isinstance(value, str):
        try:
            value = from_json(value)
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
            if isinstance(each, dict):
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
Minutes = Annotated[float, BeforeValidator(_number), Field(ge=0, le=MAX_DURATION_MINS, allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=0, le=MAX_INSIGHTS)]
RunId = Annotated[int, BeforeValidator(_number), Field(ge=1, le=MAX_ID)]
ResultData = Annotated[
    Any, BeforeValidator(_result_data), Field(description="JSON; a text that holds JSON is stored as what it holds.")
]


class Strict(BaseModel):
    """A request: what is not declared is refused, so that a slip of the pen is found."""

    model_config = ConfigDict(extra="forbid")


class RunCreate(Strict):
    """A run that another program did (P7)."""

    company: Company = Field(examples=["Acme"])
    researcher: Researcher = Field(examples=["ann"])
    duration_mins: Minutes = Field(examples=[12.5])
    status: Status = Field(examples=["Completed"])
    insights: Count = Field(examples=[7])
    date: Moment | None = Field(None, description="When it was asked for; now, if not given.")


class DetailCreate(Strict):
    """A step of a run (P10)."""

    research_run_id: RunId = Field(examples=[1])
    step_name: Name = Field(examples=["Gathering market data"])
    start_time: Moment = Field(examples=["2026-03-02T11:42:00Z"])
    end_time: Moment | None = Field(None, examples=["2026-03-02T11:43:30Z"])
    status: StepStatus = Field(examples=["Completed"])
    message: Message | None = Field(None, description="What the step says of itself.")

    @field_validator("end_time", mode="after")
    @classmethod
    def _end_after_start(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("start_time")
        if end is not None and start is not None and end < start:
            raise ValueError("It is before start_time")
        return end


class ResultCreate(Strict):
    """A result of a run (P12)."""

    research_run_id: RunId = Field(examples=[1])
    result_type: Name = Field(examples=["market_position"])
    result_data: ResultData = Field(examples=[{"market_share": 35.1, "competitors": ["Bolt", "Cog"]}])


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


class ResearchCreate(Strict):
    """A company to research."""

    company: CompanyName = Field(description="A name, a ticker or a CIK.", examples=["AAPL"])
    peers: list[CompanyName] = Field(
        [], max_length=MAX_PEERS, description="Compare with these; empty: by industry.", examples=[["MSFT", 1652044]]
    )
    as_of: dt.date | None = Field(None, description="Use nothing filed after this day; today, if not given.")
    source: Literal["auto", "bundled", "imported", "live"] = "auto"

    @field_validator("as_of", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        return value if value is None else day(value if isinstance(value, str) else "")


class Run(BaseModel):
    """A run: the seed's seven keys, then what is known beyond them."""

    id: int
    company: str
    researcher: str
    date: datetime
    duration_mins: float
    status: Status
    insights: int
    origin: str = Field(description="Who made it: api (a program), research (built in), schedule, seed.")
    created_by: str | None
    started_at: datetime | None
    finished_at: datetime | None
    ticker: str | None
    source: str | None
    as_of: str | None
    gaps: int
    error_kind: str | None
    error_message: str | None
    parent_run_id: int | None


class Detail(BaseModel):
    """A step of a run."""

    id: int
    research_run_id: int
    step_name: str
    start_time: datetime | None
    end_time: datetime | None
    status: StepStatus
    position: int
    attempt: int
    message: str | None
    progress: float


class Result(BaseModel):
    """A result of a run."""

    id: int
    research_run_id: int
    result_type: str
    result_data: Any
    created_at: datetime


class ProgressStep(BaseModel):
    """A step of a run under way."""

    position: int
    step_name: str
    status: StepStatus
    progress: float = Field(description="0 to 1 within the step.")
    message: str | None
    start_time: datetime | None
    end_time: datetime | None
    usual_seconds: float | None = Field(description="The median of past runs.")


class Progress(BaseModel):
    """How far a run is. Ask again after Retry-After seconds, with If-None-Match; without Retry-After it has ended."""

    id: int
    company: str
    status: Status
    progress: float = Field(description="0 to 1 of the whole run.")
    step: str | None = Field(description="The step at work, or the one that failed.")
    steps: list[ProgressStep]
    started_at: datetime | None
    finished_at: datetime | None
    queue_position: int | None = Field(description="1: next. None: it does not wait.")
    worker_alive: bool = Field(description="False: nobody works; start one with “flask worker”.")
    error_kind: str | None
    error_message: str | None


class CompanyFound(BaseModel):
    """A company that fits what was asked for."""

    cik: int | None
    name: str
    ticker: str | None
    figures: bool = Field(description="True: its figures are here.")
    years: int = Field(description="Fiscal years with figures here.")


class CompanyList(BaseModel):
    """The parameters of a search for companies."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=COMPANY_LENGTH, description="A part of a name, a ticker or a CIK.")
    limit: int = Field(8, ge=1, le=50)


class RunList(BaseModel):
    """The parameters of a list of runs: the same names as on the page, and skip and limit."""

    model_config = ConfigDict(extra="forbid")

    skip: int = Field(0, ge=0, le=MAX_SKIP, description="How many to leave out at the beginning.")
    limit: int = Field(LIMIT, ge=1, le=MAX_LIMIT, description="How many to answer at most.")
    company: str = Field("", max_length=200, description="The company holds this text, whatever the case.")
    researcher: str = Field("", max_length=200, description="The researcher holds this text.")
    status: str = Field("", max_length=200, description="A status, or several with commas.")
    start: str = Field("", description="The first day, 2026-03-02 (UTC).")
    end: str = Field("", description="The last day, included.")
    q: str = Field("", max_length=500, description="Each word stands in company, ticker or researcher.")
    sort: str = Field(NEWEST_FIRST, description="A column; - before it: the largest first.")
    col_id: str = Field("", max_length=200)
    col_date: str = Field("", max_length=200)
    col_company: str = Field("", max_length=200)
    col_researcher: str = Field("", max_length=200)
    col_duration: str = Field("", max_length=200)
    col_status: str = Field("", max_length=200)
    col_insights: str = Field("", max_length=200)

    def filters(self) -> list[tuple[str, str]]:
        """What was set of the filter, as pairs."""
        return [
            (name, str(getattr(self, name)))
            for name in type(self).model_fields
            if name in self.model_fields_set and name not in ("skip", "limit")
        ]


assert set(COLUMNS) <= set(RunList.model_fields)  # noqa: S101  # the page's filters are the API's
