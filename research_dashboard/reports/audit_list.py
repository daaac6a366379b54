"""The audit as files, written as the events come, in flat memory."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from research_dashboard.extensions import to_json
from research_dashboard.reports.run_lists import harmless, instant

COLUMNS = ("id", "at", "actor", "via", "address", "request", "action", "subject", "before", "after")
CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}


class Event(Protocol):
    """What is read of an event: its columns."""

    id: Any
    at: Any


def event_json(event: Event) -> dict[str, Any]:
    """The event under the names of its columns."""
    return {name: getattr(event, name) for name in COLUMNS} | {"at": instant(event.at)}


def audit_csv(events: Iterable[Event]) -> Iterator[bytes]:
    """CSV, a header and a line an event; before and after as JSON."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for event in events:
        values = event_json(event)
        for name in ("before", "after"):
            values[name] = "" if values[name] is None else to_json(values[name])
        writer.writerow([value if isinstance(value, int) else harmless(value) for value in values.values()])
        yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def audit_ndjson(events: Iterable[Event]) -> Iterator[bytes]:
    """A JSON object a line."""
    for event in events:
        yield f"{to_json(event_json(event))}\n".encode()


def audit_json(events: Iterable[Event]) -> Iterator[bytes]:
    """One JSON array."""
    before = "["
    for event in events:
        yield f"{before}{to_json(event_json(event))}".encode()
        before = ",\n"
    yield b"]\n" if before != "[" else b"[]\n"


WRITERS: Mapping[str, Callable[[Iterable[Any]], Iterator[bytes]]] = {
    "csv": audit_csv,
    "json": audit_json,
    "ndjson": audit_ndjson,
}
