"""Between the worker and research/: a run's row becomes a Request, the database answers as Data."""

from collections.abc import Sequence
from importlib.metadata import version

from research_dashboard.extensions import reading
from research_dashboard.queries.companies import companies_with_facts, company_by_id, facts_of
from research_dashboard.research import model
from research_dashboard.research.steps import CannotResearch, Request
from research_dashboard.tables.runs import ResearchRun, Source


class Stored:
    """The facts that the database holds, of one source."""

    def __init__(self, source: str) -> None:
        self.source = Source(source)

    def facts(self, company: model.Company) -> Sequence[model.Fact]:
        """Every fact of the company in this source."""
        return facts_of(company.id, self.source)

    def candidates(self) -> Sequence[model.Company]:
        """Every company with facts in this source."""
        return companies_with_facts(self.source)


def material(run_id: int) -> tuple[Request, Stored]:
    """What the steps of this run work on: the same on every claim. Raises CannotResearch."""
    with reading() as session:
        run = session.get_one(ResearchRun, run_id)
    company = None if run.company_id is None else company_by_id(run.company_id)
    if company is None:
        raise CannotResearch("no_company", f"{run.company} is no longer loaded.", "Load it, then run it again.")
    source = run.source or Source.BUNDLED.value
    request = Request(
        run_id=run.id,
        company=company,
        as_of=run.as_of or run.date.date(),
        source=source,
        chosen_peers=tuple((run.options or {}).get("peers", ())),
        data=tuple(run.loads or ()),
        code_version=version("research-dashboard"),
    )
    return request, Stored(source)
