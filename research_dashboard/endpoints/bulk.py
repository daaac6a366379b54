"""Many runs in one request: an array, or one JSON object a line (NDJSON)."""

from typing import Any

from flask import Response, request

from research_dashboard.endpoints.answers import BulkAnswer
from research_dashboard.endpoints.contract import answer, decoded, endpoint, one_media_type, sender, validated
from research_dashboard.endpoints.shapes import BulkQuery, BulkRun
from research_dashboard.logs import logger
from research_dashboard.problems import FieldError, Problem, invalid
from research_dashboard.services.bulk import MAX_RUNS, log_runs

MAX_BYTES = 32 * 1024 * 1024
NDJSON = "application/x-ndjson"
Item = dict[str, Any]


@endpoint({200: BulkAnswer}, tag="Runs", reads=("application/json", NDJSON), most_bytes=MAX_BYTES)
def runs_bulk(query: BulkQuery) -> Response:
    """Log up to 10,000 runs with their steps and results, in one transaction.

    The body is an array, or one JSON object a line (application/x-ndjson). With atomic=true, as it is when you say
    nothing, one bad item refuses them all: 422, with errors as 17.company. With atomic=false the good ones are stored,
    and items[] says of each what became of it.
    """
    items = _items()
    good: list[Item] = []
    outcomes: list[Item] = []
    for index, item in enumerate(items):
        try:
            good.append(validated(BulkRun, decoded(item) if isinstance(item, bytes) else item).model_dump())
            outcomes.append({"index": index, "status": 201})
        except Problem as problem:
            errors = problem.errors or (FieldError("body", problem.description or ""),)
            outcomes.append({"index": index, "status": problem.code, "errors": [_error(each) for each in errors]})
    bad = [outcome for outcome in outcomes if "errors" in outcome]
    if query.atomic == "true" and bad:
        raise invalid(
            FieldError(f"{outcome['index']}.{error['field']}", error["detail"])
            for outcome in bad[:100]
            for error in outcome["errors"]
        )
    ids = iter(log_runs(good, sender()))
    for outcome in outcomes:
        if "errors" not in outcome:
            outcome["id"] = next(ids)
    logger.info("Created research runs in bulk", number=len(good), refused=len(bad))
    return answer({"created": len(good), "refused": len(bad), "items": outcomes})


def _items() -> list[Any]:
    """The items of the body: of an array the values, of NDJSON the lines still to be read."""
    if one_media_type("application/json", NDJSON) == NDJSON:
        items: Any = [line for line in request.get_data().splitlines() if line.strip()]
    else:
        items = decoded(request.get_data())
    if not isinstance(items, list):
        raise invalid([FieldError("body", "An array of runs is needed.")])
    if not 1 <= len(items) <= MAX_RUNS:
        raise invalid([FieldError("body", f"1 to {MAX_RUNS:,} runs can be sent at once; here are {len(items):,}.")])
    return items


def _error(error: FieldError) -> dict[str, str]:
    return {"field": error.field, "detail": error.detail}
