"""Answers kept until something is committed.

Programs read the same list again and again. Such an answer is made once, and given again while the database says that
nothing was committed since (SQLite's data_version, asked each time: 10 µs). So it is never old, whoever wrote.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, g, request

from research_dashboard import peek
from research_dashboard.extensions import db
from research_dashboard.logs import logger

MOST, LONGEST = 32, 512 * 1024  # answers a thread keeps, and bytes of one


@dataclass(frozen=True, slots=True)
class _Answer:
    version: int
    body: bytes
    headers: list[tuple[str, str]]
    told: tuple[str, dict[str, Any]]


class _Kept(threading.local):
    """This thread's answers, for data_version counts within one connection, which is a thread's own."""

    def __init__(self) -> None:
        self.engine: object = None
        self.answers: OrderedDict[str, _Answer] = OrderedDict()


_kept = _Kept()


def tell(event: str, **values: Any) -> None:
    """The line in the log that belongs to an answer, also when the answer is given again (P16)."""
    g.told = (event, values)
    logger.info(event, **values)


def answer(make: Callable[[], Response]) -> Response:
    """The answer to this GET: as kept, or made now; 304 when the caller has it."""
    version = peek.version()
    if _kept.engine is not db.engine:
        _kept.engine = db.engine
        _kept.answers.clear()
    key = request.full_path
    found = _kept.answers.get(key)
    if found is not None and found.version == version:
        _kept.answers.move_to_end(key)
        logger.info(found.told[0], **found.told[1])
        response = Response(found.body, headers=found.headers)
    else:
        response = make()
        body = response.get_data()
        if version is not None and response.status_code == 200 and len(body) <= LONGEST:
            _kept.answers[key] = _Answer(version, body, list(response.headers), g.told)
            if len(_kept.answers) > MOST:
                _kept.answers.popitem(last=False)
    if request.if_none_match:
        response.make_conditional(request)
    return response
