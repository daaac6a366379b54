"""What changed among the peers, and where the company stands among them; said to be the peers' doing where it is."""

from collections.abc import Iterator, Mapping
from typing import Any

from research_dashboard.research.changes.materiality import PERCENTILE, SHARE_PP
from research_dashboard.research.wording import listed, number, percent, pp

Results = Mapping[str, Any]
Change = dict[str, Any]


def peer_changes(before: Results, after: Results) -> Iterator[Change]:
    """Members that came or went, the share of the set, ranks and percentiles."""
    old, new = before.get("peer_comparison") or {}, after.get("peer_comparison") or {}
    if not old.get("members") or not new.get("members"):
        return
    changed = list(_set(old, new))
    yield from changed
    cause = "year" if old.get("calendar_year") != new.get("calendar_year") else "set" if changed else "member"
    yield from _share(before, after, cause)
    yield from _standing(old, new, cause)


def _set(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """The members of the set, and the year they are compared in."""
    names = [{(m["cik"], m["name"]) for m in side["members"] if not m["subject"]} for side in (old, new)]
    came = sorted(name for _, name in names[1] - names[0])
    went = sorted(name for _, name in names[0] - names[1])
    words = []
    if came:
        words.append(f"{listed(came)} came in")
    if went:
        words.append(f"{listed(went)} left")
    if old.get("calendar_year") != new.get("calendar_year"):
        words.append(f"the year compared is CY{new.get('calendar_year')}, before CY{old.get('calendar_year')}")
    if words:
        yield {"kind": "peers_changed", "text": f"Peers: {listed(words)}", "material": True, "came": came, "went": went}


def _own(side: Mapping[str, Any], concept: str) -> Any:
    """The company's own value in the peer table."""
    subject = next((member for member in side["members"] if member["subject"]), None)
    return subject["figures"].get(concept, {}).get("value") if subject else None


# Why a standing changed though the company’s own figure did not; nothing is added where the figure itself changed.
REASONS = {
    "subject": "",
    "year": "; another year is compared",
    "set": "; the company’s own figure is the same, the set is another",
    "member": "; the company’s own figure is the same, a peer’s changed",
}


def _driver(cause: str, *, same_value: bool) -> str:
    """Who moved it: another year compared, the company's own figure, the choice of peers, or a peer's figure."""
    return cause if same_value or cause == "year" else "subject"


def _share(before: Results, after: Results, cause: str) -> Iterator[Change]:
    sides = [(results.get("market_position") or {}).get("market_share") or {} for results in (before, after)]
    was, now = (side.get("value") for side in sides)
    if was is None or now is None or was == now:
        return
    same = _own(before["peer_comparison"], "revenue") == _own(after["peer_comparison"], "revenue")
    driver = _driver(cause, same_value=same)
    text = f"Share of the set’s revenue: {percent(was)} before, {percent(now)} now ({pp(now - was)}){REASONS[driver]}"
    yield _entry("share", text, abs(now - was) >= SHARE_PP, driver, (was, now))


def _standing(old: Mapping[str, Any], new: Mapping[str, Any], cause: str) -> Iterator[Change]:
    """Any change of rank, or of the percentile by ten points, ratio by ratio."""
    rows = {row["ratio"]: row for row in old.get("standing") or ()}
    for now in new.get("standing") or ():
        was = rows.get(now["ratio"])
        if was is None:
            continue
        driver = _driver(cause, same_value=was.get("value") == now.get("value"))
        ranks = [(row.get("rank"), row.get("n")) for row in (was, now)]
        if ranks[0] != ranks[1] and None not in (ranks[0][0], ranks[1][0]):
            words = [f"{rank} of {n}" for rank, n in ranks]
            text = f"{now['label']}: rank {words[0]} before, {words[1]} now{REASONS[driver]}"
            yield _entry(now["ratio"], text, ranks[0][0] != ranks[1][0], driver, (words[0], words[1]))
            continue
        places = [row.get("percentile") for row in (was, now)]
        if None not in places and places[0] != places[1]:
            text = f"{now['label']}: percentile {number(places[0])} before, {number(places[1])} now{REASONS[driver]}"
            yield _entry(now["ratio"], text, abs(places[1] - places[0]) >= PERCENTILE, driver, (places[0], places[1]))


def _entry(concept: str, text: str, material: bool, driver: str, sides: tuple[Any, Any]) -> Change:
    return {
        "kind": "standing",
        "text": text,
        "material": material,
        "concept": concept,
        "driven_by": driver,
        "before": sides[0],
        "after": sides[1],
    }
