"""The client logs a run the way a script would, over a real connection."""

import threading
import warnings
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from flask import Flask
from werkzeug.serving import make_server

from research_dashboard.client import ApiError, Client
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
        assert found["error_message"] == "ValueError: bad number"


def test_the_servers_words_are_the_errors(client: Client) -> None:
    with pytest.raises(ApiError, match="company") as caught, client.run(""):
        raise AssertionError("a run that could not be logged does not begin")
    assert caught.value.status == 422
    assert caught.value.problem["errors"][0]["field"] == "company"
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
