"""The report as Markdown (CommonMark with tables): reads as text, and keeps every link to a filing."""

from collections.abc import Iterable, Sequence

from research_dashboard.reports import layout
from research_dashboard.reports.book import Cell
from research_dashboard.reports.model import Gap, Part, Report
from research_dashboard.reports.sentences import Sentence
from research_dashboard.research import wording


def write(report: Report) -> str:
    """The whole document; source numbers stand in brackets, [1], and lead to the list at the end."""
    run = report.run
    blocks = [
        f"# Summary Report: {_text(report.name)}",
        f"{_text(' · '.join(report.identity))}  \n{_text(report.basis)}  \n"
        f"Run #{run.id} by {_text(run.researcher)}, {wording.long_minute(run.date)} UTC",
        *(f"> **{_text(title)}.** {_text(text)}" for title, text in report.banners),
        *(f"**{question}.** {' '.join(_sentence(one) for one in said)}" for question, said in report.answers),
        _table(
            ["Figure", "Value", "Against"],
            [[_text(t.label), _link(t.cell, str(t.shown)), _text(t.below)] for t in report.tiles],
            "lrl",
        ),
        "## Key figures",
        f"Money in {report.money}. "
        + "; ".join(f"{mark}: {words}" for mark, words in layout.MARKS.items())
        + f". {layout.CHANGES}",
        *_matrix(report, report.parts),
        *(_text(note) for note in report.notes),
        *_peers(report),
        "## SWOT",
        _text(report.rules_line),
        *_swot(report),
        *_restated(report),
        "## Gaps",
        _gaps(report),
        *(["## Further figures", *_matrix(report, report.further)] if report.further else []),
        "## How the figures were made",
        _made(report),
        "## Method",
        _table(["", ""], [[_text(name), _text(words)] for name, words in report.method], "ll"),
        "## Sources",
        "\n".join(
            f"{source.number}. {_text(source.words)}, accession "
            + (f"[{source.accession}]({source.url})" if source.url else source.accession)
            for source in report.sources
        ),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _text(words: str) -> str:
    """Words with everything escaped that Markdown or a table would take for its own."""
    for sign in "\\`*_[]<>|#":
        words = words.replace(sign, f"\\{sign}")
    return " ".join(words.split())


def _link(cell: Cell | None, shown: str | None = None) -> str:
    """The value with its marks, as a link: a filed one to its filing, any other to how it was made."""
    if cell is None:
        return wording.DASH
    words = _text(shown if shown is not None else cell.shown)
    url = cell.facts[0].url if cell.fact else f"#how-{cell.id}" if cell.present and cell.facts else None
    marks = f" {' '.join(cell.marks)}" if cell.present and cell.marks and shown is None else ""
    return f"[{words}]({url}){marks}" if url else f"{words}{marks}"


def _sentence(sentence: Sentence) -> str:
    return "".join(
        _keep(part.text, _link(part.cell, part.text) if part.cell else _text(part.text)) for part in sentence
    )


def _keep(words: str, shown: str) -> str:
    """What is shown, with the blanks at either end that the words had."""
    return f"{' ' if words[:1] == ' ' else ''}{shown}{' ' if words[-1:] == ' ' and words.strip() else ''}"


def _cites(numbers: Iterable[int]) -> str:
    return "".join(f" [{number}]" for number in numbers).replace("[", "\\[").replace("]", "\\]")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    rules = ["---:" if side == "r" else "---" for side in align]
    lines = [head, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _matrix(report: Report, parts: Sequence[Part]) -> list[str]:
    heads = [f"{year.label}{_cites(year.sources)}" for year in report.years]
    return [
        _table(
            [f"{part.title}, {part.unit}" if part.unit else part.title, *heads, "Change"],
            [[_text(row.label), *(_link(cell) for cell in row.cells), row.change] for row in part.rows],
            "l" + "r" * (len(heads) + 1),
        )
        for part in parts
    ]


def _peers(report: Report) -> list[str]:
    blocks = ["## Peers", _text(report.peer_set), f"> {_text(report.peer_warning)}" if report.peer_warning else ""]
    blocks.append(_sentence(report.peer_line))
    if report.standing:
        rows = [[_text(row.label), row.shown, row.median, row.rank, row.percentile] for row in report.standing]
        heads = ["Figure", _text(report.name), "Median of peers", "Rank", "Percentile"]
        blocks += ["### Standing in the set", _table(heads, rows, "lrrrr"), _text(report.unplaced_line)]
    if report.peers:
        heads = ["Company", "Year ended", "Share", *(layout.PEER_LABELS[column] for column in report.peer_columns)]
        rows = [
            [
                f"**{_text(peer.name)}**" if peer.subject else _text(peer.name),
                wording.long_date(peer.end),
                peer.share,
                *(_link(cell) for cell in peer.cells),
            ]
            for peer in report.peers
        ]
        blocks.append(_table(heads, rows, "ll" + "r" * (len(heads) - 2)))
    if report.excluded:
        blocks.append("\n".join(f"- Left out: {_text(name)}: {_text(reason)}" for name, reason in report.excluded))
    return blocks


def _swot(report: Report) -> list[str]:
    blocks = []
    for _, title, _, findings in report.swot:
        lines = [
            f"- {_sentence(found.sentence)}{_cites(found.sources)}  \n  "
            + "; ".join(
                f"{_text(f'{company}, ' if company else '')}{_text(cell.label)} {_text(cell.period)} {_link(cell)}"
                for company, cell in found.evidence
            )
            + f"; rule {found.rule}"
            for found in findings
        ]
        blocks += [f"### {title}", "\n".join(lines) or "No rule fired."]
    return blocks


def _restated(report: Report) -> list[str]:
    if not report.restated:
        return []
    rows = [[_text(row.label), row.period, row.first, row.latest, row.change, row.why] for row in report.restated]
    return [
        "## Restated figures",
        _table(["Figure", "Period", "First filed", "Latest", "Change", "Why"], rows, "llrrrl"),
    ]


def _gaps(report: Report) -> str:
    said = [report.gap_line, *(_elsewhere(span, found) for span, found in report.elsewhere)]
    if not report.unfilled:
        return "\n\n".join(said)
    rows = [
        [f"{_text(gap.label)} ({gap.mark})", gap.span, _text(gap.reason), ", ".join(f"`{tag}`" for tag in gap.tags)]
        for gap in report.unfilled
    ]
    return "\n\n".join([*said, _table(["Figure", "Periods", "Why", "Tags tried"], rows, "llll")])


def _elsewhere(span: str, found: Sequence[Gap]) -> str:
    return f"Not in the data at hand, {span}: {_text('; '.join(gap.label for gap in found))}."


def _made(report: Report) -> str:
    rows = []
    for item in report.evidence:
        for cell in item.cells:
            facts = "; ".join(
                f"`{fact.tag}` {fact.exact} ({fact.form} "
                + (f"[{fact.accession}]({fact.url}))" if fact.url else f"{fact.accession})")
                for fact in cell.facts
            )
            how = cell.why if not cell.present else cell.formula or ("as uploaded" if cell.own else "as filed")
            place = f'<a id="how-{cell.id}"></a>' if cell.present and not cell.fact else ""
            shown = _link(cell) if cell.fact else _text(cell.shown)
            rows.append([f"{place}{_text(cell.label)}, {_text(cell.period)}", shown, _text(how), facts])
    return _table(["Figure", "Value", "How", "Filed facts"], rows, "lrll")
