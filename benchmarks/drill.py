"""`./dev drill`: two web servers and three workers on one PostgreSQL under load, one of them killed every 5 seconds.

Two “machines” (folders of their own; each a web process with a worker beside it) and a worker alone share the database.
Programs ask for research, log runs and read meanwhile. Every fourth kill is of a web process, the others of workers;
none is told to end, each gets SIGKILL. At the end the record is held against what was acknowledged.

    ./dev drill [--seconds 120] [--every 5] [--seed 1]
"""

import argparse
import itertools
import json
import os
import platform
import random
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from flask import Flask
from sqlalchemy import func, select

from research_dashboard import create_app
from research_dashboard.extensions import db, reading
from research_dashboard.models import ResearchResult, ResearchRun, Status
from research_dashboard.queries import work
from research_dashboard.research.steps import RESULT_TYPES
from research_dashboard.services.database import prepare_database
from research_dashboard.settings import Settings
from tests import postgres
from tests.faults.bench import free_port, process_of, stored, until

COMPANIES = ("AAPL", "MSFT", "NKE", "TGT", "WMT")
DAYS = tuple(f"{year}-{month:02}-01" for year in (2023, 2024, 2025) for month in (2, 5, 8, 11))
WEB_EVERY = 4  # of so many kills one is of a web process
WAITING = 12  # so many runs wait at most: then those who ask pause
TAKEN_WITHIN = 10.0  # seconds within which a dead worker's run is to go on
ENDED = {status.value for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)}
VARIES = ("manifest",)  # it names the run


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed, when, and the port it answered on (None for a worker)."""

    pid: int
    at: float
    port: int | None


@dataclass(slots=True)
class Seen:
    """What the clients and the killer saw."""

    asked: list[tuple[int, tuple[str, str]]] = field(default_factory=list)  # acknowledged run, what it was asked for
    logged: list[tuple[int, str]] = field(default_factory=list)  # acknowledged run, its unique company
    answers: int = 0
    errors: list[tuple[float, float, int, str]] = field(default_factory=list)  # begun, failed, port, what
    kills: list[Kill] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)  # seconds until a dead worker's run went on
    lock: Any = field(default_factory=threading.Lock)

    def in_flight(self, error: tuple[float, float, int, str]) -> bool:
        """True when the process that was asked was killed meanwhile."""
        begun, failed, port, _ = error
        return any(kill.port == port and begun <= kill.at + 0.05 and kill.at <= failed for kill in self.kills)


@dataclass(frozen=True, slots=True)
class Site:
    """What is under fire: the program's settings, and the server's first process by its port."""

    app: Flask
    servers: dict[int, psutil.Process]


def send(seen: Seen, port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    """The answer's JSON (or text) once; None, and an error on record, when there is none. Nothing is tried again."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            kind = answer.headers["Content-Type"]
    except (OSError, urllib.error.HTTPError) as error:
        with seen.lock:
            seen.errors.append((begun, time.monotonic(), port, f"{request.get_method()} {path}: {error!r}"))
        return None
    with seen.lock:
        seen.answers += 1
    return json.loads(text) if "json" in kind else text


def ask(seen: Seen, port: int, chance: random.Random, site: Site) -> None:
    """Ask for research, and look at it."""
    wanted = chance.choice(COMPANIES), chance.choice(DAYS)
    found = send(seen, port, "/api/research", {"company": wanted[0], "as_of": wanted[1]})
    if found is not None:
        with seen.lock:
            seen.asked.append((found["id"], wanted))
        send(seen, port, f"/api/research_runs/{found['id']}")
    with site.app.app_context(), reading() as session:
        waiting = work.waiting_and_working(session)
    if waiting[Status.QUEUED] >= WAITING:
        time.sleep(0.5)


NUMBERS = itertools.count(1)


def log(seen: Seen, port: int, _chance: random.Random, _site: Site) -> None:
    """Log a run of one's own."""
    company = f"Logged {next(NUMBERS)}"
    run = {"company": company, "researcher": "drill", "status": "Completed", "duration_mins": 1.0, "insights": 1}
    found = send(seen, port, "/api/research_runs/", run)
    if found is not None:
        with seen.lock:
            seen.logged.append((found["id"], company))
    time.sleep(0.05)


def read(seen: Seen, port: int, chance: random.Random, _site: Site) -> None:
    """Read what people read."""
    send(seen, port, chance.choice(("/historical-records?status=Completed", "/", "/api/research_runs/?limit=20")))
    time.sleep(0.05)


