"""The results market_position and peer_comparison, built from a comparison (FINANCE.md, section 4)."""

from collections.abc import Iterable, Mapping
from typing import Any

from research_dashboard.research import standing
from research_dashboard.research.analysed import Analysed, reading
from research_dashboard.research.model import Figure
from research_dashboard.research.peers import Comparison, Excluded, Member, PeerSet, year_in
from research_dashboard.research.stored import facts_json, figure_json
from research_dashboard.research.wording import ABSENT, percent, share_of_set

# The columns of the peer table, and the ratios whose standing is shown.
COLUMNS = ("revenue", "g1", "gm", "om", "nm", "rd", "fcfm", "roe", "roic", "cr", "de", "nde", "cover")
RATIOS = COLUMNS[1:]


def market_position(subject: Analysed, comparison: Comparison | None) -> dict[str, Any]:
    """Share of the revenue that the named set reported, rank by revenue, and who the competitors are."""
    if comparison is None:
        return {
            "market_share": _absent("not_in_data" if subject.company.selection else "not_reported"),
            "competitors": [],
            "rank": None,
            "of": 0,
            "calendar_year": None,
            "set": None,
            "excluded": [],
            "facts": {},
        }
    shown = comparison.display
    own, others = shown.subject.revenue, [peer.revenue for peer in shown.peers]
    return {
        "market_share": _share(shown),
        "share_change": _share_change(shown),
        "competitors": [
            _who(peer) | {"revenue": figure_json(peer.figure("revenue"), peer.year.label)} for peer in shown.peers
        ],
        "end": shown.subject.year.end.isoformat(),
        "revenue": figure_json(shown.subject.figure("revenue"), shown.subject.year.label),
        "older_year": shown.subject.year.end != subject.latest.end,  # the subject has a newer year than the set allows
        "rank": standing.rank(own, others) if others else None,
        "of": len(shown.members),
        "concentration": standing.concentration([own, *others]),
        "calendar_year": shown.calendar_year,
        "set": shown_json(comparison),
        "excluded": _excluded(shown.excluded),
        "facts": facts_json(member.figure("revenue") for member in shown.members),
    }


def peer_comparison(comparison: Comparison | None) -> dict[str, Any]:
    """The peer table and where the company stands in each ratio; members with the largest revenue first."""
    if comparison is None:
        return {
            "calendar_year": None,
            "set": None,
            "finding_set": None,
            "members": [],
            "standing": [],
            "excluded": [],
            "facts": {},
        }
    shown = comparison.display
    figures = {id(member): {name: member.figure(name) for name in COLUMNS} for member in shown.members}
    return {
        "calendar_year": shown.calendar_year,
        "set": shown_json(comparison),
        "finding_set": set_json(comparison.finding) if comparison.finding else None,
        "members": [
            _who(member)
            | {
                "subject": member is shown.subject,
                "share": _part(member, shown),
                "figures": {
                    name: figure_json(figure, member.year.label) for name, figure in figures[id(member)].items()
                },
            }
            for member in shown.members
        ],
        "standing": [_standing(ratio, shown) for ratio in RATIOS],
        "excluded": _excluded(shown.excluded),
        "facts": facts_json(figure for table in figures.values() for figure in table.values()),
    }


def set_json(peers: PeerSet) -> dict[str, Any]:
    """Which set it is, in words."""
    stored = {"level": peers.level, "text": peers.text, "peers": len(peers.peers)}
    return stored | ({"crowd": peers.crowd} if peers.crowd else {})


def shown_json(comparison: Comparison) -> dict[str, Any]:
    """The display set, with the warning that belongs above its table."""
    told = [
        note["text"] for peer in comparison.display.peers for note in peer.analysis.notes if note["kind"] == "sector"
    ]
    warning = " ".join([*([comparison.warning] if comparison.warning else []), *told])
    stored = set_json(comparison.display) | {"text": comparison.text}
    return stored | ({"warning": warning} if warning else {})


def _who(member: Member) -> dict[str, Any]:
    company = member.company
    return {
        "name": company.name,
        "cik": company.cik,
        "ticker": company.ticker,
        "end": member.year.end.isoformat(),
        "label": member.year.label,
    }


def _excluded(excluded: Iterable[Excluded]) -> list[dict[str, Any]]:
    return [
        {"name": out.company.name, "cik": out.company.cik, "reason": out.reason, "code": out.code} for out in excluded
    ]


def _absent(code: str) -> dict[str, Any]:
    return {"value": None, "unit": "percent", "code": code, "reason": ABSENT[code].reason}


def _part(member: Member, peers: PeerSet) -> float | None:
    """The member's part of the set's revenue, in percent."""
    part = standing.share(member.revenue, [other.revenue for other in peers.members if other is not member])
    return None if part is None else round(part, 6)


def _share(peers: PeerSet) -> dict[str, Any]:
    """The subject's share, never worded as one of a market."""
    value = _part(peers.subject, peers)
    if value is None:
        return _absent("too_few_peers")
    figures = [member.figure("revenue") for member in peers.members]
    return {
        "value": value,
        "unit": "percent",
        "wording": share_of_set(value, len(peers.members), peers.calendar_year),
        "formula": "revenue ÷ sum of the revenue of the set",
        "facts": sorted({fact.id for figure in figures for fact in figure.facts}),
    }


def _share_change(peers: PeerSet) -> dict[str, Any] | None:
    """Change of the share over the members that are present in both years, in percentage points."""
    year = peers.calendar_year - 1
    both: list[tuple[float, float]] = []
    for member in (peers.subject, *peers.peers):
        before = year_in(member.analysis, year)
        value = reading(member.analysis.figure("revenue", before.end)) if before else None
        if value is not None:
            both.append((member.revenue, value))
        elif member is peers.subject:
            return None
    now, then = (standing.share(column[0], column[1:]) for column in zip(*both, strict=True))
    if now is None or then is None:
        return None
    words = f"{percent(then)} for CY{year}, over the {len(both)} companies present in both years"
    return {"value": round(now - then, 6), "unit": "pp", "companies": len(both), "from": year, "wording": words}


def _standing(ratio: str, peers: PeerSet) -> dict[str, Any]:
    """Rank, percentile and median of one ratio; what too few values cannot say is null."""
    own: Figure = peers.subject.figure(ratio)
    value = reading(own)
    others = [found for peer in peers.peers if (found := reading(peer.figure(ratio))) is not None]
    row: Mapping[str, Any] = {
        "ratio": ratio,
        "label": own.label,
        "unit": own.unit,
        "value": value,
        "rank": standing.rank(value, others) if value is not None and others else None,
        "n": len(others) + (value is not None),
        "percentile": standing.percentile(value, others) if value is not None else None,
        "median": standing.median(others),
        "values": sorted(others if value is None else [*others, value]),
    }
    return {**row, "code": own.code, "reason": own.reason} if value is None else dict(row)
