"""Between the worker and research/: a run's row becomes a Request, the database answers as Data."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.edition import code_version
from research_dashboard.extensions import reading
from research_dashboard.queries.companies import (
    companies_by_id,
    companies_with_facts,
    company_by_id,
    facts_of,
    flows_of,
)
from research_dashboard.research import model
from research_dashboard.research.crowd import SIZE_TAGS, Size, size_of
from research_dashboard.research.periods import YEAR_DAYS, days
from research_dashboard.research.steps import CannotResearch, Progress, Request
from research_dashboard.services.leases import Lease, pin
from research_dashboard.settings import Settings
from research_dashboard.sources.bundled import selections
from research_dashboard.tables.companies import DataLoad, Fact
from research_dashboard.tables.runs import ResearchRun, Source

MOST_WARMED = 40  # companies: what a run of the bundle may compare with, and some


class Stored:
    """The facts that the database holds of one source, from the loads that the run is pinned to."""

    def __init__(self, request: Request) -> None:
        self.source = _filed(request.source)
        self.loads = {load["id"] for load in request.data} or None
        self.chosen, self.as_of = request.chosen_peers, request.as_of

    def facts(self, company: model.Company) -> Sequence[model.Fact]:
        """Every fact of the company in this source and these loads; only a private company's are uploaded."""
        return facts_of(company.id, Source.UPLOADED if company.cik is None else self.source, self.loads)

    def candidates(self) -> Sequence[model.Company]:
        """Every company with facts in this source; and those chosen, so that it is said why one cannot be compared."""
        found = companies_with_facts(self.source, self.loads)
        there = {company.id for company in found}
        chosen = companies_by_id([id_ for id_ in self.chosen if id_ not in there])
        return [as_known(company, self.source) for company in (*found, *chosen)]

    def sizes(self, companies: Sequence[model.Company], currency: str) -> Mapping[int, Size]:
        """The revenue of each company's newest year filed by the as-of date, roughly: the largest of its tags."""
        return newest_sizes([company.id for company in companies], currency, self.source, self.as_of, self.loads)


def newest_sizes(
    ids: Sequence[int], currency: str, source: Source, as_of: date, loads: Collection[int] | None = None
) -> Mapping[int, Size]:
    """The revenue of each company's newest year filed by a day in one source, roughly: the largest of its tags."""
    years: dict[int, dict[date, dict[str, Decimal]]] = {}
    for id_, tag, start, end, value in flows_of(ids, SIZE_TAGS, currency, source=source, as_of=as_of, loads=loads):
        if days(start, end) in YEAR_DAYS:
            years.setdefault(id_, {}).setdefault(end, {})[tag] = value  # the newest filing's stands
    return {id_: Size(size_of(ends[max(ends)]), max(ends)) for id_, ends in years.items()}


def _filed(source: str) -> Source:
    """Where filed facts come from in a run: for a private company those of its peers, from the bundle."""
    return Source.BUNDLED if source == Source.UPLOADED else Source(source)


def as_known(company: model.Company, source: Source) -> model.Company:
    """The company as a source knows it: of some the bundle has some tags only; other sources are whole."""
    return replace(company, selection=True) if source == Source.BUNDLED and company.cik in selections() else company


def pinned(session: Session, source: str, companies: Iterable[int] = ()) -> tuple[tuple[Mapping[str, Any], ...], str]:
    """The loads that a run on this source stands on, and their common version; live ones are fetched by the run.

    With them, those that brought figures of one's own of these companies: of the subject, of chosen peers.
    """
    if source == Source.LIVE:
        return (), Source.LIVE.value
    own = select(Fact.load_id).where(Fact.company_id.in_(companies), Fact.source == Source.UPLOADED)
    wanted = (DataLoad.source == _filed(source)) | DataLoad.id.in_(own)
    statement = select(DataLoad.id, DataLoad.source, DataLoad.name, DataLoad.version, DataLoad.sha256).where(
        wanted, DataLoad.finished_at.is_not(None)
    )
    loads = in_order(dict(row._mapping) for row in session.execute(statement))
    if not loads:
        return (), "none"
    return loads, version_of(loads)


def in_order(loads: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Loads in the same order wherever they are held and in whichever they came; figures of one's own last."""
    keys = ("name", "version", "sha256")
    return tuple(sorted(loads, key=lambda load: (load["source"] == Source.UPLOADED, *(load[key] for key in keys))))


def version_of(loads: Sequence[Mapping[str, Any]]) -> str:
    """The loads' common version: the name of the last, and a digest of them all."""
    digest = hashlib.sha256("".join(load["sha256"] for load in loads).encode()).hexdigest()
    return f"{loads[-1]['name']} {loads[-1]['version']} ({digest[:12]})"


def to_fetch(request: Request) -> bool:
    """True for a run on live data whose figures have not been fetched yet."""
    return request.source == Source.LIVE and not request.data


def fetched(
    lease: Lease, request: Request, progress: Progress, settings: Settings
) -> tuple[Request, Stored, Sequence[str]]:
    """Fetch a live run's figures and pin the run to them; also what was not had. Raises SecError, LeaseLostError."""
    from research_dashboard.services.live import gather

    gathered = gather(request.company, request.chosen_peers, progress, settings)
    pin(lease, list(gathered.loads), version_of(gathered.loads))
    return *material(request.run_id), gathered.notes


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
        company=as_known(company, Source(source)),
        as_of=run.as_of or run.date.date(),
        source=source,
        chosen_peers=tuple((run.options or {}).get("peers", ())),
        data=tuple(run.loads or ()),
        code_version=code_version(),
    )
    return request, Stored(request)
