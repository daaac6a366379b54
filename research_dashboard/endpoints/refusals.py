"""What services refuse, as problems: one table for every endpoint."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from research_dashboard.logs import logger
from research_dashboard.problems import FieldError, Problem, answer, invalid
from research_dashboard.queries.keyset import BadCursor
from research_dashboard.queries.run_filter import InvalidFilter
from research_dashboard.services.records import Changed, IllegalMove, NoSuchRun, NotYours, RunFull
from research_dashboard.services.runs import NoSuchRunError, RunError


def no_such_run(error: Exception) -> Problem:
    """A run, or a step of it, that is not there, with its line in the log (P17)."""
    said = {"run_id": error.run_id} if isinstance(error, NoSuchRun) else {"detail": str(error)}
    logger.warning("Research run not found", **said)
    return Problem("not-found", str(error))


def invalid_filter(error: Exception) -> Problem:
    """A query string that is no filter, with every error."""
    errors = error.errors if isinstance(error, InvalidFilter) else ()
    return invalid(FieldError(each.field, each.detail) for each in errors)


PROBLEMS: dict[type[Exception], Callable[[Exception], Problem]] = {
    BadCursor: lambda error: invalid([FieldError("cursor", str(error))]),
    Changed: lambda error: Problem("changed-since", str(error)),
    IllegalMove: lambda error: Problem("conflict", str(error), [FieldError("status", str(error))]),
    InvalidFilter: invalid_filter,
    NoSuchRun: no_such_run,
    NoSuchRunError: no_such_run,
    NotYours: lambda error: Problem("conflict", str(error)),
    RunFull: lambda error: Problem("conflict", str(error)),
    RunError: lambda error: Problem("conflict", str(error)),
}


def _handler(make: Callable[[Exception], Problem]) -> Callable[[Any], ResponseReturnValue]:
    def handle(error: Exception) -> ResponseReturnValue:
        problem: HTTPException = make(error)
        return answer(problem)

    return handle


def register(blueprint: Blueprint) -> None:
    """Have the blueprint answer what services raise."""
    for kind, make in PROBLEMS.items():
        blueprint.register_error_handler(kind, _handler(make))
