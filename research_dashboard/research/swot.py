"""Which findings are shown, and the results swot_analysis and insights (FINANCE.md, section 5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from research_dashboard.research.analysed import Analysed
from research_dashboard.research.notes import notes_of
from research_dashboard.research.peers import Comparison
from research_dashboard.research.rules import RULES
from research_dashboard.research.rules.engine import QUADRANTS, Trial, Verdict
from research_dashboard.research.stored import facts_json, figure_json

SHOWN_FROM = 30  # score
SHOWN_MOST, SHOWN_LEAST = 5, 3

# A weakness beside a strength on a neighbouring topic is said with “although”: weakness → strengths.
NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "W02": ("S09", "S06"),
    "W04": ("S03", "S05"),
    "W06": ("S08",),
    "W08": ("S07",),
    "W09": ("S09",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict that is shown, and the strength that speaks against it, if one is shown too."""

    verdict: Verdict
    although: Verdict | None = None

    @property
    def sentence(self) -> str:
        """What it says, the strength appended."""
        if self.although is None:
            return self.verdict.sentence
        strength = self.although.sentence
        return f"{self.verdict.sentence}, although {strength[0].lower()}{strength[1:]}"


def judge(subject: Analysed, comparison: Comparison | None) -> list[Verdict]:
    """Every rule tried on the company's newest year; peer rules on the comparison year."""
    return Trial(subject, comparison, RULES).all()


def select(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Of one quadrant: the best of each topic, those of 30 points and more, at most five; at least the best three."""
    best: dict[str, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda v: (-v.score, v.rule.id)):
        if verdict.fired:
            best.setdefault(verdict.rule.topic, verdict)
    ordered = list(best.values())
    high = [verdict for verdict in ordered if verdict.score >= SHOWN_FROM]
    return high[:SHOWN_MOST] if len(high) >= SHOWN_LEAST else ordered[:SHOWN_LEAST]


def findings(verdicts: Sequence[Verdict]) -> dict[str, list[Finding]]:
    """What is shown, by quadrant."""
    shown = {name: select(v for v in verdicts if v.rule.quadrant == name) for name in QUADRANTS}
    strengths = {verdict.rule.id: verdict for verdict in shown["strengths"]}

    def against(verdict: Verdict) -> Verdict | None:
        return next((strengths[id_] for id_ in NEIGHBOURS.get(verdict.rule.id, ()) if id_ in strengths), None)

    return {name: [Finding(verdict, against(verdict)) for verdict in chosen] for name, chosen in shown.items()}


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding with its rule, its figures and the ids of their facts."""
    verdict = finding.verdict
    return {
        "rule": verdict.rule.id,
        "topic": verdict.rule.topic,
        "quadrant": verdict.rule.quadrant,
        "sentence": finding.sentence,
        "score": verdict.score,
        "although": finding.although is not None,
        "figures": [
            figure_json(used.figure, used.label) | {"company": used.company.name, "cik": used.company.cik}
            for used in verdict.used
        ],
        "facts": sorted({fact.id for used in verdict.used for fact in used.figure.facts}),
    }


def swot_analysis(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The result: findings by quadrant, and how many rules fired and could be tested."""
    shown = findings(verdicts)
    used = [used.figure for chosen in shown.values() for finding in chosen for used in finding.verdict.used]
    return {
        **{name: [finding_json(finding) for finding in chosen] for name, chosen in shown.items()},
        "rules": len(verdicts),
        "tested": sum(verdict.state != "untested" for verdict in verdicts),
        "fired": sum(verdict.fired for verdict in verdicts),
        "untested": [verdict.rule.id for verdict in verdicts if verdict.state == "untested"],
        "facts": facts_json(used),
    }


def insights(verdicts: Sequence[Verdict], subject: Analysed) -> dict[str, Any]:
    """The result: all findings shown, best first, and the notes a reader needs beside them."""
    shown = [finding for chosen in findings(verdicts).values() for finding in chosen]
    shown.sort(key=lambda finding: (-finding.verdict.score, finding.verdict.rule.id))
    return {
        "count": len(shown),
        "findings": [finding_json(finding) for finding in shown],
        "notes": notes_of(subject),
        "facts": facts_json(used.figure for finding in shown for used in finding.verdict.used),
    }
