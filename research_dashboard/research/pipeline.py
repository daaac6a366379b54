"""The five steps themselves: each glues the parts of research/ together and says in a sentence what it found.

A step may be done twice without harm: it depends on nothing but the request and the data, and what an earlier step
worked out is worked out again where it is not at hand. So a resumed run ends in the very same bytes.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import msgspec

from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.crowd import MOST
from research_dashboard.research.financials import company_profile, financial_health, gaps
from research_dashboard.research.model import Company, Fact
from research_dashboard.research.peer_results import market_position, peer_comparison
from research_dashboard.research.peers import Comparison, compare
from research_dashboard.research.rules import RULES_VERSION
from research_dashboard.research.rules.engine import Verdict
from research_dashboard.research.steps import RESULT_TYPES, CannotResearch, Data, Outcome, Progress, Request
from research_dashboard.research.swot import insights, judge, swot_analysis
from research_dashboard.research.wording import counted, iso_date, listed, long_date

ANALYSES_KEPT = 64  # companies whose figures stay at hand in a process: the peers of one run are those of the next
RUNS_KEPT = 4  # runs whose parts stay at hand between their steps
encode = msgspec.json.Encoder(decimal_format="number").encode  # as results are stored


def perform(position: int, request: Request, data: Data, progress: Progress) -> Outcome:
    """Do one step (1 to 5). Raises CannotResearch, and whatever `progress` raises to stop it."""
    work = _at_hand(request, data)
    work.progress = progress
    return _STEPS[position - 1](work)


@dataclass(frozen=True, slots=True)
class Known:
    """A company's facts as read, and what is made of them."""

    facts: Sequence[Fact]
    analysis: Analysis


class Work:
    """One run's parts, each worked out once in a process, when it is first asked for."""

    def __init__(self, request: Request, data: Data) -> None:
        self.request, self.data = request, data
        self.progress: Progress = lambda part, message: None

    @cached_property
    def subject(self) -> Analysis:
        """The company itself. Raises CannotResearch where there is nothing to analyse."""
        company, request = self.request.company, self.request
        found = self.analysis(company)
        if not found.facts:
            raise CannotResearch(
                "no_facts",
                f"There are no filed figures of {company.name} in the {request.source} data.",
                "Turn on live SEC data in the settings, or choose another company.",
            )
        if not found.analysis.years:
            first = min(fact.filing.filed for fact in found.facts)
            if first <= request.as_of:
                raise CannotResearch(
                    "no_annual_report",
                    f"The {request.source} data hold no annual report of {company.name}, only other filings of it.",
                    "Load a quarter in which it filed one (flask companies import), or turn on live SEC data.",
                )
            raise CannotResearch(
                "no_annual_report",
                f"{company.name} had filed no annual report by {long_date(request.as_of)}: "
                f"its first filing here is of {long_date(first)}.",
                "Choose a later date, or another company.",
            )
        return found.analysis

    @cached_property
    def comparison(self) -> Comparison | None:
        """The peers, and the year in which they are compared."""
        candidates = self.data.candidates()
        read = 0

        def with_progress(company: Company) -> Analysis:
            nonlocal read
            read += 1
            self.progress(min(read / min(len(candidates), MOST), 1.0), f"Reading the figures of {company.name}.")
            return self.analysis(company).analysis

        return compare(self.subject, candidates, with_progress, self.request.chosen_peers, self.data.sizes)

    @cached_property
    def verdicts(self) -> Sequence[Verdict]:
        """Every rule tried."""
        return judge(self.subject, self.comparison)

    @cached_property
    def companies(self) -> Sequence[Company]:
        """The company and its peers."""
        peers = self.comparison.display.peers if self.comparison else ()
        return [self.request.company, *(peer.company for peer in peers)]

    def analysis(self, company: Company) -> Known:
        """A company's figures, kept in the process for the same data and date."""
        return keep(company, self.request, self.data)

    def result(self, kind: str) -> Mapping[str, Any]:
        """One of the eight results, worked out once."""
        if kind not in self._results:
            self._results[kind] = _RESULTS[kind](self)
        return self._results[kind]

    @cached_property
    def _results(self) -> dict[str, Mapping[str, Any]]:
        return {}


def initialize(work: Work) -> Outcome:
    """Step 1: the company is settled, its data pinned, its peers chosen."""
    company, request = work.request.company, work.request
    cik = f", CIK {company.cik:010}" if company.cik else ""
    if request.source == "live" and not request.data:
        return Outcome(f"{company.name}{cik}. Live data of the SEC as of {long_date(request.as_of)}: fetched next.")
    peers = len(work.companies) - 1 if work.subject else 0
    return Outcome(
        f"{company.name}{cik}. Data as of {long_date(request.as_of)}. {counted(peers, 'peer').capitalize()} chosen."
    )


def gather(work: Work) -> Outcome:
    """Step 2: profile, filings and facts of the company and its peers."""
    work.progress(0.0, f"Reading the filings of {work.subject.company.name}.")
    as_of = work.request.as_of
    facts = [fact for company in work.companies for fact in work.analysis(company).facts if fact.filing.filed <= as_of]
    filings = {fact.filing.accession for fact in facts}
    message = ", ".join(
        [
            counted(len(work.companies), "company", "companies"),
            counted(len(filings), "filing"),
            counted(len(facts), "fact"),
        ]
    )
    return _outcome(work, 2, f"{message}.")


