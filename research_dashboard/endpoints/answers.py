"""The shapes of what the API answers. They describe; what stands in the database is encoded without them."""

import datetime as dt
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from research_dashboard.endpoints.shapes import without_defaults
from research_dashboard.models import Status, StepStatus


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
    as_of: dt.date | None
    gaps: int = Field(
        description="Missing values, each of a figure in a fiscal year; its report lists them by figure, so fewer."
    )
    error_kind: str | None
    error_message: str | None
    parent_run_id: int | None
    title: str | None
    pinned: bool
    sic: int | None = Field(description="The filer's industry.")
    tags: list[str]


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


def _parts_of_a_run() -> Any:
    """A run of which the caller chose the keys: every key may be left out."""
    keys = {
        name: (field.annotation, Field(None, description=field.description)) for name, field in Run.model_fields.items()
    }
    parts: dict[str, Any] = {"details": (list[Detail], None), "results": (list[Result], None)}
    told = "A run: whole, or the keys and parts that were asked for."
    config = ConfigDict(json_schema_extra=without_defaults)
    return create_model("RunParts", __doc__=told, __config__=config, **(keys | parts))


RunParts = _parts_of_a_run()


class Against(BaseModel):
    """The run that was compared with, as it was then."""

    id: int
    date: datetime
    as_of: dt.date | None


class Changes(BaseModel):
    """What a run found changed since its company's last completed run, as it was told when it ended."""

    run_id: int
    against: Against | None = Field(description="None: the company's first run, or one that has not been completed.")
    against_id: int | None = Field(description="Where that run is; None when it was deleted for good since.")
    nothing: bool = Field(description="True when a later day of the data is all that changed.")
    same_rules: bool = Field(description="False: the rules changed, so ratios and findings were not compared.")
    filings: list[dict[str, Any]] = Field(description="Filings that the earlier run did not know.")
    changes: list[dict[str, Any]] = Field(
        description="By kind: new_period, restated, split, ratio, finding_new, finding_gone …, each with its text."
    )
    small: list[dict[str, Any]] = Field(description="Changes below the thresholds.")
    refiled: int = Field(description="Figures that stand in a newer filing with the same value.")


class FieldError(BaseModel):
    """One thing that is wrong with the input."""

    field: str
    detail: str


class BulkOutcome(BaseModel):
    """What became of one run that was sent in bulk."""

    index: int
    status: int = Field(description="201: stored.")
    id: int | None = None
    errors: list[FieldError] | None = None


class BulkAnswer(BaseModel):
    """What became of runs that were sent in bulk."""

    created: int
    refused: int
    items: list[BulkOutcome]


class BulkCount(BaseModel):
    """How many runs it would be about: nothing was done."""

    action: str
    count: int
    mark: str = Field(description="Send it with the count: then it is these runs or nothing.")


class BulkJob(BaseModel):
    """What is being done to many runs, and how far it is."""

    id: int
    action: str
    tag: str | None
    state: str = Field(description="Waiting, Working, Done or Failed. Ask again after Retry-After seconds until then.")
    total: int = Field(description="The runs that were confirmed.")
    place: int = Field(description="So many of them have been dealt with.")
    done: int = Field(description="To so many it was done.")
    skipped: dict[str, int] = Field(description="Why others were left as they are, and how many.")
    said: str = Field(description="The same in sentences.")
    asked_by: str
    created_at: datetime
    finished_at: datetime | None


class ProblemDocument(BaseModel):
    """An error (RFC 9457). A type may bring members of its own: nearest, choices."""

    type: str = Field(description="The address of the type's description.")
    title: str
    status: int
    detail: str
    request_id: str | None = Field(None, description="The request's number, as in the log and in X-Request-ID.")
    errors: list[FieldError] | None = None


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
    former: str | None = Field(description="The old name that fits, where the present one does not.")


class UploadDone(BaseModel):
    """What an upload brought; `new` is false for a file that was here already."""

    companies: list[str]
    figures: int
    new: bool
