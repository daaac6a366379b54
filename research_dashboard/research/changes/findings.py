"""Findings that are new, gone, or have moved to another quadrant."""

from collections.abc import Iterator, Mapping
from typing import Any

from research_dashboard.research.rules.engine import QUADRANTS

Results = Mapping[str, Any]
Change = dict[str, Any]


def _findings(results: Results) -> dict[str, Mapping[str, Any]]:
    """By rule."""
    swot = results.get("swot_analysis") or {}
    return {finding["rule"]: finding for quadrant in QUADRANTS for finding in swot.get(quadrant) or ()}


def finding_changes(before: Results, after: Results) -> Iterator[Change]:
    """Rules are matched by id; a topic that left one quadrant and entered another has moved."""
    old, new = _findings(before), _findings(after)
    came = {rule: finding for rule, finding in new.items() if rule not in old}
    went = {rule: finding for rule, finding in old.items() if rule not in new}
    for finding in came.values():
        topic = finding["topic"]
        left = next(
            (other for other, was in went.items() if was["topic"] == topic and was["quadrant"] != finding["quadrant"]),
            None,
        )
        if left is None:
            yield _entry("finding_new", finding, f"New in {finding['quadrant']}: {finding['sentence']}")
            continue
        was = went.pop(left)
        text = f"From {was['quadrant']} to {finding['quadrant']}: {finding['sentence']}; before: {was['sentence']}"
        yield _entry("finding_moved", finding, text) | {"from": was["quadrant"], "from_rule": left}
    for finding in went.values():
        yield _entry("finding_gone", finding, f"No longer in {finding['quadrant']}: {finding['sentence']}")


def _entry(kind: str, finding: Mapping[str, Any], text: str) -> Change:
    return {"kind": kind, "text": text, "material": True, "rule": finding["rule"], "quadrant": finding["quadrant"]}
