"""The report of a run, built from its stored results alone: the same results give the same report, whenever read."""

from collections.abc import Mapping, Sequence
from typing import Any

from research_dashboard.reports import drawings, layout, tear, unsaid
from research_dashboard.reports.book import JSON, Book, Cell
from research_dashboard.reports.model import (
    Evidence,
    Finding,
    Gap,
    NotAReport,
    Part,
    PeerRow,
    Report,
    Restated,
    Row,
    RunFacts,
    Standing,
    Tile,
    YearHead,
)
from research_dashboard.reports.sentences import linked
from research_dashboard.research import twofold, wording
from research_dashboard.research.meanings import MEANINGS


def is_report(results: Mapping[str, Any]) -> bool:
    """True for the results of the built-in research, which a report can be built from."""
    health = results.get("financial_health")
    return isinstance(health, Mapping) and isinstance(health.get("years"), Sequence) and "concepts" in health


def build(run: RunFacts, results: Mapping[str, Any]) -> Report:
    """The report of a run from its results by type. Raises NotAReport for results of another form."""
    if not is_report(results):
        raise NotAReport(f"run {run.id} has no results of the built-in research")
    health = results["financial_health"]
    scale = scale_of(health)
    book = Book(results, scale)
    every = {**health["concepts"], **health["ratios"]}
    parts, further = (parts_of(book, every, core=core) for core in (True, False))
    peers, columns = _peers(book)
    standing = _standing(book, results)
    swot = _swot(book, results.get("swot_analysis") or {})
    recent, earlier, restated = _restated(book, health)
    gaps = _gaps(results.get("gaps") or {}, health)
    position = results.get("market_position") or {}
    comparison = results.get("peer_comparison") or {}
    latest = tear.Latest(book, every, standing, position, restated)
    notes = notes_of(health)
    return Report(
        run=run,
        name=book.profile.get("name") or health.get("company") or run.company,
        identity=tear.identity(book.profile, run.ticker),
        basis=tear.basis(health, run.as_of, run.source),
        banners=tuple((layout.BANNERS[n["kind"]], n["text"]) for n in notes if n["kind"] in layout.BANNERS),
        answers=tear.answers(latest, swot, gaps),
        tiles=_tiles(latest, health),
        years=_years(book, health, parts),
        parts=parts,
        further=further,
        notes=(
            *unsaid.sentences(health.get("sector") or "", every),
            *(n["text"] for n in notes if n["kind"] not in layout.BANNERS),
        ),
        charts=drawings.own(book, every, health),
        peer_line=tear.peer_line(latest),
        peer_set=(comparison.get("set") or position.get("set") or {}).get("text", ""),
        peer_warning=(comparison.get("set") or position.get("set") or {}).get("warning") or "",
        peer_year=f"CY{comparison['calendar_year']}" if comparison.get("calendar_year") else "",
        peer_columns=columns,
        peers=peers,
        peer_charts=drawings.peers(peers, columns),
        excluded=tuple((item["name"], item["reason"]) for item in comparison.get("excluded") or ()),
        standing=tuple(row for row in standing if row.value is not None),
        unplaced=tuple(row.label for row in standing if row.value is None and _applies(row.cell)),
        swot=swot,
        rules_line=tear.rules_line(results.get("swot_analysis") or {}, scale),
        restated=recent,
        restated_before=earlier,
        gaps=gaps,
        evidence=_evidence(book, (*parts, *further), peers),
        method=tear.method(run, results.get("manifest") or {}, health),
        sources=book.sources,
        scale=scale,
    )


def notes_of(health: JSON, shown: int = layout.YEARS_SHOWN) -> list[JSON]:
    """The notes on the years shown, and those of no year; before each that a figure's mark leads to, that mark."""
    years = health["years"][-shown:]
    since = years[0].get("start") or years[0]["end"] if years else ""
    figures = (figure for series in health["concepts"].values() for figure in series[-shown:])
    marks = {mark for figure in figures for mark in figure.get("marks") or ()}
    return [
        {**note, "text": f"{note['mark']}: {note['text']}"} if note.get("mark") in marks else note
        for note in health.get("notes") or ()
        if note.get("text") and ((note.get("end") or since) >= since or note.get("mark") in marks)
    ]


