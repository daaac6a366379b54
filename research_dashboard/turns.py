"""Who writes, in a process whose database takes one writer at a time (docs/decisions/0013).

SQLite lets a second writer sleep and look again, for longer each time, so that an unlucky one waits a hundred times as
long as its work takes. Here the threads of a process stand in one line instead; and short pieces of work share a
transaction: whoever has the turn does the work of all who wait, and commits once. Nobody is answered before that.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")
MOST = 64  # pieces of work in one transaction


@dataclass(slots=True, eq=False)
class _Piece:
    """Work that waits for its turn, with the context it was asked for in (who asks, in which application)."""

    work: Callable[[Any], Any]
    context: Context
    result: Any = None
    error: Exception | None = None
    done: bool = False


class Turns(Generic[S]):
    """One line of writers. `transaction` begins what is shared, commits it at its end and rolls it back on an error;
    who waited for `patience` seconds gets the error `too_long`."""

    def __init__(
        self, transaction: Callable[[], AbstractContextManager[S]], patience: float, too_long: Callable[[], Exception]
    ) -> None:
        self._transaction, self._patience, self._too_long = transaction, patience, too_long
        self._turn = threading.Lock()
        self._waiting: deque[_Piece] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The turn, for a transaction of one's own. Raises what `too_long` makes."""
        if not self._turn.acquire(timeout=self._patience):
            raise self._too_long()
        try:
            yield
        finally:
            self._turn.release()

    def share(self, work: Callable[[S], T]) -> T:
        """What the work returns, once it is committed; it may be called again when others in its transaction fail.

        Raises what the work raises, and what `too_long` makes.
        """
        piece = _Piece(work, copy_context())
        self._waiting.append(piece)
        if not self._turn.acquire(timeout=self._patience):
            try:
                self._waiting.remove(piece)
            except ValueError:  # somebody is at it in this very moment
                self._turn.acquire()
            else:
                raise self._too_long() from None
        try:
            while not piece.done:
                self._do(self._next())
        finally:
            self._turn.release()
        if piece.error is not None:
            raise piece.error
        result: T = piece.result
        return result

    def _next(self) -> list[_Piece]:
        """The pieces that have waited longest."""
        pieces: list[_Piece] = []
        with suppress(IndexError):  # no more of them, or one that gave up in this moment
            while len(pieces) < MOST:
                pieces.append(self._waiting.popleft())
        return pieces

    def _do(self, pieces: list[_Piece]) -> None:
        """Do the pieces in one transaction; when one of them fails, each in its own, so that it fails alone."""
        try:
            with self._transaction() as connection:
                results = [piece.context.run(piece.work, connection) for piece in pieces]
        except Exception as error:
            if len(pieces) > 1:
                for piece in pieces:
                    self._do([piece])
            else:
                pieces[0].error, pieces[0].done = error, True
            return
        for piece, result in zip(pieces, results, strict=True):
            piece.result, piece.done = result, True
