"""/rules: every concept, ratio and rule, as the research itself has them."""

from flask import render_template

from research_dashboard.research.rulebook import rulebook
from research_dashboard.research.wording import listed

QUADRANTS = {key: key.title() for key in ("strengths", "weaknesses", "opportunities", "threats")}
SECTORS = {
    "bank": "banks",
    "insurer": "insurers",
    "utility": "utilities",
    "reit": "REITs",
    "general": "other companies",
}


def rules() -> str:
    """How figures are found, computed and judged: concepts with their tags, ratios, rules with their thresholds."""
    book = rulebook()
    labels = {row["id"]: row["label"] for row in (*book["concepts"], *book["ratios"])}
    return render_template("rules/index.html", book=book, labels=labels, quadrants=QUADRANTS, sectors=_sectors)


def _sectors(kinds: list[str]) -> str:
    """Not for banks and insurers; or, where it is for few, only for those."""
    few = [name for kind, name in SECTORS.items() if kind not in kinds]
    if "general" in kinds and few:
        return f"Only for {listed(few)}."
    return f"Not for {listed([SECTORS.get(kind, kind) for kind in kinds])}."
