"""The record as files: every run of a filter as CSV, JSON, NDJSON, XLSX or an Atom feed, streamed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from tempfile import TemporaryFile
from urllib.parse import urlencode

from flask import Response, abort, request, url_for

from research_dashboard.base import utcnow
from research_dashboard.extensions import db, reading
from research_dashboard.pages.changes import said
from research_dashboard.pages.frame import preferences
from research_dashboard.pages.history import refused
from research_dashboard.pages.streams import streamed
from research_dashboard.queries.changes import changes_told
from research_dashboard.queries.runs import FieldError, InvalidFilter, RunFilter, runs_stream, runs_total
from research_dashboard.reports.run_lists import (
    CONTENT_TYPES,
    MOST_SHEET_ROWS,
    WHOLE,
    Feed,
    chosen,
    runs_atom,
    runs_csv,
    runs_json,
    runs_ndjson,
    runs_xlsx,
)

PIECE = 64 * 1024


def historical_records_file(kind: str) -> Response:
    """Every run of the filter as a file (csv, json, ndjson, xlsx) or a feed (atom), in the order of the page.

    CSV and XLSX have the columns that the page shows, in their order, where `cols` chooses them.
    """
    if kind not in CONTENT_TYPES:
        abort(404, f"There is no “.{kind}” of the record. There are: {', '.join(CONTENT_TYPES)}.")
    try:
        wanted = RunFilter.parse(request.args.items(multi=True), zone=preferences().zone)
        total = runs_total(db.session(), wanted)
        if kind == "xlsx" and total > MOST_SHEET_ROWS:
            detail = f"These are {total:,} runs; a sheet holds {MOST_SHEET_ROWS:,}. Narrow the filter or take CSV."
            raise InvalidFilter((FieldError("q", detail),), wanted.params())
    except InvalidFilter as error:
        return refused(error)
    response = streamed(_written(kind, wanted), CONTENT_TYPES[kind])
    response.headers["X-Total-Count"] = str(total)
    if kind != "atom":
        name = f"research-runs-{utcnow().astimezone(wanted.zone):%Y-%m-%d}.{kind}"
        response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _written(kind: str, wanted: RunFilter) -> Iterator[bytes]:
    """The file's pieces, read in a session of their own that lasts as long as the reader reads."""
    with reading() as session:
        rows = runs_stream(session, wanted, whole=kind in WHOLE)
        if kind == "xlsx":
            with TemporaryFile() as file:
                runs_xlsx(rows, file, chosen(wanted.cols))
                file.seek(0)
                yield from iter(lambda: file.read(PIECE), b"")
            return
        if kind == "atom":
            page = url_for("pages.historical_records", _external=True, **wanted.params(page=None))
            query = urlencode(wanted.params(page=None, per_page=None, sort=None))
            title = f"Research runs: {query}" if query else "Research runs"
            feed = Feed(title, url_for("pages.overview", _external=True), page, utcnow(), _changes)
            lines = runs_atom(rows, feed)
        elif kind == "csv":
            lines = runs_csv(rows, chosen(wanted.cols))
        else:
            lines = {"json": runs_json, "ndjson": runs_ndjson}[kind](rows)
        with closing(lines):  # type: ignore[type-var]
            yield from lines


def _changes(run_ids: Sequence[int]) -> Mapping[int, str]:
    """What these runs found changed, read beside the list that is being streamed."""
    with reading() as session:
        return {run_id: said(data) for run_id, data in changes_told(session, run_ids).items()}
