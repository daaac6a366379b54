"""Is every stored figure what its own facts give? Recomputed from the results alone, without the database.

A filed figure must be its fact: value, tag, period, filing. A formula is evaluated anew over its inputs; an input is
itself recomputed where the results hold it, and else found among the facts the figure names, as one fact or as their
sum. Ranks, shares, medians and percentiles are counted again from the members' figures.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import isclose
from typing import Any

from research_dashboard.research import standing
from research_dashboard.research.concepts import CONCEPTS, DEBT_TAGS, D, Step
from research_dashboard.research.formula import NoFormula, Term, evaluate
from research_dashboard.research.pipeline import encode
from research_dashboard.research.ratios import RATIOS, Ratio

JSON = Mapping[str, Any]
CLOSE, EXACT = 2e-6, 1e-12  # ratios are stored with six decimals, everything else as filed
ROUNDED = frozenset({"percent", "ratio", "days"})
MOST_PARTS = 8  # facts that one balance is the sum of, at most


@dataclass(frozen=True, slots=True)
class Failure:
    """A figure that its facts do not give."""

    result: str
    figure: str
    why: str


@dataclass(slots=True)
class Verification:
    """How many figures were recomputed, and which of them were not confirmed."""

    checked: int = 0
    failures: list[Failure] = field(default_factory=list)
    hashed: int = 0  # results whose hash the manifest holds
    changed: list[str] = field(default_factory=list)  # those that are no longer what was stored

    @property
    def confirmed(self) -> int:
        """Figures that their facts give."""
        return self.checked - len(self.failures)

    @property
    def sound(self) -> bool:
        """True when every figure is confirmed and no result was changed since it was stored."""
        return not self.failures and not self.changed

    @property
    def words(self) -> str:
        """1,152 of 1,152 figures recomputed from their facts; 7 of 7 results are as they were stored."""
        figures = f"{self.confirmed:,} of {self.checked:,} figures recomputed from their facts"
        kept = f"; {self.hashed - len(self.changed)} of {self.hashed} results are as they were stored"
        return f"{figures}{kept if self.hashed else ''}."


class Mismatch(Exception):
    """Why a figure is not confirmed."""


def verify(results: Mapping[str, Any]) -> Verification:
    """Recompute every figure with a value in all results of a run."""
    done = Verification()
    pool = _Pool(results)
    for result, owner, figure in pool.figures:
        done.checked += 1
        name = f"{figure['concept']} at {figure['period']['end']}{f' of {owner}' if owner != pool.subject else ''}"
        try:
            pool.check(owner, figure)
        except Mismatch as problem:
            done.failures.append(Failure(result, name, str(problem)))
    for result, name, stated, counted in _statistics(results):
        done.checked += 1
        if counted is None or not _same(float(stated), counted):
            done.failures.append(Failure(result, name, f"stored is {stated}, counted anew {counted}"))
    for kind, stored in ((results.get("manifest") or {}).get("results") or {}).items():
        done.hashed += 1
        if kind not in results or hashlib.sha256(encode(results[kind])).hexdigest() != stored:
            done.changed.append(kind)
    return done


def _same(stated: float, made: float, unit: str = "ratio") -> bool:
    """Equal; for a ratio, to its six decimals."""
    if unit in ROUNDED:
        return isclose(stated, made, rel_tol=CLOSE, abs_tol=CLOSE)
    return isclose(stated, made, rel_tol=EXACT, abs_tol=EXACT)


class _Pool:
    """All figures of the results by owner, concept and end; all facts by id."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.facts: dict[str, JSON] = {}
        for result in results.values():
            if isinstance(result, Mapping):
                self.facts.update(result.get("facts") or {})
        profile = results.get("company_profile") or {}
        self.subject: Any = profile.get("cik") or profile.get("name")
        self.figures = [item for item in _figures(results, self.subject) if item[2].get("value") is not None]
        self.known: dict[tuple[Any, str, str], list[JSON]] = {}
        for _, owner, figure in self.figures:
            self.known.setdefault((owner, figure["concept"], figure["period"]["end"]), []).append(figure)
        self.made: dict[int, float] = {}  # by identity of the figure

    def check(self, owner: Any, figure: JSON) -> float:
        """The figure's value, recomputed and equal to the stored one; raises Mismatch."""
        if id(figure) in self.made:
            return self.made[id(figure)]
        facts = [self.facts.get(str(fact)) for fact in figure.get("facts") or ()]
        if not facts or any(fact is None for fact in facts):
            raise Mismatch("a fact it names is not stored with the run" if facts else "it names no fact")
        held = [fact for fact in facts if fact is not None]
        value = self._filed(figure, held) if figure["made"] == "filed" else self._computed(owner, figure, held)
        stated = float(figure["value"])
        if not _same(stated, value, figure["unit"]):
            raise Mismatch(f"stored is {figure['value']}, its facts give {value:.6f}")
        self.made[id(figure)] = stated
        return stated

    def _filed(self, figure: JSON, facts: Sequence[JSON]) -> float:
        fact = facts[0]
        for key in ("tag", "accession", "form", "filed"):
            if key in figure and figure[key] != fact[key]:
                raise Mismatch(f"its {key} is {figure[key]}, its fact says {fact[key]}")
        if fact["end"] != figure["period"]["end"] and not str(fact["tag"]).startswith("dei:"):
            raise Mismatch(f"its fact is of {fact['end']}")
        return float(fact["value"])

    def _computed(self, owner: Any, figure: JSON, facts: Sequence[JSON]) -> float:
        inputs: dict[str, list[JSON]] = {}
        for item in figure.get("inputs") or ():
            inputs.setdefault(item["concept"], []).append(item)

        def find(name: str, place: int) -> Term:
            items = sorted(inputs.get(name) or (), key=lambda item: str(item["end"]), reverse=True)
            if not items:
                return Term("0", 0.0)  # an optional part that no filing states
            if place >= len(items):
                raise NoFormula(f"no {name} of {place} year before among its inputs")
            item = items[place]
            return Term(name, self._input(owner, item, facts))

        try:
            value = evaluate(str(figure.get("formula") or ""), find).value
        except NoFormula as error:
            raise Mismatch(f"its formula cannot be evaluated: {error}") from error
        return value * 100 if figure["unit"] == "percent" else value

    def _input(self, owner: Any, item: JSON, facts: Sequence[JSON]) -> float:
        """An input, recomputed: as a figure of the results, or from the facts at hand. Percent as a fraction."""
        name, end, value = item["concept"], item["end"], float(item["value"])
        for figure in self.known.get((owner, name, end), ()):
            if _same(float(figure["value"]), value, "USD"):
                made = self.check(owner, figure)
                return made / 100 if figure["unit"] == "percent" else made
        at_end = [fact for fact in facts if fact["end"] == end]
        ratio = RATIOS.get(name)
        if ratio is not None and ratio.unit in ROUNDED:
            quotient = _ratio_of(ratio, at_end)
            scale = 100 if ratio.unit == "percent" else 1
            if quotient is not None and _same(value, quotient * scale):
                return value / scale
        if any(_bears(fact, name) and _same(float(fact["value"]), value, "USD") for fact in at_end):
            return value
        parts = PARTS_OF.get(name, frozenset())
        if _is_sum(value, [float(fact["value"]) for fact in at_end if fact["tag"] in parts]):
            return value
        raise Mismatch(f"its input {name} at {end}, {item['value']}, is no figure of the run and not among its facts")