def load(site: Site, seen: Seen, ending: threading.Event, seed: int) -> list[threading.Thread]:
    """Two clients of each kind, one at each server, until it ends."""

    def one(what: Callable[[Seen, int, random.Random, Site], None], port: int, chance: random.Random) -> None:
        while not ending.is_set():
            what(seen, port, chance, site)

    pairs = [(what, port) for what in (ask, log, read) for port in site.servers]
    threads = [
        threading.Thread(target=one, args=(what, port, random.Random(seed + number)))
        for number, (what, port) in enumerate(pairs)
    ]
    for thread in threads:
        thread.start()
    return threads


def worker_pids(site: Site) -> list[int]:
    """The worker processes that beat."""
    with site.app.app_context(), reading() as session:
        pids = [int(worker.id.split(":")[1]) for worker in work.workers(session)]
    return [pid for pid in pids if psutil.pid_exists(pid)]


def web_pids(site: Site) -> dict[int, int]:
    """Each web process's port by its id: the server's children that are no worker."""
    workers = set(worker_pids(site))
    return {
        child.pid: port
        for port, server in site.servers.items()
        for child in server.children()
        if child.pid not in workers and child.status() != psutil.STATUS_ZOMBIE
    }


def kill_one(site: Site, seen: Seen, chance: random.Random, number: int) -> None:
    """Kill a process; of a worker's runs, watch in the background how soon they go on."""
    webs = web_pids(site)
    pids = sorted(webs) if number % WEB_EVERY == 0 else sorted(worker_pids(site))
    if not pids:
        return
    pid = chance.choice(pids)
    held = {} if pid in webs else held_by(site, pid)
    with seen.lock:
        seen.kills.append(Kill(pid, time.monotonic(), webs.get(pid)))
    os.kill(pid, signal.SIGKILL)
    if held:
        threading.Thread(target=watch, args=(site, seen, held), daemon=True).start()


def held_by(site: Site, pid: int) -> dict[int, str]:
    """The runs that a worker holds, with its leases' tokens."""
    statement = select(ResearchRun.id, ResearchRun.worker).where(ResearchRun.status == Status.RUNNING.value)
    with site.app.app_context(), reading() as session:
        return {id_: token for id_, token in session.execute(statement) if token and token.split(":")[1] == str(pid)}


def watch(site: Site, seen: Seen, held: dict[int, str]) -> None:
    """Measure until each of these runs is held by another, or has ended."""
    began = time.monotonic()
    statement = select(ResearchRun.id, ResearchRun.worker, ResearchRun.status).where(ResearchRun.id.in_(held))
    while held and time.monotonic() - began < 120:
        with site.app.app_context(), reading() as session:
            rows = session.execute(statement).all()
        for id_, token, status in rows:
            if id_ in held and (status in ENDED or (token and token != held[id_])):
                del held[id_]
                with seen.lock:
                    seen.taken.append(time.monotonic() - began)
        time.sleep(0.05)
    with seen.lock:
        seen.taken.extend(120.0 for _ in held)


@contextmanager
def machines(app: Flask, folder: Path) -> Iterator[Site]:
    """Two servers with a worker each, and a worker alone that is started again whenever it dies."""
    ending = threading.Event()

    def keep_a_worker() -> None:
        while not ending.is_set():
            with process_of(app, ["flask", "worker"], RESEARCH_DASHBOARD_INSTANCE=str(folder / "three")) as alone:
                while alone.poll() is None and not ending.wait(0.2):
                    pass

    with ExitStack() as stack:
        servers = {}
        for name in ("one", "two"):
            port = free_port()
            environ = {"PORT": str(port), "RESEARCH_DASHBOARD_INSTANCE": str(folder / name)}
            process = stack.enter_context(process_of(app, ["research_dashboard.serve"], **environ))
            servers[port] = psutil.Process(process.pid)
        keeper = threading.Thread(target=keep_a_worker)
        keeper.start()
        try:
            site = Site(app, servers)
            until(lambda: len(worker_pids(site)) >= 3 and len(web_pids(site)) >= 2, 120)
            for port in servers:
                until(lambda port=port: send(Seen(), port, "/healthz") is not None, 60)  # type: ignore[misc]
            yield site
        finally:
            ending.set()
            keeper.join()
            for server in servers.values():
                end_family(server)


