"""The client logs a run the way a script would, over a real connection."""

import json
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from flask import Flask
from werkzeug.serving import make_server

from research_dashboard.client import ApiError, Client, NotOnRecord
from tests.api.broken_server import HANG, broken, said
from tests.api.test_records import RUN, counts
from tests.makers import make_company


@pytest.fixture
def client(app: Flask) -> Iterator[Client]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with Client(f"http://127.0.0.1:{server.port}", researcher="ann") as made:
        yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_script_logs_its_run_step_by_step(client: Client) -> None:
    with client.run("Acme") as run:
        assert run.id is not None
        with run.step("Fetch", "6 pages"):
            during = client.get(run.id, include=["details"])
        with run.step("Read"):
            run.result("note", {"a": 1})
            run.insights += 3
    assert (during["status"], during["details"][0]["status"]) == ("Running", "Running")
    after = client.get(run.id, include=["details", "results"])
    assert (after["status"], after["insights"], after["researcher"]) == ("Completed", 3, "ann")
    assert [(step["step_name"], step["status"]) for step in after["details"]] == [
        ("Fetch", "Completed"),
        ("Read", "Completed"),
    ]
    assert after["details"][0]["message"] == "6 pages"
    assert after["results"][0]["result_data"] == {"a": 1}
    assert after["duration_mins"] > 0


@pytest.mark.parametrize(
    ("raised", "status"), [(ValueError("bad\nnumber"), "Failed"), (KeyboardInterrupt(), "Cancelled")]
)
def test_an_exception_is_on_record_and_goes_on_its_way(client: Client, raised: BaseException, status: str) -> None:
    with pytest.raises(type(raised)), client.run("Acme") as run, run.step("Fetch"):
        raise raised
    assert run.id is not None
    found = client.get(run.id, include=["details"])
    assert (found["status"], found["details"][0]["status"]) == (status, status)
    if status == "Failed":
        assert (found["error_kind"], found["error_message"]) == ("ValueError", "ValueError: bad number")


def test_the_servers_words_are_the_errors(client: Client) -> None:
    with pytest.raises(ApiError, match="company") as caught, client.run(""):
        raise AssertionError("a run that could not be logged does not begin")
    assert (caught.value.status, caught.value.kind) == (422, "invalid-input")
    assert caught.value.errors[0]["field"] == "company"
    with pytest.raises(ApiError, match="no run 99"):
        client.get(99)


def test_a_soft_client_warns_and_lets_the_work_go_on() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("nobody there", request=request)

    work = []
    with Client(soft=True, transport=httpx2.MockTransport(refuse)) as client:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with client.run("Acme") as run, run.step("Fetch"):
                work.append("done")
                run.result("note", {})
        assert run.id is None
    assert "Not on record" in str(warned[0].message)
    assert work == ["done"]
    with Client(transport=httpx2.MockTransport(refuse)) as client, pytest.raises(ApiError), client.run("Acme"):
        raise AssertionError


def test_a_post_whose_answer_is_lost_is_sent_again_and_done_once(app: Flask, client: Client) -> None:
    through = client._http._transport
    keys = []

    class Lossy(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            answer = through.handle_request(request)
            if request.method == "POST":
                keys.append(request.headers["Idempotency-Key"])
                if len(keys) == 1:
                    answer.close()
                    raise httpx2.ReadError("lost", request=request)
            return answer

    client._http._transport = Lossy()
    with client.run("Acme"):
        pass
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert counts(app) == (1, 0, 0)


PROBLEM = '{"type": "/api/problems/%s", "title": "t", "status": %d, "detail": "Said so."}'
RUN_JSON = json.dumps(RUN | {"id": 5})


def test_a_busy_server_is_asked_again_when_it_says_and_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("research_dashboard.client.time.sleep", pauses.append)
    busy = said("429 Too Many", PROBLEM % ("too-many-requests", 429), "Retry-After: 7", kind="application/problem+json")
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    closed = said("503 Unavailable", "<h1>Maintenance</h1>", f"Retry-After: {moment}", kind="text/html")
    with broken(busy, closed, said("200 OK", RUN_JSON)) as server, Client(server.url) as client:
        assert client.log([RUN])["id"] == 5
    assert pauses[0] == 7
    assert 25 < pauses[1] <= 30
    assert (len(server.keys), len(set(server.keys))) == (3, 1)


def test_a_server_that_asks_for_more_patience_than_there_is_is_an_error_at_once() -> None:
    later = said(
        "503 Unavailable", PROBLEM % ("unavailable", 503), "Retry-After: 3600", kind="application/problem+json"
    )
    with broken(later) as server, Client(server.url) as client, pytest.raises(ApiError, match="Said so") as caught:
        client.get(1)
    assert (caught.value.kind, caught.value.status, caught.value.retry_after) == ("unavailable", 503, 3600)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "status"),
    [
        (said("400 Bad", '{"type": "/api/prob', kind="application/problem+json"), "unreadable", 400),
        (said("400 Bad", "[1]", kind="application/problem+json"), "unreadable", 400),
        (said("404 Not Found", "<h1>nginx</h1>", kind="text/html"), "unreadable", 404),
        (
            said("422 Unprocessable", PROBLEM % ("invalid-input", 422), kind="application/problem+json"),
            "invalid-input",
            422,
        ),
        (said("200 OK", "<h1>Sign in</h1>", kind="text/html"), "unreadable", 200),
        (said("200 OK", "[]"), "unreadable", 200),
    ],
)
def test_whatever_is_answered_is_a_run_or_the_clients_own_error(answer: bytes, kind: str, status: int) -> None:
    with (
        broken(answer) as server,
        Client(server.url) as client,
        pytest.raises(ApiError) as caught,
        client.run("Acme"),
    ):
        raise AssertionError
    assert (caught.value.kind, caught.value.status, caught.value.errors) == (kind, status, [])


