"""Who reads a file slowly, or not at all, takes nothing from others: so many at a time, and hung up on in the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from research_dashboard.extensions import STREAMS, db
from research_dashboard.pages import streams
from research_dashboard.services import accounts
from tests.factories import make_run

Open = Callable[[str], TestResponse]
PATHS = ("/historical-records.csv", "/historical-records.json", "/historical-records.atom", "/audit.ndjson")


@pytest.fixture
def users(app: Flask) -> list[str]:
    """Admins enough to use up what all may read, each by a token."""
    with app.app_context():
        for _ in range(3):
            make_run()
        names = [f"user{n}" for n in range(1 + STREAMS // streams.OF_A_READER)]
        for name in names:
            accounts.add_user(name, "correct horse battery", "admin")
        return [accounts.add_token(name, "test", "admin", 1)[0] for name in names]


@pytest.fixture
def read(app: Flask) -> Iterator[Open]:
    """Ask for a file as the token's user, and leave it open after its first piece."""
    with ExitStack() as stack:

        @contextmanager
        def opened(token: str, path: str) -> Iterator[TestResponse]:
            headers = {"Authorization": f"Bearer {token}"}
            with app.test_client().get(path, headers=headers, buffered=False) as answer:
                if answer.status_code == 200:
                    next(iter(answer.iter_encoded()))
                yield answer

        paths = iter(PATHS * 10)
        yield lambda token: stack.enter_context(opened(token, next(paths)))


def test_a_reader_has_so_many_files_open_and_all_together_so_many(users: list[str], read: Open) -> None:
    *some, last = users
    for token in some:
        assert [read(token).status_code for _ in range(streams.OF_A_READER)] == [200] * streams.OF_A_READER
    refused = read(some[0])
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert "wait until one has come" in refused.text
    assert read(last).status_code == 503


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_was_read_left_or_only_asked_after_counts_no_more(app: Flask, users: list[str], path: str) -> None:
    headers = {"Authorization": f"Bearer {users[0]}"}
    for _ in range(STREAMS):
        with app.test_client().get(path, headers=headers, buffered=False) as left:
            assert left.status_code == 200
        with app.test_client().head(path, headers=headers) as asked:
            assert asked.status_code == 200
        whole = app.test_client().get(path, headers=headers)
        assert (whole.status_code, bool(whole.data)) == (200, True)
    assert +streams._reading == {}


@pytest.mark.parametrize("path", PATHS)
def test_an_open_file_holds_one_connection_to_the_database(app: Flask, users: list[str], path: str) -> None:
    headers, held = {"Authorization": f"Bearer {users[0]}"}, list[int]()
    with app.test_client().get(path, headers=headers, buffered=False) as answer:
        for _ in answer.iter_encoded():
            held.append(next(iter(db._app_engines[app].values())).pool.checkedout())  # type: ignore[attr-defined]
    assert max(held) == 1, "what the page asked before it has given back"
