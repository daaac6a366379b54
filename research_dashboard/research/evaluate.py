"""A ratio for a year: its operands fetched, its tests asked in order, its facts gathered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from research_dashboard.research.concepts import CONCEPTS, Sector
from research_dashboard.research.debt import HOLDS_LEASES
from research_dashboard.research.figures import NOT_IN_DATA, Figures, exact, facts_of
from research_dashboard.research.model import Figure
from research_dashboard.research.ratios import (
    CAGR_YEARS,
    GROWTHS,
    RATIOS,
    REFUSALS,
    Growth,
    Ratio,
    growth_refusal,
)

Ask = Callable[[str, date], Figure]

NET_DEBT = {"nd": "Net debt", "nd_leases": "Net debt incl. finance leases"}
EVERY_RATIO: tuple[str, ...] = (*GROWTHS, *CAGR_YEARS, *RATIOS, *NET_DEBT)
LABELS: dict[str, str] = {
    **{concept.id: concept.label for concept in CONCEPTS.values()},
    **{ratio.id: ratio.label for ratio in RATIOS.values()},
    **{growth.id: growth.label for growth in GROWTHS.values()},
    **{id: f"Revenue growth a year, {years} years" for id, years in CAGR_YEARS.items()},
    **NET_DEBT,
}
SHOWN_AS = {"accrued_inside": "partial_tag_only", "operating_loss": "loss"}  # reasons that share a code of section 3


class Evaluator:
    """Ratios over one company's figures. `ask` gives a figure of a concept or a ratio, kept by whoever owns it."""

    def __init__(self, figures: Figures, ask: Ask) -> None:
        self.figures, self.ask = figures, ask
        self.sector: Sector = figures.sector

    def ratio(self, id: str, end: date) -> Figure:
        """The ratio for the year that ends on a day. Raises KeyError for an unknown id."""
        found = self._ratio(id, end)
        if self.figures.selection_of and found.code in {"no_prior_year", "no_opening_balance"}:
            reason = REFUSALS[NOT_IN_DATA].format(label=found.label, selection=self.figures.selection)
            return replace(found, code=NOT_IN_DATA, reason=reason)
        return found

    def _ratio(self, id: str, end: date) -> Figure:
        if id in GROWTHS:
            return self._growth(GROWTHS[id], end)
        if id in CAGR_YEARS:
            return self._cagr(id, CAGR_YEARS[id], end)
        if id in NET_DEBT:
            return self._net_debt(id, end)
        return self._quotient(RATIOS[id], end)

    def _quotient(self, ratio: Ratio, end: date) -> Figure:
        values: dict[str, float] = {}
        used: list[Figure] = []
        blank = _Blank(ratio.id, ratio.label, ratio.unit, ratio.formula, end, ratio.divisor, self.sector)
        missing: list[Figure] = []
        if self.sector in ratio.not_for:
            return blank.refused("not_applicable_sector", self._at_hand(ratio, end))
        for operand in ratio.operands:
            found = self._operand(operand, end, values)
            absent = next((one for one in found if not one.present), None)
            if absent is None:
                used += found
            elif operand in ratio.optional and absent.code != NOT_IN_DATA:
                missing.append(absent)
            else:
                return blank.without(absent, found)
        if ratio.optional and len(missing) == len(ratio.optional):
            return blank.without(missing[0], missing)
        for operand in ratio.also:
            self._operand(operand, end, values)
        for test in (*ratio.before, _own_tests(ratio.id, used)):
            code = test(values)
            if code is not None:
                return blank.refused(code, used)
        result = ratio.compute(values)
        for test in ratio.after:
            code = test({**values, "result": result})
            if code is not None:
                return replace(blank.refused(code, used), raw=result)
        return blank.made(result, used, *(f"{one.label}: counted as nothing, not reported." for one in missing))

    def _at_hand(self, ratio: Ratio, end: date) -> list[Figure]:
        """The operands that are there: shown beside a ratio that does not apply."""
        return [one for operand in ratio.operands for one in self._operand(operand, end, {}) if one.present]

    def _operand(self, operand: str, end: date, values: dict[str, float]) -> list[Figure]:
        """The figures of an operand, its value put down where all of them are present."""
        if not operand.startswith("avg "):
            found = [self.ask(operand, end)]
        else:
            concept = operand.removeprefix("avg ")
            closing = self.ask(concept, end)
            opening = self._opening(concept, end) if closing.present else None
            found = [closing] if opening is None else [closing, opening]
        if all(one.present for one in found):
            numbers = [float(one.value) for one in found if one.value is not None]
            values[operand] = sum(numbers) / len(numbers)
            if len(numbers) == 2:
                values[found[0].concept], values[f"{found[0].concept}[-1]"] = numbers
        return found

    def _opening(self, concept: str, end: date) -> Figure:
        """The balance 350 to 380 days before; absent with `no_opening_balance`."""
        before = self.figures.calendar.opening(end)
        found = self.ask(concept, before) if before is not None else None
        if found is not None and (found.present or found.code == NOT_IN_DATA):
            return found
        label = LABELS[concept].lower()
        reason = REFUSALS["no_opening_balance"].format(label=label)
        if found is not None and found.reason:
            reason += f" {found.reason}"
        tried = found.tags_tried if found is not None else ()
        return Figure(concept, LABELS[concept], "USD", "absent", None, None, before or end,
                      code="no_opening_balance", reason=reason, tags_tried=tried)  # fmt: skip

    def _growth(self, growth: Growth, end: date) -> Figure:
        formula = f"{growth.concept} / {growth.concept}[-1] − 1"
        blank = _Blank(growth.id, growth.label, "percent", formula, end, "the prior year's value", self.sector)
        current = self.ask(growth.concept, end)
        if not current.present:
            return blank.without(current, [current])
        if self.sector in growth.not_for:
            return blank.refused("not_applicable_sector", [current])
        instant = CONCEPTS[growth.concept].kind == "instant"
        calendar = self.figures.calendar
        before = calendar.previous(end)
        prior = calendar.opening(end) if instant else before.end if before else None
        pair = self.figures.pair(growth.concept, end, prior) if prior is not None else None
        if pair is None:
            return blank.refused("no_prior_year", [current])
        now, then = exact(pair[0]), exact(pair[1])
        code = growth_refusal(now, then)
        return blank.refused(code, pair) if code else blank.made(float(now / then - 1), pair)

    def _cagr(self, id: str, years: int, end: date) -> Figure:
        formula = f"(revenue / revenue[-{years}])^(1/{years}) − 1"
        blank = _Blank(id, LABELS[id], "percent", formula, end, "revenue", self.sector)
        chain = [self.ask("revenue", end)]
        if not chain[0].present:
            return blank.without(chain[0], chain)
        day = end
        for _ in range(years):
            before = self.figures.calendar.previous(day)
            if before is None:
                return blank.refused("no_prior_year", chain[:1])
            day = before.end
            chain.append(self.ask("revenue", day))
            if not chain[-1].present:
                return blank.without(chain[-1], chain[-1:])
        now, then = exact(chain[0]), exact(chain[-1])
        ends = [chain[0], chain[-1]]
        if now <= 0 or then <= 0:
            return blank.refused("negative_base", ends)
        tags = list(dict.fromkeys(one.facts[0].tag for one in reversed(chain)))
        notes = (f"The tag of revenue changed: {', then '.join(tags)}.",) if len(tags) > 1 else ()
        return blank.made(float(now / then) ** (1 / years) - 1, ends, *notes)

    def _net_debt(self, id: str, end: date) -> Figure:
        """Debt less liquid funds; the second id adds finance leases where the debt line does not hold them."""
        debt, liquid = self.ask("debt", end), self.ask("liquid", end)
        used, formula = [debt, liquid], "debt − liquid"
        if id == "nd_leases" and HOLDS_LEASES not in debt.notes:
            used.append(self.ask("finance_leases", end))
            formula += " + finance_leases"
        blank = _Blank(id, NET_DEBT[id], self.figures.currency, formula, end, "", self.sector)
        absent = next((one for one in used if not one.present), None)
        if absent is not None:
            return blank.without(absent, used)
        signs = (1, -1, 1)
        value = sum((sign * Decimal(str(one.value)) for sign, one in zip(signs, used, strict=False)), Decimal(0))
        return blank.made(value, used)


