"""Lists of runs as files: the same runs in the same order in every format, written as the rows come, in flat memory."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from research_dashboard.extensions import to_json
from research_dashboard.queries.run_filter import USUAL
from research_dashboard.queries.runs import RunRow

CHUNK = 1000
MOST_SHEET_ROWS = 1_048_575  # Excel's rows, less the header


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the files that are tables: its heading, where its value stands in a run, and how wide a sheet shows
    it (in characters)."""

    title: str
    place: int
    width: int
    kind: str = ""  # text, moment, texts, or what it is


def _column(title: str, name: str, width: int, kind: str = "") -> Column:
    return Column(title, RunRow._fields.index(name), width, kind)


COLUMNS: Mapping[str, Column] = {
    "id": _column("ID", "id", 9),
    "date": _column("Date", "date", 20, "moment"),
    "company": _column("Company", "company", 36, "text"),
    "researcher": _column("Researcher", "researcher", 18, "text"),
    "duration": _column("Duration (mins)", "duration_mins", 16),
    "status": _column("Status", "status", 13),
    "insights": _column("Insights Generated", "insights", 19),
    "ticker": _column("Ticker", "ticker", 9, "text"),
    "origin": _column("Origin", "origin", 10),
    "message": _column("Error", "error_message", 48, "text"),
    "sic": _column("SIC", "sic", 7),
    "gaps": _column("Gaps", "gaps", 7),
    "source": _column("Source", "source", 11, "text"),
    "tag": _column("Tags", "tags", 24, "texts"),
    "error": _column("Error kind", "error_kind", 18, "text"),
}
NOTHING_CHOSEN = (*USUAL, "ticker", "origin", "message")
Columns = Sequence[Column]


def chosen(names: Sequence[str]) -> Columns:
    """The columns that a reader chose, in that order; of one who shows what is usual, the usual ones and three more."""
    return [COLUMNS[name] for name in (NOTHING_CHOSEN if tuple(names) == USUAL else names)]


USUAL_COLUMNS = chosen(USUAL)
HEADER = tuple(column.title for column in USUAL_COLUMNS)
# What a spreadsheet would take for a formula or a command (OWASP, CSV injection).
DANGEROUS = frozenset("=+-@\t\r\n＝＋－＠")
NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "atom": "application/atom+xml; charset=utf-8",
}

WHOLE = ("json", "ndjson")  # formats that hold every field, whatever is shown


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says of itself. `root` is the program's address, with its last slash; `page` the list's.

    `changes` says of the runs with these ids what they found changed since their company's last run.
    """

    title: str
    root: str
    page: str
    updated: datetime
    changes: Callable[[Sequence[int]], Mapping[int, str]] = lambda _ids: {}


def instant(moment: datetime) -> str:
    """2026-03-02T11:42:05Z; with the fraction where there is one."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def harmless(value: Any) -> str:
    """The value as a spreadsheet may open it: what looks like a formula gets an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in DANGEROUS else text


def chunks(rows: Iterable[RunRow]) -> Iterator[list[RunRow]]:
    """The rows, a thousand at a time."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def runs_csv(rows: Iterable[RunRow], columns: Columns = USUAL_COLUMNS) -> Iterator[bytes]:
    """CSV in UTF-8, a header and a line a run (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(column.title for column in columns)
    yield buffer.getvalue().encode()
    for chunk in chunks(rows):
        buffer.seek(0)
        buffer.truncate()
        values = list(zip(*chunk, strict=True))  # column by column, which is quicker than run by run
        writer.writerows(zip(*(_written(values[column.place], column.kind) for column in columns), strict=True))
        yield buffer.getvalue().encode()


def _written(values: Sequence[Any], kind: str) -> Iterable[Any]:
    """A column's values as CSV has them."""
    if kind == "texts":
        return (harmless(", ".join(texts)) for texts in values)
    return map(harmless, values) if kind == "text" else map(instant, values) if kind == "moment" else values


def record(row: RunRow) -> dict[str, Any]:
    """The run under the names of the API."""
    return row._asdict() | {"date": instant(row.date)}


def runs_ndjson(rows: Iterable[RunRow]) -> Iterator[bytes]:
    """A JSON object a line."""
    for chunk in chunks(rows):
        yield "".join(to_json(record(row)) + "\n" for row in chunk).encode()


def runs_json(rows: Iterable[RunRow]) -> Iterator[bytes]:
    """One JSON array."""
    before = "["
    for chunk in chunks(rows):
        yield (before + ",\n".join(to_json(record(row)) for row in chunk)).encode()
        before = ",\n"
    yield b"]\n" if before != "[" else b"[]\n"


def runs_xlsx(rows: Iterable[RunRow], file: BinaryIO, columns: Columns = USUAL_COLUMNS) -> None:
    """A workbook of one sheet: numbers and dates typed (UTC), the header frozen, every text a text."""
    cells: Mapping[str, Callable[[Any], Any]] = {
        "text": lambda text: NOT_XML.sub("�", text or ""),
        "texts": lambda texts: NOT_XML.sub("�", ", ".join(texts)),
        "moment": lambda moment: moment.astimezone(UTC).replace(tzinfo=None),
        "": lambda value: "" if value is None else value,
    }
    plan = [(column.title, column.place, cells[column.kind]) for column in columns]
    found = ({title: cell(row[place]) for title, place, cell in plan} for row in rows)
    first = next(found, None)
    from rustpy_xlsxwriter import write_worksheet

    write_worksheet(
        _with_first(first, found) if first else [{column.title: "" for column in columns}],
        file,
        sheet_name="Research runs",
        freeze_row=1,
        bold_headers=True,
        column_widths=[column.width for column in columns],
        datetime_format="yyyy-mm-dd hh:mm:ss",
    )


def _with_first(first: dict[str, Any], others: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from others


def runs_atom(rows: Iterable[RunRow], feed: Feed) -> Iterator[bytes]:
    """An Atom feed (RFC 4287), an entry a run."""

    def text(value: str) -> str:
        return escape(NOT_XML.sub("�", value))

    yield (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>{text(feed.title)}</title>\n<id>{text(feed.page)}</id>\n<updated>{instant(feed.updated)}</updated>\n"
        f"<link href={quoteattr(feed.page)}/>\n"
    ).encode()
    for chunk in chunks(rows):
        told = feed.changes([row.id for row in chunk])
        yield "".join(
            f"<entry><id>{text(feed.root)}runs/{row.id}</id><title>{text(row.company)}: {row.status}</title>"
            f"<updated>{instant(row.date)}</updated><author><name>{text(row.researcher)}</name></author>"
            f"<link href={quoteattr(f'{feed.root}runs/{row.id}')}/>"
            f"<summary>{text(summary(row, told))}</summary></entry>\n"
            for row in chunk
        ).encode()
    yield b"</feed>\n"


def summary(row: RunRow, changes: Mapping[int, str]) -> str:
    """The run in a sentence, and what it found changed."""
    if row.error_message:
        return row.error_message
    return f"{row.insights} insights in {row.duration_mins:.2f} minutes. {changes.get(row.id, '')}".rstrip()