def analyse_financials(work: Work) -> Outcome:
    """Step 3: the company's figures over its fiscal years; what is not reported becomes a gap."""
    years = work.subject.years
    for number, year in enumerate(years, 1):
        work.progress(number / (len(years) + 1), f"Fiscal year {number} of {len(years)}: {year.label}.")
        for concept in ("revenue", "net_income", "assets", "debt", "roic"):
            work.subject.figure(concept, year.end)
    health = work.result("financial_health")
    shown = health["years"]
    missing = work.result("gaps")["count"]
    span = f"{shown[0]['label']} to {shown[-1]['label']}" if len(shown) > 1 else shown[0]["label"]
    message = f"{counted(len(shown), 'fiscal year')}, {span}; {counted(missing, 'missing value')}."
    return _outcome(work, 3, message)


def analyse_competition(work: Work) -> Outcome:
    """Step 4: rank, share and standing among the peers."""
    comparison = work.comparison
    outcome = _outcome(work, 4, "")
    if comparison is None or not comparison.display.peers:
        return Outcome("No company to compare with in the loaded data.", outcome.results)
    position = work.result("market_position")
    names = [peer.company.name for peer in comparison.display.peers]
    among = listed(names if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"])
    rank = f"Rank {position['rank']} of {position['of']} by revenue of CY{comparison.display.calendar_year}"
    return Outcome(f"{rank}, among {among}.", outcome.results)


def generate_insights(work: Work) -> Outcome:
    """Step 5: strengths, weaknesses, opportunities and threats by declared rules; and the run's manifest."""
    swot = work.result("swot_analysis")
    found = work.result("insights")["count"]
    message = f"{counted(found, 'finding')}: {swot['fired']} of {swot['rules']} rules fired, {swot['tested']} tested."
    outcome = _outcome(work, 5, message)
    with _lock:
        _works.pop(work.request.run_id, None)
    return Outcome(message, outcome.results, insights=found, gaps=work.result("gaps")["count"])


def _manifest(work: Work) -> dict[str, Any]:
    """What anyone needs to make the same report again, and the hash of every result."""
    request = work.request
    results = {kind: work.result(kind) for kind in RESULT_TYPES if kind != "manifest"}
    facts = {id_ for result in results.values() for id_ in result.get("facts", ())}
    candidates = work.data.candidates() if request.chosen_peers else ()
    chosen = [company for company in candidates if company.id in request.chosen_peers]
    return {
        "rules_version": RULES_VERSION,
        "code_version": request.code_version,
        "source": request.source,
        "data": [_pinned(load) for load in request.data],
        "options": {"peers": sorted((company.cik or company.name for company in chosen), key=str)},
        "as_of": iso_date(request.as_of),
        "facts_used": len(facts),
        "results": {kind: hashlib.sha256(encode(result)).hexdigest() for kind, result in results.items()},
    }


def _pinned(load: Mapping[str, Any]) -> dict[str, Any]:
    """A load by its hash; when a live answer came, its version, is no part of what came."""
    live = load.get("source") == "live"
    return {
        key: None if live and key == "version" else load.get(key) for key in ("source", "name", "version", "sha256")
    }


def _outcome(work: Work, position: int, message: str) -> Outcome:
    kinds = [kind for kind, step in RESULT_TYPES.items() if step == position]
    return Outcome(message, {kind: work.result(kind) for kind in kinds})


_RESULTS: Mapping[str, Callable[[Work], Mapping[str, Any]]] = {
    "company_profile": lambda work: company_profile(
        work.request.company, work.analysis(work.request.company).facts, work.request.as_of
    ),
    "financial_health": lambda work: financial_health(work.subject),
    "market_position": lambda work: market_position(work.subject, work.comparison),
    "peer_comparison": lambda work: peer_comparison(work.comparison),
    "swot_analysis": lambda work: swot_analysis(work.verdicts),
    "insights": lambda work: insights(work.verdicts, work.subject),
    "gaps": lambda work: gaps(work.subject),
    "manifest": _manifest,
}
_STEPS: tuple[Callable[[Work], Outcome], ...] = (
    initialize,
    gather,
    analyse_financials,
    analyse_competition,
    generate_insights,
)


_lock = Lock()
_works: OrderedDict[int, tuple[Request, Work]] = OrderedDict()
_analyses: OrderedDict[tuple[Any, ...], Known] = OrderedDict()


def forget() -> None:
    """Let go of all that is kept in this process."""
    with _lock:
        _works.clear()
        _analyses.clear()


def _at_hand(request: Request, data: Data) -> Work:
    """The run's parts as this process knows them, or none yet."""
    with _lock:
        kept = _works.pop(request.run_id, None)
        if kept is None or kept[0] != request:
            kept = (request, Work(request, data))
        _works[request.run_id] = kept
        while len(_works) > RUNS_KEPT:
            _works.popitem(last=False)
    return kept[1]


def keep(company: Company, request: Request, data: Data) -> Known:
    """The company's figures on the request's data and day, kept in this process."""
    loads = tuple(load.get("sha256") for load in request.data)
    key = (request.source, company, request.as_of, loads or request.run_id)  # what is not pinned is not shared
    with _lock:
        found = _analyses.get(key)
        if found is not None:
            _analyses.move_to_end(key)
            return found
    facts = data.facts(company)
    made = Known(facts, analyse(company, facts, request.as_of))
    with _lock:
        _analyses[key] = made
        while len(_analyses) > ANALYSES_KEPT:
            _analyses.popitem(last=False)
    return made
