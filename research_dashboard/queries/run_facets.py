"""What the runs of a filter fall into: researcher, company, industry, tag, month, source, each with its count; and the
places where its words stand."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, literal, literal_column, not_, select, union_all
from sqlalchemy.orm import Session

from research_dashboard.models import RUN_SEARCH, Company, CompanyName, ResearchRun, RunCount, RunTag, Tag
from research_dashboard.queries import filter_text
from research_dashboard.queries.filter_text import Comparison, Many
from research_dashboard.queries.run_fields import ERROR, NOTHING, containing, phrase, text_match
from research_dashboard.queries.run_filter import RunFilter
from research_dashboard.queries.run_months import as_months, in_the_zone, month_of
from research_dashboard.queries.runs import own_index, run_conditions, runs_overall, runs_total

SHOWN = 8
MARK, UNMARK = "\x01", "\x02"  # around a found word, in a snippet


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value that runs of the filter have, how many do, and the filter text that asks for it."""

    label: str
    count: int
    term: str


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to divide the runs: the commonest values first."""

    name: str
    values: tuple[FacetValue, ...]


def facets(session: Session, wanted: RunFilter) -> list[Facet]:
    """Every facet but the status.

    From the kept counts while only the status is chosen; else counted. Where a company's or researcher's name lets most
    runs through, the few that it leaves out are counted and taken off.
    """
    others = _left_out(session, wanted)
    if others is not None:
        counts = _kept(session, wanted)
        if wanted.parts():
            for name, found in _counted(session, wanted, others).items():
                counts[name].subtract(found)
    else:
        counts = _counted(session, wanted, run_conditions(wanted))
    facets = [
        Facet(name, tuple(_value("date" if name == "month" else name, key, n) for key, n in _commonest(counts[name])))
        for name in ("researcher", "company", "month", "source", "error", "tag")
    ]
    facets.insert(4, _industries(session, counts["filer"]))
    return [facet for facet in facets if facet.values]


Counts = defaultdict[str, Counter[str]]  # of a facet's name, of a value


def _value(field: str, key: str, count: int) -> FacetValue:
    label = key or "none"  # a run without a source
    return FacetValue(label, count, filter_text.written(Comparison(field, "=", label, 1)))


def _commonest(counts: Counter[str]) -> list[tuple[str, int]]:
    found = [(key, count) for key, count in counts.items() if count > 0]
    return nsmallest(SHOWN, found, key=lambda each: (-each[1], each[0]))


def _statuses(wanted: RunFilter, column: Any) -> list[ColumnElement[bool]]:
    return [column.in_(wanted.status)] if wanted.status else []


def _left_out(session: Session, wanted: RunFilter) -> list[ColumnElement[bool]] | None:
    """What a run is that the filter leaves out by a name alone, when those are the fewer; None when it is otherwise."""
    match wanted.parts():
        case ():
            return []
        case (Comparison(field="company" | "researcher" as field, op=":", text=text),):
            column, names = (
                (ResearchRun.company, CompanyName.name)
                if field == "company"
                else (ResearchRun.researcher, RunCount.key)
            )
        case _:
            return None
    if 2 * runs_total(session, wanted) < runs_overall(session):
        return None
    others = select(func.lower(names)).where(not_(containing(names, text)))
    if field == "researcher":
        others = others.where(RunCount.kind == "researcher")
    return [ResearchRun.deleted_at.is_(None), func.lower(column).in_(others), *_statuses(wanted, ResearchRun.status)]


def _kept(session: Session, wanted: RunFilter) -> Counts:
    """The facets of all runs of the statuses, from the counts that triggers keep."""
    counts: Counts = defaultdict(Counter)
    number = func.sum(RunCount.runs)
    statement = select(RunCount.kind, RunCount.key, number).where(*_statuses(wanted, RunCount.status))
    for kind, key, count in session.execute(statement.group_by(RunCount.kind, RunCount.key)):
        counts[kind][key] = count
    where = [ResearchRun.deleted_at.is_(None), *_statuses(wanted, ResearchRun.status)]
    counts["month"] = in_the_zone(session, counts["month"], wanted.zone, where)
    errors = select(ERROR, func.count()).select_from(ResearchRun).where(*where, ERROR > NOTHING).group_by(ERROR)
    for kind, count in session.execute(errors):
        counts["error"][kind] = count
    tags = select(Tag.name, func.count()).join(RunTag, RunTag.tag_id == Tag.id)
    for name, count in session.execute(
        tags.join(ResearchRun, ResearchRun.id == RunTag.run_id).where(*where).group_by(Tag.name)
    ):
        counts["tag"][name] = count
    return counts


def _counted(session: Session, wanted: RunFilter, where: Sequence[ColumnElement[bool]]) -> Counts:
    """The facets of the runs that are so, each looked at once."""
    run = ResearchRun
    columns = {
        "researcher": run.researcher,
        "company": run.company,
        "month": month_of(session, run.date, wanted.zone),
        "source": func.coalesce(run.source, ""),
        "filer": cast(func.coalesce(run.company_id, 0), String),
        "error": ERROR,
    }
    matches = select(run.id, *(column.label(name) for name, column in columns.items())).where(*where)
    if index := own_index(wanted):
        matches = matches.with_hint(run, index, "sqlite")
    found = matches.cte("found").prefix_with("MATERIALIZED")
    each = [
        select(literal(name).label("kind"), found.c[name].label("key"), func.count()).group_by(found.c[name])
        for name in columns
    ]
    tags = select(literal("tag"), Tag.name, func.count()).join(RunTag, RunTag.tag_id == Tag.id)
    each.append(tags.join(found, found.c.id == RunTag.run_id).group_by(Tag.name))
    counts: Counts = defaultdict(Counter)
    for kind, key, count in session.execute(union_all(*each)):
        counts[kind][key] = count
    counts["error"].pop("", None)
    counts["month"] = as_months(counts["month"], wanted.zone)
    return counts


def _industries(session: Session, filers: Counter[str]) -> Facet:
    """The industries of the filers, by their codes."""
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    statement = select(Company.id, Company.sic, Company.sic_description).where(Company.sic.is_not(None))
    for company_id, sic, description in session.execute(statement):
        if number := filers.get(str(company_id)):
            code = f"{sic:04}"
            counts[code] += number
            words[code] = description or ""
    return Facet(
        "sic",
        tuple(FacetValue(f"{code} {words[code]}", count, f"sic={code}") for code, count in _commonest(counts)),
    )


def with_term(wanted: RunFilter, term: str) -> str:
    """The filter text with one more term that must hold."""
    if not wanted.q:
        return term
    old = filter_text.parse(wanted.q)
    text = filter_text.written(old)
    return f"({text}) {term}" if isinstance(old, Many) and not old.every else f"{text} {term}"


def terms(wanted: RunFilter) -> list[tuple[str, str]]:
    """Each part of the filter text that must hold, and the text without it."""
    if not wanted.q:
        return []
    parts = filter_text.conjuncts(filter_text.parse(wanted.q))
    texts = [filter_text.written(part, inside=len(parts) > 1) for part in parts]
    return [(text, " ".join(texts[:n] + texts[n + 1 :])) for n, text in enumerate(texts)]


def sought(wanted: RunFilter) -> tuple[str, ...]:
    """The words that the filter text looks for."""
    return filter_text.words(filter_text.parse(wanted.q)) if wanted.q else ()


def snippets(session: Session, wanted: RunFilter, ids: Iterable[int]) -> Mapping[int, str]:
    """For each of the runs where the filter's words stand in its texts: the place, words between MARK and UNMARK."""
    words = sought(wanted)
    phrases = [phrase(word) for word in words if any(letter.isalnum() for letter in word)]
    if not phrases or not (wanted_ids := list(ids)):
        return {}
    if session.get_bind().dialect.name == "sqlite":
        place: Any = func.snippet(literal_column("run_search"), -1, MARK, UNMARK, "…", 14)
        query = " OR ".join(phrases)
    else:
        texts = func.concat_ws(" … ", *(RUN_SEARCH.c[name] for name in ("title", "findings", "notes", "error")))
        query = " OR ".join(f'"{word}"' for word in words)
        options = f"StartSel={MARK}, StopSel={UNMARK}, MaxWords=18, MinWords=8"
        place = func.ts_headline("english", texts, func.websearch_to_tsquery("english", query), options)
    rows = session.execute(
        select(RUN_SEARCH.c.rowid, place).where(text_match(query), RUN_SEARCH.c.rowid.in_(wanted_ids))
    )
    return {run_id: text for run_id, text in rows}  # noqa: C416  # dict() of rows is no dict to mypy