def _bears(fact: JSON, name: str) -> bool:
    """True when the fact's tag is one the concept may be filed under, or the name itself."""
    return fact["tag"] in TAGS_OF.get(name, frozenset()) or str(fact["tag"]).rpartition(":")[2] == name


def _ratio_of(ratio: Ratio, facts: Sequence[JSON]) -> float | None:
    """A ratio that is only an input, from the facts of its year; None where they do not hold its operands."""

    def find(name: str, _place: int) -> Term:
        return Term(name, _concept_of(name, facts))

    try:
        return evaluate(ratio.formula, find).value
    except NoFormula:
        return None


def _concept_of(name: str, facts: Sequence[JSON]) -> float:
    """A concept from facts of its date, by its tags, else by its own formula; raises NoFormula."""
    found = next((fact for fact in facts if _bears(fact, name)), None)
    if found is not None:
        return float(found["value"])
    for step in CONCEPTS[name].steps if name in CONCEPTS else ():
        if isinstance(step, D):
            return sum(term.sign * _concept_of(term.concept, facts) for term in step.terms)
    raise NoFormula(name)


def _is_sum(value: float, parts: Sequence[float]) -> bool:
    """True when some of the parts, added or taken away, give the value."""
    parts = sorted(set(parts), key=abs, reverse=True)[:MOST_PARTS]
    return any(
        any(signs) and _same(value, sum(sign * part for sign, part in zip(signs, parts, strict=True)), "USD")
        for signs in product((1, 0, -1), repeat=len(parts))
    )


def _tags_of() -> dict[str, frozenset[str]]:
    return {
        name: frozenset(
            tag for step in (*concept.steps, *concept.bank) if isinstance(step, Step) for tag in step.tags
        ).union({f"uploaded:{name}"})  # a private company's own figure of the concept
        for name, concept in CONCEPTS.items()
    }


