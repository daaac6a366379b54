"""Many runs at once: a pasted list of companies, all failed runs of a filter."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from research_dashboard.services.companies import CompanyError
from research_dashboard.services.runs import RunError, Started, resume

MOST_LINES = 500


class BatchError(RunError):
    """The list as a whole cannot be used."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a pasted list: the run that it started or found, or what is wrong with it."""

    number: int
    text: str
    started: Started | None = None
    error: str | None = None


def start_batch(
    text: str,
    start: Callable[[str], Started],
    refusals: tuple[type[Exception], ...] = (RunError, CompanyError),
) -> Sequence[Line]:
    """Ask for research of every company in a pasted list (lines, commas or semicolons); each is checked by itself.

    `start` is start_research with the rest settled, `refusals` what it raises for a company it does not take. A name
    that stands twice is asked for once. Raises BatchError for an empty list and for more than 500 names.
    """
    names = [name.strip() for name in text.replace(",", "\n").replace(";", "\n").splitlines()]
    wanted = list(dict.fromkeys(name for name in names if name))
    if not wanted:
        raise BatchError("The list is empty: give one company, ticker or CIK a line.")
    if len(wanted) > MOST_LINES:
        raise BatchError(f"The list has {len(wanted):,} companies: give at most {MOST_LINES} at a time.")
    lines = []
    for number, name in enumerate(wanted, 1):
        try:
            lines.append(Line(number, name, started=start(name)))
        except refusals as error:
            lines.append(Line(number, name, error=str(error)))
    return lines


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of each run that was to go on."""

    resumed: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]


def retry_all(run_ids: Iterable[int]) -> Retried:
    """Put every one of these runs in the queue again, from its failed step; one that cannot go on hinders no other."""
    resumed, refused = [], []
    for run_id in run_ids:
        try:
            resume(run_id)
            resumed.append(run_id)
        except RunError as error:
            refused.append((run_id, str(error)))
    return Retried(tuple(resumed), tuple(refused))