@dataclass(frozen=True, slots=True)
class _Blank:
    """A ratio of a year before it has a value: filled in by one of three endings."""

    id: str
    label: str
    unit: str
    formula: str
    end: date
    divisor: str  # in words, for the reason of a refusal
    sector: str

    def made(self, value: Decimal | float, used: Sequence[Figure], *notes: str) -> Figure:
        """The value, over its inputs."""
        inherited = [note for one in used for note in one.notes]
        return Figure(
            self.id, self.label, self.unit, "formula", value, self._start(used), self.end, facts=facts_of(used),
            formula=self.formula, inputs=tuple(used), notes=tuple(dict.fromkeys((*notes, *inherited))),
        )  # fmt: skip

    def refused(self, code: str, used: Sequence[Figure]) -> Figure:
        """n/m or n/a: the inputs are there and shown, the ratio would mean nothing."""
        reason = REFUSALS[code].format(divisor=self.divisor, label=self.label, sector=self.sector)
        return Figure(
            self.id, self.label, self.unit, "absent", None, self._start(used), self.end, facts=facts_of(used),
            formula=self.formula, inputs=tuple(used), code=SHOWN_AS.get(code, code), reason=reason,
        )  # fmt: skip

    def without(self, absent: Figure, used: Sequence[Figure]) -> Figure:
        """An input is missing: its code and the tags tried are the ratio's too."""
        code, reason = absent.code or "not_reported", absent.reason
        if self.id == "roic" and absent.concept == "etr" and code not in {"not_reported", NOT_IN_DATA}:
            code, reason = "tax_rate_unusable", REFUSALS["tax_rate_unusable"]
        present = tuple(one for one in used if one.present)
        return Figure(
            self.id, self.label, self.unit, "absent", None, self._start(used), self.end, facts=facts_of(present),
            formula=self.formula, inputs=present, code=code, reason=reason, tags_tried=absent.tags_tried,
        )  # fmt: skip

    def _start(self, used: Sequence[Figure]) -> date | None:
        return next((one.start for one in used if one.start is not None and one.end == self.end), None)


def _own_tests(id: str, used: Sequence[Figure]) -> Callable[[object], str | None]:
    """DPO needs trade payables alone: a tag with accrued liabilities inside is refused."""
    accrued = id == "dpo" and any(
        fact.tag == "AccountsPayableAndAccruedLiabilitiesCurrent" for one in used for fact in one.facts
    )
    return lambda _: "accrued_inside" if accrued else None
