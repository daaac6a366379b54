"""The five steps themselves: each glues the parts of research/ together and says in a sentence what it found."""

from collections.abc import Callable

from research_dashboard.research.steps import CannotResearch, Data, Outcome, Progress, Request
from research_dashboard.research.wording import long_date


def perform(position: int, request: Request, data: Data, progress: Progress) -> Outcome:
    """Do one step (1 to 5). It may be done twice without harm: it depends on nothing but the request and the data.

    Raises CannotResearch.
    """
    return _STEPS[position - 1](request, data, progress)


def initialize(request: Request, data: Data, progress: Progress) -> Outcome:
    """Step 1: the company is settled, its data pinned, its peers chosen."""
    company = request.company
    cik = f", CIK {company.cik:010}" if company.cik else ""
    return Outcome(f"{company.name}{cik}. Data as of {long_date(request.as_of)}.")


def gather(request: Request, data: Data, progress: Progress) -> Outcome:
    """Step 2: the facts of the company and its peers."""
    facts = data.facts(request.company)
    if not facts:
        raise CannotResearch(
            "no_facts",
            f"There are no filed figures of {request.company.name} in the {request.source} data.",
            "Turn on live SEC data or choose another company.",
        )
    filings = {fact.filing.accession for fact in facts}
    return Outcome(f"1 company, {len(filings):,} filings, {len(facts):,} facts.")


_STEPS: tuple[Callable[[Request, Data, Progress], Outcome], ...] = (initialize, gather)