def scale_of(health: JSON) -> wording.Scale:
    """The unit of money in the tables."""
    revenues = [figure.get("value") for figure in health["concepts"].get("revenue", ())]
    return wording.table_scale(revenues, health.get("currency") or "USD")


def _shown(figures: Sequence[JSON]) -> Sequence[JSON]:
    return figures[-layout.YEARS_SHOWN :]


def parts_of(
    book: Book, every: Mapping[str, Sequence[JSON]], *, core: bool, shown: int = layout.YEARS_SHOWN
) -> tuple[Part, ...]:
    """The core rows, unless they do not apply or were not loaded; or the further rows that have figures."""
    parts = []
    for plan in layout.PARTS:
        rows = []
        for concept in (row.concept for row in plan.rows if row.core == core):
            figures = (every.get(concept) or ())[-shown:]
            present = any(figure.get("value") is not None for figure in figures)
            expected = core and concept not in layout.SECTOR_ROWS and not unsaid.why_undrawn(figures)
            if not figures or not (present or expected):
                continue
            cells = tuple(book.cell(figure) for figure in figures)
            change = wording.change(figures[-1], figures[-2]) if len(figures) > 1 else wording.DASH
            rows.append(Row(concept, cells[-1].label, cells, change))
        if rows:
            parts.append(Part(plan.id, plan.title, book.scale.title if plan.money else "", tuple(rows)))
    return tuple(parts)


def _years(book: Book, health: JSON, parts: Sequence[Part]) -> tuple[YearHead, ...]:
    heads = []
    for year in _shown(health["years"]):
        cells = [cell for part in parts for row in part.rows for cell in row.cells if cell.end == year["end"]]
        used = {number for cell in cells if cell.made == "filed" for number in cell.sources}
        heads.append(YearHead(year["label"], year["end"], year.get("days"), tuple(sorted(used))))
    return tuple(heads)


def _tiles(latest: tear.Latest, health: JSON) -> tuple[Tile, ...]:
    """The first figure of each choice that is there; where none is, the one whose absence says something."""
    plan = layout.BANK_TILES if health.get("sector") == "bank" else layout.TILES
    tiles: list[Tile] = []
    for choices in plan:
        free = [name for name in choices if name not in {tile.cell.concept for tile in tiles}]
        concept = next((name for name in free if latest.present(name)), None)
        concept = concept or next((name for name in free if latest.reported(name)), None)
        figure = latest.figure(concept) if concept else None
        if concept is None or figure is None:
            continue
        shown = wording.Money("", wording.display(figure, latest.book.scale), "")
        if figure.get("value") is not None and "/" in figure["unit"]:
            shown = wording.Money(wording.currency_name(figure["unit"].partition("/")[0]), shown.number, "")
        elif figure.get("value") is not None and figure["unit"] not in {"percent", "ratio", "days", "shares"}:
            shown = wording.money_parts(figure["value"], figure["unit"])
        tiles.append(Tile(figure["label"], latest.book.cell(figure), shown, latest.below(concept)))
    return tuple(tiles)


def _peers(book: Book) -> tuple[tuple[PeerRow, ...], tuple[str, ...]]:
    members = book.comparison.get("members") or ()
    columns = tuple(
        column
        for column in layout.PEER_COLUMNS
        if any((member["figures"].get(column) or {}).get("value") is not None for member in members)
    )
    rows = []
    for member in members:
        owner = _owner(member)
        found = [member["figures"].get(column) for column in columns]
        share = member.get("share")
        rows.append(
            PeerRow(
                member["name"],
                member.get("cik"),
                member.get("ticker"),
                bool(member.get("subject")),
                member["end"],
                wording.DASH if share is None else wording.percent(share),
                None if share is None else float(share),
                tuple(book.cell(figure, owner) if figure else None for figure in found),
            )
        )
    return tuple(rows), tuple(columns)


