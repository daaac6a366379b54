"""Lists of runs as files, written as the rows come, so that memory stays flat whatever their number."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from research_dashboard.queries.runs import RunRow

CHUNK = 1000
CSV_HEADER = (
    "ID",
    "Date",
    "Company",
    "Researcher",
    "Duration (mins)",
    "Status",
    "Insights Generated",
    "Ticker",
    "Origin",
    "Error",
)
# What a spreadsheet would take for a formula or a command (OWASP, CSV injection).
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def instant(moment: datetime) -> str:
    """2026-03-02T11:42:05Z; with the fraction where there is one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def harmless(text: str | None) -> str:
    """The text as a spreadsheet may open it: what looks like a formula gets an apostrophe before it."""
    if not text:
        return ""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def runs_csv(rows: Iterable[RunRow]) -> Iterator[bytes]:
    """CSV in UTF-8, a header and a line a run (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(CSV_HEADER)
    remaining = iter(rows)
    while True:
        chunk = list(islice(remaining, CHUNK))
        writer.writerows(_csv_row(row) for row in chunk)
        yield buffer.getvalue().encode()
        if len(chunk) < CHUNK:
            return
        buffer.seek(0)
        buffer.truncate()


def _csv_row(row: RunRow) -> tuple[str | int | float, ...]:
    return (
        row.id,
        instant(row.date),
        harmless(row.company),
        harmless(row.researcher),
        row.duration_mins,
        row.status,
        row.insights,
        harmless(row.ticker),
        row.origin,
        harmless(row.error_message),
    )
