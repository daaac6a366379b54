"""What the runs of a filter fall into: researcher, company, industry, tag, month, source, each with its count; and the
places where its words stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func, literal_column, select
from sqlalchemy.orm import Session

from research_dashboard.models import RUN_SEARCH, Company, ResearchRun, RunCount, RunTag, Tag
from research_dashboard.queries import filter_text
from research_dashboard.queries.filter_text import Comparison, Many
from research_dashboard.queries.run_fields import phrase, text_match
from research_dashboard.queries.run_filter import RunFilter
from research_dashboard.queries.runs import run_conditions

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
    """Every facet but the status. From the kept counts while only the status is chosen, else counted."""
    kept = not wanted.parts()
    month = func.substr(ResearchRun.date, 1, 7)
    if session.get_bind().dialect.name != "sqlite":
        month = func.to_char(func.timezone("UTC", ResearchRun.date), "YYYY-MM")
    columns = {
        "researcher": ResearchRun.researcher,
        "company": ResearchRun.company,
        "month": month,
        "source": func.coalesce(ResearchRun.source, ""),
    }
    found = []
    for name, column in columns.items():
        rows = _kept(session, wanted, name) if kept else _counted(session, wanted, column)
        field = "date" if name == "month" else name
        found.append(Facet(name, tuple(_value(field, str(key) or "none", count) for key, count in rows)))
    sic = _kept_sic(session, wanted) if kept else _counted_sic(session, wanted)
    found.append(
        Facet(
            "sic", tuple(FacetValue(f"{code:04} {words or ''}", count, f"sic={code:04}") for code, words, count in sic)
        )
    )
    found.append(Facet("error", tuple(_value("error", kind, count) for kind, count in _errors(session, wanted))))
    found.append(Facet("tag", tuple(_value("tag", name, count) for name, count in _tags(session, wanted))))
    return [facet for facet in found if facet.values]


def _value(field: str, key: str, count: int) -> FacetValue:
    return FacetValue(key, count, filter_text.written(Comparison(field, "=", key, 1)))


def _statuses(wanted: RunFilter) -> list[ColumnElement[bool]]:
    return [RunCount.status.in_(wanted.status)] if wanted.status else []


def _kept(session: Session, wanted: RunFilter, kind: str) -> Sequence[Any]:
    total = func.sum(RunCount.runs)
    statement = select(RunCount.key, total).where(RunCount.kind == kind, *_statuses(wanted)).group_by(RunCount.key)
    return session.execute(statement.having(total > 0).order_by(total.desc(), RunCount.key).limit(SHOWN)).all()


def _kept_sic(session: Session, wanted: RunFilter) -> Sequence[Any]:
    total = func.sum(RunCount.runs)
    return session.execute(
        select(Company.sic, func.max(Company.sic_description), total)
        .join(RunCount, cast(RunCount.key, Integer) == Company.id)
        .where(RunCount.kind == "filer", Company.sic.is_not(None), *_statuses(wanted))
        .group_by(Company.sic)
        .having(total > 0)
        .order_by(total.desc(), Company.sic)
        .limit(SHOWN)
    ).all()


def _counted(session: Session, wanted: RunFilter, column: Any) -> Sequence[Any]:
    number = func.count()
    statement = select(column, number).where(*run_conditions(wanted)).group_by(column)
    return session.execute(statement.order_by(number.desc(), column).limit(SHOWN)).all()


# In the very words of its index, which then leads to the runs that have a kind, however many have none.
ERROR_KIND: ColumnElement[str] = literal_column("coalesce(error_kind, '')")


def _errors(session: Session, wanted: RunFilter) -> Sequence[Any]:
    """How runs ended that did not complete: by kind."""
    number = func.count()
    statement = select(ERROR_KIND, number).select_from(ResearchRun).where(*run_conditions(wanted), ERROR_KIND > "")
    return session.execute(statement.group_by(ERROR_KIND).order_by(number.desc(), ERROR_KIND).limit(SHOWN)).all()


def _counted_sic(session: Session, wanted: RunFilter) -> Sequence[Any]:
    number = func.count()
    return session.execute(
        select(Company.sic, func.max(Company.sic_description), number)
        .join(ResearchRun, ResearchRun.company_id == Company.id)
        .where(Company.sic.is_not(None), *run_conditions(wanted))
        .group_by(Company.sic)
        .order_by(number.desc(), Company.sic)
        .limit(SHOWN)
    ).all()


def _tags(session: Session, wanted: RunFilter) -> Sequence[Any]:
    number = func.count()
    return session.execute(
        select(Tag.name, number)
        .join(RunTag, RunTag.tag_id == Tag.id)
        .join(ResearchRun, ResearchRun.id == RunTag.run_id)
        .where(*run_conditions(wanted))
        .group_by(Tag.name)
        .order_by(number.desc(), Tag.name)
        .limit(SHOWN)
    ).all()


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
