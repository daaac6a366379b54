"""A run as its page shows it: how far, which step, how long still. Values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from research_dashboard.models import ENDED, Origin, ResearchDetail, ResearchRun, Status, StepStatus
from research_dashboard.research.steps import STEPS
from research_dashboard.timeline import Bar

SLOW_FACTOR, SLOW_SECONDS = 2, 1.0  # slower than usual: over twice the usual time, and by more than a second

# What a step does, said while it waits.
PURPOSES: Mapping[str, str] = dict(
    zip(
        STEPS,
        (
            "Finds the company, fixes the data it will use, chooses peers.",
            "Reads its profile, filings and filed facts, and those of its peers.",
            "Five fiscal years of profit, cash, debt and returns.",
            "Rank, share and percentiles among its peers.",
            "Strengths, weaknesses and what to look at, by declared rules.",
        ),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its state as the style sheet knows it, the state in a word, what it says, seconds taken and usual."""

    position: int
    name: str
    state: str  # waiting, running, slow, done, failed
    word: str
    says: str
    seconds: float | None
    usual: float | None
    progress: float
    attempt: int = 1
    start: datetime | None = None
    slow: bool = False  # it takes or took longer than usual


@dataclass(frozen=True, slots=True)
class Progress:
    """A run under way: steps, percent done, seconds since it began, about how many are left (None: unknown)."""

    steps: tuple[Step, ...]
    done: int
    percent: int
    elapsed: float | None
    left: float | None

    @property
    def current(self) -> Step | None:
        """The step at work, or the one that failed."""
        return next((step for step in self.steps if step.state in ("running", "slow", "failed")), None)


def is_ours(run: ResearchRun) -> bool:
    """True for the built-in research; False for what a program logged."""
    return run.origin in (Origin.RESEARCH, Origin.SCHEDULE)


def progress(run: ResearchRun, usual: Mapping[str, float], now: datetime) -> Progress:
    """How far the run is. Steps that are not recorded yet wait; the built-in research has five."""
    ended, halted = run.status in ENDED, run.status == Status.INTERRUPTED
    if is_ours(run):
        recorded = {detail.position: detail for detail in run.details}
        steps = tuple(
            _step(n, name, recorded.get(n), usual.get(name), now, ended=ended, halted=halted)
            for n, name in enumerate(STEPS, 1)
        )
    else:
        steps = tuple(_step(n, d.step_name, d, None, now, ended=ended) for n, d in enumerate(run.details, 1))
    done = sum(step.state == "done" for step in steps)
    share = sum(1.0 if step.state == "done" else step.progress for step in steps) / (len(steps) or 1)
    percent = int(share * 100) if ended else min(99, int(share * 100))
    elapsed = None
    if run.started_at:
        elapsed = max(0.0, ((run.finished_at or now) - run.started_at).total_seconds())
    return Progress(steps, done, percent, elapsed, None if ended else _left(steps))


def _step(
    position: int,
    name: str,
    detail: ResearchDetail | None,
    usual: float | None,
    now: datetime,
    *,
    ended: bool,
    halted: bool = False,
) -> Step:
    status = StepStatus(detail.status) if detail else StepStatus.PENDING
    seconds = None
    open_until = None if ended or halted else now  # how long somebody was at what was left open nobody knows
    end = detail.end_time or open_until if detail else None
    if detail and detail.start_time and end and status != StepStatus.PENDING:
        seconds = max(0.0, (end - detail.start_time).total_seconds())
    state, word = {
        StepStatus.PENDING: ("waiting", "Not started" if ended else "Waiting"),
        StepStatus.RUNNING: ("running", "Running"),
        StepStatus.COMPLETED: ("done", "Done"),
        StepStatus.FAILED: ("failed", "Failed"),
        StepStatus.CANCELLED: ("waiting", "Cancelled"),
    }[status]
    if (ended or halted) and state == "running":
        state, word = "waiting", "Interrupted" if halted else "N/A"
    says = (detail.message if detail else None) or ("" if ended else PURPOSES.get(name, ""))
    slow = bool(usual and seconds and seconds > max(SLOW_FACTOR * usual, usual + SLOW_SECONDS))
    if state == "running" and slow:
        state, word = "slow", "Running, slower than usual"
    return Step(
        position=position,
        name=name,
        state=state,
        word=word,
        says=says,
        seconds=seconds,
        usual=usual,
        progress=detail.progress if detail and state in ("running", "slow") else 0.0,
        attempt=detail.attempt if detail else 1,
        start=detail.start_time if detail and seconds is not None else None,
        slow=slow,
    )


def bars(shown: Progress, started_at: datetime | None) -> list[Bar]:
    """The steps as the timeline draws them."""
    found = []
    for step in shown.steps:
        start = (step.start - started_at).total_seconds() if step.start and started_at else None
        end = None if start is None or step.seconds is None else start + step.seconds
        found.append(
            Bar(step.name, "slow" if step.slow and step.state == "done" else step.state, start, end, step.usual)
        )
    return found


def _left(steps: tuple[Step, ...]) -> float | None:
    """About how many seconds are left, by the usual times; None when one of them is not known."""
    left = 0.0
    for step in steps:
        if step.state == "done":
            continue
        if step.usual is None:
            return None
        left += max(0.0, step.usual - (step.seconds or 0.0))
    return left


class Going(Protocol):
    """What a run's age and state are read from: the run, or a row of it."""

    @property
    def status(self) -> Any: ...
    @property
    def started_at(self) -> Any: ...
    @property
    def date(self) -> Any: ...


def poll_after(run: Going, now: datetime) -> str | None:
    """How long a page waits before it asks again, longer the longer the run takes; None when it is over."""
    if run.status in ENDED:
        return None
    age = (now - (run.started_at or run.date)).total_seconds()
    if run.status == Status.INTERRUPTED or age > 15:
        return "2s"
    return "250ms" if age < 3 else "1s"
