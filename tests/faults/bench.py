"""What the fault tests share: worker processes, and what the database says."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.error import HTTPError

from flask import Flask
from sqlalchemy import select, text, update

from research_dashboard.extensions import reading, writing
from research_dashboard.models import ResearchDetail, ResearchRun

ROOT = Path(__file__).parents[2]


def environment(app: Flask, **more: str) -> dict[str, str]:
    """What a process needs to work on the app's database."""
    settings = app.config["SETTINGS"]
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return environ | {
        "RESEARCH_DASHBOARD_INSTANCE": str(settings.instance),
        "RESEARCH_DASHBOARD_DATABASE_URL": settings.database_url,
        "RESEARCH_DASHBOARD_SECRET_KEY": "test",
        "FLASK_APP": "research_dashboard",
        **more,
    }


@contextmanager
def process_of(app: Flask, module: list[str], **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of ours; killed at the end."""
    with (app.config["SETTINGS"].instance / f"process-{time.monotonic_ns()}.log").open("w") as log:
        command = [sys.executable, "-m", *module]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(app, **environ), stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def worker(app: Flask, *fault: str) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    """A worker process on the app's database; with a fault, one in which it happens."""
    return process_of(app, ["tests.faults.faulty_worker", *fault] if fault else ["flask", "worker"])


@contextmanager
def server(app: Flask, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The whole program, once it answers."""
    with process_of(app, ["research_dashboard.serve"], PORT=str(port)) as process:
        until(lambda: answers(port))
        yield process


def answers(port: int) -> bool:
    """True when something answers there."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], seconds: float = 60.0, state: Callable[[], str] = str) -> float:
    """Wait for it; answers how long it took. Waiting in vain fails the test with the state of things."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"it did not happen in time: {state()}"
        time.sleep(0.02)
    return time.monotonic() - started


def status(run_id: int) -> str:
    with reading() as session:
        return session.scalars(select(ResearchRun.status).where(ResearchRun.id == run_id)).one()


def steps(run_id: int) -> list[tuple[str, int]]:
    """Each step's state and attempts."""
    statement = select(ResearchDetail.status, ResearchDetail.attempt).where(ResearchDetail.research_run_id == run_id)
    with reading() as session:
        return [(row[0], row[1]) for row in session.execute(statement.order_by(ResearchDetail.position))]


def stored(run_id: int) -> list[tuple[str, str]]:
    """The results, byte for byte as they are stored."""
    statement = text(
        "SELECT result_type, CAST(result_data AS TEXT) FROM research_results "
        "WHERE research_run_id = :run ORDER BY position"
    )
    with reading() as session:
        return [(row[0], row[1]) for row in session.execute(statement, {"run": run_id})]


def let_leases_run_out() -> None:
    """As if the lease's seconds had gone by."""
    with writing() as session:
        session.execute(update(ResearchRun).where(ResearchRun.worker.is_not(None)).values(lease_until=None))
