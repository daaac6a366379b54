"""Which runs a comparison is of: runs by number, companies by their newest completed run."""

import re
from collections.abc import Sequence
from http import HTTPStatus

from sqlalchemy.orm import Session

from research_dashboard.models import ResearchRun, Status
from research_dashboard.queries.changes import COMPARED
from research_dashboard.queries.compare import runs_by_id
from research_dashboard.queries.reports import newest_completed, results_by_type
from research_dashboard.reports.build import is_report
from research_dashboard.reports.comparison import FEWEST, MOST, Comparison, compare
from research_dashboard.reports.model import RunFacts
from research_dashboard.services.companies import CompanyError, resolve

LARGEST = 2**63 - 1
READ = (*COMPARED, "gaps")


class CannotCompare(Exception):
    """These cannot be set side by side; the text says why, `field` what is at fault, `status` of which kind it is."""

    def __init__(self, message: str, field: str = "run", status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__(message)
        self.field, self.status = field, status


class TooFew(CannotCompare):
    """Fewer runs than a comparison needs; `again`: one was given more than once."""

    def __init__(self, found: int, *, again: bool) -> None:
        same = " (the same one was given twice)" if again else ""
        super().__init__(f"{_number_of(found)} given{same}; a comparison needs {FEWEST} to {MOST}.")
        self.again = again


def chosen(session: Session, runs: Sequence[str], companies: Sequence[str]) -> list[ResearchRun]:
    """The runs that are meant, each once, in the order given: runs first, then companies. Raises CannotCompare."""
    numbers = [_number(text) for text in runs if text.strip()]
    names = [text.strip() for text in companies if text.strip()]
    if len(set(numbers)) + len(names) > MOST:
        raise CannotCompare(f"{len(set(numbers)) + len(names)} were given; at most {MOST} are set side by side.")
    found = runs_by_id(session, numbers)
    wanted = [_usable(number, found.get(number)) for number in dict.fromkeys(numbers)]
    wanted += [_newest(session, name) for name in names]
    return list({run.id: run for run in wanted}.values())


def compared(
    session: Session, runs: Sequence[str], companies: Sequence[str], *, every: bool = False, differences: bool = False
) -> Comparison:
    """Two to ten runs or companies side by side. Raises CannotCompare, TooFew where not two are given."""
    wanted = chosen(session, runs, companies)
    if len(wanted) < FEWEST:
        raise TooFew(len(wanted), again=sum(bool(text.strip()) for text in (*runs, *companies)) > 1)
    read = [(_facts(run), results_by_type(session, run.id, READ)) for run in wanted]
    for run, results in read:
        if not is_report(results):
            raise CannotCompare(
                f"Run #{run.id} holds no figures of the built-in research, so there is nothing to set beside others.",
                status=HTTPStatus.CONFLICT,
            )
    return compare(read, every=every, differences=differences)


def _number_of(runs: int) -> str:
    return {0: "No run is", 1: "One run is"}[runs]


def _facts(run: ResearchRun) -> RunFacts:
    names = ("id", "company", "researcher", "date", "as_of", "source", "ticker", "rules_version", "data_version")
    return RunFacts(**{name: getattr(run, name) for name in names})


def _number(text: str) -> int:
    if not re.fullmatch(r"\s*#?[0-9]{1,19}\s*", text, re.ASCII) or not 1 <= int(text.strip().lstrip("#")) <= LARGEST:
        raise CannotCompare(f"“{text[:30]}” is not the number of a run: give whole numbers, as run=12&run=17.")
    return int(text.strip().lstrip("#"))


def _usable(number: int, run: ResearchRun | None) -> ResearchRun:
    """The run, if it is there and has ended well. Raises CannotCompare."""
    if run is None:
        raise CannotCompare(f"There is no run #{number}.", status=HTTPStatus.NOT_FOUND)
    if run.deleted_at is not None:
        raise CannotCompare(f"Run #{number} is in the trash: restore it first.", status=HTTPStatus.NOT_FOUND)
    if run.status != Status.COMPLETED:
        raise CannotCompare(
            f"Run #{number} is {run.status}; only completed runs have figures to compare.", status=HTTPStatus.CONFLICT
        )
    return run


def _newest(session: Session, name: str) -> ResearchRun:
    """The newest completed run of the company. Raises CannotCompare."""
    try:
        company = resolve(name, need_figures=False)
    except CompanyError as error:
        raise CannotCompare(str(error), "company", HTTPStatus.NOT_FOUND) from None
    run = newest_completed(session, company.id)
    if run is None:
        raise CannotCompare(
            f"{company.name} has no completed run yet: research it first.", "company", HTTPStatus.CONFLICT
        )
    return run
