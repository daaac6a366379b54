"""Issue 6's numbers: a seeded sample of each in ./dev test, the full counts in ./dev soak, printed."""

import itertools
import json
import multiprocessing
import random
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from research_dashboard import create_app
from research_dashboard.extensions import db, reading
from research_dashboard.models import ResearchResult, ResearchRun, Status
from research_dashboard.research.steps import RESULT_TYPES
from research_dashboard.services import backups, runs
from research_dashboard.services.records import log_run
from research_dashboard.settings import Settings
from research_dashboard.worker import Worker
from tests.faults.bench import answers, free_port, server, status, stored, until, worker

FULL = (pytest.mark.soak, pytest.mark.timeout(3600))


def counts(sample: int, full: int) -> Any:
    """The sample in every test run; the full count in a soak."""
    return pytest.mark.parametrize("count", [sample, pytest.param(full, marks=FULL)])


def start(number: int) -> int:
    return runs.start_research("NKE", "ann", peers=["TGT"], options={"n": number}).run_id


def say(line: str) -> None:
    print(f"\n  soak: {line}", flush=True)


@counts(4, 200)
def test_killed_at_random_instants_under_load_nothing_is_lost_doubled_or_stuck(bundled: Flask, count: int) -> None:
    chance, kills, at_work, ids = random.Random(count), 0, 0, [start(0)]
    Worker(bundled).work()
    wanted = stored(ids[0])
    began, numbers = time.monotonic(), itertools.count(1)
    with ExitStack() as stack:
        alive = [stack.enter_context(worker(bundled)) for _ in range(2)]
        while kills < count:
            ids.extend(start(next(numbers)) for _ in range(max(0, chance.randrange(4, 9) - unfinished())))
            until(lambda: bool(holders(alive)) or unfinished() == 0, 300, state_of_work)
            time.sleep(chance.random() / 20)
            victim, amid_a_run = chosen_victim(alive, chance)
            if victim is None:
                continue  # both workers hold a run that may not lose another: let them end it
            at_work += amid_a_run
            victim.kill()
            kills += 1
            alive[alive.index(victim)] = stack.enter_context(worker(bundled))
        until(lambda: unfinished() == 0, 300, state_of_work)
    with reading() as session:
        ended = dict(session.execute(select(ResearchRun.status, func.count()).group_by(ResearchRun.status)).all())
        results = session.scalar(select(func.count(ResearchResult.id)))
    assert ended == {"Completed": len(ids)}
    assert results == len(ids) * len(RESULT_TYPES)
    assert all(stored(run_id) == wanted for run_id in ids)
    say(
        f"{kills} kills, {at_work} of a worker amid a run; {len(ids)} runs, 0 lost, 0 doubled, 0 stuck, all equal, "
        f"{time.monotonic() - began:.0f} s"
    )


# A run whose worker was killed five times at the same step ends Failed, as it should: see test_crash. Here no run is
# to fail, so the holder of one that has lost its worker this often is spared.
SPARED_FROM = 3


def chosen_victim(alive: list[Any], chance: random.Random) -> tuple[Any, bool]:
    """The process to kill, a holder of a run if there is one, and whether it holds one; None when all are spared."""
    held = holders(alive)
    if held:
        return chance.choice(held), True
    spared = pids_with_a_run(ResearchRun.attempts >= SPARED_FROM)
    idle = [process for process in alive if process.pid not in spared]
    return (chance.choice(idle) if idle else None), False


def holders(alive: list[Any]) -> list[Any]:
    """The processes that hold runs just now, by the leases, and none among them that may not lose another worker."""
    pids = pids_with_a_run() - pids_with_a_run(ResearchRun.attempts >= SPARED_FROM)
    return [process for process in alive if process.pid in pids]


def pids_with_a_run(*conditions: Any) -> set[int]:
    running = select(ResearchRun.worker).where(ResearchRun.status == Status.RUNNING.value, *conditions)
    with reading() as session:
        return {int(token.split(":")[1]) for token in session.scalars(running) if token}


def state_of_work() -> str:
    """Every unfinished run and every worker, for the message of a test that waited in vain."""
    rows = "SELECT id, status, worker, lease_until, attempts, error_kind FROM research_runs WHERE status <> 'Completed'"
    with reading() as session:
        runs = [tuple(row) for row in session.execute(text(rows))]
        workers = [tuple(row) for row in session.execute(text("SELECT id, beat_at FROM workers"))]
    return f"unfinished: {runs}; workers: {workers}"


def unfinished() -> int:
    with reading() as session:
        statement = select(func.count(ResearchRun.id)).where(ResearchRun.status != Status.COMPLETED.value)
        return session.scalar(statement) or 0


