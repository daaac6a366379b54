"""The book of a report: its sources by number, its names, and each figure as a cell that knows where it comes from."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from research_dashboard.research import twofold, wording
from research_dashboard.research.concepts import CONCEPTS, OWN

JSON = Mapping[str, Any]
A_FILING_FOLLOWS_WITHIN = 200  # days after the end of its own period; comparatives are older
_NAME = re.compile(r"(?<![A-Za-z])[a-z][a-z0-9_%]*(?![A-Za-z])")  # a concept; never a part of LongTermDebtAndLeases
_SPLIT = re.compile(r"([a-z][a-z0-9_%]*\[-\d+\])")
_BEFORE = re.compile(r"([a-z][a-z0-9_%]*)\[-(\d+)\]")


@dataclass(frozen=True, slots=True)
class Source:
    """A filing the report stands on; `number` is the same in every format."""

    number: int
    company: str
    form: str
    filed: str
    accession: str
    url: str | None
    period_end: str | None  # of its own period, where the facts used tell it

    @property
    def words(self) -> str:
        """Apple Inc., Form 10-K for the period ended 27 Sep 2025, filed 31 Oct 2025."""
        if self.form == OWN:
            return f"{self.company}, figures uploaded {wording.long_date(self.filed)}, not filed"
        period = f" for the period ended {wording.long_date(self.period_end)}" if self.period_end else ""
        return f"{self.company}, Form {self.form}{period}, filed {wording.long_date(self.filed)}"


@dataclass(frozen=True, slots=True)
class FactLine:
    """A filed fact as evidence shows it."""

    id: str  # of older results the number of a row
    tag: str
    period: str
    shown: str  # in the table's unit
    exact: str  # as filed, with its unit
    source: int | None
    url: str | None
    accession: str
    form: str
    filed: str

    @property
    def form_filed(self) -> str:
        """10-K filed 2025-10-31; what was uploaded is never filed."""
        return f"uploaded {self.filed}, not filed" if self.form == OWN else f"{self.form} filed {self.filed}"


@dataclass(frozen=True, slots=True)
class InputLine:
    """An input of a formula: its name, its period's end, its value, and the id of its cell."""

    concept: str
    label: str
    end: str
    shown: str
    cell: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure ready to be shown in any format. `id` names its evidence: how-ID on the page."""

    id: str
    concept: str
    label: str
    period: str
    end: str
    shown: str
    value: Any
    unit: str
    made: str
    formula: str  # in the names of concepts; "" for a filed figure
    why: str  # why it is absent; "" when it is not
    code: str | None
    gap: str | None  # id of its row among the gaps
    marks: tuple[str, ...]
    facts: tuple[FactLine, ...]
    inputs: tuple[InputLine, ...]
    sources: tuple[int, ...]
    notes: tuple[str, ...]
    first: str  # "first filed as 1,234 in …", where restated
    tags_tried: tuple[str, ...] = ()

    @property
    def present(self) -> bool:
        """True when there is a value."""
        return self.value is not None

    @property
    def own(self) -> bool:
        """True when it stands on uploaded figures."""
        return any(fact.form == OWN for fact in self.facts)

    @property
    def fact(self) -> str | None:
        """The one fact of a filed figure."""
        return self.facts[0].id if self.made == "filed" and self.facts else None

    @property
    def title(self) -> str:
        """Where it comes from, in a line."""
        if not self.present:
            return self.why
        if self.made == "filed" and self.facts:
            fact = self.facts[0]
            return f"{fact.tag}, {fact.form_filed}"
        return self.formula


class Book:
    """Everything about one run's results that a cell needs: facts, sources, names of companies and of concepts."""

    def __init__(self, results: Mapping[str, JSON], scale: wording.Scale) -> None:
        self.scale = scale
        self.profile: JSON = results.get("company_profile") or {}
        self.health: JSON = results.get("financial_health") or {}
        self.comparison: JSON = results.get("peer_comparison") or {}
        self.facts = _all_facts(results)
        self.names = self._company_names()
        self.sources = self._sources()
        self.number = {source.accession: source.number for source in self.sources}
        self.units = _units(self.health)
        self.labels = {name: concept.label for name, concept in CONCEPTS.items()} | _labels(self.health)
        self.cells: dict[str, Cell] = {}
        self.years = {year["end"]: year["label"] for year in self.health.get("years", ())}
        gaps = (results.get("gaps") or {}).get("gaps", ())
        self.gap_ids = {f"{gap['concept']}-{gap.get('end') or ''}": f"gap-{gap['concept']}" for gap in gaps}

    def _company_names(self) -> dict[int, str]:
        names = {member["cik"]: member["name"] for member in self.comparison.get("members", ()) if member.get("cik")}
        if self.profile.get("cik"):
            names[self.profile["cik"]] = self.profile.get("name", "")
        return names

    def _sources(self) -> tuple[Source, ...]:
        """One number a filing: the subject's newest first, then each peer's in the order of the set."""
        filings: dict[str, JSON] = {}
        ends: dict[str, str] = {}
        years = (*(self.health.get("earlier_years") or ()), *(self.health.get("years") or ()))
        own = {year["accession"]: year["end"] for year in years if year.get("accession")}
        for fact in self.facts.values():
            accession = fact["accession"]
            filings[accession] = fact
            near = (date.fromisoformat(fact["filed"]) - date.fromisoformat(fact["end"])).days
            if near <= A_FILING_FOLLOWS_WITHIN and not fact["tag"].startswith("dei:"):
                ends[accession] = max(ends.get(accession, ""), fact["end"])
        subject = self.profile.get("cik")
        places = {cik: place for place, cik in enumerate(self.names, 1)} | {subject: 0}
        ordered = sorted(filings.values(), key=lambda f: f["accession"])
        ordered.sort(key=lambda f: f["filed"], reverse=True)
        ordered.sort(key=lambda f: (places.get(f.get("cik"), len(places) + 1), f.get("cik") or 0))
        return tuple(
            Source(
                number,
                self.names.get(fact.get("cik") or 0, f"CIK {fact.get('cik')}"),
                fact["form"],
                fact["filed"],
                fact["accession"],
                fact.get("url"),
                own.get(fact["accession"]) or ends.get(fact["accession"]),
            )
            for number, fact in enumerate(ordered, 1)
        )

    def label(self, concept: str) -> str:
        """The name of a concept or ratio."""
        return self.labels.get(concept) or concept.replace("_", " ")

    def in_labels(self, formula: str | None) -> str:
        """A formula with names in place of ids: Gross profit ÷ Revenue."""

        def name(match: re.Match[str]) -> str:
            word = match.group()
            return self.labels.get(word, word)

        def before(match: re.Match[str]) -> str:
            word, years = self.label(match.group(1)), int(match.group(2))
            return f"{word} a year before" if years == 1 else f"{word} {years} years before"

        pieces = _SPLIT.split(formula or "")
        said = [before(found) if (found := _BEFORE.fullmatch(piece)) else _NAME.sub(name, piece) for piece in pieces]
        return "".join(said).replace(" / ", " ÷ ").replace("avg ", "average ")

    def fact_line(self, fact: JSON) -> FactLine:
        """A stored fact as evidence shows it."""
        start = fact.get("start")
        end = wording.long_date(fact["end"])
        period = f"{wording.long_date(start)} to {end}" if start else f"at {end}"
        figure = {"concept": "", "unit": fact["unit"], "value": fact["value"]}
        exact = wording.exact(fact["value"])
        digits = wording.number(exact, max(0, -int(exact.as_tuple().exponent)))
        return FactLine(
            str(fact["id"]),
            fact["tag"],
            period,
            wording.display(figure, self.scale),
            f"{digits} {fact['unit']}",
            self.number.get(fact["accession"]),
            fact.get("url"),
            fact["accession"],
            fact["form"],
            fact["filed"],
        )

    def cell(self, figure: JSON, owner: str = "", *, signed: bool = False) -> Cell:
        """The figure as a cell; `owner` sets the cells of peers apart from the subject's."""
        concept, period = figure["concept"], figure["period"]
        end = period["end"]
        key = f"{owner}{concept}-{end}".replace("%", "-pct")
        facts = tuple(
            self.fact_line(self.facts[str(fact)]) for fact in figure.get("facts") or () if str(fact) in self.facts
        )
        marks = tuple(figure.get("marks") or (("d",) if figure["made"] == "derived" else ()))
        cell = Cell(
            id=key,
            concept=concept,
            label=figure.get("label") or self.label(concept),
            period=period.get("label") or self.years.get(end, end),
            end=end,
            shown=wording.display(figure, self.scale, signed=signed),
            value=figure.get("value"),
            unit=figure["unit"],
            made=figure["made"],
            formula=self.in_labels(figure.get("formula")),
            why=wording.why(figure),
            code=figure.get("code"),
            gap=None if owner or figure.get("value") is not None else self.gap_ids.get(f"{concept}-{end}"),
            marks=marks,
            facts=facts,
            inputs=tuple(self._input(item, owner) for item in figure.get("inputs") or ()),
            sources=tuple(sorted({line.source for line in facts if line.source})),
            notes=tuple(figure.get("notes") or ()),
            first=self._first(figure),
            tags_tried=tuple(figure.get("tags_tried") or ()),
        )
        self.cells.setdefault(key, cell)
        return cell

    def _input(self, item: JSON, owner: str) -> InputLine:
        concept, end = item["concept"], item.get("end") or ""
        known = CONCEPTS.get(concept)
        unit = item.get("unit") or self.units.get(concept) or (known.unit if known else "USD")
        shown = wording.display({"concept": concept, "unit": unit, "value": item.get("value")}, self.scale)
        return InputLine(concept, self.label(concept), end, shown, f"{owner}{concept}-{end}".replace("%", "-pct"))

    def _first(self, figure: JSON) -> str:
        first = figure.get("first")
        if not first:
            return ""
        shown = wording.display({**figure, "value": first["value"]}, self.scale)
        filed = f", filed {first['filed']}" if first.get("filed") else ""
        kind = twofold.WORDS.get(first.get("kind") or "", "")
        why = f" ({kind})" if kind and kind != "restated" else ""
        return f"First filed as {shown} in {first.get('accession', 'an earlier filing')}{filed}{why}."


def form_words(form: str) -> str:
    """The form of a fact for a table that stands alone: what was uploaded is said to be not filed in every row."""
    return f"{form}, not filed" if form == OWN else form


def _all_facts(results: Mapping[str, JSON]) -> dict[str, JSON]:
    facts: dict[str, JSON] = {}
    for result in results.values():
        if isinstance(result, Mapping):
            for key, fact in (result.get("facts") or {}).items():
                facts.setdefault(key, {"id": key, **fact})
    return facts


def _series(health: JSON) -> Iterable[tuple[str, Sequence[JSON]]]:
    return [*(health.get("concepts") or {}).items(), *(health.get("ratios") or {}).items()]


def _labels(health: JSON) -> dict[str, str]:
    return {name: figures[0]["label"] for name, figures in _series(health) if figures and figures[0].get("label")}


def _units(health: JSON) -> dict[str, str]:
    return {name: figures[0]["unit"] for name, figures in _series(health) if figures}
