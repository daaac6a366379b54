"""What changed between two runs on one company, read from their stored results (FINANCE.md, section 6).

Figures are matched by concept, period end and view. A new period is set against the year before it in the new run,
never against the old run. What lies below the thresholds is kept apart, so that a page can count it and fold it away.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from research_dashboard.research.changes.filings import new_filings
from research_dashboard.research.changes.findings import finding_changes
from research_dashboard.research.changes.materiality import Judgement, judge_filed, judge_ratio
from research_dashboard.research.changes.peers import peer_changes
from research_dashboard.research.wording import change, in_words, long_date, year_ended

Results = Mapping[str, Any]  # result type -> stored result
Change = dict[str, Any]
Figures = Mapping[tuple[str, str], Mapping[str, Any]]  # (concept, period end) -> figure

# In the order they are told.
KINDS = (
    "rules_changed", "new_period", "restated", "split", "tag_changed", "appeared", "became_absent", "ratio",
    "peers_changed", "standing", "as_of_changed", "source_changed", "finding_new", "finding_gone", "finding_moved",
)  # fmt: skip
A_YEAR_BEFORE = range(350, 381)  # days between the ends of two years of which one is the other's prior year

TOLD_OF_A_NEW_YEAR = ("revenue", "operating_income", "net_income", "ocf", "fcf", "debt")


def what_changed(before: Results, after: Results) -> dict[str, Any]:
    """All changes from one run's results to another's, in the order of KINDS; `small` are those below the thresholds.

    When the rules differ, only filed figures are compared: a ratio or finding may have changed with its rule.
    `filings` are those that the old run did not know yet; they are news by themselves, whatever figures they brought.
    """
    old, new = before.get("manifest") or {}, after.get("manifest") or {}
    same_rules = old.get("rules_version") == new.get("rules_version")
    found = [*_terms(old, new), *_new_periods(before, after), *_filed(before, after)]
    if same_rules:
        found += [*_ratios(before, after), *peer_changes(before, after), *finding_changes(before, after)]
    told = [entry for entry in found if entry["material"]]
    told.sort(key=lambda entry: (KINDS.index(entry["kind"]), not entry.get("major", False)))
    small = [entry for entry in found if not entry["material"] and entry["kind"] != "refiled"]
    filings = new_filings(before, after)
    return {
        "same_rules": same_rules,
        "filings": filings,
        "changes": told,
        "small": small,
        "refiled": sum(entry["kind"] == "refiled" for entry in found),
        "nothing": not filings and all(entry["kind"] == "as_of_changed" for entry in told),  # a later day is no news
    }


TERMS = (
    (
        "rules_version",
        "rules_changed",
        "Rules changed: version {} before, {} now. Ratios and findings are not compared.",
    ),
    ("as_of", "as_of_changed", "The data are as of {} before, {} now."),
    ("source", "source_changed", "The figures come from another source: {} before, {} now."),
)


def _terms(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """The rules, the as-of date and the source that the runs were made by."""
    for key, kind, words in TERMS:
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
    """The figures of financial_health by concept and period end; part is concepts or ratios.

    A filed or derived figure keeps the filings it stands in, by their accessions.
    """
    health = results.get("financial_health") or {}
    table: Mapping[str, Sequence[Mapping[str, Any]]] = health.get(part) or {}
    facts = health.get("facts") or {}
    return {
        (concept, figure["period"]["end"]): {**figure, "stands_in": _stands_in(figure, facts)}
        for concept, row in table.items()
        for figure in row
    }


def _stands_in(figure: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The filings of a figure: its own, or those of its facts; each once."""
    if figure.get("accession"):
        return [{key: figure.get(key) for key in ("accession", "form", "filed", "url")}]
    used = [facts[str(fact)] for fact in figure.get("facts") or () if str(fact) in facts]
    found = {fact["accession"]: {key: fact.get(key) for key in ("accession", "form", "filed", "url")} for fact in used}
    return [found[accession] for accession in sorted(found)]


def _same_view(before: Results, after: Results) -> bool:
    """A figure of the first view and one of the latest are two different things."""
    views = [(results.get("financial_health") or {}).get("view") for results in (before, after)]
    return views[0] == views[1] or None in views


def _years(results: Results, *names: str) -> dict[str, Mapping[str, Any]]:
    health = results.get("financial_health") or {}
    return {year["end"]: year for name in names for year in health.get(name) or ()}


def _new_periods(before: Results, after: Results) -> Iterator[Change]:
    """Fiscal years the old run did not have: their main figures against the year before, in the new run."""
    seen, new = _years(before, "earlier_years", "years"), _years(after, "years")
    figures = _table(after, "concepts")
    for end in sorted(new):
        if end in seen:
            continue
        prior = next((other for other in new if _days(other, end) in A_YEAR_BEFORE), None)
        told, main = [], []
        for concept in TOLD_OF_A_NEW_YEAR:
            now = figures.get((concept, end))
            if now is None or now.get("value") is None:
                continue
            then = figures.get((concept, prior)) if prior else None
            moved = change(now, then) if then is not None and then.get("value") is not None else ""
            told.append(f"{now['label'].lower()} {in_words(now)}{f' ({moved})' if moved else ''}")
            main.append({**_sides(now, then), "change": moved})
        against = f", against {new[prior]['label']}" if prior and told else ""
        named = year_ended(new[end]["label"], end)
        yield {
            "kind": "new_period",
            "text": f"New: {named}{against}: {', '.join(told)}" if told else f"New: {named}",
            "material": True,
            "end": end,
            "period_label": new[end]["label"],
            "figures": main,
        }


def _days(earlier: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days


def _filed(before: Results, after: Results) -> Iterator[Change]:
    """Filed and derived figures of the periods that both runs have."""
    old, new = _table(before, "concepts"), _table(after, "concepts")
    if not _same_view(before, after):
        return
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
    if not _same_view(before, after):
        return
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
    """The filings a figure stands in."""
    return [filing["accession"] for filing in figure["stands_in"]]


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
        "end": now["period"]["end"],
        "period_label": now["period"].get("label"),
        **_sides(now, now if was is None else was),
    }


def _sides(now: Mapping[str, Any], was: Mapping[str, Any] | None) -> Change:
    """A figure's two values, and the filings that each stands in."""
    return {
        "concept": now["concept"],
        "label": now["label"],
        "unit": now["unit"],
        "before": was.get("value") if was else None,
        "after": now.get("value"),
        "before_filings": was["stands_in"] if was else [],
        "after_filings": now["stands_in"],
    }
