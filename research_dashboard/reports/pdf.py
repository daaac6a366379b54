"""The report as PDF, set by typst from a template of its own (report.typ): tagged, with contents and live links."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Literal

import msgspec

from research_dashboard.charts import Chart, draw, strip
from research_dashboard.reports import layout
from research_dashboard.reports.book import Cell
from research_dashboard.reports.model import Finding, Part, Report, Standing
from research_dashboard.reports.sentences import Fragment, Sentence, plain
from research_dashboard.research import wording

Paper = Literal["a4", "us-letter"]
FONT = "Source Sans Pro"
FONT_PACKAGE, FONT_FOLDER = "font-source-sans-pro", "font_source_sans_pro/files"
TEMPLATE, TYPESET = (Path(__file__).with_name(name) for name in ("report.typ", "typeset.py"))
IN_A_ROW, NARROW = 3, 250.0  # peers' drawings in a row, and their width then
# The size of a drawing's words in its own units, so that they come to 7 pt: as its subtitle, below its title.
ON_FIRST_PAGE, IN_TWO_COLUMNS, IN_THREE_COLUMNS = 10.2, 9.2, 11.4
TIMEOUT = 60  # seconds; a report takes well under one

# What app.css says of a drawing, in ink on paper.
SVG_STYLE = f"""
text{{font:SIZEpx "{FONT}";fill:#625c51}}.val,text.me{{fill:#2d2b27;font-weight:600}}
.axis{{stroke:#8a8272}}.rule{{stroke:#e2dbcf}}.bar{{fill:#b9ae9a}}.bar.me{{fill:#2a5885}}.ln{{fill:none;stroke-width:2}}
.c1{{stroke:#2a5885}}.c2{{stroke:#b06f24}}.c3{{stroke:#8a8272}}.d1{{fill:#2a5885}}.d2{{fill:#b06f24}}.d3{{fill:#8a8272}}
.track,.peer{{stroke:#b9ae9a}}.peer{{stroke-width:2}}circle.me{{fill:#2a5885;stroke:#fff;stroke-width:2}}
""".replace("\n", "")


class PdfError(RuntimeError):
    """The PDF could not be set; the message is typst's."""


def write(report: Report, paper: Paper = "a4", author: str = "") -> bytes:
    """The document's bytes; the same report gives the same bytes. `author` is put in its metadata. Raises PdfError."""
    fonts = distribution(FONT_PACKAGE).locate_file(FONT_FOLDER)
    made = subprocess.run(  # noqa: S603  # our own script, no shell, nothing of a user's in the arguments
        [sys.executable, "-I", str(TYPESET), str(TEMPLATE), str(fonts), str(int(report.run.date.timestamp()))],
        input=msgspec.json.encode(document(report, paper, author)),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    if made.returncode:
        raise PdfError(made.stderr.decode(errors="replace").strip().rpartition("\n")[2] or "typst failed")
    return made.stdout


def document(report: Report, paper: Paper = "a4", author: str = "") -> dict[str, Any]:
    """What the template reads: words, numbers as they are shown, and where each leads."""
    places = _places(report)
    tickers = {peer.name: peer.ticker for peer in report.peers if peer.ticker}
    return {
        "paper": paper,
        "font": FONT,
        "title": f"Summary Report: {report.name}",
        "author": [author] if author else [],
        "keywords": ["company research", report.run.ticker or report.name],
        "run_line": f"Run #{report.run.id}, {wording.long_date(report.run.date.date())}",
        "name": report.name,
        "identity": " · ".join(report.identity),
        "basis": report.basis,
        "money": report.money,
        "banners": [{"title": title, "text": text} for title, text in report.banners],
        "answers": [{"question": q, "said": [_sentence(s, places) for s in said]} for q, said in report.answers],
        "tiles": [
            {"label": t.label, **t.shown._asdict(), "below": t.below, "to": _to(t.cell, places)}
            for t in report.tiles
        ],
        "first_chart": _chart(report.charts[0], ON_FIRST_PAGE) if report.charts else None,
        "charts": [_chart(chart) for chart in report.charts[1:]],
        "years": [{"label": year.label, "sources": _cites(year.sources)} for year in report.years],
        "ends": ", ".join(wording.long_date(year.end) for year in report.years),
        "legend": "; ".join(f"{mark}: {words}" for mark, words in layout.MARKS.items()) + f". {layout.CHANGES}",
        "parts": _parts(report, report.parts, places),
        "further": _parts(report, report.further, places),
        "notes": list(report.notes),
        **_peers(report, places),
        "swot": [
            {"title": title, "tone": tone, "findings": [_finding(found, places, tickers) for found in findings]}
            for _, title, tone, findings in report.swot
        ],
        "rules_line": report.rules_line,
        "restated": [
            {"label": r.label, "period": r.period, "first": r.first, "latest": r.latest, "change": r.change,
             "why": r.why}
            for r in report.restated
        ],
        "gaps": [
            {"id": g.id, "label": g.label, "span": g.span, "reason": g.reason, "mark": g.mark,
             "tags": _breakable(", ".join(g.tags)) or wording.DASH}
            for g in report.unfilled
        ],
        "gap_line": report.gap_line,
        "elsewhere": [
            {"span": span, "gaps": [{"id": gap.id, "label": gap.label} for gap in found]}
            for span, found in report.elsewhere
        ],
        "made": [{"id": item.id, "label": item.title, "formula": _made(item.cells)} for item in _own(report)],
        "method": [{"name": name, "words": words} for name, words in report.method],
        "sources": [
            {"number": s.number, "words": s.words, "accession": s.accession, "url": s.url} for s in report.sources
        ],
    }  # fmt: skip


def _own(report: Report) -> list[Any]:
    """The evidence of the company itself; that of its peers, and of what it lacks, is in the other formats."""
    peers = {peer.name for peer in report.peers if not peer.subject}
    return [
        item
        for item in report.evidence
        if item.title not in peers and any(cell.present or cell.code == "not_reported" for cell in item.cells)
    ]


def _made(cells: Sequence[Cell]) -> str:
    formula = next((cell.formula for cell in reversed(cells) if cell.present and cell.formula), "")
    tags = dict.fromkeys(fact.tag for cell in reversed(cells) if cell.made == "filed" for fact in cell.facts)
    return formula or _breakable(", ".join(tags)) or next((cell.why for cell in reversed(cells)), "")


def _breakable(tags: str) -> str:
    """Tags that may break between their words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "\u200b", tags)


def _places(report: Report) -> frozenset[str]:
    """The labels that links inside the document may lead to."""
    return frozenset([item.id for item in _own(report)] + [gap.id for gap in report.gaps])


def _to(cell: Cell, places: frozenset[str]) -> str | None:
    """A filed figure leads to its filing, a formula to how it is made, an absent figure to its gap."""
    if not cell.present and cell.gap in places:
        return f"#{cell.gap}"
    if cell.fact and cell.facts[0].url:
        return cell.facts[0].url
    made = f"how-{cell.concept}".replace("%", "-pct")
    return f"#{made}" if made in places else None


def _cites(numbers: Sequence[int]) -> list[tuple[str, int]]:
    """Source numbers with what stands before each: 1–3 6 for 1, 2, 3, 6."""
    out: list[tuple[str, int]] = []
    for place, number in enumerate(numbers):
        follows = place > 0 and numbers[place - 1] == number - 1
        goes_on = place + 1 < len(numbers) and numbers[place + 1] == number + 1
        if follows and goes_on:
            continue
        dash = follows and out[-1][1] != number - 1
        out.append((("–" if dash else " ") if out else "", number))
    return out


def _fragment(part: Fragment, places: frozenset[str]) -> dict[str, Any]:
    to = _to(part.cell, places) if part.cell else None
    if part.anchor.removeprefix("#") in places:
        to = part.anchor
    return {"text": part.text, "to": to}


def _sentence(sentence: Sentence, places: frozenset[str]) -> list[dict[str, Any]]:
    return [_fragment(part, places) for part in sentence]


def _cell(cell: Cell | None, places: frozenset[str], *, now: bool = False) -> dict[str, Any]:
    if cell is None:
        return {"shown": wording.DASH, "present": True, "to": None, "marks": "", "now": now}
    marks = "\u00a0".join(cell.marks) if cell.present else ""
    return {"shown": cell.shown, "present": cell.present, "to": _to(cell, places), "marks": marks, "now": now}


def _parts(report: Report, parts: Sequence[Part], places: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {
            "title": f"{part.title}, {part.unit}" if part.unit else part.title,
            "rows": [
                {
                    "label": row.label,
                    "to": f"#{made}" if (made := f"how-{row.concept}".replace("%", "-pct")) in places else None,
                    "cells": [_cell(cell, places, now=cell.end == report.years[-1].end) for cell in row.cells],
                    "change": row.change,
                }
                for row in part.rows
            ],
        }
        for part in parts
    ]


def _peers(report: Report, places: frozenset[str]) -> dict[str, Any]:
    year = f"Fiscal years of {report.peer_year}; money in {report.money}." if report.peer_year else ""
    full_row = len(report.peer_charts) == IN_A_ROW
    return {
        "peer_set": " ".join(part for part in (f"{report.peer_set}." if report.peer_set else "", year) if part),
        "peer_warning": report.peer_warning,
        "peer_line": _sentence(report.peer_line, places),
        "peer_charts": [
            _chart(replace(chart, width=NARROW), IN_THREE_COLUMNS) if full_row else _chart(chart)
            for chart in report.peer_charts
        ],
        "peer_charts_in_a_row": IN_A_ROW if full_row else 2,
        "peer_columns": [layout.PEER_LABELS[column] for column in report.peer_columns],
        "peers": [
            {
                "name": peer.name,
                "subject": peer.subject,
                "end": wording.long_date(peer.end),
                "share": peer.share,
                "sources": _cites(sorted({number for cell in peer.cells[:1] if cell for number in cell.sources})),
                "cells": [_cell(cell, places) for cell in peer.cells],
            }
            for peer in report.peers
        ],
        "unplaced": report.unplaced_line,
        "standing": [_standing(row, places) for row in report.standing],
        "excluded": [{"name": name, "reason": reason.rstrip(".")} for name, reason in report.excluded],
    }


def _standing(row: Standing, places: frozenset[str]) -> dict[str, Any]:
    words = f"{row.label}: rank {row.rank}, percentile {row.percentile}"
    drawable = row.value is not None and row.values
    return {
        "label": row.label,
        "shown": row.shown,
        "to": _to(row.cell, places) if row.cell else None,
        "median": row.median,
        "rank": row.rank,
        "percentile": row.percentile,
        "svg": str(strip(row.values, row.value, words, SVG_STYLE)) if drawable and row.value is not None else None,
        "words": words,
    }


def _finding(found: Finding, places: frozenset[str], tickers: Mapping[str, str]) -> dict[str, Any]:
    """Peers stand behind the company's own figure by their tickers: their names and years are in the table of peers."""
    evidence: list[dict[str, Any]] = []
    before: tuple[str, str] | None = None
    for company, cell in found.evidence:
        same = before == (company, cell.concept)
        follows = before is not None and before[1] == cell.concept
        name = f"{tickers.get(company, company)} " if company else ""
        what = "" if follows else f"{cell.label} "
        period = "" if company else f"{cell.period} "
        lead = "" if not evidence else ", " if same or (company and follows) else "; "
        evidence.append({"text": f"{lead}{'' if same else name}{'' if same else what}{period}", "to": None})
        evidence.append({"text": cell.shown, "to": _to(cell, places)})
        before = (company, cell.concept)
    return {
        "sentence": _sentence(found.sentence, places),
        "evidence": evidence,
        "sources": _cites(found.sources),
        "rule": found.rule,
        "words": plain(found.sentence),
    }


def _chart(chart: Chart, size: float = IN_TWO_COLUMNS) -> dict[str, Any]:
    return {
        "title": chart.title,
        "unit": chart.unit,
        "words": chart.words,
        "svg": str(draw(chart, SVG_STYLE.replace("SIZE", str(size)))),
        "heads": ["", *(line.name for line in chart.series)],
        "rows": [row[: len(chart.series) + 1] for row in chart.rows],
        "source": chart.source,
        "sources": _cites(chart.sources),
    }