@counts(4, 100)
def test_cancelled_at_random_instants_is_never_overwritten(bundled: Flask, count: int) -> None:
    chance, slowest, before_the_end = random.Random(count), 0.0, 0
    first = start(0)
    with worker(bundled):
        until(lambda: completed(first), 120)
        for number in itertools.count(1):
            if before_the_end == count:
                break
            run_id = start(number)
            time.sleep(chance.random() / 10)
            try:
                runs.cancel(run_id)
            except runs.RunError:
                assert status(run_id) == "Completed", "it was over before it could be cancelled"
                continue
            before_the_end += 1
            slowest = max(slowest, until(lambda run_id=run_id: status(run_id) == "Cancelled", 10))  # type: ignore[misc]
            assert stored(run_id) == [] or len(stored(run_id)) < len(RESULT_TYPES)
        time.sleep(1)
        with reading() as session:
            cancelled = session.scalar(select(func.count(ResearchRun.id)).where(ResearchRun.status == "Cancelled"))
    assert cancelled == before_the_end
    assert slowest < 2.0
    say(f"{count} cancels of {number} runs (the others were over before), 0 overwritten, slowest {slowest:.2f} s")


def completed(run_id: int) -> bool:
    return status(run_id) == "Completed"


def write_for(settings: Settings, seconds: float, written: Any) -> None:
    """One process of the load: four threads that log runs."""
    app = create_app({"TESTING": True}, settings)
    until_when = time.monotonic() + seconds

    def one_thread() -> None:
        with app.app_context():
            while time.monotonic() < until_when:
                values = {"company": "Acme", "researcher": "load", "duration_mins": 1.0, "insights": 1}
                log_run(status=Status.COMPLETED, **values)  # type: ignore[arg-type]
                with written.get_lock():
                    written.value += 1

    threads = [threading.Thread(target=one_thread) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@counts(3, 60)
def test_eight_threads_of_two_processes_write_and_backups_are_taken_meanwhile(bundled: Flask, count: int) -> None:
    settings, context = bundled.config["SETTINGS"], multiprocessing.get_context("spawn")
    written = context.Value("q", 0)
    wanted_backups = max(2, count * 50 // 60)
    load = [context.Process(target=write_for, args=(settings, count, written)) for _ in range(2)]
    for process in load:
        process.start()
    until(lambda: written.value > 0)
    made = []
    for _ in range(wanted_backups):
        made.append(backups.make(settings.database_url, settings.instance / f"backups-{len(made) // 10}"))
    for process in load:
        process.join()
    assert [process.exitcode for process in load] == [0, 0], "a thread met an error: locked, most likely"
    assert count_runs() == written.value
    for backup in made:
        assert backups.verify(backup.path) == backup
    assert [backup.rows["research_runs"] for backup in made] == sorted(b.rows["research_runs"] for b in made)
    say(f"{written.value:,} writes of 8 threads in 2 processes, 0 lost, 0 locked; {len(made)} backups, all verify")


def count_runs() -> int:
    with reading() as session:
        return session.scalar(select(func.count(ResearchRun.id))) or 0


@counts(2, 20)
def test_no_acknowledged_run_is_missing_though_the_server_is_killed_during_posts(bundled: Flask, count: int) -> None:
    chance, acknowledged, port = random.Random(count), list[int](), free_port()
    db.session.remove()
    for kill in range(count):
        with server(bundled, port) as process:
            posting = threading.Thread(target=post_until_it_is_gone, args=(port, acknowledged, kill))
            began = posting_began(acknowledged)
            posting.start()
            until(began, 300)
            time.sleep(chance.random() / 2)
            process.kill()
            posting.join()
        until(lambda: not answers(port))
    with reading() as session:
        kept = set(session.scalars(select(ResearchRun.id)))
        if db.engine.dialect.name == "sqlite":
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
    db.session.remove()
    assert set(acknowledged) <= kept
    with reading() as session:  # the server was killed five times in a row in the middle of such a run: as documented
        given_up = session.scalars(select(ResearchRun.id).where(ResearchRun.error_kind == "worker_died")).all()
    for run_id in given_up:
        runs.resume(run_id)
    with worker(bundled):
        until(lambda: unfinished() == 0, 900, state_of_work)
    say(
        f"{count} kills during POSTs, {len(acknowledged)} runs acknowledged, 0 missing, "
        f"{len(given_up)} that lost five workers resumed, all completed"
    )


def posting_began(acknowledged: list[int]) -> Callable[[], bool]:
    """True once one more run is acknowledged than now."""
    before = len(acknowledged)
    return lambda: len(acknowledged) > before


def post_until_it_is_gone(port: int, acknowledged: list[int], kill: int) -> None:
    """Ask for research again and again; keep the id of each run that was promised."""
    for number in range(10_000):
        as_of = f"{2015 + number % 10}-{number // 10 % 12 + 1:02}-{kill + 1:02}"
        body = json.dumps({"company": "NKE", "peers": ["TGT"], "as_of": as_of}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/research", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                acknowledged.append(int(answer.headers["Location"].rsplit("/", 1)[1]))
        except OSError:
            return