def _owner(member: JSON) -> str:
    """What sets a peer's cells apart; the subject's are its own."""
    return "" if member.get("subject") else f"{member.get('cik')}-"


def _standing(book: Book, results: Mapping[str, Any]) -> tuple[Standing, ...]:
    comparison = results.get("peer_comparison") or {}
    members = comparison.get("members") or ()
    subject = next((member for member in members if member.get("subject")), None)
    if subject and len(members) == 1:
        return ()  # alone in its set, a company stands nowhere in it
    rows = []
    for item in comparison.get("standing") or ():
        figure = (subject or {}).get("figures", {}).get(item["ratio"])
        unit = {"concept": item["ratio"], "unit": item["unit"]}
        cell = book.cell(figure) if figure else None
        percentile = item.get("percentile")
        rank = item.get("rank")
        rows.append(
            Standing(
                item["ratio"],
                item["label"],
                cell,
                cell.shown if cell else wording.display({**unit, "value": item.get("value")}, book.scale),
                wording.DASH
                if item.get("median") is None
                else wording.display({**unit, "value": item["median"]}, book.scale),
                f"{rank} of {item['n']}" if rank else wording.DASH,
                wording.DASH if percentile is None else wording.number(percentile),
                None if item.get("value") is None else float(item["value"]),
                tuple(float(value) for value in item.get("values") or () if value is not None),
            )
        )
    return tuple(rows)


def _applies(cell: Cell | None) -> bool:
    return cell is None or cell.code != unsaid.NOT_APPLICABLE


def _swot(book: Book, analysis: JSON) -> tuple[tuple[str, str, str, tuple[Finding, ...]], ...]:
    return tuple(
        (key, title, tone, tuple(_finding(book, found) for found in analysis.get(key) or ()))
        for key, title, tone in layout.QUADRANTS
    )


def _finding(book: Book, found: JSON) -> Finding:
    name = book.profile.get("name")
    evidence = []
    for figure in found.get("figures") or ():
        company = figure.get("company")
        other = isinstance(company, str) and company != name
        cik = figure.get("cik") or next((c for c, n in book.names.items() if n == company), None)
        evidence.append((company if other else "", book.cell(figure, f"{cik or company}-" if other else "")))
    cells = [cell for _, cell in evidence]
    return Finding(
        found["rule"],
        linked(found["sentence"], _stated(found.get("figures") or (), cells)),
        tuple(evidence),
        tuple(sorted({number for cell in cells for number in cell.sources})),
        float(found.get("score") or 0),
    )


def _stated(figures: Sequence[JSON], cells: Sequence[Cell]) -> list[tuple[str, Cell]]:
    """How a sentence may state each figure, or the change between two figures of one concept."""
    stated: list[tuple[str, Cell]] = []
    for place, (figure, cell) in enumerate(zip(figures, cells, strict=True)):
        if not cell.present:
            continue
        stated += [(wording.in_words(figure), cell), (wording.in_words(figure).replace(wording.MINUS, ""), cell)]
        if figure["unit"] == "ratio":
            stated += [(wording.times(figure["value"], places), cell) for places in (1, 2)]
        for other in figures[place + 1 :]:
            if other["concept"] == figure["concept"] and other.get("value") is not None:
                change = wording.change(figure, other)
                stated += [(change, cell), (change.lstrip(f"+{wording.MINUS}"), cell)]
    return stated