@pytest.mark.parametrize("answer", [b"\x00\x01nonsense", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut"])
def test_what_is_no_answer_is_unreachable(answer: bytes) -> None:
    with broken(answer) as server, Client(server.url) as client, pytest.raises(ApiError) as caught:
        client.get(1)
    assert (caught.value.kind, caught.value.status) == ("unreachable", None)
    assert len(server.requests) == 4


def test_a_soft_client_waits_once_for_a_server_that_hangs_and_says_that_it_is_quiet() -> None:
    done = []

    def script(client: Client) -> None:
        with client.run("Acme") as run:
            for number in range(20):
                with run.step(f"Step {number}"):
                    run.result("note", {})
                    done.append(number)

    with (
        broken(said("201 Created", RUN_JSON), HANG) as server,
        Client(server.url, soft=True, timeout=0.3) as client,
        pytest.warns(NotOnRecord) as warned,
    ):
        script(client)
    assert done == list(range(20))
    assert [request.split()[:2] for request in server.requests] == [
        [b"POST", b"/api/research_runs/"],
        [b"POST", b"/api/research_details/"],  # the one that waits
        [b"PATCH", b"/api/research_runs/5"],  # the run's end is tried: the server may be back
    ]
    assert "nothing is logged for the next 30 s" in str(warned[0].message)
    assert len(warned) == 2


def test_what_is_no_json_is_said_before_it_is_sent_and_does_not_stop_a_soft_script(client: Client) -> None:
    client.soft = True
    with client.run("Acme") as run:
        for data in ({"when": {1, 2}}, {"share": float("nan")}):
            with pytest.warns(NotOnRecord, match="not JSON"):
                run.result("note", data)
        run.result("note", {"share": 1})
    assert run.id is not None
    assert [each["result_data"] for each in client.get(run.id, include=["results"])["results"]] == [{"share": 1}]
    client.soft = False
    with pytest.raises(ApiError) as caught, client.run("Acme") as run:
        run.result("note", object())
    assert caught.value.kind == "not-json"


def test_the_scripts_own_exception_goes_on_its_way_when_its_end_cannot_be_logged() -> None:
    with (
        broken(said("201 Created", RUN_JSON), said("409 Conflict", "{}")) as server,
        Client(server.url) as client,
        pytest.raises(ZeroDivisionError) as caught,
        client.run("Acme"),
    ):
        raise ZeroDivisionError
    assert "Not on record" in caught.value.__notes__[0]
    assert b"ZeroDivisionError" in server.requests[1]


def test_many_runs_are_logged_and_read_page_by_page(client: Client) -> None:
    many: list[dict[str, Any]] = [RUN | {"company": f"C{number}"} for number in range(25)]
    assert client.log(many)["created"] == 25
    assert client.log([RUN, RUN | {"insights": -1}], atomic=False)["refused"] == 1
    assert len(list(client.runs(limit=4))) == 26
    assert [run["company"] for run in client.runs(company="C24")] == ["C24"]


def test_the_built_in_research_is_started_and_watched(app: Flask, client: Client) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    assert client.companies("appl")[0]["ticker"] == "AAPL"
    assert client.research("AAPL", wait=0.3)["status"] == "Queued"
