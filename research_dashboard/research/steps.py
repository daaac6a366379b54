"""The five steps of a run, in order, and what each one gives back. Pure: whoever calls brings the data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from research_dashboard.research.crowd import Size
from research_dashboard.research.model import Company, Fact

STEPS = (
    "Initializing research workflow",
    "Gathering market data",
    "Analyzing financial performance",
    "Conducting competitive analysis",
    "Generating insights",
)

# The eight result types, in the order they are stored; the number is the step that makes them.
RESULT_TYPES: Mapping[str, int] = {
    "company_profile": 2,
    "financial_health": 3,
    "market_position": 4,
    "peer_comparison": 4,
    "swot_analysis": 5,
    "insights": 5,
    "gaps": 5,
    "manifest": 5,
}


class CannotResearch(Exception):
    """A step cannot go on: `kind` is a short name for the record, `message` the cause, `cure` what to do."""

    def __init__(self, kind: str, message: str, cure: str) -> None:
        super().__init__(f"{message} {cure}")
        self.kind, self.message, self.cure = kind, message, cure


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, pinned: the same request on the same data gives the same bytes of results."""

    run_id: int
    company: Company
    as_of: date  # nothing filed after this day is used
    source: str  # bundled, imported, live, uploaded
    chosen_peers: tuple[int, ...] = ()  # company ids; empty: by industry
    data: tuple[Mapping[str, Any], ...] = ()  # the loads used: source, name, version, sha256
    code_version: str = ""


class Data(Protocol):
    """What a step may ask for. The worker answers from the database, fetching before when the source is live."""

    def facts(self, company: Company) -> Sequence[Fact]:
        """Every fact of the company in the run's source, as pinned; the as-of date is applied by research itself."""

    def candidates(self) -> Sequence[Company]:
        """Every other company with facts in the run's source: the peers are chosen among them."""

    def sizes(self, companies: Sequence[Company], currency: str) -> Mapping[int, Size]:
        """The size of each by the as-of date, by id, of those that report in the currency: asked of a crowd alone."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step gives back: results by type, a sentence for people, and counts for the run's row."""

    message: str
    results: Mapping[str, Any] = field(default_factory=dict)
    insights: int | None = None
    gaps: int | None = None


Progress = Callable[[float, str], None]  # part of the step done (0 to 1), what it is doing
