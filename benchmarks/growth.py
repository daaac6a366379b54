"""What a request costs as the record grows: `./dev bench growth [MOST]` (1,000,000 runs; 10,000,000 take an hour).

One instance is filled to 10³, 10⁴ … runs; at each size the processor time of the main requests is measured in the
server's own process. The exponent is the slope of the cost against the rows, both as logarithms: 0 is flat, 1 in step.
"""

import math
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.history import FILTERS, PAGE, measure
from research_dashboard import create_app
from research_dashboard.extensions import db, reading
from research_dashboard.queries.runs import runs_overall
from research_dashboard.services.database import prepare_database
from research_dashboard.services.fill import fill
from research_dashboard.settings import Settings

FILTERED = ("none", "company, nearly all", "company and status", "status", "a month", "by company", "free text")
REQUESTS = {f"history, {name}": f"{PAGE}?{FILTERS[name]}" for name in FILTERED} | {
    "API, list of 100": "/api/research_runs/?limit=100",
    "one run": "/runs/7",
    "overview": "/",
}
LEAST = 1000


def exponent(costs: dict[int, float]) -> float:
    """The slope of log(cost) against log(size), by least squares."""
    points = [(math.log(size), math.log(max(cost, 1e-9))) for size, cost in costs.items()]
    middle_x, middle_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread


def main(most: int) -> None:
    """Fill, measure, print."""
    sizes = [LEAST * 10**power for power in range(8) if LEAST * 10**power <= most]
    costs: dict[str, dict[int, float]] = {name: {} for name in REQUESTS}
    took: dict[int, float] = {}
    stored: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"TESTING": True}, Settings(Path(folder), f"sqlite:///{folder}/research.db", "benchmark"))
        with app.app_context():
            prepare_database(Path(folder))
            empty = Path(folder, "research.db").stat().st_size
        for size in sizes:
            with app.app_context():
                with reading() as session:
                    there = runs_overall(session)
                busy = time.process_time()
                fill(size - there)
                took[size] = (time.process_time() - busy) / (size - there) * 1e6
                db.session.remove()
            stored[size] = (Path(folder, "research.db").stat().st_size - empty) / size
            for name, path in REQUESTS.items():
                costs[name][size] = measure(app, path)[2]
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, SQLite, processor ms\n")
    print(f"| Runs | {' | '.join(f'{size:,}' for size in sizes)} | exponent |\n|--|{'--:|' * (len(sizes) + 1)}")
    for name, row in costs.items():
        print(f"| {name} | {' | '.join(f'{cost:.1f}' for cost in row.values())} | {exponent(row):.2f} |")
    print(f"| storing a run with its 5 steps, µs | {' | '.join(f'{cost:.0f}' for cost in took.values())} | |")
    print(f"| bytes a run, with indexes | {' | '.join(f'{size:,.0f}' for size in stored.values())} | |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
