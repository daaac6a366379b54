"""Issue 6, 2, 3, 4 and 8 with real processes: a socket that stalls, a stale row that the web alone finds, a disk that
fills under a worker, the same research asked for by many processes at once."""

import multiprocessing
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from research_dashboard import create_app
from research_dashboard.extensions import db, reading
from research_dashboard.models import ResearchRun
from research_dashboard.services import leases, runs
from research_dashboard.settings import Settings
from tests.faults.bench import answers, free_port, process_of, status, steps, stored, until


@pytest.fixture
def stalled() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that takes every connection and never says a word; its address, and who is waiting there."""
    waiting: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    waiting.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", waiting
        server.shutdown(socket.SHUT_RDWR)
    for client in waiting:
        client.close()


def test_cancelled_within_two_seconds_though_the_sec_says_nothing(
    bundled: Flask, stalled: tuple[str, list[socket.socket]]
) -> None:
    address, waiting = stalled
    run_id = runs.start_research("AAPL", "ann", source="live", live=True).run_id
    live = {
        "RESEARCH_DASHBOARD_SEC_CONTACT": "Example ann@example.com",
        "RESEARCH_DASHBOARD_SEC_DATA_URL": address,
        "RESEARCH_DASHBOARD_SEC_WWW_URL": address,
    }
    with process_of(bundled, ["flask", "worker"], **live):
        until(lambda: bool(waiting) and steps(run_id)[1][0] == "Running")
        assert runs.cancel(run_id) == "Cancelling"
        assert until(lambda: status(run_id) == "Cancelled", 10) < 2.0
        # The thread that still hangs there costs nobody else: a run on bundled figures goes through meanwhile.
        other = runs.start_research("NKE", "ann", peers=["TGT"]).run_id
        until(lambda: status(other) == "Completed")
    assert status(run_id) == "Cancelled"
    assert stored(run_id) == []


def test_a_stale_row_is_found_by_the_plain_flask_server_alone(bundled: Flask) -> None:
    run_id = runs.start_research("AAPL", "ann").run_id
    leases.beat("gone", [])
    assert leases.claim("gone") is not None
    port = free_port()
    with process_of(bundled, ["flask", "run", "--port", str(port)]):
        until(lambda: answers(port))
        began = time.monotonic()
        until(lambda: status(run_id) == "Interrupted")
        assert time.monotonic() - began < 15  # ten, and some for a machine that is busy with other tests
    with reading() as session:
        run = session.get_one(ResearchRun, run_id)
        assert (run.error_kind, "as soon as a worker is started" in (run.error_message or "")) == ("no_worker", True)
    runs.resume(run_id)
    assert status(run_id) == "Queued"


@pytest.mark.sqlite
def test_a_disk_that_fills_under_a_worker_ends_no_run_and_it_goes_on_when_there_is_room(bundled: Flask) -> None:
    folder: Path = bundled.config["SETTINGS"].instance
    first = runs.start_research("NKE", "ann", peers=["TGT"]).run_id
    with process_of(bundled, ["flask", "worker"]) as process:
        until(lambda: status(first) == "Completed")
        before = stored(first)
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        size = (folder / "research.db-wal").stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (min(size, 4096), hard))
        run_id = runs.start_research("AAPL", "ann", peers=["MSFT"]).run_id
        time.sleep(5)  # what may go wrong goes wrong in this time; the run must not
        assert status(run_id) in ("Queued", "Running")
        done = {position for position, (state, _) in enumerate(steps(run_id), 1) if state == "Completed"}
        assert len(stored(run_id)) == 0 or done, "results without their step"
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))
        until(lambda: status(run_id) == "Completed", 90)
    assert len(stored(run_id)) == 8
    assert stored(first) == before


def ask_in_a_process(settings: Settings, begin: Any, got: Any) -> None:
    app = create_app({"TESTING": True}, settings)

    def ask() -> None:
        with app.app_context():
            begin.wait(120)
            for number in range(5):
                got.put((number, runs.start_research("AAPL", "ann", options={"n": number}).run_id))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_same_research_asked_for_by_eight_threads_in_two_processes_is_one_run(bundled: Flask) -> None:
    db.session.remove()
    context = multiprocessing.get_context("spawn")
    begin, got = context.Barrier(8), context.Queue()
    settings = bundled.config["SETTINGS"]
    processes = [context.Process(target=ask_in_a_process, args=(settings, begin, got)) for _ in range(2)]
    for process in processes:
        process.start()
    answered = [got.get(timeout=180) for _ in range(40)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(set(answered)) == 5
    with reading() as session:
        assert session.scalar(select(func.count(ResearchRun.id))) == 5