def end_family(server: psutil.Process) -> None:
    """End a server and its children, by their ids."""
    family = [*server.children(recursive=True), server]
    server.terminate()
    for process in psutil.wait_procs(family, timeout=15)[1]:
        process.kill()


def drill(app: Flask, folder: Path, seconds: float, every: float, seed: int) -> dict[str, Any]:
    """Run it; answers the numbers, of which lost, doubled and errors beyond those in flight are to be 0."""
    seen, chance, ending = Seen(), random.Random(seed), threading.Event()
    with machines(app, folder) as site:
        began, threads = time.monotonic(), load(site, seen, ending, seed)
        for number in itertools.count(1):
            if time.monotonic() - began + every > seconds:
                break
            time.sleep(max(0.0, began + number * every - time.monotonic()))
            kill_one(site, seen, chance, number)
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        ending.set()
        for thread in threads:
            thread.join()
        with app.app_context():
            until(lambda: not unfinished(), 180)
        took = time.monotonic() - began
    with app.app_context():
        return {"seconds": took, **held_against(seen)}


def unfinished() -> int:
    with reading() as session:
        counts = work.waiting_and_working(session)
    return sum(counts.values())


def held_against(seen: Seen) -> dict[str, Any]:
    """The record against what was acknowledged."""
    asked = dict(seen.asked)
    with reading() as session:
        statuses = dict(session.execute(select(ResearchRun.id, ResearchRun.status)).all())
        companies = Counter(session.scalars(select(ResearchRun.company).where(ResearchRun.company.like("Logged %"))))
        kinds = select(ResearchResult.research_run_id, func.count()).group_by(ResearchResult.research_run_id)
        results = dict(session.execute(kinds).all())
    alike: dict[tuple[str, str], set[str]] = defaultdict(set)
    for run_id, wanted in asked.items():
        alike[wanted].add(repr([data for kind, data in stored(run_id) if kind not in VARIES]))
    lost = [id_ for id_ in asked if statuses.get(id_) != "Completed" or results.get(id_, 0) < len(RESULT_TYPES)]
    lost += [id_ for id_, company in seen.logged if id_ not in statuses or not companies[company]]
    doubled = [id_ for id_ in asked if results.get(id_, 0) > len(RESULT_TYPES)]
    doubled += [company for company, number in companies.items() if number > 1]
    beyond = [error for error in seen.errors if not seen.in_flight(error)]
    return {
        "killed workers": sum(kill.port is None for kill in seen.kills),
        "killed web processes": sum(kill.port is not None for kill in seen.kills),
        "runs researched": len(asked),
        "runs logged": len(seen.logged),
        "answers": seen.answers,
        "runs a killed worker held": len(seen.taken),
        "slowest takeover, s": round(max(seen.taken, default=0.0), 1),
        "errors in flight on a killed process": len(seen.errors) - len(beyond),
        "errors beyond those": len(beyond),
        "lost": len(lost),
        "doubled": len(doubled),
        "requests whose runs differ": sum(len(texts) > 1 for texts in alike.values()),
        "_beyond": Counter(error[3] for error in beyond),
    }


def main() -> int:
    """Run the drill on a server of its own, or TEST_DATABASE_URL's; 1 when something was lost, doubled or refused."""
    parser = argparse.ArgumentParser(prog="./dev drill")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--every", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with postgres.server() as url, tempfile.TemporaryDirectory() as folder:
        own = postgres.database(url)
        app = create_app({"TESTING": True}, Settings(Path(folder), own, "test"))
        with app.app_context():
            prepare_database(Path(folder))
        found = drill(app, Path(folder), options.seconds, options.every, options.seed)
        with app.app_context():
            db.engine.dispose()
        postgres.drop(url, own)
    print(f"2 web, 3 workers, PostgreSQL; a kill every {options.every:g} s for {options.seconds:g} s; "
          f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    print("| What | count |\n|--|--:|")
    for name, value in found.items():
        if not name.startswith("_"):
            print(f"| {name} | {value:,.0f} |" if name == "seconds" else f"| {name} | {value:,} |")
    for error, number in found["_beyond"].most_common():
        print(f"{number} × {error}", file=sys.stderr)
    return int(failed(found))


def failed(found: dict[str, Any]) -> bool:
    """True when the drill is not passed."""
    zeros = ("errors beyond those", "lost", "doubled", "requests whose runs differ")
    return any(found[name] for name in zeros) or found["slowest takeover, s"] > TAKEN_WITHIN


if __name__ == "__main__":
    sys.exit(main())
