"""The shapes of what the API is sent; what is not declared is refused."""

import datetime as dt
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from research_dashboard.base import utcnow
from research_dashboard.endpoints.kinds import (
    LIMIT,
    MAX_ID,
    MAX_LIMIT,
    MAX_PEERS,
    MAX_SKIP,
    Company,
    CompanyName,
    Count,
    Message,
    Minutes,
    Moment,
    Name,
    Researcher,
    ResultData,
    RunId,
    number,
)
from research_dashboard.extensions import to_json
from research_dashboard.models import Status, StepStatus
from research_dashboard.queries.filter_text import MOST_CHARACTERS
from research_dashboard.queries.records import RUN_KEYS
from research_dashboard.queries.run_fields import day
from research_dashboard.queries.run_filter import FILTERS, NEWEST_FIRST, OTHER_NAMES, SORTS
from research_dashboard.services import records
from research_dashboard.sources.uploaded import MOST_BYTES
from research_dashboard.tables.bulk import ACTIONS
from research_dashboard.tables.runs import COMPANY_LENGTH

PARTS = ("details", "results")
A_DAY = dt.timedelta(days=1)  # what clocks and time zones may differ by


def one_or_more(words: Iterable[str]) -> str:
    """The pattern of one or more of the words, with commas; or of nothing."""
    word = f"({'|'.join(words)})"
    return f"^({word}(,{word})*)?$"


def among(words: Sequence[str]) -> AfterValidator:
    """Check such a text, and say which of its words is none."""

    def check(text: str) -> str:
        if text and (unknown := [each for each in text.split(",") if each not in words]):
            raise ValueError(f"“{unknown[0][:80]}” is none of {', '.join(words)}")
        return text

    return AfterValidator(check)


def described(pattern: str) -> Any:
    """A pattern that stands in the contract; what it does not fit is refused elsewhere, in plain words."""
    return Field(json_schema_extra={"pattern": pattern})


Keys = Annotated[str, described(one_or_more(RUN_KEYS)), among(RUN_KEYS)]
PartNames = Annotated[str, described(one_or_more(PARTS)), among(PARTS)]
Day = Annotated[str, described(r"^(\d{4}-\d{2}-\d{2})?$")]
Order = Annotated[str, described(f"^(-?({'|'.join(SORTS)}))?$")]


def end_after_start(end: datetime | None, info: ValidationInfo) -> datetime | None:
    """Check the end of a step."""
    start = info.data.get("start_time")
    if end is not None and start is not None and end < start:
        raise ValueError("It is before start_time")
    return end


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
    date: Moment | None = Field(None, description="When it was asked for; now, if not given. At most a day ahead.")

    @field_validator("date")
    @classmethod
    def _not_to_come(cls, value: datetime | None) -> datetime | None:
        if value is not None and value > utcnow() + A_DAY:
            raise ValueError("It lies in the future: a run is logged when it was asked for, or later")
        return value


def without_defaults(schema: dict[str, Any]) -> None:
    """What is left out has no value then: the defaults of the code are not the contract's."""
    for field in schema["properties"].values():
        field.pop("default", None)


def _of_a_change(schema: dict[str, Any]) -> None:
    without_defaults(schema)
    schema |= {"minProperties": 1, "examples": [{"status": "Completed"}]}


