"""Ten filters, the API's list and the exports over a filled record: medians, p95, bytes and statements.

    RESEARCH_DASHBOARD_INSTANCE=/some/folder python -m benchmarks.history [RUNS]

fills the instance's database up to RUNS (a million), measures whole requests in the server's process, prints a table.
"""

import gc
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any

from flask import Flask
from sqlalchemy import event

from research_dashboard import create_app
from research_dashboard.extensions import db, reading
from research_dashboard.queries.runs import runs_overall
from research_dashboard.services.database import prepare_database
from research_dashboard.services.fill import fill

PAGE = "/historical-records"
FILTERS = {
    "none": "",
    "company, nearly all": "company=inc",
    "company, none": "company=zzzz",
    "status": "status=Failed",
    "company and status": "company=northridge&status=Failed",
    "a month": "start=2026-03-01&end=2026-03-31",
    "by company": "sort=company",
    "by duration, longest first": "sort=-duration",
    "page 500": "page=500",
    "free text": "q=inventory",
}
MORE = {
    "filter text": "q=status:failed+AND+company:steel+AND+duration%3E0.5",
    "company and month": "company=inc&start=2026-03-01&end=2026-03-31",
    "researcher, by insights": "researcher=researcher-03&sort=-insights",
    "last page": "page=1000000",
    "facets, no filter": "facets=1",
    "facets, a month": "facets=1&start=2026-03-01&end=2026-03-31",
}
TIMES = 15


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect the SQL that is sent meanwhile."""
    sent: list[str] = []

    def listen(*args: Any) -> None:
        sent.append(args[2])

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    yield sent
    event.remove(engine, "before_cursor_execute", listen)


def measure(app: Flask, path: str, times: int = TIMES) -> tuple[float, float, float, int, int]:
    """Median and p95 in milliseconds, median of processor time, bytes, statements of a request."""
    client, headers = app.test_client(), {"HX-Request": "true"} if "/facets" in path else {}
    with statements(app) as sent:
        answer = client.get(path, headers=headers)
    assert answer.status_code == 200, (path, answer.status_code)
    size, number = len(answer.data), len(sent)
    took, worked = [], []
    for _ in range(times):
        gc.collect()
        began, busy = time.perf_counter(), time.process_time()
        client.get(path, headers=headers).get_data()
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    return median(took), quantiles(took, n=20)[-1], median(worked), size, number


def export(app: Flask, kind: str, query: str) -> tuple[float, float, int, int]:
    """Seconds, seconds of processor time, bytes and the growth of memory in kB of a streamed file."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, busy = time.perf_counter(), time.process_time()
    size = sum(len(piece) for piece in app.test_client().get(f"{PAGE}.{kind}?{query}").iter_encoded())
    took, worked = time.perf_counter() - began, time.process_time() - busy
    return took, worked, size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def main(runs: int) -> None:
    """Fill, measure, print."""
    app = create_app({"TESTING": True})
    with app.app_context():
        prepare_database(app.config["SETTINGS"].instance)
        with reading() as session:
            there = runs_overall(session)
        if there < runs:
            began = time.monotonic()
            fill(runs - there)
            print(f"filled {runs - there:,} runs in {time.monotonic() - began:.0f} s\n")
    print(f"{runs:,} runs, {5 * runs:,} steps; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {platform.machine()}, "
          f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}\n")  # fmt: skip
    print("| Request | median ms | p95 ms | processor ms | bytes | statements |\n|--|--:|--:|--:|--:|--:|")
    requests = {name: f"{PAGE}?{query}" for name, query in (FILTERS | MORE).items()}
    requests["API, list of 100"] = "/api/research_runs/?limit=100"
    requests |= {f"facets alone: {name}": f"{PAGE}/facets?{query}" for name, query in FILTERS.items()}
    for name, path in requests.items():
        middle, late, worked, size, number = measure(app, path)
        print(f"| {name} | {middle:.1f} | {late:.1f} | {worked:.1f} | {size:,} | {number} |", flush=True)
    print("\n| Export of 100,000 runs | seconds | processor s | bytes | memory grew by |\n|--|--:|--:|--:|--:|")
    for kind in ("csv", "ndjson", "json", "atom", "xlsx"):
        seconds, worked, size, grown = export(app, kind, "sort=id&q=id%3C%3D100000")
        print(f"| {kind} | {seconds:.2f} | {worked:.2f} | {size:,} | {grown:,} kB |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
