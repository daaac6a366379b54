"""What changed between two runs on one company, read from their stored results (FINANCE.md, section 6).

Figures are matched by concept and period end. A new period is set against the year before it in the new run, never
against the old run. What lies below the thresholds is kept apart, so that a page can count it and fold it away.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from research_dashboard.research.changes.findings import finding_changes
from research_dashboard.research.changes.materiality import Judgement, judge_filed, judge_ratio
from research_dashboard.research.changes.peers import peer_changes
from research_dashboard.research.wording import change, in_words, long_date, year_ended

Results = Mapping[str, Any]  # result type -> stored result
Change = dict[str, Any]
Figures = Mapping[tuple[str, str], Mapping[str, Any]]  # (concept, period end) -> figure

# In the order they are told.
KINDS = (
    "rules_changed", "as_of_changed", "new_period", "split", "restated", "tag_changed", "appeared", "became_absent",
    "ratio", "peers_changed", "standing", "finding_moved", "finding_new", "finding_gone",
)  # fmt: skip

TOLD_OF_A_NEW_YEAR = ("revenue", "operating_income", "net_income", "ocf", "fcf", "debt")


def what_changed(before: Results, after: Results) -> dict[str, Any]:
    """All changes from one run's results to another's, in the order of KINDS; `small` are those below the thresholds.

    When the rules differ, only filed figures are compared: a ratio or finding may have changed with its rule.
    """
    old, new = before.get("manifest") or {}, after.get("manifest") or {}
    same_rules = old.get("rules_version") == new.get("rules_version")
    found = [*_terms(old, new), *_new_periods(before, after), *_filed(before, after)]
    if same_rules:
        found += [*_ratios(before, after), *peer_changes(before, after), *finding_changes(before, after)]
    told = [entry for entry in found if entry["material"]]
    told.sort(key=lambda entry: (KINDS.index(entry["kind"]), not entry.get("major", False)))
    small = [entry for entry in found if not entry["material"] and entry["kind"] != "refiled"]
    return {
        "same_rules": same_rules,
        "changes": told,
        "small": small,
        "refiled": sum(entry["kind"] == "refiled" for entry in found),
        "nothing": not told,
    }


def _terms(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """The rules and the as-of date that the runs were made by."""
    for key, kind, words in (
        (
            "rules_version",
            "rules_changed",
            "Rules changed: version {} before, {} now. Ratios and findings are not compared.",
        ),
        ("as_of", "as_of_changed", "The data are as of {} before, {} now."),
    ):
        if old.get(key) != new.get(key):
            shown = [_as_written(key, side.get(key)) for side in (old, new)]
            yield {
                "kind": kind,
                "text": words.format(*shown),
                "material": True,
                "before": old.get(key),
                "after": new.get(key),
            }


def _as_written(key: str, value: Any) -> str:
    if value is None:
        return "unknown"
    return long_date(value) if key == "as_of" else str(value)


def _table(results: Results, part: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The figures of financial_health by concept and period end; part is concepts or ratios."""
    table: Mapping[str, Sequence[Mapping[str, Any]]] = (results.get("financial_health") or {}).get(part) or {}
    return {(concept, figure["period"]["end"]): figure for concept, row in table.items() for figure in row}


def _years(results: Results) -> dict[str, Mapping[str, Any]]:
    return {year["end"]: year for year in (results.get("financial_health") or {}).get("years") or []}


def _new_periods(before: Results, after: Results) -> Iterator[Change]:
    """Fiscal years the old run did not have: their main figures against the year before, in the new run."""
    old, new = _years(before), _years(after)
    figures = _table(after, "concepts")
    newest_known = max(old, default="")
    ends = sorted(new)
    for place, end in enumerate(ends):
        if end in old or end < newest_known:
            continue
        previous = ends[place - 1] if place else None
        told = []
        for concept in TOLD_OF_A_NEW_YEAR:
            now = figures.get((concept, end))
            if now is not None and now.get("value") is not None:
                then = figures.get((concept, previous)) if previous else None
                moved = f" ({change(now, then)})" if then is not None and then.get("value") is not None else ""
                told.append(f"{now['label'].lower()} {in_words(now)}{moved}")
        against = f", against {new[previous]['label']}" if previous and told else ""
        text = f"New: {year_ended(new[end]['label'], end)}{against}: {', '.join(told)}" if told else f"New: {end}"
        yield {"kind": "new_period", "text": text, "material": True, "end": end, "period_label": new[end]["label"]}


