"""A concept for a period: by its rule within one filing, by the next filing where the anchor lacks it, or absent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

from research_dashboard.research.concepts import (
    CONCEPTS,
    COVER_SHARES,
    DEBT_TAGS,
    Concept,
    D,
    Sector,
    Step,
    Term,
)
from research_dashboard.research.debt import debt_of
from research_dashboard.research.model import Fact, Figure
from research_dashboard.research.periods import Anchor, Calendar, View, differs, rounding
from research_dashboard.research.wording import is_or_are, listed, plain

REASONS = {
    "not_reported": "{label} {verb} not reported: none of the tags stands in the filings for this period.",
    "partial_tag_only": "{label} {verb} not reported as a whole: only a tag for a part of it is filed ({part}).",
    "not_applicable_sector": "{label} does not apply to this sector ({sector}).",
    "negative_payment": "{label} {verb} not shown: a payment is filed as negative ({part}), by an error of sign or for "
    "money received, which the filing does not tell apart.",
    "st_investments_not_found": "Short-term investments were more than 1 % of assets a year before and cannot be found "
    "now.",
    "unclassified_balance_sheet": "The balance sheet does not separate current from noncurrent.",
    "not_in_data": "{label} {verb} not in the data at hand ({selection}): turn on live data.",
    "not_derived": "{label} {can} be derived: {inputs} not reported.",
    "not_derived_here": "{label} {can} be derived: {inputs} not in the data at hand ({selection}). Turn on live data.",
    "not_together": "{label} {can} be derived: no filing holds {inputs} together.",
}
SELECTION = "the bundled figures of {company} are a selection"
NOT_IN_DATA = "not_in_data"  # the source carries some tags of the company only: its filings may well hold the figure
# What a selection of tags cannot show, for the tag that would show otherwise may have been left out of it.
UNKNOWN_IN_A_SELECTION = frozenset(
    {"not_reported", "partial_tag_only", "st_investments_not_found", "unclassified_balance_sheet"}
)
NONE_HELD = "No short-term investments are reported, now or a year before: taken as none."
INSIDE_CASH = "Short-term investments are inside the cash line."
SEGMENT_TOTAL = "May be a segment total: it exceeds revenue less costs and expenses by more than 2 % of revenue."
PARTS_APART = "The filing shows that {value} is a part of it: its parts are added."
GROSS_DIFFERS = "The filed gross profit differs from revenue less cost of revenue, which is shown."


class Figures:
    """Every concept of one company in one view, computed when asked for and kept.

    `selection_of` is the company's name where its facts are a selection of tags: then what is absent is not in the
    data, which says nothing of the filings.
    """

    def __init__(
        self, calendar: Calendar, sector: Sector, currency: str, view: View, selection_of: str | None = None
    ) -> None:
        self.calendar, self.sector, self.currency, self.view = calendar, sector, currency, view
        self.selection_of = selection_of
        self._kept: dict[tuple[str, date], Figure] = {}
        self._in_filing: dict[tuple[str, str, date, bool], Figure | None] = {}

    def figure(self, concept_id: str, end: date) -> Figure:
        """The figure of a concept for the year, or the balance, that ends on a day. Always one: absent says why."""
        key = concept_id, end
        if key not in self._kept:
            self._kept[key] = self._found(CONCEPTS[concept_id], end)
        return self._kept[key]

    def pair(self, concept_id: str, end: date, prior: date) -> tuple[Figure, Figure] | None:
        """Both years from the newest (first view: oldest) filing that reports both; None when no filing does (2.10)."""
        concept = CONCEPTS[concept_id]
        before = {
            anchor.filed.filing.accession: anchor
            for anchor in self.calendar.anchors(prior, concept.kind == "instant", self.view)
        }
        for place, anchor in enumerate(self._anchors(concept, end)):
            other = before.get(anchor.filed.filing.accession)
            if other is None:
                continue
            now, then = self.within(concept, anchor, end), self.within(concept, other, prior)
            if now is not None and then is not None:
                return replace(now, other_filing=place > 0), then
        return None

    def within(self, concept: Concept, anchor: Anchor, end: date, filed: bool = False) -> Figure | None:
        """The concept in one filing for one period, by its rule; `filed`: by its tags only."""
        key = concept.id, anchor.filed.filing.accession, anchor.end, filed
        if key not in self._in_filing:
            self._in_filing[key] = self._by_rule(concept, anchor, end, filed)
        return self._in_filing[key]

    def _anchors(self, concept: Concept, end: date) -> list[Anchor]:
        return self.calendar.anchors(end, concept.kind == "instant", self.view)

    def _found(self, concept: Concept, end: date) -> Figure:
        """From the first filing of the view that has the concept, else absent with its code."""
        if self.sector in concept.not_for:
            return self._absent(concept, end, "not_applicable_sector", ())
        anchors = self._anchors(concept, end)
        for place, anchor in enumerate(anchors):
            found = self.within(concept, anchor, end)
            if found is not None:
                form = anchor.filed.filing.form
                odd = () if anchor.filed.is_statement else (f"From a {form}: no annual report has this balance.",)
                return replace(found, other_filing=place > 0, notes=(*found.notes, *odd))
        if concept.id == "shares_outstanding":
            return self._cover_shares(concept, end)
        if concept.id == "st_investments":
            return self._no_investments(concept, end)
        if concept.id == "liquid":
            return self._liquid_alone(concept, end, anchors)
        return self._absent(concept, end, *self._why(concept, anchors))

    def _why(self, concept: Concept, anchors: Sequence[Anchor]) -> tuple[str, tuple[str, ...]]:
        """The code of an absence, and the partial tags found."""
        if concept.id in ("current_assets", "current_liabilities") and anchors:
            return "unclassified_balance_sheet", ()
        negative = self._negative_payment(concept, anchors)
        if negative is not None:
            return "negative_payment", (f"{negative.name} {plain(negative.value)} in {negative.filing.accession}",)
        for anchor in anchors:
            parts = tuple(tag for tag in concept.partial if (tag, anchor.start, anchor.end) in anchor.filed.values)
            if parts:
                return "partial_tag_only", parts
        return "not_reported", ()

    def _negative_payment(self, concept: Concept, anchors: Sequence[Anchor]) -> Fact | None:
        """The payment of a negative sign that stands for the concept, or for an input of its formula."""
        inputs = (term.concept for step in self._steps(concept) if isinstance(step, D) for term in step.terms)
        for payment in (one for one in (concept, *map(CONCEPTS.__getitem__, inputs)) if one.outflow):
            for anchor, tag in product(anchors, self.tags_tried(payment)):
                fact = anchor.filed.values.get((tag, anchor.start, anchor.end))
                if fact is not None and fact.value < 0:
                    return fact
        return None

    def _absent(self, concept: Concept, end: date, code: str, parts: Sequence[str], *notes: str) -> Figure:
        if self.sector in concept.unusual_for and (self.selection_of or code != "unclassified_balance_sheet"):
            code = "not_applicable_sector"
        elif self.selection_of and code in UNKNOWN_IN_A_SELECTION:
            code, notes = NOT_IN_DATA, tuple(note for note in notes if note != NONE_HELD)
        words = {
            "verb": is_or_are(concept.label),
            "part": ", ".join(parts),
            "sector": self.sector,
            "selection": self.selection,
        }
        reason = self._not_derived(concept, end, code) or REASONS[code].format(label=concept.label, **words)
        tried = () if code == "not_applicable_sector" else self.tags_tried(concept)
        year = self.calendar.by_end.get(end) if concept.kind == "duration" else None
        return Figure(
            concept.id, concept.label, self._unit(concept), "absent", None, year.start if year else None, end,
            code=code, reason=reason, tags_tried=tried, notes=notes,
        )  # fmt: skip

    @property
    def selection(self) -> str:
        """That the data are a selection, in words."""
        return SELECTION.format(company=self.selection_of)

    def _not_derived(self, concept: Concept, end: date, code: str) -> str | None:
        """Which inputs a formula lacks; None for what no formula makes, or inputs that no page shows."""
        formula = next((step for step in self._steps(concept) if isinstance(step, D)), None)
        if formula is None or code not in {"not_reported", NOT_IN_DATA} or any(term.filed for term in formula.terms):
            return None  # equity and its total are made of each other
        inputs = [CONCEPTS[term.concept] for term in formula.terms if not term.optional]
        missing = [one for one in inputs if not self.figure(one.id, end).present]
        if not all(one.shown for one in missing or inputs):
            return None
        said = "not_together" if not missing else "not_derived" if code == "not_reported" else "not_derived_here"
        names = listed([one.label.lower() for one in missing or inputs])
        verb = "are" if len(missing) > 1 else is_or_are(names)
        can = "cannot" if len(self._steps(concept)) == 1 else "is not filed and cannot"
        named = f"{names} {verb}" if missing else names
        return REASONS[said].format(label=concept.label, can=can, inputs=named, selection=self.selection)

    def tags_tried(self, concept: Concept) -> tuple[str, ...]:
        """Every tag that the concept's steps look at, in order, in formulas too."""
        if concept.id in ("debt", "current_debt"):
            return tuple(tag for tags in DEBT_TAGS.values() for tag in tags)
        tried: dict[str, None] = {}
        for step in self._steps(concept):
            if isinstance(step, Step):
                tried.update(dict.fromkeys(step.tags))
            else:
                for term in step.terms:
                    inner = (s for s in self._steps(CONCEPTS[term.concept]) if isinstance(s, Step))
                    tried.update(dict.fromkeys(tag for s in inner for tag in s.tags))
        return tuple(tried)

    def _steps(self, concept: Concept) -> tuple[Step | D, ...]:
        return concept.bank if concept.bank and self.sector == "bank" else concept.steps

    def _unit(self, concept: Concept) -> str:
        return concept.unit.replace("USD", self.currency)

    def _by_rule(self, concept: Concept, anchor: Anchor, end: date, filed: bool) -> Figure | None:
        if concept.id in ("debt", "current_debt"):
            return self._debt(concept, anchor, end)
        for step in self._steps(concept):
            found: Figure | None = None
            if isinstance(step, Step):
                found = self._picked(concept, step, anchor, end)
            elif not filed:
                found = self._derived(concept, step, anchor, end)
            if found is not None:
                return found if filed else self._checked(concept, found, anchor, end)
        return None

    def _picked(self, concept: Concept, step: Step, anchor: Anchor, end: date) -> Figure | None:
        """The first tag present, or the largest value; equal values keep the table's order."""
        values = anchor.filed.values
        facts = [fact for tag in step.tags if (fact := values.get((tag, anchor.start, anchor.end))) is not None]
        if not facts:
            return None
        fact = facts[0] if step.rule == "F" else max(facts, key=lambda fact: fact.value)
        if concept.outflow and fact.value < 0:
            return None  # the next filing may state it as a payment; else it is a gap (decision 20)
        notes = tuple(note for note in (step.note, concept.notes.get(fact.name)) if note)
        return Figure(
            concept.id, concept.label, fact.unit, "filed", fact.value, fact.start, end, facts=(fact,), notes=notes
        )

    def _derived(self, concept: Concept, formula: D, anchor: Anchor, end: date) -> Figure | None:
        """A sum of concepts, all of this filing."""
        inputs: list[tuple[Term, Figure]] = []
        for term in formula.terms:
            found = self.within(CONCEPTS[term.concept], anchor, end, term.filed)
            if found is None and not term.optional:
                return None
            if found is not None:
                inputs.append((term, found))
        value = sum((term.sign * Decimal(str(one.value)) for term, one in inputs), Decimal(0))
        notes = tuple(dict.fromkeys(note for _, one in inputs for note in one.notes))
        return Figure(
            concept.id, concept.label, self._unit(concept), "derived", value, anchor.start, end,
            facts=facts_of([one for _, one in inputs]), formula=_formula([(t.sign, t.concept) for t, _ in inputs]),
            inputs=tuple(one for _, one in inputs), notes=(*((formula.note,) if formula.note else ()), *notes),
        )  # fmt: skip

    def _checked(self, concept: Concept, found: Figure, anchor: Anchor, end: date) -> Figure:
        """The two warnings of section 1: a gross profit that is not revenue less cost, a segment total."""
        if concept.id == "gross_profit" and found.made == "filed":
            formula = next(step for step in concept.steps if isinstance(step, D))
            derived = self._derived(concept, formula, anchor, end)
            revenue = self.within(CONCEPTS["revenue"], anchor, end)
            if derived and revenue and _gap(derived, found) > Decimal("0.005") * abs(exact(revenue)):
                return replace(derived, notes=(*derived.notes, f"{GROSS_DIFFERS} Filed: {found.value}."))
        if concept.id == "d_and_a":
            return self._all_depreciation(concept, found, anchor, end)
        if concept.id == "operating_income":
            revenue = self.within(CONCEPTS["revenue"], anchor, end)
            costs = self.within(CONCEPTS["costs_and_expenses"], anchor, end)
            if revenue and costs:
                excess = exact(found) - (exact(revenue) - exact(costs))
                if excess > Decimal("0.02") * exact(revenue):
                    return replace(found, notes=(*found.notes, SEGMENT_TOTAL))
        return found

    def _all_depreciation(self, concept: Concept, found: Figure, anchor: Anchor, end: date) -> Figure:
        """The whole where the filing shows that what was found is a part (decision 20)."""
        names = ("depreciation", "amortization", "other_d_and_a", "d_and_a_in_costs")
        parts = {name: self.within(CONCEPTS[name], anchor, end) for name in names}
        dep, amort, other, costs = (Decimal(0) if one is None else exact(one) for one in parts.values())
        value = exact(found)
        summed: tuple[str, ...] = ()
        if found.made == "derived":
            if dep < other < dep + amort:  # it holds depreciation, and not all amortization
                summed = ("other_d_and_a", "amortization")
        elif value < Decimal("0.95") * dep:  # less than a part of it
            summed = ("depreciation", "amortization") if amort else ("depreciation",)
        elif (
            amort and value * Decimal("1.005") < costs <= value + amort
        ):  # a part of it, amortization included, is more
            summed = ("d_and_a_line", "amortization")
        whole = self._derived(concept, D(tuple(map(Term, summed))), anchor, end) if summed else None
        if whole is None:
            return found
        return replace(whole, notes=(*whole.notes, PARTS_APART.format(value=plain(value))))

    def _debt(self, concept: Concept, anchor: Anchor, end: date) -> Figure | None:
        """Algorithm 1a, and the part of it that is due within a year."""
        values = anchor.filed.values
        debt = debt_of(lambda tag: values.get((tag, None, anchor.end)))
        if debt is None:
            return None
        parts = debt.parts if concept.id == "debt" else tuple((1, fact) for fact in debt.current)
        if not parts:
            return None
        value = sum((sign * fact.value for sign, fact in parts), Decimal(0))
        notes = debt.notes if concept.id == "debt" else ()
        made = Figure(concept.id, concept.label, parts[0][1].unit, "filed", value, None, end,
                      facts=tuple(fact for _, fact in parts), notes=notes)  # fmt: skip
        if len(parts) == 1:
            return made
        inputs = tuple(Figure(fact.tag, fact.tag, fact.unit, "filed", fact.value, None, end, facts=(fact,))
                       for _, fact in parts)  # fmt: skip
        return replace(made, made="derived", formula=_formula([(s, f.tag) for s, f in parts]), inputs=inputs)

    def _cover_shares(self, concept: Concept, end: date) -> Figure:
        """The number on the cover of the year's own filing, at its own later date."""
        own = self.calendar.own_filing(end)
        facts: list[Fact] = []
        for one in self.calendar.statements:
            if own is not None and one.filing.accession == own.accession:
                facts = [fact for (tag, _, day), fact in one.values.items() if tag == COVER_SHARES and day >= end]
        if not facts:
            return self._absent(concept, end, "not_reported", ())
        fact = max(facts, key=lambda fact: fact.end)
        note = f"As of {fact.end}, the date of the filing's cover."
        return Figure(concept.id, concept.label, "shares", "filed", fact.value, None, end, facts=(fact,), notes=(note,))

    def _no_investments(self, concept: Concept, end: date) -> Figure:
        """None held, inside the cash line, or lost from sight."""
        cash = self.figure("cash", end)
        if any(fact.tag == "CashCashEquivalentsAndShortTermInvestments" for fact in cash.facts):
            return self._absent(concept, end, "not_reported", (), INSIDE_CASH)
        before = self.calendar.opening(end)
        if before is not None:
            held, assets = self.figure(concept.id, before), self.figure("assets", before)
            if held.present and assets.present and exact(held) > Decimal("0.01") * exact(assets):
                return self._absent(concept, end, "st_investments_not_found", ())
        return self._absent(concept, end, "not_reported", (), NONE_HELD)

    def _liquid_alone(self, concept: Concept, end: date, anchors: Sequence[Anchor]) -> Figure:
        """Cash alone where no short-term investments are held; a gap where they were lost from sight."""
        cash, held = self.figure("cash", end), self.figure("st_investments", end)
        if not cash.present:
            return replace(cash, concept=concept.id, label=concept.label)
        unseen = held.code == NOT_IN_DATA and INSIDE_CASH not in held.notes
        if held.code == "st_investments_not_found" or unseen:
            return replace(held, concept=concept.id, label=concept.label)
        notes = (*cash.notes, *held.notes)
        return replace(cash, concept=concept.id, label=concept.label, made="derived", formula="cash", inputs=(cash,),
                       notes=tuple(dict.fromkeys(notes)))  # fmt: skip


