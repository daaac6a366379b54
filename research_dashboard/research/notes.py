"""Notes: what a reader must know beside the findings, without judging (FINANCE.md, section 5, “Notes”)."""

from typing import Any

from research_dashboard.research.analysed import Analysed, reading
from research_dashboard.research.rules.engine import holds_leases
from research_dashboard.research.wording import money_words, percent

LEASES_FROM = 0.25  # finance leases against debt


def notes_of(subject: Analysed) -> list[dict[str, Any]]:
    """The notes of the analysis, and those on finance leases; each {kind, text, end?}."""
    return [dict(note) for note in subject.notes] + _finance_leases(subject)


def _finance_leases(subject: Analysed) -> list[dict[str, Any]]:
    """Finance leases of a quarter of debt or more, which the debt line does not hold."""
    if not subject.years:
        return []
    end = subject.latest.end
    debt_figure, leases = subject.figure("debt", end), reading(subject.figure("finance_leases", end))
    debt = reading(debt_figure)
    if debt is None or leases is None or debt <= 0 or leases < LEASES_FROM * debt or holds_leases(debt_figure):
        return []
    amount, part = money_words(leases, subject.currency), percent(100 * leases / debt)
    text = f"Finance leases of {amount} stand beside the debt: {part} of it, and not in it."
    return [{"kind": "finance_leases", "text": text, "end": end.isoformat()}]