def _filed(before: Results, after: Results) -> Iterator[Change]:
    """Filed and derived figures of the periods that both runs have."""
    old, new = _table(before, "concepts"), _table(after, "concepts")
    for key in new:
        if key in old and (entry := _compare(old, new, key)) is not None:
            yield entry


def _compare(old: Figures, new: Figures, key: tuple[str, str]) -> Change | None:
    """What became of one filed figure; None where nothing did."""
    was, now = old[key], new[key]
    if was.get("value") is None or now.get("value") is None:
        return _presence(was, now)
    if was["value"] == now["value"] and was.get("tag") == now.get("tag"):
        newer = _accessions(was) != _accessions(now)
        return _entry("refiled", now, "", Judgement(material=False)) if newer else None
    words = f"{_name(now)}: {in_words(was)} before, {in_words(now)} now"
    if was["value"] == now["value"]:
        tags = f"{_name(now)} is now read from {now.get('tag', 'a formula')}, before from {was.get('tag', 'a formula')}"
        return _entry("tag_changed", now, tags, Judgement(material=True), was)
    judgement = judge_filed(old, new, key)
    kind = "split" if judgement.split else "restated"
    if kind == "restated" and _accessions(was) == _accessions(now) and was.get("tag") != now.get("tag"):
        kind = "tag_changed"
    return _entry(kind, now, f"{words} ({change(now, was)})", judgement, was)


def _presence(was: Mapping[str, Any], now: Mapping[str, Any]) -> Change | None:
    """A figure that came or went, with the code of its absence."""
    if was.get("value") is None and now.get("value") is None:
        return None
    if now.get("value") is not None:
        text = f"{_name(now)} is now filed: {in_words(now)}; before {in_words(was)} ({was.get('code')})"
        return _entry("appeared", now, text, Judgement(material=True), was)
    text = f"{_name(now)} is now {in_words(now)} ({now.get('code')}); before {in_words(was)}"
    return _entry("became_absent", now, text, Judgement(material=True), was)


def _ratios(before: Results, after: Results) -> Iterator[Change]:
    """Ratios of the periods that both runs have; a change names the input that moved most."""
    old, new = _table(before, "ratios"), _table(after, "ratios")
    for key, now in new.items():
        was = old.get(key)
        if was is None or was.get("value") == now.get("value"):
            continue
        if was.get("value") is None or now.get("value") is None:
            entry = _presence(was, now)
        else:
            text = f"{_name(now)}: {in_words(was)} before, {in_words(now)} now ({change(now, was)})"
            entry = _entry("ratio", now, text, judge_ratio(was, now), was)
        if entry is not None:
            cause = moved_most(was, now)
            yield entry | ({"cause": cause, "text": f"{entry['text']}: {cause} moved most"} if cause else {})


def moved_most(was: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The input of a ratio that changed by the largest part of itself; None where the inputs are the same."""
    inputs = {(used["concept"], used["end"]): used.get("value") for used in was.get("inputs", ())}
    moves: dict[str, float] = {}
    for used in now.get("inputs", ()):
        then, value = inputs.get((used["concept"], used["end"])), used.get("value")
        if then == value:
            continue
        part = float("inf") if not then or value is None else abs(float(value) / float(then) - 1)
        moves[used["concept"]] = max(part, moves.get(used["concept"], 0.0))
    return max(moves, key=lambda concept: moves[concept]).replace("_", " ") if moves else None


def _accessions(figure: Mapping[str, Any]) -> Any:
    """The filing a figure stands in; for a formula, its facts."""
    return figure.get("accession") or tuple(figure.get("facts", ()))


def _name(figure: Mapping[str, Any]) -> str:
    return f"{figure['label']} of {figure['period'].get('label') or long_date(figure['period']['end'])}"


def _entry(
    kind: str, now: Mapping[str, Any], text: str, judgement: Judgement, was: Mapping[str, Any] | None = None
) -> Change:
    return {
        "kind": kind,
        "text": text,
        "material": judgement.material,
        "major": judgement.major,
        "concept": now["concept"],
        "label": now["label"],
        "end": now["period"]["end"],
        "period_label": now["period"].get("label"),
        "unit": now["unit"],
        "before": was.get("value") if was else now.get("value"),
        "after": now.get("value"),
    }
