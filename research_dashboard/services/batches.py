"""Many companies at once: a pasted list, each line checked before anything is started; all failed runs of a filter."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from research_dashboard.queries.directory import Entry
from research_dashboard.research.model import Company
from research_dashboard.services.companies import AmbiguousCompany, CompanyError, resolve
from research_dashboard.services.runs import RunError, Started, resume

MOST_COMPANIES = 500
MOST_CHARACTERS = 100_000


class BatchError(RunError):
    """The list as a whole cannot be used."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a pasted list: the company it means, or what is wrong with it and what could be meant.

    `twice` is the number of the line where the same company stood before: it is asked for once.
    """

    number: int
    text: str
    company: Company | None = None
    error: str | None = None
    choices: tuple[Entry, ...] = ()
    twice: int | None = None


def check_list(text: str, *, need_figures: bool = True) -> Sequence[Line]:
    """What each entry of a pasted list means: a line each, or several on a line between commas, semicolons or tabs.

    Nothing is started or stored. Raises BatchError for an empty list, and for one with more than 500 entries.
    """
    if len(text) > MOST_CHARACTERS:
        raise BatchError(f"The list has {len(text):,} characters: give at most {MOST_CHARACTERS:,}.", "companies")
    found: list[Line] = []
    first: dict[int, int] = {}
    for number, entry in _entries(text, need_figures=need_figures):
        if len(found) >= MOST_COMPANIES:
            raise BatchError(f"The list is too long: give at most {MOST_COMPANIES} companies at a time.", "companies")
        try:
            company = resolve(entry, need_figures=need_figures)
            found.append(Line(number, entry, company, twice=first.get(company.id)))
            first.setdefault(company.id, number)
        except CompanyError as error:
            found.append(Line(number, entry, error=error.message, choices=error.choices))
    if not found:
        raise BatchError("The list is empty: give one company, ticker or CIK a line.", "companies")
    return found


def _entries(text: str, *, need_figures: bool) -> Iterator[tuple[int, str]]:
    """The entries with the numbers of their lines. A comma parts them only where the whole line is no company's name
    (“NIKE, Inc.” is one)."""
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip().strip(",;").strip()
        if not entry:
            continue
        parts = [part for each in re.split(r"[,;\t]", entry) if (part := each.strip())]
        if len(parts) == 1 or _is_company(entry, need_figures=need_figures):
            yield number, entry
        else:
            yield from ((number, part) for part in parts)


def _is_company(text: str, *, need_figures: bool) -> bool:
    try:
        resolve(text, need_figures=need_figures)
    except AmbiguousCompany:
        return True
    except CompanyError:
        return False
    return True


def companies_of(lines: Iterable[Line]) -> list[Company]:
    """The companies of the good lines, each once, in order."""
    return [line.company for line in lines if line.company is not None and line.twice is None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of a list: the runs that answer it, and those that could not be started."""

    started: tuple[Started, ...]
    refused: tuple[tuple[Company, str], ...]


def start_all(companies: Iterable[Company], start: Callable[[Company], Started]) -> Batch:
    """Ask for research of every company; one that cannot be started hinders no other."""
    started, refused = [], []
    for company in companies:
        try:
            started.append(start(company))
        except (RunError, CompanyError) as error:
            refused.append((company, str(error)))
    return Batch(tuple(started), tuple(refused))


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
