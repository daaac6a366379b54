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
from research_dashboard.logs import logger

MOST, LONGEST = 64, 512 * 1024  # answers that are kept, and bytes of one


@dataclass(frozen=True, slots=True)
class _Answer:
    version: peek.Version
    body: bytes
    headers: list[tuple[str, str]]
    told: tuple[str, dict[str, Any]]


_kept: OrderedDict[str, _Answer] = OrderedDict()
_lock = threading.Lock()


def tell(event: str, **values: Any) -> None:
    """The line in the log that belongs to an answer, also when the answer is given again (P16)."""
    g.told = (event, values)
    logger.info(event, **values)


def answer(make: Callable[[], Response]) -> Response:
    """The answer to this GET: as kept, or made now; 304 when the caller has it."""
    version, key = peek.version(), request.full_path
    found = _kept.get(key)
    if found is not None and found.version == version:
        with _lock:
            if key in _kept:
                _kept.move_to_end(key)
        logger.info(found.told[0], **found.told[1])
        response = Response(found.body, headers=found.headers)
    else:
        response = make()
        body = response.get_data()
        if version is not None and response.status_code == 200 and len(body) <= LONGEST:
            with _lock:
                _kept[key] = _Answer(version, body, list(response.headers), g.told)
                if len(_kept) > MOST:
                    _kept.popitem(last=False)
    if request.if_none_match:
        response.make_conditional(request)
    return response
