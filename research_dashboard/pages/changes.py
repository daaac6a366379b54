"""What changed since the last run, as pages and the feed tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from research_dashboard.models import RunChanges

# Heading and the kinds of changes below it, in the order of telling; facts that were restated apart from new periods.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Rules", ("rules_changed",)),
    ("New periods", ("new_period",)),
    ("Restated facts", ("restated", "split")),
    ("Tags, and figures that came or went", ("tag_changed", "appeared", "became_absent")),
    ("Ratios", ("ratio",)),
    ("Peers and standing", ("peers_changed", "standing")),
    ("Date and source of the data", ("as_of_changed", "source_changed")),
    ("SWOT and findings", ("finding_new", "finding_gone", "finding_moved")),
)
WORDS = {"finding_new": "new", "finding_gone": "gone", "finding_moved": "moved", "split": "split"}
FIRST_SHOWN = 6  # of a group; the others are folded
MOST_TOLD = 3  # in a summary


@dataclass(frozen=True, slots=True)
class Group:
    """Changes of one sort: the first of them are shown, the rest is folded."""

    title: str
    first: Sequence[Mapping[str, Any]]
    rest: Sequence[Mapping[str, Any]]


def groups(data: Mapping[str, Any]) -> list[Group]:
    """The changes by what they are of; filings that are new come right after changed rules."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for entry in data["changes"]:
        word = WORDS.get(entry["kind"]) or ("major" if entry.get("major") else "")
        by_kind.setdefault(entry["kind"], []).append({**entry, "word": word})
    found = []
    for title, kinds in GROUPS:
        entries = [entry for kind in kinds for entry in by_kind.get(kind, ())]
        if entries:
            found.append(Group(title, entries[:FIRST_SHOWN], entries[FIRST_SHOWN:]))
    if data["filings"]:
        news = [{**filing, "after_filings": [filing]} for filing in data["filings"]]
        after_rules = 1 if by_kind.get("rules_changed") else 0
        found.insert(after_rules, Group("New filings", news[:FIRST_SHOWN], news[FIRST_SHOWN:]))
    return found


def summary(data: Mapping[str, Any], most: int = MOST_TOLD) -> list[str]:
    """The weightiest changes in a sentence each: rules, filings, periods, then the rest in order of telling."""
    rules = [entry["text"] for entry in data["changes"] if entry["kind"] == "rules_changed"]
    filings = [f"New filing: {filing['text']}" for filing in data["filings"]]
    later = [entry["text"] for entry in data["changes"] if entry["kind"] not in ("rules_changed", "as_of_changed")]
    told = [*rules, *filings, *later]
    more = len(told) - most
    return [*told[:most], *([f"and {more} more"] if more > 0 else [])]


def said(data: Mapping[str, Any]) -> str:
    """The summary in one line, for a feed."""
    if data["nothing"]:
        return "Nothing changed since the last run."
    return "Since the last run: " + "; ".join(summary(data)) + "."


def changes_context(found: RunChanges | None) -> dict[str, Any]:
    """What runs/_changes.html needs."""
    return {"changes": found, "change_groups": groups(found.data) if found else []}