def _parts_of(name: str) -> frozenset[str]:
    """The tags of everything that a concept may be summed from."""
    if name in SUMS:
        return frozenset().union(*(_parts_of(part) for part in SUMS[name]))
    if name in ("debt", "current_debt"):
        return frozenset(tag for group in DEBT_TAGS.values() for tag in group)
    steps = (*CONCEPTS[name].steps, *CONCEPTS[name].bank)
    terms = {(term.concept, term.filed) for step in steps if isinstance(step, D) for term in step.terms}
    return TAGS_OF[name].union(*(TAGS_OF[term] if filed else _parts_of(term) for term, filed in terms))


SUMS: Mapping[str, tuple[str, ...]] = {
    "liquid": ("cash", "st_investments"),
    "ebitda": ("operating_income", "d_and_a"),
    "nd": ("debt", "liquid"),
}
TAGS_OF: Mapping[str, frozenset[str]] = _tags_of()
PARTS_OF: Mapping[str, frozenset[str]] = {name: _parts_of(name) for name in (*CONCEPTS, *SUMS)}


def _figures(results: Mapping[str, Any], subject: Any) -> Iterator[tuple[str, Any, JSON]]:
    """Every figure of the results, with the type of its result and whose it is."""
    health = results.get("financial_health") or {}
    for group in ("concepts", "ratios"):
        for series in (health.get(group) or {}).values():
            yield from (("financial_health", subject, figure) for figure in series)
    for name in ("revenue_growth", "profit_margin", "debt_equity_ratio"):
        if isinstance(health.get(name), Mapping):
            yield "financial_health", subject, health[name]
    position = results.get("market_position") or {}
    if isinstance(position.get("revenue"), Mapping):
        yield "market_position", subject, position["revenue"]
    for rival in position.get("competitors") or ():
        if isinstance(rival.get("revenue"), Mapping):
            yield "market_position", rival.get("cik") or rival["name"], rival["revenue"]
    for member in (results.get("peer_comparison") or {}).get("members") or ():
        owner = subject if member.get("subject") else member.get("cik") or member["name"]
        yield from (("peer_comparison", owner, figure) for figure in member["figures"].values())
    yield from _of_findings(results, subject)


def _of_findings(results: Mapping[str, Any], subject: Any) -> Iterator[tuple[str, Any, JSON]]:
    profile, comparison = results.get("company_profile") or {}, results.get("peer_comparison") or {}
    owners = {member["name"]: member.get("cik") or member["name"] for member in comparison.get("members") or ()}
    owners[profile.get("name")] = subject
    swot = results.get("swot_analysis") or {}
    groups: list[tuple[str, Iterable[JSON]]] = [
        ("swot_analysis", swot.get(key) or ()) for key in ("strengths", "weaknesses", "opportunities", "threats")
    ]
    groups.append(("insights", (results.get("insights") or {}).get("findings") or ()))
    for kind, findings in groups:
        for found in findings:
            for figure in found.get("figures") or ():
                company = figure.get("company")
                yield kind, owners.get(company, figure.get("cik") or company), figure


def _statistics(results: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, float | None]]:
    """Shares, rank, medians and percentiles: what is stored, and what the members' figures give."""
    comparison = results.get("peer_comparison") or {}
    members = comparison.get("members") or ()
    revenues = [float(member["figures"]["revenue"]["value"]) for member in members]
    for place, member in enumerate(members):
        others = [*revenues[:place], *revenues[place + 1 :]]
        if member.get("share") is not None:
            yield (
                "peer_comparison",
                f"share of {member['name']}",
                member["share"],
                standing.share(revenues[place], others),
            )
        if member.get("subject"):
            position = results.get("market_position") or {}
            share = (position.get("market_share") or {}).get("value")
            if share is not None:
                yield "market_position", "market_share", share, standing.share(revenues[place], others)
            if position.get("rank") is not None:
                yield "market_position", "rank", position["rank"], float(standing.rank(revenues[place], others))
    for row in comparison.get("standing") or ():
        own, others = _values(members, row["ratio"])
        if row.get("median") is not None:
            yield "peer_comparison", f"median of {row['ratio']}", row["median"], standing.median(others)
        if own is None:
            continue
        if row.get("rank") is not None:
            yield "peer_comparison", f"rank in {row['ratio']}", row["rank"], float(standing.rank(own, others))
        if row.get("percentile") is not None:
            counted = standing.percentile(own, others)
            yield "peer_comparison", f"percentile of {row['ratio']}", row["percentile"], counted


def _values(members: Sequence[JSON], ratio: str) -> tuple[float | None, list[float]]:
    """The subject's value of a ratio, and those of the others that have one."""
    own, others = None, []
    for member in members:
        value = (member["figures"].get(ratio) or {}).get("value")
        if member.get("subject"):
            own = None if value is None else float(value)
        elif value is not None:
            others.append(float(value))
    return own, others
