"""What the page /rules shows: every concept, ratio and rule, read from the very tables that the research runs on."""

from collections.abc import Iterable
from typing import Any

from research_dashboard.research.concepts import CONCEPTS, DEBT_TAGS, Concept, D, Sector, Step
from research_dashboard.research.crowd import MOST, STALE_DAYS
from research_dashboard.research.evaluate import LABELS, NET_DEBT, SHOWN_AS
from research_dashboard.research.meanings import MEANINGS
from research_dashboard.research.peers import CLOSE_FROM, ENOUGH_FROM, WIDE_FROM
from research_dashboard.research.ratios import CAGR_YEARS, GROWTHS, RATIOS, Ratio
from research_dashboard.research.rules import RULES, RULES_VERSION
from research_dashboard.research.rules.engine import QUADRANTS, SPAN, Rule
from research_dashboard.research.swot import SHOWN_FROM, SHOWN_LEAST, SHOWN_MOST
from research_dashboard.research.wording import ABSENT, counted

NAMES = {"F": "first of", "L": "largest of"}
GROWTH_CODES = ("no_prior_year", "negative_base", "base_near_zero")


def rulebook() -> dict[str, Any]:
    """All of it as plain JSON: version, concepts, ratios, rules by quadrant, and the codes of absent figures."""
    return {
        "version": RULES_VERSION,
        "concepts": [concept_row(concept) for concept in CONCEPTS.values()],
        "ratios": ratio_rows(),
        "rules": {name: [rule_row(rule) for rule in RULES if rule.quadrant == name] for name in QUADRANTS},
        "score": f"base + {SPAN} × the excess over the threshold as part of the scale, between 0 and 1",
        "selection": (
            f"The best finding of each topic, those of {SHOWN_FROM} points and more, at most {SHOWN_MOST} a quadrant; "
            f"the best {counted(SHOWN_LEAST, 'finding')} where fewer reach that."
        ),
        "peers": peer_rules(),
        "codes": [{"code": code, "mark": absent.mark, "reason": absent.reason} for code, absent in ABSENT.items()],
    }


def peer_rules() -> list[str]:
    """How a set of peers comes about, with the numbers that choose it."""
    return [
        "The peers you choose are all taken, and nothing is widened.",
        "Otherwise companies of the same four-digit industry code (SIC); where fewer than "
        f"{ENOUGH_FROM} have revenue in the comparison year, of its first three digits, its first two, the SEC's "
        "review office, then all that are loaded.",
        f"Where more than {MOST} companies belong to a level, the {MOST} whose newest revenue is nearest to the "
        "subject's, as a ratio, are compared, and the page says so.",
        f"Left out, with the reason, is who reports in another currency, whose newest year ended more than "
        f"{round(STALE_DAYS * 12 / 365)} months before the as-of date, or who has no revenue in the comparison year.",
        f"Rules read a set only from {CLOSE_FROM} peers of one industry on, the narrowest there is; a rule of growth "
        f"also one of {WIDE_FROM} peers of one review office. The sentence names the set, which may be another than "
        "the table's.",
    ]


def concept_row(concept: Concept) -> dict[str, Any]:
    """How a concept is found: its steps in order, within one filing and one period."""
    return {
        "id": concept.id,
        "label": concept.label,
        "unit": concept.unit,
        "kind": "over the year" if concept.kind == "duration" else "at the year’s end",
        "steps": _steps(concept.steps) if concept.steps else _debt_steps(),
        "bank_steps": _steps(concept.bank),
        "partial_tags": list(concept.partial),
        "not_for": sorted(concept.not_for),
        "notes": [{"tag": tag, "text": text} for tag, text in concept.notes.items()],
        "shown": concept.shown,
        "codes": [
            "not_reported",
            *(["partial_tag_only"] if concept.partial else []),
            *(["negative_payment"] if concept.outflow else []),
            *_sector_code(concept.not_for),
        ],
    }


def _steps(steps: Iterable[Step | D]) -> list[dict[str, Any]]:
    """Each step in words and tags, or as a formula."""
    rows: list[dict[str, Any]] = []
    for step in steps:
        if isinstance(step, Step):
            rows.append({"how": NAMES[step.rule], "tags": list(step.tags), "note": step.note})
        else:
            terms = [f"{'−' if term.sign < 0 else '+'} {term.concept}" for term in step.terms]
            rows.append({"how": "formula", "formula": " ".join(terms).removeprefix("+ "), "note": step.note})
    return rows


def _debt_steps() -> list[dict[str, Any]]:
    """Debt is an algorithm over groups of tags rather than a list of steps."""
    return [{"how": group, "tags": list(tags), "note": None} for group, tags in DEBT_TAGS.items()]


def ratio_rows() -> list[dict[str, Any]]:
    """Growth rates, ratios and net debt: formula, unit, and the codes with which they can be absent."""
    rows: list[tuple[str, str, str, tuple[str, ...], frozenset[Sector]]] = [
        (growth.id, "percent", f"{growth.concept} / {growth.concept}[-1] − 1", GROWTH_CODES, growth.not_for)
        for growth in GROWTHS.values()
    ]
    rows += [
        (name, "percent", f"(revenue / revenue[-{years}])^(1/{years}) − 1", GROWTH_CODES, frozenset())
        for name, years in CAGR_YEARS.items()
    ]
    rows += [(one.id, one.unit, one.formula, ratio_codes(one), one.not_for) for one in RATIOS.values()]
    formulas = zip(NET_DEBT, ("debt − liquid", "debt − liquid + finance_leases"), strict=True)
    rows += [(name, "USD", formula, ("st_investments_not_found",), frozenset()) for name, formula in formulas]
    return [
        {
            "id": name,
            "label": LABELS[name],
            "meaning": MEANINGS[name],
            "unit": unit,
            "formula": formula,
            "not_for": sorted(not_for),
            "codes": ["not_reported", *codes, *_sector_code(not_for)],
        }
        for name, unit, formula, codes, not_for in rows
    ]


def _sector_code(not_for: Iterable[str]) -> list[str]:
    return ["not_applicable_sector"] if list(not_for) else []


def ratio_codes(ratio: Ratio) -> tuple[str, ...]:
    """The codes a ratio's own tests can give, found by asking them: all inputs negative, zero, tiny, or too large."""
    operands = {*ratio.operands, *ratio.also, *(name.removeprefix("avg ") for name in ratio.operands)}
    ample = dict.fromkeys(operands, 1e9) | {"result": 0.25}
    probes = [
        dict.fromkeys(operands, -1.0) | {"result": -1.0},
        dict.fromkeys(operands, 0.0) | {"result": 9.0},
        ample | {"equity": 1.0, "net_income": 1.0},
    ]
    codes = ["no_opening_balance"] if any(name.startswith("avg ") for name in ratio.operands) else []
    for test in (*ratio.before, *ratio.after):
        for values in probes:
            code = test(values)
            if code is not None and (stored := SHOWN_AS.get(code, code)) not in codes:
                codes.append(stored)
    return tuple(codes)


def rule_row(rule: Rule) -> dict[str, Any]:
    """A rule as the page shows it."""
    return {
        "id": rule.id,
        "topic": rule.topic.replace("_", " "),
        "quadrant": rule.quadrant,
        "when": rule.when,
        "base": rule.base,
        "score": rule.score,
        "sentence": rule.sentence,
        "inputs": list(rule.inputs),
        "optional": list(rule.optional),
        "peers": rule.peers,
        "silenced_by": list(rule.unless),
        "not_for": list(rule.not_for),
    }
