"""What changed among the peers, and where the company stands among them; said to be the peers' doing where it is."""

from collections.abc import Iterator, Mapping
from typing import Any

from research_dashboard.research.changes.materiality import PERCENTILE, SHARE_PP, apart
from research_dashboard.research.wording import exact, listed, number, percent, pp

Results = Mapping[str, Any]
Change = dict[str, Any]


def peer_changes(before: Results, after: Results) -> Iterator[Change]:
    """Members that came or went, the share of the set, ranks and percentiles."""
    old, new = before.get("peer_comparison") or {}, after.get("peer_comparison") or {}
    if not old.get("members") and not new.get("members"):
        return
    changed = list(_set(old, new))
    yield from changed
    cause = "year" if old.get("calendar_year") != new.get("calendar_year") else "set" if changed else "member"
    yield from _share(before, after, cause)
    yield from _standing(old, new, cause)


def _set(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """The members of the set, and the year they are compared in."""
    names = [{(m["cik"], m["name"]) for m in side.get("members") or () if not m["subject"]} for side in (old, new)]
    came = sorted(name for _, name in names[1] - names[0])
    went = sorted(name for _, name in names[0] - names[1])
    words = []
    if came:
        words.append(f"{listed(came)} came in")
    if went:
        words.append(f"{listed(went)} left")
    if old.get("calendar_year") and new.get("calendar_year") and old["calendar_year"] != new["calendar_year"]:
        words.append(f"the year compared is CY{new.get('calendar_year')}, before CY{old.get('calendar_year')}")
    if words:
        yield {"kind": "peers_changed", "text": f"Peers: {listed(words)}", "material": True, "came": came, "went": went}


def _own(results: Results, concept: str) -> Any:
    """The company's own value in the peer table."""
    side = results.get("peer_comparison") or {}
    subject = next((member for member in side.get("members") or () if member["subject"]), None)
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
    was: Any = sides[0].get("value")
    now: Any = sides[1].get("value")
    if was == now:
        return
    driver = _driver(cause, same_value=_own(before, "revenue") == _own(after, "revenue"))
    words = ["not to be had" if share is None else percent(share) for share in (was, now)]
    both = was is not None and now is not None
    moved = f" ({pp(exact(now) - exact(was))})" if both else ""
    text = f"Share of the set’s revenue: {words[0]} before, {words[1]} now{moved}{REASONS[driver]}"
    yield _entry("share", text, not both or apart(was, now) >= SHARE_PP, driver, (was, now))


def _standing(old: Mapping[str, Any], new: Mapping[str, Any], cause: str) -> Iterator[Change]:
    """Any change of rank, of the percentile by ten points, or of whether there is one, ratio by ratio."""
    before = {row["ratio"]: row for row in old.get("standing") or ()}
    after = {row["ratio"]: row for row in new.get("standing") or ()}
    for ratio in dict.fromkeys((*after, *before)):
        was, now = before.get(ratio) or {}, after.get(ratio) or {}
        sides = [{key: row.get(key) for key in ("rank", "n", "percentile")} for row in (was, now)]
        if sides[0] == sides[1]:
            continue
        driver = _driver(cause, same_value=was.get("value") == now.get("value"))
        words = [listed(shown) or "no place" for shown in _places(*sides)]
        text = f"{(now or was)['label']}: {words[0]} before, {words[1]} now{REASONS[driver]}"
        yield _entry(ratio, text, _moved(*sides), driver, (words[0], words[1]))


def _moved(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """True for another rank, a percentile ten points off, or one of them that came or went."""
    if was["rank"] != now["rank"]:
        return True
    places = was["percentile"], now["percentile"]
    if None in places:
        return places[0] is not places[1]
    return apart(*places) >= PERCENTILE


def _places(*sides: Mapping[str, Any]) -> tuple[list[str], ...]:
    """rank 4 of 6; percentile 40: of each side what is not the same on both."""
    ranks, percentiles = ({(side["rank"], side["n"]) for side in sides}, {side["percentile"] for side in sides})
    shown = []
    for side in sides:
        words = []
        if len(ranks) > 1 and side["rank"] is not None:
            words.append(f"rank {side['rank']} of {side['n']}")
        if len(percentiles) > 1 and side["percentile"] is not None:
            words.append(f"percentile {number(side['percentile'])}")
        shown.append(words)
    return tuple(shown)


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