class Change(Strict):
    """A change: at least one field, and only those that change."""

    model_config = ConfigDict(json_schema_extra=_of_a_change)

    @model_validator(mode="after")
    def _something(self) -> "Change":
        if not self.model_fields_set:
            raise ValueError("Nothing is to be changed: name at least one field")
        return self

    def changes(self) -> dict[str, Any]:
        """What was sent, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class RunChange(Change):
    """What a program changes of its own run."""

    company: Company = ""
    researcher: Researcher = ""
    duration_mins: Minutes = 0
    status: Status = Status.RUNNING
    insights: Count = 0
    error_kind: Name | None = Field(None, description="What kind of error ended it, in a word to filter by.")
    error_message: Message | None = None


class DetailChange(Change):
    """What a program changes of a step of its own run."""

    end_time: Moment | None = None
    status: StepStatus = StepStatus.RUNNING
    message: Message | None = None
    progress: Annotated[float, Field(ge=0, le=1), BeforeValidator(number)] = 0


class DetailCreate(Strict):
    """A step of a run (P10)."""

    research_run_id: RunId = Field(examples=[1])
    step_name: Name = Field(examples=["Gathering market data"])
    start_time: Moment = Field(examples=["2026-03-02T11:42:00Z"])
    end_time: Moment | None = Field(None, examples=["2026-03-02T11:43:30Z"])
    status: StepStatus = Field(examples=["Completed"])
    message: Message | None = Field(None, description="What the step says of itself.")

    _ends = field_validator("end_time", mode="after")(end_after_start)


class ResultCreate(Strict):
    """A result of a run (P12)."""

    research_run_id: RunId = Field(examples=[1])
    result_type: Name = Field(examples=["market_position"])
    result_data: ResultData = Field(examples=[{"market_share": 35.1, "competitors": ["Bolt", "Cog"]}])


class ResearchCreate(Strict):
    """A company to research."""

    company: CompanyName = Field(description="A name, a ticker or a CIK.", examples=["AAPL"])
    peers: list[CompanyName] = Field(
        [], max_length=MAX_PEERS, description="Compare with these; empty: by industry.", examples=[["MSFT", 1652044]]
    )
    as_of: dt.date | None = Field(None, description="Use nothing filed after this day; today, if not given.")
    source: Literal["auto", "bundled", "imported", "live", "uploaded"] = "auto"

    @field_validator("as_of", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        return value if value is None else day(value if isinstance(value, str) else "")


class ReportQuery(BaseModel):
    """The format of a report."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["html", "pdf", "md", "xlsx", "csv", "json", "zip"] = Field("html", description="The file's kind.")


class BulkDetail(Strict):
    """A step of a run that is sent with it."""

    step_name: Name
    start_time: Moment
    end_time: Moment | None = None
    status: StepStatus
    message: Message | None = None

    _ends = field_validator("end_time", mode="after")(end_after_start)


class BulkResult(Strict):
    """A result of a run that is sent with it."""

    result_type: Name
    result_data: ResultData


class BulkRun(RunCreate):
    """A run with its steps and results."""

    details: list[BulkDetail] = Field([], max_length=1000)
    results: list[BulkResult] = Field([], max_length=1000)

    @field_validator("results")
    @classmethod
    def _not_too_much(cls, results: list[BulkResult]) -> list[BulkResult]:
        if sum(len(to_json(result.result_data)) for result in results) > records.MOST_RESULT_CHARACTERS:
            raise ValueError(f"They have more than {records.MOST_RESULT_CHARACTERS:,} characters in all")
        return results


class BulkQuery(BaseModel):
    """The parameter of a request in bulk."""

    model_config = ConfigDict(extra="forbid")

    atomic: Literal["true", "false"] = Field("true", description="true: all or none; false: the good ones.")


class BulkStart(Strict):
    """One thing to be done to every run that a filter text finds."""

    action: Literal["tag", "untag", "trash", "restore", "purge", "rerun", "retry", "cancel"] = Field(
        description="trash: it can be restored. restore and purge: of what lies in the trash; purge deletes for good "
        "and is the admins'. rerun: ask for each anew. retry: failed ones go on from the step that failed."
    )
    filter: str = Field(
        "",
        max_length=MOST_CHARACTERS,
        description="The filter text, as q of the list.",
        examples=["status:failed AND duration>2"],
    )
    all: bool = Field(
        False, description="Instead of a filter: every run there is (for restore and purge: that lies in the trash)."
    )
    tag: str = Field("", max_length=200, description="For tag and untag: its name.")
    days: Annotated[int, Field(ge=0, le=36_500), BeforeValidator(number)] = Field(
        0, description="For restore and purge: those in the trash for that many days."
    )
    count: Annotated[int, Field(ge=0, le=MAX_ID), BeforeValidator(number)] | None = Field(
        None,
        description="How many runs you mean: with any other number nothing is done (409). Without it nothing is done, "
        "and the answer says how many there are.",
    )
    mark: str = Field("", max_length=64, description="The mark that came with the count: these runs and no others.")


assert set(BulkStart.model_fields["action"].annotation.__args__) == set(ACTIONS)  # type: ignore[union-attr]  # noqa: S101  # at import


class UploadCreate(Strict):
    """A private company's figures."""

    csv: str = Field(
        min_length=1,
        max_length=MOST_BYTES,
        description="The whole file; /companies/upload/template.csv on this server is one to start from.",
        examples=[
            "company name,concept,period start,period end,value,unit\n"
            "Acme Private,revenue,2025-01-01,2025-12-31,1200000,USD\n"
        ],
    )