def _gaps(result: JSON, health: JSON) -> tuple[Gap, ...]:
    """One row a concept and reason, its periods together, oldest first."""
    grouped: dict[tuple[str, str], list[JSON]] = {}
    for gap in sorted(result.get("gaps") or (), key=lambda gap: str(gap.get("end") or "")):
        grouped.setdefault((gap["concept"], gap["code"]), []).append(gap)
    ends = [year["end"] for year in health["years"]]
    rows: list[Gap] = []
    for (concept, code), found in grouped.items():
        name = f"gap-{concept}".replace("%", "-pct")
        rows.append(
            Gap(
                f"{name}-{code}" if any(row.id == name for row in rows) else name,
                concept,
                found[0]["label"],
                tuple(gap.get("period_label") or gap.get("end") or "" for gap in found),
                _unbroken([str(gap.get("end")) for gap in found], ends),
                tuple(dict.fromkeys(tag for gap in found for tag in gap.get("tags_tried") or ())),
                wording.absence(code).mark,
                found[-1].get("reason") or wording.absence(code).reason,
                code,
            )
        )
    order = [row.concept for plan in layout.PARTS for row in sorted(plan.rows, key=lambda row: not row.core)]
    places = {concept: place for place, concept in enumerate(order)}
    return tuple(sorted(rows, key=lambda gap: places.get(gap.concept, len(places))))


def _unbroken(missing: Sequence[str], ends: Sequence[str]) -> bool:
    """True when the missing years follow each other."""
    return missing[0] in ends and list(ends[ends.index(missing[0]) :][: len(missing)]) == list(missing)


def _restated(book: Book, health: JSON) -> tuple[tuple[Restated, ...], tuple[Restated, ...], int]:
    """What later filings state otherwise of the years shown; of earlier years, by splits and errors of scale; how many
    filed facts of the years shown were restated.

    What is derived from restated figures is a row of the table too, and says so; it is not counted.
    """
    shown = {year["end"] for year in _shown(health["years"])}
    splits = any(note.get("kind") == "split" for note in health.get("notes") or ())
    recent: list[Restated] = []
    other: list[Restated] = []
    filed: set[Any] = set()  # the restated facts of the years shown, each once
    for item in reversed(health.get("restated") or ()):
        concept = item["concept"]
        series = health["concepts"].get(concept) or health["ratios"].get(concept) or ()
        unit = series[0]["unit"] if series else "USD"
        first, latest = ({"concept": concept, "unit": unit, "value": item[key]["value"]} for key in ("first", "latest"))
        label, period = book.label(concept), book.years.get(item["end"], item["end"])
        change = wording.change(latest, first)
        figure: JSON = next((one for one in series if one["period"]["end"] == item["end"]), {})
        if figure.get("made", "filed") != "filed":
            label += " (derived)"
        kind = item.get("kind") or ("split" if splits and unit.endswith("shares") else "restated")  # as older runs say
        was, now = (wording.display(side, book.scale) for side in (first, latest))
        row = Restated(label, period, was, now, change, twofold.WORDS.get(kind, kind))
        main = item["end"] in shown and kind in {"restated", "retagged"}
        (recent if main else other).append(row)
        if main and kind == "restated" and figure.get("made", "filed") == "filed":
            filed.add(tuple(figure.get("facts") or (concept, item["end"])))
    return tuple(recent), tuple(other), len(filed)


def _evidence(book: Book, parts: Sequence[Part], peers: Sequence[PeerRow]) -> tuple[Evidence, ...]:
    """Every cell that any part of the report links to, by row; figures of peers by company."""
    groups: dict[str, list[Cell]] = {}
    owners = {f"{peer.cik}-": peer.name for peer in peers if not peer.subject}
    for key, cell in book.cells.items():
        owner = next((owner for owner in owners if key.startswith(owner)), "")
        groups.setdefault(owner or cell.concept, []).append(cell)
    order = [row.concept for part in parts for row in part.rows]
    names = sorted(groups, key=lambda name: (name in owners, order.index(name) if name in order else len(order)))
    rows = []
    for name in names:
        cells = sorted(groups[name], key=lambda cell: cell.end) if name not in owners else groups[name]
        formula = next((cell.formula for cell in reversed(cells) if cell.formula), "") if name not in owners else ""
        title = owners.get(name) or cells[-1].label
        place = f"how-{name.rstrip('-')}".replace("%", "-pct")
        rows.append(Evidence(place, title, formula, tuple(cells), MEANINGS.get(name, "")))
    return tuple(rows)
