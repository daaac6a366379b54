"""The audit: every change, newest first, narrowed and exported. There is no way to change or clear it from here."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from flask import Response, abort, render_template, request

from research_dashboard.base import utcnow
from research_dashboard.extensions import db, reading
from research_dashboard.pages.frame import preferences
from research_dashboard.pages.streams import streamed
from research_dashboard.queries.audit import AuditFilter, audit_events, count_audit_events, each_audit_event
from research_dashboard.reports.audit_list import CONTENT_TYPES, WRITERS
from research_dashboard.tables.audit import VIAS

PER_PAGE = 50
TEXTS = ("actor", "action", "subject")
KNOWN = (*TEXTS, "via", "start", "end", "before")
MOST_TEXT = 200


def audit() -> str:
    """Who changed what, from where, before and after: narrowed by actor, action, subject, way and day."""
    wanted, before = _filter(), _before()
    events = audit_events(db.session(), wanted, PER_PAGE + 1, before)
    shown = {name: request.args[name] for name in KNOWN if request.args.get(name) and name != "before"}
    return render_template(
        "audit/index.html",
        events=events[:PER_PAGE],
        more=events[PER_PAGE - 1].id if len(events) > PER_PAGE else None,
        total=count_audit_events(db.session(), wanted),
        values=shown,
        paged=before is not None,
        vias=VIAS,
        changed=changed,
    )


def audit_file(kind: str) -> Response:
    """Every event of the filter as a file (csv, json, ndjson), oldest first."""
    if kind not in WRITERS:
        abort(404, f"There is no “.{kind[:20]}” of the audit. There are: {', '.join(WRITERS)}.")
    wanted = _filter()
    response = streamed(_written(WRITERS[kind], wanted), CONTENT_TYPES[kind])
    response.headers.set("Content-Disposition", "attachment", filename=f"audit-{utcnow():%Y-%m-%d}.{kind}")
    return response


def _written(write: Callable[[Iterator[Any]], Iterator[bytes]], wanted: AuditFilter) -> Iterator[bytes]:
    with reading() as session:
        yield from write(each_audit_event(session, wanted))


def changed(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    """What changed, a line a field: its name ("" for a value without one), what it was, what it became."""
    if not isinstance(before, Mapping) and not isinstance(after, Mapping):
        return [] if before is None and after is None else [("", before, after)]
    was, became = (value if isinstance(value, Mapping) else {} for value in (before, after))
    return [(name, was.get(name), became.get(name)) for name in dict.fromkeys((*was, *became))]


def _filter() -> AuditFilter:
    """What the address asks for. 422 for a parameter or a value that there is not."""
    for name, value in request.args.items(multi=True):
        if name not in KNOWN:
            abort(422, f"The audit has no parameter “{name[:60]}”. There are: {', '.join(KNOWN)}.")
        if len(value) > MOST_TEXT:
            abort(422, f"{name} has {len(value)} characters: give at most {MOST_TEXT}.")
    texts = {name: request.args.get(name, "").strip() for name in TEXTS}
    via = request.args.get("via", "")
    if via and via not in VIAS:
        abort(422, f"via is one of {', '.join(VIAS)}.")
    return AuditFilter(**texts, via=via, start=_day("start"), end=_day("end"), zone=preferences().zone)


def _day(name: str) -> date | None:
    text = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        abort(422, f"{name} is “{text[:30]}”: enter a date as 2026-02-28.")


def _before() -> int | None:
    text = request.args.get("before", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        abort(422, "before is the number of an event.")
    return int(text)
