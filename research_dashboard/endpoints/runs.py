"""Runs over the API: log, list, read, change, delete and restore them."""

from flask import Response, request

from research_dashboard.endpoints.answers import Changes, Run, RunParts
from research_dashboard.endpoints.contract import answer, empty, endpoint, matches, page_links, sender
from research_dashboard.endpoints.kept import tell
from research_dashboard.endpoints.shapes import Parts, RunChange, RunCreate, RunQuery
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.queries import changes, records
from research_dashboard.queries.plain_list import plain_list
from research_dashboard.queries.records import Record
from research_dashboard.queries.runs import RunFilter, runs_total
from research_dashboard.services.records import NoSuchRun, change_run, delete_run, log_run, restore_run


@endpoint({201: Run}, tag="Runs", gives=("Location", "ETag"))
def run_create(json: RunCreate) -> Response:
    """Log a run that your program did, or is doing.

    A run logged as Running has started now; PATCH its status to an end and its duration is measured.
    """
    run = log_run(**dict(json), created_by=sender())
    logger.info("Created research run", run_id=run["id"], company=run["company"], status=run["status"])
    return answer(run, 201, {"Location": f"/api/research_runs/{run['id']}"}, tagged=True)


@endpoint(
    {200: list[RunParts]}, tag="Runs", takes=("If-None-Match",), gives=("X-Total-Count", "Link", "ETag"), kept=True
)
def runs(query: RunQuery) -> Response:
    """List runs, newest first, filtered as on the page of historical records.

    The header X-Total-Count says how many fit the filter, Link where the first, prev, next and last page are.
    """
    wanted = RunFilter.parse(query.filters())
    plain = None if wanted.narrows or query.cursor or query.parts else _plain(query, wanted.sort)
    if plain is not None:
        return plain
    session = db.session()
    keys = query.keys if "id" in query.keys else ("id", *query.keys)
    if query.cursor:
        cursor = None if query.cursor == "*" else query.cursor
        found = records.run_records_after(session, wanted, cursor=cursor, limit=query.limit, keys=keys)
        headers = {}
        if len(found) == query.limit:
            following = records.cursor_after(session, wanted, found[-1]["id"])
            headers["Link"] = page_links({"next": {"cursor": following}}, request.args)
    else:
        total = runs_total(session, wanted)
        found = records.run_records(session, wanted, skip=query.skip, limit=query.limit, total=total, keys=keys)
        headers = {"X-Total-Count": str(total), "Link": _neighbours(query, total)}
    records.add_parts(session, found, query.parts)
    tell("Fetched research runs", number=len(found), **query.model_dump(exclude_unset=True))
    return answer([_chosen(run, query) for run in found] if query.fields else found, headers=headers)


def _plain(query: RunQuery, sort: str) -> Response | None:
    """A page of all runs by the short way, where there is one."""
    plain = plain_list(sort, query.keys, skip=query.skip, limit=query.limit)
    if plain is None:
        return None
    total, found = plain
    tell("Fetched research runs", number=len(found), **query.model_dump(exclude_unset=True))
    return answer(found, headers={"X-Total-Count": str(total), "Link": _neighbours(query, total)})


def _neighbours(query: RunQuery, total: int) -> str:
    """The Link header of one page of a list: first, prev, next, last; without what there is not."""
    skip, limit = query.skip, query.limit
    last = max(0, (total - 1) // limit * limit)
    places = {"first": 0}
    if skip > 0:
        places["prev"] = max(0, min(skip - limit, last))  # from beyond the end: to the end
    if skip + limit < total:
        places["next"] = skip + limit
    places["last"] = last
    return page_links({name: {"skip": str(at), "limit": str(limit)} for name, at in places.items()}, request.args)


def _chosen(run: Record, query: Parts) -> Record:
    """The keys that were asked for, in their order, and the parts."""
    return {key: run[key] for key in (*query.keys, *query.parts)}


@endpoint({200: RunParts}, tag="Runs", takes=("If-None-Match",), gives=("ETag",), kept=True)
def run(run_id: int, query: Parts) -> Response:
    """Read one run; with its steps and results when include asks for them."""
    session = db.session()
    found = records.run_record(session, run_id)
    if found is None:
        raise NoSuchRun(run_id)
    records.add_parts(session, [found], query.parts)
    tell("Fetched research run", run_id=run_id, **query.model_dump(exclude_unset=True))
    return answer(_chosen(found, query))


@endpoint({200: Changes}, tag="Runs", takes=("If-None-Match",), gives=("ETag",), kept=True)
def run_changes(run_id: int) -> Response:
    """Read what changed since the company's last completed run: figures, restated facts apart from new periods, new
    filings, peers, SWOT and findings in and out."""
    session = db.session()
    found = changes.changes_record(session, run_id)
    if not records.run_exists(session, run_id):
        raise NoSuchRun(run_id)
    tell("Fetched what changed", run_id=run_id, news=len(found["changes"]) + len(found["filings"]))
    return answer(found)


@endpoint({200: Run}, "conflict", "changed-since", tag="Runs", takes=("If-Match",), gives=("ETag",))
def run_change(run_id: int, json: RunChange) -> Response:
    """Change a run that your program logged.

    The status moves by the legal moves only; an end sets finished_at and, if you send none, the duration. If-Match
    takes the ETag of the run as you read it, without parameters.
    """
    changed = change_run(run_id, json.changes(), matches())
    logger.info("Changed research run", run_id=run_id, fields=",".join(sorted(json.model_fields_set)))
    return answer(changed, tagged=True)


@endpoint({204: None}, "conflict", "changed-since", tag="Runs", takes=("If-Match",))
def run_delete(run_id: int) -> Response:
    """Put a run in the trash, with its steps and results. It can be restored."""
    delete_run(run_id, matches())
    logger.info("Deleted research run", run_id=run_id)
    return empty(204)


@endpoint({200: Run}, tag="Runs")
def run_restore(run_id: int) -> Response:
    """Take a run out of the trash; one that is not in it stays as it is."""
    restored = restore_run(run_id)
    logger.info("Restored research run", run_id=run_id)
    return answer(restored)