def mark_restated(latest: Figure, first: Figure, calendar: Calendar) -> Figure:
    """The latest figure with the first beside it, where they differ by more than 0.5 % and a unit of rounding."""
    if not (isinstance(latest.value, Decimal) and isinstance(first.value, Decimal)):
        return latest
    if latest.facts[0].filing.accession == first.facts[0].filing.accession:
        return latest
    by_accession = {one.filing.accession: one for one in calendar.filed}
    units = [rounding(by_accession[one.facts[0].filing.accession], one.value) for one in (first, latest)
             if isinstance(one.value, Decimal)]  # fmt: skip
    changed = differs(first.value, units[0], latest.value, units[1])
    return replace(latest, first=first) if changed else latest


def _formula(parts: Sequence[tuple[int, str]]) -> str:
    """Names with their signs: ocf − capex."""
    text = " ".join(f"{'+' if sign > 0 else '−'} {name}" for sign, name in parts)
    return text.removeprefix("+ ")


def facts_of(figures: Sequence[Figure]) -> tuple[Fact, ...]:
    """The facts of several figures, each once, in order."""
    return tuple(dict.fromkeys(fact for one in figures for fact in one.facts))


def exact(figure: Figure) -> Decimal:
    """The value of a concept that is present. Raises TypeError for a ratio or an absent figure."""
    if not isinstance(figure.value, Decimal):
        raise TypeError(f"{figure.concept} at {figure.end} has no exact value")
    return figure.value


def _gap(one: Figure, other: Figure) -> Decimal:
    return abs(exact(one) - exact(other))