class CompanyQuery(BaseModel):
    """The parameters of a search for companies."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=COMPANY_LENGTH, description="A part of a name, a ticker or a CIK.")
    limit: int = Field(8, ge=1, le=50, description="How many to answer at most.")


class Parts(BaseModel):
    """The parameters that choose what is answered of a run."""

    model_config = ConfigDict(extra="forbid")

    fields: Keys = Field("", description="Only these keys, with commas.")
    include: PartNames = Field("", description="details, results or both, with commas.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys to answer."""
        return tuple(dict.fromkeys(self.fields.split(","))) if self.fields else RUN_KEYS

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts to answer with the run."""
        return tuple(self.include.split(",")) if self.include else ()


def _box(column: str, takes: str) -> Any:
    return Field("", max_length=200, description=f"The box over the column {column}: {takes}.")


class RunQuery(Parts):
    """The parameters of a list of runs: the same names as on the page, with skip and limit or a cursor."""

    skip: int = Field(0, ge=0, le=MAX_SKIP, description="How many to leave out at the beginning.")
    limit: int = Field(LIMIT, ge=1, le=MAX_LIMIT, description="How many to answer at most.")
    cursor: str = Field(
        "",
        max_length=1000,
        description="Instead of skip: * at first, then as rel=next says. Quick however far, steady while runs come in; "
        "the total is not counted.",
    )
    company: str = Field("", max_length=200, description="The company holds this text, whatever the case.")
    researcher: str = Field("", max_length=200, description="The researcher holds this text.")
    status: str = Field("", max_length=200, description="A status, or several with commas.", examples=["Completed"])
    start: Day = Field("", description="The first day, 2026-03-02 (UTC).")
    end: Day = Field("", description="The last day, included.")
    ticker: str = Field("", max_length=200, description="A ticker of the filer.", examples=["AAPL"])
    sic: str = Field("", max_length=200, description="Its industry: 3571, or a group of them: 35.")
    duration: str = Field("", max_length=200, description="Minutes, such as > 2, 0.5 or 2..5.")
    findings: str = Field("", max_length=200, description="How many insights, such as > 5; insights is the same.")
    gaps: str = Field("", max_length=200, description="Missing values, each of a figure in a fiscal year, such as > 0.")
    source: str = Field("", max_length=200, description="bundled, imported, live, uploaded or none.")
    tag: str = Field("", max_length=200, description="It stands under this tag.")
    error: str = Field("", max_length=200, description="The kind of error holds this; error_kind is the same.")
    q: str = Field(
        "",
        description=f"A filter text of up to {MOST_CHARACTERS:,} characters: words, or fields joined by AND, OR, NOT "
        "and parentheses. A mistake is pointed at by its position.",
        examples=['status:failed AND company:"general electric" AND duration>2'],
    )
    sort: Order = Field(NEWEST_FIRST, description="A column; - before it: the largest first.")
    col_id: str = _box("ID", "12, > 5 or 2..5")
    col_date: str = _box("Date", "a day, a month or a span (UTC), 2026-03 or 2026-01-01..2026-01-31")
    col_company: str = _box("Company", "it holds this text; = and != ask for the whole")
    col_researcher: str = _box("Researcher", "it holds this text; = and != ask for the whole")
    col_duration: str = _box("Duration", "minutes, such as > 2 or 0.5..5")
    col_status: str = _box("Status", "Completed, or != Failed")
    col_insights: str = _box("Insights Generated", "5, > 5 or 2..5")
    col_ticker: str = _box("Ticker", "AAPL, or != AAPL")
    col_sic: str = _box("SIC", "3571, or its first digits")
    col_gaps: str = _box("Gaps", "> 0")
    col_source: str = _box("Source", "bundled, imported, live, uploaded or none; or != live")
    col_tag: str = _box("Tag", "it stands under this tag, or != tag: it does not")
    col_error: str = _box("Error", "the kind of error holds this")

    @model_validator(mode="before")
    @classmethod
    def _fields_names(cls, sent: Any) -> Any:
        return {OTHER_NAMES.get(name, name): value for name, value in sent.items()} if isinstance(sent, dict) else sent

    @field_validator("cursor", mode="after")
    @classmethod
    def _one_way(cls, cursor: str, info: ValidationInfo) -> str:
        if cursor and info.data.get("skip"):
            raise ValueError("Use skip or cursor, not both")
        return cursor

    def filters(self) -> list[tuple[str, str]]:
        """What was set of the filter, as pairs."""
        return [(name, getattr(self, name)) for name in (*FILTERS, "sort") if name in self.model_fields_set]


assert set(FILTERS) <= set(RunQuery.model_fields)  # noqa: S101  # the page's filters are the API's
