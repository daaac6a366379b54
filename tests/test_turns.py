"""Writers of one process stand in one line; short pieces of work share a transaction, and fail alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from research_dashboard.turns import Turns


class Store:
    """A database of one list: what is written counts once its transaction has ended well."""

    def __init__(self) -> None:
        self.committed: list[str] = []
        self.transactions = 0

    @contextmanager
    def transaction(self) -> Iterator[list[str]]:
        written: list[str] = []
        yield written
        self.transactions += 1
        self.committed += written

    def turns(self, patience: float = 10) -> Turns[list[str]]:
        return Turns(self.transaction, patience, lambda: TimeoutError("too long"))


def add(text: str) -> Callable[[list[str]], str]:
    def work(written: list[str]) -> str:
        if text == "bad":
            raise ValueError(text)
        written.append(text)
        return text.upper()

    return work


def behind(turns: Turns[list[str]], texts: list[str]) -> dict[str, object]:
    """What each of these pieces of work came to; all of them waited behind one writer."""
    came_to: dict[str, object] = {}

    def run(text: str) -> None:
        try:
            came_to[text] = turns.share(add(text))
        except Exception as error:
            came_to[text] = error

    threads = [threading.Thread(target=run, args=(text,)) for text in texts]
    with turns.turn():
        for thread in threads:
            thread.start()
        while len(turns._waiting) < len(texts):
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    return came_to


def test_who_has_the_turn_does_the_work_of_all_who_wait_in_one_transaction() -> None:
    store = Store()
    assert behind(store.turns(), ["a", "b", "c"]) == {"a": "A", "b": "B", "c": "C"}
    assert sorted(store.committed) == ["a", "b", "c"]
    assert store.transactions == 1


def test_what_fails_fails_alone() -> None:
    store = Store()
    came_to = behind(store.turns(), ["a", "bad", "c"])
    assert (came_to["a"], came_to["c"]) == ("A", "C")
    assert isinstance(came_to["bad"], ValueError)
    assert sorted(store.committed) == ["a", "c"]


def test_patience_has_an_end_and_what_gave_up_is_not_done() -> None:
    store = Store()
    turns = store.turns(patience=0.01)
    with turns.turn():
        with pytest.raises(TimeoutError):
            turns.share(add("a"))
        with pytest.raises(TimeoutError), turns.turn():
            raise AssertionError
    assert turns.share(add("b")) == "B"
    assert store.committed == ["b"]
